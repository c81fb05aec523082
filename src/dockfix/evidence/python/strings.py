"""What formats and the methods of strings and paths make of texts, in which a HOLE is an unknown part."""

from __future__ import annotations

import re
import string
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Final, NamedTuple

from dockfix.evidence.python.constants import HOLE, Texts, Value, Values, concatenate, parent_of, texts_of
from dockfix.knowledge import read_names

_CONVERSION: Final = re.compile(r"%(?:\((\w+)\))?([-+ #0-9.*]*)([a-zA-Z%])")
_RENAMING: Final = ("with_suffix", "with_name", "with_stem")
MAX_ARGUMENT: Final = 256
"""The maximum length of an argument of a method: `replace` may repeat it for each character."""


class Field(NamedTuple):
    """A field of a format: the number or name of its argument, and whether that is put in unchanged."""

    key: int | str
    is_plain: bool


def split_percent(text: str) -> Iterator[str | Field]:
    """The texts and fields of a format of the operator `%`."""
    at = number = 0
    for match in _CONVERSION.finditer(text):
        name, flags, kind = match.groups()
        yield text[at : match.start()] + ("%" if kind == "%" else "")
        at = match.end()
        if kind != "%":
            yield Field(name or number, kind in "sd" and not flags)
            number += 1
    yield text[at:]


def split_format(text: str) -> Iterator[str | Field]:
    """The texts and fields of a format of `str.format`; a HOLE follows where it is not valid."""
    number = 0
    try:
        for before, name, spec, conversion in string.Formatter().parse(text):
            yield before
            if name is not None:
                key = name or str(number)
                number += not name
                is_plain = key.isidentifier() or key.isdecimal()
                yield Field(int(key) if key.isdecimal() else key, is_plain and not spec and not conversion)
    except ValueError:
        yield HOLE


def split_template(text: str) -> Iterator[str | Field]:
    """The texts and fields of a format of `string.Template`."""
    at = 0
    for match in string.Template.pattern.finditer(text):
        name = match["named"] or match["braced"]
        yield text[at : match.start()] + ("" if name else "$" if match["escaped"] else match[0])
        at = match.end()
        if name:
            yield Field(name, is_plain=True)
    yield text[at:]


@dataclass(frozen=True, slots=True)
class Arguments:
    """What is put into a format: the values by number and by name."""

    numbered: Sequence[Values]
    named: Mapping[str, Values] = field(default_factory=dict)

    def fill(self, parts: Iterable[str | Field], *, certain: bool) -> Iterator[Value]:
        """The texts of a format, one for each combination of values."""
        filled = (((one, certain),) if isinstance(one, str) else self._texts(one) for one in parts)
        return concatenate(filled)

    def _texts(self, one: Field) -> Texts:
        if isinstance(one.key, str):
            values = self.named.get(one.key, ())
        else:
            values = self.numbered[one.key] if one.key < len(self.numbered) else ()
        return texts_of(values) if one.is_plain else ((HOLE, True),)


def apply_method(text: str, name: str, given: Sequence[str | int]) -> str | list[str]:
    """The result of a method of a string or a path, a HOLE if it is unknown."""
    is_known = HOLE not in text and all(len(str(one)) <= MAX_ARGUMENT for one in given)
    try:
        if name in _RENAMING:
            renamed = getattr(PurePosixPath(text), name)(*given) if is_known and given else None
            return str(renamed or PurePosixPath(parent_of(text), HOLE))
        if name in _names("text_methods") and (is_known or name != "replace"):
            changed: str = getattr(text, name)(*given)
            return changed
        if name in _names("splitting_methods") and is_known:
            return list(getattr(text, name)(*given))
    except (TypeError, ValueError):
        return HOLE
    return text if name in _names("same_methods") else HOLE


def _names(kind: str) -> frozenset[str]:
    return read_names("python", "values", kind)
