"""The names of images in tags."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from dockfix.repository.arguments import UNKNOWN, fill_defaults

_OPEN: Final = frozenset({"\0", UNKNOWN})
_EXPRESSION: Final = re.compile(r"\$\{\{(?:[^{}\n]|\{(?!\{)|\}(?!\}))*\}\}|\$\{?\w+\}?|\$\([^()\n]*\)")


def image_names(tags: Iterable[object]) -> tuple[str, ...]:
    """The names in tags, without tag and digest.

    A registry or folder with a variable becomes `UNKNOWN`, and so does each variable in the name itself.
    """
    names: dict[str, None] = {}
    for tag in tags:
        for line in str(tag).replace(",", "\n").split("\n"):
            text = _EXPRESSION.sub("\0", fill_defaults(line.strip())).partition("@")[0]
            head, slash, last = text.rpartition("/")
            own = last.partition(":")[0]
            own = own.replace("\0", UNKNOWN)
            if own:
                names[f"{UNKNOWN}/{own}" if _OPEN.intersection(head) else head + slash + own] = None
    return tuple(names)
