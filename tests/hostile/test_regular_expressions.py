"""What this process itself searches in the files of strangers, it searches in linear time."""

from __future__ import annotations

import importlib
import pkgutil
import re
import time
from collections.abc import Iterator
from itertools import product
from typing import Any

import pytest

import dockfix
from dockfix.confined import work
from dockfix.repository.manifests import _SERVICE

PACKAGES = ("repository", "files", "discovery", "output", "terminal", "config")
"""Those that work outside of confined processes. Names of files, of 255 bytes at most, are left out."""
SIZE = 12_000
SECONDS = 0.25
"""A quadratic search of so many characters takes longer; a linear one takes milliseconds."""
MATCHED = frozenset({_SERVICE.pattern})
"""Those that are tried in one place alone."""
PIECES = (
    " ",
    "\t",
    "\n",
    "a",
    "a ",
    "\n ",
    "#",
    "\\",
    '"',
    '"\\',
    "${",
    "${{",
    "$(",
    "`",
    "<<A\n",
    "/*",
    "{",
)
MORE = ("}", "[", "--a ", "a=", ",", ":", "a.", "a/", "-", "$a-", "${A:-", "a\n", "0")


def patterns() -> Iterator[tuple[str, re.Pattern[Any]]]:
    """Those that modules keep, alone or in tables."""
    for module in pkgutil.walk_packages(dockfix.__path__, "dockfix."):
        if module.name.split(".")[1] not in PACKAGES or module.name == "dockfix.files.naming":
            continue
        for name, value in vars(importlib.import_module(module.name)).items():
            for number, one in enumerate(_within(value)):
                yield f"{module.name}.{name}.{number}", one


def _within(value: object) -> Iterator[re.Pattern[Any]]:
    if isinstance(value, re.Pattern):
        yield value
    elif isinstance(value, tuple | list | frozenset | set):
        for one in value:
            yield from _within(one)
    elif isinstance(value, dict):
        for one in value.values():
            yield from _within(one)


def literals(pattern: str) -> list[str]:
    """Words of the pattern, from which its own worst inputs are made."""
    return sorted(set(re.findall(r"[A-Za-z]{2,}", pattern)))[:6]


def slowest(asked: tuple[str | bytes, int]) -> tuple[float, str]:
    """The longest search of one pattern, and what was repeated in its input."""
    pattern, flags = asked
    compiled: re.Pattern[Any] = re.compile(pattern, flags)
    words = literals(pattern if isinstance(pattern, str) else pattern.decode())
    worst = (0.0, "")
    for head, piece in product(("", *words), (*PIECES, *MORE, *words, *(word + " " for word in words))):
        text = head + piece * (SIZE // len(piece)) + "\x00"
        start = time.process_time()
        written = text if isinstance(pattern, str) else text.encode()
        if pattern in MATCHED:
            compiled.match(written)
        else:
            compiled.findall(written)
        worst = max(worst, (time.process_time() - start, f"{head!r} and {piece!r}"))
    return worst


KNOWN = {(one.pattern, one.flags): name for name, one in patterns()}


@pytest.mark.parametrize("asked", KNOWN, ids=KNOWN.get)
def test_time_is_linear(asked: tuple[str, int]) -> None:
    pattern, flags = asked
    found = work(slowest, (pattern, flags & ~re.DEBUG), seconds=30)
    assert isinstance(found, tuple), found
    assert found[0] < SECONDS, found
