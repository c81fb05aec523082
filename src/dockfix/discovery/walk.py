"""Find every Dockerfile below a folder, as listed by git, or else using .gitignore and .ignore."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from time import time_ns
from typing import TYPE_CHECKING, Final

from dockfix.checks import codes
from dockfix.discovery.memory import Seen, remember_search
from dockfix.files.candidates import Build, Candidate
from dockfix.files.descriptors import is_within
from dockfix.files.git import (
    GitError,
    Listing,
    NewFolders,
    find_top,
    is_ignored,
    list_files,
    list_tracked,
)
from dockfix.files.naming import is_dockerfile_name, is_likely_name, is_template_name
from dockfix.files.patterns import IGNORE_FILES, NEVER, VENDORED, Selection, is_vendored, parse_patterns
from dockfix.files.reading import read_bytes
from dockfix.repository.arguments import UNKNOWN
from dockfix.repository.build_places import spread
from dockfix.repository.build_settings import NAMED_SUFFIXES
from dockfix.repository.builds import collect_builds, reads_builds
from dockfix.repository.image_calls import CODE_SUFFIXES
from dockfix.repository.manifests import can_be_manifest
from dockfix.repository.unread import lose_description, report_unread
from dockfix.results import Code, Finding

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec

    from dockfix.files.cache import Cache

_WORD: Final = b"erfile"  # part of every file name that we look for
DESCRIPTIONS: Final = (
    b".yml",
    b".yaml",
    b".hcl",
    b"bake.json",
    b".sh",
    b".bash",
    b".mk",
    b".service",
    b"makefile",
    b"justfile",
    b"jenkinsfile",
    b"tox.ini",
    b"package.json",
    b"readme.md",
    b"readme.rst",
    *(row.encode() for row in (*NAMED_SUFFIXES, *CODE_SUFFIXES)),
    b"devcontainer.json",
    b"config.json",
)
DESCRIPTION_NAMES: Final = tuple(name.decode() for name in DESCRIPTIONS)
MAX_SEARCHED: Final = 1024 * 1024
MAX_BEGINNING: Final = 16 * 1024
_EXPECTED: Final = frozenset({"Dockerfile", "Containerfile"})


def find_in(
    folder: str, selection: Selection, cache: Cache | None = None, *, walks: bool = True
) -> Iterator[Candidate]:
    """The candidates below `folder`, as paths that start with it; links come after plain files.

    A file that looks like a Dockerfile but cannot or should not be read comes with the reason; other
    Dockerfiles of its repository come as `outside`, with their builds. Without `walks`, a folder outside
    of git yields nothing.
    """
    real = os.path.realpath(folder)
    search = _Search(folder, real, selection, cache, walks)
    if cache is None or selection.everything or selection.embedded or find_top(real) is None:
        yield from _links_last(search.with_builds(list(search.candidates())))
        return
    start = time_ns()
    try:
        new = NewFolders(real)
    except GitError:
        yield from _links_last(search.with_builds(list(search.candidates())))
        return
    with closing(new):
        every = list(search.with_builds(list(search.candidates())))
        found = list(_links_last(every))
        yield from found
        if search.listed and not any(one.linked or one.failed for one in every):
            files = [os.path.join(search.top, name) for name in search.names_read] + search.also_read
            remember_search(
                cache, folder, real, selection, found, Seen(real, start, search.listed, files, new)
            )


def _links_last(candidates: Iterable[Candidate]) -> Iterator[Candidate]:
    links: list[Candidate] = []
    plain: set[str] = set()
    for candidate in candidates:
        if candidate.linked:
            links.append(candidate)
        else:
            plain.add(candidate.real)
            yield candidate
    for candidate in links:
        if candidate.refusal is not None or candidate.real not in plain:
            plain.add(candidate.real)
            yield candidate


@dataclass(slots=True)
class _Search:
    """One search below `folder`, whose absolute path without links is `real`.

    `descriptions` are the files that may describe builds, relative to `top`, the top of the work tree if
    git knows the folder; `others` are Dockerfiles of the work tree outside the folder, `ignoring` the
    files with ignore rules, `listed` the folders that git listed, and `folders` those that were visited,
    with their absolute paths (None: a link leads there).
    """

    folder: str
    real: str
    selection: Selection
    cache: Cache | None = None
    walks: bool = True
    top: str = ""
    descriptions: list[str] = field(default_factory=list)
    manifests: list[str] = field(default_factory=list)
    ignoring: list[str] = field(default_factory=list)
    others: list[str] = field(default_factory=list)
    also_read: list[str] = field(default_factory=list)
    listed: set[str] = field(default_factory=set)
    folders: dict[str, str | None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.top = self.real

    @property
    def names_read(self) -> Iterable[str]:
        """The files whose content matters, relative to `top`."""
        return (*self.descriptions, *self.manifests, *self.ignoring)

    def with_builds(self, candidates: list[Candidate]) -> Iterator[Candidate]:
        """The candidates with their builds, and further ones that only those builds name."""
        if self.manifests and self.selection.repositories is not None:
            from dockfix.repository.deployments import find_relevant

            if relevant := find_relevant(self.top, self.manifests, self.cache):
                self.selection.repositories.append((self.top, relevant))
        collected = collect_builds(self.top, self.descriptions, self.cache)
        self.also_read += collected.reads
        for name, loss in collected.lost.items():
            yield lose_description(self.top, name, loss)
        before = self._before
        own = [before + one.real[len(self.real) + 1 :].replace(os.sep, "/") for one in candidates]
        named = spread(collected.builds, [*self.others, *own])
        for candidate, name in zip(candidates, own, strict=True):
            rows = named.pop(name, [])
            yield self._built(candidate, rows) if rows else candidate
        for name in sorted(named):
            inner = name.removeprefix(before)
            if name.startswith(before) and self._is_wanted(inner):
                for candidate in self._look(inner):
                    yield self._built(candidate, named[name])
        yield from self._outside(named)
        yield from (report_unread(self.top, *fault) for fault in collected.unread.items())

    def _outside(self, named: Mapping[str, Sequence[Build]]) -> Iterator[Candidate]:
        """The Dockerfiles of the work tree outside the folder, with their builds by path."""
        before = self._before
        for name in sorted({*self.others, *(name for name in named if not name.startswith(before))}):
            real = os.path.join(self.top, name)
            if os.path.isfile(real):
                builds = tuple(named.get(name, ()))
                yield Candidate(os.path.relpath(real), real, builds=builds, outside=True, root=self.top)

    @property
    def _before(self) -> str:
        """The prefix of the folder's paths in the work tree."""
        inner = self.real[len(self.top) + 1 :].replace(os.sep, "/")
        return inner + "/" if inner else ""

    def _is_wanted(self, name: str) -> bool:
        """Whether a file that is built is a candidate, whatever its name."""
        parts = name.split("/")
        vendored = is_vendored(parts[:-1]) and not self.selection.everything
        excluded = self.selection.excludes(os.path.join(self.real, name))
        return not (vendored or excluded or is_template_name(parts[-1]))

    def _built(self, candidate: Candidate, builds: Sequence[Build]) -> Candidate:
        """The candidate with its builds and their contexts."""
        contexts = dict.fromkeys(
            os.path.normpath(os.path.join(self.top, one.context))
            for one in builds
            if UNKNOWN not in one.context
        )
        return candidate._replace(builds=tuple(builds), folders=tuple(map(self._place, contexts)))

    def _place(self, real: str) -> str:
        """A folder of the work tree, written like the paths of the search if it is below them."""
        if real == self.real or real.startswith(self.real + os.sep):
            return self._path(real[len(self.real) + 1 :])
        return os.path.relpath(real)

    def candidates(self) -> Iterator[Candidate]:
        top = None if self.selection.everything else find_top(self.real)
        if top is None:
            yield from self._walk("", [])
            return
        try:
            with list_files(self.folder) as listing:
                if listing.tracked or listing.new or not is_ignored(self.real):
                    yield from self._from_git(listing, top)
                    return
        except GitError:
            pass
        if self.walks:
            yield from self._walk("", [])

    def _from_git(self, listing: Listing, top: str) -> Iterator[Candidate]:
        self.top = top
        folders: set[str] = set()
        asks_all = self.selection.has_include or self.selection.embedded
        for name in listing.files(b"" if asks_all else _WORD):
            base = name[name.rfind("/") + 1 :]
            if "ile/" in name:
                yield from self._misplaced(name, folders)
            if base:
                yield from self._judge(name, base)
        self._look_around(listing)
        for name in listing.submodules:
            if not self.selection.excludes(os.path.join(self.real, name)):
                help = "pass it as a path of its own"
                yield self._refuse(name, codes.SUBMODULE, "a submodule, which is not searched", help)
        for name, why in listing.closed:
            yield self._closed(name, why)

    def _note_description(self, name: str) -> None:
        """Record the name of a file that may describe what is built, or how it is run."""
        if reads_builds(name):
            self.descriptions.append(name)
        if self.selection.repositories is not None and can_be_manifest(name):
            self.manifests.append(name)

    def _look_around(self, listing: Listing) -> None:
        """Collect the build descriptions of the whole work tree, and its Dockerfiles outside the folder."""
        self.listed = listing.folders()
        before = self._before
        for name in listing.files_ending(DESCRIPTIONS):
            self._note_description(before + name)
        self.ignoring = [before + name for name in listing.files_ending((b".gitignore",))]
        for depth in range(before.count("/")):
            self.ignoring.append("/".join([*before.split("/")[:depth], ".gitignore"]))
        if not before:
            return
        for name in list_tracked(self.top):
            if name.startswith(before):
                continue
            if name.lower().endswith(DESCRIPTION_NAMES):
                self._note_description(name)
            elif is_dockerfile_name(name[name.rfind("/") + 1 :]) and not is_vendored(name.split("/")[:-1]):
                self.others.append(name)

    def _judge(self, name: str, base: str) -> Iterator[Candidate]:
        """The candidate at a relative path, if its name or a pattern makes it one."""
        if self.selection.embedded and not is_dockerfile_name(base) and not is_template_name(base):
            yield from self._search_inside(name)
        template = is_template_name(base)
        named = template or is_dockerfile_name(base)
        if not named and not is_likely_name(base) and not self.selection.has_include:
            return
        real = os.path.join(self.real, name)
        named = named or (is_likely_name(base) and _begins_a_build(real))
        asked = self.selection.includes(real)
        if (not asked and not named) or self.selection.excludes(real):
            return
        if not asked and not self.selection.everything and is_vendored(name.split("/")[:-1]):
            yield self._refuse(
                name, codes.VENDORED, "vendored from elsewhere", "--include it, or fix it at its origin"
            )
        elif template and not asked:
            help = "render it, fix the result, and port the change"
            yield self._refuse(name, codes.TEMPLATE, "a template, not a Dockerfile", help)
        else:
            yield from self._look(name)

    def _search_inside(self, name: str) -> Iterator[Candidate]:
        """The candidate for a file of another kind, if it seems to contain a Dockerfile."""
        from dockfix.embedded import can_hold_dockerfile
        from dockfix.embedded.recognition import may_hold_dockerfile

        real = os.path.join(self.real, name)
        vendored = is_vendored(name.split("/")[:-1]) and not self.selection.everything
        if not can_hold_dockerfile(name) or vendored or self.selection.excludes(real):
            return
        try:
            text = read_bytes(real, MAX_SEARCHED).decode("utf-8")
        except (OSError, UnicodeDecodeError):
            return
        if len(text) <= MAX_SEARCHED and may_hold_dockerfile(text):
            yield Candidate(self._path(name), real, embedded=True, root=self.top)

    def _look(self, name: str) -> Iterator[Candidate]:
        """The candidate at a path, depending on what is there; none if nothing is."""
        path = self._path(name)
        try:
            mode = os.lstat(path).st_mode
        except (FileNotFoundError, NotADirectoryError):
            return
        except OSError as error:
            yield self._closed(name, error.strerror or str(error))
            return
        folder = self._real_folder(os.path.dirname(name))
        if stat.S_ISLNK(mode) or (stat.S_ISREG(mode) and folder is None):
            yield self._follow(name)._replace(linked=True)
        elif stat.S_ISREG(mode):
            yield Candidate(path, os.path.join(self.real, name), root=self.top)
        elif not stat.S_ISDIR(mode):
            yield self._refuse(name, codes.NOT_A_FILE, "a pipe, socket or device, not a file", "delete it")

    def _real_folder(self, name: str) -> str | None:
        """The absolute path of a folder of the search, None if a link leads there."""
        if name not in self.folders:
            path = os.path.normpath(os.path.join(self.real, name))
            self.folders[name] = path if os.path.realpath(path) == path else None
        return self.folders[name]

    def _follow(self, name: str) -> Candidate:
        """The candidate for a path with a symbolic link: its target, if that is a file below the folder."""
        path = self._path(name)
        try:
            real = os.path.realpath(path, strict=True)
        except OSError:
            return self._refuse(name, codes.DEAD_LINK, "a broken symbolic link", "fix or delete it")
        if not os.path.isfile(real):
            message = "a symbolic link to a folder, not a file"
            return self._refuse(name, codes.NOT_A_FILE, message, "link to a file")
        if not is_within(real, self.real):
            message = f"a symbolic link to {real!r}, outside this folder"
            return self._refuse(name, codes.OUTSIDE, message, "pass that file itself")
        return Candidate(path, real, root=self.top)

    def _misplaced(self, name: str, seen: set[str]) -> Iterator[Candidate]:
        """Report once that a folder has the name of a Dockerfile."""
        parts = name.split("/")[:-1]
        for depth, part in enumerate(parts, 1):
            folder = "/".join(parts[:depth])
            if part in _EXPECTED and folder not in seen:
                seen.add(folder)
                yield self._refuse(folder, codes.NOT_A_FILE, "a folder, not a file", "rename it")

    def _walk(self, inner: str, specs: list[tuple[str, GitIgnoreSpec]]) -> Iterator[Candidate]:
        """The files that git would list below the relative path `inner` (with a trailing slash, or empty)."""
        folder = self._path(inner)
        try:
            with os.scandir(folder) as listing:
                entries = sorted(listing, key=lambda entry: entry.name)
        except OSError as error:
            yield self._closed(inner.rstrip("/"), error.strerror or str(error))
            return
        if not self.selection.everything:
            specs = [*specs, *_read_ignore_files(inner, folder, {entry.name for entry in entries})]
        for entry in entries:
            name = inner + entry.name
            if not entry.is_dir(follow_symlinks=False):
                if not _ignored(name, specs):
                    if name.lower().endswith(DESCRIPTION_NAMES):
                        self._note_description(name)
                    yield from self._judge(name, entry.name)
            elif self._enters(entry, name, specs):
                if entry.name in _EXPECTED:
                    yield self._refuse(name, codes.NOT_A_FILE, "a folder, not a file", "rename it")
                yield from self._enter(name, specs)

    def _enters(self, entry: os.DirEntry[str], name: str, specs: Iterable[tuple[str, GitIgnoreSpec]]) -> bool:
        if entry.name in NEVER:
            return False
        if self.selection.everything or self.selection.has_include:
            return True
        if entry.name in VENDORED or os.path.lexists(os.path.join(entry.path, "pyvenv.cfg")):
            return False
        return not _ignored(name + "/", specs)

    def _enter(self, name: str, specs: list[tuple[str, GitIgnoreSpec]]) -> Iterator[Candidate]:
        """Search a subfolder; one with its own repository is searched separately."""
        path = self._path(name)
        if not self.selection.everything and os.path.lexists(os.path.join(path, ".git")):
            search = _Search(path, os.path.join(self.real, name), self.selection, self.cache)
            yield from search.with_builds(list(search.candidates()))
        else:
            yield from self._walk(name + "/", specs)

    def _path(self, name: str) -> str:
        return os.path.normpath(os.path.join(self.folder, name))

    def _refuse(self, name: str, code: Code, message: str, help: str) -> Candidate:
        finding = Finding(code, 0, message, help)
        return Candidate(self._path(name), os.path.join(self.real, name), finding, root=self.top)

    def _closed(self, name: str, why: str) -> Candidate:
        finding = Finding(codes.UNREADABLE, 0, f"not readable: {why}", "make it readable: chmod u+rx")
        real = os.path.join(self.real, name)
        return Candidate(self._path(name), real, finding, failed=True, root=self.top)


def _begins_a_build(real: str) -> bool:
    """Whether the first instruction of a file, after comments and arguments, is FROM."""
    try:
        data = read_bytes(real, MAX_BEGINNING).removeprefix(b"\xef\xbb\xbf")
    except OSError:
        return False
    first = (words[0].upper() for line in data.splitlines() if (words := line.split(None, 1)))
    return next((word for word in first if word[:1] != b"#" and word != b"ARG"), b"") == b"FROM"


def _read_ignore_files(inner: str, folder: str, names: Iterable[str]) -> Iterator[tuple[str, GitIgnoreSpec]]:
    for name in IGNORE_FILES:
        if name in names:
            with suppress(OSError):
                data = read_bytes(os.path.join(folder, name), MAX_SEARCHED)
                lines = os.fsdecode(data[:MAX_SEARCHED]).replace("\r\n", "\n").split("\n")
                yield inner, parse_patterns(lines)


def _ignored(name: str, specs: Iterable[tuple[str, GitIgnoreSpec]]) -> bool:
    """Whether the last pattern that matches the relative path ignores it."""
    verdict = False
    for inner, spec in specs:
        answer = spec.check_file(name[len(inner) :]).include
        verdict = verdict if answer is None else answer
    return verdict
