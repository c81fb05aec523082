from __future__ import annotations

import pytest
from plans import read_plan

from dockfix.model.paths import resolve
from dockfix.model.runs import Run, activated
from dockfix.syntax.shell import parse_script


def read(steps: str) -> Run:
    """The last RUN."""
    return list(read_plan(steps).runs.values())[-1]


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        ("RUN a && b", ["a /", "b /"]),
        ("WORKDIR /app\nRUN cd src && a; cd .. && b", ["cd /app", "a /app/src", "cd /app/src", "b /app"]),
        ("WORKDIR /app\nRUN (cd src && a) && b", ["cd /app", "a /app/src", "b /app"]),
        ("WORKDIR /app\nRUN sh -c 'cd src; a' && b", ["cd /app", "a /app/src", "b /app"]),
        ("RUN cd $NOWHERE && a", ["cd /", "a /\0"]),
        ("ENV D=/srv\nRUN cd $D && a", ["cd /", "a /srv"]),
        ('WORKDIR /app\nRUN ["a", "b"]', ["a /app"]),
        ("RUN <<EOF\ncd /srv\na\nEOF", ["cd /", "a /srv"]),
    ],
)
def test_each_command_has_the_directory_that_it_runs_in(steps: str, expected: list[str]) -> None:
    assert [f"{one.command.program} {one.cwd}" for one in read(steps).invocations] == expected


@pytest.mark.parametrize(
    ("steps", "name", "expected"),
    [
        ("ENV A=1\nRUN a", "A", "1"),
        ("ARG A=1\nRUN a", "A", "1"),
        ("RUN A=1 a", "A", "1"),
        ("RUN A=1 b && a", "A", None),
        ("RUN A=1; a", "A", "1"),
        ("RUN export A=1 && a", "A", "1"),
        ("RUN A=$(b); a", "A", None),
        ('RUN : "${A:=1}"; a', "A", "1"),
        ("ENV A=2\nRUN : ${A=1}; a", "A", "2"),
        ("RUN : ${A:=/x}/${B:=$A/y}; a", "B", "/x/y"),
        ("RUN : '${A:=1}'; a", "A", None),
        ("RUN . /venv/bin/activate && a", "VIRTUAL_ENV", "/venv"),
        ("RUN poetry config virtualenvs.create false && a", "POETRY_VIRTUALENVS_CREATE", "false"),
        ("RUN poetry config virtualenvs.create false\nRUN a", "POETRY_VIRTUALENVS_CREATE", "false"),
        ("RUN A=1; A=$(cat f); a", "A", None),
        ("RUN A=1 && export A=$(cat f) && a", "A", None),
        ("RUN A=1; read -r A < f; a", "A", None),
        ("RUN for A in 1; do :; done; cat f | while read -r A B; do a; done", "A", None),
        ("RUN A=1; unset A; a", "A", ""),
        ("RUN A=1; A=$B a", "A", None),
    ],
)
def test_variables_in_force_at_the_last_command(steps: str, name: str, expected: str | None) -> None:
    last = read(steps).invocations[-1]
    assert last.command.program == "a"
    assert last.env.get(name) == expected


@pytest.mark.parametrize(
    "steps",
    [
        'ENV #=abc\nRUN mkdir "$@"',
        'ENV #=999999999\nRUN mkdir "$@"',
        "RUN export '#=999999999' 1=x && mkdir \"$@\"",
        'ENV 1=x\nRUN mkdir "$1"',
    ],
)
def test_only_names_of_variables_are_variables_of_a_shell(steps: str) -> None:
    last = read(steps).invocations[-1]
    assert last.env.keys().isdisjoint(("#", "1"))
    assert last.effect("/home/app").makes == ()


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ('f() { mkdir -p "$1"; }; f /x && f /y', ["/x", "/y"]),
        ('f() { mkdir -p "${2:-/d}/$1"; }; f a; f b /c', ["/d/a", "/c/b"]),
        ('f() { local d="$1/logs"; mkdir -p "$d"; }; f /x', ["/x/logs"]),
        ("f() { cd /x; }; f; mkdir a", ["/x/a"]),
        ("f() { X=/x; }; f; mkdir $X", ["/x"]),
        ('f() { shift; mkdir "$1"; }; f a b', ["/b"]),
        ('f() { shift $n; mkdir "$1"; }; f a b', ["/\0"]),
        ('f() { shift 2; for d in "$@"; do mkdir "$d"; done; }; f a b /c /d', ["/c", "/d"]),
        ('f() { for d; do mkdir "$d"; done; }; f /x /y', ["/x", "/y"]),
        ('f() { g -v "$@"; }; g() { mkdir "$3"; }; f /x /y', ["/y"]),
        ('D=(/x /y); f() { for d in "${D[@]}"; do mkdir "$d"; done; }; f', ["/x", "/y"]),
        ('f() { set -- "$1"/a "$1"/b; for d in $*; do mkdir "$d"; done; }; f /x', ["/x/a", "/x/b"]),
        ("sh -c 'mkdir $0' /x", ["/x"]),
        ("sh -c 'for d in \"$@\"; do mkdir $d; done' sh /x /y", ["/x", "/y"]),
        ("f() { g; }; g() { mkdir a; }; f", ["/a"]),
        ("f() { mkdir a; f; }; f", ["/a"]),
    ],
)
def test_a_function_does_what_it_says_where_it_is_called(script: str, expected: list[str]) -> None:
    made = [one for one in read(f"RUN {script}").invocations if one.command.program == "mkdir"]
    assert [resolve(one.command.args[-1].expand(one.env) or "\0", one.cwd) for one in made] == expected
    assert not any(one.optional for one in made)


def test_a_function_that_nothing_calls_may_run() -> None:
    removal, _ = read("RUN f() { rm a; }; trap f EXIT").invocations
    assert removal.optional


def test_a_loop_over_literals_is_unrolled() -> None:
    one, two, after = read("RUN for D in x y; do mkdir /$D; done && a").invocations
    assert [found.env["D"] for found in (one, two)] == ["x", "y"]
    assert after.command.program == "a"


@pytest.mark.parametrize(
    ("loop", "expected"),
    [
        ("L='x y'; for d in $L /z", ["x", "y", "/z"]),
        ("L='x y'; for d in \"$L\"", ["x y"]),
        ("L=; for d in $L", []),
        ('D=(/x  "$Y/y" z); Y=/y; for d in "${D[@]}"', ["/x", "/y/y", "z"]),
        ("A=/x; for d in $A/a ${A}b", ["/x/a", "/xb"]),
    ],
)
def test_a_loop_over_variables_with_values_is_unrolled(loop: str, expected: list[str]) -> None:
    made = [one for one in read(f"RUN {loop}; do mkdir $d; done").invocations if one.command.args]
    assert [one.env["d"] for one in made] == expected
    assert not any(one.optional for one in made)


@pytest.mark.parametrize(
    "loop",
    [
        "for d in $LIST",
        'for d in "$@"',
        "for d",
        "for d in /x $(cat list)",
        'D=(/x /y); D+=(/z); for d in "${D[@]}"',
        'D=(/x $(cat list)); for d in "${D[@]}"',
        "D=('/x y'); for d in \"${D[@]}\"",
        'for d in "${D[@]}"',
        "for ((d=0; d<9; d++))",
        "while read d",
        "printf '%s' /x | while read -r d",
        "until read d",
        "ls | xargs sh -c 'mkdir \"$1\"' _; for d in $1",
    ],
)
def test_what_a_loop_may_do_any_number_of_times_is_not_known(loop: str) -> None:
    made = [
        one for one in read(f"RUN {loop}; do mkdir $d; done").invocations if one.command.program == "mkdir"
    ]
    assert [one.command.args[0].expand(one.env) for one in made] == [None] * len(made)
    assert made[-1].optional
    assert made[-1].looped


def test_what_is_guarded_in_a_loop_is_not_optional_for_the_loop_alone() -> None:
    guarded, called = read("RUN f() { mkdir $d; }; for d in $L; do test $d || mkdir $d; f; done").invocations[
        1:
    ]
    assert (guarded.optional, guarded.looped) == (True, False)
    assert (called.optional, called.looped) == (True, True)


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("for f in a b; do for g in *.x; do mkdir $f; done; done", ["a", "b"]),
        ("for f in a b; do for g in $(ls); do mkdir $f; done; done", ["a", "b"]),
        ("for f in a b; do while read l; do mkdir $f; done; done", ["a", "b"]),
        ("for f in *.x; do mkdir $g; for g in a; do A=1; done; done", [None]),
        ("g=1; while x; do mkdir $g; for g in a; do A=1; done; done", [None]),
        ("g=1; while x; do mkdir $g; for g in a; do b; done; done", [None]),
    ],
)
def test_a_loop_forgets_what_it_assigns_alone(script: str, expected: list[str | None]) -> None:
    made = [one for one in read(f"RUN {script}").invocations if one.command.program == "mkdir"]
    assert [one.command.args[0].expand(one.env) for one in made] == expected


def test_a_umask_counts_from_where_it_stands() -> None:
    assert [one.umask for one in read("RUN a; umask 077; b").invocations] == [0o022, 0o022, 0o077]


@pytest.mark.parametrize(
    ("steps", "understood", "commands"),
    [
        ("RUN a", True, 1),
        ("RUN if", False, 0),
        ('SHELL ["pwsh"]\nRUN a', False, 1),
        ("RUN <<EOF\n#!/usr/bin/env python3\nimport os\nEOF", False, 1),
        ("RUN []", True, 0),
    ],
)
def test_what_the_grammar_reads(steps: str, understood: bool, commands: int) -> None:
    script = read(f"{steps}\n").script
    assert (script.understood, len(script.commands)) == (understood, commands)


def test_pip_calls_are_those_whose_words_stand_in_the_file() -> None:
    run = read("RUN pip install a && sh -c 'pip install b' && pip freeze")
    assert [pip.operands for pip in run.pips] == [("a",)]
    assert [one.pip is not None for one in run.invocations] == [True, True, True]


@pytest.mark.parametrize(
    "steps",
    [
        "RUN pip install flask",
        "RUN a && \\\n    pip install flask",
        "RUN <<EOF\na\npip install flask\nEOF",
        "RUN cat <<EOF && pip install flask\na\nEOF",
    ],
)
def test_a_word_is_found_in_the_file(steps: str) -> None:
    run = read(f"{steps}\n")
    (pip,) = run.pips
    start, end = run.span(pip.action)
    source = run.instruction.source
    assert source[start - len("pip ") : end] == "pip install"
    assert run.line_of(pip.command) == source.count("\n", 0, start) + 1


def test_a_word_of_the_exec_form_is_found_with_its_quotes() -> None:
    run = read('RUN ["pip", "install",\\\n  "flask"]\n')
    (pip,) = run.pips
    places = [run.span(word) for word in (pip.program, pip.action, *pip.rest)]
    assert [run.instruction.source[start:end] for start, end in places] == ['"pip"', '"install"', '"flask"']
    assert run.line_of(pip.command) == run.instruction.line


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        (". /venv/bin/activate", "/venv"),
        ("source $V/bin/activate", "/v"),
        (". /etc/profile", ""),
        ("activate /venv/bin/activate", ""),
        (".", ""),
    ],
)
def test_the_environment_that_is_entered(command: str, expected: str) -> None:
    assert activated(parse_script(command).commands[0], {"V": "/v"}) == expected
