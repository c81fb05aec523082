from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from dockfix.verify.engine import Engine
from dockfix.verify.session import TIMED_OUT, ClosedError, Session

LIMIT = 120
"""Seconds for what takes a moment, on a machine that is busy."""
# An engine that lists one container and one image until each is removed, and notes every call.
FAKE = """\
#!/bin/sh
room=$(dirname "$0")
echo "$@" >>"$room/calls"
case $1 in
  ps) cat "$room/containers" ;;
  images) cat "$room/images" ;;
  rm) : >"$room/containers" ;;
  rmi) : >"$room/images" ;;
  slow) echo begun; echo $$ >"$room/slow"; sleep 600 ;;
  echo) cat ;;
esac
"""

# A shell that starts the tests in the background has them ignore Ctrl-C.
KILLED = """\
import signal
import sys
signal.signal(signal.SIGINT, signal.default_int_handler)
from dockfix.verify.engine import Engine
from dockfix.verify.session import Session
with Session(Engine("docker", sys.argv[1])) as session:
    print(session.folder, flush=True)
    session.call([sys.argv[1], "slow"])
"""


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    program = tmp_path / "docker"
    program.write_text(FAKE)
    program.chmod(0o755)
    (tmp_path / "containers").write_text("c1\n")
    (tmp_path / "images").write_text("i1\n")
    return Engine("docker", str(program))


def await_true(what: Path, text: str) -> None:
    limit = time.monotonic() + LIMIT
    while not (what.exists() and text in what.read_text()):
        assert time.monotonic() < limit, f"{text!r} is not in {what}"
        time.sleep(0.02)


def test_end_of_a_session_removes_what_carries_its_label(engine: Engine, tmp_path: Path) -> None:
    with Session(engine) as session:
        folder = Path(session.folder)
        assert folder.is_dir()
        assert session.call(engine.call("echo"), stdin="said").output == "said"
        label = session.label
    calls = (tmp_path / "calls").read_text().splitlines()
    assert f"ps -a -q --filter label={label}" in calls
    assert "rm -f -v c1" in calls
    assert "rmi -f i1" in calls
    assert not folder.exists()
    with pytest.raises(ClosedError):
        session.call(engine.call("echo"))


def test_call_over_its_time_is_stopped(engine: Engine) -> None:
    with Session(engine) as session:
        began = time.monotonic()
        done = session.call(engine.call("slow"), timeout=0.3)
        assert (done.code, done.output) == (TIMED_OUT, "begun\n")
        assert time.monotonic() - began < 10


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
@pytest.mark.integration
def test_killed_session_is_cleaned_up_by_the_sweeper(
    engine: Engine, tmp_path: Path, number: signal.Signals
) -> None:
    argv = [sys.executable, "-c", KILLED, engine.executable]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        folder = Path(process.stdout.readline().strip())
        await_true(tmp_path / "slow", "\n")
        process.send_signal(number)
        process.wait(LIMIT)
    await_true(tmp_path / "calls", "rmi -f i1")
    assert (tmp_path / "containers").read_text() == ""
    limit = time.monotonic() + LIMIT
    slow = int((tmp_path / "slow").read_text())
    while folder.exists() or Path(f"/proc/{slow}/fd").exists():
        assert time.monotonic() < limit, "a folder or a call is left behind"
        time.sleep(0.02)
