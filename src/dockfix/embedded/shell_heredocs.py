"""Dockerfiles in heredocs of shell scripts: `cat > Dockerfile <<EOF`, `docker build - <<'EOF'`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Final

from dockfix.embedded.excerpts import Cell, Excerpt, Piece, line_end, plain_cells, rewrite
from dockfix.embedded.layers import Cells, Holes, NotFollowed, fill_shell, text_of
from dockfix.embedded.recognition import is_dockerfile, may_hold_dockerfile
from dockfix.results import Result

_START: Final = re.compile(
    r"(?<![<\d\w])\d*<<(?P<tabs>-?)[ \t]*(?P<quote>\\?['\"]?)(?P<name>[A-Za-z_][\w.-]*)['\"]?(?=[\s;|&>)]|$)"
)


def rewrite_script(
    source: str, fix: Callable[[str], Result], *, unsafe: bool = False
) -> tuple[str, tuple[Result, ...]]:
    """A shell script with every Dockerfile in a heredoc fixed, and the result for each.

    In a heredoc whose terminator is not quoted, the shell's expansions become holes.
    """
    if "<<" not in source or not may_hold_dockerfile(source):
        return source, ()
    return rewrite(source, _excerpts, fix, unsafe=unsafe)


def _excerpts(source: str) -> list[Excerpt]:
    cells = tuple(plain_cells(source, 0, len(source)))
    eol = line_end(source)
    found = heredoc_excerpts(cells, Holes(), "", lambda text: text.replace("\n", eol))
    return [excerpt for excerpt in found if excerpt.obstacle or is_dockerfile(excerpt.text)]


def heredoc_excerpts(
    cells: Cells, holes: Holes, margin: str, escape: Callable[[str], str]
) -> Iterator[Excerpt]:
    """The bodies of a script's heredocs; `margin` precedes each line of the script in the file."""
    lines = list(_lines(cells))
    at = 0
    while at < len(lines):
        line = text_of(lines[at]).removesuffix("\n")
        at += 1
        if line.lstrip().startswith("#"):
            continue
        for match in _START.finditer(line):
            end = _terminator(lines, at, match["name"], tabs=bool(match["tabs"]))
            if end is None:
                return
            body = lines[at:end]
            at = end + 1
            if may_hold_dockerfile(text_of([cell for one in body for cell in one])):
                yield _excerpt(body, match, holes, margin, escape)


def _excerpt(
    body: list[Cells], match: re.Match[str], holes: Holes, margin: str, escape: Callable[[str], str]
) -> Excerpt:
    tabs = ""
    if match["tabs"]:
        tabs = _tabs(body)
        body = [_untabbed(line) for line in body]
    cells = tuple(cell for line in body for cell in line)
    pieces = (Piece(escape),)
    if match["quote"]:
        return Excerpt(cells, pieces, margin + tabs)
    try:
        return Excerpt(fill_shell(cells, holes), pieces, margin + tabs, _quote)
    except NotFollowed as why:
        return Excerpt(cells, pieces, obstacle=str(why) if is_dockerfile(text_of(cells)) else "")


def _quote(text: str) -> str:
    return re.sub(r"([\\$`])", r"\\\1", text)


def _tabs(body: list[Cells]) -> str:
    return next((re.match(r"\t*", text_of(line))[0] for line in body if text_of(line).strip()), "")  # type: ignore[index]


def _untabbed(line: Cells) -> Cells:
    text = text_of(line)
    return line[len(text) - len(text.lstrip("\t")) :]


def _terminator(lines: list[Cells], at: int, name: str, *, tabs: bool) -> int | None:
    for index in range(at, len(lines)):
        text = text_of(lines[index]).removesuffix("\n")
        if (text.lstrip("\t") if tabs else text) == name:
            return index
    return None


def _lines(cells: Cells) -> Iterator[tuple[Cell, ...]]:
    start = 0
    for index, cell in enumerate(cells):
        if cell.char == "\n":
            yield cells[start : index + 1]
            start = index + 1
    if start < len(cells):
        yield cells[start:]
