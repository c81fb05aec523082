"""Read images that a container engine has: a container is created, its files are listed, and it is removed.

The container is never started, so nothing of the image runs. The session's sweeper removes what is left
when dockfix is killed.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, Final

from dockfix.image_facts import ImageFacts
from dockfix.inspection.configuration import UnreadableError, read_configuration, read_json
from dockfix.inspection.content import WANTED, read_content
from dockfix.inspection.listing import Listing, read_file, read_listing
from dockfix.inspection.questions import Question
from dockfix.inspection.scripts import read_scripts
from dockfix.model.images import split_reference
from dockfix.verify.containers import create, remove
from dockfix.verify.session import Session

MAX_ANSWER: Final = 4 * 1024 * 1024
EXPORT_SECONDS: Final = 600.0
PULL_SECONDS: Final = 1800.0
_NEVER: Final = "/dockfix-never-starts-it"
"""The command of a container; some images have none, and no container is created without one."""
_ID: Final = re.compile(r"(?:sha256:)?([0-9a-f]{64})")


@dataclass(frozen=True, slots=True)
class HeldImage:
    """An image of the engine: its ID, the digest in its registry (else the ID), and its configuration."""

    id: str
    digest: str
    facts: ImageFacts

    def key(self, question: Question) -> str:
        """What its facts depend on: its content, and the paths that were asked for."""
        return hashlib.sha256("\n".join((self.id, self.digest, *question.paths)).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class EngineImages:
    """The images of one engine."""

    session: Session

    def find(self, reference: str) -> HeldImage | None:
        """The image that the engine has under a name, None if there is none. Raises UnreadableError."""
        text = self._output("image", "inspect", reference)
        rows = read_json(text) if text.strip() else []
        if not isinstance(rows, list) or not rows or not isinstance(rows[0], dict):
            return None
        match = _ID.fullmatch(str(rows[0].get("Id")))
        if match is None:
            raise UnreadableError("the engine gives no ID")
        own = f"sha256:{match[1]}"
        digest = _registry_digest(rows[0], reference) or own
        return HeldImage(own, digest, read_configuration(rows[0].get("Config"), digest))

    def read(self, held: HeldImage, question: Question) -> ImageFacts:
        """The facts of an image with its files. Raises UnreadableError."""
        with self._container(held.id) as container:
            listing = self._list(container)
            content = read_content(listing, held.facts, question.paths)
            scripts = read_scripts(listing, held.facts, lambda path: self._read(container, listing, path))
            return replace(held.facts, content=replace(content, scripts=dict(scripts)))

    def pull(self, reference: str) -> None:
        """Pull an image, whose name is removed again when the session ends. Raises UnreadableError."""
        self.session.leave(reference)
        done = self.session.call(self._argv("pull", "--quiet", reference), PULL_SECONDS)
        if not done.ok:
            lines = done.output.strip().splitlines() or ["no reason given"]
            raise UnreadableError(f"cannot be pulled: {lines[-1]}")

    @contextmanager
    def _container(self, image: str) -> Iterator[str]:
        flags = ("--network", "none", "--pull", "never", "--entrypoint", _NEVER)
        container, printed = create(self.session, image, flags)
        if not container:
            raise UnreadableError(f"no container can be created: {' '.join(printed.split())[-200:]}")
        try:
            yield container
        finally:
            remove(self.session, container)

    def _list(self, container: str) -> Listing:
        with self.session.stream(self._argv("export", container), EXPORT_SECONDS) as stream:
            return read_listing(stream, WANTED)

    def _read(self, container: str, listing: Listing, path: str) -> str | None:
        if path in listing.texts:
            return listing.texts[path]
        with self.session.stream(self._argv("cp", f"{container}:{path}", "-")) as stream:
            return read_file(stream)

    def _output(self, *arguments: str) -> str:
        with self.session.stream(self._argv(*arguments)) as stream:
            data = stream.read(MAX_ANSWER + 1)
        if len(data) > MAX_ANSWER:
            raise UnreadableError("its configuration is too large")
        return data.decode("utf-8", "replace")

    def _argv(self, *arguments: str) -> list[str]:
        return self.session.engine.call(*arguments)


def _registry_digest(row: dict[str, Any], reference: str) -> str:
    """The digest under which the registry of that name has the image, "" if it was never pulled or pushed."""
    digests = [one for one in row.get("RepoDigests") or [] if isinstance(one, str) and "@sha256:" in one]
    name = split_reference(reference)[0]
    found = sorted(one.partition("@")[2] for one in digests if split_reference(one)[0] == name)
    return found[0] if found else ""
