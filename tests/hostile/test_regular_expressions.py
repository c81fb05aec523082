"""Whatever searches in the files of strangers, searches them in linear time."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from package_patterns import Expression, find_expressions, unknown_calls
from worst_inputs import worst_inputs

import dockfix
from dockfix.confined import Loss, work_all
from dockfix.syntax.globs import STAR, compile_glob

SHORT = 1_000
FACTOR = 4
GROWTH = 2 * FACTOR
"""A text that is four times as long may take eight times as long; a quadratic search takes sixteen."""
FAST = 0.0002
"""Seconds that no search of a thousand characters takes which is worse than linear."""
SECONDS = 60.0
PIECES = (
    *(
        " ",
        "\t",
        "\n",
        "a",
        "a ",
        "\n ",
        "#",
        "\\",
        '"',
        '"\\',
        "${",
        "${{",
        "$(",
        "`",
        "<<A\n",
        "/*",
        "{",
        "}",
    ),
    *("[", "--a ", "a=", ",", ":", "a.", "a/", "-", "$a-", "${A:-", "a\n", "0", "/a", "/.", ". "),
)
TAILS = ("\0", "\n\0")
SOURCES = Path(dockfix.__file__).parent
PACKAGES = sorted(
    {
        path.relative_to(SOURCES).with_suffix("").parts[0]
        for path in SOURCES.rglob("*.py")
        if "import re\n" in path.read_text()
    }
)


def texts(pattern: str, flags: int) -> Iterable[tuple[str, str]]:
    """(head, piece) of the texts to try: the expression's own worst, then pieces of all languages."""
    words = sorted(set(re.findall(r"[A-Za-z]{2,}", pattern)))[:4]
    yield from worst_inputs(pattern, flags)
    yield from (("", piece) for piece in (*PIECES, *words, *(f"{word} " for word in words)))


def seconds(compiled: re.Pattern[Any], uses: frozenset[str], text: str | bytes) -> float:
    start = time.process_time()
    for use in uses:
        for _ in compiled.finditer(text) if use == "search" else [getattr(compiled, use)(text)]:
            pass
    return time.process_time() - start


def slow_input(asked: tuple[str | bytes, int, frozenset[str]]) -> str:
    """An input on which the expression is not linear, or nothing."""
    pattern, flags, uses = asked
    compiled: re.Pattern[Any] = re.compile(pattern, flags)
    for head, piece in texts(pattern if isinstance(pattern, str) else pattern.decode(), flags):
        for tail in TAILS:

            def took(size: int, head: str = head, piece: str = piece, tail: str = tail) -> float:
                text = head + piece * (size // len(piece)) + tail
                return seconds(compiled, uses, text if isinstance(pattern, str) else text.encode())

            if took(SHORT) > FAST and _grows(took):
                return f"{head!r}, many of {piece!r}, and {tail!r}"
    return ""


def _grows(took: Any) -> bool:
    """Whether a longer text takes too much longer, each time that it is tried."""
    return all(took(SHORT * FACTOR) > GROWTH * max(took(SHORT), FAST / 2) for _ in range(4))


@pytest.fixture(scope="module")
def expressions() -> dict[str, list[Expression]]:
    """The expressions of each package: finding them takes too long for every collection of tests."""
    found: dict[str, list[Expression]] = {}
    for one in find_expressions(dockfix).values():
        found.setdefault(one.place.split(":")[0].split(".")[1], []).append(one)
    return found


@pytest.mark.integration
def test_every_package_that_searches_is_timed(expressions: dict[str, list[Expression]]) -> None:
    assert set(expressions) <= set(PACKAGES)


@pytest.mark.parametrize("package", PACKAGES)
@pytest.mark.integration
def test_time_is_linear(package: str, expressions: dict[str, list[Expression]]) -> None:
    asked = expressions.get(package, [])
    found = work_all(slow_input, ((one.pattern, one.flags, one.uses) for one in asked), seconds=SECONDS)
    slow = [describe(one, result) for one, result in zip(asked, found, strict=True) if result]
    assert not slow, "\n".join(slow)


def describe(one: Expression, result: str | Loss) -> str:
    return f"{one.place}: {one.pattern!r} ({', '.join(sorted(one.uses))}): {result}"


@pytest.mark.parametrize(
    ("pattern", "use", "expected"),
    [
        (r"(a+)+b", "search", True),
        (r"\s*x", "search", True),
        (r"\s*x", "match", False),
        (r"a*[ab]*c", "match", True),
        (r"\$\{[^}]*\}", "search", True),
        (r"\$\{[^}{]*\}", "search", False),
        (r'"(?:[^"\\]|\\.)*"', "search", True),
        (r"(?:x|y)z(\d+)\d+!", "fullmatch", True),
    ],
)
@pytest.mark.integration
def test_what_is_not_linear_is_found(pattern: str, use: str, expected: bool) -> None:
    (found,) = work_all(slow_input, [(pattern, 0, frozenset({use}))], seconds=2.0)
    assert bool(found) is expected, found


def test_every_expression_is_found() -> None:
    """What is not found is not timed: the globs that strangers write, of which the next test is."""
    assert {call.split(":")[0] for call in unknown_calls(dockfix)} == {"dockfix.syntax.globs"}


@pytest.mark.parametrize("glob", ["*a" * 200, "*?" * 200, "a*" * 200, "*" * 400, "?" * 400 + "*b"])
@pytest.mark.parametrize("greedy", [True, False])
def test_globs_of_strangers(glob: str, greedy: bool) -> None:
    compiled = compile_glob([{"*": STAR, "?": "."}.get(char, char) for char in glob], greedy=greedy)
    start = time.process_time()
    for text in ("a" * 20_000, "ab" * 10_000, "a" * 20_000 + "\n"):
        compiled.fullmatch(text)
        compiled.match(text)
    assert time.process_time() - start < 2


@settings(max_examples=300)
@given(st.text("*?ab", max_size=6), st.text("abc", max_size=8))
def test_a_glob_matches_what_the_plain_expression_matches(glob: str, text: str) -> None:
    for greedy, star in ((True, ".*"), (False, ".*?")):
        plain = re.compile("".join({"*": star, "?": "."}.get(char, char) for char in glob))
        compiled = compile_glob([{"*": STAR, "?": "."}.get(char, char) for char in glob], greedy=greedy)
        assert bool(compiled.fullmatch(text)) == bool(plain.fullmatch(text))
        found, expected = compiled.match(text), plain.match(text)
        assert (found and found.end()) == (expected and expected.end())
