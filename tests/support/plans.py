"""Plans for tests of the model."""

from __future__ import annotations

from collections.abc import Mapping

from dockfix import Context, Options
from dockfix.model.lineage import find_lineages, read_stages
from dockfix.model.plan import Plan
from dockfix.syntax.parser import parse


def read_plan(
    text: str,
    options: Options | None = None,
    base: str = "python:3.12-slim-bookworm",
    files: Mapping[str, str] | None = None,
) -> Plan:
    """The plan of a file's last stage; a text without FROM is based on `base`; `files` can be read."""
    options = options or Options()
    tree = parse(text if text.startswith("FROM ") else f"FROM {base}\n{text}")
    context = Context() if files is None else Context(read=files.get)
    stages = read_stages(tree, options)
    return Plan(tree, stages, find_lineages(stages, ())[0], options, context)
