"""A proof that is killed leaves no container, no image and no file behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from applications import build_network, engine, has_image

PROVE = """\
import sys
from pathlib import Path
from dockfix.verify import Case, Prover, VerifyOptions

text = Path(sys.argv[1]).read_text()
options = VerifyOptions(build_network=sys.argv[2] or None, seconds=60)
with Prover(options) as prover:
    print(prover.label, prover.folder, flush=True)
    prover.prove(Case(text, text, Path(sys.argv[1])), lambda step: print(step, flush=True))
"""
SLOW_BUILD = "FROM python:3.12-slim-bookworm\nRUN sleep 33.3 && echo {salt}\n"
SLOW_RUN = 'FROM python:3.12-slim-bookworm\nLABEL salt={salt}\nCMD ["sleep", "44.4"]\n'


def listed(what: str, label: str) -> list[str]:
    argv = [engine().executable, what, "-a", "-q", "--filter", f"label={label}"]
    return subprocess.run(argv, capture_output=True, text=True, check=True).stdout.split()


@pytest.mark.engine
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
@pytest.mark.parametrize(
    ("text", "step"), [(SLOW_BUILD, "build the original"), (SLOW_RUN, "run the original")]
)
def test_nothing_is_left_behind(text: str, step: str, number: signal.Signals, tmp_path: Path) -> None:
    if not has_image("python:3.12-slim-bookworm"):
        pytest.skip("no image python:3.12-slim-bookworm on this engine")
    dockerfile = tmp_path / "Dockerfile"
    dockerfile.write_text(text.format(salt=f"{number.name}-{os.getpid()}-{time.time_ns()}"))
    argv = [sys.executable, "-c", PROVE, str(dockerfile), build_network() or ""]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        label, folder = process.stdout.readline().split()
        while process.stdout.readline().strip() != step:
            pass
        limit = time.monotonic() + 30
        while step == "run the original" and not listed("ps", label):
            assert time.monotonic() < limit, "no container was started"
        time.sleep(1)
        process.send_signal(number)
        process.wait(60)
    limit = time.monotonic() + 60
    while listed("ps", label) or listed("images", label) or Path(folder).exists():
        assert time.monotonic() < limit, (listed("ps", label), listed("images", label), folder)
        time.sleep(0.2)
