"""Move Python Dockerfiles off root: `fix(text, options)` returns the complete fix, or why there is none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dockfix.context import Context
    from dockfix.options import Chown, Install, OptionError, Options
    from dockfix.pipeline import fix
    from dockfix.results import Changed, Failed, Finding, Result, Skipped, Unchanged

__all__ = [
    "Changed",
    "Chown",
    "Context",
    "Failed",
    "Finding",
    "Install",
    "OptionError",
    "Options",
    "Result",
    "Skipped",
    "Unchanged",
    "fix",
]
__version__ = "0.1.0"

_HOMES = {"Context": "context", "fix": "pipeline"} | dict.fromkeys(
    ("Chown", "Install", "OptionError", "Options"), "options"
)


def __getattr__(name: str) -> Any:
    # Imported on demand, so that `dockfix --version` does not pay for the core.
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"dockfix.{_HOMES.get(name, 'results')}"), name)
