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


def known_name(image: str) -> str:
    """The name of an image that is run, of which folders and tag may be open; "" if its own name is."""
    if "$" not in image:
        return image
    name = "".join(image_names([image])[:1])
    return "" if UNKNOWN in name.rpartition("/")[2] else name
