"""Fix one file completely, or leave it alone."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import replace
from functools import reduce
from typing import Final, NamedTuple

from dockfix.checks import codes
from dockfix.checks.comments import heed, report_comments
from dockfix.checks.guarantees import check_guarantees
from dockfix.checks.refusals import (
    find_clashes,
    find_failing_steps,
    find_foreign,
    find_missing_targets,
    find_refusals,
    find_unknown_user,
    find_unreadable,
)
from dockfix.checks.reviews import (
    find_closed_files,
    find_closed_packages,
    find_lost,
    find_notes,
    find_out_of_reach,
    find_reviews,
    find_taken_back,
    find_undecided_owners,
    find_writable_note,
)
from dockfix.context import Context
from dockfix.diff import compare_lines, original_line, split_lines
from dockfix.finishing import REPAIRING, Finished, describe_left, describe_repaired, finish
from dockfix.learned import name_step
from dockfix.model.alignment import align
from dockfix.model.corrections import NOTHING_LEARNED, Corrections
from dockfix.model.evidence import NO_EVIDENCE, Evidence
from dockfix.model.filetree import START
from dockfix.model.lineage import Lineage, find_lineages, read_stages
from dockfix.model.losses import Loss, find_losses
from dockfix.model.operations import Act
from dockfix.model.plan import Plan
from dockfix.model.repairs import NO_REPAIRS
from dockfix.model.replay import Replay
from dockfix.model.unfinished import find_denied
from dockfix.model.writable import find_writable
from dockfix.options import OptionError, Options
from dockfix.provenance import Pass
from dockfix.results import Changed, Failed, Finding, Result, Skipped, Unchanged, at_lines
from dockfix.syntax.parser import parse, reparse
from dockfix.syntax.suppressions import Suppression, find_suppressions
from dockfix.syntax.tree import Dockerfile
from dockfix.syntax.words import declared_arguments
from dockfix.transforms import ROUNDS, TRANSFORMS

NAMES: Final = frozenset(transform.name for transform in TRANSFORMS)
_HELD_BY_REPAIRS: Final = frozenset({"set-user"})
"""What makes the guarantees apply that hold for repairs too: those that need no other transform."""
_DEFAULT: Final = Options()
_ATTEMPTS: Final = 6
MAX_STAGES: Final = 100
"""The maximum number of stages to replay: each may copy from the one before it, recursively."""


class Rewrite(NamedTuple):
    """An original, its rewrite with the rounds of transforms that made it, and the remaining losses."""

    original: Plan
    plan: Plan
    rounds: tuple[tuple[Pass, ...], ...]
    losses: tuple[Loss, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The transforms that made edits, in order."""
        return tuple(one.transform for passes in self.rounds for one in passes)


class ImageFix(NamedTuple):
    """The result for one image that a file ships.

    `number` is its index among the file's lineages, and `original` the plan of the text after the fixes
    of earlier images; `rewrite` is None if none was attempted.
    """

    number: int
    original: Plan
    result: Result
    rewrite: Rewrite | None = None


class Trace(NamedTuple):
    """The result for a file, and how it came about, image by image."""

    result: Result
    images: tuple[ImageFix, ...] = ()


def fix(text: str, options: Options = _DEFAULT, context: Context | None = None) -> Result:
    """Rewrite a Dockerfile so that its image runs as a user.

    `text` is the file's whole content (any line ends, with or without a byte-order mark); `context` is
    what surrounds it. Pure: nothing is read except through `context`. Raises OptionError if the options
    name an unknown transform.
    """
    return trace(text, options, context).result


def trace(text: str, options: Options = _DEFAULT, context: Context | None = None) -> Trace:
    """`fix`, with the plans, rewrites and edits that led to the result."""
    unknown = (options.select | options.ignore) - NAMES
    if unknown:
        raise OptionError(f"unknown transform {sorted(unknown)[0]!r}: see --list")
    tree = parse(text)
    comments = find_suppressions(tree)
    if (early := _find_early_result(tree, comments)) is not None:
        return Trace(early)
    around = context or Context()
    if not comments:
        return _fix_builds(tree, options, around)

    def fix_with(some: Iterable[Suppression]) -> Trace:
        return _fix_builds(tree, heed(options, some, NAMES), around)

    found = fix_with(comments)
    checked = report_comments(found.result, comments, NAMES, lambda some: fix_with(some).result)
    return found._replace(result=checked)


def _find_early_result(tree: Dockerfile, comments: Iterable[Suppression]) -> Skipped | Failed | None:
    """The result for a text that must not or cannot be read, else None."""
    if "\0" in tree.text:
        line = tree.text[: tree.text.index("\0")].count("\n") + 1
        return Failed(Finding(codes.NUL_BYTE, line, "contains a NUL byte", "this is not a Dockerfile"))
    for one in comments:
        if one.is_whole:
            return Skipped((Finding(codes.IGNORED, one.line, "a comment asks for it: `dockfix: ignore`"),))
    if unreadable := tuple(find_unreadable(tree)):
        return Skipped(unreadable)
    crowded = _find_stage_too_many(tree)
    return Failed(crowded) if crowded is not None else None


def _find_stage_too_many(tree: Dockerfile) -> Finding | None:
    starts = [one for one in tree.instructions if one.keyword == "FROM"]
    if len(starts) <= MAX_STAGES:
        return None
    message = f"has {len(starts)} stages, more than {MAX_STAGES}"
    return Finding(codes.TOO_LARGE, starts[MAX_STAGES].line, message, "split the file")


def _fix_builds(tree: Dockerfile, options: Options, context: Context) -> Trace:
    """Fix the images of all builds, whose arguments may have different values, with one change."""
    first = _fix_targets(tree, options, context)
    builds = list(_find_builds(tree, options)) if options.alternatives else []
    if not (builds and isinstance(first.result, Changed | Unchanged)):
        return first
    others = [_fix_targets(tree, one, context).result for one in builds]
    changes = [one for one in (first.result, *others) if isinstance(one, Changed)]
    if not changes:
        return first
    left = next((one for one in others if isinstance(one, Skipped | Failed)), None)
    if left is not None:
        return first._replace(result=left)
    differ = len({one.text for one in changes}) > 1 or len(changes) <= len(others)
    finding = Finding(
        codes.BUILDS_DIFFER, changes[0].line, "its builds need different changes", "look at each image"
    )
    joined = _join(changes, (), options)
    assert isinstance(joined, Changed)
    reviews = (*joined.reviews, *([finding] if differ and finding.code not in options.accept else []))
    return first._replace(result=replace(joined, text=changes[0].text, reviews=reviews))


def _find_builds(tree: Dockerfile, options: Options) -> Iterator[Options]:
    """The options for each build that gives an argument another value than the default or the first build."""
    first = set(options.arguments)
    lines = [one for one in tree.instructions if one.keyword == "ARG"]
    declared = [one for line in lines for one in declared_arguments(line.args, line.escape)]
    for given in options.alternatives:
        build = dict(given)
        if any(
            name in build
            and ((name, build[name]) not in first if default is None else build[name] != default)
            for name, default in declared
        ):
            yield replace(options, arguments=given, overrides=True)


def _fix_targets(tree: Dockerfile, options: Options, context: Context) -> Trace:
    """Fix the shipped lineages one after another, each in the text that the last one left, children last."""
    active = frozenset((options.select or NAMES) - options.ignore)
    images: list[ImageFix] = []
    found: list[Changed | Unchanged] = []
    heirs: list[Finding] = []
    as_read = tree
    lineages = find_lineages(read_stages(tree, options), options.targets)
    for index in sorted(range(len(lineages)), key=lambda index: len(lineages[index].stages)):
        images.append(_fix_lineage(tree, options, context, active, index))
        result = images[-1].result
        if isinstance(result, Skipped) and lineages[index].unnamed:
            result = Unchanged((_stays_root(lineages[index], result),))
        if tree is not as_read:
            before = _plan(as_read, options, context, index)
            result = _as_of(as_read, tree.text, result, before)
            if images[-1].original.runs_as_user and not before.runs_as_user:
                refusals, reviews = _find_in_heir(before)
                result = Skipped(refusals) if refusals else result
                heirs += reviews
        if isinstance(result, Skipped | Failed):
            return Trace(result, tuple(images))
        found.append(result)
        if isinstance(result, Changed):
            tree = parse(result.text)
    return Trace(_join(found, heirs, options), tuple(images))


def _find_in_heir(plan: Plan) -> tuple[tuple[Finding, ...], tuple[Finding, ...]]:
    """(refusals, reviews) of an image that gets its user from the fix of the stage that it is built on."""
    plans = _in_contexts(plan)
    left = [one for one in map(_leave, plans) if isinstance(one, Skipped)]
    evidence = _collect_evidence(plan) if not left else NO_EVIDENCE
    reviews = (review for one in plans for review in find_reviews(one))
    refusals = tuple(reason for one in left for reason in one.reasons)
    return (*refusals, *evidence.refusals), tuple(dict.fromkeys((*reviews, *evidence.reviews)))


def _join(found: Iterable[Changed | Unchanged], heirs: Iterable[Finding], options: Options) -> Result:
    """The result for a file, from those of its lineages, each applied to the text of the one before.

    `heirs` are the reviews of images that the changes of others move off root.
    """
    found = list(found)
    changes = [one for one in found if isinstance(one, Changed)]
    notes = tuple(dict.fromkeys(note for one in found for note in one.notes))
    writable = tuple(dict.fromkeys(place for one in found for place in one.writable))
    if not changes:
        return Unchanged(notes, writable)
    names = tuple(dict.fromkeys(name for one in changes for name in one.transforms))
    own = (review for one in changes for review in one.reviews)
    reviews = tuple(dict.fromkeys((*own, *heirs)))
    left = tuple(review for review in reviews if review.code not in options.accept)
    accepted = tuple(review for review in reviews if review.code in options.accept)
    return Changed(changes[-1].text, names, left, notes, accepted, changes[-1].line, writable)


def _as_of(as_read: Dockerfile, text: str, result: Result, plan: Plan) -> Result:
    """The result of a lineage, computed from `text`, as one for the file that was read.

    `plan` is that of the same lineage there: a USER root added since then needs no review.
    """
    if isinstance(result, Changed) and any(one.code == codes.FINAL_USER_ROOT.name for one in result.reviews):
        theirs = {review.code for review in find_reviews(plan)}
        kept = (one for one in result.reviews if one.code in theirs or one.code != codes.FINAL_USER_ROOT.name)
        result = replace(result, reviews=tuple(kept))
    return at_lines(result, _to_original(as_read.text, text))


def _to_original(before: str, after: str) -> Callable[[int], int]:
    """A function from a line of `after` to the line of `before` that it comes from."""
    edits = compare_lines(before, after)
    last = len(split_lines(before))
    return lambda line: min(original_line(edits, line), last)


def _stays_root(lineage: Lineage, result: Skipped) -> Finding:
    """The note that a stage which may ship keeps root, and why."""
    line = lineage.final.instructions[0].line
    reason = result.reasons[0]
    name = lineage.final.name or lineage.final.index
    message = f"the stage {name} may ship too, and stays root: {reason.message}"
    return Finding(codes.STAGE_STAYS_ROOT, line, message, "check whether anyone runs it")


def _plan(tree: Dockerfile, options: Options, context: Context, index: int) -> Plan:
    stages = read_stages(tree, options)
    lineage = find_lineages(stages, options.targets)[index]
    return Plan(tree, stages, lineage, options, context)


def _collect_evidence(plan: Plan) -> Evidence:
    """The evidence about the image beyond its Dockerfile, if anything can be read."""
    can_read = plan.options.evidence and (plan.context.knows_files or plan.context.deployments)
    learned = plan.options.learned
    if not (can_read or plan.options.writes or learned.writes or learned.reads):
        return NO_EVIDENCE
    from dockfix.evidence.assess import collect_evidence

    return reduce(Evidence.joined, map(collect_evidence, _in_contexts(plan)))


def _in_contexts(plan: Plan) -> list[Plan]:
    """The plan in each of the build contexts that callers use."""
    return [plan, *(replace(plan, context=one) for one in plan.context.also)]


def _fix_lineage(
    tree: Dockerfile, options: Options, context: Context, active: frozenset[str], index: int
) -> ImageFix:
    plan = _plan(tree, options, context, index)
    moving = "set-user" in active
    if moving and _is_begun(plan):
        return _finish_lineage(replace(plan, repairs=NO_REPAIRS), active, index)
    plans = _in_contexts(plan) if moving else []
    for one in plans:
        if (left := _leave(one)) is not None:
            return ImageFix(index, plan, left)
    reviews = tuple(dict.fromkeys(review for one in plans for review in find_reviews(one)))
    # Do not read the sources for a change that waits for a review.
    if moving and (options.unsafe or all(review.code in options.accept for review in reviews)):
        plan = plan.with_evidence(_collect_evidence(plan))
    if plan.evidence.refusals:
        return ImageFix(index, plan, Skipped(plan.evidence.refusals))
    # What the application uses and starts is held to the same as what the image starts.
    if (plan.evidence.tools or plan.evidence.launches) and (left := _leave(plan)) is not None:
        return ImageFix(index, plan, left)
    if plan.evidence.launches:
        reviews = tuple(dict.fromkeys((*reviews, *find_reviews(plan))))
    done = _rewrite(plan, active, index, moving=moving)
    return ImageFix(index, done.original, _judge(done, active, reviews, moving=moving), done)


def _is_begun(plan: Plan) -> bool:
    """Whether the image runs as a user already, as far as dockfix knows, and no transform is asked for."""
    if plan.options.select or not plan.runs_as_user or plan.lineage.unnamed:
        return False
    return not any(find_unknown_user(plan)) and not any(find_foreign(plan.context))


def _finish_lineage(plan: Plan, active: frozenset[str], index: int) -> ImageFix:
    """The result for an image that runs as a user: unchanged, unless that user is surely denied something."""
    plan = plan.with_evidence(_collect_evidence(plan))
    done = finish(
        plan,
        lambda wanted: _transform(wanted, active & REPAIRING, index),
        lambda other, line: line and _to_original(plan.tree.text, other.tree.text)(line),
    )
    left = tuple(map(describe_left, done.left))
    if not done.rounds or _loses(plan, done) or any(check_guarantees(plan, done.plan, _HELD_BY_REPAIRS)):
        writable = find_writable(plan) if plan.options.read_only else ()
        return ImageFix(index, plan, Unchanged((*left, *find_writable_note(plan, writable)), writable))
    rewrite = Rewrite(plan, done.plan, done.rounds, ())
    reviews = (*map(describe_repaired, done.repaired), *left)
    writable = find_writable(done.plan) if plan.options.read_only else ()
    notes = tuple(find_writable_note(done.plan, writable))
    text = done.plan.tree.text
    result = Changed(text, rewrite.names, reviews, notes, line=_root_line(plan), writable=writable)
    return ImageFix(index, plan, result, rewrite)


def _loses(plan: Plan, done: Finished) -> bool:
    """Whether a finished move takes something away; a home that did not exist held nothing."""
    has_new_home = any(one.repairs.account or one.repairs.home for one in done.repaired)
    losses = (loss for loss in find_losses(plan.replay, done.plan.replay) if loss.before.happens)
    return any(not (has_new_home and loss.before.operation.act is Act.HOME) for loss in losses)


def _judge(done: Rewrite, active: frozenset[str], reviews: tuple[Finding, ...], *, moving: bool) -> Result:
    """The result of a rewrite: the change if it is complete, else why the file stays as it is."""
    plan, rewrite = done.original, done.plan
    if plan.evidence.refusals:
        return Skipped(plan.evidence.refusals)
    if not done.names:
        return Unchanged()
    failing = (
        *find_failing_steps(done.losses),
        *find_clashes(plan, rewrite),
        *find_missing_targets(plan, rewrite),
    )
    if wrong := failing or tuple(check_guarantees(plan, rewrite, active)):
        return Skipped(wrong)
    reviews += (
        *plan.evidence.reviews,
        *find_out_of_reach(plan, rewrite),
        *find_taken_back(plan, rewrite),
        *find_undecided_owners(rewrite),
        *find_closed_packages(plan, rewrite),
        *find_closed_files(plan, rewrite),
    )
    known = {review.code for review in reviews}
    lost = tuple(one for one in find_lost(plan, done.losses) if one.code not in known)
    notes = (*_find_notes(plan, rewrite), *plan.evidence.notes) if moving else ()
    writable = find_writable(rewrite) if plan.options.read_only else ()
    notes += tuple(find_writable_note(rewrite, writable))
    line, text = _root_line(plan), rewrite.tree.text
    return Changed(text, done.names, (*reviews, *lost), notes, line=line, writable=writable)


def find_faults(fixed: ImageFix, text: str) -> Iterator[Finding]:
    """What another rewrite of the same image would break, with lines of that rewrite.

    A partial rewrite is held to all guarantees, whatever it leaves out: broken ones come first, then the
    step that would fail, then what the start is denied.
    """
    original = fixed.original
    if fixed.rewrite is not None:
        original = original.corrected(fixed.rewrite.plan.corrections)
    plan = _reread(original, original.replay, parse(text), fixed.number)
    losses = tuple(find_losses(original.replay, plan.replay))
    # The losses of a step are reported as its failure.
    own = codes.NO_ROOT_STEP_BELOW_USER.name
    held = NAMES if original.repairs is None else _HELD_BY_REPAIRS
    yield from (one for one in check_guarantees(original, plan, held) if one.code != own)
    if original.repairs is not None:
        yield from map(describe_repaired, find_denied(plan))
        return
    yield from find_failing_steps(losses)
    yield from find_lost(original, [loss for loss in losses if loss.before.key.step == START])


def _root_line(plan: Plan) -> int:
    """The line of the instruction that sets the user the image runs as."""
    user = plan.lineage.last("USER")
    return (user.instruction if user else plan.lineage.final.instructions[0]).line


def _find_notes(original: Plan, rewrite: Plan) -> tuple[Finding, ...]:
    """The notes on a rewrite, with lines of the original."""
    notes = tuple(find_notes(rewrite))
    if any(note.line for note in notes):
        move = _to_original(original.tree.text, rewrite.tree.text)
        notes = tuple(note.at(move(note.line)) if note.line else note for note in notes)
    return notes


def _leave(plan: Plan) -> Skipped | Unchanged | None:
    """The result for a file that must stay as it is, None if it is to be moved off root."""
    if unknown := tuple(find_unknown_user(plan)):
        return Skipped(unknown)
    if not plan.options.select and plan.runs_as_user:
        return Unchanged()
    refusals = tuple(find_refusals(plan))
    return Skipped(refusals) if refusals else None


def _rewrite(original: Plan, active: frozenset[str], index: int, *, moving: bool) -> Rewrite:
    """Rewrite and replay, repeatedly, with the corrections that each replay suggests."""
    known = original.options.learned.root_steps
    corrections = _needing_root(original, known) if known else NOTHING_LEARNED
    # A path that leads upwards from / leads to / itself.
    if ".." in original.evidence.names and original.relocates:
        corrections = replace(corrections, keeps_workdir=True)
        original = original.with_evidence(_collect_evidence(original.corrected(corrections)))
    for _ in range(_ATTEMPTS):
        corrected = original.corrected(corrections)
        plan, rounds = _transform(corrected, active, index)
        losses = tuple(find_losses(original.replay, plan.replay)) if moving and rounds else ()
        own, any_uid = plan.own_directories, plan.serves_any_uid
        learned = corrections.learn(losses, own, relocates=corrected.relocates, any_uid=any_uid)
        if learned == corrections:
            break
        if _moves_sources(original.evidence, corrections, learned):
            original = original.with_evidence(_collect_evidence(original.corrected(learned)))
        corrections = learned
    return Rewrite(original, plan, rounds, losses)


def _moves_sources(evidence: Evidence, before: Corrections, learned: Corrections) -> bool:
    """Whether paths in the sources mean others now: relative ones, or those of packages."""
    if evidence == NO_EVIDENCE:
        return False
    in_packages = any("/.local/lib/" in path for path in evidence.writes)
    return before.keeps_workdir != learned.keeps_workdir or (
        in_packages and before.root_steps != learned.root_steps
    )


def _needing_root(original: Plan, known: Collection[str]) -> Corrections:
    """The corrections that keep root's the steps that are written so."""
    steps = (at for at, step in enumerate(original.steps) if name_step(str(step.instruction)) in known)
    return replace(NOTHING_LEARNED, root_steps=frozenset(steps))


def _transform(
    original: Plan, active: frozenset[str], index: int
) -> tuple[Plan, tuple[tuple[Pass, ...], ...]]:
    """Apply all transforms in their rounds, each to the text of the round before."""
    plan = original
    rounds: list[tuple[Pass, ...]] = []
    for transforms in ROUNDS:
        proposed = (Pass(one.name, tuple(one.propose(plan))) for one in transforms if one.name in active)
        passes = tuple(one for one in proposed if one.edits)
        if passes:
            rounds.append(passes)
            edits = [edit for one in passes for edit in one.edits]
            plan = _reread(original, plan.latest_replay, reparse(plan.tree, edits), index)
    return plan, tuple(rounds)


def _reread(original: Plan, before: Replay, tree: Dockerfile, index: int) -> Plan:
    stages = read_stages(tree, original.options)
    lineage = find_lineages(stages, original.options.targets)[index]
    origins = align(original.steps, lineage.steps)
    return replace(original, tree=tree, stages=stages, lineage=lineage, aligned=origins, before=before)
