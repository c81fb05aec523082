"""The account that the image will run as: one that is there already, or one to create."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from dockfix.model.images import Image
from dockfix.model.lineage import Lineage, Step, is_root_user
from dockfix.model.runs import read_run
from dockfix.options import DEFAULT_ID, Options
from dockfix.syntax.shell import Command

_CREATORS: Final = ("useradd", "adduser")
# Options that take a value as their next word, of useradd, Debian's adduser and busybox' adduser.
_VALUED: Final = frozenset(
    "-u --uid -g --gid -G --groups --ingroup -d -h --home --home-dir -s --shell -c --comment -b --base-dir"
    " -k --skel -e -f -p --password -K --gecos".split()
)
NONROOT_ID: Final = 65532


@dataclass(frozen=True, slots=True)
class UserAccount:
    """Who the image will run as.

    `group` is "" where only the account's primary group is known to exist. `created` is the step
    that makes an account of the file, None for one of the base or one still to create. `home` is ""
    where the account has no directory of its own. `numeric` means that USER and --chown take ids.
    """

    name: str
    group: str
    uid: int | None
    gid: int | None
    home: str
    exists: bool = False
    created: Step | None = None
    numeric: bool = False

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
        """`uid:gid`, or the name where they are not known."""
        if self.uid is None:
            return self.name
        return f"{self.uid}:{self.uid if self.gid is None else self.gid}"


def choose_account(lineage: Lineage, options: Options, *, needs_ids: bool) -> UserAccount:
    """The account to use: the file's own, the base's, or a new one named by the options.

    `needs_ids` asks for a new account whose numbers are known beforehand, for `COPY --link` and
    mounts, which take no names.
    """
    own = [account for account in find_created(lineage) if account.home]
    matching = [account for account in own if account.name == options.user] or own[-1:]
    if matching and not (options.numeric and matching[-1].uid is None):
        return _as_wanted(matching[-1], options)
    ready = _ready_account(lineage.image, lineage.end.user)
    if ready is not None and options.uid in (None, ready.uid):
        return _as_wanted(ready, options)
    return new_account(lineage.image, options, needs_ids=needs_ids)


def new_account(image: Image, options: Options, *, needs_ids: bool) -> UserAccount:
    """The account that create-user makes; plain numbers where the base has no way to make one."""
    nameless = image.account_command == "none"
    fixed = options.numeric or needs_ids or nameless
    default = NONROOT_ID if image.family == "distroless" else DEFAULT_ID
    uid = options.uid if options.uid is not None or not fixed else default
    gid = options.gid if options.gid is not None or not fixed else uid
    home = f"/home/{options.user}" if not nameless else "/"
    return UserAccount(options.user, options.user, uid, gid, home, numeric=options.numeric or nameless)


def find_created(lineage: Lineage) -> Iterator[UserAccount]:
    """The accounts that RUN lines of the lineage create, in order."""
    for step in lineage.steps:
        if step.keyword != "RUN" or not any(name in str(step.instruction) for name in _CREATORS):
            continue
        for one in read_run(step, "/root").invocations:
            if one.command.name is not None and one.command.name.text.rpartition("/")[2] in _CREATORS:
                account = _created_account(one.command, dict(one.env), step, lineage.image)
                if account is not None:
                    yield account


def _as_wanted(account: UserAccount, options: Options) -> UserAccount:
    return UserAccount(
        account.name, account.group, account.uid, account.gid, account.home,
        exists=True, created=account.created,
        numeric=account.numeric or (options.numeric and account.uid is not None),
    )  # fmt: skip


def _ready_account(image: Image, user: str) -> UserAccount | None:
    wanted = image.reuse
    if not wanted and user and not is_root_user(user):
        wanted = user.partition(":")[0]
    for account in image.accounts:
        if account.name == wanted:
            numeric = image.account_command == "none"
            return UserAccount(
                account.name, account.group, account.uid, account.gid, account.home, True, None, numeric
            )
    return None


def _created_account(command: Command, env: dict[str, str], step: Step, image: Image) -> UserAccount | None:
    options: dict[str, str] = {}
    operands: list[str] = []
    key = ""
    for word in command.args:
        text = word.expand(env)
        if text is None:
            return None
        if key:
            options[key], key = text, ""
        elif text.startswith("-") and len(text) > 1:
            name, equals, value = text.partition("=")
            options[name] = value
            key = name if name in _VALUED and not equals else _clustered(name)
        else:
            operands.append(text)
    if not operands or is_root_user(operands[0]):
        return None
    name = operands[0]
    uid = _number(options, "-u", "--uid")
    home = next(
        (options[key] for key in ("-d", "-h", "--home", "--home-dir") if options.get(key)), f"/home/{name}"
    )
    group = next((options[key] for key in ("-g", "--gid", "-G", "--ingroup") if options.get(key)), "")
    gid = int(group) if group.isdigit() else None
    own_group = name if not group and "-N" not in options and not _is_busybox_system(options, image) else ""
    return UserAccount(
        name, own_group, uid, gid, home if _makes_home(command, options, image) else "", True, step
    )


def _clustered(option: str) -> str:
    """The option at the end of a cluster (`-ms /bin/sh`, `-mu 1000`) that takes the next word."""
    if option.startswith("--") or len(option) < 3:
        return ""
    return "-" + option[-1] if "-" + option[-1] in _VALUED else ""


def _number(options: dict[str, str], *names: str) -> int | None:
    return next((int(options[name]) for name in names if options.get(name, "").isdigit()), None)


def _is_busybox_system(options: dict[str, str], image: Image) -> bool:
    return image.account_command == "busybox" and "S" in "".join(key for key in options if key[:2] != "--")


def _makes_home(command: Command, options: dict[str, str], image: Image) -> bool:
    short = "".join(key[1:] for key in options if not key.startswith("--"))
    if "--no-create-home" in options or (
        "H" in short and "useradd" not in str(command.name and command.name.text)
    ):
        return False
    if command.name is not None and command.name.text.endswith("useradd"):
        return "m" in short or "--create-home" in options or (image.family == "rhel" and "r" not in short)
    system = "--system" in options or ("S" in short and image.account_command != "busybox")
    return not system or "--home" in options
