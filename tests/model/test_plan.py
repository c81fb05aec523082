"""Where root is no longer needed, and what the account owns from there on."""

from __future__ import annotations

from dataclasses import FrozenInstanceError

import pytest
from plans import read_plan

from dockfix import Chown, Install, Options
from dockfix.model.evidence import NO_EVIDENCE, Evidence
from dockfix.model.ownership import find_ownership_changes

START = 'CMD ["python", "app.py"]'


def first_below(steps: str, options: Options | None = None) -> str:
    """The first instruction that runs as the account; "" if USER goes last."""
    plan = read_plan(steps, options)
    if plan.user_index == len(plan.steps):
        return ""
    return str(plan.steps[plan.user_index].instruction).rstrip("\n")


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        (START, START),
        (f"ENV A=b\nARG C\nLABEL d=e\n{START}", START),
        (f"ENV A=b\nWORKDIR /app\nENV C=d\n{START}", "WORKDIR /app"),
        (f"WORKDIR /app\nRUN apt-get update\nCOPY . .\n{START}", "COPY . ."),
        (f"WORKDIR /app\nCOPY . .\nRUN pip install flask\n{START}", "WORKDIR /app"),
        (
            f"RUN pip install flask\nRUN apt-get update\nRUN pip install django\n{START}",
            "RUN pip install django",
        ),
        (f"RUN pip install --upgrade pip\nRUN pip install flask\n{START}", "RUN pip install flask"),
        (f"RUN pip uninstall -y flask\n{START}", START),
        (f"RUN pip install flask && flask db init\n{START}", START),
        (f"RUN pip install flask && rm -rf /tmp/x\n{START}", "RUN pip install flask && rm -rf /tmp/x"),
        (f"RUN pip install --target /opt/packages flask\n{START}", START),
        (f"RUN python -m venv /opt/venv\nRUN /opt/venv/bin/pip install flask\n{START}", START),
        (f"WORKDIR /app\nRUN mkdir log\n{START}", "WORKDIR /app"),
        (f"WORKDIR /app\nRUN mkdir /log\n{START}", START),
        (f"WORKDIR /app\nRUN touch /etc/app\n{START}", START),
        (f"WORKDIR /app\nRUN touch /tmp/app\n{START}", "WORKDIR /app"),
        (f"WORKDIR /app\nRUN if then\n{START}", START),
        (f"WORKDIR /app\nRUN sudo touch /app/x\n{START}", START),
        (f"USER root\nWORKDIR /app\n{START}", "WORKDIR /app"),
        (f"RUN apt-get update\n{START}\nRUN ldconfig", ""),
        ("RUN apt-get update", ""),
    ],
)
def test_user_goes_behind_the_last_root_step(steps: str, expected: str) -> None:
    assert first_below(steps) == expected


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        ("USER nobody", ""),
        (f"RUN apt-get update\nUSER nobody\n{START}", START),
        (f"USER nobody\nUSER root\nRUN ldconfig\nUSER nobody\nCOPY . .\n{START}", "COPY . ."),
    ],
)
def test_user_of_the_file_is_where_it_is(steps: str, expected: str) -> None:
    assert read_plan(steps).runs_as_user
    assert first_below(steps) == expected


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (Options(), "RUN pip install flask"),
        (Options(install=Install.VENV), "RUN pip install flask"),
        (Options(install=Install.SYSTEM), START),
        (Options(base="debian"), "RUN pip install flask"),
    ],
)
def test_ways_to_install_move_the_boundary(options: Options, expected: str) -> None:
    assert first_below(f"RUN apt-get update\nRUN pip install flask\n{START}", options) == expected


@pytest.mark.parametrize(
    ("steps", "reason"),
    [
        ("RUN apt-get update", "packages"),
        ("RUN pip install --upgrade pip", "upgrades pip itself"),
        ("RUN pip install flask && flask db init", "runs flask in the RUN that installs it"),
        ("RUN su nobody -c 'pip install flask'", "switches the user"),
        ("RUN sudo ls", "uses sudo"),
        ("RUN cp a /root/b", "uses root's home"),
        ("RUN touch /etc/app", "writes /etc/app"),
        ("VOLUME /data\nRUN mkdir -p /data", "makes /data"),
        ("RUN if then", "a script that is not understood"),
        ("RUN pip install flask", ""),
        ("RUN cd /tmp && touch x", ""),
    ],
)
def test_reason_is_told(steps: str, reason: str) -> None:
    found = list(read_plan(steps).root_runs.values())
    assert len(found) == bool(reason)
    assert all(reason in one for one in found)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (Options(), ["/app", "/app/static", "/models"]),
        (Options(chown=Chown.NONE), []),
        (Options(chown=Chown.WRITABLE), ["/app/static"]),
    ],
)
def test_copies_become_the_accounts(options: Options, expected: list[str]) -> None:
    plan = read_plan(
        "WORKDIR /app\nCOPY . .\nVOLUME /app/static\nCOPY static static\nCOPY models /models/\n"
        f"COPY conf /etc/\nCOPY --chown=5 x /app/x\nCOPY conf /tmp/\nRUN ldconfig\n{START}",
        options,
    )
    found = [copy.destination for copy in plan.owned_copies if not copy.has_owner]
    assert found == expected


@pytest.mark.parametrize(
    ("steps", "home"),
    [
        (START, "/home/appuser"),
        (f"ENV HOME=/app\n{START}", "/app"),
        (f"ENV HOME=/app/\n{START}", "/app"),
        (f"ENV HOME=/root\n{START}", "/home/appuser"),
        (f"ENV HOME=/\n{START}", "/home/appuser"),
        (f"RUN useradd -d /srv/web web\n{START}", "/srv/web"),
    ],
)
def test_home_is_where_home_leads(steps: str, home: str) -> None:
    assert read_plan(steps).home == home


@pytest.mark.parametrize(
    ("steps", "workdir", "relocates"),
    [
        (f"COPY . .\n{START}", "/home/appuser/app", True),
        (f"WORKDIR /\nCOPY . .\n{START}", "/home/appuser/app", True),
        (f"WORKDIR /app\nCOPY . .\n{START}", "/app", False),
        (f"WORKDIR /root/app\nCOPY . .\n{START}", "/root/app", False),
    ],
)
def test_working_directory_is_the_files_own_or_a_new_one(steps: str, workdir: str, relocates: bool) -> None:
    plan = read_plan(steps)
    assert (plan.workdir, plan.relocates) == (workdir, relocates)


def test_unknown_base_keeps_its_working_directory() -> None:
    assert not read_plan(f"COPY . .\n{START}", base="registry.example.org/base:1").relocates


@pytest.mark.parametrize(
    ("steps", "below", "above"),
    [
        ("RUN pip install flask", 1, 0),
        ("RUN pip install --user flask", 1, 0),
        ("RUN pip install --user flask\nRUN ldconfig", 0, 1),
        ("ENV HOME=/srv\nRUN pip install --user flask\nRUN ldconfig", 0, 0),
        ("ENV HOME=\nRUN pip install --user flask\nRUN ldconfig", 0, 1),
        ("ENV HOME=/root/app\nRUN pip install --user flask\nRUN ldconfig", 0, 1),
        ("RUN pip install flask\nRUN ldconfig", 0, 0),
        ("RUN pip install flask && pip install django", 2, 0),
        ("RUN python -m venv /home/appuser/v\nRUN /home/appuser/v/bin/pip install flask", 0, 0),
    ],
)
def test_installs_are_the_accounts_or_in_roots_home(steps: str, below: int, above: int) -> None:
    plan = read_plan(steps)
    assert (len(plan.user_installs), len(plan.root_installs)) == (below, above)


def test_evidence_makes_another_plan_and_leaves_this_one() -> None:
    plan = read_plan("WORKDIR /app\nCOPY . .\nCMD python a.py\n")
    found = plan.with_evidence(Evidence(directories=("/data",)))
    assert (plan.evidence, found.evidence.directories) == (NO_EVIDENCE, ("/data",))
    before, after = ({one.path for one in find_ownership_changes(each)} for each in (plan, found))
    assert after - before == {"/data"}


def test_a_plan_is_frozen() -> None:
    with pytest.raises(FrozenInstanceError):
        read_plan("CMD python a.py\n").evidence = NO_EVIDENCE  # type: ignore[misc]


@pytest.mark.parametrize("remove", ["rm -rf", "rm -r -f", "rm --recursive", "cd / && rm -fr"])
def test_a_copy_that_root_removes_keeps_its_owner(remove: str) -> None:
    plan = read_plan(
        "WORKDIR /src\nCOPY . /src\nRUN apt-get update && make install "
        f"&& apt-get purge -y gcc && {remove} /src\nWORKDIR /build\n{START}"
    )
    assert plan.owned_copies == ()
