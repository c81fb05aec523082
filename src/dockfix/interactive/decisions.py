"""The decision about one file: which of its edits are made."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Final

from dockfix.confined import Loss, finding_of, work
from dockfix.diff import compare_lines
from dockfix.explain.walk import EditNote
from dockfix.interactive.changes import Divided, Part, divide, judge
from dockfix.interactive.conversation import Conversation
from dockfix.options import OptionError
from dockfix.output.summary import format_finding
from dockfix.results import Changed, Unchanged
from dockfix.runner.jobs import Job
from dockfix.runner.outcome import FileResult
from dockfix.terminal import show_path

KEYS: Final = {
    "y": "make this edit",
    "n": "leave this edit out",
    "a": "make this edit and all later ones of this file",
    "d": "leave this edit and all later ones of this file out",
    "k": "make every edit of this kind, here and in later files",
    "K": "leave every edit of this kind out, here and in later files",
    "x": "explain this edit",
    "u": "give the account another name",
    "q": "quit: this file and all later ones stay as they are",
}
WHOLE_KEYS: Final = {
    "y": "make the change",
    "n": "leave the file as it is",
    "u": KEYS["u"],
    "q": KEYS["q"],
}
BROKEN_KEYS: Final = {
    "a": "make all edits of this file",
    "r": "decide again",
    "n": "leave the file as it is",
    "q": KEYS["q"],
}


class QuitError(Exception):
    """The user quits: no further decisions."""


class Verdict(Enum):
    """What is to be done with a file."""

    CHANGE = "change"
    LEAVE = "leave"


@dataclass(slots=True)
class Kinds:
    """Decisions for all edits of a kind: the transforms that are always made, and those never made."""

    always: set[str] = field(default_factory=set)
    never: set[str] = field(default_factory=set)

    def decided(self, transform: str) -> bool | None:
        """Whether edits of that kind are made; None if undecided."""
        return True if transform in self.always else False if transform in self.never else None


@dataclass(slots=True)
class FileDecision:
    """Asks about one file. `fix_again` returns its result with another job."""

    conversation: Conversation
    kinds: Kinds
    job: Job
    file: FileResult
    fix_again: Callable[[Job], FileResult]
    seconds: float
    place: str

    def decide(self) -> tuple[Verdict, FileResult]:
        """The file to write, or the unchanged one. Raises QuitError, EndOfAnswersError."""
        while True:
            self._show_file()
            divided = work(divide, self.job, seconds=self.seconds)
            if isinstance(divided, Loss):
                self.conversation.show(str(finding_of(divided, self.seconds)), "yellow")
            kept = self._ask_edits(divided) if isinstance(divided, Divided) else self._ask_whole()
            if kept is None:  # there is another account now
                continue
            done = self._try(kept, divided if isinstance(divided, Divided) else None)
            if done is not None:
                return done

    def _show_file(self) -> None:
        path = show_path(self.file.path)
        self.conversation.show(f"\n{path} ({self.place})", "bold")
        if isinstance(self.file.result, Changed):
            for review in self.file.result.reviews:
                self.conversation.show(format_finding(path, review, "needs review: "), "magenta")
            for note in self.file.result.notes:
                self.conversation.show(format_finding(path, note, "note: "))

    def _ask_whole(self) -> frozenset[int] | None:
        """Ask about the change as a whole, if its edits go together."""
        self.conversation.show(replace(self.file, applies=True).patch.rstrip("\n"))
        match self.conversation.choose("The edits of this file go together. Make them", WHOLE_KEYS):
            case "y":
                return frozenset({0})
            case "u":
                self._rename()
                return None
            case "q":
                raise QuitError
        return frozenset()

    def _ask_edits(self, divided: Divided) -> frozenset[int] | None:
        """The numbers of the edits to make; None if the account was renamed."""
        kept: set[int] = set()
        rest: bool | None = None
        for number, (note, change) in enumerate(zip(divided.notes, divided.provenance.changes, strict=True)):
            if not change.needs <= kept:
                continue  # it lies within an edit that is left out
            wanted = rest if rest is not None else self.kinds.decided(note.transform)
            if wanted is None:
                answer = self._ask_edit(note, number + 1, len(divided.notes))
                if answer == "u":
                    self._rename()
                    return None
                wanted = answer in "yak"
                rest = wanted if answer in "ad" else None
            if wanted:
                kept.add(number)
        return frozenset(kept)

    def _ask_edit(self, note: EditNote, number: int, count: int) -> str:
        self.conversation.show(f"@@ line {note.line} @@ {note.transform}: {note.purpose}", "cyan")
        self.conversation.show_diff(note.removed, note.added)
        while True:
            answer = self.conversation.choose(f"({number}/{count}) Make this edit", KEYS)
            match answer:
                case "x":
                    self._explain(note)
                case "q":
                    raise QuitError
                case "k":
                    self.kinds.always.add(note.transform)
                    return answer
                case "K":
                    self.kinds.never.add(note.transform)
                    return answer
                case _:
                    return answer

    def _explain(self, note: EditNote) -> None:
        for fault in note.without or ("nothing breaks that dockfix can see",):
            self.conversation.show(f"without it: {fault}")
        self.conversation.show(f"more: dockfix --explain {note.transform}")

    def _rename(self) -> None:
        """Rename the account, and fix the file again."""
        while True:
            name = self.conversation.ask("Name of the account: ")
            try:
                job = replace(self.job, options=replace(self.job.options, user=name))
                break
            except OptionError as error:
                self.conversation.show(str(error), "yellow")
        file = self.fix_again(job)
        if isinstance(file.result, Changed):
            self.job, self.file = job, file
        else:
            self.conversation.show(f"with {name}, dockfix would not change this file", "yellow")

    def _try(self, kept: frozenset[int], divided: Divided | None) -> tuple[Verdict, FileResult] | None:
        """The file with a subset of its edits; None to decide again."""
        if not kept:
            return Verdict.LEAVE, replace(self.file, result=Unchanged(), applies=False, edits=())
        if divided is None or len(kept) == len(divided.notes):
            return Verdict.CHANGE, replace(self.file, applies=True)
        part = work(judge, (self.job, kept), seconds=self.seconds)
        if isinstance(part, Loss):
            self.conversation.show(str(finding_of(part, self.seconds)), "yellow")
            return None
        if not part.faults:
            return Verdict.CHANGE, self._partly(part, divided, kept)
        self.conversation.show("These edits do not hold without the others:", "yellow")
        for fault in part.faults:
            self.conversation.show(f"  {format_finding(show_path(self.file.path), fault)}", "yellow")
        match self.conversation.choose("Make all edits of this file", BROKEN_KEYS):
            case "a":
                return Verdict.CHANGE, replace(self.file, applies=True)
            case "q":
                raise QuitError
            case "n":
                return Verdict.LEAVE, replace(self.file, result=Unchanged(), applies=False, edits=())
        return None

    def _partly(self, part: Part, divided: Divided, kept: frozenset[int]) -> FileResult:
        """The file's result with a subset of its edits."""
        assert isinstance(self.file.result, Changed)
        made = divided.provenance.closed(kept)
        names = dict.fromkeys(note.transform for at, note in enumerate(divided.notes) if at in made)
        result = replace(self.file.result, text=part.text, transforms=tuple(names))
        edits = tuple(compare_lines(self.file.before.decode("utf-8"), part.text))
        return replace(self.file, result=result, applies=True, edits=edits)
