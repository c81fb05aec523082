"""Split one joined instruction into words, as BuildKit's line parsers do.

dockfile-parse is used only here: its word splitter for quoted values, and its reading of FROM. Its line
splitting, dequoting and expansion differ from BuildKit's.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final, NamedTuple

from dockfix.syntax.tree import GO_SPACE

_BLANKS: Final = "\t\v\f\r "
_WORD = re.compile(f"[^{_BLANKS}]+")
# Words without escapes, in which double quotes at most enclose whitespace.
_PLAIN_WORD = re.compile(f'(?:[^{GO_SPACE}"\'`\\\\]|"[^"\'`\\\\]*")+')
_PLAINLY_QUOTED = re.compile(r"""(?:[^"'`\\]|"[^"'`\\]*")*""")
_ODD_SPACE = re.compile(f"[^\\S{_BLANKS}]")
_SWAP_ESCAPES = str.maketrans("\\`", "`\\")


def is_number(text: str) -> bool:
    """Whether a text is a whole number of at most ten digits, as user IDs, group IDs and ports are."""
    return text.isdecimal() and text.isascii() and len(text) <= 10


class Operand(NamedTuple):
    """A word of an instruction's arguments: its span in them, and its text as written."""

    start: int
    end: int
    text: str


@lru_cache(maxsize=4096)
def split_words(args: str) -> tuple[Operand, ...]:
    """The words of COPY, ADD, VOLUME, EXPOSE and FROM in shell form, where quotes do not group words."""
    return tuple(Operand(match.start(), match.end(), match[0]) for match in _WORD.finditer(args))


@lru_cache(maxsize=4096)
def key_values(args: str, escape: str = "\\") -> tuple[tuple[str, str], ...]:
    """The pairs of ENV or LABEL, including the old form `ENV name value`.

    Values are as written, with quotes.

    A word without `=`, which BuildKit rejects, is left out.
    """
    words = split_quoted_words(args, escape)
    if words and "=" not in words[0]:
        name, _, value = _partition(args)
        return ((name, value),) if value else ()
    pairs = (word.partition("=") for word in words)
    return tuple((name, value) for name, equals, value in pairs if equals)


@lru_cache(maxsize=4096)
def declared_arguments(args: str, escape: str = "\\") -> tuple[tuple[str, str | None], ...]:
    """The names of ARG, each with its default as written, or None."""
    pairs = (word.partition("=") for word in split_quoted_words(args, escape))
    return tuple((name, value if equals else None) for name, equals, value in pairs)


@lru_cache(maxsize=4096)
def image_from(args: str) -> tuple[str, str | None]:
    """(image of FROM as written, name of the stage in lower case or None)."""
    from dockerfile_parse.parser import image_from as read

    if _ODD_SPACE.search(args):
        # The library would end the image's name there.
        return next(iter(args.split(" ")), ""), None
    image, name = read(args)
    return image or "", name.lower() if name else None


def _partition(args: str) -> tuple[str, str, str]:
    match = re.search(f"[{_BLANKS}]+", args)
    return (args[: match.start()], match[0], args[match.end() :]) if match else (args, "", "")


@lru_cache(maxsize=4096)
def split_quoted_words(args: str, escape: str) -> tuple[str, ...]:
    """Words of ENV, LABEL and ARG: quotes and escapes group them, and are kept."""
    if _PLAINLY_QUOTED.fullmatch(args):
        return tuple(_PLAIN_WORD.findall(args))
    from dockerfile_parse.util import WordSplitter

    if escape == "\\":
        return tuple(WordSplitter(args).split(dequote=False))
    # The splitter supports only the backslash, so swap it with the backtick.
    words = WordSplitter(args.translate(_SWAP_ESCAPES)).split(dequote=False)
    return tuple(word.translate(_SWAP_ESCAPES) for word in words)
