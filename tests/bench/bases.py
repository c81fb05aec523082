"""Which rows of dockfix's table of bases are true, by the images themselves."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from typing import Final

from dockfix.inspection.collect import Answer, ask_all
from dockfix.inspection.contradictions import find_wrong_rows
from dockfix.inspection.questions import Question, is_reference
from dockfix.knowledge import read_table
from dockfix.model.images import find_image
from dockfix.options.request import Inspect
from dockfix.verify import find_engine

PULLED: Final = (
    "python:3.12", "python:3.8-slim", "python:3.11-slim-bookworm", "python:3.13-slim-trixie",
    "python:3.12-alpine", "debian:bookworm-slim", "debian:trixie-slim", "ubuntu:22.04", "ubuntu:24.04",
    "alpine:3.20", "rockylinux:9", "registry.access.redhat.com/ubi9/ubi-minimal",
    "registry.access.redhat.com/ubi9/python-311", "gcr.io/distroless/python3-debian12",
    "gcr.io/distroless/python3-debian12:nonroot", "node:20-slim", "continuumio/miniconda3",
    "mambaorg/micromamba", "amazonlinux:2023", "fedora:41",
)  # fmt: skip
"""Images of each kind that together take a few gigabytes."""


def named_references() -> tuple[str, ...]:
    """The images that the table names outright, without a wildcard, in its order."""
    names = (name for row in read_table("bases")["image"] for name in row["images"])
    return tuple(name for name in names if is_reference(name) and name != "scratch")


def held_references() -> tuple[str, ...]:
    """The images of the engine that a row is about, sorted."""
    argv = [find_engine().executable, "images", "--format", "{{.Repository}}:{{.Tag}}"]
    names = subprocess.run(argv, capture_output=True, text=True, check=True).stdout.split()
    return tuple(sorted({name for name in names if "<none>" not in name and find_image(name).known}))


def compare(references: Sequence[str], how: Inspect) -> Iterator[tuple[Answer, tuple[str, ...]]]:
    """Each answer, with what it contradicts."""
    for answer in ask_all([Question(name, ()) for name in references], how, None, None):
        reference, facts = answer.question.reference, answer.facts
        yield answer, tuple(map(str, find_wrong_rows(reference, facts))) if facts is not None else ()


def _usual(how: Inspect) -> tuple[str, ...]:
    """The images to compare if none are named."""
    if how is Inspect.PULL:
        return PULLED
    return named_references() if how is Inspect.REGISTRY else held_references()


def measure(words: Sequence[str]) -> bool:
    """Print which rows do not hold, and return whether all that could be compared do.

    `registry` compares the configurations of all images that the table names, `pull` whole images of each
    kind, and neither of them the images that the engine has; further words are other images.
    """
    modes = {"registry": Inspect.REGISTRY, "pull": Inspect.PULL}
    how = modes.get(words[0], Inspect.ENGINE) if words else Inspect.ENGINE
    names = tuple(words[1:] if how is not Inspect.ENGINE else words)
    start = time.monotonic()
    counts = {"hold": 0, "wrong": 0, "not asked": 0}
    for answer, wrong in compare(names or _usual(how), how):
        kind = "not asked" if answer.facts is None else "wrong" if wrong else "hold"
        counts[kind] += 1
        for line in wrong or ((answer.reason,) if answer.reason else ()):
            print(f"{answer.question.reference}: {line}", flush=True)
    figures = ", ".join(f"{count} {kind}" for kind, count in counts.items())
    print(f"{figures}, {time.monotonic() - start:.0f} s", file=sys.stderr)
    return not counts["wrong"] and counts["hold"] > 0
