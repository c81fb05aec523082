"""A run in which the user decides on each edit before it is written."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TextIO

from dockfix.config import ConfigError
from dockfix.confined import session
from dockfix.diff import patch_root
from dockfix.files.candidates import Candidate
from dockfix.interactive.conversation import Conversation, EndOfAnswersError
from dockfix.interactive.decisions import FileDecision, Kinds, QuitError, Verdict
from dockfix.interactive.remembering import find_configuration, pattern_of, with_comment, with_value
from dockfix.options import Options
from dockfix.options.request import Mode, Request
from dockfix.output.apply import Writer
from dockfix.output.exit_codes import Exit
from dockfix.output.summary import Summary
from dockfix.results import Changed, Finding
from dockfix.run import inspect, name_file, open_cache_of, prepare, settings_of
from dockfix.runner.jobs import Job
from dockfix.runner.outcome import FileResult, hold_back, wait_for_loading
from dockfix.runner.runner import fix_many
from dockfix.terminal import Terminal

_REMEMBER = {
    "c": "remember it: a comment in the file, `# dockfix: ignore`",
    "p": "remember it: the file's path under `exclude` in the configuration",
    "n": "do not remember it: the next run asks again",
}
_REMEMBER_KIND = {
    "p": "remember it: under `ignore` in the configuration",
    "n": "do not remember it: the next run asks again",
}


def run_interactively(request: Request, answers: TextIO | None = None) -> Exit:
    """Ask about each change, write what was accepted, and print a summary. Raises ConfigError."""
    if answers is None and not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise ConfigError("--interactive needs a terminal")
    settings_of(request)
    terminal = Terminal(request.reports.color)
    with session(wait_for_loading, request.execution.seconds):
        return _Run(request, Conversation(terminal, answers or sys.stdin)).run()


@dataclass(slots=True)
class _Item:
    """A file whose change is to be decided, and what the decision needs."""

    file: FileResult
    candidate: Candidate
    options: Options
    reason: Finding | None


@dataclass(slots=True)
class _Run:
    request: Request
    conversation: Conversation
    kinds: Kinds = field(default_factory=Kinds)

    def run(self) -> Exit:
        terminal = self.conversation.terminal
        summary = Summary(terminal, Mode.WRITE, self.request.reports.volume)
        items = list(self._find())
        waiting = [one for one in items if isinstance(one.file.result, Changed)]
        for one in items:
            if one not in waiting:
                summary.add(one.file)
        writer = Writer(self.request.places, terminal, allow_dirty=self.request.output.allow_dirty)
        complete = False
        try:
            self._ask_all(waiting, writer, summary)
            complete = True
        except (QuitError, EndOfAnswersError):
            self.conversation.show("")
            complete = True
        finally:
            writer.close(complete=complete)
        summary.close()
        return summary.exit_code

    def _find(self) -> Iterator[_Item]:
        """Every file of the request with its result, in order."""
        request = self.request
        cache = open_cache_of(request)
        terminal = self.conversation.terminal
        prepared = inspect(prepare(request, cache), request, cache, terminal)
        results = fix_many(
            prepared.candidates, prepared.options, jobs=request.execution.jobs,
            seconds=request.execution.seconds, cache=cache, texts=True,
        )  # fmt: skip
        files = list(hold_back(results, prepared.reasons))
        if cache is not None:
            cache.save()
        root = patch_root(request.places)
        rows = zip(files, prepared.candidates, prepared.options, prepared.reasons, strict=True)
        for file, candidate, options, reason in rows:
            yield _Item(name_file(root, file, candidate), candidate, options, reason)

    def _ask_all(self, waiting: Sequence[_Item], writer: Writer, summary: Summary) -> None:
        left: list[FileResult] = []
        for number, item in enumerate(waiting, 1):
            try:
                verdict, file = self._decide(item, f"{number} of {len(waiting)}")
            except (QuitError, EndOfAnswersError):
                for rest in waiting[number - 1 :]:
                    summary.add(replace(rest.file, applies=False))
                raise
            summary.add(writer.write(file))
            if verdict is Verdict.LEAVE:
                left.append(item.file)
                self._remember(item, writer)
        for kind in sorted(self.kinds.never):
            self._remember_kind(kind, writer)

    def _decide(self, item: _Item, place: str) -> tuple[Verdict, FileResult]:
        candidate = item.candidate
        job = Job.of(candidate, item.file.before, item.options)

        def fix_again(job: Job) -> FileResult:
            results = fix_many([candidate], [job.options], seconds=self.request.execution.seconds, texts=True)
            (file,) = hold_back(results, [item.reason])
            return name_file(patch_root(self.request.places), file, candidate)

        return FileDecision(
            self.conversation, self.kinds, job, item.file, fix_again, self.request.execution.seconds, place
        ).decide()

    def _remember(self, item: _Item, writer: Writer) -> None:
        """Ask how to remember that a file is ignored."""
        question = f"Leave {item.file.path} alone from now on"
        match self.conversation.choose(question, _REMEMBER):
            case "c":
                self._write(with_comment(item.file), writer)
            case "p":
                configuration = find_configuration(os.path.realpath(os.curdir))
                pattern = pattern_of(item.file.real, configuration)
                self._write(with_value(configuration, "exclude", pattern), writer)

    def _remember_kind(self, kind: str, writer: Writer) -> None:
        """Ask how to remember that edits of a kind are left out."""
        if self.conversation.choose(f"Leave out {kind} from now on", _REMEMBER_KIND) == "p":
            configuration = find_configuration(os.path.realpath(os.curdir))
            self._write(with_value(configuration, "ignore", kind), writer)

    def _write(self, file: FileResult, writer: Writer) -> None:
        """Write the configuration; --undo restores it if it existed before."""
        if not file.before and not os.path.exists(file.real):
            try:
                with open(file.real, "xb") as new:
                    new.write(file.after)
            except OSError as error:
                self.conversation.show(f"{file.path}: cannot be written: {error.strerror}", "yellow")
            return
        done = writer.write(file)
        if not isinstance(done.result, Changed):
            self.conversation.show(str(getattr(done.result, "error", done.result)), "yellow")
