"""What the replay shows at a line of a Dockerfile: user, home, working directory, files and their owners."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from dockfix.explain.standing import describe_standing
from dockfix.model.lineage import Lineage, Stage, find_lineages, read_stages
from dockfix.model.outcomes import describe
from dockfix.model.replay import Replay
from dockfix.options import Options
from dockfix.output.markdown import code
from dockfix.syntax.tree import Dockerfile, Instruction

MOST: Final = 8
"""The maximum number of paths and denials to show."""
_UNKNOWN: Final = "an image that dockfix does not know: its contents are a guess"


def describe_line(tree: Dockerfile, line: int, options: Options) -> str | None:
    """The state after the instruction at a line (from 1), in Markdown; None outside of all stages."""
    stages = read_stages(tree, options)
    found = _find(stages, line)
    if found is None:
        return None
    stage, instruction = found
    replay = _replay(stages, stage, instruction)
    return "\n".join(_lines(replay, len(replay.lineage.steps) - 1))


def _find(stages: tuple[Stage, ...], line: int) -> tuple[Stage, Instruction] | None:
    for stage in stages:
        for instruction in stage.instructions:
            if instruction.line <= line <= instruction.last_line:
                return stage, instruction
    return None


def _replay(stages: tuple[Stage, ...], stage: Stage, last: Instruction) -> Replay:
    """The replay of the steps up to an instruction."""
    whole = next(one for one in find_lineages(stages, stage.names()) if one.final is stage)
    cut = replace(stage, instructions=stage.instructions[: stage.instructions.index(last) + 1])
    cut.image = stage.image
    lineage = Lineage((*whole.stages[:-1], cut))
    return Replay(lineage, range(len(lineage.steps)))


def _lines(replay: Replay, step: int) -> Iterator[str]:
    state = replay.lineage.end
    who = replay.accounts.identity(state.user, state.env)
    yield f"Runs as {code(state.user or 'root')}, home {code(who.home)}, in {code(state.workdir)}"
    if not replay.lineage.image.known:
        yield f"\nBase: {_UNKNOWN}"
    yield "\n| path | permissions | owner |\n|---|---|---|"
    paths = dict.fromkeys([state.workdir, who.home, *_made(replay, step)])
    for path in list(paths)[:MOST]:
        yield from (f"| {_cell(path)} | {mode} | {owner} |" for mode, owner in _stands(replay, path))
    if len(paths) > MOST:
        yield f"\nand {len(paths) - MOST} more"
    denied = dict.fromkeys(
        describe(one) for one in replay.outcomes if one.key.step == step and one.denial is not None
    )
    if denied:
        yield "\nThe user may not: " + "; ".join(code(one) for one in list(denied)[:MOST])


def _made(replay: Replay, step: int) -> Iterator[str]:
    """The paths that a step created."""
    for path, nodes in sorted(replay.tree.listed().items()):
        if any(node.origin == step for node in nodes):
            yield path


def _stands(replay: Replay, path: str) -> Iterator[tuple[str, str]]:
    """The permissions and the owner of each possible node at a path, as table cells."""
    standing = list(describe_standing(replay, path))
    for mode, owner in standing:
        if mode:
            yield _cell(mode), _cell(owner)
        else:
            yield "nothing yet" if len(standing) == 1 else "or nothing yet", ""


def _cell(text: str) -> str:
    """A text as code in a cell of a table; parsers differ on backslashes in front of a bar."""
    return code(text.replace("|", "\\x7c"))
