"""Read the configuration of images from registries, with the tools that hold people's credentials."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from dockfix.files.programs import find_program
from dockfix.image_facts import ImageFacts
from dockfix.inspection.configuration import UnreadableError, read_configuration, read_json

SECONDS: Final = 60.0
MAX_ANSWER: Final = 4 * 1024 * 1024
PLATFORM: Final = "linux/amd64"
"""The platform whose configuration is read if a name stands for images of several."""
_DIGEST: Final = re.compile(r"sha256:[0-9a-f]{64}")

Ask = Callable[[list[str]], str]
"""Runs a tool and returns its output. Raises UnreadableError if it fails."""


@dataclass(frozen=True, slots=True)
class Tool:
    """A program that reads registries."""

    name: str
    executable: str
    read: Callable[[str, str, Ask], ImageFacts]


def _ask_buildx(executable: str, reference: str, ask: Ask) -> ImageFacts:
    argv = [executable, "buildx", "imagetools", "inspect", "--format", "{{json .}}", reference]
    answer = _table(read_json(ask(argv)))
    digest = _table(answer.get("manifest")).get("digest")
    image = _table(answer.get("image"))
    if "config" not in image and image:
        image = _table(image.get(PLATFORM) or image[min(image)])
    return read_configuration(image.get("config"), _digest(digest))


def _ask_skopeo(executable: str, reference: str, ask: Ask) -> ImageFacts:
    place = f"docker://{reference}"
    digest = ask([executable, "inspect", "--format", "{{.Digest}}", place])
    answer = _table(read_json(ask([executable, "inspect", "--config", place])))
    return read_configuration(answer.get("config"), _digest(digest.strip()))


def _ask_crane(executable: str, reference: str, ask: Ask) -> ImageFacts:
    digest = ask([executable, "digest", reference])
    answer = _table(read_json(ask([executable, "config", "--platform", PLATFORM, reference])))
    return read_configuration(answer.get("config"), _digest(digest.strip()))


def _table(value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise UnreadableError("the answer has no configuration")
    return value


def _digest(value: object) -> str:
    if not isinstance(value, str) or not _DIGEST.fullmatch(value):
        raise UnreadableError("the answer has no digest")
    return value


_READERS: Final = {"docker": _ask_buildx, "skopeo": _ask_skopeo, "crane": _ask_crane}


def find_tools() -> Iterator[Tool]:
    """The tools that are installed, in the order in which they are asked."""
    for name, read in _READERS.items():
        if (executable := find_program(name)) is not None:
            yield Tool(name, executable, read)


def ask_registry(reference: str, tools: Sequence[Tool]) -> ImageFacts:
    """The facts that a registry has of an image, from the first tool that can read it.

    Raises UnreadableError with what the last one said.
    """
    reasons = ["no tool reads registries: install docker buildx, skopeo or crane"]
    for tool in tools:
        try:
            return tool.read(tool.executable, reference, _run)
        except UnreadableError as error:
            reasons.append(f"{tool.name}: {error}")
    raise UnreadableError(reasons[-1])


def _run(argv: list[str]) -> str:
    try:
        done = subprocess.run(
            argv, stdin=subprocess.DEVNULL, capture_output=True, timeout=SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise UnreadableError(f"{error}") from None
    if done.returncode:
        lines = done.stderr.decode("utf-8", "replace").strip().splitlines() or ["no reason given"]
        raise UnreadableError(lines[-1])
    if len(done.stdout) > MAX_ANSWER:
        raise UnreadableError("the answer is too large")
    return done.stdout.decode("utf-8", "replace")
