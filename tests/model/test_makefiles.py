"""What make runs for its goals."""

from __future__ import annotations

import pytest

from dockfix.model.makefiles import find_recipes, read_goals, read_recipes
from dockfix.model.runs import Invocation
from dockfix.syntax.shell import parse_script

MAKEFILE = """\
# the service
PORT ?= 8000
LOGS := /var/log/acme
export MODE = prod   # a comment
.PHONY: run check

run: check $(LOGS)
\t@python app.py --port $(PORT) \\
\t  --logs ${LOGS} --pid $$PPID

check:
\t-test -f app.py
\t@$(MAKE) lint

$(LOGS):
\tmkdir -p $@

lint: ; ruff check
stamp: app.py | check
\tcp $< $(shell date).py
"""


def recipes(*words: str) -> list[tuple[int, str]]:
    return [(one.number, one.text) for one in read_recipes(MAKEFILE, read_goals(words), {})]


def texts(makefile: str, *words: str, **environment: str) -> list[str]:
    return [one.text for one in read_recipes(makefile, read_goals(words), environment)]


def test_recipes_of_a_goal_follow_those_of_what_it_needs() -> None:
    assert recipes("run") == [
        (12, "test -f app.py"),
        (13, "make lint"),
        (16, "mkdir -p /var/log/acme"),
        (8, "python app.py --port 8000  \t  --logs /var/log/acme --pid $PPID"),
    ]


def test_first_rule_is_the_goal_without_a_word() -> None:
    assert recipes() == recipes("run")


def test_variables_of_the_command_line_win() -> None:
    assert recipes("PORT=80", "run")[-1][1].startswith("python app.py --port 80 ")


def test_what_make_alone_knows_is_not_known() -> None:
    assert recipes("stamp")[-1] == (20, "cp app.py $MAKE_DOES_NOT_KNOW.py")


@pytest.mark.parametrize("words", [("nothing",), ("-f", "other.mk", "nothing")])
def test_goal_without_a_rule_runs_nothing(words: tuple[str, ...]) -> None:
    assert recipes(*words) == []


def test_recipe_may_stand_behind_a_semicolon() -> None:
    assert recipes("lint") == [(18, "ruff check")]


@pytest.mark.parametrize(
    "words",
    [
        "-s -C deploy --file=Run.mk -j4 run",
        "-sCdeploy -fRun.mk -j 4 run",
        "--directory deploy --makefile Run.mk --jobs 4 run",
        "-C deploy -f Run.mk -l 2.5 run",
        "-C deploy -f Run.mk --load-average 2 run",
        "-C deploy -f Run.mk -kj run",
        "-C deploy -f Run.mk --jobs run",
        "-C deploy -f Run.mk --include-dir mk -W x run",
    ],
)
def test_options_with_values_are_not_goals(words: str) -> None:
    goals = read_goals(words.split())
    assert (goals.targets, goals.paths("/app")) == (("run",), ["/app/deploy/Run.mk"])


def test_variables_that_name_each_other_are_not_known() -> None:
    text = "A = $(B)\nB = $(A)$(A)\nrun:\n\techo $(A)\n"
    assert set(texts(text, "run")[0].split()[1].split("$")) == {"", "MAKE_DOES_NOT_KNOW"}


def test_a_line_grows_only_so_far() -> None:
    text = f"A = {'$(A)' * 60}\nB := {'x' * 5000}\nrun:\n\techo $(A)\n\techo {'$(B)' * 500}\n"
    assert max(map(len, texts(text, "run"))) < 40_000


def test_a_prefix_may_stand_in_a_variable() -> None:
    assert texts("Q = @\nrun:\n\t$(Q)python main.py\n\t$(Q)-rm x\n") == ["python main.py", "rm x"]


@pytest.mark.parametrize(
    ("assignments", "environment", "expected"),
    [
        ("X = a\nX += b", {}, "a b"),
        ("X += b", {}, "b"),
        ("X += b", {"X": "a"}, "a b"),
        ("X = b", {"X": "a"}, "b"),
        ("X ?= b", {"X": "a"}, "a"),
        ("X ?= b", {}, "b"),
        ("", {"X": "a"}, "a"),
        ("X := $(X):b", {"X": "a"}, "a:b"),
        ("Y = 1\nX := $(Y)\nY = 2", {}, "1"),
        ("Y = 1\nX = $(Y)\nY = 2", {}, "2"),
        ("X := $${HOME}", {"HOME": "/root"}, "${HOME}"),
        ("", {"X": "/\0"}, "/$MAKE_DOES_NOT_KNOW"),
    ],
)
def test_values_of_variables(assignments: str, environment: dict[str, str], expected: str) -> None:
    assert texts(f"{assignments}\nrun:\n\techo $(X)\n", **environment) == [f"echo {expected}"]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("make $WORDS", ["/srv b"]),
        ("make $EMPTY", ["/srv a"]),
        ("make $UNKNOWN", []),
        ("make -C $UNKNOWN run", []),
        ("make X=$UNKNOWN run", ["/srv $MAKE_DOES_NOT_KNOW"]),
        ('make "X=$UNKNOWN" run', ["/srv $MAKE_DOES_NOT_KNOW"]),
    ],
)
def test_words_of_make_are_those_of_the_shell(line: str, expected: list[str]) -> None:
    (command,) = parse_script(line).commands
    one = Invocation(command, "/srv", {"WORDS": "run X=b", "EMPTY": ""}, None)
    found = find_recipes(one, {"/srv/Makefile": "X = a\nrun:\n\techo $(X)\n"}.get)
    assert [f"{made.cwd} {made.command.args[0].text}" for made in found] == expected


def test_an_addition_leaves_what_the_command_line_gives() -> None:
    assert texts("X += b\nrun:\n\techo $(X)\n", "X:=a") == ["echo a"]
