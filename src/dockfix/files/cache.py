"""The results of earlier runs, kept in one file; only their owners know what the values mean."""

from __future__ import annotations

import errno
import gc
import marshal
import os
import stat
import sys
from collections.abc import Callable, Iterable, Iterator, MutableMapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache, partial
from hashlib import blake2b
from typing import Any, Final, TypeVar

from dockfix.confined import Known, Loss, work_all
from dockfix.files.descriptors import NO_LINK
from dockfix.files.stamps import Stamp, Stamps, settled

T = TypeVar("T")
R = TypeVar("R")

LIMIT: Final = 50_000
WALKS: Final = 8
REPOSITORIES: Final = 64
SUFFIX: Final = ".cache"
_MAGIC: Final = b"dockfix 8 "
_SIGNATURE: Final = 16
_KEY: Final = 32

Row = tuple[Any, ...]
"""The number of a file's outcome, followed by whatever else is known about the file."""


class Cache:
    """What is known about the files of one repository; an unusable cache file counts as empty.

    An outcome that many files share is stored once, by number. `walks` are searches of folders by query,
    as `discovery.memory` stores them, `callers` what is known of their files' callers, as
    `repository.memory` does.
    """

    def __init__(self, path: str, version: str, key: bytes) -> None:
        self._path = path
        self._key = key
        self._version = _MAGIC + f"{version} {sys.version_info[:2]} {marshal.version}\n".encode()
        data = _load(path, self._version, key) if key else {}
        self._files: dict[str, Row] = data.get("files", {})
        self._facts: dict[str, dict[str, tuple[Stamp, str, Any]]] = data.get("facts", {})
        self._outcomes: list[tuple[Any, ...]] = data.get("outcomes", [])
        self._numbers = {outcome: number for number, outcome in enumerate(self._outcomes)}
        self.walks: dict[bytes, tuple[Any, ...]] = data.get("walks", {})
        self.callers: dict[bytes, tuple[Any, ...]] = data.get("callers", {})
        self._shared: dict[Any, Any] = {}
        self.stamps = Stamps()
        self._here = os.path.join(os.getcwd(), "")
        self.stale = False

    @property
    def knows_files(self) -> bool:
        """Whether any result is stored."""
        return bool(self._files)

    def row(self, path: str) -> Row | None:
        """What is known about a file."""
        return self._files.get(self._absolute(path))

    def put(self, path: str, row: Row) -> None:
        """Store a row, which consists of tuples, strings, bytes, numbers and None."""
        absolute = self._absolute(path)
        self._files.pop(absolute, None)
        self._files[absolute] = row
        self.stale = True

    def outcome(self, number: int) -> tuple[Any, ...]:
        """The outcome with that number."""
        return self._outcomes[number]

    def number_of(self, outcome: tuple[Any, ...]) -> int:
        """The number of an outcome, which is added if it is new."""
        number = self._numbers.setdefault(outcome, len(self._outcomes))
        if number == len(self._outcomes):
            self._outcomes.append(outcome)
        return number

    def _absolute(self, path: str) -> str:
        """The absolute path, which does not depend on the current directory."""
        return path if path.startswith(os.sep) else self._here + path

    def share(self, value: Any) -> Any:
        """The equal value that is stored already, so that each value is written once."""
        return self._shared.setdefault(value, value)

    def share_all(self, values: tuple[Any, ...] | None) -> tuple[Any, ...] | None:
        """The equal values that are stored already, as a shared tuple."""
        return None if values is None else self.share(tuple(map(self.share, values)))

    def derive(self, kind: str, path: str, make: Callable[[], Any], terms: str = "") -> Any:
        """What `make` derives from the file at `path` (absolute) and the `terms` alone, computed once.

        The value consists of tuples, dicts, strings, bytes, numbers and None.
        """
        question = Question(kind, path, terms)
        if (known := self.recall(question)) is not None:
            return known[0]
        value = make()
        self.keep(question, value)
        return value

    def recall(self, question: Question) -> tuple[Any] | None:
        """The stored answer in a 1-tuple, or None if the file has changed or nothing is stored."""
        known = self.facts(question.kind).get(question.path)
        if known is not None and known[0] == self.stamps.of(question.path) and known[1] == question.terms:
            return (known[2],)
        return None

    def keep(self, question: Question, value: Any) -> None:
        """Store an answer, unless the file is too new to be trusted, or the answer is stored already."""
        now = self.stamps.of(question.path)
        if now and settled(now) is not None and self.recall(question) is None:
            facts = self.facts(question.kind)
            facts.pop(question.path, None)
            facts[question.path] = now, question.terms, value
            self.stale = True

    def facts(self, kind: str) -> dict[str, tuple[Stamp, str, Any]]:
        """What is known for each path, with the stamp and the terms at that time."""
        return self._facts.setdefault(kind, {})

    def save(self) -> None:
        """Write the cache if it changed; if the folder cannot be written, the next run is merely slower."""
        if not self.stale or not self._key:
            return
        files = dict(list(self._files.items())[-LIMIT:])
        used = sorted({row[0] for row in files.values()})
        if len(used) < len(self._outcomes):
            numbers = {number: new for new, number in enumerate(used)}
            files = {path: (numbers[row[0]], *row[1:]) for path, row in files.items()}
        data = {
            "files": files,
            "facts": {kind: dict(list(facts.items())[-LIMIT:]) for kind, facts in self._facts.items()},
            "outcomes": [self._outcomes[number] for number in used],
            "walks": dict(list(self.walks.items())[-WALKS:]),
            "callers": dict(list(self.callers.items())[-WALKS:]),
        }
        temporary = f"{self._path}.{os.getpid()}"
        try:
            body = marshal.dumps(data)
            os.makedirs(os.path.dirname(self._path), mode=0o700, exist_ok=True)
            try:
                _write_new(temporary, self._version + _sign(body, self._key) + body)
                os.replace(temporary, self._path)
            except OSError:
                with suppress(OSError):
                    os.unlink(temporary)
                raise
            self.stale = False
            _remove_oldest(os.path.dirname(self._path))
        except (OSError, ValueError):
            return


def derive(cache: Cache | None, kind: str, path: str, make: Callable[[], Any], terms: str = "") -> Any:
    """`Cache.derive`, also without a cache."""
    return make() if cache is None else cache.derive(kind, path, make, terms)


def derive_all(
    cache: Cache | None, kind: str, paths: Iterable[str], make: Callable[[str], Any]
) -> Iterator[Any]:
    """`derive` for many paths, with a fast path for known ones."""
    facts = cache.facts(kind) if cache is not None else {}
    for path in paths:
        fact = facts.get(path)
        if fact is not None and cache is not None and fact[0] == cache.stamps.of(path):
            yield fact[2]
        else:
            yield derive(cache, kind, path, partial(make, path))


@dataclass(frozen=True, slots=True)
class Question:
    """What to derive from the file at an absolute path and the terms; `kind` names the derivation."""

    kind: str
    path: str
    terms: str = ""


def derive_confined(
    cache: Cache | None,
    questions: Sequence[tuple[Question, Callable[[], T]]],
    function: Callable[[T], R],
) -> Iterator[R | Loss]:
    """What `function` derives from each thing, in a confined process unless the answer is stored.

    The answer consists of tuples, dicts, strings, bytes, numbers and None. Each thing is made on demand.
    """

    def things() -> Iterator[Any]:
        for question, make in questions:
            known = None if cache is None else cache.recall(question)
            yield make() if known is None else Known(known[0])

    for (question, _), found in zip(questions, work_all(function, things()), strict=True):
        if cache is not None and not isinstance(found, Loss):
            cache.keep(question, found)
        yield found


def open_cache(root: str) -> Cache:
    """The cache of the repository or folder `root` (absolute)."""
    folder = os.environ.get("DOCKFIX_CACHE_DIR")
    if not folder:
        from platformdirs import user_cache_dir

        folder = user_cache_dir("dockfix")
    name = blake2b(os.fsencode(root), digest_size=12).hexdigest()
    return Cache(os.path.join(folder, name + SUFFIX), code_version(), read_key())


@cache
def code_version() -> str:
    """The version, with a digest of dockfix's own files: changing any of them invalidates results."""
    from dockfix import __version__

    digest = blake2b(digest_size=8)
    folders = [os.path.dirname(os.path.dirname(__file__))]
    while folders:
        with os.scandir(folders.pop()) as entries:
            for entry in sorted(entries, key=lambda one: one.name):
                if entry.is_dir():
                    if entry.name != "__pycache__":
                        folders.append(entry.path)
                    continue
                status = entry.stat()
                digest.update(f"{entry.name} {status.st_size} {status.st_mtime_ns}\n".encode())
    return f"{__version__} {digest.hexdigest()}"


def _remove_oldest(folder: str) -> None:
    """Remove all but the most recently used caches."""
    with os.scandir(folder) as entries:
        found = [(entry.stat().st_mtime, entry.path) for entry in entries if entry.name.endswith(SUFFIX)]
    for _, path in sorted(found)[:-REPOSITORIES]:
        os.unlink(path)


def _load(path: str, version: bytes, key: bytes) -> dict[str, Any]:
    """The content of a cache file; empty unless it is ours, of this version, and signed with our key."""
    try:
        with open(_open_ours(path), "rb") as file:
            if file.readline(len(version)) != version:
                return {}
            signature, body = file.read(_SIGNATURE), file.read()
        if _sign(body, key) == signature:
            gc.disable()  # none of it is garbage
            data: dict[str, Any] = marshal.loads(body)
            gc.freeze()
            return data
    except (OSError, ValueError, EOFError, TypeError):
        pass
    finally:
        gc.enable()
    return {}


def _open_ours(path: str) -> int:
    """A descriptor of a file that only this user can write. Raises OSError."""
    handle = os.open(path, os.O_RDONLY | NO_LINK | getattr(os, "O_NONBLOCK", 0))
    status = os.fstat(handle)
    if stat.S_ISREG(status.st_mode) and status.st_uid == os.geteuid() and not status.st_mode & 0o022:
        return handle
    os.close(handle)
    raise PermissionError(errno.EPERM, "it belongs to others, or others may write it", path)


def _sign(body: bytes, key: bytes) -> bytes:
    return blake2b(body, key=key, digest_size=_SIGNATURE).digest()


def read_key() -> bytes:
    """The key that signs this user's caches, created if there is none; empty if that is impossible.

    It is in the user's state folder, so a cache that came with a repository cannot have the right
    signature.
    """
    from platformdirs import user_state_dir

    path = os.path.join(user_state_dir("dockfix"), "cache.key")
    with suppress(OSError):
        if not os.path.lexists(path):
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with suppress(FileExistsError):  # another run has just created it
                _write_new(path, os.urandom(_KEY))
        with open(_open_ours(path), "rb") as file:
            key = file.read(_KEY + 1)
        return key if len(key) == _KEY else b""
    return b""


def _write_new(path: str, data: bytes) -> None:
    """Create a file that only this user can read. Raises OSError, FileExistsError if it exists."""
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | NO_LINK, 0o600), "wb") as file:
        file.write(data)


class Texts(MutableMapping[str, str]):
    """Texts of one kind that a cache keeps, by keys that say all that they depend on."""

    def __init__(self, cache: Cache, kind: str) -> None:
        self._cache = cache
        self._kind = kind

    def __getitem__(self, key: str) -> str:
        text: str = self._cache.facts(self._kind)[key][2]
        return text

    def __setitem__(self, key: str, text: str) -> None:
        self._cache.facts(self._kind)[key] = ((), "", text)
        self._cache.stale = True

    def __delitem__(self, key: str) -> None:
        del self._cache.facts(self._kind)[key]
        self._cache.stale = True

    def __iter__(self) -> Iterator[str]:
        return iter(self._cache.facts(self._kind))

    def __len__(self) -> int:
        return len(self._cache.facts(self._kind))
