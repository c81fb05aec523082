"""The guarantees of every rewrite; if one is broken, the file stays as it is."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Final

from dockfix.checks import codes
from dockfix.model.alignment import align
from dockfix.model.closed_copies import find_closed
from dockfix.model.filetree import START
from dockfix.model.losses import find_losses
from dockfix.model.operations import Act
from dockfix.model.outcomes import describe
from dockfix.model.ownership import find_ownership_changes, find_reclaimed
from dockfix.model.paths import STANDING_DIRECTORIES, is_ownable, is_within
from dockfix.model.plan import Plan
from dockfix.model.roothome import find_left
from dockfix.options import Chown, Install
from dockfix.results import Code, Finding
from dockfix.syntax.tree import LogicalLine
from dockfix.syntax.validity import rejections
from dockfix.syntax.words import is_number
from dockfix.transforms import TRANSFORMS


@dataclass(frozen=True, slots=True)
class Guarantee:
    """A check that yields (line, what is broken).

    It applies only if all transforms that it `needs` are active.
    """

    code: Code
    needs: frozenset[str]
    check: Callable[[Plan, Plan], Iterator[tuple[int, str]]]

    @property
    def name(self) -> str:
        """The name of its code, without the prefix."""
        return self.code.name.removeprefix(codes.BROKEN)

    @property
    def promise(self) -> str:
        """The promise as one line."""
        return self.code.summary


def check_guarantees(before: Plan, after: Plan, active: frozenset[str]) -> Iterator[Finding]:
    """A finding for each guarantee that the rewrite `after` of `before` breaks."""
    for guarantee in GUARANTEES:
        if guarantee.needs <= active:
            for line, what in guarantee.check(before, after):
                yield Finding(guarantee.code, line, what, "please report this file")
                break


def _accepted(_before: Plan, after: Plan) -> Iterator[tuple[int, str]]:
    for problem in (*after.tree.problems, *rejections(after.tree)):
        yield problem.line, f"BuildKit would refuse the rewrite: {problem.message}"


def _keeps_instructions(before: Plan, after: Plan) -> Iterator[tuple[int, str]]:
    kept = iter(after.tree.instructions)
    for one in before.tree.instructions:
        if not any(_keeps_words(new.logical, one.logical) for new in kept):
            yield one.line, f"{one.keyword} was lost or moved"


def _keeps_words(line: LogicalLine, old: LogicalLine) -> bool:
    """Whether a line has all words of the old one in order, except for those that a transform may change."""
    if line is old or line.keyword != old.keyword:
        return line is old
    rest = iter(_words(line))
    return all(word in rest for word in _words(old) if not _MAY_CHANGE.fullmatch(f"{old.keyword} {word}"))


def _words(line: LogicalLine) -> list[str]:
    """The words after the keyword, flags included."""
    return _WORD.findall(line.joined, line.name_start + len(line.name), line.args_end)


def _runs_as_user(_before: Plan, after: Plan) -> Iterator[tuple[int, str]]:
    if after.lineage.end.is_root:
        yield 0, "the image still runs as root"


def _loses_no_step(before: Plan, after: Plan) -> Iterator[tuple[int, str]]:
    """Replay both texts from scratch: old steps must still succeed, and new ones must succeed for certain."""
    origins = align(before.steps, after.steps)
    if after.aligned != origins:
        after = replace(after, aligned=origins)
    for loss in find_losses(before.replay, after.replay):
        if loss.before.key.step != START:
            line = loss.after.line if loss.after is not None else loss.before.line
            yield line, f"a step below USER needs root: {describe(loss.before)}"
    known = {one.key for one in before.replay.outcomes if one.operation.act is Act.OWN}
    for one in after.replay.outcomes:
        is_added = isinstance(one.key.step, str) and one.key.step != START
        is_appended = one.operation.act is Act.OWN and one.key not in known
        if (is_added or is_appended) and not one.surely_succeeds:
            problem = "may fail" if one.who.is_root else "needs root"
            yield one.line, f"an added step {problem}: {describe(one)}"


def _resolves_names(_before: Plan, after: Plan) -> Iterator[tuple[int, str]]:
    account = after.account
    if not account.numeric and not account.exists:
        yield 0, f"no step creates the user {account.name}"
    if account.created is None or account.numeric:
        return
    for copy in after.copies:
        flag = copy.step.instruction.flag("chown")
        value = copy.step.expand(flag.value or "") if flag else ""
        if value == account.owner and copy.step.index < account.created.index:
            yield copy.step.instruction.line, f"{account.name} does not exist yet, so BuildKit would use root"


def _owns_copies(_before: Plan, after: Plan) -> Iterator[tuple[int, str]]:
    if after.options.chown is not Chown.ALL:
        return
    created = after.account.created.index if after.account.created else -1
    for copy in after.owned_copies:
        if not copy.has_owner and copy.step.index >= created:
            yield copy.step.instruction.line, f"{copy.destination} still belongs to root"


def _writes_workdir(_before: Plan, after: Plan) -> Iterator[tuple[int, str]]:
    if after.lineage.image.account_command == "none":
        return
    left = [one for one in find_ownership_changes(after) if one.opens or not one.is_owned]
    reclaimed = find_reclaimed(after) if left else {}  # a review of their own
    for change in (one for one in left if one.path not in reclaimed):
        yield 0, f"{change.path} still belongs to root"
    end = after.lineage.end.workdir
    if end in STANDING_DIRECTORIES and not is_ownable(end):
        yield 0, f"the working directory {end} still belongs to root"


def _has_path(_before: Plan, after: Plan) -> Iterator[tuple[int, str]]:
    if after.options.install is Install.SYSTEM:
        return
    for run, pip in after.user_installs:
        if not pip.is_user_install:
            yield run.instruction.line, "a pip install below USER has no user directory to install to"
        elif not after.finds_user_scripts:
            yield run.instruction.line, "the scripts of a user install are not on PATH"


def _leaves_root_home(_before: Plan, after: Plan) -> Iterator[tuple[int, str]]:
    for path, line in find_left(after):
        yield line, f"the new user cannot enter {path}"
    for run, _ in after.root_installs:
        yield run.instruction.line, "packages are installed into root's home"
    if is_within(after.lineage.end.env.get("HOME", "/home"), "/root"):
        yield 0, "HOME is still root's home"


def _uses_mounts(_before: Plan, after: Plan) -> Iterator[tuple[int, str]]:
    for step in after.steps[after.user_index :]:
        for flag in step.instruction.flags if step.keyword == "RUN" else ():
            value = flag.value or ""
            kind = any(f"type={kind}" in value for kind in ("cache", "secret", "ssh"))
            if flag.name == "mount" and kind and "uid=" not in value:
                yield step.instruction.line, "a mount below USER belongs to root"


def _serves_any_uid(_before: Plan, after: Plan) -> Iterator[tuple[int, str]]:
    """Play the start as the account, and as a uid that the image does not know: both may do the same."""
    if not after.serves_any_uid:
        return
    name, _, group = after.lineage.end.user.partition(":")
    if not (is_number(name) and group == "0"):
        yield 0, "USER is not a number with group 0"
    has_shell = after.lineage.image.account_command != "none"
    if has_shell and "HOME" not in after.lineage.end.env:
        yield 0, "HOME is not set, so a uid without an account starts in /"
    closed = find_closed(after)  # a review of their own
    for loss in find_losses(after.play(any_uid=False), after.replay):
        if loss.before.happens and loss.before.operation.path not in closed and loss.obstacle not in closed:
            yield loss.before.line, f"{describe(loss.before)} is denied to a uid of group 0"


_WORD: Final = re.compile(r"[^\s\[\]\"',();&|]+")
_MAY_CHANGE: Final = re.compile("|".join(one.changes for one in TRANSFORMS if one.changes), re.DOTALL)
_USER: Final = frozenset({"set-user"})
GUARANTEES: Final = (
    Guarantee(codes.ACCEPTED_BY_BUILDKIT, frozenset(), _accepted),
    Guarantee(codes.KEEPS_EVERY_INSTRUCTION, frozenset(), _keeps_instructions),
    Guarantee(codes.SHIPS_AS_NON_ROOT, _USER, _runs_as_user),
    Guarantee(codes.NO_ROOT_STEP_BELOW_USER, _USER, _loses_no_step),
    Guarantee(codes.NAMES_RESOLVE, _USER, _resolves_names),
    Guarantee(codes.COPIES_ARE_OWNED, _USER | {"chown-copies"}, _owns_copies),
    Guarantee(codes.DIRECTORIES_ARE_OWNED, _USER | {"own-directories"}, _writes_workdir),
    Guarantee(codes.USER_INSTALLS_ARE_ON_PATH, _USER | {"pip-user", "user-path"}, _has_path),
    Guarantee(codes.NOTHING_IN_ROOT_HOME, _USER | {"home-paths"}, _leaves_root_home),
    Guarantee(codes.MOUNTS_ARE_USABLE, _USER | {"cache-mounts"}, _uses_mounts),
    Guarantee(codes.SERVES_ANY_UID, _USER | {"own-directories", "home-paths"}, _serves_any_uid),
)
