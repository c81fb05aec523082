"""Descriptions of transforms and codes, for `--list` and `--explain`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from itertools import chain
from textwrap import fill
from typing import Any, Final

from dockfix.checks.codes import BROKEN, CODES
from dockfix.checks.explanations import (
    Explanation,
    explain_transform,
    guide_address,
    page_of,
    read_explanation,
)
from dockfix.config import ConfigError
from dockfix.results import Code, Kind
from dockfix.transforms import TRANSFORMS

_WIDTH: Final = 110
_TRANSFORMS: Final = {transform.name: transform for transform in TRANSFORMS}
HEADINGS: Final = {
    Kind.TRANSFORM: "Transforms, in the order in which they run",
    Kind.CHANGE: "What reports show for each file that dockfix would change",
    Kind.REFUSAL: "Refusals: why a file is left alone",
    Kind.REVIEW: "Reviews: what to check before --unsafe makes the change",
    Kind.NOTE: "Notes: what to expect after the change",
    Kind.FAILURE: "Failures: why a file could not be read, fixed or written",
    Kind.GUARANTEE: "Guarantees: what every rewrite keeps, or the file is left alone",
}


def all_codes() -> tuple[Code, ...]:
    """All transforms in order, then all rows of the registry."""
    return tuple(chain((transform.code for transform in TRANSFORMS), CODES))


def list_codes() -> str:
    """A line for each code, by kind; a code of two kinds is listed under both."""
    rows = all_codes()
    width = max(len(code.name) for code in rows)
    blocks = []
    for kind, heading in HEADINGS.items():
        lines = [f"  {code.name:<{width}}  {code.summary}\n" for code in rows if kind in code.kinds]
        blocks.append(f"{heading}\n{''.join(lines)}")
    return "\n".join(blocks)


def explain(name: str) -> str:
    """The explanation of a transform or code. Raises ConfigError if there is none with that name."""
    code = _find(name)
    paragraphs = [f"{code.name} ({', '.join(code.kinds)})", code.summary, explanation_of(code).description]
    paragraphs += _example(code)
    paragraphs += (f"{title}:\n{_wrap(text)}" for title, text in explanation_of(code).sections())
    if code.answered_by:
        trials = "".join(f"\n- {trial}" for trial in code.answered_by)
        paragraphs.append(f"A run on a container engine answers this if{trials}")
    if guide := guide_address(code):
        paragraphs.append(f"Step by step: {guide}")
    return "\n\n".join([*paragraphs, f"{page_of(code)}\n"])


def explanation_of(code: Code) -> Explanation:
    """The explanation of a transform or a row of the registry."""
    if code.name in _TRANSFORMS:
        return explain_transform(_TRANSFORMS[code.name].doc)
    return read_explanation(code)


def explain_plainly(name: str) -> dict[str, Any]:
    """The explanation as plain values, for tools. Raises ConfigError if there is none with that name."""
    code = _find(name)
    explanation = explanation_of(code)
    return {
        "name": code.name,
        "kinds": [str(kind) for kind in code.kinds],
        "summary": code.summary,
        "description": explanation.description,
        "advice": explanation.advice,
        "off": explanation.off,
        "source": explanation.source,
        "page": page_of(code),
    }


def is_code(name: str) -> bool:
    """Whether a transform or code has that name."""
    return not {name, BROKEN + name}.isdisjoint(code.name for code in all_codes())


def _find(name: str) -> Code:
    by_name = {code.name: code for code in all_codes()}
    for known in (name, BROKEN + name):
        if known in by_name:
            return by_name[known]
    raise ConfigError(f"--explain: no code and no file is called {name!r} ({_nearest(name, by_name)})")


def _nearest(name: str, known: Iterable[str]) -> str:
    near = get_close_matches(name, known, n=1)
    return f"did you mean {near[0]!r}?" if near else "dockfix --list shows the codes"


def _example(code: Code) -> Iterator[str]:
    if code.name in _TRANSFORMS:
        transform = _TRANSFORMS[code.name]
        yield f"Before:\n\n{_indent(transform.before)}"
        yield f"After:\n\n{_indent(transform.after)}"


def _wrap(text: str) -> str:
    """The text wrapped, unless it has line breaks already."""
    return text if "\n" in text else fill(text, _WIDTH, break_on_hyphens=False, break_long_words=False)


def _indent(text: str) -> str:
    return "\n".join(f"    {line}" if line else "" for line in text.rstrip("\n").split("\n"))
