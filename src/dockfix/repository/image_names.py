"""The names of images in tags."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from dockfix.repository.arguments import UNKNOWN, fill_defaults

_EXPRESSION: Final = re.compile(r"\$\{\{(?:[^{}\n]|\{(?!\{)|\}(?!\}))*\}\}|\$\{?\w+\}?|\$\([^()\n]*\)")


def image_names(tags: Iterable[object]) -> tuple[str, ...]:
    """The names in tags, without tag and digest; names that contain a variable are left out."""
    names: dict[str, None] = {}
    for tag in tags:
        for line in str(tag).replace(",", "\n").split("\n"):
            text = _EXPRESSION.sub("\0", fill_defaults(line.strip())).partition("@")[0]
            head, slash, last = text.rpartition("/")
            name = head + slash + last.partition(":")[0]
            if name and not {"\0", UNKNOWN}.intersection(name):
                names[name] = None
    return tuple(names)
