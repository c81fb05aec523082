"""Ask for facts of images: first the engine, then their registry, and pull them where that is allowed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from dockfix.config.facts_file import format_facts, parse_facts
from dockfix.image_facts import ImageFacts
from dockfix.inspection.configuration import UnreadableError
from dockfix.inspection.engines import EngineImages
from dockfix.inspection.questions import Question
from dockfix.inspection.registries import Tool, ask_registry, find_tools
from dockfix.options.request import Inspect
from dockfix.verify.engine import Engine, EngineError, find_engine
from dockfix.verify.session import Session

if TYPE_CHECKING:
    from dockfix.files.cache import Cache

_KIND = "image-facts"


class Answer(NamedTuple):
    """The answer to a question: the facts, or why there are none."""

    question: Question
    facts: ImageFacts | None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Sources:
    """Where facts may come from."""

    how: Inspect
    images: EngineImages | None
    tools: Sequence[Tool]
    cache: Cache | None

    def ask(self, question: Question) -> Answer:
        """The answer to one question, from the first source that has one."""
        try:
            return self._ask(question)
        except UnreadableError as error:
            return Answer(question, None, str(error))

    def _ask(self, question: Question) -> Answer:
        facts = None if self.images is None else self._ask_engine(self.images, question)
        if facts is not None:
            return Answer(question, facts)
        if self.how is Inspect.ENGINE:
            return Answer(question, None, "the engine does not have it")
        return Answer(question, ask_registry(question.reference, self.tools))

    def _ask_engine(self, images: EngineImages, question: Question) -> ImageFacts | None:
        """The facts of an image of the engine, None if it does not have it."""
        held = images.find(question.reference)
        if held is None and self.how is Inspect.PULL:
            images.pull(question.reference)
            held = images.find(question.reference)
        if held is None:
            return None
        key = held.key(question)
        facts = _recall(self.cache, key)
        if facts is None:
            facts = images.read(held, question)
            _keep(self.cache, key, facts)
        return facts


def ask_all(
    questions: Iterable[Question], how: Inspect, engine: str | None, cache: Cache | None
) -> Iterator[Answer]:
    """The answers to all questions, one after another. Raises EngineError if there is nobody to ask."""
    tools = tuple(find_tools()) if how is not Inspect.ENGINE else ()
    with ExitStack() as stack:
        found = _find_engine(engine, is_needed=how is not Inspect.REGISTRY or not tools)
        images = EngineImages(stack.enter_context(Session(found))) if found is not None else None
        sources = Sources(how, images, tools, cache)
        yield from map(sources.ask, questions)


def _find_engine(name: str | None, *, is_needed: bool) -> Engine | None:
    """An engine that has images to read; None if none is needed and none responds. Raises EngineError."""
    try:
        found = find_engine(name)
    except EngineError:
        if is_needed or name is not None:
            raise
        return None
    if found.runs:
        return found
    if is_needed:
        raise EngineError(f"engine: {found.name} cannot create containers: use docker, podman or nerdctl")
    return None


def _recall(cache: Cache | None, key: str) -> ImageFacts | None:
    known = cache.facts(_KIND).get(key) if cache is not None else None
    return None if known is None else parse_facts("cache", known[2]).images["image"]


def _keep(cache: Cache | None, key: str, facts: ImageFacts) -> None:
    if cache is not None:
        cache.facts(_KIND)[key] = ((), "", format_facts({"image": facts}))
        cache.stale = True
