"""A run that asks base images: its options with the facts, and the changes of dockfix.facts.toml."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from dockfix.checks import codes
from dockfix.config import facts_folder
from dockfix.config.facts_file import Kept, Named, by_key, format_facts, read_facts
from dockfix.config.reading import FACTS_FILE
from dockfix.confined import Loss, work_all
from dockfix.diff import compare_lines, patch_name
from dockfix.files.candidates import Candidate
from dockfix.files.reading import MAX_BYTES, Source, decode, read_bytes, read_source
from dockfix.image_facts import ImageFacts
from dockfix.inspection.collect import Answer, ask_all
from dockfix.inspection.contradictions import find_wrong_rows
from dockfix.inspection.questions import Question, find_questions
from dockfix.learned import NOTHING, Learned
from dockfix.options import Options
from dockfix.options.request import Inspect, Mode
from dockfix.results import Changed, Failed, Finding
from dockfix.runner.outcome import FileResult
from dockfix.terminal import Terminal

if TYPE_CHECKING:
    from dockfix.files.cache import Cache

NAME: Final = "inspect"
"""What reports name as the author of a change of dockfix.facts.toml, beside `verify`."""


@dataclass(frozen=True, slots=True)
class Record:
    """The facts of one folder: those that its file had, and those that were found now.

    `learned` is what proofs have shown of the files at these paths.
    """

    folder: str
    before: Kept
    found: Named = field(default_factory=dict)
    unanswered: dict[str, str] = field(default_factory=dict)
    learned: dict[str, Learned] = field(default_factory=dict)

    @property
    def after(self) -> Kept:
        """The facts as they are now; an image that could not be asked keeps what was recorded."""
        images = self.before.images
        found = {name: _join(images.get(name), facts) for name, facts in self.found.items()}
        files = self.before.files
        learned = {name: files.get(name, NOTHING).joined(one) for name, one in self.learned.items()}
        return Kept({**images, **found}, {**files, **learned})


def _join(before: ImageFacts | None, now: ImageFacts) -> ImageFacts:
    """The facts of an image with what was recorded of the same one: its files, and what others touch."""
    if before is None or before.digest != now.digest or before.content is None:
        return now
    if now.content is None:
        return replace(now, content=before.content)
    paths = {**before.content.paths, **now.content.paths}
    return replace(now, content=replace(now.content, paths=paths))


def ask_bases(
    candidates: Sequence[Candidate],
    options: Sequence[Options],
    how: Inspect,
    engine: str | None,
    cache: Cache | None,
    terminal: Terminal,
) -> tuple[list[Options], list[Record]]:
    """The candidates' options with the facts of their bases, and these facts by folder.

    Raises EngineError if there is nobody to ask, ConfigError for a file of facts that cannot be used.
    """
    asked = _find_questions(candidates, options)
    records: dict[str, Record] = {}
    tops = [facts_folder(os.path.dirname(one.real)) for one in candidates]
    for top in dict.fromkeys(tops):
        records[top] = Record(top, read_facts(top))
    questions = _merge(one for own in asked for one in own)
    for answer in ask_all(questions, how, engine, cache) if questions else ():
        _report(answer, terminal)
        for top in {top for top, own in zip(tops, asked, strict=True) if _asks(own, answer)}:
            if answer.facts is None:
                records[top].unanswered[answer.question.reference] = answer.reason
            else:
                records[top].found[answer.question.reference] = answer.facts
    informed = _Informed({top: by_key(record.after.images) for top, record in records.items()})
    return [informed(own, top) for own, top in zip(options, tops, strict=True)], list(records.values())


def _asks(questions: Iterable[Question], answer: Answer) -> bool:
    return any(one.reference == answer.question.reference for one in questions)


def _find_questions(
    candidates: Sequence[Candidate], options: Sequence[Options]
) -> list[tuple[Question, ...]]:
    """The questions of each candidate; a file that cannot be read has none."""
    texts = [_text_of(one) for one in candidates]
    pairs = [(text, own) for text, own in zip(texts, options, strict=True) if text is not None]
    found = iter(work_all(find_questions, pairs))
    answers = (next(found) if text is not None else () for text in texts)
    return [() if isinstance(one, Loss) else one for one in answers]


def _text_of(candidate: Candidate) -> str | None:
    if candidate.refusal is not None or candidate.embedded:
        return None
    source = read_source(candidate.real) if candidate.data is None else decode(candidate.data)
    return source.text if isinstance(source, Source) else None


def _merge(questions: Iterable[Question]) -> list[Question]:
    """One question for each reference, with the paths of all files that use it."""
    paths: dict[str, set[str]] = {}
    for one in questions:
        paths.setdefault(one.reference, set()).update(one.paths)
    return [Question(name, tuple(sorted(found))) for name, found in sorted(paths.items())]


def _report(answer: Answer, terminal: Terminal) -> None:
    reference = answer.question.reference
    if answer.facts is None:
        terminal.print(f"{reference}: cannot be inspected: {answer.reason}", "yellow")
        return
    for one in find_wrong_rows(reference, answer.facts):
        terminal.print(f"{reference}: dockfix's table is wrong, please report it: {one}", "yellow")


@dataclass(slots=True)
class _Informed:
    """Gives options the facts of their folder; equal options stay one object."""

    facts: Mapping[str, Mapping[str, ImageFacts]]
    known: dict[tuple[int, str], Options] = field(default_factory=dict)

    def __call__(self, options: Options, top: str) -> Options:
        key = id(options), top
        if key not in self.known:
            self.known[key] = replace(options, facts=self.facts[top])
        return self.known[key]


# -- the file --------------------------------------------------------------------------------------


Lessons = Mapping[str, Mapping[str, Learned]]
"""What proofs have shown of files, by the folder that keeps it and by their paths from there."""


def find_changes(records: Iterable[Record], lessons: Lessons, root: str, mode: Mode) -> Iterator[FileResult]:
    """The changes of facts files; a file is created only to be written, and compared wherever it exists.

    `root` is where patches are applied. With --check, an image that cannot be asked is an error.
    """
    for record in _with_lessons(records, lessons):
        place = os.path.join(record.folder, FACTS_FILE)
        before = _read(place)
        if before is None and (mode is not Mode.WRITE or not any(record.after)):
            continue
        if mode is Mode.CHECK and (lost := sorted(record.unanswered.keys() & record.before.images.keys())):
            help = "give this job access to the image, or remove its table from the file"
            reason = Finding(codes.NOT_INSPECTED, 0, f"cannot be compared with {', '.join(lost)}", help)
            name, real = patch_name(place, root), os.path.realpath(place)
            yield FileResult(os.path.relpath(place), Failed(reason), name=name, real=real)
        elif (text := format_facts(*record.after)) != (before or ""):
            names = (*([NAME] if record.found else []), *(["verify"] if record.learned else []))
            yield _change(place, before or "", text, root, names, tuple(_describe(record)))


def _with_lessons(records: Iterable[Record], lessons: Lessons) -> list[Record]:
    by_folder = {one.folder: one for one in records}
    for folder, learned in lessons.items():
        record = by_folder.get(folder) or Record(folder, read_facts(folder))
        by_folder[folder] = replace(record, learned=dict(learned))
    return list(by_folder.values())


def _read(place: str) -> str | None:
    try:
        return read_bytes(os.path.realpath(place), MAX_BYTES).decode("utf-8")
    except OSError:
        return None


def _describe(record: Record) -> Iterator[Finding]:
    """What is different, one note for each image."""
    for name in sorted(record.learned):
        learned = record.after.files[name]
        if learned != record.before.files.get(name):
            help = "record it: dockfix --verify --write"
            yield Finding(codes.STALE_FACTS, 0, f"{name}: a proof has shown that {learned}", help)
    help = "record it: dockfix --inspect --write"
    after = record.after.images
    for reference in sorted(record.found):
        old, new = record.before.images.get(reference), after[reference]
        if old is None:
            message = f"{reference} is recorded"
        elif old.digest != new.digest:
            message = f"{reference} is {new.digest} now, was {old.digest}"
        elif old != new:
            message = f"{reference}: other paths, or other files of the image, matter now"
        else:
            continue
        yield Finding(codes.STALE_FACTS, 0, message, help)


def _change(
    place: str, before: str, text: str, root: str, names: tuple[str, ...], notes: tuple[Finding, ...]
) -> FileResult:
    return FileResult(
        os.path.relpath(place),
        Changed(text, names, (), notes),
        before.encode("utf-8"),
        True,
        tuple(compare_lines(before, text)),
        patch_name(place, root),
        real=os.path.realpath(place),
    )
