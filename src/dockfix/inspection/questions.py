"""Which base images a Dockerfile leaves uncertain, and which paths of theirs it touches."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from itertools import islice
from typing import Final, NamedTuple

from dockfix.inspection.listing import is_given
from dockfix.model.images import Image
from dockfix.model.lineage import Lineage, find_lineages, read_stages
from dockfix.options import Options
from dockfix.syntax.parser import parse

MAX_PATHS: Final = 300
_REFERENCE: Final = re.compile(r"[a-z0-9](?:[a-z0-9._/:-]*[a-z0-9])?(?:@sha256:[0-9a-f]{64})?", re.IGNORECASE)
_PATH: Final = re.compile(r"(?<![\w.:/-])/(?:[\w.+%-]+/)*[\w.+%-]+")
_ABOVE: Final = re.compile(r"(?:^|/)\.{1,2}(?:/|$)")


class Question(NamedTuple):
    """A base image by its reference, and the paths that a file touches in it, sorted."""

    reference: str
    paths: tuple[str, ...]


def find_questions(asked: tuple[str, Options]) -> tuple[Question, ...]:
    """The bases of a Dockerfile's images that need to be asked: text and options in one argument."""
    text, options = asked
    stages = read_stages(parse(text), options)
    if not stages:
        return ()
    found: dict[str, dict[str, None]] = {}
    for lineage in find_lineages(stages, options.targets):
        first = lineage.stages[0]
        if first.parent is None and is_open(first.image) and is_reference(first.reference):
            paths = islice(dict.fromkeys(_touched(lineage)), MAX_PATHS)
            found.setdefault(first.reference, {}).update(dict.fromkeys(paths))
    return tuple(Question(name, tuple(sorted(paths))) for name, paths in found.items())


def is_open(image: Image) -> bool:
    """Whether an image should be asked: it is not certain, or its facts may have changed since."""
    return image.facts is not None or not image.is_certain


def is_reference(text: str) -> bool:
    """Whether a text is the complete name of an image, not an option or an expression."""
    return _REFERENCE.fullmatch(text) is not None and len(text) <= 512


def _touched(lineage: Lineage) -> Iterator[str]:
    yield lineage.end.workdir
    for step in lineage.steps:
        yield step.before.workdir
        written = (step.expand(step.instruction.args), *(one.body for one in step.instruction.heredocs))
        for text in written:
            yield from (posixpath.normpath(path) for path in _PATH.findall(text) if _is_plain(path))


def _is_plain(path: str) -> bool:
    return not _ABOVE.search(path) and not is_given(path)
