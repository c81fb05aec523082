"""What a platform gives to every image that it runs, and without which some do not start."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

_PORT: Final = "8080"
# Cloud Run, Heroku and their like set PORT; ${PORT:-8000} does without.
_ASKS: Final = re.compile(r"\$PORT\b|\$\{PORT\}")


def platform_flags(config: Mapping[str, Any]) -> tuple[str, ...]:
    """Flags to create a container of an image of that config: PORT, where its start asks and nobody says."""
    start = " ".join([*(config.get("Entrypoint") or ()), *(config.get("Cmd") or ())])
    is_set = any(entry.startswith("PORT=") for entry in config.get("Env") or ())
    return ("--env", f"PORT={_PORT}") if _ASKS.search(start) and not is_set else ()
