"""What one file says about one shipped lineage, before any decision is made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

from dockfix.context import Context, Deployment
from dockfix.lazy import cached_property
from dockfix.model.accounts import FIRST_ID, UserAccount, choose_account, find_created
from dockfix.model.copies import Copy, find_copies
from dockfix.model.corrections import NOTHING_LEARNED, Corrections
from dockfix.model.current import current_account
from dockfix.model.evidence import NO_EVIDENCE, BuildScript, Evidence
from dockfix.model.filetree import Origin
from dockfix.model.lineage import Lineage, Stage, State, Step
from dockfix.model.paths import is_root_home
from dockfix.model.repairs import Repairs
from dockfix.model.replay import Replay
from dockfix.model.runs import Run, Settings, read_run
from dockfix.model.starting import Starting
from dockfix.options import Options
from dockfix.syntax.tree import Dockerfile


@dataclass(frozen=True, eq=False)
class Facts:
    """One reading of a file for one shipped lineage.

    `aligned` maps the steps of a rewrite to those of the original, `before` is the replay of an earlier
    text of it; `corrections` is what earlier replays revealed. `repairs` is what the user that the
    original runs as is given, None if the original runs as root.
    """

    tree: Dockerfile
    stages: tuple[Stage, ...]
    lineage: Lineage
    options: Options
    context: Context
    evidence: Evidence = NO_EVIDENCE
    aligned: Sequence[Origin] | None = None
    corrections: Corrections = NOTHING_LEARNED
    before: Replay | None = None
    repairs: Repairs | None = None

    def with_evidence(self, evidence: Evidence) -> Self:
        """The same in the light of evidence."""
        return self if evidence == self.evidence else replace(self, evidence=evidence)

    @cached_property
    def origins(self) -> Sequence[Origin]:
        """The origin of each step: its own index if this is the original file."""
        return range(len(self.steps)) if self.aligned is None else self.aligned

    @property
    def steps(self) -> tuple[Step, ...]:
        """All steps of the lineage."""
        return self.lineage.steps

    @cached_property
    def copies(self) -> tuple[Copy, ...]:
        """The COPY and ADD steps of the lineage."""
        return find_copies(self.lineage)

    @cached_property
    def runs_as_user(self) -> bool:
        """Whether the image already runs as a user other than root."""
        return not self.lineage.end.is_root

    @cached_property
    def has_created_account(self) -> bool:
        """Whether a RUN of the lineage creates an account."""
        return bool(find_created(self.lineage))

    @cached_property
    def home(self) -> str:
        """The home of the user that the image will run as: ENV HOME, or the account's own; "" for none."""
        fixed = self.lineage.end.env.get("HOME", "")
        if fixed.startswith("/") and not is_root_home(fixed) and fixed != "/":
            return fixed.rstrip("/")
        return self.likely_account.home

    @property
    def user_scripts(self) -> str:
        """The directory in which pip puts the programs of that user's own installs."""
        return f"{self.home}/.local/bin"

    @property
    def finds_user_scripts(self) -> bool:
        """Whether PATH names that directory when the image starts."""
        return self.user_scripts in self.lineage.end.env.get("PATH", "").split(":")

    @cached_property
    def likely_account(self) -> UserAccount:
        """The account, as far as it can be chosen before mounts and linked copies are known."""
        if self.repairs is not None:
            return current_account(self.lineage, self.options)
        return choose_account(self.lineage, self.options, needs_ids=False, asked=self.asked_user)

    @cached_property
    def asked_user(self) -> str:
        """The only user other than root that deployments run the image as, "" if there is none or several."""
        named = (one.user.value for one in self.context.deployments if one.user and not one.is_root)
        users = {user for user in named if user and "$" not in user and "{" not in user}
        return users.pop() if len(users) == 1 else ""

    @cached_property
    def shared_number(self) -> str:
        """The number of most accounts, if another image writes to one of its volumes, else ""."""
        mounts = (mount for one in self.context.deployments for mount in one.mounts)
        return str(FIRST_ID) if any(one.is_shared and not one.read_only for one in mounts) else ""

    @cached_property
    def strangers(self) -> tuple[Deployment, ...]:
        """The deployments that run the image as another user than its own, and are not changed."""
        account, names = self.likely_account, self.lineage.final.names()
        mine = {account.name, str(account.uid)}
        return tuple(
            one
            for one in self.context.deployments
            if one.user is not None and one.user.value.partition(":")[0] not in mine and one.is_of(names)
            if not (one.follows and one.is_root)
        )

    @cached_property
    def starting(self) -> Starting:
        """What the image starts with."""
        return Starting(self.lineage, self.copies, self.context, self.home, self.evidence.launches)

    @cached_property
    def runs(self) -> dict[int, Run]:
        """The parsed RUN steps of the lineage, by index."""
        runs: dict[int, Run] = {}
        settings: Settings = ()
        for step in self.lineage.of("RUN"):
            runs[step.index] = run = read_run(step, self.home or "/", settings)
            settings = run.settings
        return runs

    def after(self, step: Step) -> State:
        """The state that is in force after a step."""
        following = step.index + 1
        return self.steps[following].before if following < len(self.steps) else self.lineage.end

    @cached_property
    def replay(self) -> Replay:
        """The replay of the steps and the start as written."""
        return self.play(any_uid=self.serves_any_uid)

    def play(self, *, any_uid: bool) -> Replay:
        """The replay of the steps and of the start: by the image's user, or by any uid of group 0."""
        return Replay(
            self.lineage, self.origins, self.starting.invocations,
            is_read=self.evidence.is_complete, read_scripts=self._read_scripts,
            read=self.starting.read, writes=self.evidence.writes, names=self.evidence.names,
            tools=self._tools, scripts=self.build_scripts, before=self.before, any_uid=any_uid,
            closed=self.evidence.closed, imports=self.evidence.imports, folders=self.context.names,
        )  # fmt: skip

    @cached_property
    def _tools(self) -> tuple[str, ...]:
        """What the sources use that has a row in homes.toml, and the login shells of the start."""
        return (*self.evidence.tools, *(["bash -l"] if self.starting.login else ()))

    @property
    def serves_any_uid(self) -> bool:
        """Whether any uid of group 0 has to be able to run the image; only a full move promises that."""
        return self.options.any_uid and self.repairs is None

    @property
    def latest_replay(self) -> Replay:
        """The play of this text, or of the one before it where nothing has asked for this one's."""
        return self.__dict__.get("replay") or self.before or self.replay

    @cached_property
    def build_scripts(self) -> dict[tuple[Origin, tuple[str, ...]], BuildScript]:
        """The code that steps execute, by the origin of the step and the words of the command."""
        return {(one.step, one.words): one for one in self.evidence.scripts}

    @cached_property
    def _read_scripts(self) -> frozenset[str]:
        return frozenset(text for text, _ in self.evidence.fills)
