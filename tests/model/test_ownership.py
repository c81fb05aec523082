"""The directories whose owner changes, how much of each, and the commands for it."""

from __future__ import annotations

import pytest
from plans import read_plan

from dockfix import Changed, fix
from dockfix.model.ownership import Reach, find_ownership_changes
from dockfix.options import Options
from dockfix.transforms.own_directories import commands

APT = "RUN apt-get update && apt-get install -y gcc\n"
START = 'CMD ["python", "app.py"]\n'


def changes(steps: str) -> list[tuple[str, Reach]]:
    return [(one.path, one.reach) for one in find_ownership_changes(read_plan(steps))]


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        ("WORKDIR /app\n" + START, []),
        ("WORKDIR /app\n" + APT + START, [("/app", Reach.SELF)]),
        (APT + "WORKDIR /app\n" + START, []),
        ("WORKDIR /srv\n" + START, [("/srv", Reach.SELF)]),
        ("WORKDIR /app/api\n" + APT + START, [("/app/api", Reach.SELF)]),
        ("VOLUME /state\n" + START, [("/state", Reach.SELF)]),
        ('VOLUME ["/a", "/b"]\n' + START, [("/a", Reach.SELF), ("/b", Reach.SELF)]),
        ("VOLUME /tmp/state\n" + START, [("/tmp/state", Reach.SELF)]),
        (
            "WORKDIR /app\nVOLUME /app/state\n" + APT + START,
            [("/app", Reach.SELF), ("/app/state", Reach.SELF)],
        ),
        ("ENV HF_HOME=/models\n" + START, [("/models", Reach.SELF)]),
        ("RUN mkdir /uploads\n" + START, [("/uploads", Reach.SELF)]),
        (
            "RUN mkdir -p /uploads/a /uploads/b\n" + START,
            [("/uploads/a", Reach.SELF), ("/uploads/b", Reach.SELF)],
        ),
        ("RUN mkdir /etc/app\n" + START, []),
        ("RUN mkdir -p /app/log\nWORKDIR /app\n" + START, [("/app", Reach.SELF), ("/app/log", Reach.SELF)]),
        ("RUN mkdir /log && touch /log/app.log\n" + START, [("/log", Reach.ALL)]),
        ("WORKDIR /app\nCOPY . .\nRUN make\n" + APT + START, [("/app", Reach.ROOTS)]),
        ("WORKDIR /app\nCOPY . .\nRUN make\n" + START, []),
        ("WORKDIR /app\nCOPY --chown=appuser:appuser . .\nRUN make\n" + APT + START, [("/app", Reach.ROOTS)]),
        (
            "WORKDIR /app\nCOPY --chown=appuser:appuser pyproject.toml poetry.lock .\nRUN poetry lock\n"
            + APT
            + START,
            [("/app", Reach.SELF)],
        ),
        ("WORKDIR /app\nRUN git clone https://example.org/x.git .\n" + APT + START, [("/app", Reach.ALL)]),
        # What may be missing, and may be a file, is not made.
        (
            'COPY conf /opt\nRUN <<END\nT=$(mktemp) && cp "$T" /opt/sub && rm -f "$T"\ntrue\nEND\n'
            + APT
            + START,
            [],
        ),
    ],
)
def test_directories_are_found(steps: str, expected: list[tuple[str, Reach]]) -> None:
    assert sorted(changes(steps)) == sorted(expected)


HUGGING = "ENV TRANSFORMERS_CACHE={}\nWORKDIR /app\n"


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        # What downloads the models creates the directory itself, in one that belongs to the account.
        (HUGGING.format("/app/models/hub") + APT + START, ["/app"]),
        (HUGGING.format("/home/appuser/models") + START, []),
        (
            HUGGING.format("/app/models/hub") + "RUN mkdir /app/models\n" + APT + START,
            ["/app", "/app/models", "/app/models/hub"],
        ),
        (HUGGING.format("/models") + APT + START, ["/app", "/models"]),
        (HUGGING.format("/var/cache/models") + START, ["/var/cache/models"]),
        ("RUN mkdir /data\n" + HUGGING.format("/data/hub") + START, ["/data", "/data/hub"]),
    ],
)
def test_places_for_downloads_are_made_where_only_root_could(steps: str, expected: list[str]) -> None:
    assert sorted(path for path, _ in changes(steps)) == expected


@pytest.mark.parametrize(
    "given",
    [
        "chown appuser:appuser /app",
        "chown appuser: /app",
        "chown appuser /app",
        "chown -R appuser:appuser /app",
        "chown -R appuser:appuser .",
        "cd / && chown appuser ./app",
    ],
)
def test_what_is_given_is_not_given_twice(given: str) -> None:
    create = "RUN useradd --create-home appuser\n"
    assert changes(f"{create}WORKDIR /app\n{APT}{START}") == [("/app", Reach.SELF)]
    assert changes(f"{create}WORKDIR /app\n{APT}RUN {given}\n{START}") == []


@pytest.mark.parametrize(
    "given", ["chown appuser /app/static", "chown nobody /app", "chown appuser /application"]
)
def test_another_place_or_owner_gives_nothing(given: str) -> None:
    steps = f"RUN useradd --create-home appuser\nWORKDIR /app\n{APT}RUN {given}\n{START}"
    assert "/app" in [path for path, _ in changes(steps)]


@pytest.mark.parametrize(
    ("base", "steps", "expected"),
    [
        ("python:3.12-slim-bookworm", "WORKDIR /app\n" + APT, ["chown appuser:appuser /app"]),
        (
            "python:3.12-slim-bookworm",
            "VOLUME /state\n" + APT,
            ["mkdir -p /state", "chown appuser:appuser /state"],
        ),
        (
            "python:3.12-slim-bookworm",
            "WORKDIR /app\nVOLUME /b /c\n" + APT,
            ["mkdir -p /b /c", "chown appuser:appuser /app /b /c"],
        ),
        ("python:3.12-slim-bookworm", "VOLUME /mnt\n" + APT, ["chown appuser:appuser /mnt"]),
        (
            "python:3.12-slim-bookworm",
            "WORKDIR /app\nCOPY . .\nRUN make\n" + APT,
            ["chown -R --from=root appuser:appuser /app"],
        ),
        (
            "python:3.12-alpine",
            "WORKDIR /app\nCOPY . .\nRUN make\n" + APT,
            ["find /app -user root -exec chown -h appuser:appuser {} +"],
        ),
        ("python:3.12-slim-bookworm", "RUN mkdir /log && touch /log/a\n", ["chown -R appuser:appuser /log"]),
    ],
)
def test_commands_give_each_reach_once(base: str, steps: str, expected: list[str]) -> None:
    plan = read_plan(steps + START, base=base)
    assert commands(plan, find_ownership_changes(plan), plan.user_index) == expected


def test_nothing_to_give_makes_no_command() -> None:
    plan = read_plan("WORKDIR /app\n" + START)
    assert commands(plan, [], plan.user_index) == []


def test_copies_are_given_as_they_arrive_where_all_of_their_directory_is() -> None:
    text = (
        "FROM python:3.12-slim\nWORKDIR /app\nCOPY . .\nRUN touch README.md && pip install uv\n"
        'RUN uv pip install --system .\nCMD ["bash"]\n'
    )
    result = fix(text)
    assert isinstance(result, Changed)
    assert "COPY --chown=appuser:appuser . ." in result.text
    assert " uv && chown -R --from=root appuser:appuser /app\n" in result.text


def test_module_that_installs_for_all_users_leaves_nothing_in_the_working_directory() -> None:
    steps = "FROM python:3.12-slim\nWORKDIR /app\nRUN python -m spacy download en_core_web_sm\n"
    assert changes(f"{steps}COPY . .\n{START}") == [("/app", Reach.SELF)]


def test_directories_on_the_way_to_what_the_start_writes_are_the_accounts_too() -> None:
    result = fix(
        "FROM python:3.12-slim\nWORKDIR /app\n" + START, Options(writes=("/data/git/", "/srv/x/y/z"))
    )
    assert isinstance(result, Changed)
    assert "chown appuser:appuser /data /data/git /srv/x /srv/x/y\n" in result.text


def test_no_directory_is_made_of_what_the_start_writes_as_a_file() -> None:
    text = (
        "FROM python:3.12-slim\nWORKDIR /app\nRUN useradd --create-home --uid 10001 app\nCOPY . /home/\n"
        "ADD --link --chown=other:app run.sh /home/conf/\nCOPY conf/ /data/\n"
        "RUN mkdir -p /app/logs /opt/tool\nCOPY <<'END' /app/start.sh\nset -e\n"
        "cp /home/assets/logo.txt /home/conf/deep/copy\necho x > /home/conf/written\n"
        "echo x >> /home/assets/tool.sh\nEND\n"
        'CMD ["sh", "/app/start.sh"]\n'
    )
    result = fix(text)
    assert isinstance(result, Changed)
    made = [line for line in result.text.splitlines() if "mkdir -p /home" in line]
    assert ["/home/assets" in made[0], "/home/conf/deep" in made[1]] == [True, True]
    assert "tool.sh" not in "".join(made)


def test_a_directory_is_given_after_a_step_that_may_make_it() -> None:
    step = "RUN if [ -f /etc/hostname ]; then mkdir /srv/site; else chmod g+r /etc/issue; fi"
    text = (
        f"FROM python:3.12-slim\nWORKDIR /app\n{step}\nCOPY <<'END' /app/start.sh\n"
        'echo x > /srv/site/written\nEND\nCMD ["sh", "/app/start.sh"]\n'
    )
    result = fix(text)
    assert isinstance(result, Changed)
    lines = result.text.splitlines()
    (given,) = [at for at, line in enumerate(lines) if "mkdir -p /srv/site" in line]
    assert given > lines.index(step)


@pytest.mark.parametrize("step", ["RUN mkdir /data", "RUN mkdir -p /data"])
def test_a_directory_is_given_once_where_the_step_that_makes_it_is_below_the_account(step: str) -> None:
    text = f"FROM python:3.12-slim\nWORKDIR /app\nCOPY . .\n{step}\nRUN apt-get update\n{START}"
    result = fix(text, Options(writes=("/data/raw/",)))
    assert isinstance(result, Changed)
    assert result.text == (
        "FROM python:3.12-slim\nWORKDIR /app\n"
        "RUN useradd --create-home appuser && chown appuser:appuser /app\n"
        f"COPY --chown=appuser:appuser . .\n{step}\nRUN apt-get update\n"
        f"RUN mkdir -p /data/raw && chown appuser:appuser /data/raw /data\nUSER appuser\n{START}"
    )


def test_only_the_volume_is_the_accounts_not_what_is_above_it() -> None:
    result = fix("FROM python:3.12-slim\nVOLUME /data/git\nWORKDIR /app\n" + START)
    assert isinstance(result, Changed)
    assert "mkdir -p /data/git && chown appuser:appuser /data/git\n" in result.text


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        (
            "WORKDIR /app\nRUN python -m venv .venv && .venv/bin/pip install flask\n" + APT,
            [("/app", Reach.SELF)],
        ),
        ("WORKDIR /srv\nRUN python -m venv /srv/.venv\n" + APT, [("/srv", Reach.SELF)]),
        ("WORKDIR /app\nRUN python -m venv .venv && ./configure > log\n" + APT, [("/app", Reach.ALL)]),
    ],
)
def test_an_environment_of_roots_is_not_walked(steps: str, expected: list[tuple[str, Reach]]) -> None:
    assert changes(steps + START) == expected


def test_what_a_copy_would_create_around_a_directory_is_the_accounts() -> None:
    text = "FROM python:3.12-slim\nWORKDIR /\nCOPY pkg /opt/x/pkg\nRUN chgrp -R 0 /opt/x\n" + START
    result = fix(text, Options(writes=("/opt/x/data/",)))
    assert isinstance(result, Changed)
    assert "mkdir -p /opt/x /opt/x/data" in result.text


SHARED_HOME = "ENV HOME=/opt/tool\nWORKDIR /opt/tool\nRUN apt-get update && tool --install-all\n"


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        # What uv leaves beside its environment is only read.
        ("WORKDIR /app\nRUN uv sync --frozen && apt-get install -y gcc\n", [("/app", Reach.SELF)]),
        # Not so what other commands of the same step leave there.
        ("WORKDIR /app\nRUN uv sync && make assets && apt-get install -y gcc\n", [("/app", Reach.ALL)]),
        ("WORKDIR /app\nRUN python -m venv env && env/bin/pip install x\n" + APT, [("/app", Reach.SELF)]),
        # A copy above the file's own account is a tree if its source may be one, whatever it becomes.
        ("COPY site /srv/site.d\nRUN useradd -m app\n", [("/srv/site.d", Reach.ALL)]),
        ("COPY run.py /srv/run\nRUN useradd -m app\n", [("/srv/run", Reach.SELF)]),
        (
            "COPY a.py b.py /srv/\nRUN useradd -m app\n",
            [("/srv/a.py", Reach.SELF), ("/srv/b.py", Reach.SELF)],
        ),
        # Never the directory of the system that it arrives in.
        ("ADD https://x.org/x /usr/bin/\nRUN useradd -m app\n", [("/usr/bin/x", Reach.SELF)]),
        # Programs of root's and of the account's keep their files in the same home.
        (SHARED_HOME, [("/opt/tool", Reach.ALL)]),
    ],
)
def test_what_steps_leave_is_given_where_it_is_written(steps: str, expected: list[tuple[str, Reach]]) -> None:
    assert changes(steps + START) == expected


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        ("", "apt-get update\nRUN chown appuser:appuser /srv/www\n"),
        ("RUN apt-get update && touch /srv/www/x\n", "/srv/www/x && chown -R appuser:appuser /srv/www\n"),
    ],
)
def test_a_directory_is_given_below_a_step_that_shows_it_to_be_there(steps: str, expected: str) -> None:
    text = f"FROM site:7\nCOPY a /opt/a\nRUN cd /srv/www && apt-get update\n{steps}WORKDIR /srv/www\n{START}"
    result = fix(text, Options(unsafe=True))
    assert isinstance(result, Changed)
    assert expected in result.text


def test_a_working_directory_that_a_step_of_the_accounts_removes_is_not_made_again() -> None:
    text = (
        f"FROM python:3.12-slim\nRUN mkdir /app\nWORKDIR /app\n{APT}"
        "RUN git clone https://example.org/tool.git\nWORKDIR /app/tool\nRUN make\nWORKDIR /app\n"
        f"RUN cp /app/tool/x /app\nRUN rm -rf /app/tool\n{START}"
    )
    result = fix(text)
    assert isinstance(result, Changed)
    assert "mkdir -p" not in result.text


@pytest.mark.parametrize(
    ("steps", "is_given"),
    [
        ("ADD https://example.org/x /usr/bin/x\n", True),
        ("ADD https://example.org/x /usr/bin/x\nRUN rm -rf /var/lib/apt/lists/* && echo x\n", True),
        ("ADD https://example.org/x /tmp/x\nRUN apt-get update && mv /tmp/x /usr/bin/x\n", True),
        ("ADD https://example.org/x.gz /usr/bin/x.gz\nRUN apt-get update && gunzip /usr/bin/x.gz\n", True),
        ("ADD https://example.org/x /tmp/x\nRUN apt-get update && sh /tmp/x\n", False),
        ("ADD https://example.org/x /usr/bin/x\nRUN apt-get update && cd /usr/bin && rm x\n", False),
    ],
)
def test_a_download_that_the_image_keeps_is_the_accounts(steps: str, is_given: bool) -> None:
    plan = read_plan(steps + START)
    assert bool(plan.owned_copies) is is_given


def test_a_link_beside_what_an_archive_brings_is_left_to_what_it_leads_to() -> None:
    steps = (
        "COPY tool-1.tgz /opt\nRUN apt-get update && cd /opt && tar -xzf tool-1.tgz && ln -s tool-1 tool\n"
    )
    result = fix(f"FROM python:3.12-slim\n{steps}WORKDIR /opt\n{START}", Options(unsafe=True))
    assert isinstance(result, Changed)
    assert "chown -R appuser:appuser /opt/tool\n" not in result.text
