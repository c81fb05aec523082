"""A walk as lines of text, each with its style on a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from textwrap import wrap
from typing import Final

from dockfix.checks import codes
from dockfix.explain.walk import EditNote, Effect, ImageWalk, Outside, StepWalk, Walk
from dockfix.results import Finding

MOST: Final = 6
"""The maximum number of items of one kind to list."""
FEW: Final = 2
"""The maximum number of faults to show for an edit."""
_INDENT: Final = " " * 6
Line = tuple[str, str | None]

_OUTCOMES: Final = {
    "changed": ("dockfix can {change}", "bold green"),
    "needs-review": (
        "dockfix can {change}, after a review of what is listed here",
        "bold magenta",
    ),
    "unchanged": ("nothing to do", "bold"),
    "skipped": ("left alone", "bold yellow"),
    "failed": ("could not be fixed", "bold red"),
}
_LABELS: Final = {
    "review": "look at",
    "accepted": "accepted",
    "note": "note",
    "reason": "because",
    "error": "error",
}


def format_walk(walk: Walk, width: int) -> Iterator[Line]:
    """The walk in lines of at most `width` columns, unless a word is longer."""
    sentence, style = _OUTCOMES[walk.outcome]
    is_begun = any(finding.code == codes.UNFINISHED_MOVE.name for _, finding in walk.findings)
    sentence = sentence.format(change="give its user what it lacks" if is_begun else "move it off root")
    yield from _wrapped(f"{walk.path}: {sentence}", width, "", style)
    for kind, finding in walk.findings:
        yield from _finding(_LABELS[kind], finding, width)
    for image in walk.images:
        yield "", None
        yield from _image(image, width, alone=len(walk.images) == 1)
    for stage in walk.unshipped:
        yield "", None
        where = f"lines {stage.line} to {stage.last_line}"
        yield from _wrapped(
            f"Stage {stage.stage} ({where}) ends up in no image of its own: it stays as it is.", width, ""
        )
    if walk.outside or walk.looked_at:
        yield "", None
        yield "Read outside of the file", "bold"
        for one in walk.outside:
            yield from _outside(one, width)
        if walk.looked_at:
            yield from _wrapped(f"Looked at as well: {_few(walk.looked_at)}.", width, "  ")


def _finding(label: str, finding: Finding, width: int) -> Iterator[Line]:
    where = f"line {finding.line}: " if finding.line else ""
    yield from _wrapped(f"{label}: {where}{finding.message}", width, "  ", "yellow")
    if finding.help:
        yield from _wrapped(f"what to do: {finding.help}", width, "    ")
    yield f"    more: dockfix --explain {finding.code}", "dim"


def _image(image: ImageWalk, width: int, *, alone: bool) -> Iterator[Line]:
    if not alone:
        yield f"The image of stage {image.stage}", "bold"
    yield from _wrapped(f"Built on {image.base}: {image.base_facts}.", width, "")
    yield from _wrapped(image.boundary, width, "", "bold")
    yield "", None
    for step in image.steps:
        yield from _step(step, width)
    for edit in image.trailing:
        yield from _edit(edit, width)
    if image.starts:
        yield _row("start", "when the image starts", _users(image.user, image.new_user), width), "cyan"
        yield from _effects(image.starts, width)


def _step(step: StepWalk, width: int) -> Iterator[Line]:
    for edit in step.edits:
        if edit.beside and edit.line <= step.line:
            yield from _edit(edit, width)
    head, *rest = step.text.split("\n")
    more = " ..." if rest else ""
    yield _row(str(step.line), head.rstrip("\\ \r") + more, _users(step.user, step.new_user), width), "cyan"
    yield from _effects(step.effects, width)
    for path, before, after in step.owners:
        change = before if before == after or not after else f"{before or 'nobody'} -> {after}"
        yield f"{_INDENT}{path} belongs to {change}", None
    if step.needs_root:
        yield from _wrapped(f"stays root: {step.needs_root}", width, _INDENT, "yellow")
    for edit in step.edits:
        if not (edit.beside and edit.line <= step.line):
            yield from _edit(edit, width)


def _effects(effects: tuple[Effect, ...], width: int) -> Iterator[Line]:
    for one in effects[:MOST]:
        moved = f"-> {one.new_place}" if one.new_place else ""
        sentence = " ".join(filter(None, (one.command or "the application", one.deed, one.place, moved)))
        if one.denial:
            yield from _wrapped(f"{sentence}: denied to the user ({one.denial})", width, _INDENT, "red")
        else:
            yield from _wrapped(sentence, width, _INDENT)
    if len(effects) > MOST:
        yield f"{_INDENT}and {len(effects) - MOST} more", "dim"


def _edit(edit: EditNote, width: int) -> Iterator[Line]:
    yield from ((f"    - {row}", "red") for row in edit.removed)
    yield from ((f"    + {row}", "green") for row in edit.added)
    yield from _wrapped(f"[{edit.transform}] {edit.purpose}", width, _INDENT, "dim")
    for fault in edit.without[:FEW] or ("nothing breaks that dockfix can see",):
        yield from _wrapped(f"without it: {fault}", width, _INDENT, "dim")


def _outside(one: Outside, width: int) -> Iterator[Line]:
    yield f"  {one.place}", "cyan"
    for sentence in one.showed[:MOST]:
        yield from _wrapped(sentence, width, _INDENT)
    if len(one.showed) > MOST:
        yield f"{_INDENT}and {len(one.showed) - MOST} more", "dim"


def _users(before: str, after: str) -> str:
    return before if after in ("", before) else f"{before} -> {after}"


def _row(number: str, text: str, users: str, width: int) -> str:
    """A line number, the beginning of a text and, at the right, who runs it."""
    room = width - 7 - len(users) - 2
    shown = text if len(text) <= room else text[: max(room - 4, 10)] + " ..."
    return f"{number:>5} {shown:<{max(room, 10)}}  {users}"


def _wrapped(text: str, width: int, indent: str, style: str | None = None) -> Iterator[Line]:
    rows = wrap(
        text, max(width, 40), initial_indent=indent, subsequent_indent=indent + "  ",
        break_long_words=False, break_on_hyphens=False,
    )  # fmt: skip
    yield from ((row, style) for row in rows)


def _few(names: tuple[str, ...]) -> str:
    more = f" and {len(names) - MOST} more" if len(names) > MOST else ""
    return ", ".join(names[:MOST]) + more
