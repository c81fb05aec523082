"""`--any-uid`: the rewrite can be run by a uid that the image does not know, with group 0."""

from __future__ import annotations

import pytest

from dockfix import Changed, Options, Unchanged, fix
from dockfix.checks.guarantees import GUARANTEES
from dockfix.context import Context
from dockfix.model.evidence import Evidence
from dockfix.model.lineage import find_lineages, read_stages
from dockfix.model.plan import Plan
from dockfix.options import Install, OptionError
from dockfix.syntax.parser import parse

ANY = Options(any_uid=True)
BOOKWORM = "FROM python:3.12-slim-bookworm\n"
START = 'CMD ["python", "app.py"]\n'
APP = "WORKDIR /app\nCOPY requirements.txt .\nRUN pip install -r requirements.txt\nCOPY . .\n" + START


def fixed(text: str, options: Options = ANY, context: Context | None = None) -> str:
    result = fix(text, options, context)
    assert isinstance(result, Changed), result
    assert not result.reviews, result.reviews
    return result.text


def test_account_has_group_zero_and_the_group_may_do_what_it_may() -> None:
    assert fixed(BOOKWORM + APP) == (
        "FROM python:3.12-slim-bookworm\n"
        "WORKDIR /app\n"
        "RUN adduser --disabled-password --gecos '' --uid 10001 --gid 0 appuser \\\n"
        "    && chown 10001:0 /app \\\n"
        "    && chmod g=u /home/appuser /app\n"
        "COPY --chown=10001:0 requirements.txt .\n"
        "RUN pip install --root-user-action=ignore -r requirements.txt\n"
        "COPY --chown=10001:0 . .\n"
        "USER 10001:0\n"
        'ENV HOME="/home/appuser" USER="appuser"\n'
        'CMD ["python", "app.py"]\n'
    )


def test_rewrite_is_left_alone() -> None:
    assert isinstance(fix(fixed(BOOKWORM + APP), ANY), Unchanged)


@pytest.mark.parametrize(
    ("base", "command"),
    [
        ("python:3.12-slim", "useradd --create-home --uid 10001 --gid 0 appuser"),
        ("alpine:3.20", "adduser -D -u 10001 -G root appuser"),
        ("rockylinux:9", "useradd --create-home --uid 10001 --gid 0 appuser"),
    ],
)
def test_every_base_creates_the_account_in_group_zero(base: str, command: str) -> None:
    assert command in fixed(f'FROM {base}\nWORKDIR /app\nCOPY app.py .\nCMD ["python3", "app.py"]\n')


def test_account_of_the_file_keeps_its_name_and_gets_the_group() -> None:
    text = (
        BOOKWORM
        + "RUN useradd --create-home --uid 1500 web\nWORKDIR /app\nCOPY app.py .\n"
        + 'CMD ["python", "app.py"]\n'
    )
    after = fixed(text)
    assert "COPY --chown=1500:0 app.py ." in after
    assert "RUN chown 1500:0 /home/web /app && chmod g=u /home/web /app\n" in after
    assert after.endswith('USER 1500:0\nENV HOME="/home/web" USER="web"\nCMD ["python", "app.py"]\n')


def test_what_steps_leave_is_given_and_opened() -> None:
    text = BOOKWORM + 'WORKDIR /app\nCOPY app.py .\nRUN mkdir uploads\nCMD ["python", "app.py"]\n'
    assert "RUN chown 10001:0 /app/uploads && chmod g=u /app/uploads\nUSER" in fixed(text)


def test_download_is_opened_to_the_group() -> None:
    text = (
        BOOKWORM + 'WORKDIR /app\nADD https://example.org/m.bin m.bin\nCMD ["python", "-m", "a", "m.bin"]\n'
    )
    assert "RUN chmod g=u /app/m.bin\nUSER" in fixed(text)


def test_download_that_is_removed_again_is_not_opened() -> None:
    text = (
        BOOKWORM
        + "ARG V=1\nWORKDIR /app\nADD https://example.org/$V.tar.gz /usr/src/\n"
        + "RUN tar -xzf /usr/src/$V.tar.gz -C /opt && rm /usr/src/$V.tar.gz\nCOPY app.py .\n"
        + START
    )
    assert "/usr/src/1.tar.gz &&" not in fixed(text)
    assert "mkdir" not in fixed(text)


def test_root_shares_the_home_in_which_the_start_looks() -> None:
    text = BOOKWORM + (
        "RUN pip install pipenv\nWORKDIR /app\nCOPY Pipfile ./\nRUN pipenv install\nCOPY job.py .\n"
        'CMD ["pipenv", "run", "python", "job.py"]\n'
    )
    after = fixed(text)
    assert after.index('ENV HOME="/home/appuser"') < after.index("RUN pipenv install")
    assert "PIPENV_VENV_IN_PROJECT" not in after
    assert "chmod -R g=u /home/appuser /app\nUSER 10001:0\nCMD" in after


@pytest.mark.parametrize(
    ("good", "broken", "message"),
    [
        ("USER 10001:0", "USER 10001", "USER is not a number with group 0"),
        ("USER 10001:0", "USER appuser", "USER is not a number with group 0"),
        (
            'ENV HOME="/home/appuser" USER="appuser"\n',
            "",
            "HOME is not set, so a uid without an account starts in /",
        ),
        ("&& chmod g=u /home/appuser /app", "", "writes /app/visits is denied to a uid of group 0"),
    ],
)
def test_guarantee_is_broken_by_what_the_account_alone_may_do(good: str, broken: str, message: str) -> None:
    text = BOOKWORM + "WORKDIR /app\nCOPY app.py .\n" + START
    before = read_plan(text)
    after = read_plan(fixed(text).replace(good, broken))
    guarantee = next(one for one in GUARANTEES if one.name == "serves-any-uid")
    written = Evidence(writes=("/app/visits",), is_complete=True)
    plans = (before.with_evidence(written), after.with_evidence(written))
    assert message in [what for _, what in guarantee.check(*plans)]


def read_plan(text: str) -> Plan:
    tree = parse(text)
    stages = read_stages(tree, ANY)
    return Plan(tree, stages, find_lineages(stages, ())[0], ANY, Context())


def test_image_without_a_shell_keeps_its_home_in_tmp() -> None:
    text = (
        "FROM python:3.11-slim AS build\nCOPY app.py /app/\nFROM gcr.io/distroless/python3-debian12\n"
        'WORKDIR /app\nCOPY --from=build /app /app\nCMD ["app.py"]\n'
    )
    result = fix(text, ANY)
    assert isinstance(result, Changed)
    assert 'USER 65532:0\nENV HOME="/tmp" USER="nonroot"\n' in result.text
    # Nor can the working directory be.
    assert [review.code for review in result.reviews] == ["denied-to-user"]


def test_other_group_contradicts() -> None:
    with pytest.raises(OptionError, match="gid: 7 contradicts any-uid"):
        Options(any_uid=True, gid=7)


def test_options_follow() -> None:
    assert (ANY.numeric, ANY.gid, ANY.install) == (True, 0, Install.SYSTEM)
    assert Options(any_uid=True, install=Install.VENV).install is Install.VENV
