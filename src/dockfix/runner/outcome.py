"""Process one file, from its bytes to its result; nothing is written."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import TYPE_CHECKING, Final

from dockfix.checks import codes
from dockfix.context import Context
from dockfix.diff import LineEdit, compare_lines, format_patch, rewritten_line
from dockfix.files.dependencies import NOWHERE, Surroundings
from dockfix.files.reading import Source
from dockfix.options import Options
from dockfix.results import Changed, Failed, Finding, Result, Skipped, Unchanged, at_lines

if TYPE_CHECKING:
    from threading import Thread

    from dockfix.runner.verdict import Verdict


@dataclass(frozen=True, slots=True)
class FileResult:
    """The result for the file at `path`, with the bytes read, and whether its change applies.

    `real` is the absolute path without links to write to; `edits` turn the text read into that of a
    Changed result; `name` is the file's name in a patch, and `proof` the verdict of a proof on a
    container engine. `written` is whether the change is in the file now; `around` is what else was read
    for the result.
    """

    path: str
    result: Result
    before: bytes = b""
    applies: bool = False
    edits: tuple[LineEdit, ...] = ()
    name: str = ""
    proof: Verdict | None = None
    real: str = ""
    written: bool = False
    around: Surroundings = field(default=NOWHERE, compare=False)

    @property
    def on_disk(self) -> Result:
        """The result with lines of the file as it is on disk now."""
        if not self.written:
            return self.result
        return at_lines(self.result, lambda line: rewritten_line(self.edits, line))

    @property
    def after(self) -> bytes:
        """The bytes to write: the rewrite if it applies, else those that were read."""
        if self.applies and isinstance(self.result, Changed):
            return self.result.text.encode("utf-8")
        return self.before

    @property
    def patch(self) -> str:
        """The patch of a change that applies, else empty."""
        if not self.applies:
            return ""
        return format_patch(self.before.decode("utf-8"), self.edits, self.name, creates=not self.before)


def fix_source(path: str, source: Source | Failed, options: Options, context: Context) -> FileResult:
    """Fix one source. Never raises, except MemoryError; errors of dockfix are Failed."""
    if isinstance(source, Failed):
        return FileResult(path, source)
    from dockfix import pipeline

    try:
        result = pipeline.fix(source.text, options, context)
        edits = compare_lines(source.text, result.text) if isinstance(result, Changed) else ()
    except MemoryError:
        raise  # the process is no longer usable
    except Exception as error:  # noqa: BLE001  # one file's error stays its own
        return FileResult(path, Failed(_bug(error)), source.data)
    return FileResult(path, result, source.data, applies(result, options), tuple(edits))


def fix_embedded(path: str, source: Source | Failed, options: Options, context: Context) -> FileResult:
    """Fix the Dockerfiles inside a file of another kind, as one result.

    Reasons why parts of the file stay as they are become notes.
    """
    if isinstance(source, Failed):
        return FileResult(path, source)
    from dockfix import pipeline
    from dockfix.embedded import rewrite_file

    options = replace(options, evidence=False)  # the build context of such a text is unknown
    try:
        text, results = rewrite_file(
            path, source.text, lambda inner: pipeline.fix(inner, options, context), unsafe=options.unsafe
        )
        result = _sum_up(source.text, text, results)
        edits = compare_lines(source.text, text)
    except MemoryError:
        raise  # the process is no longer usable
    except Exception as error:  # noqa: BLE001  # one file's error stays its own
        return FileResult(path, Failed(_bug(error)), source.data)
    return FileResult(path, result, source.data, text != source.text, tuple(edits))


def _sum_up(before: str, after: str, results: Sequence[Result]) -> Result:
    reasons = [reason for result in results if isinstance(result, Skipped) for reason in result.reasons]
    reasons += [result.error for result in results if isinstance(result, Failed)]
    changes = [result for result in results if isinstance(result, Changed)]
    reviews = tuple(review for change in changes for review in change.reviews)
    accepted = tuple(one for change in changes for one in change.accepted)
    names = tuple(dict.fromkeys(name for change in changes for name in change.transforms))
    if after != before:
        notes = tuple(note for change in changes for note in change.notes)
        return Changed(after, names, (), (*reviews, *reasons, *notes), accepted, changes[0].line)
    if changes:
        return Changed(after, names, reviews, (), accepted, changes[0].line)
    return Skipped(tuple(reasons)) if reasons else Unchanged()


def applies(result: Result, options: Options) -> bool:
    """Whether a result is a change to show as a patch and write."""
    return isinstance(result, Changed) and (result.safe or options.unsafe)


def hold_back(results: Iterable[FileResult], reasons: Iterable[Finding | None]) -> Iterator[FileResult]:
    """The results, with each change that has a reason against it skipped for that reason."""
    for file, reason in zip(results, reasons, strict=True):
        if reason is None or not isinstance(file.result, Changed):
            yield file
        else:
            yield replace(file, result=Skipped((reason,)), applies=False, edits=())


def skip(path: str, reason: Finding, *, failed: bool = False) -> FileResult:
    """The result for a path that is not read."""
    return FileResult(path, Failed(reason) if failed else Skipped((reason,)))


_SAMPLE: Final = "FROM python:3\nWORKDIR /a\nCOPY a .\nRUN apt-get update && pip install a\nCMD python a.py\n"


def load_core() -> None:
    """Import the core with its tables and compiled patterns, so that forked processes share them."""
    wait_for_loading()
    _load()


def wait_for_loading() -> None:
    """Wait for `load_core_meanwhile`, since a process must be forked from a single thread."""
    while _loading:
        _loading.pop().join()


def load_core_meanwhile() -> None:
    """Start `load_core` in a thread while the caller waits for something else."""
    from threading import Thread

    begun = Thread(target=_load)
    _loading.append(begun)
    begun.start()


_loading: Final[list[Thread]] = []


@cache
def _load() -> None:
    from dockfix.pipeline import fix

    fix(_SAMPLE, Options(), Context("Dockerfile", read=lambda _: None))


def _bug(error: BaseException) -> Finding:
    """The finding for an error in dockfix itself, with the line that raised it.

    The error's message is left out: it may quote a file that is not a Dockerfile.
    """
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    place = f" at {trace.tb_frame.f_globals.get('__name__', '?')}:{trace.tb_lineno}" if trace else ""
    message = f"dockfix failed: {type(error).__name__}{place}"
    python = f"Python {sys.version_info.major}.{sys.version_info.minor}"
    help = f"the file is unchanged; please report this, with the file and {python}"
    return Finding(codes.INTERNAL_ERROR, 0, message, help)
