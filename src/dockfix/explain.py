"""The transforms in words, for `--list` and `--explain`."""

from __future__ import annotations

from dockfix.config import ConfigError, suggest
from dockfix.transforms import TRANSFORMS


def list_transforms() -> str:
    """A line for each transform, in their order."""
    width = max(len(transform.name) for transform in TRANSFORMS)
    return "".join(f"{transform.name:<{width}}  {transform.summary}\n" for transform in TRANSFORMS)


def explain(name: str) -> str:
    """A transform's documentation and examples. Raises ConfigError where there is none of that name."""
    for transform in TRANSFORMS:
        if transform.name == name:
            return f"{transform.name}\n\n{transform.doc.strip()}\n{_show(transform.before, transform.after)}"
    known = tuple(transform.name for transform in TRANSFORMS)
    raise ConfigError(f"--explain: unknown transform {name!r} ({suggest(name, known)})")


def _show(before: str, after: str) -> str:
    return f"\nBefore:\n\n{_indent(before)}\nAfter:\n\n{_indent(after)}"


def _indent(text: str) -> str:
    return "".join(f"    {line}\n" if line else "\n" for line in text.rstrip("\n").split("\n"))
