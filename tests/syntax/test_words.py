"""Words, pairs and images of one joined instruction, as BuildKit's line parsers cut them."""

from __future__ import annotations

import subprocess
import sys

import pytest
from dockerfile_parse.util import WordSplitter
from hypothesis import given
from hypothesis import strategies as st

from dockfix.syntax.words import (
    declared_arguments,
    image_from,
    key_values,
    split_quoted_words,
    split_words,
)


@pytest.mark.parametrize(
    ("args", "expected"),
    [
        ("", []),
        (". /app", [".", "/app"]),
        ("a  b\t/c/", ["a", "b", "/c/"]),
        ('"a b" /c', ['"a', 'b"', "/c"]),
        ("a\u00a0b c", ["a\u00a0b", "c"]),
        ("80 443/tcp", ["80", "443/tcp"]),
    ],
)
def test_split_words(args: str, expected: list[str]) -> None:
    words = split_words(args)
    assert [word.text for word in words] == expected
    assert [args[word.start : word.end] for word in words] == expected


@pytest.mark.parametrize(
    ("args", "expected"),
    [
        ("A=b", [("A", "b")]),
        ("A=b C=d", [("A", "b"), ("C", "d")]),
        ("A=", [("A", "")]),
        ("A=b=c", [("A", "b=c")]),
        ('A="b c" D=e', [("A", '"b c"'), ("D", "e")]),
        ("A='b c'", [("A", "'b c'")]),
        ("A=b\\ c D=e", [("A", "b\\ c"), ("D", "e")]),
        ('A="b \\" c" D=e', [("A", '"b \\" c"'), ("D", "e")]),
        ("A='b \\' D=e", [("A", "'b \\'"), ("D", "e")]),
        ("A=${B:-dflt}", [("A", "${B:-dflt}")]),
        ('A=a"b c"d', [("A", 'a"b c"d')]),
        ('A="open b', [("A", '"open b')]),
        ("A=b \u00a0C=d", [("A", "b"), ("C", "d")]),
        ("A b", [("A", "b")]),
        ("A  b  c=d 'e'", [("A", "b  c=d 'e'")]),
        ("A", []),
        ("A=b C", [("A", "b")]),
        ("", []),
    ],
)
def test_key_values(args: str, expected: list[tuple[str, str]]) -> None:
    assert list(key_values(args)) == expected


@given(st.text(alphabet='ab=${}" \t\n\f', max_size=30))
def test_plainly_quoted_words_are_those_of_the_library(args: str) -> None:
    assert split_quoted_words(args, "\\") == tuple(WordSplitter(args).split(dequote=False))


def test_key_values_with_a_backtick_for_escape() -> None:
    assert key_values("A=b` c D=C:\\ E=f", "`") == (("A", "b` c"), ("D", "C:\\"), ("E", "f"))


@pytest.mark.parametrize(
    ("args", "expected"),
    [
        ("A", [("A", None)]),
        ("A=", [("A", "")]),
        ("A=b", [("A", "b")]),
        ("A B=c D", [("A", None), ("B", "c"), ("D", None)]),
        ('A="b c" D', [("A", '"b c"'), ("D", None)]),
        ("", []),
    ],
)
def test_declared_arguments(args: str, expected: list[tuple[str, str | None]]) -> None:
    assert list(declared_arguments(args)) == expected


@pytest.mark.parametrize(
    ("args", "expected"),
    [
        ("python:3.12-slim", ("python:3.12-slim", None)),
        ("python:3.12 AS Build", ("python:3.12", "build")),
        ("python:3.12  as  build", ("python:3.12", "build")),
        ("${BASE:-python:3} AS run", ("${BASE:-python:3}", "run")),
        ("ghcr.io:443/a/b@sha256:00", ("ghcr.io:443/a/b@sha256:00", None)),
        ("a\u00a0AS b", ("a\u00a0AS", None)),
        ("", ("", None)),
    ],
)
def test_image_from(args: str, expected: tuple[str, str | None]) -> None:
    assert image_from(args) == expected


# dockerfile-parse takes U+001C to U+001F for spaces, and BuildKit does not: no such file is known.
VALUES = st.text(st.characters(codec="utf-8", exclude_characters="\n\r\x1c\x1d\x1e\x1f\0"), max_size=12)
TOKENS = st.one_of(st.sampled_from(['"', "'", "\\", " ", "=", "$A", "a", "b c", "\\ "]), VALUES)


@given(st.lists(TOKENS, max_size=12).map("".join))
def test_pairs_are_the_oracles(args: str) -> None:
    dockerfile = pytest.importorskip("dockerfile")
    from dockfix.syntax.parser import parse

    text = f"ENV A={args}\n"
    try:
        (command,) = dockerfile.parse_string(text)
    except dockerfile.GoParseError:
        return
    (instruction,) = parse(text).instructions
    if not instruction.flags and not args.rstrip().endswith("\\"):
        assert tuple(part for pair in key_values(instruction.args) for part in pair) == command.value


def test_dockerfile_parse_is_imported_at_first_use_only() -> None:
    code = "import sys, dockfix.syntax.words; print('dockerfile_parse' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
