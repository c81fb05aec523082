"""The files that a change of the repository can affect: for `--since`."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from dockfix.config import ConfigError, Settings
from dockfix.files.candidates import Candidate
from dockfix.files.git import GitError, find_changed, find_top
from dockfix.runner.outcome import FileResult


@dataclass(frozen=True)
class Since:
    """The changes since a commit, in each work tree that is queried.

    `bases` are the repository's Dockerfiles that a file's image is based on, by the file's path.
    """

    commit: str
    settings: Settings
    bases: Mapping[str, list[str]]
    _known: dict[str, Mapping[str, bool]] = field(default_factory=dict)

    def find_concerned(self, candidates: Sequence[Candidate], files: Sequence[FileResult]) -> list[int]:
        """The indices of the affected files. Raises ConfigError."""
        pairs = zip(candidates, files, strict=True)
        return [at for at, (candidate, file) in enumerate(pairs) if self.concerns(candidate, file)]

    def concerns(self, candidate: Candidate, file: FileResult) -> bool:
        """Whether the file, or anything that its result depends on, has changed. Raises ConfigError."""
        changed = self._changed_around(candidate.real)
        if any(path in changed for path in self._named(candidate)):
            return True
        appeared = {os.path.dirname(path) for path, other in changed.items() if other}
        beside = os.path.dirname(candidate.real)
        for base, reads in ((file.around.base, file.around.reads), *file.around.tried):
            for name, _ in reads:
                path = os.path.normpath(os.path.join(beside, base, name.rstrip("/")))
                if path in changed or (name.endswith("/") and path in appeared):
                    return True
        return False

    def _named(self, candidate: Candidate) -> Iterator[str]:
        """The file, its configuration, what builds and runs it, and what it is built on."""
        yield candidate.real
        yield self.settings.config_in(os.path.dirname(candidate.real)).path
        sources = {one.source for one in candidate.builds} | {one.file for one in candidate.deployments}
        yield from (os.path.join(candidate.root, source) for source in sources)
        yield from self.bases.get(candidate.path, ())

    def _changed_around(self, real: str) -> Mapping[str, bool]:
        top = find_top(os.path.dirname(real))
        if top is None:
            raise ConfigError(f"--since: {real} is in no git repository")
        if top not in self._known:
            try:
                self._known[top] = find_changed(top, self.commit)
            except GitError as error:
                raise ConfigError(f"--since: {error}") from None
        return self._known[top]
