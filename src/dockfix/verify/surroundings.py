"""What hosting platforms provide to every image, and some images need to start."""

from __future__ import annotations

import re
from collections.abc import Container, Mapping
from typing import Any, Final

_PORT: Final = "8080"
# Cloud Run, Heroku and the like set PORT; ${PORT:-8000} does not need it.
_ASKS: Final = re.compile(r"\$PORT\b|\$\{PORT\}")


def platform_flags(config: Mapping[str, Any], given: Container[str] = ()) -> tuple[str, ...]:
    """Flags for creating a container of an image with that config: PORT, if its start needs it.

    `given` are the names of the variables that the container gets anyway.
    """
    start = " ".join([*(config.get("Entrypoint") or ()), *(config.get("Cmd") or ())])
    is_set = "PORT" in given or any(entry.startswith("PORT=") for entry in config.get("Env") or ())
    return ("--env", f"PORT={_PORT}") if _ASKS.search(start) and not is_set else ()
