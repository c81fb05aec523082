"""Variables and quotes: each expectation is what BuildKit's shell/lex.go does."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dockfix.syntax.expansion import expand

ENV = {"A": "1", "EMPTY": "", "FILE": "/x/y.tar.gz", "STR": "foobarbaz", "HOME_": "/h", "SPACE": "a b"}


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("", ""),
        ("plain", "plain"),
        ("$A", "1"),
        ("${A}b", "1b"),
        ("$Ab", ""),
        ("$UNSET/x", "/x"),
        ("a$", "a$"),
        ("$/x", "$/x"),
        ("$1x", "x"),
        ("$@x", "x"),
        ("\\$A", "$A"),
        ("\\${A}", "${A}"),
        ("'$A'", "$A"),
        ('"$A"', "1"),
        ('"\\$A \\" \\\\ \\x"', '$A " \\ \\x'),
        ("a\\ b", "a b"),
        ("a'b c'\"d e\"", "ab cd e"),
        ("trailing\\", "trailing"),
        ("$SPACE", "a b"),
        ("~/x", "~/x"),
        ("`ls`", "`ls`"),
        ("$(ls)", "$(ls)"),
    ],
)
def test_words(raw: str, expected: str) -> None:
    assert expand(raw, ENV) == expected


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("${A:-x}", "1"),
        ("${UNSET:-x}", "x"),
        ("${EMPTY:-x}", "x"),
        ("${EMPTY-x}", ""),
        ("${UNSET-x}", "x"),
        ("${A:+x}", "x"),
        ("${EMPTY:+x}", ""),
        ("${EMPTY+x}", "x"),
        ("${UNSET+x}", ""),
        ("${A:?no}", "1"),
        ("${UNSET:-${A}2}", "12"),
        ("${UNSET:-'a b'}", "a b"),
        ("${UNSET:-a\\}b}", "a}b"),
        ('"${UNSET:-"q"}"', "q"),
        ("${STR#f*b}", "arbaz"),
        ("${STR##f*b}", "az"),
        ("${STR%b*}", "foobar"),
        ("${STR%%b*}", "foo"),
        ("${FILE##*/}", "y.tar.gz"),
        ("${FILE%.*}", "/x/y.tar"),
        ("${STR#x}", "foobarbaz"),
        ("${STR%ba?}", "foobar"),
        ("${STR/ba/fo}", "fooforbaz"),
        ("${STR//ba/fo}", "fooforfoz"),
        ("${FILE//\\//_}", "_x_y.tar.gz"),
        ("${STR/(/x}", "foobarbaz"),
    ],
)
def test_modifiers(raw: str, expected: str) -> None:
    assert expand(raw, ENV) == expected


@pytest.mark.parametrize(
    "raw",
    [
        "'open", '"open', "${A", "${", "${}", "${{A}}", "${:-x}", "${A:}", "${A:#x}", "${A!x}", "${A:-x",
        "${UNSET:?no}", "${UNSET?no}", "${EMPTY:?no}", "${A/x}", "${A/x/y", "${A#\\a}", "it's",
        "${A:-" * 5_000,
    ],
)  # fmt: skip
def test_what_the_builder_refuses(raw: str) -> None:
    assert expand(raw, ENV) is None


@pytest.mark.parametrize(
    ("raw", "expected"),
    [("`$A", "$A"), ("C:\\$A", "C:\\1"), ('"`""', '"'), ("a` b", "a b")],
)
def test_backtick_for_escape(raw: str, expected: str) -> None:
    assert expand(raw, ENV, "`") == expected


@given(st.text(st.sampled_from("ab$A{}:-+?#%/'\"\\` é*("), max_size=30))
def test_any_word_expands_or_is_refused(raw: str) -> None:
    value = expand(raw, {"A": "a/b"})
    assert value is None or isinstance(value, str)
    if not set(raw) & set("$'\"\\"):
        assert value == raw
