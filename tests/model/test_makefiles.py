"""What make runs for its goals."""

from __future__ import annotations

import pytest

from dockfix.model.makefiles import read_goals, read_recipes

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
    return [(one.number, one.text) for one in read_recipes(MAKEFILE, read_goals(words))]


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


def test_options_with_values_are_not_goals() -> None:
    goals = read_goals(["-s", "-C", "deploy", "--file=Run.mk", "-j4", "run"])
    assert (goals.targets, goals.paths("/app")) == (("run",), ["/app/deploy/Run.mk"])


def test_variables_that_name_each_other_end() -> None:
    text = "A = $(B)\nB = $(A)$(A)\nrun:\n\techo $(A)\n"
    assert read_recipes(text, read_goals(["run"]))[0].text.startswith("echo ")
