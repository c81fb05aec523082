"""Where the text of a module may set attributes and keys: `X.name =`, `X["name"] =`, `X.update(name=1)`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from itertools import pairwise
from typing import Final

_TARGET: Final = re.compile(
    r"[.\[](?:(?<=\[)['\"]?)?(\w+)(?:['\"]?\])?[ \t]*(?:[:,][^\n=()<>!]{0,80})?"
    r"[+/|]?=(?!=| *(?:None|True|False|\d+|\[\]|\{\})\s)"
)
_SETTER: Final = re.compile(r"\b(?:update|from_mapping|setdefault|setattr|__setattr__|insert)\(")
_ITEM: Final = re.compile(
    r"\b(\w+)(?:\[[^\]\n]{0,80}\][ \t]*(?::[^\n=()<>!]{0,80})?=(?!=)"
    r"|\.(?:append|appendleft|add|insert|setdefault|update)\()"
)
_GIVEN: Final = re.compile(r"\b(\w+)['\"]?[ \t]*[=:,]")
_FAR: Final = 4000
"""The maximum number of characters of a call's arguments to search."""


@lru_cache(maxsize=512)
def find_assigned(source: str) -> Mapping[str, tuple[int, ...]]:
    """The sorted offsets at which a source may set an attribute or key, by name; `NAME[]`: any of NAME."""
    found = [(match[1], match.start()) for match in _TARGET.finditer(source)]
    found += ((f"{match[1]}[]", match.start()) for match in _ITEM.finditer(source))
    starts = [match.end() for match in _SETTER.finditer(source)]
    for start, following in pairwise([*starts, len(source)]):
        given = _GIVEN.findall(source, start, min(start + _FAR, following))
        found += ((name, start) for name in given)
    offsets: dict[str, set[int]] = {}
    for name, offset in found:
        offsets.setdefault(name, set()).add(offset)
    return {name: tuple(sorted(places)) for name, places in offsets.items()}
