"""Mask constructs that the grammar misreads in a shell script, keeping its length."""

from __future__ import annotations

import re

_NOT_ASCII = re.compile(r"[^\x01-\x7f]")
_BACKTICK_COMMENT = re.compile(r"(?<!\S)`\s*#[^`]*`(?!\S)")
_HERE_STRING = re.compile(r"<<<([ \t]+)")
_NESTED_SUBSHELL = re.compile(r" \(\((?! )|\(\( ")


def mask_script(text: str) -> str:
    """The text in ASCII, one byte per character, without comments in backticks."""
    if not text.isascii() or "\0" in text:
        text = _NOT_ASCII.sub(".", text)
    if "`" in text and "#" in text:
        text = _BACKTICK_COMMENT.sub(_blank_comment, text)
    if "<<<" in text:
        text = _HERE_STRING.sub(r"\1<<<", text)
    return text


def part_subshells(text: str) -> str:
    """The text with `((` as `( (`: nested subshells, which the grammar would parse as arithmetic."""
    return _NESTED_SUBSHELL.sub("( (", text)


def _blank_comment(match: re.Match[str]) -> str:
    """Spaces in place of a comment in backticks, or `:` if it is a whole command."""
    before, after = match.string[: match.start()].rstrip()[-1:], match.string[match.end() :].lstrip()[:1]
    is_command = before in ("", "&", "|", ";", "(", "{") and after in ("", "&", "|", ";", ")")
    return (":" if is_command else " ").ljust(len(match[0]))
