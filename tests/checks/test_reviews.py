"""Reviews of what runs an image in another way than its Dockerfile says."""

from __future__ import annotations

import pytest

from dockfix import Changed, Options, fix
from dockfix.context import Context
from dockfix.repository.manifests import read_manifests

START = 'CMD ["python", "main.py"]\n'
DOCKERFILE = f"FROM python:3.12-slim\nWORKDIR /app\nRUN pip install flask\nCOPY . .\n{START}"


def run_by(service: str, dockerfile: str = DOCKERFILE) -> Changed:
    """The rewrite of a file whose image a compose service with these lines runs."""
    manifest = f"services:\n  web:\n    build: .\n{service}"
    result = fix(dockerfile, context=Context(deployments=read_manifests([("compose.yaml", manifest)])))
    assert isinstance(result, Changed)
    return result


@pytest.mark.parametrize(
    ("user", "number", "is_shared"),
    [
        ("1000:1000", "--uid 1000 ", False),
        ("'1234'", "--uid 1234 ", False),
        ("'${UID}:${GID}'", "", True),
        ("'${UID:-1005}'", "--uid 1005 ", False),
        ("nobody", "", True),
        ("'999'", "", True),
        ("root", "", True),
    ],
)
def test_whom_a_service_runs_the_image_as_finds_the_packages(user: str, number: str, is_shared: bool) -> None:
    text = run_by(f"    user: {user}\n").text
    assert f"useradd --create-home {number}appuser" in text
    assert ("pip install --user" not in text) is is_shared


def test_services_of_several_users_share_the_packages() -> None:
    text = run_by("    user: '1000'\n  job:\n    build: .\n    user: '1001'\n").text
    assert "--user" not in text
    assert "--uid" not in text


def test_an_account_of_the_file_is_not_whom_the_service_names() -> None:
    dockerfile = DOCKERFILE.replace("RUN", "RUN useradd --uid 1000 -m app\nRUN")
    assert "--user flask" in run_by("    user: '1000'\n", dockerfile).text
    assert "--user flask" not in run_by("    user: '1001'\n", dockerfile).text


@pytest.mark.parametrize(
    ("steps", "user", "line"),
    [
        ("RUN playwright install chromium\n", "'${UID}'", 4),
        ("RUN playwright install chromium\n", "root", 4),
        ("", "'${UID}'", 0),
        ("RUN playwright install chromium\n", "'1000'", 0),
    ],
)
def test_what_the_home_holds_is_out_of_reach_for_others(steps: str, user: str, line: int) -> None:
    result = run_by(f"    user: {user}\n", DOCKERFILE.replace("COPY", f"{steps}COPY"))
    found = [one for one in result.reviews if one.code == "denied-to-user"]
    assert [one.line for one in found] == ([line] if line else [])


@pytest.mark.parametrize(("user", "is_held"), [("'${UID}'", True), ("root", False)])
def test_sources_below_the_home_are_out_of_reach_for_others(user: str, is_held: bool) -> None:
    result = run_by(f"    user: {user}\n", f"FROM python:3.12-slim\nCOPY . .\n{START}")
    assert "WORKDIR /home/appuser/app" in result.text
    assert [one.line for one in result.reviews] == ([2] if is_held else [])


def test_installs_of_a_service_at_its_start() -> None:
    (review,) = run_by("    command: sh -c 'pip install -r more.txt && python main.py'\n").reviews
    assert review.code == "denied-to-user"
    assert review.message.startswith("the start in compose.yaml:3 installs packages with pip")


def test_installs_of_the_image_at_its_start() -> None:
    result = fix(DOCKERFILE.replace(START, "CMD pip install -r more.txt && python main.py\n"))
    assert isinstance(result, Changed)
    assert [(one.code, one.line) for one in result.reviews] == [("denied-to-user", 5)]


@pytest.mark.parametrize(
    ("command", "is_asked"),
    [
        ("$COMMAND", True),
        ("${COMMAND}", True),
        ("[$COMMAND, run]", True),
        ("${COMMAND:-python main.py}", False),
        ("python main.py --port $PORT", False),
    ],
)
def test_a_program_that_is_a_variable_without_a_value_needs_review(command: str, is_asked: bool) -> None:
    codes = [one.code for one in run_by(f"    command: {command}\n").reviews]
    assert ("opaque-command" in codes) is is_asked


@pytest.mark.parametrize(
    ("script", "is_asked"),
    [
        ('cd "$(cat place)"\nmkdir -p logs\npython main.py\n', True),
        ("cd `dirname $0`\ntouch main.pid\npython main.py\n", True),
        ('mkdir -p "$DATA_DIR/logs"\npython main.py\n', True),
        ('python main.py > "$LOG" 2>&1\n', True),
        ('for d in $DIRS; do mkdir -p "$d"; done\npython main.py\n', True),
        ('for d in "$@"; do mkdir -p "$d"; done\npython main.py\n', True),
        ('while read -r d; do mkdir -p "$d"; done <<X\n/srv/a\nX\npython main.py\n', True),
        ('while [ $# -gt 0 ]; do mkdir -p "$1"; shift; done\npython main.py\n', True),
        ('printf "%s\\n" a | while read d; do sh -c \'touch "$0"\' "$d"; done\npython main.py\n', True),
        ('for d in $DIRS; do test -d "$d" || mkdir -p "$d"; done\npython main.py\n', True),
        ('[ -d "$DATA_DIR" ] || mkdir -p "$DATA_DIR"\npython main.py\n', True),
        ('if [ ! -e "$DATA_DIR" ]; then mkdir -p "$DATA_DIR"; fi\npython main.py\n', True),
        ('[ ! -d "$DATA_DIR" ] && mkdir -p "$DATA_DIR"\npython main.py\n', True),
        ('[ -n "$D" ] && [ ! -d "$D" ] && mkdir -p "$D"\npython main.py\n', False),
        ('[ -f "$FLAG" ] && rm "$FLAG"\npython main.py\n', False),
        ('if [ -n "$D" ]; then [ -d "$D" ] || mkdir -p "$D"; fi\npython main.py\n', False),
        ('[ ! -f /app/flag ] && rm "$FLAG"\npython main.py\n', False),
        ('for d in $DIRS; do echo "$d" >> /app/data/list; done\npython main.py\n', False),
        ('for d in "$@"; do case $d in -*) shift;; esac; done\npython main.py\n', False),
        ('cd "$(dirname "$0")"\nmkdir -p logs\npython main.py\n', False),
        ('DATA_DIR=/app/data\nmkdir -p "$DATA_DIR/logs"\npython main.py\n', False),
        ('test -z "$DATA_DIR" || mkdir -p "$DATA_DIR"\npython main.py\n', False),
        ('python main.py --log "$LOG"\n', False),
    ],
)
def test_a_start_script_that_writes_where_nobody_knows_needs_review(script: str, is_asked: bool) -> None:
    start = 'CMD ["sh", "start.sh"]\n'
    sources = {"start.sh": script, "main.py": "print()\n", "place": "/srv"}
    result = fix(DOCKERFILE.replace(START, start), context=Context(read=sources.get))
    assert isinstance(result, Changed)
    assert ("opaque-command" in [one.code for one in result.reviews]) is is_asked


@pytest.mark.parametrize(
    ("users", "is_asked"),
    [
        ("USER root\n", False),
        ("USER 0\nRUN pip install x\nUSER root\n", False),
        ("RUN useradd -m app\nUSER app\nRUN pip install --user x\nUSER root\n", True),
    ],
)
def test_a_file_switches_back_to_root_only_from_another_user(users: str, is_asked: bool) -> None:
    result = fix(f"FROM python:3.12-slim\n{users}WORKDIR /app\nCOPY . .\n{START}")
    assert isinstance(result, Changed)
    assert ("final-user-root" in [one.code for one in result.reviews]) is is_asked


@pytest.mark.parametrize("command", ["gunicorn main:app --pid main.pid", "./serve", "python main.py"])
def test_a_directory_that_is_not_known_is_not_shown_as_a_path(command: str) -> None:
    sources = {"start.sh": f'cd "$(cat place)"\n{command}\n', "main.py": "print()\n"}
    result = fix(DOCKERFILE.replace(START, 'CMD ["sh", "start.sh"]\n'), context=Context(read=sources.get))
    assert isinstance(result, Changed)
    messages = [one.message for one in result.reviews]
    program = command.partition(" ")[0]
    assert f"{program} in the start in /app/start.sh works at a place that is not known" in messages
    assert not any("\0" in message for message in messages)


def test_file_in_a_directory_of_the_system_is_reported_once() -> None:
    sources = {"main.py": 'open("/var/log/web.log", "a").write("one")\n'}
    result = fix(DOCKERFILE, context=Context(read=sources.get))
    assert isinstance(result, Changed)
    assert [(one.code, one.message) for one in result.reviews] == [
        ("writes-to-system-directory", "/var/log/web.log (main.py:1): only root can write there")
    ]


def test_path_of_a_denial_is_named_once() -> None:
    result = fix(
        f"FROM python:3.12-slim\nRUN touch /etc/web\n{DOCKERFILE[22 : -len(START)]}CMD chmod 600 /etc/web\n"
    )
    assert isinstance(result, Changed)
    assert [one.message for one in result.reviews if one.code == "denied-to-user"] == [
        "the start command: chmod changes the mode of /etc/web, which is denied to the user"
    ]


@pytest.mark.parametrize(
    ("step", "is_asked"),
    [
        ("node -v && npm -v", False),
        ("frobnicate --version", False),
        ("frobnicate help", False),
        ("frobnicate -v", True),
        ("frobnicate --version setup", True),
        ("frobnicate setup", True),
    ],
)
def test_a_program_that_prints_about_itself_leaves_nothing_in_roots_home(step: str, is_asked: bool) -> None:
    text = (
        f'FROM python:3.12-slim\nRUN apt-get update && {step}\nWORKDIR /app\nCOPY . .\nCMD ["frobnicate"]\n'
    )
    result = fix(text)
    assert isinstance(result, Changed)
    assert ("uses-root-home" in [one.code for one in result.reviews]) == is_asked


@pytest.mark.parametrize(
    ("base", "start", "is_asked"),
    [
        ("python:3.12-alpine", 'CMD ["sh", "-lc", "flask run"]', True),
        ("python:3.12-alpine", "CMD bash --login -c 'flask run'", True),
        ("python:3.12-alpine", 'CMD ["sh", "-c", "flask run -l"]', False),
        ("python:3.12-alpine", 'CMD ["flask", "run"]', False),
        ("python:3.12-slim", 'CMD ["sh", "-lc", "flask run"]', False),
        ("rockylinux:9", 'CMD ["bash", "-lc", "flask run"]', False),
    ],
)
def test_a_login_shell_of_alpine_does_not_find_the_programs_of_the_user(
    base: str, start: str, is_asked: bool
) -> None:
    result = fix(f"FROM {base}\nWORKDIR /app\nRUN pip install flask\nCOPY . .\n{start}\n")
    assert isinstance(result, Changed)
    assert any("login shell" in one.message for one in result.reviews) == is_asked


TAKEN_BACK = {
    # A file or a folder: it may bring the directory of the step before again, for root.
    "RUN install -d -m 0750 data data/in\nCOPY --chown=root:root f data/\nCMD ls data\n": "/data/in",
    "RUN mkdir /data\nCOPY --chown=0:0 rootfs /\nCMD ls /data\n": "/home/appuser",
}


@pytest.mark.parametrize("steps", TAKEN_BACK)
def test_a_copy_for_root_may_bring_what_the_user_writes_again(steps: str) -> None:
    result = fix(f"FROM python:3.12-slim\n{steps}")
    assert isinstance(result, Changed)
    asked = [one.message for one in result.reviews if one.code == "denied-to-user"]
    assert asked == [
        f"the copy may bring {TAKEN_BACK[steps]} again, which the user writes, for another owner or read-only"
    ]


def test_no_directory_takes_the_place_of_what_may_be_a_private_file() -> None:
    text = (
        "FROM python:3.12-slim\nCOPY --chown=root . .\n"
        "RUN mkdir -p -m 750 /app && chmod 640 /app/f\nCMD cat /app/f\n"
    )
    result = fix(text)
    assert isinstance(result, Changed)
    assert "mkdir -p /app/f" not in result.text
    assert [one.code for one in result.reviews] == ["denied-to-user"]


@pytest.mark.parametrize(
    ("step", "is_asked"),
    [
        ("COPY --from=docker:27-cli /usr/local/bin/docker /usr/local/bin/docker", True),
        ("COPY --from=docker:cli /usr/local/bin/docker /usr/local/bin/", True),
        ("RUN apt-get update && apt-get install -y docker-ce-cli", True),
        ("COPY docker ./docker", False),
        ("COPY docker /opt/docker", False),
    ],
)
def test_a_client_of_docker_needs_the_socket(step: str, is_asked: bool) -> None:
    result = fix(f'FROM python:3.12-slim\nWORKDIR /app\n{step}\nCOPY . .\nCMD ["python", "app.py"]\n')
    assert isinstance(result, Changed)
    assert ("installs-root-tool" in [one.code for one in result.reviews]) == is_asked


@pytest.mark.parametrize(
    ("path", "is_asked"),
    [("taskcluster/docker/test/Dockerfile", True), ("docker/taskcluster/Dockerfile", False)],
)
def test_images_of_taskcluster_s_jobs_start_as_root(path: str, is_asked: bool) -> None:
    text = "FROM python:3.12-slim\nRUN useradd -m worker\nVOLUME /builds\nCMD python -m http.server\n"
    result = fix(text, Options(), Context(path))
    assert isinstance(result, Changed)
    assert any("Taskcluster" in one.message for one in result.reviews) == is_asked


def test_root_again_on_a_base_that_has_its_account_is_a_review() -> None:
    result = fix(f"FROM apache/airflow:2.9.0\nUSER root\nRUN apt-get update\nCOPY . .\nUSER root\n{START}")
    assert isinstance(result, Changed)
    assert "final-user-root" in [one.code for one in result.reviews]


@pytest.mark.parametrize(
    ("start", "expected"),
    [
        ('["bash"]', ["uses-root-home"]),
        ('["/bin/bash", "-l"]', ["uses-root-home"]),
        ("bash", ["uses-root-home"]),
        ('["sh"]', []),
        ('["bash", "-c", "pip list"]', []),
    ],
)
def test_a_bash_without_a_script_reads_what_root_left_in_its_settings(
    start: str, expected: list[str]
) -> None:
    steps = "RUN echo 'alias a=b' >> ~/.bashrc\nRUN apt-get update\nRUN pip install pandas\n"
    result = fix(f"FROM python:3.12-slim\nWORKDIR /app\n{steps}CMD {start}\n")
    assert isinstance(result, Changed)
    assert [one.code for one in result.reviews] == expected
