"""Names of files by which they are known."""

from __future__ import annotations

import re
from typing import Final

COMPOSE_NAME: Final = re.compile(r"(?:compose|stack|swarm)(?:(?!compose|stack|swarm)[^/])*\.ya?ml$")
"""Names of compose files, and of those that `docker stack deploy` takes (`docker-stack.yml`)."""
