"""Helm charts: their templates rendered with the chart's own values, and the containers in the result.

See "Chart Template Guide" in the documentation of Helm. Nothing is executed. A container or a mount that only
other values bring is read too: a chart offers it to everybody who installs it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from dockfix.context import Deployment, Mount, Setting
from dockfix.repository.charts import Charts, Way
from dockfix.repository.go_templates import Template, parse_template
from dockfix.repository.kubernetes import read_kubernetes
from dockfix.repository.manifest_parts import split_documents
from dockfix.repository.neighbours import Read
from dockfix.repository.template_functions import FUNCTIONS
from dockfix.repository.template_rendering import UNKNOWN, Renderer
from dockfix.repository.yaml_nodes import read_documents

_LONE: Final = re.compile(r"^[ \t]*\$[ \t]*$", re.MULTILINE)


def read_chart(path: str, text: str, chart: str, read: Read) -> Iterator[Deployment]:
    """The containers of a template of the chart in a folder, with its lines; settings have no offsets."""
    try:
        template = parse_template(text)
    except (ValueError, RecursionError):
        return
    charts = Charts(read)
    defined = {**template.defined, **charts.defined(chart, text)}
    found: dict[Deployment, None] = {}
    for number, way in enumerate(charts.ways(chart)):
        dot = _dot(path, chart, way)
        known = {(one.name, one.line): one for one in _render(path, template, dot, defined, offers=False)}
        # What a chart offers beyond its values is the same for all ways to install it.
        for one in _render(path, template, dot, defined, offers=True) if not number else ():
            known[one.name, one.line] = _with_offers(known.get((one.name, one.line)), one)
        found |= dict.fromkeys(known.values())
    yield from found


def _with_offers(exact: Deployment | None, offered: Deployment) -> Deployment:
    """A container with the mounts that other values bring; what only those values know is left out."""
    mounts = tuple(one for one in offered.mounts if "$" not in one.target.value)
    if exact is not None:
        own = {_shown(one) for one in exact.mounts}
        return replace(exact, mounts=(*exact.mounts, *(one for one in mounts if _shown(one) not in own)))

    def literal(words: tuple[str, ...] | None) -> tuple[str, ...] | None:
        return None if words and words[0].startswith("$") else words

    return replace(
        offered, mounts=mounts, entrypoint=literal(offered.entrypoint), command=literal(offered.command)
    )


def _shown(mount: Mount) -> tuple[str, str, bool, bool]:
    return mount.target.value, mount.source, mount.read_only, mount.is_open


def _render(
    path: str, template: Template, dot: Any, defined: Mapping[str, Any], *, offers: bool
) -> Iterator[Deployment]:
    renderer = Renderer(FUNCTIONS, defined, offers)
    try:
        renderer.render(template.nodes, dot, {"$": dot})
    except (ValueError, RecursionError):
        return
    text = "".join(piece for piece, _ in renderer.pieces)
    lines = _lines(renderer.pieces)
    for part in split_documents(text):
        document = part.text
        if not read_documents(document):
            document = _LONE.sub("", document)  # what an unknown template may write, on lines of its own
        yield from (_located(one, part.line, lines) for one in read_kubernetes(path, document))


def _lines(pieces: Sequence[tuple[str, int]]) -> list[int]:
    """The line of the template for each line of what it writes."""
    found = [1]
    is_blank = True
    for text, line in pieces:
        is_literal = "\n" in text
        for index, part in enumerate(text.split("\n")):
            if index:
                found.append(line + index if is_literal else line)
                is_blank = True
            if is_blank and part.strip():
                found[-1], is_blank = line + index, False
    return found


def _located(one: Deployment, before: int, lines: Sequence[int]) -> Deployment:
    """A container of a document that begins behind so many lines, with its lines in the template."""

    def line_of(line: int) -> int:
        return lines[min(line + before, len(lines)) - 1]

    moved = one.map_settings(lambda setting: Setting(setting.value, line_of(setting.line)))
    return replace(moved, kind="helm", line=line_of(one.line))


def _dot(path: str, chart: str, way: Way) -> dict[str, Any]:
    return {
        "Values": way.values,
        "Chart": {f"{key[:1].upper()}{key[1:]}": value for key, value in way.about.items()},
        "Release": {
            "Name": "release-name", "Namespace": "default", "Service": "Helm",
            "IsInstall": True, "IsUpgrade": False, "Revision": 1,
        },
        "Template": {"Name": path, "BasePath": f"{chart}templates"},
        "Capabilities": UNKNOWN,
        "Files": UNKNOWN,
    }  # fmt: skip
