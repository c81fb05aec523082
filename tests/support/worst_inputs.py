"""Texts on which a regular expression works hardest, made of its own syntax tree."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from itertools import islice, product
from typing import Any, Final

kinds: Any = import_module("re._constants")
sre: Any = import_module("re._parser")

SAMPLES: Final = 4
"""How many texts of one part are tried."""
CATEGORIES: Final = {
    kinds.CATEGORY_DIGIT: "0",
    kinds.CATEGORY_NOT_DIGIT: "a-",
    kinds.CATEGORY_SPACE: " \n",
    kinds.CATEGORY_NOT_SPACE: "a-",
    kinds.CATEGORY_WORD: "a0",
    kinds.CATEGORY_NOT_WORD: "- ",
}
CANDIDATES: Final = "a0 -/.\t\n\"'\\=:,;$({[<#@_A~`"


def worst_inputs(pattern: str, flags: int) -> Iterator[tuple[str, str]]:
    """(head, piece): the head before many of the piece is what the expression may read far into."""
    seen = set()
    for head, piece in _repeats(list(sre.parse(pattern, flags)), [""]):
        for one in ((head, piece), ("", head + piece), ("", head)):
            if one[1] and one not in seen:
                seen.add(one)
                yield one


def _repeats(nodes: list[Any], heads: list[str]) -> Iterator[tuple[str, str]]:
    """For each part that repeats: what stands before it, and what it repeats."""
    for node in nodes:
        kind, value = node
        if kind in (kinds.MAX_REPEAT, kinds.MIN_REPEAT, kinds.POSSESSIVE_REPEAT):
            _, most, body = value
            if most > 20:
                yield from product(heads, _samples(list(body)))
            yield from _repeats(list(body), heads)
        elif kind is kinds.SUBPATTERN:
            yield from _repeats(list(value[-1]), heads)
        elif kind is kinds.ATOMIC_GROUP:
            yield from _repeats(list(value), heads)
        elif kind is kinds.BRANCH:
            for branch in value[1]:
                yield from _repeats(list(branch), heads)
        elif kind in (kinds.ASSERT, kinds.ASSERT_NOT):
            yield from _repeats(list(value[1]), heads)
        heads = _joined(heads, _of(node))


def _samples(nodes: list[Any]) -> list[str]:
    found = [""]
    for node in nodes:
        found = _joined(found, _of(node))
    return found


def _joined(heads: list[str], tails: list[str]) -> list[str]:
    """Some of the ways to join them; every tail is among them."""
    return list(dict.fromkeys(islice((head + tail for tail in tails for head in heads), SAMPLES * 2)))[
        :SAMPLES
    ]


def _of(node: Any) -> list[str]:
    """A few texts that one part matches."""
    kind, value = node
    match kind:
        case kinds.LITERAL:
            return [chr(value)]
        case kinds.NOT_LITERAL:
            return [char for char in CANDIDATES if ord(char) != value][:2]
        case kinds.ANY:
            return ["a", " "]
        case kinds.IN:
            return list(_members(value))[:SAMPLES]
        case kinds.SUBPATTERN:
            return _samples(list(value[-1]))
        case kinds.ATOMIC_GROUP:
            return _samples(list(value))
        case kinds.BRANCH:
            return [text for branch in value[1] for text in _samples(list(branch))[:2]][: SAMPLES * 2]
        case kinds.MAX_REPEAT | kinds.MIN_REPEAT | kinds.POSSESSIVE_REPEAT:
            least, most, body = value
            once = _samples(list(body))
            return [text * (least or 1) for text in once] + ([""] if least == 0 else []) if most else [""]
        case _:
            return [""]


def _members(parts: list[Any]) -> Iterator[str]:
    """Characters of a set."""
    if parts[0][0] is kinds.NEGATE:
        outside = set("".join(_members(parts[1:])))
        inside = "".join(map(chr, _ranges(parts[1:])))
        yield from (char for char in CANDIDATES if char not in outside and char not in inside)
        return
    for kind, value in parts:
        if kind is kinds.LITERAL:
            yield chr(value)
        elif kind is kinds.RANGE:
            yield chr(value[0])
        elif kind is kinds.CATEGORY:
            yield from CATEGORIES[value]


def _ranges(parts: list[Any]) -> Iterator[int]:
    for kind, value in parts:
        if kind is kinds.RANGE:
            yield from range(value[0], min(value[1], 0x2100) + 1)
