"""`--any-uid`: the rewrite can be run by a uid that the image does not know, with group 0."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from dockfix import Changed, Options, Unchanged, fix
from dockfix.checks.guarantees import GUARANTEES
from dockfix.context import Context
from dockfix.files.build_context import FolderReader, describe_context
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
    assert (
        "RUN pipenv install && chown -R --from=root 10001:0 /home/appuser && chmod -R g=u /home/appuser\n"
        in after
    )
    assert "&& chown 10001:0 /app \\\n    && chmod g=u /app\n" in after


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


BUILDER = "FROM python:3.12-slim-bookworm AS build\nWORKDIR /src\n"

# (lines of the file, what opens the closed files: key.pem, data/deep.txt, tool.sh (0700), locked/ (0700))
OPENED: list[tuple[str, str]] = [
    ("COPY key.pem /app/", "chmod g+rX /app/key.pem"),
    ("COPY key.pem /app/k", "chmod g+rX /app/k"),
    ("WORKDIR /app\nCOPY key.pem /app", "chmod g+rX /app/key.pem"),
    ("COPY data /app/", "chmod g+rX /app/deep.txt"),
    ("COPY locked /app/l", ""),
    ("COPY loc* /app/", ""),
    ("COPY k* open.txt /app/", "chmod g+rX /app/key.pem"),
    ("COPY . /app", "chmod g+rX /app/data/deep.txt /app/key.pem /app/locked /app/tool.sh"),
    ("COPY tool.sh /usr/local/bin/", "chmod g+rX /usr/local/bin/tool.sh"),
    ("COPY open.txt /app/", ""),
    ("COPY key.pem /app/\nRUN chmod 644 /app/key.pem", ""),
    ("COPY key.pem /app/\nRUN rm /app/key.pem", ""),
    ("WORKDIR /app\nCOPY --chmod=644 key.pem /app/", ""),
    # A mode applies to the directories that the copy creates as well.
    ("COPY --chmod=644 key.pem /app/", "chmod g+rX /app"),
]


@pytest.fixture
def private(tmp_path: Path) -> Path:
    modes = {
        "key.pem": 0o600,
        "data/deep.txt": 0o600,
        "tool.sh": 0o700,
        "open.txt": 0o640,
        "locked/a.txt": 0o644,
    }
    for name, mode in {**modes, "ignored.txt": 0o600, "link": 0o600}.items():
        file = tmp_path / name
        file.parent.mkdir(exist_ok=True)
        file.write_text("text\n")
        file.chmod(mode)
    (tmp_path / "locked").chmod(0o700)
    (tmp_path / "link").unlink()
    (tmp_path / "link").symlink_to("key.pem")
    (tmp_path / ".dockerignore").write_text("ignored.txt\nDockerfile\n")
    return tmp_path


def fixed_in(folder: Path, text: str) -> Changed:
    result = fix(text, ANY, describe_context(str(folder / "Dockerfile")))
    assert isinstance(result, Changed), result
    return result


@pytest.mark.parametrize(("lines", "opened"), OPENED)
def test_closed_files_of_the_context_are_opened(private: Path, lines: str, opened: str) -> None:
    after = fixed_in(private, f'{BOOKWORM}{lines}\nWORKDIR /app\nCMD ["python", "app.py"]\n').text
    assert re.findall(r"chmod (?:-R )?g\+rX .*", after) == [opened][: bool(opened)]


def test_closed_files_come_from_a_stage_with_their_modes(private: Path) -> None:
    text = f"{BUILDER}COPY . .\nRUN rm tool.sh\n{BOOKWORM}COPY --from=build /src /app\nWORKDIR /app\n{START}"
    assert "chmod g+rX /app/data/deep.txt /app/key.pem /app/locked\n" in fixed_in(private, text).text


def test_many_closed_files_are_opened_by_their_directory(private: Path) -> None:
    for number in range(5):
        (private / "data" / f"{number}.txt").touch(0o600)
    assert (
        "chmod -R g+rX /app/data\n"
        in fixed_in(private, f"{BOOKWORM}COPY data /app/data\nWORKDIR /app\n{START}").text
    )


def test_closed_file_needs_review_where_no_step_can_open_it(private: Path) -> None:
    text = f"{BUILDER}COPY key.pem .\nFROM gcr.io/distroless/python3\nCOPY --from=build /src /app\n{START}"
    found = [one for one in fixed_in(private, text).reviews if "/app/key.pem" in one.message]
    assert [(one.line, one.message) for one in found] == [
        (5, "only its owner may read /app/key.pem, by its mode in the build context")
    ]


def test_closed_files_matter_to_any_uid_alone(private: Path) -> None:
    context = describe_context(str(private / "Dockerfile"))
    result = fix(f"{BOOKWORM}WORKDIR /app\nCOPY . .\n{START}", Options(), context)
    assert isinstance(result, Changed)
    assert "g+rX" not in result.text
    assert isinstance(context.read, FolderReader)
    assert not [name for name in context.read.reads if name.endswith("//")]
