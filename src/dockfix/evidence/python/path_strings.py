"""The paths in the texts of an application: those that may name a file, those that it may write."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Final

from dockfix.knowledge import read_table

_RELATIVE: Final = r"\w[\w.@+-]*(?:/[\w.@+-]+)*"
_MENTIONED: Final = re.compile(rf"/(?:(?<![\w/:.<-]/)|(?<=sqlite:///)|(?<=sqlite:////)){_RELATIVE}")
_NAMED: Final = re.compile(rf"['\"](\.{{0,2}}/?{_RELATIVE}/?)['\"]")
_IN_HOME: Final = re.compile(rf"['\"](?:~|\$HOME)/(\.?{_RELATIVE}/?)['\"]")
_UPWARDS: Final = re.compile(r"['\"]\.\.(?:/|['\"])")
_ASKING: Final = tuple(
    f"{name}(" for name in "stat lstat exists isfile isdir access getsize getmtime".split()
)
_ROUTING: Final = (
    *("route(", "Route(", ".mount(", "Mount(", "prefix=", "add_url_rule("),
    *(f".{name}(" for name in "get post put patch delete head options websocket add_get add_post".split()),
)
"""What stands before the path of a route: of Flask, FastAPI, Starlette and aiohttp."""
_NEAR: Final = 80
_COMMENT: Final = re.compile(r"^[ \t]*#[^\n]*", re.MULTILINE)
_VALUE: Final = re.compile(rf"(?:[=:\[{{,]|\b[A-Z]\w{{0,40}}\() {{0,8}}['\"](/{_RELATIVE})/?['\"]")
_OF_WEB: Final = re.compile(
    r"(?i)(?:url|uri|route|endpoint|prefix|href|api|static|template)\w{0,20}['\"]?(?::\s?\w{1,20})?"
    r"\s?[=:(]\s?['\"]$"
)
"""What names an address below a host, and what a server only reads."""
_OPENING: Final = re.compile(r"\bopen\($")
_TO_READ: Final = re.compile(
    r"[^'\"\n]*['\"]\s*(?:\)|,\s*(?:(?:mode\s*=\s*)?['\"]r[bt]?['\"]|encoding=|newline=|errors=))"
)
_PATH: Final = re.compile(r"\bPath\($")
_ASKED: Final = re.compile(
    r"[^'\"\n]*['\"]\)\.(?:read_\w+|exists|is_file|is_dir|iterdir|r?glob|stat|open\(\))"
)


@lru_cache(maxsize=512)
def find_names(source: str) -> frozenset[str]:
    """The strings that may name a file whose content matters, and `..` if one leads upwards.

    Those that name one in a home are without it.
    """
    found = {one[1] for one in _NAMED.finditer(source) if not _is_other(one[1], _before(source, one.start()))}
    found.update(_IN_HOME.findall(source))
    return frozenset(found | {".."} if _UPWARDS.search(source) else found)


@lru_cache(maxsize=512)
def find_mentions(source: str) -> frozenset[str]:
    """The absolute paths anywhere in a text."""
    return frozenset(_MENTIONED.findall(source))


def find_uses(texts: Iterable[str]) -> tuple[frozenset[str], frozenset[str]]:
    """The paths, as written, in sources and settings files: all of them, and those only read.

    Relative ones are whole strings, absolute ones stand anywhere but in comments.
    """
    found = [one for text in texts for one in _find_uses(_COMMENT.sub("", text))]
    written = {path for path, is_only_read in found if not is_only_read}
    return frozenset(path for path, _ in found), frozenset(path for path, _ in found if path not in written)


def _find_uses(text: str) -> Iterator[tuple[str, bool]]:
    """(path, whether it is only read there) for each place that names a path."""
    for pattern, group in ((_NAMED, 1), (_MENTIONED, 0)):
        for one in pattern.finditer(text):
            before = _before(text, one.start(group))
            # "0.0.0.0", "1.2": an address or a version.
            is_path = not one[group].replace(".", "").isdecimal() and not _is_other(one[group], before)
            if is_path:
                yield one[group], _is_only_read(before, text, one.end(group))


def find_values(source: str) -> Iterator[tuple[int, str]]:
    """(offset, path) of each absolute path that a name, a key, a list or an object of a class holds."""
    for match in _VALUE.finditer(source):
        # One letter is an option of a command for Windows: `cmd.exe /c`.
        if len(match[1]) > 2 and not _OF_WEB.search(source, max(0, match.start() - _NEAR), match.start(1)):
            yield match.start(1), match[1]


def _before(text: str, at: int) -> str:
    """What stands before a string, or before the first character of a text in it."""
    return text[max(0, at - _NEAR) : at].rstrip("'\"").rstrip()


def _is_other(name: str, before: str) -> bool:
    """Whether a string is the path of a route, or of a file about which only its attributes are asked."""
    return before.endswith(_ASKING) or (name.startswith("/") and before.endswith(_ROUTING))


def _is_only_read(before: str, text: str, end: int) -> bool:
    """Whether a string that ends at `end` is given to a call that only reads the file."""
    if _OPENING.search(before):
        return _TO_READ.match(text, end) is not None
    if _PATH.search(before):
        return _ASKED.match(text, end) is not None
    return _reading().search(before) is not None


@lru_cache(maxsize=1)
def _reading() -> re.Pattern[str]:
    """What stands before a string that is only read: `load_dotenv(`, `static_folder=`."""
    table = read_table("python")["reading"]
    calls, keywords = "|".join(table["calls"]), "|".join(table["keywords"])
    return re.compile(rf"(?:\b(?:{calls})\(|\b(?:{keywords})=)$")
