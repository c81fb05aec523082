"""Dockerfiles in documentation: Markdown's fenced blocks, reStructuredText's code blocks."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Final

from dockfix.embedded.excerpts import Cell, Excerpt, Piece, line_end, plain_cells, rewrite
from dockfix.embedded.recognition import is_dockerfile, may_hold_dockerfile
from dockfix.results import Result

LANGUAGES: Final = frozenset({"dockerfile", "docker", "containerfile"})

_DIRECTIVE: Final = re.compile(r"( *)\.\. (?:code-block|sourcecode|code):: *(\S+) *$")


def rewrite_markdown(
    source: str, fix: Callable[[str], Result], *, unsafe: bool = False
) -> tuple[str, tuple[Result, ...]]:
    """A Markdown text with every fenced block fixed that is marked as a Dockerfile and is a whole one."""
    if not may_hold_dockerfile(source):
        return source, ()
    return rewrite(source, _fences, fix, unsafe=unsafe)


def rewrite_restructured(
    source: str, fix: Callable[[str], Result], *, unsafe: bool = False
) -> tuple[str, tuple[Result, ...]]:
    """A reStructuredText with every code block fixed that is marked as a Dockerfile and is a whole one."""
    if not may_hold_dockerfile(source):
        return source, ()
    return rewrite(source, _code_blocks, fix, unsafe=unsafe)


def _fences(source: str) -> list[Excerpt]:
    from markdown_it import MarkdownIt

    if "\r" in source.replace("\r\n", "") or "\0" in source:
        return []
    lines = _lines(source)
    found = []
    for token in MarkdownIt("commonmark").parse(source):
        language = token.info.strip().split(" ")[0].lower().strip("{}.")
        if token.type != "fence" or language not in LANGUAGES or token.map is None:
            continue
        content = token.content.split("\n")[:-1]
        body = lines[token.map[0] + 1 : token.map[0] + 1 + len(content)]
        if len(body) == len(content) and (excerpt := _block(source, body, content)):
            found.append(excerpt)
    return found


def _code_blocks(source: str) -> list[Excerpt]:
    lines = _lines(source)
    found = []
    at = 0
    while at < len(lines):
        match = _DIRECTIVE.match(_bare(lines[at][1]))
        at += 1
        if match is None or match[2].lower() not in LANGUAGES:
            continue
        body = _indented_body(lines, at, len(match[1]))
        while body and (body[0][1].lstrip().startswith(":") or not body[0][1].strip()):
            body.pop(0)
        while body and not body[-1][1].strip():
            body.pop()
        first = body[0][1] if body else ""
        width = len(first) - len(first.lstrip(" "))
        content = [_bare(line)[width:] for _, line in body]
        if excerpt := _block(source, body, content):
            found.append(excerpt)
    return found


def _indented_body(lines: list[tuple[int, str]], at: int, indent: int) -> list[tuple[int, str]]:
    body: list[tuple[int, str]] = []
    for start, line in lines[at:]:
        if line.strip() and len(line) - len(line.lstrip(" ")) <= indent:
            break
        body.append((start, line))
    return body


def _block(source: str, body: list[tuple[int, str]], content: list[str]) -> Excerpt | None:
    """The excerpt of a block whose lines are suffixes of source lines.

    None otherwise, or if not a Dockerfile.
    """
    if not is_dockerfile("\n".join(content) + "\n"):
        return None
    cells: list[Cell] = []
    margin: str | None = None
    for (start, line), text in zip(body, content, strict=True):
        if not _bare(line).endswith(text):
            return None
        lead = len(_bare(line)) - len(text)
        if margin is None and text.strip():
            margin = line[:lead]
        cells += plain_cells(source, start + lead, start + len(line))
    eol = line_end(source)
    return Excerpt(tuple(cells), (Piece(lambda text: text.replace("\n", eol)),), margin or "")


def _bare(line: str) -> str:
    return line.rstrip("\n").rstrip("\r")


def _lines(source: str) -> list[tuple[int, str]]:
    return list(_split(source))


def _split(source: str) -> Iterator[tuple[int, str]]:
    at = 0
    while at < len(source):
        end = source.find("\n", at) + 1 or len(source)
        yield at, source[at:end]
        at = end
