"""Edits of words of a RUN, in shell form and exec form."""

from __future__ import annotations

from dockfix.edits import Edit
from dockfix.model.runs import Run
from dockfix.syntax.shell import Word


def insert_after(run: Run, word: Word, text: str) -> Edit:
    """Insert a word after `word`."""
    at = run.span(word)[1]
    return Edit(at, at, f" {text}" if run.words is None else f', "{text}"')


def insert_before(run: Run, word: Word, text: str) -> Edit:
    """Insert `text`, which includes its own space, directly before `word` in shell form."""
    at = run.span(word)[0]
    return Edit(at, at, text)


def remove(run: Run, word: Word) -> Edit:
    """Remove `word` and the space or comma before it."""
    start, end = run.span(word)
    source = run.instruction.source
    before = len(source[:start].rstrip(" \t")) if run.words is None else source.rfind(",", 0, start)
    return Edit(before, end, "")
