from __future__ import annotations

import pytest
from plans import read_plan

from dockfix.checks.refusals import find_refusals
from dockfix.model.caches import find_caches, find_moved_installers
from dockfix.model.filetree import each

UV = "https://astral.sh/uv/install.sh"
POETRY = "https://install.python-poetry.org"
PATH = "ENV PATH=/root/.local/bin:$PATH"
START = "WORKDIR /app\nRUN apt-get update\nCMD gunicorn a:b\n"


def moved(steps: str) -> list[tuple[str, str]]:
    """(variable, directory) of each installer of root's that gets a place, if nothing is refused."""
    plan = read_plan(f"{steps}\n{PATH}\n{START}")
    if any(find_refusals(plan)):
        return []
    assert len(find_moved_installers(plan)) == 1
    return [(one.variable, one.directory) for one in find_caches(plan, plan.steps[: plan.user_index])]


@pytest.mark.parametrize(
    "step",
    [
        f"RUN curl -LsSf {UV} | sh",
        f"RUN curl -LsSf {UV} | sh -s -- --quiet",
        f"RUN wget -qO- {UV} | env UV_NO_MODIFY_PATH=1 sh",
        "RUN curl -LsSf https://astral.sh/uv/0.10.9/install.sh | sh",
        "RUN curl -LsSf https://github.com/astral-sh/uv/releases/download/0.5.1/uv-installer.sh | sh",
        f"RUN apt-get install -y curl && curl -o /tmp/uv.sh {UV} && sh /tmp/uv.sh && rm /tmp/uv.sh",
        f"ADD {UV} /uv-installer.sh\nRUN sh /uv-installer.sh && rm /uv-installer.sh",
        f"ADD {UV} /opt/\nRUN chmod +x /opt/install.sh && /opt/install.sh",
    ],
)
def test_uv_is_installed_where_every_account_finds_it(step: str) -> None:
    assert moved(step) == [("UV_INSTALL_DIR", "/usr/local/bin")]


@pytest.mark.parametrize(
    "step",
    [
        f"RUN curl -sSL {POETRY} | python3 -",
        f"RUN curl -sSL {POETRY} | POETRY_VERSION=1.8.3 python3 - --yes",
        f"RUN curl -sSLo /p.py {POETRY}/ && python /p.py",
    ],
)
def test_poetry_is_installed_where_every_account_finds_it(step: str) -> None:
    assert moved(step) == [("POETRY_HOME", "/usr/local")]


@pytest.mark.parametrize(
    "step",
    [
        # Before 0.5.0 the installer chose other places, and an expression names any version.
        "RUN curl -LsSf https://astral.sh/uv/0.4.18/install.sh | sh",
        "ARG V\nRUN curl -LsSf https://astral.sh/uv/$V/install.sh | sh",
        # Something else names what the installer leaves in the home, or is installed there as well.
        f"RUN curl -LsSf {UV} | sh && . $HOME/.local/bin/env && uv --version",
        f"RUN curl -LsSf {UV} | sh && . ~/.profile && uv --version",
        f"RUN curl -LsSf {UV} | sh\nRUN ln -s /root/.local/bin/uv /usr/bin/uv",
        f"RUN curl -LsSf {UV} | UV_INSTALL_DIR=/root/.local/bin sh",
        f"RUN curl -LsSf {UV} | sh && curl https://get.pnpm.io/install.sh | sh -",
        f"RUN curl -LsSf {UV} | sh && ./setup.sh",
        f"RUN curl -LsSf {UV} | sh\nRUN curl https://sh.rustup.rs | sh",
        f"RUN curl -LsSf {UV} | sh\nRUN uv tool install ruff",
        f"ENV PATH=/opt/bin:/usr/bin:/bin\nRUN curl -LsSf {UV} | sh",
        f"RUN curl -sSL {POETRY} | POETRY_HOME=/root/.local python3 -",
        # An unread script may install like any other.
        "ADD https://example.com/install.sh /i.sh\nRUN chmod +x /i.sh && /i.sh",
    ],
)
def test_what_may_be_needed_in_roots_home_stays_there(step: str) -> None:
    assert moved(step) == []
    plan = read_plan(f"{step}\n{PATH}\n{START}")
    assert "root-home" in [one.code for one in find_refusals(plan)]


def test_a_path_with_a_trailing_slash_is_the_installers_own() -> None:
    path = 'ENV PATH="/root/.local/bin/:$PATH"'
    plan = read_plan(f"ADD {UV} /uv-installer.sh\nRUN sh /uv-installer.sh\n{path}\n{START}")
    assert list(find_refusals(plan)) == []


def test_a_known_installer_leaves_nothing_where_it_works() -> None:
    plan = read_plan(f"WORKDIR /app\nADD {UV} /install.sh\nRUN chmod +x /install.sh && /install.sh\n{START}")
    assert list(plan.replay.end.below("/app")) == []
    assert not any(each(plan.replay.end.contents("/app")))
    assert plan.replay.end.exists("/root/.local/bin/uv")


def test_an_installer_that_has_its_place_leaves_nothing_in_roots_home() -> None:
    steps = f"ENV UV_INSTALL_DIR=/usr/local/bin\nRUN curl -LsSf {UV} | sh\n{PATH}\n{START}"
    plan = read_plan(steps)
    assert list(find_refusals(plan)) == []
    assert list(find_caches(plan, plan.steps[: plan.user_index])) == []
    assert plan.replay.end.exists("/usr/local/bin/uv")
    assert not plan.replay.end.exists("/root/.local/bin/uv")


def test_an_installer_without_its_variable_leaves_its_programs_in_the_home_of_its_user() -> None:
    plan = read_plan(f"RUN curl -LsSf {UV} | sh\n{START}")
    assert plan.replay.end.exists("/root/.local/bin/uvx")
    plan = read_plan(f"RUN useradd -m app\nUSER app\nRUN curl -sSL {POETRY} | python3 -\n{START}")
    assert plan.replay.end.exists("/home/app/.local/bin/poetry")


def test_programs_that_a_step_moves_away_stay_where_it_expects_them() -> None:
    plan = read_plan(f"RUN curl -LsSf {UV} | sh && mv /root/.local/bin /opt/bin\n{PATH}\n{START}")
    assert list(find_refusals(plan)) == []
    assert list(find_caches(plan, plan.steps[: plan.user_index])) == []
