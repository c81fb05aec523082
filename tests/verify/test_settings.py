from __future__ import annotations

import os
import stat
from dataclasses import asdict
from pathlib import Path

import pytest

from dockfix.runner.verdict import Answer, Details, Observation
from dockfix.verify import EngineError, Kind, Verdict, VerifyOptions
from dockfix.verify.settings import conceal, read_secrets, read_settings

OBSERVATION = Observation(
    user="",
    home="/root",
    workdir="/app",
    started="",
    up=True,
    exit_code=None,
    seconds=1.0,
    log_tail=("connecting to postgres://u:s3cret@db/x", "short: 1"),
    answers=(Answer(8000, "/", 200, "SECRET_KEY=multi\nlines of it", True),),
)


def test_settings_are_those_of_docker_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OWN", "mine")
    monkeypatch.delenv("GONE", raising=False)
    file = tmp_path / "web.env"
    file.write_bytes("\ufeff# a comment\nA=1\r\n\n  B=two words \nOWN\nGONE\nC=#no comment\n".encode())
    given = read_settings(VerifyOptions(env=("A=3", "D=a=b", "GONE", "E="), env_files=(str(file),)))
    written = {"A": "3", "B": "two words ", "C": "#no comment", "D": "a=b", "E": ""}
    assert given.known == written | {"OWN": "mine"}


def test_files_reach_every_run_even_from_a_pipe(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.write(writing, b"TOKEN=s3cret\xff\n")
    os.close(writing)
    given = read_settings(VerifyOptions(env=("A=1", "B"), env_files=(f"/dev/fd/{reading}",)))
    os.close(reading)
    flags = given.lay_down(str(tmp_path))
    place = tmp_path / "settings-0"
    assert flags == ("--env-file", str(place), "--env", "A=1", "--env", "B")
    assert place.read_bytes() == b"TOKEN=s3cret\xff\n"
    assert stat.S_IMODE(place.stat().st_mode) & 0o077 == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (VerifyOptions(env=("=x",)), "env: '=x' has no name: write NAME=VALUE"),
        (VerifyOptions(env_files=("gone.env",)), "env-file: gone.env: No such file or directory"),
    ],
)
def test_what_cannot_be_set_is_reported(options: VerifyOptions, message: str) -> None:
    with pytest.raises(EngineError) as raised:
        read_settings(options)
    assert str(raised.value) == message


def test_values_are_reported_nowhere() -> None:
    details = Details("docker", "it said s3cret", before=OBSERVATION)
    report = conceal(
        (("last line: 's3cret'",), details), ["s3cret", "multi\nlines of it", '"quoted"', "1", ""]
    )
    verdict = Verdict(Kind.BREAKS, "a/s3cret/Dockerfile", "compare", *report)
    text = str(verdict.as_json())
    assert "a/s3cret/Dockerfile" in text
    assert "s3cret" not in text.replace("a/s3cret/Dockerfile", "")
    assert "lines of it" not in text
    before = verdict.details.before
    assert before is not None
    assert before.log_tail == ("connecting to postgres://u:***@db/x", "short: 1")
    assert before.answers[0].body == "SECRET_KEY=***\n***"
    assert verdict.log_tail == ("last line: '***'",)


def test_without_settings_everything_is_reported() -> None:
    assert asdict(conceal(OBSERVATION, ["", "abc"])) == asdict(OBSERVATION)


def test_what_builds_are_handed_is_hidden_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKEN", "of a build")
    monkeypatch.setenv("NETRC", "of a variable")
    (tmp_path / "key").write_text("of a file")
    secrets = (f"id=a,src={tmp_path / 'key'}", "id=b,env=NETRC", "id=TOKEN", f"id=c,src={tmp_path / 'gone'}")
    options = VerifyOptions(build_args={"TOKEN": None, "LEVEL": "1"}, secrets=secrets)
    assert read_secrets(options) == ("of a build", "of a file", "of a variable", "of a build", "")
