"""Steps run for real in a chroot: each command's exit status and errors, and the files left at the end.

The root directory is an overlay over an exported image, its upper layer a tmpfs; both need root.
"""

from __future__ import annotations

import ctypes
import errno
import os
import re
import shutil
import stat
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

from .shells import Step, render

IMAGE: Final = "python:3.12-slim-bookworm"
# `su -` only warns if it cannot enter the home.
DENIAL: Final = re.compile(r"^(?!su: warning).*(?:Permission denied|Operation not permitted)", re.MULTILINE)
_EVENT: Final = re.compile(r"^([+-])(\d+)(?: (\d+))?$")
_PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_PATIENCE: Final = 30.0
_CAPABILITY: Final = "security.capability"
# Stands in for the program of libcap2-bin, which the image does not have: `setcap CAPABILITIES FILE`.
SETCAP: Final = f"""\
#!/usr/local/bin/python3 -IS
import os, sys
value = bytes.fromhex("0100000200040000000000000000000000000000")
for path in sys.argv[2::2]:
    os.setxattr(path, {_CAPABILITY!r}, value)
"""


@dataclass(frozen=True)
class Event:
    """One run of a leaf: its exit status (None: the shell ended with it), and its output."""

    leaf: int
    status: int | None
    printed: str

    @property
    def is_denied(self) -> bool:
        """Whether it reported a permission error."""
        return DENIAL.search(self.printed) is not None


@dataclass(frozen=True)
class Real:
    """What is at a path: `kind` is "directory", "file", "link" or "other"."""

    kind: str
    uid: int
    gid: int
    mode: int
    target: str = ""
    capable: bool = False


def why_not() -> str:
    """Why no script can be run here, or ""."""
    if os.geteuid() != 0:
        return "a chroot needs root"
    if shutil.which("docker") is None:
        return "no docker to take the root file system from"
    with tempfile.TemporaryDirectory() as folder:
        try:
            with _mounted("tmpfs", "", folder):
                pass
        except OSError as error:
            return f"nothing can be mounted: {error}"
    return ""


@contextmanager
def exported(image: str = IMAGE) -> Iterator[Path]:
    """The root file system of an engine's image, in a folder of its own."""
    with tempfile.TemporaryDirectory(prefix="dockfix-reality-") as folder:
        root = Path(folder) / "root"
        root.mkdir()
        made = _docker("create", image, "true").strip()
        try:
            with subprocess.Popen(["docker", "export", made], stdout=subprocess.PIPE) as export:
                subprocess.run(["tar", "-x", "-C", str(root)], stdin=export.stdout, check=True)
        finally:
            _docker("rm", made)
        setcap = root / "usr/sbin/setcap"
        setcap.write_text(SETCAP)
        setcap.chmod(0o755)
        yield root


def _docker(*arguments: str) -> str:
    done = subprocess.run(["docker", *arguments], capture_output=True, text=True, check=True)
    return done.stdout


class Chroot:
    """One root directory in which steps run, each on top of those that were kept.

    Every step has its own upper layer, as in an image: `keep` stacks the next one on top, `undo` discards
    the last one.
    """

    def __init__(self, folder: Path, lower: Path) -> None:
        self.root = folder / "merged"
        self.root.mkdir()
        self.layers = [lower]
        self._folder = folder
        self._count = 0
        self._mounts = ExitStack()
        self._open()

    def _open(self) -> None:
        self._count += 1
        self.upper = self._folder / f"upper{self._count}"
        work = self._folder / f"work{self._count}"
        for one in (self.upper, work):
            one.mkdir()
        lower = ":".join(map(str, reversed(self.layers)))
        options = f"lowerdir={lower},upperdir={self.upper},workdir={work}"
        self._mounts.enter_context(_mounted("overlay", options, str(self.root)))
        # Without /proc, glibc cannot change the mode of what may be a link, and cp complains.
        self._mounts.enter_context(_mounted("proc", "", str(self.root / "proc")))

    def keep(self) -> None:
        """Make the last step's changes visible to the next."""
        self.close()
        self.layers.append(self.upper)
        self._open()

    def undo(self) -> None:
        """Discard the last step's changes."""
        self.close()
        shutil.rmtree(self.upper)
        self._open()

    def close(self) -> None:
        """Unmount it."""
        self._mounts.close()

    def play(self, step: Step) -> list[Event]:
        """Run a step as its user; returns the runs of its leaves, in order."""
        text, _ = render(step.lines, instrumented=True)
        path = self._folder / "log"
        with path.open("ab", buffering=0) as log:
            log.truncate(0)
            self._run(text, step.user, log.fileno())
        return list(read_events(path.read_text(errors="replace")))

    def _run(self, text: str, user: str, log: int) -> None:
        """Run a shell in the root directory as the user that runc would switch to.

        A process of its own: to fork one that has loaded the replay takes longer than most steps.
        """
        uid, gid, groups, home = _account(self.root, user)
        who = (f"--userspec=+{uid}:+{gid}", f"--groups={','.join(map(str, groups))}")
        script = f"exec 9>&2\n{text}"
        subprocess.run(
            ["/usr/sbin/chroot", *who, str(self.root), "/bin/sh", "-c", script],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=log, check=False,
            env={"PATH": _PATH, "HOME": home, "LC_ALL": "C"},
        )  # fmt: skip

    def at(self, path: str) -> Real | None:
        """What is at an absolute path, without following links."""
        place = str(self.root) + path
        try:
            found = os.lstat(place)
        except (FileNotFoundError, NotADirectoryError):
            return None
        mode = found.st_mode
        kind = next((name for name, test in KINDS if test(mode)), "other")
        return Real(
            kind,
            found.st_uid,
            found.st_gid,
            stat.S_IMODE(mode),
            os.readlink(place) if kind == "link" else "",
            kind == "file" and _CAPABILITY in os.listxattr(place, follow_symlinks=False),
        )

    def changed(self) -> list[str]:
        """The existing paths that the steps created or touched."""
        found: set[str] = set()
        for layer in (*self.layers[1:], self.upper):
            for folder, directories, files in os.walk(layer):
                above = folder[len(str(layer)) :]
                found.update(f"{above}/{name}" for name in (*directories, *files))
        return sorted(path for path in found if self.at(path) is not None)

    def numbers(self) -> Numbers:
        """The uids and gids by name."""
        return read_numbers((self.root / "etc/passwd").read_text(), (self.root / "etc/group").read_text())


class Numbers(NamedTuple):
    """The uids of accounts and the gids of groups by name."""

    users: Mapping[str, int]
    groups: Mapping[str, int]


def read_numbers(passwd: str, group: str) -> Numbers:
    """The numbers in /etc/passwd and /etc/group; the first row of a name counts."""
    users, groups = (
        {row.split(":")[0]: int(row.split(":")[2]) for row in reversed(text.splitlines())}
        for text in (passwd, group)
    )
    return Numbers(users, groups)


KINDS: Final = (
    ("directory", stat.S_ISDIR), ("file", stat.S_ISREG), ("link", stat.S_ISLNK), ("file", stat.S_ISFIFO),
)  # fmt: skip


def _account(root: Path, user: str) -> tuple[int, int, Sequence[int], str]:
    """(uid, gid, supplementary groups, home) by the root directory's own files, as runc looks them up."""
    name, colon, group = user.partition(":")
    rows = [row.split(":") for row in (root / "etc/passwd").read_text().splitlines()]
    groups = [row.split(":") for row in (root / "etc/group").read_text().splitlines()]
    row = next((row for row in rows if name in row[:1] or name == row[2]), None)
    uid, gid, home = (int(row[2]), int(row[3]), row[5]) if row else (int(name), 0, "/")
    if colon:
        found = next((int(one[2]) for one in groups if one[0] == group), None)
        return uid, int(group) if found is None else found, (), home
    member = row[0] if row else ""
    return uid, gid, [int(one[2]) for one in groups if member and member in one[3].split(",")], home


def read_events(log: str) -> Iterator[Event]:
    """The runs of leaves, innermost last where they stand in each other (they do not)."""
    leaf, printed = -1, ""
    for line in log.splitlines():
        if match := _EVENT.match(line):
            if match[1] == "+":
                leaf, printed = int(match[2]), ""
            else:
                yield Event(int(match[2]), int(match[3]), printed)
                leaf = -1
        else:
            printed += line + "\n"
    if leaf >= 0:
        yield Event(leaf, None, printed)


@contextmanager
def chroot(lower: Path) -> Iterator[Chroot]:
    """A root directory over an exported one, which stays unchanged."""
    with (
        tempfile.TemporaryDirectory(prefix="dockfix-reality-") as folder,
        _mounted("tmpfs", "mode=0755", folder),
    ):
        made = Chroot(Path(folder), lower)
        try:
            yield made
        finally:
            made.close()


@contextmanager
def _mounted(kind: str, options: str, target: str) -> Iterator[None]:
    libc = ctypes.CDLL(None, use_errno=True)
    arguments = (kind.encode(), target.encode(), kind.encode(), 0, options.encode())
    if libc.mount(*arguments):
        raise OSError(ctypes.get_errno(), f"mount {kind} on {target}")
    try:
        yield
    finally:
        _unmount(libc, target)


def _unmount(libc: ctypes.CDLL, target: str) -> None:
    """Unmount it as soon as the last process has left it: what a step leaves running may take a moment."""
    limit = time.monotonic() + _PATIENCE
    while libc.umount2(target.encode(), 0):
        if ctypes.get_errno() != errno.EBUSY or time.monotonic() > limit:
            raise OSError(ctypes.get_errno(), f"umount {target}")
        time.sleep(0.01)
