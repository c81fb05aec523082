"""The replay's predictions compared with what happened: where they disagree, and how often it is unsure."""

from __future__ import annotations

import posixpath
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

from dockfix.model.filetree import VOLUME, Kind, Node
from dockfix.model.operations import WRITING, Act
from dockfix.model.paths import NOWHERE
from dockfix.model.patterns import is_pattern
from dockfix.model.playing import ARCHIVED, UNKNOWN_OWNER

from .builds import Report
from .chroots import DENIAL, Chroot, Event, Numbers, Real
from .predictions import Predicted, Prediction, predict
from .shells import Step, render
from .stages import StageText

# Listed by the replay's base, and links or of no interest in this one.
_NOT_COMPARED: Final = frozenset({"/bin", "/sbin", "/lib", "/lib64", "/dev", "/proc", "/sys", "/run"})
_NOISE: Final = ("/etc/", "/var/log/", "/dev/", "/run/", "/proc/", "/var/mail", "/var/spool/mail")


class Image(Protocol):
    """The result of steps: a chroot's root directory or a stage's report."""

    def at(self, path: str) -> Real | None:
        """What stands at an absolute path, links not followed."""

    def changed(self) -> list[str]:
        """The paths that are not as in the base, as far as they are there."""

    def numbers(self) -> Numbers:
        """The uids and gids by name."""


@dataclass(frozen=True)
class Disagreement:
    """One wrong prediction: its kind, the prediction and the fact."""

    kind: str
    detail: str


@dataclass(frozen=True)
class Examined:
    """The steps that were run, and the disagreements in the last one."""

    steps: tuple[Step, ...]
    found: tuple[Disagreement, ...]


@dataclass
class Counts:
    """How many things were compared."""

    scripts: int = 0
    kept: int = 0
    undone: int = 0
    commands: Counter[str] = field(default_factory=Counter)
    cautious: Counter[str] = field(default_factory=Counter)
    paths: Counter[str] = field(default_factory=Counter)


_DENIED_PLACE: Final = re.compile(r"'?(/[^:']*)'?(?: for reading)?: Permission denied")


class _Uncomparable(Exception):  # noqa: N818
    """Raised where the rest cannot be compared."""


def examine(root: Chroot, steps: int, write: Callable[[], Step], counts: Counts) -> Examined:
    """Run up to that many steps in order, until one disagrees.

    A step that cannot be compared to its end, usually because it is denied something, counts up to that
    point, and is undone.
    """
    counts.scripts += 1
    played: list[Step] = []
    before: Predicted | None = None
    for _ in range(steps):
        step = write()
        events = root.play(step)
        predicted = predict((*played, step), before)
        try:
            found = _compare_step(step, predicted.leaves[-1], events, root, counts)
        except _Uncomparable:
            counts.undone += 1
            root.undo()
            continue
        found = found or list(_compare_trees(predicted, root, counts))
        if found:
            return Examined((*played, step), tuple(found))
        played.append(step)
        before = predicted
        root.keep()
    counts.kept += len(played)
    return Examined(tuple(played), ())


def examine_stage(
    stage: StageText, predicted: Predicted, report: Report, counts: Counts
) -> list[Disagreement] | None:
    """The disagreements in a built stage: those of the first step that has any, or of the final files.

    None if it cannot be compared to its end.
    """
    counts.scripts += 1
    for number, step in enumerate(stage.steps):
        try:
            found = _compare_step(
                step, predicted.leaves[number], report.events.get(number, ()), report, counts
            )
        except _Uncomparable:
            counts.undone += 1
            return None
        if found:
            return found
        counts.kept += 1
    return list(_compare_trees(predicted, report, counts))


def _compare_step(
    step: Step, leaves: dict[int, list[Prediction]], events: Sequence[Event], root: Image, counts: Counts
) -> list[Disagreement]:
    _, places = render(step.lines)
    seen: Counter[int] = Counter()
    for event in events:
        predictions = leaves[event.leaf] or [Prediction()]
        prediction = predictions[min(seen[event.leaf], len(predictions) - 1)]
        seen[event.leaf] += 1
        place = places[event.leaf]
        name = f"{step.user}: {render(step.lines)[0][place.start : place.end]}"
        if event.is_denied and prediction.is_allowed and not _is_missing(event, prediction, root):
            counts.commands["allowed, but denied"] += 1
            return [Disagreement("allowed, but denied", f"{name}\n{event.printed.strip()}")]
        judgement = _judge(prediction, event)
        counts.commands[judgement] += 1
        if judgement in _CAUTIOUS:
            counts.cautious[f"{judgement}: {_program(name)}"] += 1
        if event.is_denied and prediction.is_denied:
            decides = place.decides or _COMPOUND.search(name) is not None
            if (decides and not place.tolerated) or event.status is None or _is_partial(prediction):
                raise _Uncomparable
        elif event.is_denied or prediction.is_denied or (event.status != 0 and not place.tolerated):
            raise _Uncomparable
        if prediction.is_unknown or any(one.operation.path == NOWHERE for one in prediction.outcomes):
            raise _Uncomparable
    return []


# What may not have run to its end if something in it was denied.
_COMPOUND: Final = re.compile(r"&&|\n|;")
_CAUTIOUS: Final = ("unsure, and allowed", "not understood, and allowed", "said to be denied, but allowed")


def _program(command: str) -> str:
    words = command.partition(": ")[2].split()
    return " ".join(words[:2] if words[0] in ("cp", "find", "tar", "chmod") else words[:1])


def _is_missing(event: Event, prediction: Prediction, root: Image) -> bool:
    """Whether what a command was denied does not exist anyway, nor was predicted to."""
    lines = DENIAL.findall(event.printed)
    places = [posixpath.normpath(place) for line in lines for place in _DENIED_PLACE.findall(line)]
    return bool(places) and all(
        root.at(place) is None and prediction.finds_nothing(place) for place in places
    )


def _is_partial(prediction: Prediction) -> bool:
    """Whether the command may have done something before or after the denial."""
    changes = [one for one in prediction.outcomes if one.operation.act in WRITING]
    if any(one.happens for one in changes):
        return True
    return any(
        one.operation.recursive
        or one.operation.act in (Act.REMOVE, Act.MAKE, Act.MOVE)
        or is_pattern(one.operation.path)
        for one in prediction.outcomes
        if not one.may_succeed
    )


def _judge(prediction: Prediction, event: Event) -> str:
    if event.is_denied:
        return "denied, as said" if prediction.is_denied else "unsure, and denied"
    if event.status != 0:
        return "failed otherwise"
    if prediction.is_unknown:
        return "not understood, and allowed"
    if prediction.is_denied:
        return "said to be denied, but allowed"
    return "allowed, as said" if prediction.is_allowed else "unsure, and allowed"


def _compare_trees(predicted: Predicted, root: Image, counts: Counts) -> Iterator[Disagreement]:
    numbers = root.numbers()
    paths = sorted({*root.changed(), *predicted.tree.listed()} - _NOT_COMPARED)
    for path in paths:
        if path.startswith(_NOISE):
            continue
        nodes = predicted.tree.look(path)
        if any(one.origin == VOLUME for one in nodes):
            # Made when the image starts.
            continue
        real = root.at(path)
        is_sure = len(nodes) == 1 and nodes[0].kind is not Kind.ANY
        if any(_is_true(node, real, numbers) for node in nodes):
            counts.paths["sure" if is_sure else "unsure"] += 1
        elif any(_is_narrower(node, real, numbers) for node in nodes):
            counts.paths["narrower"] += 1
        else:
            said = " or ".join(_show(node) for node in nodes)
            yield Disagreement("another node", f"{path}: said {said}; is {real}")


def _is_true(node: Node, real: Real | None, numbers: Numbers) -> bool:
    """Whether a possible node is right; for a node that nobody looked at, whether its permissions are."""
    if real is None or node.kind is Kind.ABSENT:
        return real is None and node.kind is Kind.ABSENT
    if node.uid == ARCHIVED:
        return real.kind != "directory" or node.holds
    if node.uid == UNKNOWN_OWNER:
        node = node._replace(uid=real.uid, gid=real.gid)
    elif node.gid == UNKNOWN_OWNER:
        node = node._replace(gid=real.gid)
    owner = tuple(
        names.get(one, -1) if isinstance(one, str) else one
        for one, names in zip((node.uid, node.gid), numbers, strict=True)
    )
    if owner[0] != real.uid or (owner[1] != real.gid and node.gid != ARCHIVED):
        return False
    if node.kind is Kind.ANY:
        return real.kind == "link" or (node.mode & 0o666) & ~real.mode == 0
    if node.kind is Kind.LINK:
        return real.kind == "link" and real.target == node.target
    # A file that nobody has looked at counts as executable.
    is_mode = real.mode in (node.mode, node.mode & ~0o111 if node.kind is Kind.FILE else node.mode)
    return is_mode and (node.kind, node.capable) == (real.kind, real.capable)


def _is_narrower(node: Node, real: Real | None, numbers: Numbers) -> bool:
    """Whether a node is predicted to permit less than it does, or to have lost capabilities that it keeps."""
    if real is None or node.mode & ~real.mode or node.capable > real.capable:
        return False
    return _is_true(node._replace(mode=real.mode, capable=real.capable), real, numbers)


def _show(node: Node) -> str:
    return f"{node.kind} {node.uid}:{node.gid} {node.mode:04o} {node.target}{' capable' * node.capable}"
