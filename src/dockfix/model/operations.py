"""The file system operations of commands, which the replay executes in order."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Final, NamedTuple, NewType

from dockfix.model.paths import resolve

if TYPE_CHECKING:
    from dockfix.knowledge.commands import Argument, Reading


ActName = NewType("ActName", str)


class Act:
    """The kinds of operations; `path` is the object of each."""

    READ: Final = ActName("reads")
    PACK: Final = ActName("packs")  # into the archives `others`
    ENTER: Final = ActName("enters")
    RUN: Final = ActName("runs")
    WRITE: Final = ActName("writes")
    MAKE: Final = ActName("makes")
    REMOVE: Final = ActName("removes")
    REPLACE: Final = ActName("replaces")  # edits in place: a new file replaces the old one
    COPY: Final = ActName("copies")  # to `spec`
    MOVE: Final = ActName("moves")  # to `spec`
    LINK: Final = ActName("links")  # to `spec`
    MODE: Final = ActName("changes the mode of")  # to `spec`
    TOUCH: Final = ActName("sets the time of")
    OWN: Final = ActName("changes the owner of")  # to `spec`
    CAPABILITY: Final = ActName("gives capabilities to")
    CONTROL: Final = ActName("uses the repository")  # its own; any with `spec`
    CODE: Final = ActName("works in")  # runs unknown code there
    HOME: Final = ActName("keeps settings and caches in")
    INSTALL: Final = ActName("installs packages into")
    ROOT: Final = ActName("needs root")  # because of `spec`
    UNKNOWN: Final = ActName("is not understood")  # `spec` names what


WRITING: Final = frozenset(
    {Act.WRITE, Act.MAKE, Act.REMOVE, Act.REPLACE, Act.COPY, Act.MOVE, Act.LINK, Act.CODE, Act.INSTALL}
)
"""Operations that need a writable file or directory."""


_AT_PATH: Final = frozenset({Act.WRITE, Act.MAKE, Act.REMOVE, Act.REPLACE})
_AT_TARGET: Final = frozenset({Act.COPY, Act.MOVE, Act.LINK})


HowName = NewType("HowName", str)


class How:
    """How options modify an operation."""

    KEEPS_OWNER: Final = HowName("the owner is copied")
    KEEPS_MODE: Final = HowName("the mode is copied")
    KEEPS_TIMES: Final = HowName("the times are copied")
    PLAIN_MODE: Final = HowName("the mode is that of a new file, whatever the source's is")
    DROPS_BITS: Final = HowName("set-id and sticky bits are not copied")
    KEEPS_ALL: Final = HowName("capabilities are copied as well")
    KEEPS_LINKS: Final = HowName("a link itself is meant, not its target")
    AS_NAMED: Final = HowName("the target is the new name, never a directory to put things into")
    REPLACES_LINKS: Final = HowName("a link to a directory is replaced, not followed")
    RELATIVE: Final = HowName("the link leads from where it stands to where its target's links lead")
    CONTENTS: Final = HowName("the contents of the directory are meant, not itself")
    SAME: Final = HowName("a second name for the same file")
    LINKED: Final = HowName("a hard link, which takes ownership, or read and write permission")
    REPLACES: Final = HowName("an existing target is removed first")
    PARENTS: Final = HowName("the directories of its path are made again in the target")
    FORCED: Final = HowName("an existing target that cannot be opened is removed first")
    INSTALLED: Final = HowName("directories are created regardless of the umask")
    UNNAMED: Final = HowName(
        "a file of an unknown name in the directory or below it, perhaps one that exists"
    )
    FLAT: Final = HowName("files of unknown names in the directory itself, not below it")
    UNPACKED: Final = HowName("files of an archive may replace existing ones")
    COPIED: Final = HowName("what arrives are copies of what stands elsewhere")
    MOVED: Final = HowName("what arrives has stood elsewhere")
    ARCHIVED: Final = HowName("owners come from an archive")
    ONE_BY_ONE: Final = HowName("everything below is named individually, so that links are followed")
    FOLLOWS: Final = HowName("what is behind links is meant as well")
    NEW: Final = HowName("the path must not exist yet")
    EXISTING: Final = HowName("only if it exists already")
    CREATES_NOTHING: Final = HowName("a missing file is not created")
    OTHERWISE: Final = HowName("only if none of the paths before it exists")
    READ_OUT: Final = HowName("its code was read, and uses nothing that it does not name")
    PACKAGES: Final = HowName("what it leaves are packages, which are only read")
    PERHAPS: Final = HowName("it may not happen")


_OCTAL: Final = re.compile(r"[0-7]{1,5}")
ARRIVING: Final = frozenset({How.COPIED, How.MOVED})
"""How things get to a place that is a directory, or their new name."""


class Operation(NamedTuple):
    """One file system operation of a command. `path` is absolute, and may contain shell patterns.

    `spec` is the second operand: a destination (inside a directory, if it ends in a slash), a link's
    target, a mode, an owner or a reason. `recursive` applies it to the whole tree. `only` is the owner
    that `chown --from` and `find -user` name, `kind` the type of `find -type`, `name` the pattern of
    `find -name`. `mode` and `owner` are those of the created file, if the command sets them; `others` are
    more places where a home's content is searched, an archive, or the file whose mode and owner are taken.
    """

    act: ActName
    path: str = ""
    spec: str = ""
    recursive: bool = False
    only: str = ""
    how: frozenset[HowName] = frozenset()
    kind: str = ""
    name: str = ""
    mode: str = ""
    owner: str = ""
    others: tuple[str, ...] = ()

    @property
    def destination(self) -> str:
        """The path that is changed: where a copy or a move ends up, otherwise `path`."""
        return self.spec if self.act in (Act.COPY, Act.MOVE) else self.path


def written_at(operation: Operation) -> str:
    """The path that an operation creates or changes, "" for others and for code whose writes are unknown."""
    if operation.act in _AT_TARGET:
        return operation.spec
    return operation.path if operation.act in _AT_PATH else ""


def closing(operation: Operation) -> Operation | None:
    """What an operation on a name that is not known, `/*` at its end, may leave closed or linked there."""
    if operation.act is Act.LINK:
        return operation._replace(how=operation.how | {How.PERHAPS})
    mode = operation.spec if operation.act is Act.MODE else operation.mode
    directory, name = posixpath.split(operation.destination)
    if name != "*" or not _OCTAL.fullmatch(mode) or int(mode, 8) & 0o004:
        return None
    return Operation(Act.WRITE, directory, how=frozenset({How.UNNAMED}), mode=mode, owner=operation.owner)


def _unknown(cwd: str) -> Operation:
    return Operation(Act.UNKNOWN, cwd, "not understood: where it writes")


def posix_operations(name: str, reading: Reading, cwd: str) -> Iterator[Operation]:
    """The operations of mkdir, chmod, chown, cp, mv, ln, install, setcap, tar, gzip and the like."""
    if name in _BACKING_UP and reading.has(_BACKUPS):
        # Under a name that depends on what exists.
        yield _unknown(cwd)
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
    how = frozenset(() if reading.has(("-p", "--parents")) else {How.NEW})
    for path in _places(reading.operands, cwd):
        yield _unknown(cwd) if path is None else Operation(Act.MAKE, path, mode=mode, how=how)


def _mkfifo(reading: Reading, cwd: str) -> Iterator[Operation]:
    mode = _option(reading, "-m", "--mode")
    for path in _places(reading.operands, cwd):
        if path is None:
            yield _unknown(cwd)
            continue
        yield Operation(Act.WRITE, path, "file")
        if mode:
            yield Operation(Act.MODE, path, mode)


def _shred(reading: Reading, cwd: str) -> Iterator[Operation]:
    for path in _places(reading.operands, cwd):
        if path is None:
            yield _unknown(cwd)
        else:
            yield from (Operation(Act.WRITE, path, "file"), Operation(Act.REMOVE, path))


def _split(reading: Reading, cwd: str) -> Iterator[Operation]:
    yield from _pieces(reading.operands[1:2], cwd)


def _csplit(reading: Reading, cwd: str) -> Iterator[Operation]:
    yield from _pieces(
        [value for name, value in reading.options if name in ("-f", "--prefix") and value], cwd
    )


def _pieces(prefixes: Sequence[Argument], cwd: str) -> Iterator[Operation]:
    """Files whose names begin with a prefix, in the working directory if there is none."""
    paths = list(_places(prefixes, cwd)) if prefixes else [f"{cwd.rstrip('/')}/x"]
    for path in paths:
        how = frozenset({How.FLAT})
        yield _unknown(cwd) if path is None else Operation(Act.WRITE, posixpath.dirname(path), how=how)


def _chmod(reading: Reading, cwd: str) -> Iterator[Operation]:
    # `chmod -x FILE`: the mode looks like an option.
    dashed = [name for name, value in reading.options if name in ("-x", "-w", "-r", "-s", "-t")]
    operands = list(reading.operands)
    mode = dashed[0] if dashed else _first(operands, reading)
    yield from _changes(Act.MODE, mode, operands, reading, cwd)


def _first(operands: list[Argument], reading: Reading) -> str:
    """The mode or owner in front of the paths, "?" if it is unknown or that of `--reference`."""
    if reading.has(("--reference",)) or not operands:
        return "?"
    return operands.pop(0).value or "?"


def _chown(reading: Reading, cwd: str) -> Iterator[Operation]:
    operands = list(reading.operands)
    yield from _changes(Act.OWN, _first(operands, reading), operands, reading, cwd)


def _chgrp(reading: Reading, cwd: str) -> Iterator[Operation]:
    operands = list(reading.operands)
    yield from _changes(Act.OWN, f":{_first(operands, reading)}", operands, reading, cwd)


def _changes(
    act: ActName, spec: str, operands: Sequence[Argument], reading: Reading, cwd: str
) -> Iterator[Operation]:
    recursive = reading.has(("-R", "--recursive"))
    only = _option(reading, "--from")
    # `chown -R` changes links themselves; `chmod -R` follows a link that it is given, and skips those below.
    how: set[HowName] = set()
    if act is Act.OWN and recursive and reading.has(("-H", "-L")):
        how = {How.ONE_BY_ONE, How.FOLLOWS} if reading.has(("-L",)) else {How.ONE_BY_ONE}
    elif act is Act.OWN and (recursive or reading.has(("-h", "--no-dereference"))):
        how = {How.KEEPS_LINKS}
    reference = _option(reading, "--reference")
    others = (resolve(reference, cwd),) if reference not in ("", "?") else ()
    if not operands:
        yield _unknown(cwd)
    for operand in operands:
        path = _place(operand, cwd)
        # `link/` means the directory.
        meant = how - {How.KEEPS_LINKS} if (operand.value or "").endswith("/") else how
        one = Operation(act, path or "", spec, recursive, only, frozenset(meant), others=others)
        yield _unknown(cwd) if path is None else one


def _setcap(reading: Reading, cwd: str) -> Iterator[Operation]:
    for path in _places(reading.operands[1::2], cwd):
        yield _unknown(cwd) if path is None else Operation(Act.CAPABILITY, path)


_BACKING_UP: Final = frozenset({"cp", "mv", "ln", "install"})
_BACKUPS: Final = ("-b", "--backup", "-S", "--suffix")


def _destinations(reading: Reading, cwd: str) -> Iterator[tuple[str | None, str | None]]:
    """(source, destination) of cp, mv, ln and install; a destination in a directory ends in a slash."""
    operands = list(reading.operands)
    directory = _option(reading, "-t", "--target-directory")
    if directory:
        target: str | None = resolve(directory, cwd).rstrip("/") + "/"
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


def _how(reading: Reading, meanings: Mapping[str, Sequence[HowName]]) -> set[HowName]:
    return {how for name, _ in reading.options for how in meanings.get(name, ())}


_KEPT: Final[Mapping[str, Sequence[HowName]]] = {
    "mode": (How.KEEPS_MODE,),
    "ownership": (How.KEEPS_OWNER,),
    "timestamps": (How.KEEPS_TIMES,),
    "": (How.KEEPS_OWNER, How.KEEPS_MODE, How.KEEPS_TIMES),
    "links": (),
    "context": (),
    "xattr": (How.KEEPS_ALL,),
}
"""What `cp --preserve=LIST` keeps; all that it may, for words that are not listed."""
_EVERYTHING: Final = (*_KEPT[""], How.KEEPS_ALL)
_COPYING: Final[Mapping[str, Sequence[HowName]]] = {
    "-p": _KEPT[""],
    "-a": (*_EVERYTHING, How.KEEPS_LINKS),
    "--archive": (*_EVERYTHING, How.KEEPS_LINKS),
    "-l": (How.SAME, How.LINKED),
    "--link": (How.SAME, How.LINKED),
    "-n": (How.PERHAPS,),
    "--no-clobber": (How.PERHAPS,),
    "-u": (How.PERHAPS,),
    "--update": (How.PERHAPS,),
    "--remove-destination": (How.REPLACES,),
    "-L": (How.FOLLOWS,),
    "--dereference": (How.FOLLOWS,),
    "-d": (How.KEEPS_LINKS,),
    "-P": (How.KEEPS_LINKS,),
    "--no-dereference": (How.KEEPS_LINKS,),
    "-T": (How.AS_NAMED,),
    "--no-target-directory": (How.AS_NAMED,),
    "-f": (How.FORCED,),
    "--force": (How.FORCED,),
    "--parents": (How.PARENTS,),
}


def _preserved(reading: Reading) -> tuple[set[HowName], set[HowName]]:
    """What the options `--preserve` and `--no-preserve` add, and what they take away."""
    kept: set[HowName] = set()
    lost: set[HowName] = set()
    for name, value in reading.options:
        if name in ("--preserve", "--no-preserve"):
            words = (value.value or "" if value is not None else "").split(",")
            found = {how for word in words for how in _KEPT.get(word, _EVERYTHING)}
            (kept if name == "--preserve" else lost).update(found)
            if name == "--no-preserve" and How.KEEPS_MODE in found:
                kept.add(How.PLAIN_MODE)
    return kept, lost


def _copy(reading: Reading, cwd: str) -> Iterator[Operation]:
    recursive = reading.has(("-r", "-R", "-a", "--recursive", "--archive"))
    if reading.has(("-s", "--symbolic-link")):
        yield from _copy_as_links(reading, cwd, recursive=recursive)
        return
    preserved, lost = _preserved(reading)
    how = (_how(reading, _COPYING) | preserved) - lost
    if recursive and not reading.has(("-L", "-H", "--dereference")):
        how.add(How.KEEPS_LINKS)
    for source, target in _destinations(reading, cwd):
        if source is None or target is None:
            yield _unknown(cwd)
        else:
            to = target
            for above in _parents(source) if How.PARENTS in how else ():
                to = to.rstrip("/") + "/"
                yield Operation(Act.COPY, resolve(above, cwd), to, how=frozenset(how | {How.KEEPS_LINKS}))
                to += posixpath.basename(above) + "/"
            contents = {How.CONTENTS} if source.endswith("/.") or source == "." else set()
            # `link/` and `link/.` mean the directory.
            kept = {How.KEEPS_LINKS} if source.endswith(("/", "/.")) else set()
            meant = frozenset((how | contents) - kept)
            yield Operation(Act.COPY, resolve(source, cwd), to, recursive, how=meant)


_MOVING: Final[Mapping[str, Sequence[HowName]]] = {
    name: _COPYING[name] for name in ("-T", "--no-target-directory", "-n", "--no-clobber", "-u", "--update")
}


def _parents(source: str) -> list[str]:
    """The directories above a source as it is written, outermost first."""
    parts = source.split("/")[:-1]
    return ["/".join(parts[: end + 1]) for end, name in enumerate(parts) if name not in ("", ".")]


def _copy_as_links(reading: Reading, cwd: str, *, recursive: bool) -> Iterator[Operation]:
    """`cp -s`: links to files, whose names may follow from a directory that is named."""
    for source, target in _destinations(reading, cwd):
        inside = source is not None and (source.endswith("/.") or source == ".")
        if source is None or target is None or (recursive and not inside):
            # A directory is not linked, but made again, with a link to each of its files.
            yield _unknown(cwd)
            continue
        name = "*" if inside else posixpath.basename(source.rstrip("/"))
        at = f"{target.rstrip('/')}/{name}" if inside or target.endswith("/") else target
        yield Operation(Act.LINK, at, resolve(source, cwd) + ("/*" if inside else ""))


def _move(reading: Reading, cwd: str) -> Iterator[Operation]:
    how = frozenset(_how(reading, _MOVING))
    for source, target in _destinations(reading, cwd):
        if source is None or target is None:
            yield _unknown(cwd)
        else:
            yield Operation(Act.MOVE, resolve(source, cwd), target, recursive=True, how=how)


_LINKING: Final[Mapping[str, Sequence[HowName]]] = {
    "-T": (How.AS_NAMED,),
    "--no-target-directory": (How.AS_NAMED,),
    "-n": (How.REPLACES_LINKS,),
    "--no-dereference": (How.REPLACES_LINKS,),
    "-r": (How.RELATIVE,),
    "--relative": (How.RELATIVE,),
}


def _link(reading: Reading, cwd: str) -> Iterator[Operation]:
    symbolic = reading.has(("-s", "--symbolic"))
    how = _how(reading, _LINKING)
    for source, target in _destinations(reading, cwd):
        if source is None or target is None:
            yield _unknown(cwd)
        elif symbolic:
            at = target + posixpath.basename(source.rstrip("/")) if target.endswith("/") else target
            to = resolve(source, cwd) if How.RELATIVE in how else source
            yield Operation(Act.LINK, at, to, how=frozenset(how))
        else:
            how |= {How.SAME, How.LINKED, *((How.REPLACES,) if reading.has(("-f", "--force")) else ())}
            yield Operation(Act.COPY, resolve(source, cwd), target, how=frozenset(how))


def _install(reading: Reading, cwd: str) -> Iterator[Operation]:
    mode = _option(reading, "-m", "--mode") or "0755"
    owner, group = _option(reading, "-o", "--owner"), _option(reading, "-g", "--group")
    owner = f"{owner}:{group}" if group else owner
    if reading.has(("-d", "--directory")):
        yield from _install_directories(reading, cwd, mode, owner)
        return
    for source, target in _destinations(reading, cwd):
        if source is None or target is None:
            yield _unknown(cwd)
            continue
        if reading.has(("-D",)):
            above = target if target.endswith("/") else posixpath.dirname(target)
            yield Operation(Act.MAKE, above.rstrip("/") or "/", how=frozenset({How.INSTALLED}))
        how = frozenset({How.REPLACES})
        yield Operation(Act.COPY, resolve(source, cwd), target, how=how, mode=mode, owner=owner)


def _install_directories(reading: Reading, cwd: str, mode: str, owner: str) -> Iterator[Operation]:
    for path in _places(reading.operands, cwd):
        if path is None:
            yield _unknown(cwd)
            continue
        yield Operation(Act.MAKE, path, how=frozenset({How.INSTALLED}))
        if owner:
            yield Operation(Act.OWN, path, owner)
        # Unlike chmod with three or four digits, install clears a directory's set-id bits: with an owner,
        # not always.
        if owner:
            yield Operation(Act.MODE, path, mode)
        how = frozenset({How.PERHAPS} if owner else ())
        yield Operation(Act.MODE, path, mode.zfill(5) if mode.isdigit() else mode, how=how)


def _compress(reading: Reading, cwd: str, suffix: str, *, undo: bool = False) -> Iterator[Operation]:
    undo = undo or reading.has(("-d", "--decompress", "--uncompress"))
    how = frozenset({*_KEPT[""], How.DROPS_BITS, How.AS_NAMED, How.REPLACES})
    for path in _places(reading.operands, cwd):
        if path is None:
            yield _unknown(cwd)
            continue
        if reading.has(("-r", "--recursive")):
            yield from compressed_inside(path, how)
            continue
        if set(path) & set("*?["):
            yield Operation(Act.WRITE, posixpath.dirname(path))
        else:
            other = path.removesuffix(suffix) if undo else path + suffix
            yield Operation(Act.COPY, path, other, how=how)
        if not reading.has(("-k", "--keep")):
            yield Operation(Act.REMOVE, path)


def compressed_inside(directory: str, how: frozenset[HowName]) -> Iterator[Operation]:
    """Each file in a directory tree under another name beside it."""
    yield Operation(Act.READ, directory, recursive=True)
    yield Operation(Act.WRITE, directory, how=how | {How.COPIED}, others=(directory,))
    gone = frozenset({How.CONTENTS, How.PERHAPS})
    yield Operation(Act.REMOVE, directory, recursive=True, how=gone, kind="file")


def _pack(reading: Reading, cwd: str) -> Iterator[Operation]:
    archive = _archive(reading, cwd)
    if archive not in ("", STREAM):
        yield Operation(Act.WRITE, archive, "file")
    directory = resolve(_option(reading, "-C", "--directory"), cwd)
    others = (archive,) if archive else ()
    mode, owner, group = (_option(reading, name) for name in ("--mode", "--owner", "--group"))
    owner = f"{owner}:{group}" if group else owner
    for path in _places(reading.operands, directory):
        one = Operation(Act.PACK, path or "", recursive=True, mode=mode, owner=owner, others=others)
        yield _unknown(cwd) if path is None else one
        if path is not None and reading.has(("--remove-files",)):
            yield Operation(Act.REMOVE, path, recursive=True, how=frozenset({How.PERHAPS}))


STREAM: Final = "-"
"""Stands for the archive that one command writes to another."""


def _archive(reading: Reading, cwd: str) -> str:
    """The archive that tar reads or writes, STREAM for a pipe, "" if it is unknown."""
    written = _option(reading, "-f", "--file") or STREAM
    return "" if written == "?" else written if written == STREAM else resolve(written, cwd)


def _tar(reading: Reading, cwd: str) -> Iterator[Operation]:
    directory = _option(reading, "-C", "--directory", "--cd")
    own = reading.has(("--no-same-owner", "-o"))
    how = {How.UNPACKED} if own else {How.UNPACKED, How.ARCHIVED}
    archive = _archive(reading, cwd)
    others = (archive,) if archive else ()
    yield Operation(Act.WRITE, resolve(directory, cwd), how=frozenset(how), others=others)


_COMMANDS: Final[dict[str, Callable[[Reading, str], Iterator[Operation]]]] = {
    "mkdir": _mkdir,
    "mkfifo": _mkfifo,
    "shred": _shred,
    "split": _split,
    "csplit": _csplit,
    "chmod": _chmod,
    "chown": _chown,
    "chgrp": _chgrp,
    "setcap": _setcap,
    "cp": _copy,
    "mv": _move,
    "ln": _link,
    "install": _install,
    "tar": _tar,
    "pack": _pack,
    "gzip": partial(_compress, suffix=".gz"),
    "gunzip": partial(_compress, suffix=".gz", undo=True),
    "bzip2": partial(_compress, suffix=".bz2"),
    "bunzip2": partial(_compress, suffix=".bz2", undo=True),
    "xz": partial(_compress, suffix=".xz"),
    "unxz": partial(_compress, suffix=".xz", undo=True),
}
