"""The options of a fix, as one frozen value."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from dockfix.learned import NOTHING, Learned
from dockfix.options.declarations import NAMES, NUMBER, PATHS, SWITCH, TABLES, TEXT, TEXTS, one_of, option

if TYPE_CHECKING:
    from dockfix.image_facts import ImageFacts

DEFAULT_ID: Final = 10001
MAX_ID: Final = 2**31 - 1
_ACCOUNT_NAME = re.compile(r"[a-z_][a-z0-9_-]{0,30}")
_NAME: Final = replace(TEXT, schema={"type": "string", "pattern": f"^{_ACCOUNT_NAME.pattern}$"})
_ID: Final = replace(NUMBER, schema={"type": "integer", "minimum": 1, "maximum": MAX_ID})


class OptionError(ValueError):
    """An option has an invalid value; the message names the option and how to fix it."""


class Install(StrEnum):
    """Where pip installs packages: the user's site, the user's virtual environment, or system-wide."""

    USER = "user"
    VENV = "venv"
    SYSTEM = "system"


class Chown(StrEnum):
    """Which copied files the user owns."""

    ALL = "all"
    WRITABLE = "writable"
    NONE = "none"


ANY_STAGE: Final = "*"
"""Stands for a target that is known only during the build."""


def _choose(name: str, kind: type[StrEnum], value: str) -> StrEnum:
    try:
        return kind(value)
    except ValueError:
        raise OptionError(f"{name}: {value!r} is none of {', '.join(kind)}") from None


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How `dockfix.fix` rewrites a file.

    `uid` and `gid` are numbers from 1 to 2**31 - 1, or None to let the base choose (10001 if numbers are
    needed). With `any_uid`, `numeric` is True, `gid` 0, and packages go system-wide unless they go into a
    virtual environment. `select` and `ignore` contain transform names; an empty `select` means all.
    `accept` contains the codes of reviews that count as answered; `unsafe` answers all of them. `targets`
    names further stages that ship, besides the last; with `ANY_STAGE`, every stage with its own start
    may. `images` maps image patterns to facts, in the form of the package's own bases.toml. With
    `evidence`, the application's sources are read too, and the deployments of the image are taken into
    account. `facts` are those of real base images, by `name:tag` and by digest. `writes` are absolute
    paths in the image that the application writes while it runs, folders with a slash at the end;
    `languages` those besides Python whose images a proof may answer for; `learned` is what a proof has
    shown of the file; `arguments` are build arguments for those without a default, or for all of them with
    `overrides`; `alternatives` are what single builds give.
    """

    user: str = option("appuser", _NAME, "User to run as (default: appuser)", "--user", "NAME")
    uid: int | None = option(None, _ID, "Numeric user ID", "--uid", "N")
    gid: int | None = option(None, _ID, "Numeric group ID", "--gid", "N")
    numeric: bool = option(
        False, SWITCH, "Use numeric IDs in USER and --chown, as runAsNonRoot needs", "--numeric/--no-numeric"
    )
    any_uid: bool = option(
        False, SWITCH, "Let any uid of group 0 run the image, as OpenShift does", "--any-uid/--no-any-uid"
    )
    read_only: bool = option(
        False,
        SWITCH,
        "Prepare for a read-only root",
        "--read-only/--no-read-only",
    )
    install: Install = option(
        Install.USER, one_of(Install), "Where pip installs packages (default: user)", "--install"
    )
    chown: Chown = option(
        Chown.ALL, one_of(Chown), "Which copied files the user owns (default: all)", "--chown"
    )
    select: frozenset[str] = option(
        frozenset(), NAMES, "Apply only these transforms, separated by commas", "--select", "NAMES"
    )
    ignore: frozenset[str] = option(frozenset(), NAMES, "Do not apply these transforms", "--ignore", "NAMES")
    accept: frozenset[str] = option(
        frozenset(), NAMES, "Make changes in spite of these reviews, such as low-port", "--accept", "CODES"
    )
    unsafe: bool = option(False, SWITCH, "Also apply changes that need review", "--unsafe/--no-unsafe")
    base: str | None = option(
        None, TEXT, "Distribution of unknown base images, such as debian", "--base", "FAMILY"
    )
    targets: tuple[str, ...] = option(
        (), TEXTS, "Also fix this stage, which ships in addition to the last one", "--target", "STAGE"
    )
    images: Mapping[str, Mapping[str, object]] = option(dict, TABLES, "Facts about your own base images")
    evidence: bool = option(
        True, SWITCH, "Read the application's sources (default: on)", "--evidence/--no-evidence"
    )
    writes: tuple[str, ...] = option(
        (), PATHS, "A path that the application writes; a folder ends with a slash", "--writes", "PATH"
    )
    languages: frozenset[str] = option(
        frozenset(),
        NAMES,
        "With --verify, try images of these languages too, or of all",
        "--languages",
        "NAMES",
    )
    learned: Learned = NOTHING
    arguments: tuple[tuple[str, str], ...] = ()
    overrides: bool = False
    alternatives: tuple[tuple[tuple[str, str], ...], ...] = ()
    facts: Mapping[str, ImageFacts] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not _ACCOUNT_NAME.fullmatch(self.user) or self.user == "root":
            raise OptionError(
                f"user: {self.user!r} is not a valid user name: use a lower-case letter or _, then up to 30"
                " lower-case letters, digits, - or _, and not root"
            )
        for name, kind in (("install", Install), ("chown", Chown)):
            object.__setattr__(self, name, _choose(name, kind, getattr(self, name)))
        if self.any_uid:
            self._serve_group_zero()
        gid = None if self.any_uid else self.gid
        for name, value in (("uid", self.uid), ("gid", gid)):
            if value is not None and not 0 < value <= MAX_ID:
                raise OptionError(f"{name}: {value} is out of range: use 1 to {MAX_ID}, 0 is root")

    def _serve_group_zero(self) -> None:
        """Set what `any_uid` implies. Raises OptionError for another group."""
        if self.gid not in (None, 0):
            raise OptionError(f"gid: {self.gid} contradicts any-uid, whose group is 0: use one of the two")
        install = Install.SYSTEM if self.install is Install.USER else self.install
        for name, value in (("numeric", True), ("gid", 0), ("install", install)):
            object.__setattr__(self, name, value)
