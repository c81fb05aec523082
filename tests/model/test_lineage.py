from __future__ import annotations

import pytest
from plans import read_plan

from dockfix import Options
from dockfix.model.lineage import (
    Stage,
    count_settings,
    find_heirs,
    find_lineages,
    is_root_user,
    read_stages,
)
from dockfix.options import ANY_STAGE
from dockfix.syntax.parser import parse


def stages_of(text: str, options: Options | None = None) -> tuple[Stage, ...]:
    return read_stages(parse(text), options or Options())


FAMILY = """\
ARG TAG=3.12-slim
FROM python:${TAG} AS Base
USER app
WORKDIR /srv
ENV A=1
ARG B=2
FROM base AS test
RUN pytest
FROM base
ENV C=$A$B
WORKDIR app
"""


def test_a_stage_is_tied_to_its_parent_or_its_image() -> None:
    base, test, last = stages_of(FAMILY)
    assert (base.parent, test.parent, last.parent) == (None, base, base)
    assert (base.reference, base.image.name, base.image.tag) == ("python:3.12-slim", "python", "3.12-slim")
    assert last.image is base.image
    assert [stage.names() for stage in (base, test, last)] == [("base", "0"), ("test", "1"), ("2",)]


def test_an_heir_starts_with_what_its_parent_left() -> None:
    lineage = find_lineages(stages_of(FAMILY), ())[0]
    assert [step.index for step in lineage.steps] == list(range(len(lineage.steps)))
    assert (lineage.end.user, lineage.end.workdir) == ("app", "/srv/app")
    assert (lineage.end.env["A"], lineage.end.env["C"]) == ("1", "12")
    assert "B" not in lineage.end.env
    assert [step.keyword for step in lineage.own_steps] == ["ENV", "WORKDIR"]


def test_arguments_are_inherited_by_the_stages_that_are_built_on_theirs() -> None:
    """Measured with docker 28.5; an ARG without a value takes that of the file's head again."""
    text = "ARG G=head\nFROM a AS b\nARG A=b\nARG G=b\nFROM b\nRUN x\nARG A\nARG G\nRUN y\n"
    runs = find_lineages(stages_of(text), ())[0].of("RUN")
    assert [(one.before.variables["A"], one.before.variables["G"]) for one in runs] == [
        ("b", "b"), ("b", "head"),
    ]  # fmt: skip


def test_named_targets_ship_beside_the_last_stage() -> None:
    stages = stages_of(FAMILY)
    found = find_lineages(stages, ("test", "1", "nothing", "BASE"))
    assert [lineage.final.index for lineage in found] == [2, 1, 0]
    assert [len(lineage.stages) for lineage in found] == [2, 2, 1]


def test_a_target_that_only_brings_files_out_of_a_build_is_no_image() -> None:
    text = (
        "FROM a AS build\nFROM scratch AS dist\nCOPY --from=build /d /\nFROM scratch AS run\nCMD y\nFROM a\n"
    )
    found = find_lineages(stages_of(text), ("dist", "run"))
    assert [one.final.index for one in found] == [3, 2]


def test_a_stage_with_a_start_ships_unless_another_is_built_on_it() -> None:
    stages = stages_of(
        "FROM a AS base\nCMD x\nFROM base AS prod\nENTRYPOINT y\n"
        "FROM base AS none\nCMD []\nFROM base AS last\n"
    )
    found = find_lineages(stages, ("none",))
    assert [(one.final.name, one.unnamed) for one in found] == [
        ("last", False), ("none", False), ("prod", True),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("steps", "user", "workdir", "env"),
    [
        ("USER app:group", "app:group", "/", {}),
        ("ARG U=app\nUSER $U", "app", "/", {}),
        ("USER $U", "", "/", {}),
        ("WORKDIR a\nWORKDIR b/../c", "root", "/a/c", {}),
        ("ENV A=1 B=$A", "root", "/", {"A": "1", "B": ""}),
        ("ENV A=1\nARG A=2\nENV B=$A", "root", "/", {"A": "1", "B": "1"}),
        ("ARG A=2\nENV B=${A:-3}", "root", "/", {"B": "2"}),
    ],
)
def test_state_at_the_end(steps: str, user: str, workdir: str, env: dict[str, str]) -> None:
    end = read_plan(f"{steps}\n").lineage.end
    assert (end.user, end.workdir) == (user, workdir)
    assert {key: end.env.get(key) for key in env} == env


def test_a_shell_counts_from_where_it_stands() -> None:
    steps = read_plan('RUN a\nSHELL ["/bin/bash", "-c"]\nRUN b\n').lineage.of("RUN")
    assert [step.before.shell[0] for step in steps] == ["/bin/sh", "/bin/bash"]


def test_the_last_step_of_a_keyword_counts() -> None:
    lineage = read_plan("CMD a\nCMD b\nRUN c\n").lineage
    last = lineage.last("CMD")
    assert last is not None
    assert last.instruction.args == "b"
    assert lineage.last("ENTRYPOINT") is None
    assert [step.keyword for step in lineage.of("RUN", "CMD")] == ["CMD", "CMD", "RUN"]


@pytest.mark.parametrize(
    ("user", "expected"),
    [
        ("root", True),
        ("0", True),
        ("00", True),
        ("0:0", True),
        ("root:app", True),
        ("app", False),
        ("1000:0", False),
        ("", False),
        ("rooted", False),
    ],
)
def test_who_is_root(user: str, expected: bool) -> None:
    assert is_root_user(user) is expected


@pytest.mark.parametrize(
    ("base", "options", "family", "known"),
    [
        ("python:3.12-slim-bookworm", Options(), "debian", True),
        ("own/image", Options(), "unknown", False),
        ("own/image", Options(base="alpine:3.20"), "alpine", True),
        ("own/image", Options(images={"own/*": {"family": "rhel"}}), "rhel", True),
    ],
)
def test_a_base_is_known_by_name_or_by_what_the_options_say(
    base: str, options: Options, family: str, known: bool
) -> None:
    (stage,) = stages_of(f"FROM {base}\nRUN true\n", options)
    assert (stage.image.family, stage.image.known) == (family, known)


def test_package_managers_give_an_unknown_base_away() -> None:
    (stage,) = stages_of("FROM own/image\nRUN apk add python3\n")
    assert (stage.image.family, stage.image.known, stage.image.name) == ("alpine", False, "own/image")


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        ("RUN a", 0),
        ("ENV A=1\nRUN a", 1),
        ("ENV A=1\n\nRUN echo $A", 1),
        ("LABEL a=b\n\nENV A=1\nRUN echo $A", 1),
        ("LABEL a=b\n\nENV A=1\nRUN echo $B", 2),
        ("ENV A=1\nLABEL a=b", 2),
    ],
)
def test_settings_behind_from_are_counted_but_for_those_of_the_next_step(steps: str, expected: int) -> None:
    assert count_settings(read_plan(f"\n{steps}\n").lineage.own_steps) == expected


@pytest.mark.parametrize(
    ("heir", "touched"),
    [
        ("RUN apt-get update", ["RUN"]),
        ("COPY a /a", ["COPY"]),
        ("ENV A=b\nUSER root\nRUN a", ["USER"]),
        ("USER app\nRUN a", []),
        ("ENV A=b", []),
    ],
)
def test_heirs_that_were_written_for_root(heir: str, touched: list[str]) -> None:
    stages = stages_of(f"FROM python:3.12 AS base\nRUN a\nFROM base\n{heir}\n")
    assert [first.keyword for _, first in find_heirs(stages, stages[0])] == touched


def test_an_heir_of_an_heir_that_touches_nothing_counts() -> None:
    stages = stages_of("FROM python AS a\nFROM a AS b\nENV A=b\nFROM b\nRUN x\nFROM python\nRUN y\n")
    assert [(stage.index, first.keyword) for stage, first in find_heirs(stages, stages[0])] == [(2, "RUN")]


def test_every_stage_that_starts_something_may_ship_if_a_target_is_unknown() -> None:
    text = """\
FROM python:3.12 AS base
CMD ["python"]
FROM base AS run
FROM base AS test
CMD ["pytest"]
FROM node:20 AS assets
RUN npm ci
FROM base AS last
"""
    found = find_lineages(stages_of(text), (ANY_STAGE,))
    assert [(one.final.name, one.unnamed) for one in found] == [
        ("last", False), ("base", True), ("run", True), ("test", True),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        ("RUN useradd -o -u 0 app", True),
        ("RUN useradd -ou0 app", True),
        ("RUN useradd --non-unique --uid=0 app", True),
        ("ARG N=0\nRUN useradd -o -u $N app", True),
        ("RUN adduser -D app && usermod -o -u 0 app", True),
        ("RUN <<EOF\nadduser -u 0 app\nEOF", True),
        ("RUN echo 'app:x:0:0::/root:/bin/sh' >> /etc/passwd", True),
        ("RUN useradd -o -u 0 app\nRUN usermod -u 1000 app", False),
        ("RUN useradd -u 1000 -g 0 app", False),
        ("RUN echo 'app:x:1000:0::/root:/bin/sh' >> /etc/passwd", False),
        ("RUN useradd -o -u 0 other", False),
    ],
)
def test_an_account_with_roots_number_is_root(step: str, expected: bool) -> None:
    (lineage,) = find_lineages(stages_of(f"FROM debian\n{step}\nUSER app:app\nCMD a\n"), ())
    assert lineage.end.is_root is expected
