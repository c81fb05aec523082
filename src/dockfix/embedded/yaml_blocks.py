"""Dockerfiles in YAML: compose's `dockerfile_inline`, and heredocs in the scripts of workflows.

Parsed with ruamel.yaml for the spans; the module is imported only if there is YAML to rewrite.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from dockfix.embedded.excerpts import Cell, Excerpt, Piece, line_end, plain_cells, rewrite
from dockfix.embedded.layers import Cells, Holes, NotFollowed, fill_dollars, fill_expressions, text_of
from dockfix.embedded.recognition import is_dockerfile, may_hold_dockerfile
from dockfix.embedded.shell_heredocs import heredoc_excerpts
from dockfix.results import Result

Scalar = tuple[str, ScalarNode]


def rewrite_compose(
    source: str, fix: Callable[[str], Result], *, unsafe: bool = False
) -> tuple[str, tuple[Result, ...]]:
    """A compose file with every `dockerfile_inline` fixed, and the result for each.

    Compose expands `$NAME` and `${NAME}` itself: those become holes, and `$$` is a `$` of the Dockerfile.
    """
    if "dockerfile_inline" not in source:
        return source, ()
    return rewrite(source, _inline_excerpts, fix, unsafe=unsafe)


def rewrite_workflow(
    source: str, fix: Callable[[str], Result], *, unsafe: bool = False
) -> tuple[str, tuple[Result, ...]]:
    """A workflow with every Dockerfile in a heredoc of its scripts fixed."""
    if "<<" not in source or not may_hold_dockerfile(source):
        return source, ()
    return rewrite(source, _script_excerpts, fix, unsafe=unsafe)


def _inline_excerpts(source: str) -> list[Excerpt]:
    return [
        _inline_excerpt(source, node) for key, node in block_scalars(source) if key == "dockerfile_inline"
    ]


def _inline_excerpt(source: str, node: ScalarNode) -> Excerpt:
    piece = Piece(_line_ends(source))
    if node.style != "|":
        cells = tuple(plain_cells(source, node.start_mark.index, node.end_mark.index))
        return Excerpt(cells, (piece,), obstacle="write it as a literal block, after |")
    try:
        cells, margin = _block_cells(source, node)
    except NotFollowed as why:
        return Excerpt((), (piece,), obstacle=str(why))
    return Excerpt(fill_dollars(cells, Holes()), (piece,), margin, _double_dollars)


def _script_excerpts(source: str) -> list[Excerpt]:
    found: list[Excerpt] = []
    for _, node in block_scalars(source):
        if node.style != "|" or "<<" not in node.value or not may_hold_dockerfile(node.value):
            continue
        try:
            cells, margin = _block_cells(source, node)
        except NotFollowed:
            continue
        holes = Holes()
        found += heredoc_excerpts(fill_expressions(cells, holes), holes, margin, _line_ends(source))
    return [excerpt for excerpt in found if excerpt.obstacle or is_dockerfile(excerpt.text)]


def block_scalars(source: str) -> list[Scalar]:
    """(key or "" in a list, scalar) for all scalars of all documents, in source order.

    None for invalid YAML.
    """
    try:
        roots = list(YAML(typ="safe", pure=True).compose_all(source))
    except (YAMLError, NotImplementedError, ValueError):  # NotImplementedError: comments that overlap
        return []
    return sorted(
        (one for root in roots if root is not None for one in _scalars("", root)),
        key=lambda one: one[1].start_mark.index,
    )


def _scalars(key: str, node: Node) -> Iterator[Scalar]:
    if isinstance(node, ScalarNode):
        yield key, node
    elif isinstance(node, SequenceNode):
        for item in node.value:
            yield from _scalars(key, item)
    elif isinstance(node, MappingNode):
        for name, value in node.value:
            yield from _scalars(str(name.value), value)


def _block_cells(source: str, node: ScalarNode) -> tuple[Cells, str]:
    """The cells of a literal block (`|`), and its indentation. Raises NotFollowed if it is unusual."""
    header = source.index("\n", node.start_mark.index) + 1
    end = node.end_mark.index
    lines = list(_source_lines(source, header, end))
    first = next((line for start, line in lines if line.strip()), "")
    explicit = re.match(r"[|>][+-]?([1-9])", source[node.start_mark.index :])
    width = len(first) - len(first.lstrip(" "))
    if explicit or not width:
        raise NotFollowed("its block has an indentation indicator")
    cells: list[Cell] = []
    for start, line in lines:
        cells += plain_cells(source, start + min(width, len(line.rstrip("\r\n"))), start + len(line))
    value = str(node.value)
    text = text_of(cells)
    kept = len(value) if text.startswith(value) else -1
    if kept < 0 or text[kept:].strip():
        raise NotFollowed("YAML reads its block differently")
    return tuple(cells[:kept]), " " * width


def _source_lines(source: str, start: int, end: int) -> Iterator[tuple[int, str]]:
    while start < end:
        stop = source.find("\n", start) + 1 or len(source)
        yield start, source[start : min(stop, end)]
        start = stop


def _line_ends(source: str) -> Callable[[str], str]:
    eol = line_end(source)
    return lambda text: text.replace("\n", eol)


def _double_dollars(text: str) -> str:
    return text.replace("$", "$$")
