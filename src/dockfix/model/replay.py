"""The steps of one image and its start, played over a file tree as whoever runs them.

What comes out is a list of outcomes: for each operation of each command, what becomes of it. Two
replays, of an original and of its rewrite, are compared operation by operation: whatever may have
succeeded has to succeed surely, on what the same step made (`find_losses`).
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from dockfix.lazy import cached_property
from dockfix.model.accounts import UserAccount, find_created, read_members
from dockfix.model.copies import Copy, find_volume_paths
from dockfix.model.filetree import (
    ABSENT,
    BASE,
    ROOT,
    Answer,
    Answers,
    Change,
    FileTree,
    Id,
    Identity,
    Kind,
    Node,
    Nodes,
    Origin,
    Verdict,
    read_mode,
)
from dockfix.model.images import Image
from dockfix.model.lineage import Lineage, State, Step, is_root_user
from dockfix.model.operations import Act, Operation
from dockfix.model.paths import is_within, resolve
from dockfix.model.runs import Invocation, Run, read_run

_GLOB: Final = re.compile(r"[*?\[]")
_OPEN: Final = Node(Kind.ANY, 0, 0, 0o755)
_BASE_DIRECTORIES: Final = (
    "bin boot etc home lib lib64 media mnt opt proc run sbin srv sys usr var usr/bin usr/lib usr/local"
    " usr/local/bin usr/local/lib usr/local/share usr/sbin usr/share var/cache var/lib var/log var/spool"
).split()
_EMPTY_IN_BASES: Final = frozenset({"home", "media", "mnt", "srv", "opt"})
_SITE: Final = "/usr/local/lib/python"
START: Final = "start"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What becomes of one operation.

    `key` is the same for the same operation of an original and of its rewrite: the instruction, the
    command in it, the operation in that.
    """

    key: tuple[Origin, int, int]
    operation: Operation
    who: Identity
    answers: Answers
    line: int
    command: str = ""

    @property
    def may_succeed(self) -> bool:
        """Whether it is allowed on anything that may be there."""
        return any(one.verdict is Verdict.ALLOWED for one in self.answers)


@dataclass(eq=False)
class Replay:
    """One play of a lineage; `origins` names each step, by the original's steps where it has them."""

    lineage: Lineage
    origins: Sequence[Origin]
    starts: Sequence[Invocation] = ()
    tree: FileTree = field(init=False)
    outcomes: list[Outcome] = field(init=False, default_factory=list)
    accounts: dict[str, UserAccount] = field(init=False, default_factory=dict)
    memberships: dict[str, set[str]] = field(init=False, default_factory=dict)
    groups: dict[str, Id] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        image = self.lineage.image
        self.tree = base_tree(image)
        for one in image.accounts:
            self.groups[one.group] = one.group if one.gid is None else one.gid
            self.accounts[one.name] = UserAccount(
                one.name, one.group, one.uid, one.gid, one.home, exists=True
            )
        for step in self.lineage.steps:
            self._play(step)
        for path in find_volume_paths(self.lineage):
            if not self.tree.exists(path):
                self.tree.make_directories(path, Node(Kind.DIRECTORY, origin=BASE))
        self._start()

    # -- who -----------------------------------------------------------------------------------

    def identity(self, user: str, env: Mapping[str, str]) -> Identity:
        """Whom a USER value means at this point."""
        name, colon, group = user.partition(":")
        home = env.get("HOME", "")
        if is_root_user(user) or not name:
            return Identity(0, ROOT.groups, 0, home or "/root")
        account = self._find_account(name)
        uid: Id = int(name) if name.isdigit() else name
        gid: Id = 0 if name.isdigit() else name
        if account is not None:
            uid = _uid(account)
            gid = self._gid(account)
        groups: set[Id] = {gid}
        if colon:
            gid = self._group(group)
            groups = {gid}
        elif account is not None:
            groups |= {self._group(one) for one in self.memberships.get(account.name, ())}
        return Identity(uid, frozenset(groups), gid, home or (account.home if account else "/"))

    def _find_account(self, name: str) -> UserAccount | None:
        if name.isdigit():
            return next((one for one in self.accounts.values() if one.uid == int(name)), None)
        return self.accounts.get(name)

    def _gid(self, account: UserAccount) -> Id:
        if account.gid is not None:
            return account.gid
        return self._group(account.group) if account.group else _uid(account)

    def _group(self, name: str) -> Id:
        if name.isdigit():
            return int(name)
        return 0 if name in ("root", "") else self.groups.get(name, name)

    def _owner(self, text: str) -> tuple[Id | None, Id | None] | None:
        """(uid, gid) of a chown operand, None for what stays; None where it is not known."""
        if not text or "$" in text or "?" in text:
            return None
        user, colon, group = text.replace(".", ":", 1).partition(":")
        account = self._find_account(user) if user else None
        uid: Id | None = None
        if user:
            uid = 0 if is_root_user(user) else _uid(account) if account else _number(user)
        if not colon:
            return uid, None
        if group:
            return uid, self._group(group)
        return uid, (self._gid(account) if account else uid)

    def _copy_owner(self, text: str) -> tuple[Id, Id]:
        """The ids of a `--chown`; an unknown name is root to BuildKit."""
        user, colon, group = text.partition(":")
        account = self._find_account(user)
        if account is not None:
            return _uid(account), self._group(group) if colon else self._gid(account)
        if user.isdigit():
            return int(user), self._group(group) if colon else int(user)
        return 0, self._group(group) if colon and (group in self.groups or group.isdigit()) else 0

    # -- steps ---------------------------------------------------------------------------------

    def _play(self, step: Step) -> None:
        origin = self.origins[step.index]
        match step.keyword:
            case "WORKDIR":
                self._enter(step, origin)
            case "COPY" | "ADD":
                self._copy(Copy(step), origin)
            case "RUN":
                self._run(step, origin)

    def _enter(self, step: Step, origin: Origin) -> None:
        path = resolve(step.expand(step.instruction.args), step.before.workdir)
        who = self.identity(step.before.user, step.before.env)
        self.tree.make_directories(path, Node(Kind.DIRECTORY, who.uid, who.gid, 0o755, origin))

    def _copy(self, copy: Copy, origin: Origin) -> None:
        flag = copy.step.instruction.flag("chown")
        uid, gid = self._copy_owner(copy.step.expand(flag.value)) if flag and flag.value else (0, 0)
        mode = 0o600 if copy.is_download else 0o755
        if (chmod := copy.step.instruction.flag("chmod")) and (wanted := read_mode(chmod.value or "")):
            mode = wanted(0o755, is_directory=False)
        destination = self.tree.follow(copy.destination)
        directory = Node(Kind.DIRECTORY, uid, gid, 0o755, origin)
        for path in copy.landed():
            if path.endswith("/*"):
                self.tree.make_directories(destination, directory)
                self._fill(destination, Node(Kind.ANY, uid, gid, mode, origin))
            else:
                self.tree.make_directories(posixpath.dirname(path), directory)
                kind = Kind.FILE if copy.step.instruction.heredocs or copy.is_download else Kind.ANY
                self.tree.put(self.tree.follow(path), Node(kind, uid, gid, mode, origin))

    def _fill(self, directory: str, content: Node) -> None:
        """Let unlisted things stand in a directory; what is listed in it may be written over."""
        self.tree.fill(directory, content)

    def _run(self, step: Step, origin: Origin) -> None:
        who = self.identity(step.before.user, step.before.env)
        run = read_run(step, who.home)
        for account in _accounts_of(self.lineage, step):
            self.accounts[account.name] = account
            if account.group:
                self.groups.setdefault(account.group, account.group if account.gid is None else account.gid)
        if not run.script.understood:
            self._record((origin, -1, 0), Operation(Act.UNKNOWN, "", "a script"), who, step.instruction.line, "")
        for number, one in enumerate(run.invocations):
            self._invoke((origin, number), one, who, run.line_of(one.command))
            for account, groups in read_members(one.command, one.env):
                self.memberships.setdefault(account, set()).update(groups)
            self._make_homes(run, one, origin)

    def _make_homes(self, run: Run, one: Invocation, origin: Origin) -> None:
        if one.command.program.rpartition("/")[2] not in ("useradd", "adduser", "luseradd"):
            return
        for account in _accounts_of(self.lineage, run.step):
            if not account.homeless and account.home.strip("/") and not self.tree.exists(account.home):
                self.tree.make_directories(posixpath.dirname(account.home), Node(Kind.DIRECTORY, origin=origin))
                home = Node(Kind.DIRECTORY, _uid(account), self._gid(account), 0o755, origin)
                self.tree.put(account.home, home)

    def _start(self) -> None:
        state = self.lineage.end
        who = self.identity(state.user, state.env)
        for number, one in enumerate(self.starts):
            self._invoke((START, number), one, who, 0)

    # -- operations ----------------------------------------------------------------------------

    def _invoke(self, key: tuple[Origin, int], one: Invocation, who: Identity, line: int) -> None:
        for number, operation in enumerate(operations_of(one, who)):
            self._record((*key, number), operation, who, line, one.command.program)
            self._perform(operation, who, key[0], one)

    def _record(
        self, key: tuple[Origin, int, int], operation: Operation, who: Identity, line: int, command: str
    ) -> None:
        self.outcomes.append(Outcome(key, operation, who, self._ask(operation, who), line, command))

    def _ask(self, operation: Operation, who: Identity) -> Answers:
        path, tree = operation.path, self.tree
        if operation.act in (Act.ROOT, Act.UNKNOWN):
            verdict = Verdict.ALLOWED if who.is_root else Verdict.DENIED
            return frozenset({Answer(verdict, BASE, "" if who.is_root else operation.spec)})
        if operation.act is Act.HOME:
            return self._ask_home(path)
        if _GLOB.search(path):
            return self._ask_pattern(operation, who)
        match operation.act:
            case Act.READ | Act.RUN:
                return tree.may(path, who, 4)
            case Act.WRITE:
                return self._ask_write(path, who)
            case Act.MAKE:
                return tree.may_make(path, who)
            case Act.REMOVE:
                return tree.may_remove(path, who, recursive=True)
            case Act.REPLACE:
                return _both(tree.may(path, who, 4), tree.may_change(posixpath.dirname(path), who))
            case Act.COPY | Act.MOVE:
                return self._ask_copy(operation, who)
            case Act.LINK:
                return tree.may_change(posixpath.dirname(path), who)
            case Act.MODE | Act.TOUCH:
                return tree.owned_by(path, who)
            case Act.CODE | Act.INSTALL:
                return tree.may_change(path, who)
        verdict = Verdict.ALLOWED if who.is_root else Verdict.DENIED
        return frozenset({Answer(verdict, BASE, path)})

    def _ask_home(self, home: str) -> Answers:
        """Reading settings: what steps left in the home, by the steps that did."""
        left = {
            node.origin
            for path in (home, *self.tree.below(home))
            for node in self.tree.look(path)
            if path != home and node.kind is not Kind.ABSENT and node.origin != BASE and not is_cache(path, home)
        }
        return frozenset(Answer(Verdict.ALLOWED, origin) for origin in left)

    def _ask_write(self, path: str, who: Identity) -> Answers:
        real = self.tree.follow(path)
        nodes = self.tree.look(real)
        if any(one.kind is Kind.DIRECTORY for one in nodes):
            return self.tree.may_change(path, who)
        return self.tree.may_write(path, who)

    def _ask_pattern(self, operation: Operation, who: Identity) -> Answers:
        """What a shell pattern matches: what is listed, and the directory that the rest would stand in."""
        directory = posixpath.dirname(operation.path[: _GLOB.search(operation.path).start()]) or "/"  # type: ignore[union-attr]
        found: set[Answer] = set()
        if operation.act in (Act.MODE, Act.TOUCH, Act.OWN):
            for node in self.tree.contents(directory):
                if who.is_root or node.uid == who.uid:
                    found.add(Answer(Verdict.ALLOWED, node.origin))
                else:
                    found.add(Answer(Verdict.DENIED, node.origin, directory))
            return frozenset(found)
        return self.tree.may_change(directory, who)

    def _ask_copy(self, operation: Operation, who: Identity) -> Answers:
        tree = self.tree
        source = tree.may(operation.path, who, 4)
        if operation.act is Act.MOVE:
            source = _both(source, tree.may_change(posixpath.dirname(operation.path), who))
        target = operation.spec
        if target.endswith("/") or any(one.kind is Kind.DIRECTORY for one in tree.look(tree.follow(target))):
            return _both(source, tree.may_change(target.rstrip("/") or "/", who))
        return _both(source, tree.may_write(target, who))

    def _perform(self, operation: Operation, who: Identity, origin: Origin, one: Invocation) -> None:
        weak = one.command.optional or bool(_GLOB.search(operation.path))
        tree, path = self.tree, operation.path
        made = Node(Kind.DIRECTORY, who.uid, who.gid, 0o777 & ~one.umask, origin)
        match operation.act:
            case Act.MAKE:
                tree.make_directories(path, made, weak=weak)
            case Act.WRITE | Act.REPLACE:
                self._write(operation, who, origin, one.umask, weak=weak)
            case Act.REMOVE:
                for at in self._matched(path):
                    tree.remove(at, weak=one.command.optional or (weak and at == path))
                if weak and operation.recursive is False:
                    tree.empty(posixpath.dirname(path))
            case Act.COPY:
                self._copy_file(operation, who, origin, one.umask, weak=weak)
            case Act.MOVE:
                for at in self._matched(path):
                    target = operation.spec
                    real = tree.follow(target.rstrip("/"))
                    if target.endswith("/") or any(node.kind is Kind.DIRECTORY for node in tree.look(real)):
                        real = posixpath.join(real, posixpath.basename(at))
                    tree.move(tree.follow(at, last=False), real, weak=one.command.optional)
            case Act.LINK:
                at = path
                if any(node.kind is Kind.DIRECTORY for node in tree.look(at)):
                    at = posixpath.join(at, posixpath.basename(operation.spec))
                tree.put(at, Node(Kind.LINK, who.uid, who.gid, 0o777, origin, operation.spec), weak=weak)
            case Act.MODE:
                mode = read_mode(operation.spec)
                if mode is not None:
                    self._change(operation, Change(mode=mode), weak=weak)
            case Act.OWN:
                owner = self._owner(operation.spec)
                only = self._owner(operation.only) if operation.only else None
                if owner is not None:
                    change = Change(owner[0], owner[1], only=only[0] if only else None)
                    self._change(operation, change, weak=weak)
            case Act.CAPABILITY:
                self._change(operation, Change(capable=True), weak=weak)
            case Act.CODE:
                if tree.may_exist(path):
                    tree.fill(path, Node(Kind.ANY, who.uid, who.gid, 0o755, origin))
            case Act.INSTALL:
                at = tree.make_directories(path, made, weak=weak)
                tree.fill(at, Node(Kind.ANY, who.uid, who.gid, 0o755, origin))

    def _matched(self, path: str) -> list[str]:
        real = self.tree.follow(path, last=False)
        return self.tree.matching(real) if _GLOB.search(real) else [real]

    def _change(self, operation: Operation, change: Change, *, weak: bool) -> None:
        for at in self._matched(operation.path):
            self.tree.change(at, change, recursive=operation.recursive, weak=weak)
        if _GLOB.search(operation.path):
            self.tree.change_contents(posixpath.dirname(self.tree.follow(operation.path)), change)

    def _write(
        self, operation: Operation, who: Identity, origin: Origin, umask: int, *, weak: bool
    ) -> None:
        tree = self.tree
        path = tree.follow(operation.path)
        nodes = tree.look(path)
        if any(one.kind is Kind.DIRECTORY for one in nodes):
            tree.fill(path, Node(Kind.ANY, who.uid, who.gid, 0o777 & ~umask, origin))
            return
        if operation.act is Act.WRITE and all(one.kind is not Kind.ABSENT for one in nodes):
            return
        tree.make_directories(posixpath.dirname(path), Node(Kind.DIRECTORY, who.uid, who.gid, 0o777 & ~umask, origin))
        mode = (0o666 if operation.spec else 0o777) & ~umask
        node = Node(Kind.FILE if operation.spec else Kind.ANY, who.uid, who.gid, mode, origin)
        if operation.act is Act.REPLACE:
            old = next((one for one in nodes if one.kind is not Kind.ABSENT), None)
            if old is None:
                return
            node = Node(old.kind, old.uid if who.is_root else who.uid, old.gid, old.mode, old.origin)
        tree.put(path, node, weak=weak)

    def _copy_file(
        self, operation: Operation, who: Identity, origin: Origin, umask: int, *, weak: bool
    ) -> None:
        tree = self.tree
        target = tree.follow(operation.spec.rstrip("/") or "/")
        if operation.spec.endswith("/") or any(one.kind is Kind.DIRECTORY for one in tree.look(target)):
            if _GLOB.search(operation.path) or operation.path.endswith("/."):
                tree.fill(target, Node(Kind.ANY, who.uid, who.gid, 0o777 & ~umask, origin))
                return
            target = posixpath.join(target, posixpath.basename(operation.path))
        source = next((one for one in tree.look(tree.follow(operation.path)) if one.kind is not Kind.ABSENT), _OPEN)
        node = Node(source.kind, who.uid, who.gid, source.mode & ~umask, origin)
        tree.put(target, node, weak=weak)
