"""Users and groups at one point of a build, as /etc/passwd and /etc/group define them there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Final

from dockfix.model.accounts import UserAccount
from dockfix.model.changes import Id
from dockfix.model.images import Image
from dockfix.model.lineage import is_root_user
from dockfix.model.paths import resolve
from dockfix.model.permissions import Identity
from dockfix.syntax.words import is_number

_ROOTS: Final = frozenset[Id]({0})


class Accounts:
    """The accounts known so far, those of the base and those that steps created."""

    def __init__(self, image: Image) -> None:
        self._accounts: dict[str, UserAccount] = {}
        self._groups: dict[str, Id] = {}
        self._members: dict[str, set[str]] = {}
        for one in image.accounts:
            self.add(UserAccount(one.name, one.group, one.uid, one.gid, one.home, exists=True))
        content = image.facts.content if image.facts is not None else None
        for group in content.groups if content is not None else ():
            self._groups.setdefault(group.name, group.gid)
            for member in group.members:
                self.join(member, (group.name,))

    def fork(self) -> Accounts:
        """An independent copy."""
        other = Accounts.__new__(Accounts)
        other._accounts, other._groups = self._accounts.copy(), self._groups.copy()
        other._members = {name: set(groups) for name, groups in self._members.items()}
        return other

    def add(self, account: UserAccount) -> None:
        """Add an account that a step created."""
        self._accounts[account.name] = account
        if account.group:
            self.declare(account.group, account.gid)
        if account.groups:
            self.join(account.name, account.groups)

    def declare(self, group: str, gid: int | None) -> None:
        """Add a group that a step created, whose number may be unknown."""
        self._groups.setdefault(group, group if gid is None else gid)

    def renumber(self, group: str, gid: int) -> None:
        """Give a group, and the accounts whose primary group it is, another number."""
        old = self.group(group)
        self._groups[group] = gid
        for one in [one for one in self._accounts.values() if self.primary_group(one) in (old, group)]:
            self._accounts[one.name] = replace(one, gid=gid)

    def join(self, account: str, groups: Iterable[str]) -> None:
        """Add an account to supplementary groups."""
        self._members.setdefault(account, set()).update(groups)

    def find(self, name: str) -> UserAccount | None:
        """The account with that name or number."""
        if is_number(name):
            return next((one for one in self._accounts.values() if one.uid == int(name)), None)
        return self._accounts.get(name)

    def identity(self, user: str, env: Mapping[str, str]) -> Identity:
        """The identity of a USER value; `name:group` and unknown numbers have no supplementary groups."""
        name, colon, group = user.partition(":")
        home = env.get("HOME", "")
        home = resolve(home, "/") if home.startswith("/") else ""
        if is_root_user(user) or not name:
            return Identity(0, _ROOTS, 0, home or "/root")
        account = self.find(name)
        uid, gid = self._ids(name, account)
        if colon:
            gid = self.group(group)
        groups = {gid}
        if account is not None and not colon:
            groups.update(map(self.group, self._members.get(account.name, ())))
        return Identity(uid, frozenset(groups), gid, home or (account.home if account else "/"))

    def group(self, name: str) -> Id:
        """A group's number, or its name if the number is unknown."""
        if is_number(name):
            return int(name)
        return 0 if name in ("root", "") else self._groups.get(name, name)

    def primary_group(self, account: UserAccount) -> Id:
        """The group of files that the account creates."""
        if account.gid is not None:
            return account.gid
        return self.group(account.group) if account.group else uid_of(account)

    def owner(self, text: str) -> tuple[Id | None, Id | None] | None:
        """(uid, gid) of a chown operand, with None for a part that it leaves unchanged.

        None if it is unknown.
        """
        if not text or set(text) & set("$?`"):
            return None
        if ":" not in text and "." in text and self.find(text) is None:
            # chown's old separator, which coreutils and busybox still accept.
            text = text.replace(".", ":", 1)
        # A plus sign marks a number, which is never looked up as a name.
        user, colon, group = text.replace("+", "").partition(":")
        account = self.find(user) if user else None
        uid = self._ids(user, account)[0] if user else None
        if not colon:
            return uid, None
        return uid, self.group(group) if group else self.primary_group(account) if account else uid

    def copy_owner(self, text: str) -> tuple[Id, Id]:
        """(uid, gid) that `--chown` sets; BuildKit takes a name that it cannot resolve as root."""
        user, colon, group = text.partition(":")
        account = self.find(user)
        known = not colon or group in self._groups or is_number(group)
        if account is None and not is_number(user):
            return 0, self.group(group) if colon and known else 0
        uid: Id = int(user) if account is None else uid_of(account)
        primary = uid if is_number(user) or account is None else self.primary_group(account)
        return uid, self.group(group) if colon and known else primary

    def _ids(self, name: str, account: UserAccount | None) -> tuple[Id, Id]:
        if account is not None:
            return uid_of(account), self.primary_group(account)
        if is_root_user(name):
            return 0, 0
        return (int(name), 0) if is_number(name) else (name, name)


def uid_of(account: UserAccount) -> Id:
    """An account's number, or its name if the number is unknown."""
    return account.name if account.uid is None else account.uid
