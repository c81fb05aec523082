"""Where root stops being needed, and what then belongs to whom: the decisions that transforms share."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from dockfix.context import Context
from dockfix.lazy import cached_property
from dockfix.model.accounts import UserAccount, choose_account, find_created
from dockfix.model.copies import Copy, find_copies, find_volumes
from dockfix.model.corrections import NOTHING_LEARNED, Corrections
from dockfix.model.filetree import Origin
from dockfix.model.installs import (
    find_virtual,
    goes_to_user,
    system_site_reason,
    virtual_place,
)
from dockfix.model.lineage import Lineage, Stage, State, Step, count_settings
from dockfix.model.needs import is_harmless, needs_ids, root_reason
from dockfix.model.operations import Act
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
from dockfix.model.runs import Run, Settings, read_run
from dockfix.model.starting import Starting
from dockfix.model.testimony import SILENT, Testimony
from dockfix.options import Chown, Options
from dockfix.syntax.tree import Dockerfile


class Plan:
    """One reading of a file for one shipped lineage; transforms ask it, guarantees check it."""

    def __init__(
        self,
        tree: Dockerfile,
        stages: tuple[Stage, ...],
        lineage: Lineage,
        options: Options,
        context: Context,
        testimony: Testimony = SILENT,
        origins: Sequence[Origin] | None = None,
        corrections: Corrections = NOTHING_LEARNED,
    ) -> None:
        self.tree = tree
        self.stages = stages
        self.lineage = lineage
        self.options = options
        self.context = context
        self.testimony = testimony
        self.origins = range(len(lineage.steps)) if origins is None else origins
        self.corrections = corrections

    def corrected(self, corrections: Corrections) -> Plan:
        """The same reading under other corrections."""
        if corrections == self.corrections:
            return self
        return Plan(
            self.tree, self.stages, self.lineage, self.options, self.context, self.testimony,
            self.origins, corrections,
        )  # fmt: skip

    @property
    def steps(self) -> tuple[Step, ...]:
        """All steps of the lineage."""
        return self.lineage.steps

    @cached_property
    def copies(self) -> tuple[Copy, ...]:
        """The COPY and ADD steps of the lineage."""
        return find_copies(self.lineage)

    @cached_property
    def is_moved(self) -> bool:
        """Whether the image runs as a user already."""
        return not self.lineage.end.is_root

    @cached_property
    def account(self) -> UserAccount:
        """Who the image will run as."""
        if self._needs_ids:
            return choose_account(self.lineage, self.options, needs_ids=True)
        return self.likely_account

    @cached_property
    def has_created_account(self) -> bool:
        """Whether a RUN of the lineage creates an account."""
        return bool(find_created(self.lineage))

    @cached_property
    def home(self) -> str:
        """Where HOME leads for whoever the image will run as: ENV HOME, or the account's own; "" for none."""
        fixed = self.lineage.end.env.get("HOME", "")
        if fixed.startswith("/") and not is_root_home(fixed) and fixed != "/":
            return fixed.rstrip("/")
        return self.likely_account.home

    @cached_property
    def likely_account(self) -> UserAccount:
        """The account as far as it is known before anything is known of mounts and links."""
        return choose_account(self.lineage, self.options, needs_ids=False)

    @cached_property
    def switch(self) -> int:
        """The index of the first step that runs as the account: USER is in force there, or goes there."""
        if self.is_moved:
            user = self.lineage.end.user
            index = len(self.steps)
            while index and self.steps[index - 1].before.user == user:
                index -= 1
            return index
        index = self._lowest_switch
        while (after := self._last_dependent(index)) > index:
            index = after
        return index

    def is_below(self, step: Step) -> bool:
        """Whether a step runs as the account."""
        return step.index >= self.switch

    # -- directories ---------------------------------------------------------------------------

    @cached_property
    def workdir(self) -> str:
        """The directory the image starts in; the new one where it started in `/`."""
        end = self.lineage.end.workdir
        return f"{self.home}/app" if end == "/" and self.relocates else end

    @cached_property
    def relocates(self) -> bool:
        """Whether set-workdir gives the image a directory of its own."""
        if self.lineage.end.workdir != "/" or not self.home.strip("/"):
            return False
        # Stages built on this one may name by / what they copy to where they work.
        if any(stage.parent is self.lineage.final for stage in self.stages):
            return False
        # An unknown base may have a working directory of its own.
        is_set = self.lineage.last("WORKDIR") is not None
        return (self.lineage.image.known or is_set or bool(self.options.base)) and not leans_on_root(self)

    @cached_property
    def first_relative(self) -> Step | None:
        """The first step above USER that leaves things relative to `/`: WORKDIR has to stand above it."""
        if not self.relocates:
            return None
        steps = [copy.step for copy in moved_copies(self)]
        steps += (run.step for run in self.runs.values() if leaves_relative(self, run))
        above = [step for step in steps if step.index < self.switch]
        return min(above, key=lambda step: step.index) if above else None

    @cached_property
    def user_installs(self) -> tuple[tuple[Run, PipCall], ...]:
        """The `pip install` calls below USER that go to the account's site, or would with `--user`."""
        found: list[tuple[Run, PipCall]] = []
        for index, run in self.runs.items():
            if index >= self.switch:
                for one in run.invocations:
                    if one.pip in run.pips and one.pip and goes_to_user(self, one):
                        found.append((run, one.pip))
        return tuple(dict.fromkeys(found))

    @cached_property
    def root_installs(self) -> tuple[tuple[Run, PipCall], ...]:
        """The `pip install --user` calls above USER, which would install into root's home."""
        return tuple(
            (run, pip)
            for index, run in self.runs.items()
            if index < self.switch and run.step.before.is_root
            for pip in run.pips
            if pip.is_user_install
        )

    @cached_property
    def own_directories(self) -> tuple[str, ...]:
        """The directories that are the account's, as far as copies and working directories say."""
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
        """Whether a copy goes where the application lives, rather than to a place of the system."""
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
    def starting(self) -> Starting:
        """What the image starts."""
        return Starting(self.lineage, self.copies, self.context, self.home)

    @cached_property
    def owned_copies(self) -> tuple[Copy, ...]:
        """The copies that become the account's under the options, whether marked yet or not."""
        if self.options.chown is Chown.NONE:
            return ()
        return tuple(copy for copy in self.copies if self._is_owned(copy) and not self._is_given(copy))

    def _is_given(self, copy: Copy) -> bool:
        """Whether the file itself gives the whole copy to the account later on."""
        owner = self.replay.accounts.owner(self.likely_account.name)
        for one in self.replay.outcomes:
            operation = one.operation
            if operation.act is Act.OWN and operation.recursive and not operation.only:
                later = one.key[0] in self.origins[copy.step.index + 1 :]
                given = self.replay.accounts.owner(operation.spec)
                if later and is_within(copy.destination, operation.path) and given and owner:
                    return given[0] == owner[0]
        return False

    def _is_owned(self, copy: Copy) -> bool:
        if self.options.chown is Chown.WRITABLE:
            volumes = [path for _, path in find_volumes(self.lineage)]
            return (copy.is_download and self._is_kept(copy)) or is_below_any(copy.destination, volumes)
        if copy.stage is not None and is_system_directory(copy.destination):
            # Programs and libraries keep the owner that their stage gave them: everybody reads them.
            return False
        if copy.is_download and copy.step.instruction.flag("chmod") is None and self._is_kept(copy):
            return True
        return self.is_below(copy.step) or self.lands_in_application(copy)

    def _is_kept(self, copy: Copy) -> bool:
        """Whether a download stays in the image: ADD gives it mode 0600, so nobody else could read it."""
        name = copy.destination.rpartition("/")[2]
        later = (run.text for index, run in self.runs.items() if index > copy.step.index)
        return not is_shared(copy.destination) and not any("rm " in text and name in text for text in later)

    # -- what the account can run --------------------------------------------------------------

    @cached_property
    def runs(self) -> dict[int, Run]:
        """The parsed RUN steps of the lineage by their index."""
        runs: dict[int, Run] = {}
        settings: Settings = ()
        for step in self.lineage.of("RUN"):
            runs[step.index] = run = read_run(step, self.home or "/", settings)
            settings = run.settings
        return runs

    def after(self, step: Step) -> State:
        """What is in force behind a step."""
        following = step.index + 1
        return self.steps[following].before if following < len(self.steps) else self.lineage.end

    @cached_property
    def replay(self) -> Replay:
        """The steps and the start, played as they stand."""
        return Replay(self.lineage, self.origins, self.starting.invocations)

    @cached_property
    def rehearsal(self) -> Replay:
        """The same, as if the account ran them from USER on, and its copies were its own."""
        copies = frozenset(copy.step.index for copy in self.owned_copies)
        created = self.account.created
        if created is not None:
            copies = frozenset(index for index in copies if index > created.index)
        move = Move(self.account, self.switch, copies)
        return Replay(self.lineage, self.origins, self.starting.invocations, move)

    @cached_property
    def trial(self) -> Replay:
        """The steps, each RUN of root's tried as the account among what will be the account's."""
        all_copies = self.options.chown is Chown.ALL
        copies = frozenset(
            copy.step.index for copy in self.copies if all_copies and self.lands_in_application(copy)
        )
        move = Move(self.likely_account, 0, copies, self.own_directories, partial(is_harmless, self))
        return Replay(self.lineage, self.origins, (), move)

    @cached_property
    def system_site_reason(self) -> str:
        """Why packages have to stay system-wide, "" where nothing says so."""
        return system_site_reason(self)

    # -- the boundary --------------------------------------------------------------------------

    @cached_property
    def root_runs(self) -> dict[int, str]:
        """Why each RUN that needs root does, by step index; one that ran as a user already does not."""
        reasons = {
            index: root_reason(self, run)
            for index, run in self.runs.items()
            if self.is_moved or run.step.before.is_root
        }
        for index, origin in enumerate(self.origins):
            if origin in self.corrections.root_steps and index in reasons:
                reasons[index] = reasons[index] or "may do there what the account may not"
        return {index: reason for index, reason in reasons.items() if reason}

    @cached_property
    def _lowest_switch(self) -> int:
        own = self.lineage.own_steps
        floor = own[0].index + count_settings(own) if own else len(self.steps)
        users = [step.index + 1 for step in own if step.keyword == "USER"]
        return max([floor, *users, *(index + 1 for index in self.root_runs if index >= floor)])

    def _last_dependent(self, switch: int) -> int:
        """Behind the last step below `switch` that changes what a root step above it made."""
        above = [place for index, run in self.runs.items() if index < switch for place in find_virtual(run)]
        late = switch
        for index, run in self.runs.items():
            if index < switch:
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
        return any(needs_ids(step) for step in self.steps[self.switch :] if step.keyword == "RUN")
