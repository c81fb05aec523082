"""Shell completion: the names that an option's value may contain."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Final

from dockfix.config.keys import names_of


def complete(flag: str, incomplete: str) -> list[str]:
    """The values of an option that start with the text; list options accept several, separated by commas."""
    if flag in _LISTS:
        before, comma, last = incomplete.rpartition(",")
        return [before + comma + name for name in names_of(flag.removeprefix("--")) if name.startswith(last)]
    return [name for name in _NAMES[flag]() if name.startswith(incomplete)]


def _codes() -> Iterable[str]:
    from dockfix.explain.codes import all_codes

    return (code.name for code in all_codes())


def _engines() -> Iterable[str]:
    from dockfix.verify.engine import ENGINES

    return ENGINES


def _formats() -> Iterable[str]:
    from dockfix.output.reports import FORMATS

    return ("github", *(f"{name}:" for name in FORMATS))


_LISTS: Final = ("--select", "--ignore", "--accept", "--languages")
_NAMES: Final[Mapping[str, Callable[[], Iterable[str]]]] = {
    "--explain": _codes,
    "--base": lambda: names_of("base"),
    "--engine": _engines,
    "--report": _formats,
    "--split-by": lambda: ("owner", "dir"),
}
COMPLETED: Final = frozenset((*_LISTS, *_NAMES))
"""The options whose values are completed here; those with a few choices know them by themselves."""
