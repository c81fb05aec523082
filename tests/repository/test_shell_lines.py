from __future__ import annotations

import re

import pytest

from dockfix.repository.shell_lines import UNKNOWN, read_lines

GO = re.compile(r"\bgo\b")


@pytest.mark.parametrize(
    ("text", "folders"),
    [
        ("go\ncd a\ngo\ncd b/c\ngo\n", ["", "a", "a/b/c"]),
        ("cd a && go\ngo\n", ["a", "a"]),
        ("(cd a && go)\ngo\n", ["a", ""]),
        ("pushd a\ngo\npopd\ngo\n", ["a", ""]),
        ("cd ..\ngo\n", [".."]),
        ('cd "$(dirname "$0")/.."\ngo\n', [".."]),
        ('cd a\ncd "$(dirname "$0")"\ngo\n', [""]),
        ("cd $HERE/a\ngo\n", ["$HERE/a"]),
        ("D=a\ncd $D \\\n && go\n", ["a"]),
        ("echo cd a\ngo\n", [""]),
    ],
)
def test_the_folder_that_a_script_has_gone_to(text: str, folders: list[str]) -> None:
    assert [call.folder for call in read_lines(text, GO)] == folders


def test_each_line_of_a_makefile_has_a_shell_of_its_own() -> None:
    text = "x:\n\tcd a && go\n\t@cd b; go\n\tgo\n"
    assert [call.folder for call in read_lines(text, GO, is_one_shell=False)] == ["a", "b", ""]


def test_what_a_script_does_not_say_is_unknown() -> None:
    (call,) = read_lines('go $(x) "a b" $V\n', GO)
    assert call.words == [UNKNOWN, "a b", "$V"]
