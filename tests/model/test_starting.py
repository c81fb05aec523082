from __future__ import annotations

from collections.abc import Mapping

import pytest
from plans import read_plan

from dockfix.model.starting import Starting

NOTHING: Mapping[str, str] = {}


def read(steps: str, files: Mapping[str, str] = NOTHING) -> Starting:
    return read_plan(f"WORKDIR /app\nCOPY . .\n{steps}\n", files=files).starting


def programs(steps: str, files: Mapping[str, str] = NOTHING) -> list[str]:
    return [one.command.program for one in read(steps, files).commands]


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        ("CMD a b", ["CMD"]),
        ("ENTRYPOINT a\nCMD b", ["ENTRYPOINT", "CMD"]),
        ("CMD b\nENTRYPOINT a", ["ENTRYPOINT", "CMD"]),
        ("CMD a\nCMD b", ["CMD"]),
        ("ENTRYPOINT []\nCMD b", ["CMD"]),
        ("RUN a", []),
    ],
)
def test_the_steps_that_start_the_image(steps: str, expected: list[str]) -> None:
    assert [step.keyword for step in read(steps).steps] == expected


def test_an_entrypoint_takes_the_place_of_an_earlier_stages_command() -> None:
    text = "FROM python:3.12 AS base\nCMD old\nFROM base\nENTRYPOINT new\n"
    assert [step.instruction.args for step in read_plan(text).starting.steps] == ["new"]


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        ("CMD a && b", ["a", "b"]),
        ('CMD ["sh", "-c", "a; b"]', ["a", "b"]),
        ("CMD exec gosu app a", ["a"]),
        ('ENTRYPOINT ["tini", "--"]\nCMD ["a", "b"]', ["a", "tini", "a"]),
        ('ENTRYPOINT ["sh", "-c"]\nCMD ["a b"]', ["sh", "a"]),
    ],
)
def test_commands_are_seen_through_wrappers_and_shells(steps: str, expected: list[str]) -> None:
    assert programs(steps) == expected


def test_the_start_sets_variables_for_what_it_runs() -> None:
    script = '#!/bin/sh\nexport A=/a\n: "${B:=/b}"\nexec serve\n'
    starting = read("ARG C=1\nENV D=1\nCMD ./start.sh", {"start.sh": script})
    own = {name: value for name, value in starting.variables.items() if name != "PATH"}
    assert own == {"A": "/a", "B": "/b", "D": "1"}


SCRIPT = "#!/bin/sh\nset -e\nmigrate\nexec serve\n"


@pytest.mark.parametrize(
    "steps",
    [
        'ENTRYPOINT ["./start.sh"]',
        "CMD /app/start.sh",
        "CMD sh start.sh",
        "CMD bash -e ./start.sh",
        "CMD . ./start.sh",
        'CMD ["start.sh"]',
        "CMD exec $DIR/start.sh",
    ],
)
def test_a_script_that_can_be_read_is_followed(steps: str) -> None:
    found = read(f"ENV DIR=/app\n{steps}", {"start.sh": SCRIPT})
    inside = [one for one in found.commands if one.where]
    assert [one.command.program for one in inside] == ["set", "migrate", "serve"]
    assert {one.place for one in inside} == {" in /app/start.sh"}
    assert found.unread == ()


def test_scripts_call_scripts_only_so_deep() -> None:
    files = {f"{name}.sh": f"./{after}.sh\n" for name, after in zip("abcd", "bcde", strict=True)}
    found = read("CMD ./a.sh", files)
    assert [one.where for one in found.commands] == ["", "/app/a.sh", "/app/b.sh", "/app/c.sh"]
    assert [path for path, _ in found.unread] == ["/app/d.sh"]


@pytest.mark.parametrize(
    ("steps", "files", "unread"),
    [
        ("CMD ./start.sh", {}, ["/app/start.sh:4"]),
        ("CMD ./serve", {"serve": "#!/usr/bin/env python3\n"}, []),
        ("CMD ./serve", {}, ["/app/serve:4"]),
        ("CMD python app.py", {}, []),
        ("CMD ./app.py", {}, []),
        ("CMD /usr/bin/serve", {}, []),
        ("CMD /opt/venv/bin/serve", {}, []),
        ("CMD $WHAT/start.sh", {}, []),
        ("CMD sh -c 'a'", {}, []),
        ("COPY --from=build /out/serve /srv/serve\nCMD /srv/serve", {}, []),
        ("COPY --from=build /out/serve.sh /srv/serve.sh\nCMD /srv/serve.sh", {}, ["/srv/serve.sh:5"]),
    ],
)
def test_scripts_and_programs_that_cannot_be_read(
    steps: str, files: dict[str, str], unread: list[str]
) -> None:
    assert [f"{path}:{line}" for path, line in read(steps, files).unread] == unread


@pytest.mark.parametrize(
    ("copy", "path", "source"),
    [
        ("COPY start.sh /srv/", "/srv/start.sh", "start.sh"),
        ("COPY start.sh /srv/run.sh", "/srv/run.sh", "start.sh"),
        ("COPY bin/*.sh /srv/", "/srv/start.sh", "bin/start.sh"),
        ("COPY deploy /srv", "/srv/bin/start.sh", "deploy/bin/start.sh"),
    ],
)
def test_a_file_of_the_image_is_read_where_the_build_context_has_it(
    copy: str, path: str, source: str
) -> None:
    assert read_plan(f"{copy}\nCMD a\n", files={source: "here"}).starting.read(path) == "here"


@pytest.mark.parametrize("copy", ["COPY --from=build start.sh /srv/", "COPY other.sh /srv/"])
def test_a_file_from_elsewhere_cannot_be_read(copy: str) -> None:
    plan = read_plan(f"{copy}\nCMD a\n", files={"start.sh": "here"})
    assert plan.starting.read("/srv/start.sh") is None


def test_a_heredoc_gives_the_file_itself() -> None:
    steps = "COPY start.sh /srv/\nCOPY <<EOF /srv/start.sh\nexec b\nEOF\nCMD a\n"
    assert read_plan(steps, files={"start.sh": "a"}).starting.read("/srv/start.sh") == "exec b\n"


@pytest.mark.parametrize(
    ("steps", "written"),
    [
        (
            "CMD gunicorn --access-logfile /var/log/a.log --pid=/run/a.pid a:b",
            ["/var/log/a.log", "/run/a.pid"],
        ),
        ("CMD gunicorn --access-logfile - --bind unix:/run/a.sock a:b", ["/run/a.sock"]),
        ("CMD uwsgi --http unix://run/a.sock a:b", ["/run/a.sock"]),
        ("CMD a > /var/log/a.log 2>&1", ["/var/log/a.log"]),
        ("CMD a > out.log", []),
        ("CMD a > /dev/stdout", []),
        ("CMD a > /tmp/a.log", []),
        ("ENV LOG=/var/log/a.log\nCMD a >> $LOG", ["/var/log/a.log"]),
        ("ENV DATABASE_URL=sqlite:////data/app.db\nCMD a", ["/data/app.db"]),
        ("CMD a < /etc/motd", []),
    ],
)
def test_places_that_the_start_names_to_write_to(steps: str, written: list[str]) -> None:
    assert [path for path, _ in read(steps).written] == written


@pytest.mark.parametrize(
    ("steps", "understood"), [("CMD a", True), ("CMD if", False), ('CMD ["if"]', True), ("RUN if", True)]
)
def test_whether_the_start_is_understood(steps: str, understood: bool) -> None:
    assert read(steps).understood is understood


CRONTAB = """\
SHELL=/bin/sh
# every hour
5 * * * * python hourly.py
*/30 0 9-17 * * MON-FRI flask digest
@daily ./backup.sh
"""


@pytest.mark.parametrize(
    ("command", "name", "text", "expected"),
    [
        ("supercronic -quiet crontab", "crontab", CRONTAB, ["supercronic", "python", "flask", "./backup.sh"]),
        ("supercronic", "crontab", CRONTAB, ["supercronic"]),
        (
            "honcho start",
            "Procfile",
            "web: flask run\n# x: y\njob: celery beat\n",
            ["honcho", "flask", "celery"],
        ),
        ("honcho start job", "Procfile", "web: flask run\njob: celery beat\n", ["honcho", "celery"]),
        ("honcho -f a/Procs start", "a/Procs", "web: flask run\n", ["honcho", "flask"]),
        ("./wait-for-it.sh db:5432 -t 9 -- flask run", "none", "", ["./wait-for-it.sh", "flask"]),
        ("wait_for_db -- sh -c 'flask run'", "none", "", ["wait_for_db", "sh", "flask"]),
        ("./waiter -- flask run", "none", "", ["./waiter"]),
    ],
)
def test_what_files_list_and_what_waits_is_started(
    command: str, name: str, text: str, expected: list[str]
) -> None:
    assert programs(f"CMD {command}", {name: text}) == expected


@pytest.mark.parametrize(
    "sourcing",
    [
        '. "$(dirname "$0")/lib/common.sh"',
        'source "${BASH_SOURCE%/*}/lib/common.sh"',
        ". ./lib/common.sh",
    ],
)
def test_functions_and_variables_of_a_sourced_file_are_known(sourcing: str) -> None:
    script = f'#!/bin/bash\n{sourcing}\nprepare "$DATA/out"\nexec serve\n'
    library = 'DATA=/srv\nprepare() {\n  mkdir -p "$1"\n}\n'
    found = read('CMD ["/app/start.sh"]', {"start.sh": script, "lib/common.sh": library})
    made = [one.invocation for one in found.commands if one.command.program == "mkdir"]
    assert "/srv/out" in [word.expand(one.env) for one in made for word in one.command.args]
    assert found.unread == ()


def test_a_sourced_file_that_only_a_variable_names_is_unread() -> None:
    script = '#!/bin/sh\n. "$LIB/common.sh"\n. "$VENV/bin/activate"\n[ -f "$ENV" ] && . "$ENV"\nexec serve\n'
    found = read('CMD ["/app/start.sh"]', {"start.sh": script})
    assert [path for path, _ in found.unread] == ['"$LIB/common.sh"']


@pytest.mark.parametrize("program", ["/tini", "/usr/local/bin/dumb-init"])
def test_an_init_that_a_step_fetches_is_not_read(program: str) -> None:
    steps = f'ADD https://e.org/{program.rpartition("/")[2]} {program}\nENTRYPOINT ["{program}", "--"]\n'
    found = read(f'{steps}CMD ["serve"]', {})
    assert found.unread == ()
    assert [one.command.program for one in found.commands][:1] == ["serve"]
