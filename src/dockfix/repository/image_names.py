"""The names of images in tags."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from dockfix.repository.arguments import UNKNOWN, fill_defaults

_OPEN: Final = frozenset({"\0", UNKNOWN})
_EXPRESSION: Final = re.compile(r"\$\{\{(?:[^{}\n]|\{(?!\{)|\}(?!\}))*\}\}|\$\{?\w+\}?|\$\([^()\n]*\)")

_VARIABLE: Final = re.compile(r"\$(?:(?P<own>[A-Za-z]\w*)|\{(?P<braced>[A-Za-z]\w*)\})(?::[^/@]*)?")
_OPEN_NAME: Final = re.compile(r"\$?\{\w+\}|\$\w+")


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


def known_name(image: str, script: str = "") -> str:
    """The name of an image that is run, of which folders and tag may be open; "" if its own name is.

    In a script, a variable that nobody sets to a plain word still names one image.
    """
    if "$" not in image:
        return image
    name = "".join(image_names([image])[:1])
    return name if UNKNOWN not in name.rpartition("/")[2] else "".join(names_in_script([image], script)[:1])


def is_open(image: str) -> bool:
    """Whether the own name of an image without its tag is nothing but a variable, perhaps a script's."""
    own = image.rpartition("/")[2]
    return own == UNKNOWN or _OPEN_NAME.fullmatch(own) is not None


def names_in_script(tags: Iterable[str], script: str) -> tuple[str, ...]:
    """The names of images that are variables of a script, below its path: `run.sh/{IMAGE}`."""
    found = (_VARIABLE.fullmatch(tag) for tag in tags if script)
    return tuple(f"{script}/{{{one['own'] or one['braced']}}}" for one in found if one)
