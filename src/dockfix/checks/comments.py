"""The dockfix comments of a file: what they request, and those that have no effect."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import replace
from difflib import get_close_matches

from dockfix.checks import codes
from dockfix.options import Options
from dockfix.options.suggestions import suggest
from dockfix.results import Changed, Failed, Finding, Result, Skipped
from dockfix.syntax.suppressions import ACCEPT, IGNORE, Suppression

Again = Callable[[Iterable[Suppression]], Result]
"""Fixes the file once more, as if it had some comments alone."""


def heed(options: Options, comments: Iterable[Suppression], transforms: frozenset[str]) -> Options:
    """The options of a file with such comments; `transforms` are the names of all transforms."""
    asked = list(comments)
    ignored = transforms.intersection(one.name for one in asked if one.verb == IGNORE)
    accepted = {one.name for one in asked if one.verb == ACCEPT}.intersection(codes.REVIEWS)
    return replace(options, ignore=options.ignore | ignored, accept=options.accept | accepted)


def report_comments(
    result: Result, comments: Collection[Suppression], transforms: frozenset[str], again: Again
) -> Result:
    """A file's result with the findings about its comments.

    An unknown name makes a change wait, since the comment may have been meant to prevent it.
    """
    if isinstance(result, Skipped | Failed):
        return result
    unknown = list(_find_unknown_names(comments, transforms))
    findings = tuple(finding for _, finding in unknown)
    if isinstance(result, Changed):
        unused = tuple(map(_report_unused, _find_unused(result, comments, transforms, again)))
        result = replace(result, notes=(*result.notes, *unused))
        if any(one.verb != ACCEPT for one, _ in unknown):
            return replace(result, reviews=(*result.reviews, *findings))
    return replace(result, notes=(*result.notes, *findings)) if findings else result


def _find_unknown_names(
    comments: Iterable[Suppression], transforms: Collection[str]
) -> Iterator[tuple[Suppression, Finding]]:
    """The comments with an unknown verb or name, each with its message."""
    known = {IGNORE: (transforms, "transform"), ACCEPT: (codes.REVIEWS, "review")}
    for one in comments:
        if one.verb not in known:
            if one.name or get_close_matches(one.verb, known, n=1):
                message = f"the comment asks dockfix to {one.verb!r}, which it cannot do"
                yield one, Finding(codes.UNKNOWN_NAME, one.line, message, suggest(one.verb, known))
        elif one.name not in known[one.verb][0]:
            message = f"the comment `{one}` names no {known[one.verb][1]}"
            yield one, Finding(codes.UNKNOWN_NAME, one.line, message, _advise(one, transforms))


def _advise(one: Suppression, transforms: Collection[str]) -> str:
    if not one.name:
        return "name the reviews that it accepts: accept[low-port]"
    if one.name in transforms or one.name in codes.REVIEWS:
        other = IGNORE if one.name in transforms else ACCEPT
        return f"write {other}[{one.name}]"
    return suggest(one.name, sorted(transforms) if one.verb == IGNORE else codes.REVIEWS)


def _find_unused(
    result: Changed, comments: Collection[Suppression], transforms: Collection[str], again: Again
) -> Iterator[Suppression]:
    """The comments without which the result would be the same."""
    accepted = {review.code for review in result.accepted}
    for one in comments:
        if one.verb == ACCEPT and one.name in codes.REVIEWS and result.safe and one.name not in accepted:
            yield one
        if one.verb == IGNORE and one.name in transforms:
            without = again(other for other in comments if other.name != one.name)
            if isinstance(without, Changed) and without.text == result.text:
                yield one


def _report_unused(one: Suppression) -> Finding:
    what = "leaves nothing out" if one.verb == IGNORE else "accepts nothing"
    return Finding(codes.UNUSED_COMMENT, one.line, f"the comment `{one}` {what}", "delete it")
