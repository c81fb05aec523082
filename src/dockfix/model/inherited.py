"""What an inspected base starts by itself, as steps that its image hands down."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Final

from dockfix.model.lineage import Lineage, Step
from dockfix.syntax.parser import parse
from dockfix.syntax.tree import Instruction

_NOTHING: Final[dict[str, str]] = {}


def find_inherited(lineage: Lineage, *, has_command: bool) -> Iterator[Step]:
    """The ENTRYPOINT and CMD of the base that are in force in a file without an ENTRYPOINT.

    `has_command`: the file has a CMD, which replaces the base's. A start that is not an application's is
    left out, and so is everything about a base that was not inspected.
    """
    image = lineage.image
    if image.facts is None:
        return
    if image.facts.entrypoint and (has_command or image.starts):
        yield _step(lineage, "ENTRYPOINT", image.facts.entrypoint)
    if image.facts.command and image.starts and not has_command:
        yield _step(lineage, "CMD", image.facts.command)


def _step(lineage: Lineage, keyword: str, words: Sequence[str]) -> Step:
    """The step as if FROM were it: with its line, and what is in force when the image starts."""
    origin = lineage.steps[0]
    instruction = _instruction(keyword, tuple(words))
    placed = instruction.moved(instruction.source, 0, origin.instruction.line - instruction.line)
    return Step(origin.index, keyword, placed, origin.stage, lineage.end)


@lru_cache(maxsize=256)
def _instruction(keyword: str, words: tuple[str, ...]) -> Instruction:
    return parse(f"{keyword} {json.dumps(words)}\n").instructions[0]


def find_brought_scripts(lineage: Lineage) -> dict[str, str]:
    """The texts of the scripts that the base brings and that are known, by absolute path."""
    facts = lineage.image.facts
    return dict(facts.content.scripts) if facts is not None and facts.content is not None else _NOTHING
