"""Which paths must be given to the account: those that the replay shows to be somebody else's at the end."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import IntEnum
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from dockfix.lazy import cached_property
from dockfix.model.changes import Id
from dockfix.model.command_operations import named_files
from dockfix.model.copies import Copy, find_volumes
from dockfix.model.filetree import BASE, START, VOLUME, FileTree, Kind, Node, Nodes, each, parent_of
from dockfix.model.image_tree import base_tree
from dockfix.model.losses import is_special
from dockfix.model.operations import Act, ActName, How, written_at
from dockfix.model.paths import (
    FOR_SERVICES,
    STANDING_DIRECTORIES,
    find_around,
    is_below_any,
    is_ownable,
    is_root_home,
    is_shared,
    is_system_directory,
    is_within,
    resolve,
)
from dockfix.model.permissions import SEARCH, Identity, Verdict, find_denials, may_change, may_write, permits

if TYPE_CHECKING:
    from dockfix.model.outcomes import Outcome
    from dockfix.model.plan import Plan

_OWNERS: Final = 0o700
_OTHERS_WRITE: Final = 0o022
_MAKING: Final = (Act.WRITE, Act.COPY, Act.MOVE, Act.LINK)
_LITERAL: Final = re.compile(r"/[\w./+@=,-]+")


class Reach(IntEnum):
    """How much of a directory changes its owner: only itself, what root owns in it, or everything."""

    SELF = 0
    ROOTS = 1
    ALL = 2


@dataclass(frozen=True, slots=True)
class OwnershipChange:
    """A path to give to the account, how much of it, and the step after which that is possible (-1: any).

    `made` is the step that creates the path: -1 for the base, None if it is not certain to exist.
    `makers` are the RUNs of root's that leave what is somebody else's in it. `around` are the account's
    directories above it, outermost first. `opens`: the mode denies its owner access, `opens_inside`: that
    of a directory in it may; `is_owned`: it belongs to the account and its group already, which may not
    write it.
    """

    path: str
    reach: Reach
    since: int = -1
    made: int | None = None
    makers: tuple[int, ...] = ()
    around: tuple[OwnershipChange, ...] = ()
    opens: bool = False
    opens_inside: bool = False
    is_owned: bool = False

    def exists(self, at: int) -> bool:
        """Whether the path certainly exists before the step at that index."""
        return self.made is not None and self.made < at

    @property
    def is_left_by_makers(self) -> bool:
        """Whether each of `makers` can give what it leaves there, and nothing is left to give after them."""
        if not self.makers or (self.made is not None and not self.exists(self.makers[0] + 1)):
            return False
        return self.since == self.makers[-1]


@lru_cache(maxsize=2)  # the last round of transforms and the guarantee ask about the same plan
def find_ownership_changes(plan: Plan) -> tuple[OwnershipChange, ...]:
    """The paths that somebody else owns in the plan and that the account must own, each once."""
    found = _find_changes(plan)
    # For any uid, modes follow in a later round than owners.
    undecided = find_undecided(plan) if found and not plan.serves_any_uid else ()
    return tuple(one for one in found if one.path not in undecided) if undecided else found


def find_undecided(plan: Plan) -> set[str]:
    """What a rewrite gives or opens to the account, and may stay closed to it all the same.

    An archive or a link decides what is there, or a later step removes or closes it.
    """
    added: dict[tuple[str, ActName], object] = {}
    for one in _find_changes(plan):
        if one.since >= 0 and isinstance(plan.origins[one.since], str):
            added[one.path, Act.MODE if one.opens else Act.OWN] = plan.origins[one.since]
    made = plan.rehearsal.outcomes if added else ()
    return {
        one.operation.path
        for one in made
        if added.get((one.operation.path, one.operation.act), BASE) == one.key.step
    }


@lru_cache(maxsize=2)
def _find_changes(plan: Plan) -> tuple[OwnershipChange, ...]:
    wanted: dict[str, OwnershipChange] = {}
    for one in _Search(plan).find():
        if _LITERAL.fullmatch(one.path) and one.since < plan.user_index:
            other = wanted.get(one.path, one)
            wanted[one.path] = replace(
                one,
                reach=max(one.reach, other.reach),
                since=max(one.since, other.since),
                makers=one.makers or other.makers,
            )
    return tuple(_outermost(list(wanted.values())))


def _outermost(changes: list[OwnershipChange]) -> Iterator[OwnershipChange]:
    """The changes that no wider one covers; a wider one waits until everything in it exists."""
    wide = {one.path for one in changes if one.reach}
    inside: dict[str, int] = {}
    for one in changes:
        latest = max(one.since, -1 if one.made is None else one.made)
        for place in wide.intersection(find_around(one.path)):
            inside[place] = max(inside.get(place, -1), latest)
    for one in changes:
        is_covered = not wide.isdisjoint(find_around(posixpath.dirname(one.path)))
        if is_covered and one.made is not None and not one.opens:
            continue
        yield replace(one, since=max(one.since, inside.get(one.path, -1)))


class _Search:
    """Searches the tree at the end of the steps, before the start."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.replay = plan.rehearsal
        self.tree: FileTree = self.replay.end
        self.who: Identity = self.replay.who
        self.uid: Id = self.replay.user.uid
        self.index_of = {origin: index for index, origin in enumerate(plan.origins)}
        self._asked: dict[tuple[ActName, ...], tuple[Outcome, ...]] = {}

    def find(self) -> Iterator[OwnershipChange]:
        """All changes; a path may occur more than once."""
        if self.plan.repairs is not None:
            denied = (path for path in sorted(self.plan.repairs.directories) if self._obstacles(path))
            yield from (self._change(path, Reach.SELF) for path in denied)
            return
        for path in dict.fromkeys(self._used()):
            yield from self._self(path)
        for path in self._made_for_data():
            # What a step leaves in /tmp is usually of no use later.
            is_guess = not self.plan.evidence.is_complete and not is_shared(path)
            if is_guess or self._is_mentioned(path) or self._is_opened(path):
                yield from self._self(path)
        yield from self._contents()
        yield from self._copies()
        if self.plan.serves_any_uid:
            yield from self._downloads()

    # -- directories ---------------------------------------------------------------------------

    def _used(self) -> Iterator[str]:
        """The directories that the start and the account's steps probably write to, if they may be given."""
        plan = self.plan
        if plan.home.strip("/"):
            yield plan.home
        below = (step.before.workdir for step in plan.steps[plan.user_index :] if step.keyword == "RUN")
        # A working directory added by set-workdir belongs to the account from the beginning.
        first = () if plan.relocates else (plan.workdir,)
        yield from (path for path in (*first, *below) if path != "/" and is_ownable(path))
        yield from (path for _, path in find_volumes(plan.lineage) if is_ownable(path))
        for path, _ in plan.starting.written:
            directory = posixpath.dirname(path)
            if not is_system_directory(directory):
                yield directory
        yield from self._to_be_mounted()
        yield from self._fetched()
        for path in plan.evidence.directories:
            if not self._is_in_volume(path):
                yield path
        yield from plan.evidence.mounts
        for path in sorted(plan.corrections.directories):
            if path in plan.evidence.writes and _is_taken_for_file(self.tree.look(self.tree.follow(path))):
                yield from self._around_file(path)
            yield path

    def _is_in_volume(self, path: str) -> bool:
        """Whether no step makes a directory below a mount point: there the start makes it, or fails."""
        mounts = frozenset(self.plan.evidence.mounts)
        is_below = not mounts.isdisjoint(find_around(posixpath.dirname(path))) and path not in mounts
        return is_below and not self.tree.exists(self.tree.follow(path))

    def _to_be_mounted(self) -> Iterator[str]:
        """The directories where the start makes files, and that neither a step makes nor the start tests for.

        It fails unless something is mounted there; a new volume belongs to the owner of the directory.
        """
        for one in self.replay.outcomes:
            if one.key.step != START or one.key.command < 0 or one.operation.act not in _MAKING:
                continue
            directory = posixpath.dirname(written_at(one.operation)) or "/"
            if not is_ownable(directory) or is_system_directory(directory) or directory in self._looked_for:
                continue
            is_there = self.tree.exists(self.tree.follow(directory))
            if not is_there and not self._is_made_at_the_start(directory):
                yield directory

    @cached_property
    def _looked_for(self) -> frozenset[str]:
        """The directories that the start's scripts test for (`[ -d DIRECTORY ]`)."""
        commands = ((one, one.command.words) for one in self.plan.starting.invocations)
        values = (
            words[at + 1].expand(one.env) or ""
            for one, words in commands
            for at, word in enumerate(words[:-1])
            if word.text == "-d"
        )
        return frozenset(value.rstrip("/") for value in values)

    def _fetched(self) -> Iterator[str]:
        """Where packages keep what they download, or the directory around it that a variable names."""
        for path in self.plan.fetched:
            above = posixpath.dirname(path)
            is_there = any(each(self.tree.look(self.tree.follow(path))))
            named = {value.rstrip("/") for value in self.plan.lineage.end.env.values()}
            place = above if above in named and not is_there else path
            if not self._is_made_at_the_start(place):
                yield place

    def _is_made_at_the_start(self, path: str) -> bool:
        """Whether a missing directory is below one of the account's, so that what fetches can create it."""
        at = self.tree.follow(path)
        own = {place for place in (self.plan.home, self.plan.workdir) if place != "/" and is_ownable(place)}
        while at not in own and not self.tree.exists(at):
            if any(node.uid != self.uid for node in each(self.tree.look(at))):
                return False
            at = posixpath.dirname(at)
        return at in own or all(one.verdict is Verdict.ALLOWED for one in may_change(self.tree, at, self.who))

    def _around_file(self, path: str) -> Iterator[str]:
        """The directory of a file, where a database keeps its journal, and what replaces a file is made."""
        directory = posixpath.dirname(path)
        if is_ownable(directory) and not is_system_directory(directory):
            yield directory

    def _made_for_data(self) -> Iterator[str]:
        """What root's steps create explicitly and leave empty: directories, and files to write to."""
        for one in self._of_root(Act.MAKE, Act.WRITE):
            path = one.operation.path
            if one.operation.act is Act.WRITE and (one.command != "touch" or is_root_home(path)):
                continue
            if not self.tree.exists(self.tree.follow(path)):
                continue
            if self._stands_for(one) and is_ownable(path) and not is_root_home(path):
                is_data = not is_system_directory(path) or is_below_any(path, self.plan.own_directories)
                is_data = is_data or is_below_any(path, FOR_SERVICES)
                if is_data and not self._is_filled(path):
                    yield path

    def _is_mentioned(self, path: str) -> bool:
        """Whether the sources or the variables name a path in a directory: what is called may write there."""
        return any(is_within(one, path) or is_within(path, one) for one in self._mentions)

    def _is_opened(self, path: str) -> bool:
        """Whether a step lets others than its owner write to it: somebody who is not root does."""
        nodes = self.tree.look(self.tree.follow(path))
        return any(node.mode & _OTHERS_WRITE and self._is_run(node) for node in each(nodes))

    @cached_property
    def _mentions(self) -> frozenset[str]:
        end, evidence = self.plan.lineage.end, self.plan.evidence
        relative = (resolve(name, end.workdir) for name in evidence.names if not name.startswith("/"))
        mentions = (
            one for one in (*evidence.mentions, *end.env.values(), *self._started) if one.startswith("/")
        )
        found = (*mentions, *(path for path in relative if path in self.tree.listed()))
        return frozenset(path for path in found if path != end.workdir and not is_system_directory(path))

    @cached_property
    def _started(self) -> frozenset[str]:
        """What the commands of the start name or change."""
        named = (named_files(one, self.who) for one in self.plan.starting.invocations)
        changed = (one.operation for one in self.replay.outcomes if one.key.step == START)
        return frozenset(
            [*(path for found in named for path, is_path in found if is_path), *map(written_at, changed)]
        )

    @cached_property
    def _owning(self) -> tuple[Outcome, ...]:
        """What sets an owner: chown, and unpacking."""
        set_by_steps = (one for one in self._of_root(Act.OWN, Act.WRITE) if one.operation.spec[:1] != ":")
        return tuple(
            one
            for one in set_by_steps
            if one.operation.act is not Act.WRITE or How.ARCHIVED in one.operation.how
        )

    def _of_root(self, *acts: ActName) -> tuple[Outcome, ...]:
        if acts not in self._asked:
            self._asked[acts] = tuple(
                one for one in self.replay.outcomes if one.operation.act in acts and one.who.is_root
                if one.key.step in self.index_of
            )  # fmt: skip
        return self._asked[acts]

    def _stands_for(self, one: Outcome) -> bool:
        """Whether the node that an operation created still exists at the end, under its name."""
        return any(
            node.origin == one.key.step for node in self.tree.look(self.tree.follow(one.operation.path))
        )

    def _is_filled(self, path: str) -> bool:
        return any(
            node.kind is Kind.ANY and isinstance(node.origin, int) and self._is_run(node)
            for node in self.tree.contents(path)
        )

    def _self(self, path: str) -> Iterator[OwnershipChange]:
        """The directory and the application's directories above it, if the account cannot write to them."""
        around = sorted(
            self._given.keys() & {*find_around(path)} - {path, self.plan.home}, key=self._given.__getitem__
        )
        if path in self.plan.corrections.directories and (directory := self._holder(path)):
            # An unlisted path may be a file: mkdir must not create a directory of its name.
            if find_denials(may_write(self.tree, path, self.who)):
                yield self._change(directory, Reach.ALL)
            return
        if path in self.plan.corrections.directories and self._may_be_file(path):
            return
        if path in self._made_by_account - self.plan.corrections.directories:
            path = posixpath.dirname(path)
        for place in (*around, path):
            if obstacles := self._obstacles(place):
                yield from (self._change(one, Reach.SELF) for one in sorted(obstacles - {place}))
                is_file = _is_taken_for_file(self.tree.look(self.tree.follow(place)))
                is_wide = self._holds_touched_files(place) or self._holds_closed(place)
                yield self._change(place, self._reach(place) if is_wide and not is_file else Reach.SELF)

    @cached_property
    def _made_by_account(self) -> frozenset[str]:
        """The directories that a step of the account creates in one that can be given to it."""
        made = (one for one in self.replay.outcomes if one.operation.act is Act.MAKE and not one.optional)
        return frozenset(
            one.operation.path
            for one in made
            if one.key.step in self.index_of and one.who == self.who
            if self.tree.exists(above := posixpath.dirname(one.operation.path)) and is_ownable(above)
        )

    def _reach(self, path: str) -> Reach:
        """How much of a directory has to change its owner: copies that the account owns are left out."""
        found = self.tree.contents(path)
        mine = any(node.uid == self.uid for node in found)
        return Reach.ROOTS if mine and all(node.uid in (0, self.uid) for node in found) else Reach.ALL

    @cached_property
    def _given(self) -> dict[str, int]:
        """The account's directories that may be given to it, with their positions."""
        own = self.plan.own_directories
        given = (one for one in own if is_ownable(one) and one not in STANDING_DIRECTORIES)
        return {path: position for position, path in enumerate(given)}

    def _holder(self, path: str) -> str:
        """The nearest listed directory above a path that may exist unlisted, "" for any other path."""
        real = self.tree.follow(path)
        if real in self.tree.listed() or not any(each(self.tree.look(real))):
            return ""
        while real not in self.tree.listed():
            real = posixpath.dirname(real)
        return real if is_ownable(real) and not is_system_directory(real) else ""

    def _may_be_file(self, path: str) -> bool:
        """Whether a path that may be missing may also be a file, which mkdir must not take the place of."""
        real = self.tree.follow(path)
        if self.tree.exists(real):
            return False
        return path in self._files or any(map(_is_file, each(self.tree.look(real))))

    @cached_property
    def _files(self) -> frozenset[str]:
        """What the start writes as files."""
        written = (
            one.operation.path
            for one in self.replay.outcomes
            if one.key.step == START and one.operation.act is Act.WRITE and one.operation.spec
        )
        return frozenset(
            (*written, *self.plan.evidence.writes, *(path for path, _ in self.plan.starting.written))
        )

    def _holds_closed(self, path: str) -> bool:
        """Whether it contains files that only their owner can read, and a denied start may need them."""
        if path not in self.plan.corrections.directories:
            return False
        return any(not node.mode & 0o004 for node in self.tree.contents(path) if node.uid != self.uid)

    def _change(self, path: str, reach: Reach) -> OwnershipChange:
        real = self.tree.follow(path)
        nodes = self.tree.look(real)
        moved = list(self._moved_by_steps(real))
        made = self._made_by(real, moved)
        touching = [made] if made is not None and self._waits(nodes, made) else []
        foreign = [node for node in self.tree.contents(real) if node.uid != self.uid] if reach else []
        inside = {self.index_of.get(node.origin, -1) for node in foreign}
        touching += (index for index in inside if index < self.plan.user_index)
        touching += (*self._owned_by_steps(real), *self._removed_by_steps(real), *moved)
        touching += self._perhaps_made_by_steps(real, made)
        opens = any(node.kind is Kind.DIRECTORY and node.mode & _OWNERS != _OWNERS for node in nodes)
        if opens:
            touching += self._closed_by_steps(real)
        since = max(touching, default=-1)
        created = self.plan.account.created
        if real == self.plan.home and created is not None and since == made == created.index:
            # The step that creates the account can end with commands for its home.
            made = since = created.index - 1
        opens_inside = opens and any(map(_may_be_closed, self.tree.contents(real)))
        is_owned = made is not None and reach is Reach.SELF and self._is_owned(nodes)
        around = tuple(self._around(real))
        # What may be missing is made in their place only where a variable says that it is filled.
        is_sure = made is not None or real in self.plan.fetched
        makers = self._makers(foreign) if is_sure else ()
        return OwnershipChange(real, reach, since, made, makers, around, opens, opens_inside, is_owned)

    def _makers(self, foreign: list[Node]) -> tuple[int, ...]:
        """The RUNs that left the nodes; none if there are several, and not all that they left is root's."""
        left = [node for node in foreign if self._is_run(node)]
        found = tuple(sorted({self.index_of[node.origin] for node in left}))
        return found if len(found) == 1 or all(node.uid == 0 for node in left) else ()

    def _made_by(self, real: str, moved: list[int]) -> int | None:
        """The step that creates a path, None if it is not certain to exist."""
        origins = {node.origin for node in self.tree.look(real)}
        if VOLUME in origins or not self.tree.exists(real):
            return None
        if origins == {BASE} and not base_tree(self.plan.lineage.image).exists(real):
            # A step that enters it shows that it is there, to those below.
            entered = (one for one in self.replay.outcomes if one.operation.act is Act.ENTER)
            found = (self.index_of.get(one.key.step) for one in entered if one.operation.path == real)
            return next(found, None)
        return max([*(self.index_of.get(origin, -1) for origin in origins), *moved])

    def _waits(self, nodes: Nodes, made: int) -> bool:
        """Whether a change has to come after the step that creates a path.

        A directory can exist before a copy fills it, unless the copy brings a mode that the group's rights
        have to follow; a file cannot.
        """
        if any(self._is_run(node) or node.kind is not Kind.DIRECTORY for node in nodes):
            return True
        return self.plan.serves_any_uid and self._is_copied(made)

    def _is_owned(self, nodes: Nodes) -> bool:
        """Whether all belong to the account and the group that starts the image."""
        return all((node.uid, node.gid) == (self.uid, self.who.gid) for node in nodes)

    def _around(self, path: str) -> Iterator[OwnershipChange]:
        """The account's and new directories above a path, which `mkdir -p` might create for root."""
        above = posixpath.dirname(path)
        if above == self.plan.home:
            return
        is_new = path not in self._mounted and self._is_new(above)
        if is_new or not self._given.keys().isdisjoint(find_around(above)):
            change = self._change(above, Reach.SELF)
            yield from change.around
            yield replace(change, around=())

    @cached_property
    def _mounted(self) -> frozenset[str]:
        volumes = (path for _, path in find_volumes(self.plan.lineage))
        return frozenset((*volumes, *self.plan.evidence.mounts))

    def _is_new(self, path: str) -> bool:
        """Whether the base has nothing at a path: a copy, or a start of root's, would create it."""
        nodes = self.tree.look(self.tree.follow(path))
        is_free = is_ownable(path) and not is_system_directory(path)
        return is_free and all(node.origin != BASE for node in each(nodes))

    def _owned_by_steps(self, path: str) -> Iterator[int]:
        """The steps that set the owner of the path, and would undo a change that comes before them."""
        at, below = self._owned_at
        yield from (at[place] for place in find_around(path) if place in at)
        if path in below:
            yield below[path]

    def _closed_by_steps(self, path: str) -> Iterator[int]:
        """The steps that set the mode of the path, and would undo a change that comes before them."""
        places = {path, *find_around(path)}
        found = (one for one in self._of_root(Act.MODE) if one.operation.path in places)
        return (self.index_of[one.key.step] for one in found)

    @cached_property
    def _owned_at(self) -> tuple[dict[str, int], dict[str, int]]:
        """(last step that sets the owner of a path, last step that sets one there or below), by path."""
        at: dict[str, int] = {}
        below: dict[str, int] = {}
        for one in self._owning:
            path, index = one.operation.path.rstrip("/") or "/", self.index_of[one.key.step]
            at[path] = max(at.get(path, -1), index)
            for place in find_around(path):
                below[place] = max(below.get(place, -1), index)
        return at, below

    def _perhaps_made_by_steps(self, path: str, made: int | None) -> Iterator[int]:
        """The steps that may make a path that none certainly makes, or what is around it.

        Their `mkdir` fails where it is there already, unless it has -p.
        """
        around = {*find_around(path)}
        for one in self._of_root(Act.MAKE) if made is None else ():
            if one.operation.path in around:
                yield self.index_of[one.key.step]

    def _removed_by_steps(self, path: str) -> Iterator[int]:
        """The steps that remove the path or what is around it, or give it another name."""
        around = {*find_around(path)}
        for one in self._of_root(Act.REMOVE, Act.MOVE):
            if one.operation.path in around:
                yield self.index_of[one.key.step]

    def _moved_by_steps(self, path: str) -> Iterator[int]:
        """The steps that move something to the path or around it; what they move keeps its origin."""
        for one in self._of_root(Act.MOVE):
            target = one.operation.spec.rstrip("/") or "/"
            into = posixpath.join(target, posixpath.basename(one.operation.path))
            if is_within(path, into if target == "/" else target):
                yield self.index_of[one.key.step]

    def _obstacles(self, path: str) -> frozenset[str]:
        """What must become the account's before it can write to a path: itself, directories above it."""
        if path == "/" or not is_ownable(path):
            return frozenset()
        real = self.tree.follow(path)
        nodes, exists = self.tree.look(real), self.tree.exists(real)
        may_be_filled = may_write if exists and _is_taken_for_file(nodes) else may_change
        denials = find_denials(may_be_filled(self.tree, path, self.who))
        # What may be missing is made, unless only the account can have made it, or a step removed it.
        is_given = all(node.uid == self.uid for node in each(nodes)) and real in self.tree.listed()
        if not denials if exists else is_given:
            return frozenset()
        above = {one.obstacle for one in denials}.intersection(find_around(path))
        # Behind a directory that cannot be entered there may be others.
        closed = (
            (one for one in find_around(parent_of(path)) if self._is_closed(one)) if above - {path} else ()
        )
        return frozenset((path, *filter(is_ownable, (*above, *closed))))

    def _is_closed(self, path: str) -> bool:
        """Whether a directory may be closed to the account."""
        nodes = self.tree.look(self.tree.follow(path))
        return any(node.holds and not permits(node, self.who, SEARCH) for node in nodes)

    def _holds_touched_files(self, path: str) -> bool:
        if self.plan.evidence.is_complete:
            return False
        touched = [
            node
            for node in self.tree.contents(path)
            if node.kind is Kind.FILE and node.uid != self.uid and self._is_run(node)
        ]
        # What chown would take something from is given by name.
        return bool(touched) and not any(map(is_special, touched))

    # -- what is in them -----------------------------------------------------------------------

    def _is_run(self, node: Node) -> bool:
        index = self.index_of.get(node.origin)
        return index is not None and self.plan.steps[index].keyword == "RUN"

    def _contents(self) -> Iterator[OwnershipChange]:
        """Application directories in which root's steps leave files that the account does not own."""
        left_out = "" if self._shares_home else self.plan.home
        for path in self._filled():
            is_home = path == left_out
            if is_home or not is_ownable(path) or is_system_directory(path):
                continue
            if path in STANDING_DIRECTORIES:
                yield from self._children(path)
            else:
                yield from self._directory(self._brought_with(path))

    def _filled(self) -> Iterator[str]:
        """The directories whose contents are written: all of the application's, unless sources tell which."""
        evidence = self.plan.evidence
        yield from self.plan.fetched
        if not evidence.is_complete:
            yield from self.plan.own_directories
            return
        if self._shares_home:
            yield self.plan.home
        yield from (path for _, path in find_volumes(self.plan.lineage))
        yield from (path[:-1] for path in evidence.writes if path.endswith("/"))
        yield from evidence.mounts

    @cached_property
    def _shares_home(self) -> bool:
        """Whether programs that root runs keep their files in the account's home: ENV HOME names it."""
        if self.plan.lineage.end.env.get("HOME") != self.plan.home:
            return self.plan.corrections.shares_home
        states = [run.step.before for run in self.plan.runs.values()]
        return any(one.is_root and one.env.get("HOME") == self.plan.home for one in states)

    def _children(self, directory: str) -> Iterator[OwnershipChange]:
        for path in self.tree.below(directory):
            if posixpath.dirname(path) != directory:
                continue
            # What a link leads to is given under its own name.
            is_link = any(node.kind is Kind.LINK for node in self.tree.look(path))
            if not is_link and not self._may_be_file(path):
                yield from self._directory(path, itself=True)

    def _brought_with(self, path: str) -> str:
        """The directory itself, or the topmost listed directory around it that a step of root's created."""
        at = path
        while at != "/" and at not in self.tree.listed():
            at = posixpath.dirname(at)
        nodes = self.tree.look(at)
        brought = any(node.kind is not Kind.ABSENT and self._is_run(node) for node in nodes)
        return at if brought and not is_system_directory(at) else path

    def _directory(self, path: str, *, itself: bool = False) -> Iterator[OwnershipChange]:
        found = [*self.tree.contents(path), *(self.tree.look(path) if itself else ())]
        foreign = [
            node
            for node in found
            if node.kind in (Kind.FILE, Kind.ANY) and node.uid != self.uid and not node.packaged
            if self._is_left(node)
        ]
        if any(map(is_special, foreign)):
            # chown would clear capabilities and set-id bits, so the other files are given by name.
            yield from (self._change(one, Reach.SELF) for one in self._named(path, foreign))
        elif foreign:
            mine = any(node.uid == self.uid for node in found)
            reach = Reach.ROOTS if mine and all(node.uid == 0 for node in foreign) else Reach.ALL
            yield self._change(path, reach)

    def _named(self, directory: str, foreign: list[Node]) -> list[str]:
        below = self.tree.below(directory)
        return [
            path
            for path in below
            if any(one in foreign and not is_special(one) for one in self.tree.look(path))
        ]

    def _is_left(self, node: Node) -> bool:
        """Whether a step run as root left it, or gave it away by other means than a copy's `--chown`."""
        index = self.index_of.get(node.origin)
        chown = self.plan.steps[index].instruction.flag("chown") if index is not None else None
        return self._is_run(node) or (node.uid != 0 and chown is None)

    def _copies(self) -> Iterator[OwnershipChange]:
        """Copies that precede the step that creates the account, so that `--chown` cannot name it yet."""
        created = self.plan.account.created
        for copy in self.plan.owned_copies:
            if created is None or copy.step.index > created.index or copy.has_owner:
                continue
            for landed in copy.landed():
                path = landed.removesuffix("/*") or "/"
                is_tree = landed != path or (path == copy.destination and copy.may_bring_tree)
                is_given = not (is_tree and is_system_directory(path)) and self.tree.exists(
                    self.tree.follow(path)
                )
                if is_given and self._is_foreign(path, alone=not is_tree):
                    reach = Reach.ALL if is_tree else Reach.SELF
                    yield OwnershipChange(path, reach, copy.step.index, copy.step.index)

    def _is_copied(self, index: int) -> bool:
        return index >= 0 and self.plan.steps[index].keyword in ("COPY", "ADD")

    def _downloads(self) -> Iterator[OwnershipChange]:
        """What ADD may fetch, which has mode 0600: group 0 has to read it too."""
        opened = {one.operation.path for one in self.replay.outcomes if one.operation.act is Act.MODE}
        for copy in self.plan.owned_copies:
            if copy.may_be_download and copy.step.instruction.flag("chmod") is None:
                landed = (path for path in copy.landed() if not path.endswith("/*"))
                kept = (path for path in landed if self.tree.exists(self.tree.follow(path)))
                yield from (self._change(path, Reach.SELF) for path in kept if path not in opened)

    def _is_foreign(self, path: str, *, alone: bool) -> bool:
        """Whether a path other than `/`, or anything below it unless `alone`, belongs to somebody else."""
        nodes = [*self.tree.look(self.tree.follow(path)), *(() if alone else self.tree.contents(path))]
        return path != "/" and any(node.uid != self.uid for node in each(nodes))


def find_reclaimed(plan: Plan) -> dict[str, int]:
    """What stays somebody else's in a finished rewrite, with the index of the copy that takes it back.

    Such a copy has another owner, or brings a directory that not even its owner may write; it may bring the
    path, or what is in it.
    """
    created = plan.account.created.index if plan.account.created is not None else -1
    copies = [one for one in plan.copies if one.step.index > created]
    found: dict[str, int] = {}
    for change in _find_changes(plan) if copies else ():
        for copy in copies:
            places = (path.removesuffix("/*") or "/" for path in copy.landed())
            takes = change.opens or not _is_given(copy, plan.account.owner)
            if takes and any(is_within(change.path, one) or is_within(one, change.path) for one in places):
                found[change.path] = copy.step.index
    return found


def _is_given(copy: Copy, owner: str) -> bool:
    flag = copy.step.instruction.flag("chown")
    return flag is not None and flag.value == owner


def _is_file(node: Node) -> bool:
    """Whether it is a file, or unknown but without the execute bits of a directory."""
    return node.kind is Kind.FILE or (node.kind is Kind.ANY and not node.mode & 0o111)


def _may_be_closed(node: Node) -> bool:
    """Whether it may be a directory that its owner may not enter."""
    return node.kind in (Kind.DIRECTORY, Kind.ANY) and not node.mode & 0o100


def _is_taken_for_file(nodes: Nodes) -> bool:
    """Whether the path counts as a file.

    One that was written as a file is unlikely to be a directory of the base.
    """
    kinds = {node.kind for node in nodes}
    return all(map(_is_file, nodes)) or (Kind.FILE in kinds and Kind.DIRECTORY not in kinds)


def owns(plan: Plan, path: str) -> bool:
    """Whether the account can write to a path when the planned image starts."""
    answers = may_change(plan.rehearsal.end, path, plan.rehearsal.who)
    return all(one.verdict is Verdict.ALLOWED for one in answers)
