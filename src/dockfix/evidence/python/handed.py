"""Calls of functions that another call is given: `Thread(target=work, args=...)`, `partial(work, ...)`."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Final

from dockfix.evidence.python.calls import called_name, name_of
from dockfix.knowledge import read_names

_FAR: Final = 200
"""The maximum number of characters between the start of a call and the function that it is given."""


@lru_cache(maxsize=1)
def _handing() -> re.Pattern[str]:
    """What starts the arguments of a call that may be given a function."""
    names = "|".join(sorted(read_names("python", "names", "handing")))
    return re.compile(rf"\b(?:(?:{names})\(|target=)")


@lru_cache(maxsize=512)
def _starts(source: str) -> tuple[int, ...]:
    return tuple(match.end() for match in _handing().finditer(source))


def find_handed(source: str, name: str) -> Iterator[int]:
    """The offsets of calls that may be given a function of that name."""
    given = re.compile(rf"(?s:.)*?\b{name}[ \t]*[,)\n]")
    yield from (at for at in _starts(source) if given.match(source, at, at + _FAR))


def handed_call(call: ast.Call, name: str) -> ast.Call | None:
    """The call of a function that another one stands for, None if it is given no function of that name."""
    keywords = {one.arg: one.value for one in call.keywords}
    place = next((at for at, one in enumerate(call.args) if name_of(one) == name), -1)
    function = call.args[place] if place >= 0 else keywords.get("target")
    if function is None or name_of(function) != name:
        return None
    if "args" in keywords or "kwargs" in keywords:
        listed: list[ast.expr] = [ast.Starred(keywords["args"])] if "args" in keywords else []
        named = [ast.keyword(None, keywords["kwargs"])] if "kwargs" in keywords else []
        return ast.Call(function, listed, named)
    is_handing = place >= 0 and called_name(call) in read_names("python", "names", "handing")
    return ast.Call(function, call.args[place + 1 :], call.keywords) if is_handing else None
