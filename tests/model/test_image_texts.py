"""The texts of an image's files, from the build context and from the stages that copy it on."""

from __future__ import annotations

import pytest
from plans import read_plan

SCRIPT = "#!/bin/sh\nexec python app.py\n"
FILES = {"deploy/start.sh": SCRIPT, "deploy/start": SCRIPT}


@pytest.mark.parametrize(
    ("steps", "path"),
    [
        (
            "FROM alpine AS a\nCOPY deploy /src\nFROM python:3.12\nCOPY --from=a /src/ /app/\n",
            "/app/start.sh",
        ),
        ("FROM alpine AS A\nCOPY deploy /src\nFROM python:3.12\nCOPY --from=a /src/start /run\n", "/run"),
        (
            "FROM alpine\nCOPY deploy /src\nFROM python:3.12\nCOPY --from=0 src/start.sh /bin/\n",
            "/bin/start.sh",
        ),
        (
            "FROM alpine AS a\nCOPY deploy /src\nFROM a AS b\nRUN mv /src/start /made\n"
            "FROM python:3.12\nCOPY --from=b /made /start\n",
            "/start",
        ),
        (
            "FROM alpine AS a\nCOPY deploy/start /1\nFROM alpine AS b\nCOPY --from=a /1 /2\n"
            "FROM python:3.12\nCOPY --from=b /2 /3\n",
            "/3",
        ),
        (
            "FROM alpine AS a\nRUN printf '#!/bin/sh\\nexec python app.py\\n' > /x\n"
            "FROM python:3.12\nCOPY --from=a /x /y\n",
            "/y",
        ),
        (
            f"FROM alpine AS a\nCOPY <<EOF /x\n{SCRIPT}EOF\nFROM python:3.12\nCOPY --from=a /x /y\n",
            "/y",
        ),
    ],
)
def test_a_file_of_an_earlier_stage_is_read_where_it_came_from(steps: str, path: str) -> None:
    assert read_plan(steps, files=FILES).starting.read(path) == SCRIPT


@pytest.mark.parametrize(
    "source",
    ["--from=alpine:3.20 /src/start", "--from=later /src/start", "--from=a /gone", "--from=9 /src/start"],
)
def test_nothing_is_known_of_another_image(source: str) -> None:
    text = f"FROM alpine AS a\nCOPY deploy /src\nFROM python:3.12\nCOPY {source} /run\n"
    assert read_plan(text, files=FILES).starting.read("/run") is None


def test_a_script_of_an_earlier_stage_is_followed() -> None:
    copied = "FROM alpine AS a\nCOPY deploy /d\nFROM python:3.12\nCOPY --from=a /d/start /run\n"
    text = f'{copied}ENTRYPOINT ["/run"]\n'
    starting = read_plan(text, files=FILES).starting
    assert [one.command.program for one in starting.commands] == ["/run", "python"]
    assert starting.unread == ()
