"""The account that an image runs as already, as its USER names it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from fnmatch import fnmatchcase
from typing import Final

from dockfix.knowledge import read_names, read_table
from dockfix.model.accounts import UserAccount, find_created, is_account_name, new_account, of_base
from dockfix.model.copies import find_copies
from dockfix.model.images import Image
from dockfix.model.lineage import Lineage
from dockfix.model.runs import read_run
from dockfix.options import Options
from dockfix.syntax.words import is_number
from dockfix.syntax.wrappers import SHELLS

_NOBODY: Final = 65534
_ABOUT_OWNERS: Final = frozenset({"chown", "chgrp"})
_ACCOUNT_FILES: Final = ("/etc", "/etc/passwd", "/etc/group", "/")


def current_account(lineage: Lineage, options: Options) -> UserAccount:
    """The account that USER names: the file's, the base's, a bare number, or one that nobody creates."""
    name, _, group = lineage.end.user.partition(":")
    for one in find_created(lineage):
        if name in (one.name, str(one.uid)):
            return replace(one, numeric=is_number(name))
    for base in lineage.image.accounts:
        if name in (base.name, str(base.uid)):
            one = of_base(lineage.image, base, numeric=is_number(name))
            return replace(one, nowhere=one.homeless)
    elsewhere = f"/home/{options.user}"
    if is_number(name):
        gid = int(group) if is_number(group) else 0
        return UserAccount(
            name, "", int(name), gid, elsewhere, exists=True, numeric=True, homeless=True, nowhere=True
        )
    if name in read_names("bases", "system", "accounts") or not is_account_name(name):
        uid = _NOBODY if name == "nobody" else None
        return UserAccount(name, "", uid, uid, f"/home/{name}", exists=True, homeless=True, nowhere=True)
    return new_account(lineage.image, replace(options, user=name, uid=None, gid=None), needs_ids=False)


def has_known_accounts(image: Image) -> bool:
    """Whether the base has only the accounts of its distribution and those that are listed for it."""
    patterns = read_table("bases")["plain"]["images"]
    return image.is_certain and any(fnmatchcase(image.name, one) for one in patterns)


def is_surely_missing(lineage: Lineage, account: UserAccount) -> bool:
    """Whether no step and no base brings the account that USER names.

    Any step that names it, except to change owners, or that replaces the list of accounts, may bring it.
    """
    if account.exists or not has_known_accounts(lineage.image):
        return False
    return not any(_may_create(lineage, account.name)) and not any(_may_bring_accounts(lineage))


def _may_create(lineage: Lineage, name: str) -> Iterator[bool]:
    """For each RUN and each of its commands, whether it may create an account of that name."""
    table, managers = read_table("bases")["plain"], read_table("bases")["package_managers"]
    is_generic = any(word in name for word in table["generic"])
    for step in lineage.of("RUN"):
        run = read_run(step, "/root")
        yield not run.script.understood or "/etc/passwd" in run.text
        for one in run.invocations:
            program = one.command.program
            if program in _ABOUT_OWNERS:
                continue
            yield name in " ".join(word.text for word in one.command.args)
            yield "/" in program or program.endswith(".sh") or program in table["configuring"]
            is_installer = program in SHELLS or program in managers
            # A package creates accounts for its services, under names that its own does not show.
            yield not is_generic and is_installer and one.pip is None


def _may_bring_accounts(lineage: Lineage) -> list[bool]:
    places = (path.removesuffix("*") for copy in find_copies(lineage) for path in copy.landed())
    return [(path.rstrip("/") or "/") in _ACCOUNT_FILES for path in places]
