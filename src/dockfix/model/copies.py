"""COPY and ADD: their sources, where these land, and who owns them."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final
from urllib.parse import urlsplit

from dockfix.lazy import cached_property
from dockfix.model.lineage import Lineage, Step
from dockfix.model.paths import resolve
from dockfix.syntax.words import split_words

_ROOTS: Final = re.compile(r"(?:root|0)(?::.*)?")
_OCTAL: Final = re.compile(r"0?[0-7]{3}")


@dataclass(eq=False)
class Copy:
    """One COPY or ADD, with variables substituted in its operands."""

    step: Step

    @cached_property
    def operands(self) -> tuple[str, ...]:
        """The sources, then the destination as written (JSON or shell form), without heredoc words."""
        instruction = self.step.instruction
        if instruction.json is not None:
            return tuple(self.step.expand(word) for word in instruction.json)
        heredocs = {heredoc.word_start - instruction.args_start for heredoc in instruction.heredocs}
        words = split_words(instruction.args)
        return tuple(self.step.expand(word.text) for word in words if word.start not in heredocs)

    @property
    def sources(self) -> tuple[str, ...]:
        """All operands but the destination."""
        return self.operands[:-1]

    @property
    def written_destination(self) -> str:
        """The destination as written in the file, "" if there is none."""
        return self.operands[-1] if self.operands else ""

    @property
    def is_relative(self) -> bool:
        """Whether the destination depends on the working directory."""
        return not self.written_destination.startswith("/")

    @cached_property
    def destination(self) -> str:
        """The absolute path of the destination."""
        return resolve(self.written_destination, self.step.before.workdir)

    @property
    def is_directory(self) -> bool:
        """Whether the destination must be a directory, judging by its spelling and the sources."""
        written = self.written_destination
        if written.endswith("/") or posixpath.basename(written) in (".", "..") or len(self.sources) > 1:
            return True
        return any(source.endswith("/") or source in (".", "./") for source in self.sources)

    @property
    def stage(self) -> str | None:
        """The stage or image that `--from` names, None for the build context."""
        flag = self.step.instruction.flag("from")
        return self.step.expand(flag.value) if flag and flag.value else None

    @property
    def has_owner(self) -> bool:
        """Whether its `--chown` settles the owner: not if that is root, and `--chmod` keeps others out."""
        flag = self.step.instruction.flag("chown")
        return flag is not None and not (_ROOTS.fullmatch(flag.value or "") and self._is_closed)

    @property
    def _is_closed(self) -> bool:
        """Whether `--chmod` denies others to read what it brings, or to run it, unlike its owner."""
        flag = self.step.instruction.flag("chmod")
        if flag is None or not _OCTAL.fullmatch(flag.value or ""):
            return False
        mode = int(flag.value or "", 8)
        return not mode & 0o004 or (mode & 0o100 != 0 and not mode & 0o001)

    @property
    def is_linked(self) -> bool:
        """Whether it has `--link`: the layer is built on an empty base, so user names cannot be resolved."""
        flag = self.step.instruction.flag("link")
        return flag is not None and (flag.value or "true").lower() != "false"

    @property
    def is_download(self) -> bool:
        """Whether ADD fetches a URL; the file then has mode 0600."""
        return self.step.keyword == "ADD" and any("://" in source for source in self.sources)

    @property
    def may_be_download(self) -> bool:
        """Whether ADD fetches a URL, or something that only a variable names."""
        is_open = "$" in self.step.instruction.args
        return self.is_download or (self.step.keyword == "ADD" and self.stage is None and is_open)

    @property
    def may_bring_tree(self) -> bool:
        """Whether a source may be a directory: not a text or download, nor a name with a dot alone."""
        if self.step.instruction.heredocs or self.is_download:
            return False
        return any("." not in posixpath.basename(one) for one in self.sources)

    def documents(self) -> tuple[tuple[str, str], ...]:
        """(path, text) of each file that the instruction creates from a heredoc."""
        heredocs = self.step.instruction.heredocs
        into = self.written_destination.endswith("/") or len(heredocs) + len(self.sources) > 1
        return tuple(
            (resolve(one.name, self.destination) if into else self.destination, one.body) for one in heredocs
        )

    def landed(self) -> tuple[str, ...]:
        """The paths that the sources get in the image.

        `/*` at the end, sorted last, stands for a whole tree.
        """
        if self.step.instruction.heredocs and not self.sources:
            return tuple(path for path, _ in self.documents())
        if not self.is_directory and "*" not in "".join(self.sources):
            return (self.destination,)
        names: list[str] = []
        for source in self.sources:
            if "://" in source:
                name = posixpath.basename(urlsplit(source).path)
                names.append("*" if not name or name.endswith(".git") else name)
                continue
            name = posixpath.basename(posixpath.normpath(source))
            is_tree = source.endswith("/") or name in ("", ".", "..") or "*" in name or "." not in name
            names.append("*" if is_tree else name)
        return tuple(resolve(name, self.destination) for name in sorted(names, key=lambda name: name == "*"))


@lru_cache(maxsize=8)
def find_copies(lineage: Lineage) -> tuple[Copy, ...]:
    """The COPY and ADD steps of a lineage, in order."""
    return tuple(Copy(step) for step in lineage.of("COPY", "ADD"))


# A volume that is a single file: mkdir must not create a directory of that name.
_FILE: Final = re.compile(r"\.(ya?ml|json|toml|conf|cfg|ini|env|py|db|sqlite3?|log|txt|sh|sock|pem|crt|key)$")


@lru_cache(maxsize=8)
def find_volumes(lineage: Lineage) -> tuple[tuple[Step, str], ...]:
    """(step, absolute path) for each path that a VOLUME declares; single files are left out.

    Those that an inspected base declares come first, with the FROM.
    """
    facts = lineage.image.facts
    brought = (resolve(path, "/") for path in (facts.volumes if facts is not None else ()))
    found = [(lineage.steps[0], path) for path in brought if not _FILE.search(path)]
    for step in lineage.of("VOLUME"):
        written = step.instruction.json or tuple(w.text for w in split_words(step.instruction.args))
        paths = (resolve(step.expand(path), "/") for path in written)
        found += ((step, path) for path in paths if not _FILE.search(path))
    return tuple(found)
