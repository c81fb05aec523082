"""Suggestions for unknown names."""

from __future__ import annotations

from collections.abc import Iterable


def suggest(word: str, known: Iterable[str]) -> str:
    """The closest known name, otherwise all of them."""
    from difflib import get_close_matches

    names = tuple(known)
    near = get_close_matches(word, names, n=1)
    return f"did you mean {near[0]!r}?" if near else "known: " + ", ".join(names)
