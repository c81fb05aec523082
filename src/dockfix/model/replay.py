"""Replay the steps of one image and its start over a file tree, each as the user that runs it.

The result is a list of outcomes, one for each operation of each command; model/losses.py compares those
of an original and its rewrite.
"""

from __future__ import annotations

import posixpath
import re
from binascii import crc32
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from functools import cached_property, lru_cache
from typing import Final

from dockfix.context import ClosedFile
from dockfix.knowledge import read_table
from dockfix.knowledge.commands import Argument
from dockfix.knowledge.homes import find_fetched, find_home_use
from dockfix.model import repositories
from dockfix.model.account_commands import (
    ACCOUNT_CHANGERS,
    ACCOUNT_COMMANDS,
    CREATORS,
    parse_options,
    read_account_change,
    read_group_number,
)
from dockfix.model.accounts import UserAccount, find_created, read_members
from dockfix.model.actors import Actor
from dockfix.model.arrivals import arrive
from dockfix.model.changes import Change, Id
from dockfix.model.command_operations import (
    home_of,
    home_use,
    in_home,
    named_files,
    operations_of,
    started_operations,
)
from dockfix.model.copies import Copy, find_copies, find_volumes
from dockfix.model.effects import UNKNOWN_PLACE, asks_about
from dockfix.model.evidence import BuildScript
from dockfix.model.filetree import ABSENT, BASE, START, VOLUME, FileTree, Kind, Node, Origin
from dockfix.model.groups import read_group
from dockfix.model.identities import Accounts, uid_of
from dockfix.model.image_texts import find_brought_folders
from dockfix.model.image_tree import base_tree
from dockfix.model.installers import Installer, find_installer
from dockfix.model.lineage import Lineage, Stage, State, Step, trace
from dockfix.model.mounts import find_mounts, mount, unmount
from dockfix.model.operations import Act, ActName, How, Operation
from dockfix.model.outcomes import Key, Outcome, ask, is_directory
from dockfix.model.paths import (
    is_ownable,
    is_root_home,
    is_shared,
    is_system_directory,
    is_within,
    on_path,
    resolve,
)
from dockfix.model.permissions import Identity, Verdict
from dockfix.model.playing import perform
from dockfix.model.runs import Invocation, Run, Settings, read_run
from dockfix.model.scripts import PYTHON, find_called, read_python, runs_readable_script
from dockfix.syntax.shell import Command
from dockfix.syntax.wrappers import SHELLS, is_shell

# The distance of the numbers of a script's commands from that of the command that calls it.
_IN_SCRIPT: Final = 1 << 12
SWITCHED: Final = 1 << 24
"""The distance of the number of what a command runs as another user from its own."""
# The first of the numbers of the operations of the code that a command executes.
_IN_CODE: Final = 1 << 10
_WITH_GIT: Final = frozenset({"git", "dulwich", "pygit2"})
_PERHAPS: Final = frozenset({How.PERHAPS})
_OTHERS: Final = 0o077
ANY_UID: Final = "any uid"
"""Stands for a uid that no file belongs to."""
_UNNAMED: Final = "\0"
"""Stands for whatever a directory holds under names that are not known."""
_PROGRAM: Final = re.compile(r"[A-Za-z][\w.+-]{0,60}")
_HOME: Final = re.compile(r"(?<![\w/])~(?=[/\s])|\bHOME\b")


@dataclass(frozen=True, slots=True)
class Move:
    """A planned rewrite: the user that the image runs as, from which step on, and the copies that it owns.

    It also owns `directories` of the base, and the `installers` of some steps leave root's home. With
    `tries`, each RUN of root's is first tried as the account, and falls back to root if something is denied.
    """

    account: UserAccount
    index: int
    copies: frozenset[int] = frozenset()
    directories: tuple[str, ...] = ()
    tries: Callable[[Invocation], bool] | None = None
    installers: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class _Mark:
    """A snapshot of the replay before a step."""

    tree: FileTree
    accounts: Accounts
    outcomes: int
    is_installed_by_script: bool
    settings: dict[str, Settings]


def _read_nothing(_path: str) -> str | None:
    return None


@dataclass(eq=False)
class Replay:
    """One replay of a lineage.

    `origins` identifies each step: its index in the original, or a unique name for a step that the
    rewrite adds. `starts` are the commands of all starts, in order. With `move`, it replays a planned
    rewrite whose text does not exist yet. `end` is the tree before the start, `user` the image's user,
    `who` the one that starts the image, `tree` the tree after the start. `is_read`: what the start runs
    was read, so nothing has to be assumed about it; `read_scripts` are the texts of RUNs that were read
    likewise. `read` returns the text of a file of the image if the build context has it; `writes` are
    paths that the sources certainly write (a trailing slash stands for something in that directory),
    `names` strings in them that may name a file, `tools` programs and packages that they use, `imports` the
    paths of the modules themselves.
    `scripts` is the Python code that steps execute, by the origin of the step and the words of the
    command, `closed` are files of the build context that only their owner may read; `folders` lists one of
    its folders, subfolders with a slash, None if it is not known. `before` is the replay of the original, or
    of an earlier text of the rewrite: the steps before the first difference have the same outcomes, which
    are reused. With `any_uid`, an image that does not run as root is started as a uid that the image does
    not know, with group 0.
    """

    lineage: Lineage
    origins: Sequence[Origin]
    starts: Sequence[Invocation] = ()
    move: Move | None = None
    is_read: bool = False
    read_scripts: frozenset[str] = frozenset()
    read: Callable[[str], str | None] = _read_nothing
    before: Replay | None = None
    any_uid: bool = False
    writes: Sequence[str] = ()
    names: Sequence[str] = ()
    tools: Sequence[str] = ()
    scripts: Mapping[tuple[Origin, tuple[str, ...]], BuildScript] = field(default_factory=dict)
    closed: tuple[ClosedFile, ...] = ()
    imports: Sequence[str] = ()
    folders: Callable[[str], frozenset[str]] | None = None
    tree: FileTree = field(init=False)
    end: FileTree = field(init=False)
    user: Identity = field(init=False)
    who: Identity = field(init=False)
    accounts: Accounts = field(init=False)
    outcomes: list[Outcome] = field(init=False, default_factory=list)
    denied: dict[int, Outcome] = field(init=False, default_factory=dict)
    is_installed_by_script: bool = field(init=False, default=False)
    _installer: Installer | None = field(init=False, default=None)
    _marks: list[_Mark] = field(init=False, default_factory=list)
    # The settings of tools, by the home that keeps them.
    _settings: dict[str, Settings] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self.tree = base_tree(self.lineage.image)
        self.accounts = Accounts(self.lineage.image)
        if self.move is not None:
            self._prepare(self.move.account)
        for step in self.lineage.steps[self._take_over() :]:
            if self.move is None:
                # Only what stands in a text is taken over by the play of another.
                self._marks.append(self._mark())
            self._play(step, self.origins[step.index])
        for _, path in find_volumes(self.lineage):
            if not self.tree.exists(path):
                self.tree.make_directories(path, Node(Kind.DIRECTORY, origin=VOLUME))
        if not self.tree.exists(self.lineage.end.workdir):
            # The container runtime creates it for root.
            self.tree.make_directories(self.lineage.end.workdir, Node(Kind.DIRECTORY, origin=VOLUME))
        self.end = self.tree.fork()
        self.user = self._identity(self.lineage.end, len(self.lineage.steps))
        self.who = self._starting_identity()
        for number, one in enumerate(self.starts):
            is_called = not self.is_read and find_called(one, self.read) is not None
            self._invoke(START, number, one, self.who, 0, calls=is_called)
        self._use_sources()

    def _use_sources(self) -> None:
        """Replay what the sources write and name, and entering directories that copies create with a mode."""
        for number, path in enumerate(self.writes):
            spec = "" if path.endswith("/") else "file"
            operation = Operation(Act.WRITE, path.rstrip("/") or "/", spec)
            self._record((START, -1, number), operation, self.who, 0)
        env = {**self.lineage.end.env, "HOME": self.who.home}
        places: list[str] = []
        for one in self.tools:
            name, *words = one.split()
            use = find_home_use(name, [Argument(word, word) for word in words], env)
            places += use.reads if use is not None else ()
        for number, place in enumerate(dict.fromkeys(places)):
            operation = Operation(Act.HOME, in_home(place, self.who.home, self.lineage.end.workdir))
            self._record((START, -4, number), operation, self.who, 0)
        if _WITH_GIT.intersection(self.tools):
            self._use_repositories()
        self._use_names()
        self._use_programs()
        self._use_imports()
        self._use_home()
        self._use_directories()
        copies = [copy for copy in find_copies(self.lineage) if copy.step.instruction.flag("chmod")]
        landed = [(copy.step, posixpath.dirname(path) or "/") for copy in copies for path in copy.landed()]
        landed += ((copy.step, path) for copy in copies for path in find_brought_folders(copy, self.folders))
        for number, (step, path) in enumerate(landed):
            operation = Operation(Act.ENTER, path)
            self._record((START, -2, number), operation, self.who, step.instruction.line)

    def _use_repositories(self) -> None:
        """Work with git in repositories, left by steps, that the sources name or work in."""
        trust, workdir = self._trust(self.who.home), self.lineage.end.workdir
        places = {workdir, *(resolve(name, workdir) for name in self.names if "/" in name)} - {"/"}
        for place in sorted(places):
            if is_left(self.tree, f"{place}/.git"):
                operation = Operation(Act.CONTROL, place, trust)
                self._record((START, -8, crc32(place.encode())), operation, self.who, 0)

    def _use_names(self) -> None:
        """Read what steps left under the names of the sources', and of the variables of the image."""
        listed = self.tree.listed()
        for number, name in enumerate(self.names):
            path = resolve(name, self.lineage.end.workdir)
            if (name.startswith("/") or path in listed) and is_left(self.tree, path):
                self._record((START, -3, number), self._use(path), self.who, 0)
        for name, path in self.lineage.end.env.items():
            if path in listed and name != "HOME" and is_left(self.tree, path):
                self._record((START, -7, crc32(name.encode())), self._use(path), self.who, 0)

    def _use_programs(self) -> None:
        """Run what steps left on the PATH under the names of the sources' and of what the start runs."""
        env = self.lineage.end.env
        names = {*self.names, *(one.command.program for one in self.starts)} if self.names else set()
        if names and not any(is_left(self.tree, path) for path in on_path(_UNNAMED, env.get("PATH", ""))):
            names &= {posixpath.basename(path) for path in self.tree.listed()}
        for name in sorted(name for name in names if _PROGRAM.fullmatch(name)):
            program = self._find_on_path(name, env)
            if not program and not (is_shell(name) or PYTHON.fullmatch(name)):
                # One of those for their owner that a step has put there under names that are not known.
                paths = on_path(name, env.get("PATH", ""))
                program = next((path for path in paths if any(map(_is_for_owner, self.tree.look(path)))), "")
            if program and is_left(self.tree, program):
                self._record((START, -10, crc32(name.encode())), Operation(Act.RUN, program), self.who, 0)

    def _use_imports(self) -> None:
        """Read the modules, some of which steps may have closed."""
        closes = bool(self.imports) and ("chmod" in self._text or "umask" in self._text)
        for name in self.imports if closes else ():
            path = resolve(name, self.lineage.end.workdir)
            if is_left(self.tree, path):
                self._record((START, -9, crc32(name.encode())), Operation(Act.READ, path), self.who, 0)

    def _use_home(self) -> None:
        """Read what stands in the home under a name of the sources' (`Path.home() / "x"` has it in parts)."""
        home = self.who.home.rstrip("/")
        elsewhere = (name for name in self.names if name.startswith("/") and is_left(self.tree, name))
        names = {part for name in {*self.names}.difference(elsewhere) for part in name.split("/")}
        for path in self.tree.below(home) if home and names else ():
            inside = path[len(home) + 1 :]
            if names.intersection(inside.split("/")) and is_left(self.tree, path):
                at = (START, -5, crc32(inside.encode()))
                self._record(at, self._use(path), self.who, 0)

    def _use(self, path: str) -> Operation:
        """The use of what stands at a path: a file is read; of a directory only its content matters."""
        return Operation(Act.ENTER if is_directory(self.tree, path) else Act.READ, path)

    def _use_directories(self) -> None:
        """Read what steps left in directories that the start names, or under names that it may join."""
        if not self.names:
            return
        named = {one.rstrip("/") for one in self._named_directories() if not is_system_directory(one)}
        parts = {part for name in self.names for part in name.split("/")}
        workdir = self.lineage.end.workdir
        for path in list(self.tree.listed()):
            above, _, name = path.rpartition("/")
            is_joined = name in parts and above.rpartition("/")[2] in parts
            if (above in named or is_joined) and not is_root_home(path) and is_left(self.end, path):
                inside = posixpath.relpath(path, workdir) if is_within(path, workdir) else path[1:]
                self._record((START, -6, crc32(inside.encode())), self._use(path), self.who, 0)

    def _named_directories(self) -> Iterator[str]:
        """The absolute paths among the sources' strings, the variables and the words of the starts."""
        words = (word.expand(one.env) for one in self.starts for word in one.command.args)
        found = (*self.names, *self.lineage.end.env.values(), *words)
        return (one for one in found if one and one.startswith("/") and ":" not in one)

    def _mark(self) -> _Mark:
        return _Mark(
            self.tree.fork(), self.accounts.fork(), len(self.outcomes), self.is_installed_by_script,
            self._settings.copy(),
        )  # fmt: skip

    def _go_to(self, mark: _Mark) -> None:
        """Restore a snapshot, and drop the outcomes recorded since."""
        self.tree, self.accounts = mark.tree.fork(), mark.accounts.fork()
        del self.outcomes[mark.outcomes :]
        self.is_installed_by_script = mark.is_installed_by_script
        self._settings = mark.settings.copy()

    def _take_over(self) -> int:
        """Reuse the common prefix of the replay before; return its number of steps."""
        if self.before is None or self.before.closed != self.closed:
            return 0
        count = self._count_same(self.before)
        self.outcomes = self.before.outcomes.copy()
        self._go_to(self.before._marks[count])
        self._marks = self.before._marks[:count]
        return count

    def _count_same(self, before: Replay) -> int:
        limit = min(len(before._marks) - 1, len(self.lineage.steps))
        if self.move is not None:
            is_there = self.move.account.created is not None and not self.move.directories
            limit = min(limit, self.move.index, *self.move.copies) if is_there else 0
        steps = zip(self.lineage.steps[:limit], before.lineage.steps, strict=False)
        origins = zip(self.origins, before.origins, strict=False)
        same = (one == other and _is_same(*pair) for pair, (one, other) in zip(steps, origins, strict=False))
        return next((at for at, is_same in enumerate(same) if not is_same), limit)

    def _prepare(self, account: UserAccount) -> None:
        """Add the planned account; a new one has its home from the beginning."""
        if account.created is None:
            self.accounts.add(account)
            if not account.exists:
                self._make_homes([account], "new account")
        self._give_directories()

    def _give_directories(self) -> None:
        """Apply the planned ownership changes to directories that exist by now."""
        owner = self.accounts.owner(self.move.account.owner) if self.move is not None else None
        if self.move is not None and owner is not None:
            for path in self.move.directories:
                if self.tree.exists(path):
                    self.tree.change(path, Change(owner[0], owner[1]), recursive=True)

    def _identity(self, state: State, index: int) -> Identity:
        """The identity that runs the step at `index`; in a planned rewrite, the account from USER on."""
        if self.move is not None and state.is_root and index >= self.move.index:
            return self.accounts.identity(self.move.account.user, state.env)
        is_unlisted = (
            state.roots and state.is_root and self.accounts.find(state.user.partition(":")[0]) is None
        )
        return self.accounts.identity("root" if is_unlisted else state.user, state.env)

    def _starting_identity(self) -> Identity:
        """The identity that starts the image; for a platform that assigns uids, any of them with group 0."""
        if not self.any_uid or self.user.is_root:
            return self.user
        home = self.move.account.home if self.move is not None else self.lineage.end.env.get("HOME", "/")
        return Identity(ANY_UID, frozenset[Id]({0}), 0, home)

    def _play(self, step: Step, origin: Origin) -> None:
        if step.keyword == "WORKDIR":
            self._enter(step, origin)
        elif step.keyword in ("COPY", "ADD"):
            self._copy(next(one for one in find_copies(self.lineage) if one.step is step), origin)
        elif step.keyword == "RUN":
            self._run(step, origin)

    def _enter(self, step: Step, origin: Origin) -> None:
        path = resolve(step.expand(step.instruction.args), step.before.workdir)
        who = self._identity(step.before, step.index)
        self.tree.make_directories(path, Node(Kind.DIRECTORY, who.uid, who.gid, 0o755, origin))

    def _copy(self, copy: Copy, origin: Origin) -> None:
        flag = copy.step.instruction.flag("chown")
        owner: tuple[Id, Id] | None = None
        if flag and flag.value:
            owner = self.accounts.copy_owner(copy.step.expand(flag.value))
        elif self.move is not None and copy.step.index in self.move.copies:
            owner = self.accounts.copy_owner(self.move.account.owner)
        name = (copy.stage or "").lower()
        source = next((one for one in copy.step.stage.earlier if name and name in one.names()), None)
        brought = end_of(source, self.closed) if source is not None else None
        made = find_brought_folders(copy, self.folders) if self.folders is not None else ()
        arrive(self.tree, copy, owner, origin, brought, self.closed, made)

    def _run(self, step: Step, origin: Origin) -> None:
        who = self._identity(step.before, step.index)
        if self.move is not None and self.move.tries and step.before.is_root and not who.is_root:
            if self._try(step, origin, who, self.move.tries):
                return
            who = self.accounts.identity(step.before.user, step.before.env)
        for _ in self._commands(step, origin, who):
            pass
        if self.move is not None and self.move.directories and who.is_root:
            self._give_directories()

    def _commands(self, step: Step, origin: Origin, who: Identity) -> Iterator[Invocation]:
        """Replay the commands of a RUN as `who`, and yield each one afterwards."""
        mounts = list(find_mounts(step, self._mounting(step, who)))
        before = self.tree.fork() if mounts else self.tree
        mount(self.tree, mounts)
        if not self.tree.may_exist(step.before.workdir):
            # BuildKit recreates a removed working directory for whoever runs the next step
            # (moby/buildkit, executor/runcexecutor/executor.go).
            made = Node(Kind.DIRECTORY, who.uid, who.gid, 0o755, origin)
            self.tree.make_directories(step.before.workdir, made)
        run = read_run(step, who.home, self._settings.get(who.home, ()))
        self._installer = self._find_installer(step, run.text)
        self._settings[who.home] = run.settings
        created = [one for one in find_created(self.lineage) if one.created is step]
        for account in created:
            self.accounts.add(account)
        if not run.script.understood:
            unread = Operation(Act.UNKNOWN, step.before.workdir, "a script that is not understood")
            self._record((origin, -1, 0), unread, who, step.instruction.line)
        is_read = run.text in self.read_scripts
        failed: Command | None = None
        for number, line, one, calls in self._flatten(run):
            if failed is not None and run.needs(one.command, failed):
                failed = one.command
                continue
            at = len(self.outcomes)
            acting = self._acting(one, who) if one.user else who
            self._invoke(origin, number, one, acting, line, is_read=is_read, calls=calls)
            inner = one.switched() if one.command.user else None
            if inner is not None and acting.is_root:
                self._invoke(
                    origin, number + SWITCHED, inner, self._acting(inner, acting), line, is_read=is_read
                )
            self._follow_accounts(one, created, origin)
            failed = one.command if one.unchecked and any(map(_fails, self.outcomes[at:])) else None
            yield one
        unmount(self.tree, before, mounts)

    def _follow_accounts(self, one: Invocation, created: Sequence[UserAccount], origin: Origin) -> None:
        """Apply what a command does to accounts, groups and homes; `created` are those of its step."""
        program = one.command.program.rpartition("/")[2]
        if program not in ACCOUNT_COMMANDS:
            return
        for name, groups in read_members(one.command, one.env):
            self.accounts.join(name, groups)
        for group, gid in read_group(one.command, one.env):
            self.accounts.declare(group, gid)
        if program in CREATORS:
            if created[1:]:
                named = parse_options(one.command, one.env)[1][:1]
                created = [account for account in created if account.name in named]
            self._make_homes(created, origin, weak=one.optional)
        elif program in ACCOUNT_CHANGERS:
            self._change_account(one)
        elif program == "groupmod" and (number := read_group_number(one.command, one.env)):
            self.accounts.renumber(*number)

    def _acting(self, one: Invocation, who: Identity) -> Identity:
        """The identity that runs a command: root may have switched to another user."""
        if not who.is_root:
            return who
        home = one.env.get("HOME", "")
        return self.accounts.identity(one.user, {"HOME": home} if home else {})

    def _flatten(self, run: Run) -> Iterator[tuple[int, int, Invocation, bool]]:
        """(number, line, command, whether it calls a script that follows) of a RUN and scripts it calls."""
        for number, one in enumerate(run.invocations):
            line, called = run.line_of(one.command), find_called(one, self.read)
            yield number, line, one, called is not None
            for inner, of_script in enumerate(called or (), 1):
                yield number + inner * _IN_SCRIPT, line, of_script, False

    def _mounting(self, step: Step, who: Identity) -> Identity | None:
        """The owner of mounts that name none: the account, if it runs a step of root's in the rewrite."""
        return who if self.move is not None and step.before.is_root and not who.is_root else None

    def _try(
        self, step: Step, origin: Origin, who: Identity, is_allowed: Callable[[Invocation], bool]
    ) -> bool:
        """Whether `who` is allowed everything that a step does.

        If not, record the denial and undo the step.
        """
        before, at = self._mark(), len(self.outcomes)
        for one in self._commands(step, origin, who):
            denied = [] if is_allowed(one) else [new for new in self.outcomes[at:] if new.denial is not None]
            if denied:
                self.denied[step.index] = denied[0]
                self._go_to(before)
                return False
            at = len(self.outcomes)
        return True

    def _change_account(self, one: Invocation) -> None:
        """Rename an account, move or remove its home, or give what is in it to its new uid or group."""
        change = read_account_change(one.command, one.env)
        account = self.accounts.find(change.name) if change is not None else None
        if change is None or account is None:
            return
        if change.is_gone:
            self.tree.remove(account.home, weak=one.optional)
        if change.home and change.is_moved:
            self.tree.graft(self.tree.branch(account.home), account.home, change.home, weak=one.optional)
            self.tree.remove(account.home, weak=one.optional)
        uid = account.uid if change.uid is None else change.uid
        after = replace(account, home=change.home or account.home, uid=uid)
        if change.uid is not None:
            self._give_home(after, Change(uid=change.uid, only=uid_of(account)), weak=one.optional)
        if change.group:
            gid = self.accounts.group(change.group)
            after = replace(after, group=change.group, gid=gid if isinstance(gid, int) else None)
            old = self.accounts.primary_group(account)
            self._give_home(after, Change(gid=gid, only_group=old), weak=one.optional)
        if change.login and after.uid is not None:
            after = replace(after, name=change.login)
        if not one.optional:
            self.accounts.add(after)

    def _give_home(self, account: UserAccount, change: Change, *, weak: bool) -> None:
        self.tree.change(account.home, change, recursive=True, weak=weak)

    def _make_homes(self, created: Sequence[UserAccount], origin: Origin, *, weak: bool = False) -> None:
        for one in created:
            if not one.homeless and one.home.strip("/") and not self.tree.exists(one.home):
                above = Node(Kind.DIRECTORY, origin=origin)
                self.tree.make_directories(posixpath.dirname(one.home), above, weak=weak)
                group = self.accounts.primary_group(one)
                self._make_home(one.home, Node(Kind.DIRECTORY, uid_of(one), group, 0o755, origin), weak=weak)

    def _make_home(self, path: str, home: Node, *, weak: bool) -> None:
        """A home as useradd creates it: it may hold files of /etc/skel, and some bases close it to others."""
        # useradd leaves a directory as it is that a step may have made.
        made = [one for one in self.tree.listed().get(path, ()) if one.kind is Kind.DIRECTORY]
        self.tree.set(path, (*made, home, home._replace(mode=0o700)), weak=weak)
        for name in read_table("directories")["skeleton"]:
            file = Node(Kind.FILE, home.uid, home.gid, 0o644)
            self.tree.set(f"{path}/{name}", (file, ABSENT), weak=weak or bool(made))

    def _invoke(
        self,
        step: Origin,
        command: int,
        one: Invocation,
        who: Identity,
        line: int,
        *,
        is_read: bool = False,
        calls: bool = False,
    ) -> None:
        actor = Actor(who, step, one.umask, one.optional)
        counts: dict[ActName, int] = {}

        def record(operation: Operation) -> Outcome | None:
            nth = counts[operation.act] = counts.get(operation.act, -1) + 1
            return self._record((step, command, nth), operation, who, line, one)

        script = self._find_script(step, one) if self.scripts else None
        is_complete = script is not None and script.is_complete
        for operation in self._named(one, who):
            record(operation)
        for operation in self._without_others(self._operations(step, one, who, calls=calls)):
            is_unread = operation.act is Act.UNKNOWN and not is_read and _is_unread(operation)
            is_script = is_unread and step != START and self._runs_known_code(one, script)
            played = Operation(Act.CODE, one.cwd) if is_script else operation
            outcome = record(played)
            if outcome is not None and outcome.happens:
                self._perform(one, outcome, played, actor)
            if is_unread and not is_complete:
                self._fill_home(one, actor)
            if operation.act in (Act.UNKNOWN, Act.CODE) and step != START:
                self._fetch(one, actor)
                self._fill_written(one, script, actor)
            self.is_installed_by_script |= operation.act is Act.UNKNOWN and self._may_install(one)
        if script is not None:
            self._execute(_without_caches(script) if is_read else script, (step, command), one, actor, line)

    def _find_script(self, step: Origin, one: Invocation) -> BuildScript | None:
        """The Python code that was read and that a command of a step executes."""
        return self.scripts.get((step, tuple(word.text for word in one.command.words)))

    def _runs_known_code(self, one: Invocation, script: BuildScript | None) -> bool:
        """Whether the code that a step executes is known to stay in its working directory and the home."""
        is_confined = script is not None and script.is_complete and script.is_confined
        return is_confined or runs_readable_script(one, self.read)

    def _execute(
        self, script: BuildScript, at: tuple[Origin, int], one: Invocation, actor: Actor, line: int
    ) -> None:
        """Replay what the code that a step executes names and writes."""
        for number, name in enumerate(script.names, _IN_CODE):
            path = resolve(name, one.cwd)
            if (name.startswith("/") or path in self.tree.listed()) and is_left(self.tree, path):
                self._record((*at, number), Operation(Act.READ, path), actor.who, line, one)
        imports = _only_imports(one)
        if script.closes:
            actor = replace(actor, umask=actor.umask | _OTHERS)
        for number, (written, is_certain) in enumerate(script.writes, _IN_CODE):
            place = in_home(written, home_of(one, actor.who.home), one.cwd)
            how = frozenset() if is_certain and not imports else _PERHAPS
            spec = "" if written.endswith("/") else "file"
            operation = Operation(Act.WRITE, place, spec, how=how)
            outcome = self._record((*at, number), operation, actor.who, line, one)
            if outcome is not None and outcome.happens:
                perform(self.tree, operation, actor, self.accounts)

    def _perform(self, one: Invocation, outcome: Outcome, operation: Operation, actor: Actor) -> None:
        """Change the tree; a known installer leaves nothing where it works."""
        if self._installer is None or not (_is_unread(operation) and self._is_installer(one)):
            acting = _unnoticed(self.tree, outcome, actor) if one.unchecked else actor
            perform(self.tree, operation, acting, self.accounts)

    def _operations(
        self, step: Origin, one: Invocation, who: Identity, *, calls: bool
    ) -> Iterator[Operation]:
        """The operations of a command; with `calls`, without what stands for the script that it runs."""
        if step == START:
            return started_operations(one, who, is_read=self.is_read, calls=calls)
        found = operations_of(one, who)
        return (each for each in found if not _is_unread(each)) if calls else iter(found)

    def _find_installer(self, step: Step, text: str) -> Installer | None:
        """The known installer of a RUN, as it will install in a planned rewrite."""
        installer = find_installer(self.lineage, step, text)
        is_moved = self.move is not None and step.index in self.move.installers
        return installer.moved() if installer is not None and is_moved else installer

    def _is_installer(self, one: Invocation) -> bool:
        return self._installer is not None and self._installer.is_run_by(one)

    def _may_install(self, one: Invocation) -> bool:
        """Whether an unread program is a shell or a script, which may leave anything anywhere."""
        is_script = one.command.program in SHELLS or "/" in one.command.program
        return is_script and not self._is_installer(one)

    def _fill_home(self, one: Invocation, actor: Actor) -> None:
        """An unread program of the application may leave anything in the home, a known installer its own."""
        home = home_of(one, actor.who.home)
        if self._installer is not None and self._installer.is_run_by(one):
            for path in self._installer.leaves(one.env, home):
                self.tree.make_directories(posixpath.dirname(path), actor.makes(Kind.DIRECTORY))
                self.tree.put(path, actor.makes(Kind.FILE))
        elif asks_about(one.command.program, [word.text for word in one.command.args]):
            return
        elif (_is_own_program(one) or self._names_home(one)) and not _is_known_module(one, actor.who):
            self.tree.fill(home, actor.makes(Kind.ANY), inherits=True)

    def _fetch(self, one: Invocation, actor: Actor) -> None:
        """What code fetches may stand where variables say that packages keep it."""
        for place in find_fetched(one.env) if one.pip is None else ():
            self.tree.make_directories(place, actor.makes(Kind.DIRECTORY), weak=True)
            self.tree.fill(place, actor.makes(Kind.ANY), inherits=True)

    def _fill_written(self, one: Invocation, script: BuildScript | None, actor: Actor) -> None:
        """A step that runs the application's code may leave files where the start writes its own."""
        is_complete = script is not None and script.is_complete
        if is_complete or (script is None and read_python(one, self.read) is None):
            return
        places = (path.rstrip("/") if path.endswith("/") else posixpath.dirname(path) for path in self.writes)
        for place in dict.fromkeys(places):
            if is_ownable(place) and not is_shared(place):
                self.tree.make_directories(place, actor.makes(Kind.DIRECTORY), weak=True)
                self.tree.fill(place, actor.makes(Kind.ANY), inherits=True)

    def _without_others(self, operations: Iterator[Operation]) -> Iterator[Operation]:
        """Keep only the first existing path of those that a tool may write, or its default paths."""
        is_found = False
        for one in operations:
            if How.EXISTING in one.how:
                if is_found or not self.tree.exists(one.path):
                    continue
                is_found = True
            elif is_found and How.OTHERWISE in one.how:
                continue
            yield one

    def _names_home(self, one: Invocation) -> bool:
        """Whether it is a script of the build context that mentions a home."""
        name = (one.command.name.expand(one.env) or "") if one.command.name is not None else ""
        text = self.read(resolve(name, one.cwd)) if "/" in name else None
        return text is not None and _HOME.search(text) is not None

    def _named(self, one: Invocation, who: Identity) -> Iterator[Operation]:
        """The program and files, left by steps, that the words of a command refer to."""
        if one.command.program.endswith("git"):
            yield from self._uses_of_repositories(one, who)
        # `su NAME -c`: NAME is an account, and what the script names follows.
        switches = one.command.user and not one.command.via
        if one.command.script is not None or one.command.name is None or switches:
            return
        program = self._find_program(one)
        if program and is_left(self.tree, program):
            yield Operation(Act.RUN, program)
        listed = self.tree.listed()
        for path, is_path in named_files(one, who):
            # A plain word is unlikely to name an unlisted file.
            if (is_path or path in listed) and (is_left(self.tree, path) or _is_file(self.tree, path)):
                yield Operation(Act.READ, path)

    def _uses_of_repositories(self, one: Invocation, who: Identity) -> Iterator[Operation]:
        """The use of the repository, left by steps, that a git command works in; git may trust its owner."""
        for place in repositories.find_places(one):
            if is_left(self.tree, f"{place}/.git"):
                yield Operation(Act.CONTROL, place, self._trust(home_of(one, who.home)))
                return

    def _trust(self, home: str) -> str:
        """The word "trusted" if git lets the account with that home use the repositories of others."""
        is_own = f"{home}/.gitconfig" in self.tree.listed()
        return "trusted" if repositories.trusts(self._text, is_own=is_own) else ""

    @cached_property
    def _text(self) -> str:
        """The RUNs of the file and the commands of the start."""
        texts = [step.instruction.logical.joined for step in self.lineage.of("RUN")]
        texts += (" ".join(word.text for word in one.command.words) for one in self.starts)
        return "\n".join(texts)

    def _find_program(self, one: Invocation) -> str:
        """The path of a program that steps left, "" for one of the base."""
        assert one.command.name is not None
        name = one.command.name.expand(one.env) or ""
        return resolve(name, one.cwd) if "/" in name else self._find_on_path(name, one.env)

    def _find_on_path(self, name: str, env: Mapping[str, str]) -> str:
        """The path to which PATH leads for a name, "" if no step left anything of that name."""
        if not name:
            return ""
        listed, paths = self.tree.listed(), on_path(name, env.get("PATH", ""))
        found = next((path for path in paths if path in listed), "")
        # `ln -s /opt/tool/bin/* /usr/local/bin`, where nothing lists those.
        patterns = [] if found else [link for link in self.tree.link_paths if "*" in link]
        if not patterns or is_shell(name) or PYTHON.fullmatch(name):
            return found
        return next((link for path in paths for link in patterns if fnmatchcase(path, link)), "")

    def leaves(self, path: str, besides: Collection[Origin] = ()) -> bool:
        """Whether a step may have left something at a path; unread installers may write to any home.

        `besides` are steps whose known installers do not count.
        """
        if self.is_installed_by_script or is_left(self.end, path, besides):
            return True
        added = (one for one in self.outcomes if besides and one.operation.act is Act.WRITE)
        return any(is_within(one.operation.path, path) for one in added if one.key.step not in besides)

    def _record(
        self,
        at: tuple[Origin, int, int],
        operation: Operation,
        who: Identity,
        line: int,
        by: Invocation | None = None,
    ) -> Outcome | None:
        """Record the outcome of an operation, unless a tool looks for something that no step left.

        `at` is the step, the number of its command, and which one of its kind the operation is.
        """
        answers = ask(self.tree, operation, who)
        if not answers:
            return None
        step, number, nth = at
        command, optional = (by.command.program, by.optional) if by is not None else ("", False)
        key = Key(step, number, operation.act, nth)
        outcome = Outcome(key, operation, who, answers, line, command, optional)
        self.outcomes.append(outcome)
        return outcome


@lru_cache(maxsize=64)
def end_of(stage: Stage, closed: tuple[ClosedFile, ...] = ()) -> FileTree:
    """The tree at the end of a stage that others copy from."""
    lineage = trace(stage)
    return Replay(lineage, range(len(lineage.steps)), closed=closed).end


def _fails(outcome: Outcome) -> bool:
    """Whether an operation certainly finds nothing to copy or to move."""
    is_transfer = outcome.operation.act in (Act.COPY, Act.MOVE)
    return is_transfer and all(one.verdict is Verdict.ABSENT for one in outcome.answers)


def _is_same(step: Step, other: Step) -> bool:
    one, two = step.instruction, other.instruction
    bodies = [heredoc.body for heredoc in one.heredocs] == [heredoc.body for heredoc in two.heredocs]
    return one.logical == two.logical and bodies and (one.flag("from") is None or _are_same(step, other))


def _are_same(step: Step, other: Step) -> bool:
    """Whether the stages that both copies can refer to are the same."""
    rows, others = (
        [row.logical for stage in one.stage.earlier for row in stage.instructions] for one in (step, other)
    )
    return rows == others


def is_left(tree: FileTree, path: str, besides: Collection[Origin] = ()) -> bool:
    """Whether a step, rather than the base, may have left something at a path."""
    nodes = (node for place in tree.places(path, last=False) for node in tree.look(place))
    left = (node.origin for node in nodes if node.kind is not Kind.ABSENT)
    return any(origin != BASE and origin not in besides for origin in left)


def _unnoticed(tree: FileTree, outcome: Outcome, actor: Actor) -> Actor:
    """The actor of an operation that may fail without being noticed (`a; b`): both ends are possible."""
    may_fail = outcome.denial is not None or (
        outcome.operation.act is Act.MAKE and _is_file(tree, outcome.operation.path)
    )
    return replace(actor, optional=True) if may_fail else actor


def _only_imports(one: Invocation) -> bool:
    """Whether it is `python -c` without a call: the modules that it imports define more than they run."""
    words = [word.text for word in one.command.args]
    return words[:1] == ["-c"] and "(" not in "".join(words)


def _is_file(tree: FileTree, path: str) -> bool:
    return any(node.kind is Kind.FILE for node in tree.look(tree.follow(path, last=False)))


def _is_for_owner(node: Node) -> bool:
    """Whether its owner may run it, and not everybody."""
    return node.origin != BASE and node.mode & 0o101 == 0o100


def _is_unread(operation: Operation) -> bool:
    """Whether it stands for a program that nothing is known about."""
    return operation.act is Act.UNKNOWN and operation.spec != UNKNOWN_PLACE


def _without_caches(script: BuildScript) -> BuildScript:
    """The code without what it writes to the home, where variables move the caches that it fills."""
    return replace(script, writes=tuple(one for one in script.writes if not one[0].startswith("~")))


def _is_own_program(one: Invocation) -> bool:
    """Whether an unknown program belongs to the application or to its dependencies."""
    name = one.command.program
    is_ours = bool(name) and "/" not in name and not name.endswith((".sh", ".bash"))
    return is_ours and one.pip is None and name not in SHELLS and not name.startswith(("$", "."))


def _is_known_module(one: Invocation, who: Identity) -> bool:
    """Whether it is a Python module (`python -m X`) whose use of the home is in the table."""
    runs_module = any(word.text == "-m" for word in one.command.args[:-1])
    return runs_module and home_use(one, who) is not None
