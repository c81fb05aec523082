"""Every guarantee accepts a good rewrite and rejects one that was broken by hand."""

from __future__ import annotations

from typing import Final

import pytest

from dockfix import Changed, Chown, Context, Install, Options, Skipped, Unchanged, fix
from dockfix.checks import codes
from dockfix.checks.guarantees import GUARANTEES, Guarantee, check_guarantees
from dockfix.model.lineage import find_lineages, read_stages
from dockfix.model.plan import Plan
from dockfix.pipeline import NAMES
from dockfix.syntax.parser import parse

BEFORE = """\
FROM python:3.12-slim-bookworm
WORKDIR /app
RUN apt-get update && apt-get install -y libpq5
RUN mkdir /uploads
VOLUME /state
COPY req.txt .
RUN --mount=type=cache,target=/root/.cache/pip pip install -r req.txt
COPY --from=ghcr.io/example/models /models /root/.cache/models
ENV MODELS=/root/.cache/models
COPY . .
CMD ["gunicorn", "app:app"]
"""
GOOD = """\
FROM python:3.12-slim-bookworm
WORKDIR /app
RUN apt-get update && apt-get install -y libpq5
RUN mkdir /uploads
RUN addgroup --gid 10001 appuser \\
    && adduser --disabled-password --gecos '' --uid 10001 --gid 10001 appuser \\
    && mkdir -p /state \\
    && chown appuser:appuser /app /state /uploads
USER appuser
VOLUME /state
COPY --chown=appuser:appuser req.txt .
RUN --mount=type=cache,target=/home/appuser/.cache/pip,uid=10001,gid=10001 pip install --user -r req.txt
ENV PATH="/home/appuser/.local/bin:${PATH}"
COPY --chown=appuser:appuser --from=ghcr.io/example/models /models /home/appuser/.cache/models
ENV MODELS=/home/appuser/.cache/models
COPY --chown=appuser:appuser . .
CMD ["gunicorn", "app:app"]
"""
OWNED = "COPY --chown=appuser:appuser . ."
ENDING = 'CMD ["gunicorn", "app:app"]\n'
MODELS = "ENV MODELS=/home/appuser/.cache/models"
# (guarantee, text of GOOD, what stands in its place, part of the message)
BREAKS: Final = [
    ("accepted-by-buildkit", OWNED, "COPY --owner=appuser . .", "BuildKit would refuse"),
    ("accepted-by-buildkit", OWNED, "COPPY . .", "BuildKit would refuse"),
    ("accepted-by-buildkit", "WORKDIR /app\n", "WORKDIR\n", "BuildKit would refuse"),
    ("keeps-every-instruction", ENDING, "", "CMD was lost"),
    ("keeps-every-instruction", "VOLUME /state\n", "", "VOLUME was lost"),
    ("keeps-every-instruction", "WORKDIR /app\n", "", "WORKDIR was lost"),
    (
        "keeps-every-instruction",
        "USER appuser\nVOLUME /state\n",
        "USER appuser\n# VOLUME /state\n",
        "VOLUME was lost",
    ),
    ("ships-as-non-root", "USER appuser\n", "", "still runs as root"),
    ("ships-as-non-root", "USER appuser\n", "USER 0:10001\n", "still runs as root"),
    ("ships-as-non-root", ENDING, "USER root\n" + ENDING, "still runs as root"),
    ("no-root-step-below-user", ENDING, "RUN apt-get install -y gcc\n" + ENDING, "needs root"),
    ("no-root-step-below-user", ENDING, "RUN chown -R nobody /app\n" + ENDING, "needs root"),
    ("no-root-step-below-user", ENDING, "RUN mkdir /etc/app\n" + ENDING, "needs root"),
    (
        "names-resolve",
        "adduser --disabled-password",
        "true --disabled-password",
        "no step creates the user appuser",
    ),
    (
        "names-resolve",
        "WORKDIR /app\n",
        "WORKDIR /app\nCOPY --chown=appuser:appuser a b\n",
        "does not exist yet",
    ),
    ("copies-are-owned", OWNED, "COPY . .", "/app still belongs to root"),
    ("copies-are-owned", "COPY --chown=appuser:appuser req", "COPY req", "/app still belongs to root"),
    ("directories-are-owned", "chown appuser:appuser /app /state", "chown appuser:appuser /state", "/app"),
    ("directories-are-owned", " /app /state /uploads", " /app /uploads", "/state"),
    ("directories-are-owned", " /app /state /uploads", " /app /state", "/uploads"),
    ("user-installs-are-on-path", 'ENV PATH="/home/appuser/.local/bin:${PATH}"\n', "", "not on PATH"),
    ("user-installs-are-on-path", "/home/appuser/.local/bin:", "/home/other/.local/bin:", "not on PATH"),
    ("user-installs-are-on-path", "install --user -r", "install -r", "has no user directory"),
    ("nothing-in-root-home", MODELS, "ENV MODELS=/root/models", "the new user cannot enter /root/models"),
    ("nothing-in-root-home", MODELS, MODELS + "\nENV HOME=/root", "HOME is still root's home"),
    ("nothing-in-root-home", '["gunicorn"', '["/root/bin/gunicorn"', "cannot enter"),
    (
        "nothing-in-root-home",
        "RUN mkdir /uploads\n",
        "RUN mkdir /uploads\nRUN pip install --user gunicorn\n",
        "packages are installed into root's home",
    ),
    ("mounts-are-usable", ",uid=10001,gid=10001", "", "a mount below USER belongs to root"),
    (
        "mounts-are-usable",
        ENDING,
        "RUN --mount=type=secret,id=key python fetch.py\n" + ENDING,
        "a mount below USER belongs to root",
    ),
]
BY_NAME: Final = {guarantee.name: guarantee for guarantee in GUARANTEES}
# Held only with --any-uid: tests/test_any_uid.py breaks it.
ASKED_FOR: Final = frozenset({"serves-any-uid"})
IN_PART: Final = [name for name, one in BY_NAME.items() if one.needs and name not in ASKED_FOR]


def read_plan(text: str, options: Options | None = None) -> Plan:
    options = options or Options()
    tree = parse(text)
    stages = read_stages(tree, options)
    return Plan(tree, stages, find_lineages(stages, ())[0], options, Context())


def check(guarantee: Guarantee, text: str, options: Options | None = None) -> list[str]:
    return [what for _, what in guarantee.check(read_plan(BEFORE, options), read_plan(text, options))]


def test_good_rewrite_is_a_whole_one() -> None:
    assert isinstance(fix(BEFORE), Changed)
    assert isinstance(fix(GOOD), Unchanged)


@pytest.mark.parametrize("name", BY_NAME)
def test_good_rewrite_breaks_nothing(name: str) -> None:
    assert check(BY_NAME[name], GOOD) == []


@pytest.mark.parametrize(("name", "old", "new", "message"), BREAKS)
def test_broken_rewrite_is_found(name: str, old: str, new: str, message: str) -> None:
    assert GOOD.count(old) == 1
    found = check(BY_NAME[name], GOOD.replace(old, new))
    assert any(message in what for what in found), found


def test_every_guarantee_was_broken() -> None:
    assert {name for name, *_ in BREAKS} == set(BY_NAME) - ASKED_FOR


def test_finding_names_the_guarantee_and_the_line() -> None:
    before, after = read_plan(BEFORE), read_plan(GOOD.replace(OWNED, "COPY . ."))
    (finding,) = check_guarantees(before, after, NAMES)
    assert finding.code == "broken-guarantee-copies-are-owned"
    assert after.tree.text.splitlines()[finding.line - 1] == "COPY . ."


@pytest.mark.parametrize(
    "name", [name for name, one in BY_NAME.items() if one.needs and name not in ASKED_FOR]
)
def test_guarantee_is_not_promised_without_its_transforms(name: str) -> None:
    old, new = next((old, new) for broken, old, new, _ in BREAKS if broken == name)
    before, after = read_plan(BEFORE), read_plan(GOOD.replace(old, new))
    codes = {finding.code for finding in check_guarantees(before, after, NAMES)}
    assert f"broken-guarantee-{name}" in codes
    for missing in BY_NAME[name].needs:
        codes = {finding.code for finding in check_guarantees(before, after, NAMES - {missing})}
        assert f"broken-guarantee-{name}" not in codes


@pytest.mark.parametrize(
    ("name", "old", "new", "options"),
    [
        ("copies-are-owned", OWNED, "COPY . .", Options(chown=Chown.NONE)),
        ("copies-are-owned", OWNED, "COPY . .", Options(chown=Chown.WRITABLE)),
        ("user-installs-are-on-path", "--user -r", "-r", Options(install=Install.SYSTEM)),
    ],
)
def test_options_take_promises_back(name: str, old: str, new: str, options: Options) -> None:
    assert check(BY_NAME[name], GOOD.replace(old, new), options) == []


def test_promises_are_told_in_one_sentence() -> None:
    for guarantee in GUARANTEES:
        assert guarantee.promise[0].isupper()
        assert not guarantee.promise.endswith(".")
        assert guarantee.needs <= NAMES


def test_broken_rewrite_leaves_the_file_untouched(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "dockfix.checks.guarantees.GUARANTEES",
        (Guarantee(codes.NAMES_RESOLVE, frozenset(), lambda _before, _after: iter([(3, "no")])),),
    )
    result = fix(BEFORE)
    assert isinstance(result, Skipped)
    assert [(reason.code, reason.line) for reason in result.reasons] == [
        ("broken-guarantee-names-resolve", 3)
    ]
