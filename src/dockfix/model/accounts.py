"""The account that the image will run as: an existing one, or one to create."""

from __future__ import annotations

import re
from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final, TypeVar

from dockfix.knowledge import read_names
from dockfix.model.account_commands import (
    ACCOUNT_CHANGERS,
    CREATORS,
    GROUP_CREATORS,
    first_of,
    parse_options,
    read_account_change,
    read_group_number,
    read_number,
    to_number,
)
from dockfix.model.copies import Copy
from dockfix.model.groups import Group, find_groups, read_group
from dockfix.model.images import Account, Image
from dockfix.model.lineage import Lineage, Step, is_root_user
from dockfix.model.paths import is_within, resolve
from dockfix.model.runs import read_run
from dockfix.options import DEFAULT_ID, Options
from dockfix.syntax.shell import Command
from dockfix.syntax.words import is_number

_Account = TypeVar("_Account", Account, "UserAccount")

CREATES: Final = re.compile("|".join((*CREATORS, *GROUP_CREATORS)))
_CHANGES: Final = re.compile("|".join(ACCOUNT_CHANGERS))
_RENUMBERS: Final = re.compile("usermod|groupmod")
_CREATES_OR_CHANGES: Final = re.compile("|".join((*CREATORS, *ACCOUNT_CHANGERS)))
NONROOT_ID: Final = 65532
# What useradd takes for people (UID_MIN and UID_MAX of login.defs in Debian and RHEL): below, accounts of the
# system may have the number.
FIRST_ID: Final = 1000
_LAST_ID: Final = 60000
_DEFAULT: Final = Options()
_NAME: Final = re.compile(r"[a-z_][a-z0-9_-]{0,30}")


@dataclass(frozen=True, slots=True)
class UserAccount:
    """The account that the image will run as.

    `group` is "" if only the account's primary group is known to exist. `created` is the step that
    creates an account of the file, None for one that the base brings or that is still to be created. It
    `joins` a group that an earlier step creates; `groups` are its supplementary ones. `homeless`: no step
    creates the directory `home`; `nowhere`: passwd names a different home. `numeric`: USER and `--chown`
    take numeric IDs.
    """

    name: str
    group: str
    uid: int | None
    gid: int | None
    home: str
    exists: bool = False
    created: Step | None = None
    numeric: bool = False
    homeless: bool = False
    nowhere: bool = False
    joins: bool = False
    groups: tuple[str, ...] = ()

    @property
    def user(self) -> str:
        """The value for USER."""
        return self.ids if self.numeric else self.name

    @property
    def owner(self) -> str:
        """The value for `--chown` and chown."""
        if self.numeric:
            return self.ids
        return f"{self.name}:{self.group}" if self.group else self.name

    @property
    def ids(self) -> str:
        """`uid:gid`, or the name if the numbers are unknown."""
        if self.uid is None:
            return self.name
        return f"{self.uid}:{self.uid if self.gid is None else self.gid}"


def choose_account(lineage: Lineage, options: Options, *, needs_ids: bool, asked: str = "") -> UserAccount:
    """The account to use: one that the file creates, one of the base, or a new one named by the options.

    With `needs_ids`, a new account gets its numbers in advance, for `COPY --link` and mounts, which do
    not accept names. `asked` is the user (name or number) that the deployments run the image as: a new
    account gets that number.
    """
    image, own = _find_usable(lineage)
    user = lineage.end.user.partition(":")[0]
    if asked and (meant := _find_asked(lineage, own, asked)):
        return _as_wanted(meant, options)
    wanted = [account for account in own if account.name in (user, options.user)] or own[-1:]
    if wanted and not (options.numeric and wanted[-1].uid is None):
        return _as_wanted(wanted[-1], options)
    named = user if user and not is_root_user(user) else _preferred(lineage)
    ready = _ready_account(image, named) or _namesake(image, options)
    if ready is not None and options.uid in (None, ready.uid):
        return _as_wanted(ready, options)
    if options.user == _DEFAULT.user and (promised := _promised(lineage)):
        options = replace(options, user=promised)
    number = asked.partition(":")[0]
    if options.uid is None and is_number(number) and FIRST_ID <= int(number) <= _LAST_ID:
        options = replace(options, uid=int(number))
    if options.user in lineage.end.roots:
        options = replace(options, user=f"{options.user}2")
    return new_account(image, options, needs_ids=needs_ids, groups=find_groups(lineage))


def gives_numbers(lineage: Lineage) -> bool:
    """Whether a RUN gives another account, or a later group, a number that useradd gives new ones."""
    text = lineage.steps[0].instruction.source
    if "group" not in text and "usermod" not in text:
        return False
    if any(not one.is_ready and (one.gid or 0) >= FIRST_ID for one in find_groups(lineage)):
        return True
    changing = (step for step in lineage.of("RUN") if _RENUMBERS.search(step.instruction.args))
    commands = (one for step in changing for one in read_run(step, "/root").invocations)
    found = (read_number(one.command, one.env) or read_group_number(one.command, one.env) for one in commands)
    return any(one is not None and one[1] >= FIRST_ID for one in found)


def is_account_name(name: str) -> bool:
    """Whether useradd accepts a name for a new account."""
    return _NAME.fullmatch(name) is not None


def new_account(
    image: Image, options: Options, *, needs_ids: bool, groups: tuple[Group, ...] = ()
) -> UserAccount:
    """The account for create-user to make, or plain numbers if the base has no command for that.

    `groups` are those that the file creates: it joins them, the only one as its primary group.
    """
    nameless = image.account_command == "none"
    fixed = options.numeric or needs_ids or nameless
    default = NONROOT_ID if image.family == "distroless" else DEFAULT_ID
    uid = options.uid if options.uid is not None or not fixed else _free(image, default)
    gid = options.gid if options.gid is not None or not fixed else uid
    home = f"/home/{options.user}" if not nameless else "/"
    group = "root" if gid == 0 else options.user
    account = UserAccount(options.user, group, uid, gid, home, numeric=options.numeric or nameless)
    return _join(account, groups, options, fixed=fixed) if groups and not options.any_uid else account


def _join(account: UserAccount, groups: tuple[Group, ...], options: Options, *, fixed: bool) -> UserAccount:
    """The account as a member of the groups that exist already, under a name that no other group has."""
    ready = [one for one in groups if one.is_ready]
    able = [one for one in ready if (one.gid is not None or not fixed) and options.gid in (None, one.gid)]
    named = next((one for one in able if one.name == account.name), None)
    primary = named or (able[0] if len(groups) == 1 and able else None)
    others = tuple(one.name for one in ready if one is not primary)
    if primary is not None:
        account = replace(account, group=primary.name, gid=primary.gid, joins=True)
    elif any(one.name == account.name for one in groups):
        # A group of its own could not have that name.
        name = f"{account.name}2"
        group = name if account.group == account.name else account.group
        account = replace(account, name=name, group=group, home=f"/home/{name}")
    # `USER uid:gid` loads no supplementary groups.
    return account if account.numeric else replace(account, groups=others)


def _free(image: Image, number: int) -> int:
    """The first number from this one on that no account of an inspected base has."""
    taken = {one.uid for one in image.accounts} if image.facts is not None else set()
    return next(one for one in range(number, number + len(taken) + 1) if one not in taken)


@lru_cache(maxsize=8)
def find_created(lineage: Lineage) -> tuple[UserAccount, ...]:
    """The accounts that RUN steps of the lineage create, in order."""
    return tuple(_created(lineage))


def _created(lineage: Lineage) -> Iterator[UserAccount]:
    groups: dict[str, tuple[str, Step]] = {}
    for step in lineage.of("RUN"):
        instruction = step.instruction
        if not CREATES.search(instruction.source, instruction.start, instruction.end):
            continue
        invocations = read_run(step, "/root").invocations
        members = [row for one in invocations for row in read_members(one.command, one.env)]
        for one in invocations:
            for name, gid in read_group(one.command, one.env):
                groups[name if gid is None else str(gid)] = name, step
            program = one.command.program.rpartition("/")[2]
            options, operands = parse_options(one.command, one.env) if program in CREATORS else ({}, [])
            only_joins = program == "adduser" and len(operands) == 2
            if operands and not is_root_user(operands[0]) and not only_joins:
                made = _created_account(program, options, operands[0], step, groups)
                joined = (group for name, found in members if name == made.name for group in found)
                others = dict.fromkeys(group for group in joined if group != made.group)
                yield replace(made, groups=tuple(others))


def _find_usable(lineage: Lineage) -> tuple[Image, tuple[UserAccount, ...]]:
    """(the base, the accounts of the file) as they are at the end, without what is gone or root's equal."""
    (lost, homes), image = _find_changed(lineage), lineage.image
    own = tuple(one for one in find_created(lineage) if one.uid != 0)
    if not lost and not homes:
        return image, own
    image = replace(image, accounts=_as_changed(image.accounts, lost, homes))
    return image, _as_changed(own, lost, homes)


def _as_changed(
    accounts: tuple[_Account, ...], lost: Container[str], homes: Mapping[str, str]
) -> tuple[_Account, ...]:
    kept = (one for one in accounts if one.name not in lost)
    return tuple(replace(one, home=homes.get(one.name, one.home)) for one in kept)


@lru_cache(maxsize=8)
def _find_changed(lineage: Lineage) -> tuple[frozenset[str], dict[str, str]]:
    """The accounts that RUN steps remove, rename or give root's number for good; and new homes."""
    lost: set[str] = set()
    homes: dict[str, str] = {}
    for step in lineage.of("RUN"):
        pattern = _CREATES_OR_CHANGES if lost else _CHANGES
        if not pattern.search(step.instruction.source, step.instruction.start, step.instruction.end):
            continue
        for one in read_run(step, "/root").invocations:
            program = one.command.program.rpartition("/")[2]
            if program in CREATORS:
                lost.difference_update(parse_options(one.command, one.env)[1][:1])
            elif program in ACCOUNT_CHANGERS:
                change = read_account_change(one.command, one.env)
                if change is not None and (change.is_removed or change.login or change.uid == 0):
                    lost.add(change.name)
                if change is not None and change.home.startswith("/"):
                    homes[change.name] = change.home
    return frozenset(lost), homes


def read_members(command: Command, env: Mapping[str, str]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """(account, supplementary groups) for each account that a command adds to groups (`usermod -aG`)."""
    program = command.program.rpartition("/")[2]
    if program not in (*CREATORS, "usermod", "gpasswd", "addgroup"):
        return
    options, operands = parse_options(command, env)
    if program in ("adduser", "addgroup") and len(operands) == 2:
        yield operands[0], (operands[1],)
    elif program == "gpasswd" and operands and (name := first_of(options, "-a", "--add")):
        yield name, (operands[-1],)
    elif operands and (groups := first_of(options, "-G", "--groups", "-aG", "-Ga")):
        yield operands[-1], tuple(groups.split(","))


def _find_asked(lineage: Lineage, own: tuple[UserAccount, ...], asked: str) -> UserAccount | None:
    """The account that the deployments name: the file's, the base's, or one that the file hands files to."""
    name, _, group = asked.partition(":")
    for one in own:
        if one.name == name or (name.isdigit() and one.uid == int(name)):
            return one
    base = next((one for one in lineage.image.accounts if name in (one.name, str(one.uid))), None)
    if base is not None:
        return _ready_account(replace(lineage.image, reuse=base.name), base.name)
    if name not in {owner.partition(":")[0] for owner, _ in _gifts(lineage)}:
        return None
    if not name.isdigit():
        # A package created it; its home is unknown.
        return UserAccount(name, "", None, None, "/", exists=True, homeless=True, nowhere=True)
    gid = int(group) if group.isdigit() else 0
    return UserAccount(name, group or "0", int(name), gid, "/", exists=True, numeric=True, homeless=True)


def _gifts(lineage: Lineage) -> Iterator[tuple[str, str]]:
    """(owner as written, absolute path) of every chown operand and every copy with `--chown`."""
    for step in lineage.of("RUN"):
        if "chown" not in step.instruction.args:
            continue
        for one in read_run(step, "/root").invocations:
            words = [word.expand(one.env) or "" for word in one.command.args if not word.text.startswith("-")]
            if one.command.program == "chown" and words:
                yield from ((words[0], resolve(path, one.cwd)) for path in words[1:])
    for step in lineage.of("COPY", "ADD"):
        flag = step.instruction.flag("chown")
        if flag is not None and flag.value and (operands := Copy(step).operands):
            yield step.expand(flag.value), resolve(operands[-1], step.before.workdir)


def _preferred(lineage: Lineage) -> str:
    """The base's account that the file makes owner of the working directory, or the base's default user."""
    end = lineage.end.workdir
    if end != "/":
        for owner, path in _gifts(lineage):
            if is_within(end, path) and not is_root_user(owner):
                return owner.partition(":")[0]
    return lineage.image.user


def _namesake(image: Image, options: Options) -> UserAccount | None:
    """The account that an inspected base has under the number or the name that the options give."""
    if image.facts is None:
        return None
    numbered = (one.name for one in image.accounts if one.uid == options.uid)
    return _ready_account(image, next(numbered, options.user))


def _promised(lineage: Lineage) -> str:
    """The single owner that the `--chown` flags name and that no step creates; BuildKit takes it as root."""
    if not lineage.image.known or lineage.image.account_command == "none":
        return ""
    owners = set()
    for step in lineage.of("COPY", "ADD"):
        flag = step.instruction.flag("chown")
        if flag is not None and flag.value:
            owners.add(step.expand(flag.value))
    owner, _, group = owners.pop().partition(":") if len(owners) == 1 else ("", "", "")
    system = read_names("bases", "system", "accounts")
    taken = {*system, *(account.name for account in lineage.image.accounts)}
    return owner if _NAME.fullmatch(owner) and owner not in taken and group in ("", owner) else ""


def _as_wanted(account: UserAccount, options: Options) -> UserAccount:
    account = replace(account, exists=True, numeric=account.numeric or options.numeric)
    return replace(account, group="root", gid=0) if options.any_uid else account


def _ready_account(image: Image, user: str) -> UserAccount | None:
    wanted = image.reuse
    if not wanted and user and not is_root_user(user):
        wanted = user.partition(":")[0]
    for account in image.accounts:
        if account.name == wanted:
            return of_base(image, account, numeric=image.account_command == "none")
    return None


def of_base(image: Image, account: Account, *, numeric: bool) -> UserAccount:
    """An account that the base brings."""
    return UserAccount(
        account.name, account.group, account.uid, account.gid, account.home,
        exists=True, numeric=numeric, homeless=_is_homeless(image, account),
    )  # fmt: skip


def _is_homeless(image: Image, account: Account) -> bool:
    content = image.facts.content if image.facts is not None else None
    if content is not None and (entry := content.paths.get(account.home)) is not None:
        return entry.kind != "directory"
    # Debian's system accounts have a home in passwd that is never created.
    return account.name != image.user and not account.home.startswith("/home/")


_NOGROUP: Final = {"debian": 65534, "ubuntu": 65534, "alpine": 65533}
"""The number of nogroup. Source: base-passwd, group.master; alpine-baselayout, group."""


def _created_account(
    program: str, options: dict[str, str], name: str, step: Step, groups: dict[str, tuple[str, Step]]
) -> UserAccount:
    """The account that a command creates; `groups` are (name, step) by number or, without one, by name."""
    image = step.stage.image
    short = "".join(key[1:] for key in options if not key.startswith("--"))
    system = "--system" in options or "r" in short or "S" in short
    group = first_of(options, *_group_options(program, image))
    uid = to_number(first_of(options, "-u", "--uid"))
    numbers = {other: number for number, (other, _) in groups.items()}
    gid = 0 if group == "root" else to_number(numbers.get(group, group)) if group else None
    if group:
        named, _ = groups.get(group, ("" if is_number(group) or "$" in group else group, step))
    elif program == "adduser" and system and "--group" not in options:
        # In busybox and Debian, adduser puts system accounts into nogroup.
        named, gid = "", _NOGROUP.get(image.family)
    else:
        named = name
    home = _home(program, options, name)
    made = _makes_home(program, options, short, image, system=system)
    # Debian's adduser --system writes /nonexistent into passwd.
    nowhere = program == "adduser" and system and not made and image.account_command != "busybox"
    joins = any(other == named and at is not step for other, at in groups.values())
    return UserAccount(
        name, named, uid, gid, home,
        exists=True, created=step, homeless=not made, nowhere=nowhere, joins=joins,
    )  # fmt: skip


def _home(program: str, options: dict[str, str], name: str) -> str:
    above = first_of(options, "-b", "--base-dir") if program == "useradd" else ""
    return resolve(first_of(options, "-d", "-h", "--home", "--home-dir") or f"{above or '/home'}/{name}", "/")


def _group_options(program: str, image: Image) -> tuple[str, ...]:
    if program == "useradd":
        return ("-g", "--gid")
    # In busybox, -g is what the account is called in full.
    return ("-G", "--ingroup") if image.account_command == "busybox" else ("-g", "--gid", "-G", "--ingroup")


def _makes_home(program: str, options: dict[str, str], short: str, image: Image, *, system: bool) -> bool:
    if program == "useradd":
        return "m" in short or "--create-home" in options or (image.family == "rhel" and not system)
    if "--no-create-home" in options or "H" in short:
        return False
    return not system or "--home" in options or image.account_command == "busybox"
