"""What a command does to the file system, one operation after another; the replay plays them."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterator, Sequence
from enum import Enum
from typing import TYPE_CHECKING, Final, NamedTuple

from dockfix.model.paths import resolve

if TYPE_CHECKING:
    from dockfix.knowledge.commands import Argument, Reading


class Act(Enum):
    """The kinds of operations. For each, `path` is what it works on."""

    READ = "reads"
    RUN = "runs"
    WRITE = "writes"
    MAKE = "makes"
    REMOVE = "removes"
    REPLACE = "replaces"  # edits in place: a new file takes the old one's name
    COPY = "copies"  # to `spec`
    MOVE = "moves"  # to `spec`
    LINK = "links"  # to `spec`
    MODE = "changes the mode of"  # to `spec`
    TOUCH = "sets the time of"
    OWN = "changes the owner of"  # to `spec`
    CAPABILITY = "gives capabilities to"
    CODE = "works in"  # runs other code there
    HOME = "keeps settings and caches in"
    INSTALL = "installs packages into"
    ROOT = "needs root"  # because of `spec`
    UNKNOWN = "is not understood"  # `spec` says what


WRITING: Final = frozenset(
    {Act.WRITE, Act.MAKE, Act.REMOVE, Act.REPLACE, Act.COPY, Act.MOVE, Act.LINK, Act.CODE, Act.INSTALL}
)
"""What needs a directory that may be changed."""


class Operation(NamedTuple):
    """One thing that a command does. `path` is absolute, and may end in a shell pattern.

    `spec` is the second operand of its kind: a destination, a link's target, a mode, an owner, a
    reason. `recursive` holds for the whole tree; `only` is the owner that `chown --from` names, and
    `others` are further places where a home's content is looked for.
    """

    act: Act
    path: str = ""
    spec: str = ""
    recursive: bool = False
    only: str = ""
    others: tuple[str, ...] = ()


def _unknown(cwd: str) -> Operation:
    return Operation(Act.UNKNOWN, cwd, "not understood: where it writes")


def posix_operations(name: str, reading: Reading, cwd: str) -> Iterator[Operation]:
    """What mkdir, chmod, chown, cp, mv, ln, install, setcap do, by POSIX and GNU coreutils."""
    yield from _COMMANDS[name](reading, cwd)


def _place(argument: Argument | None, cwd: str) -> str | None:
    return resolve(argument.value, cwd) if argument is not None and argument.value else None


def _places(arguments: Sequence[Argument], cwd: str) -> Iterator[str | None]:
    for one in arguments:
        yield _place(one, cwd)


def _option(reading: Reading, *names: str) -> str:
    for name, value in reading.options:
        if name in names and value is not None:
            return value.value or "?"
    return ""


def _mkdir(reading: Reading, cwd: str) -> Iterator[Operation]:
    mode = _option(reading, "-m", "--mode")
    for path in _places(reading.operands, cwd):
        if path is None:
            yield _unknown(cwd)
            continue
        yield Operation(Act.MAKE, path)
        if mode:
            yield Operation(Act.MODE, path, mode)


def _chmod(reading: Reading, cwd: str) -> Iterator[Operation]:
    # `chmod -x FILE`: the mode looks like an option.
    dashed = [name for name, value in reading.options if name in ("-x", "-w", "-r", "-s", "-t")]
    operands = list(reading.operands)
    mode = dashed[0] if dashed else (operands.pop(0).value or "?") if operands else "?"
    yield from _changes(Act.MODE, mode, operands, reading, cwd)


def _chown(reading: Reading, cwd: str) -> Iterator[Operation]:
    operands = list(reading.operands)
    owner = "?" if reading.has(("--reference",)) else (operands.pop(0).value or "?") if operands else "?"
    yield from _changes(Act.OWN, owner, operands, reading, cwd)


def _chgrp(reading: Reading, cwd: str) -> Iterator[Operation]:
    operands = list(reading.operands)
    group = (operands.pop(0).value or "?") if operands else "?"
    yield from _changes(Act.OWN, f":{group}", operands, reading, cwd)


def _changes(
    act: Act, spec: str, operands: Sequence[Argument], reading: Reading, cwd: str
) -> Iterator[Operation]:
    recursive = reading.has(("-R", "--recursive"))
    only = _option(reading, "--from")
    for path in _places(operands, cwd):
        yield _unknown(cwd) if path is None else Operation(act, path, spec, recursive, only)


def _setcap(reading: Reading, cwd: str) -> Iterator[Operation]:
    for path in _places(reading.operands[1::2], cwd):
        yield _unknown(cwd) if path is None else Operation(Act.CAPABILITY, path)


def _destinations(reading: Reading, cwd: str) -> Iterator[tuple[str | None, str | None]]:
    """(source, destination) of cp, mv, ln and install; a destination in a directory ends in a slash."""
    operands = list(reading.operands)
    directory = _option(reading, "-t", "--target-directory")
    if directory:
        target: str | None = resolve(directory, cwd) + "/"
    elif len(operands) > 1:
        last = operands.pop()
        target = _place(last, cwd)
        into = len(operands) > 1 or (last.value or "").endswith(("/", "/."))
        if target is not None and into and not reading.has(("-T", "--no-target-directory")):
            target = target.rstrip("/") + "/"
    else:
        target = cwd.rstrip("/") + "/"
    for one in operands:
        yield one.value, target


def _copy(reading: Reading, cwd: str, act: Act = Act.COPY, mode: str = "") -> Iterator[Operation]:
    recursive = reading.has(("-r", "-R", "-a", "--recursive", "--archive"))
    for source, target in _destinations(reading, cwd):
        if source is None or target is None:
            yield _unknown(cwd)
            continue
        yield Operation(act, resolve(source, cwd), target, recursive, mode)


def _move(reading: Reading, cwd: str) -> Iterator[Operation]:
    yield from _copy(reading, cwd, Act.MOVE)


def _link(reading: Reading, cwd: str) -> Iterator[Operation]:
    symbolic = reading.has(("-s", "--symbolic"))
    for source, target in _destinations(reading, cwd):
        if source is None or target is None:
            yield _unknown(cwd)
            continue
        at = target + posixpath.basename(source.rstrip("/")) if target.endswith("/") else target
        if symbolic:
            yield Operation(Act.LINK, at, source)
        else:
            yield Operation(Act.COPY, resolve(source, cwd), at)


def _install(reading: Reading, cwd: str) -> Iterator[Operation]:
    mode = _option(reading, "-m", "--mode") or "0755"
    owner, group = _option(reading, "-o", "--owner"), _option(reading, "-g", "--group")
    made: list[str] = []
    if reading.has(("-d", "--directory")):
        for path in _places(reading.operands, cwd):
            yield _unknown(cwd) if path is None else Operation(Act.MAKE, path)
            made += [path] if path else []
    else:
        for source, target in _destinations(reading, cwd):
            if source is None or target is None:
                yield _unknown(cwd)
                continue
            at = target + posixpath.basename(source) if target.endswith("/") else target
            if reading.has(("-D",)):
                yield Operation(Act.MAKE, posixpath.dirname(at))
            # A new file each time, which takes the old one's name.
            yield Operation(Act.REMOVE, at)
            yield Operation(Act.COPY, resolve(source, cwd), at)
            made.append(at)
    for path in made:
        yield Operation(Act.MODE, path, mode)
        if owner or group:
            yield Operation(Act.OWN, path, f"{owner}:{group}" if group else owner)


_COMMANDS: Final[dict[str, Callable[[Reading, str], Iterator[Operation]]]] = {
    "mkdir": _mkdir,
    "chmod": _chmod,
    "chown": _chown,
    "chgrp": _chgrp,
    "setcap": _setcap,
    "cp": _copy,
    "mv": _move,
    "ln": _link,
    "install": _install,
}
