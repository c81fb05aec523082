"""What a platform provides to every image that it runs, and without which some do not start."""

from __future__ import annotations

import re
from collections.abc import Container, Mapping
from typing import Any, Final

_PORT: Final = "8080"
# Cloud Run, Heroku and their like set PORT; ${PORT:-8000} does without.
_ASKS: Final = re.compile(r"\$PORT\b|\$\{PORT\}")


def platform_flags(config: Mapping[str, Any], given: Container[str] = ()) -> tuple[str, ...]:
    """Flags to create a container of an image with that config: PORT, if its start needs it.

    `given` are the names of the settings that the container gets anyway.
    """
    start = " ".join([*(config.get("Entrypoint") or ()), *(config.get("Cmd") or ())])
    is_set = "PORT" in given or any(entry.startswith("PORT=") for entry in config.get("Env") or ())
    return ("--env", f"PORT={_PORT}") if _ASKS.search(start) and not is_set else ()
