"""Where root stops being needed, and what the account then owns: the decisions that transforms share."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from dataclasses import replace
from functools import partial

from dockfix.knowledge.homes import find_fetched
from dockfix.lazy import cached_property
from dockfix.model.accounts import UserAccount, choose_account, gives_numbers
from dockfix.model.caches import find_moved_installers
from dockfix.model.closed_files import brings_closed
from dockfix.model.command_operations import home_of
from dockfix.model.copies import Copy, find_volumes
from dockfix.model.corrections import Corrections
from dockfix.model.environments import find_environments, virtual_place
from dockfix.model.facts import Facts
from dockfix.model.filetree import VOLUME, each
from dockfix.model.installs import goes_to_user, system_site_reason
from dockfix.model.lineage import Step, count_settings
from dockfix.model.needs import is_harmless, needs_ids, root_reason
from dockfix.model.operations import Act, How
from dockfix.model.outcomes import Outcome
from dockfix.model.paths import (
    is_below_any,
    is_ownable,
    is_root_home,
    is_shared,
    is_system_directory,
    is_within,
)
from dockfix.model.pip import PipCall, is_virtual
from dockfix.model.relocation import leans_on_root, leaves_relative, moved_copies
from dockfix.model.replay import Move, Replay
from dockfix.model.runs import Run
from dockfix.options import Chown


class Plan(Facts):
    """One reading of a file for one shipped lineage; transforms read it, and guarantees check it."""

    def corrected(self, corrections: Corrections) -> Plan:
        """The same plan with other corrections."""
        if corrections == self.corrections:
            return self
        return replace(self, corrections=corrections)

    @cached_property
    def account(self) -> UserAccount:
        """The account that the image will run as."""
        if self._needs_ids and self.repairs is None:
            asked = self.asked_user or self.shared_number
            return choose_account(self.lineage, self.options, needs_ids=True, asked=asked)
        return self.likely_account

    @cached_property
    def user_index(self) -> int:
        """The index of the first step that runs as the account, where USER is in force or is to be added."""
        if self.runs_as_user:
            user = self.lineage.end.user
            index = len(self.steps)
            while index and self.steps[index - 1].before.user == user:
                index -= 1
            return index
        index = self._lowest_user_index
        while (after := self._last_dependent(index)) > index:
            index = after
        while self._goes_with_the_last(index):
            index += 1
        return index

    def _goes_with_the_last(self, index: int) -> bool:
        """Whether a step only changes modes, directly below a RUN of root's: USER would separate the two."""
        if not 0 < index < len(self.steps):
            return False
        above, step = self.steps[index - 1], self.steps[index]
        is_next = step.instruction.line == above.instruction.last_line + 1
        if not is_next or {above.keyword, step.keyword} != {"RUN"} or above.stage is not step.stage:
            return False
        programs = {one.command.program for one in self.runs[index].invocations}
        return programs == {"chmod"} and step.before.is_root

    def is_below(self, step: Step) -> bool:
        """Whether a step runs as the account."""
        return step.index >= self.user_index

    # -- directories ---------------------------------------------------------------------------

    @cached_property
    def workdir(self) -> str:
        """The directory that the image starts in: the new one if it started in `/` and relocates."""
        end = self.lineage.end.workdir
        return f"{self.home}/app" if end == "/" and self.relocates else end

    @cached_property
    def relocates(self) -> bool:
        """Whether set-workdir gives the image a working directory of its own."""
        if self.lineage.end.workdir != "/" or not self.home.strip("/") or self.corrections.keeps_workdir:
            return False
        if self.repairs is not None:
            return False
        # Stages built on this one may refer to their files by paths below /.
        if any(stage.parent is self.lineage.final for stage in self.stages):
            return False
        # An unknown base may have a working directory of its own.
        explicit = self.lineage.last("WORKDIR")
        if explicit is not None and "$" in explicit.instruction.args:
            # A build argument decides it.
            return False
        is_set = explicit is not None
        may_differ = not (self.lineage.image.known or is_set or self.options.base)
        moves = bool(moved_copies(self)) or any(leaves_relative(self, run) for run in self.runs.values())
        return moves and not may_differ and not leans_on_root(self)

    @cached_property
    def first_relative(self) -> Step | None:
        """The first step above USER that writes relative to `/`; the new WORKDIR must precede it."""
        if not self.relocates:
            return None
        steps = [copy.step for copy in moved_copies(self)]
        steps += (run.step for run in self.runs.values() if leaves_relative(self, run))
        above = [step for step in steps if step.index < self.user_index]
        return min(above, key=lambda step: step.index) if above else None

    @cached_property
    def user_installs(self) -> tuple[tuple[Run, PipCall], ...]:
        """The `pip install` calls below USER that go to the account's user site, or would with `--user`."""
        found: list[tuple[Run, PipCall]] = []
        for index, run in self.runs.items():
            if index >= self.user_index:
                for one in run.invocations:
                    if one.pip in run.pips and one.pip and goes_to_user(self, one, self.system_site_reason):
                        found.append((run, one.pip))
        return tuple(dict.fromkeys(found))

    @cached_property
    def root_installs(self) -> tuple[tuple[Run, PipCall], ...]:
        """The `pip install --user` calls above USER, which would install into root's home."""
        above = (
            run for index, run in self.runs.items() if index < self.user_index and run.step.before.is_root
        )
        found = (
            (run, one.pip)
            for run in above
            for one in run.invocations
            if one.pip and one.pip in run.pips and one.pip.is_user_install
            # Where they are set, PYTHONUSERBASE and HOME name one place for root and the account.
            if is_root_home(
                one.env.get("PYTHONUSERBASE") or home_of(one, run.step.before.env.get("HOME") or "/root")
            )
        )
        return tuple(dict.fromkeys(found))

    @cached_property
    def own_directories(self) -> tuple[str, ...]:
        """The account's directories, judging by copies, working directories and volumes."""
        found = [self.home] if self.home.strip("/") else []
        found += (path for path in (self.workdir, *self._later_workdirs) if is_ownable(path))
        if self.options.chown is Chown.ALL:
            found += (copy.destination for copy in self.copies if self.lands_in_application(copy))
        found += (path for _, path in find_volumes(self.lineage) if is_ownable(path))
        return tuple(dict.fromkeys(path for path in found if path != "/"))

    @cached_property
    def _later_workdirs(self) -> tuple[str, ...]:
        final = self.lineage.own_steps
        return tuple(step.before.workdir for step in final if step.keyword in ("RUN", "COPY", "ADD"))

    def lands_in_application(self, copy: Copy) -> bool:
        """Whether a copy goes to the application's directories, not to the system's."""
        destination = copy.destination
        if is_root_home(destination) or is_shared(destination):
            return False
        end = self.lineage.end.workdir
        if end != "/" and is_ownable(end) and is_within(destination, end):
            return True
        if copy.is_relative and copy.step.before.workdir == "/" and self.relocates:
            return True
        return copy.stage is None and not is_system_directory(destination)

    @cached_property
    def owned_copies(self) -> tuple[Copy, ...]:
        """The copies to be owned by the account under the options, with or without a `--chown` yet."""
        if self.repairs is not None:
            return tuple(one for one in self.copies if self.origins[one.step.index] in self.repairs.copies)
        if self.options.chown is Chown.NONE:
            return ()
        owned = tuple(copy for copy in self.copies if self._is_owned(copy) and not self._is_given(copy))
        return tuple(copy for copy in owned if not self._is_gone(copy))

    def _is_gone(self, copy: Copy) -> bool:
        """Whether steps of root's remove all of a copy before the account's first step."""
        if self.is_below(copy.step) or not any(is_within(copy.destination, one) for one in self._removed):
            return False
        origin, listed = self.origins[copy.step.index], self.replay.end.listed()
        return not any(node.origin == origin for nodes in listed.values() for node in each(nodes))

    @cached_property
    def _removed(self) -> frozenset[str]:
        """The paths that `rm` removes in steps above the account's first one, and that do not come back."""
        above = (run for index, run in self.runs.items() if index < self.user_index)
        calls = ((run, one) for run in above for one in run.invocations if one.command.program == "rm")
        found = (operation for run, one in calls for operation in one.effect(run.home).operations)
        paths = (one.path for one in found if one.act is Act.REMOVE)
        return frozenset(path for path in paths if not is_within(self.workdir, path))

    def _is_given(self, copy: Copy) -> bool:
        """Whether a later chown -R of the file gives the whole copy to the account."""
        if not self._gives_trees:
            return False
        owner = self.replay.accounts.owner(self.likely_account.name)
        later = [origin for origin in self.origins[copy.step.index + 1 :] if isinstance(origin, int)]
        for one in reversed(self.replay.outcomes):
            operation = one.operation
            if operation.act is Act.OWN and operation.recursive and not operation.only:
                given = self.replay.accounts.owner(operation.spec)
                is_meant = one.key.step in later and is_within(copy.destination, operation.path)
                if is_meant and given and owner:
                    return given[0] == owner[0]
        return False

    @cached_property
    def _gives_trees(self) -> bool:
        """Whether any RUN gives all of a directory to somebody: only then is a replay worth asking."""
        return any(
            operation.act is Act.OWN and operation.recursive
            for run in self.runs.values()
            for one in run.invocations
            for operation in one.effect(run.home).operations
        )

    def _is_owned(self, copy: Copy) -> bool:
        if copy.destination == "/root":
            return False
        if not self.serves_any_uid and brings_closed(copy, self.evidence.closed):
            return True
        if self.options.chown is Chown.WRITABLE:
            volumes = [path for _, path in find_volumes(self.lineage)]
            return (copy.is_download and self._is_kept(copy)) or is_below_any(copy.destination, volumes)
        if self._filled and is_below_any(copy.destination, self._filled):
            return True
        if copy.stage is not None and is_system_directory(copy.destination):
            # Programs and libraries keep the owner of their stage: everybody can read them.
            return False
        if self.is_below(copy.step) or self.lands_in_application(copy):
            return True
        return copy.is_download and copy.step.instruction.flag("chmod") is None and self._is_kept(copy)

    @cached_property
    def fetched(self) -> tuple[str, ...]:
        """Where variables say that packages keep what they download."""
        return find_fetched(self.lineage.end.env)

    @cached_property
    def _filled(self) -> frozenset[str]:
        """The directories that the application, or a package that it uses, fills with files of its own."""
        written = [path[:-1] for path in self.evidence.writes if path.endswith("/")]
        return self.corrections.directories.union(written, self.fetched)

    def _is_kept(self, copy: Copy) -> bool:
        """Whether a download stays in the image, where mode 0600 would hide it from the account."""
        name = posixpath.basename(copy.destination)
        if not any(name in run.text for index, run in self.runs.items() if index > copy.step.index):
            return not is_shared(copy.destination)
        origin, listed, landed = self.origins[copy.step.index], self.replay.end.listed(), copy.landed()
        operations = (one.operation for one in self.replay.outcomes)
        if any(one.path in landed and How.KEEPS_OWNER in one.how for one in operations):
            return True  # Unpacked, it has the same mode.
        return any(node.origin == origin for path in listed if not is_shared(path) for node in listed[path])

    # -- what the account can run --------------------------------------------------------------

    @cached_property
    def rehearsal(self) -> Replay:
        """The replay in which the account runs the steps from USER on and owns its copies."""
        if self.runs_as_user and all(copy.has_owner for copy in self.owned_copies) and self._names_home:
            return self.replay
        copies = frozenset(copy.step.index for copy in self.owned_copies)
        created = self.account.created
        if created is not None:
            copies = frozenset(index for index in copies if index > created.index)
        move = Move(self.account, self.user_index, copies, installers=find_moved_installers(self))
        return Replay(
            self.lineage, self.origins, self.starting.invocations, move, self.evidence.is_complete,
            read=self.starting.read, scripts=self.build_scripts, before=self.before,
            any_uid=self.serves_any_uid, closed=self.evidence.closed, folders=self.context.names,
        )  # fmt: skip

    @property
    def _names_home(self) -> bool:
        """Whether the home is known at the start: a uid without an account needs HOME."""
        return not self.serves_any_uid or "HOME" in self.lineage.end.env

    @cached_property
    def denials(self) -> dict[int, Outcome]:
        """By step index: the first operation that the account would be denied in a RUN of root's."""
        all_copies = self.options.chown is Chown.ALL
        copies = frozenset(
            copy.step.index for copy in self.copies if all_copies and self.lands_in_application(copy)
        )
        move = Move(
            self.likely_account,
            0,
            copies,
            self.own_directories,
            partial(is_harmless, self, self.own_directories),
            find_moved_installers(self),
        )
        replay = Replay(
            self.lineage, self.origins, (), move, read=self.starting.read, scripts=self.build_scripts,
            closed=self.evidence.closed,
        )  # fmt: skip
        return replay.denied

    @cached_property
    def system_site_reason(self) -> str:
        """Why packages must stay system-wide, "" for no reason."""
        return system_site_reason(self)

    # -- the boundary --------------------------------------------------------------------------

    @cached_property
    def root_runs(self) -> dict[int, str]:
        """By step index: why a RUN must stay root; a RUN of another user is left out."""
        reasons = {
            index: root_reason(self, run, self.system_site_reason, self.denials.get(index))
            for index, run in self.runs.items()
            if self.runs_as_user or run.step.before.is_root
        }
        for index, origin in enumerate(self.origins):
            if origin in self.corrections.root_steps and index in reasons:
                reasons[index] = reasons[index] or "is allowed something there that the account is not"
        for index in self._removals():
            if index in reasons:
                reasons[index] = reasons[index] or "removes a directory that root has to give again"
        return {index: reason for index, reason in reasons.items() if reason}

    def _removals(self) -> Iterator[int]:
        """The steps that remove a directory of the account's, which the container runtime makes for root."""
        end = self.replay.end
        gone = [path for path in self.own_directories if any(one.origin == VOLUME for one in end.look(path))]
        for one in self.replay.outcomes if gone else ():
            is_removal = one.operation.act in (Act.REMOVE, Act.MOVE) and isinstance(one.key.step, int)
            if is_removal and any(is_within(path, one.operation.path) for path in gone):
                yield self.origins.index(one.key.step)

    @cached_property
    def _lowest_user_index(self) -> int:
        own = self.lineage.own_steps
        floor = own[0].index + count_settings(own) if own else len(self.steps)
        users = [step.index + 1 for step in own if step.keyword == "USER"]
        if self.serves_any_uid:
            # Root opens to the group what copies bring.
            users += [step.index + 1 for step in own if step.keyword in ("COPY", "ADD", "RUN")]
        return max([floor, *users, *(index + 1 for index in self.root_runs if index >= floor)])

    def _last_dependent(self, first: int) -> int:
        """The index after the last step from `first` on that changes an environment which root created."""
        above = [
            place for index, run in self.runs.items() if index < first for place in find_environments(run)
        ]
        late = first
        for index, run in self.runs.items():
            if index < first:
                continue
            for one in run.invocations:
                if one.pip and one.pip.installs and is_virtual(one.pip.command.program, one.env):
                    place = virtual_place(one.pip, one)
                    if place and is_below_any(place, above):
                        late = index + 1
        return late

    @cached_property
    def _needs_ids(self) -> bool:
        if any(copy.is_linked and not copy.has_owner and self._is_owned(copy) for copy in self.copies):
            return True
        if gives_numbers(self.lineage):
            return True
        return any(needs_ids(step) for step in self.steps[self.user_index :] if step.keyword == "RUN")
