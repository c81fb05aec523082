"""A killed run leaves each file either unchanged or complete and proven, and nothing else behind."""

from __future__ import annotations

import itertools
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from applications import build_network, engine, has_image

from dockfix import fix
from dockfix.options.request import OBSERVER
from dockfix.results import Changed

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
BESIDE = """\
import sys
from pathlib import Path
from dockfix.verify import Case, Prover, Recipe, VerifyOptions
from dockfix.verify.images import Source
from dockfix.verify.services import Company, Service

path = Path(sys.argv[1])
text = path.read_text()
service = Service("slow", "", source=Source(text, path, path.parent))
case = Case(text, text, path, recipe=Recipe(company=Company((service,))))
with Prover(VerifyOptions(build_network=sys.argv[2] or None)) as prover:
    print(prover.label, prover.folder, flush=True)
    prover.prove(case)
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


@pytest.mark.engine
def test_no_service_is_left_behind(tmp_path: Path) -> None:
    """The service that is waited for, the image that was built for it, and its network's container."""
    if not (has_image("python:3.12-slim-bookworm") and has_image(OBSERVER)):
        pytest.skip("no image python:3.12-slim-bookworm or of the observer on this engine")
    dockerfile = tmp_path / "Dockerfile"
    dockerfile.write_text(SLOW_RUN.format(salt=f"{os.getpid()}-{time.time_ns()}"))
    argv = [sys.executable, "-c", BESIDE, str(dockerfile), build_network() or ""]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        label, folder = process.stdout.readline().split()
        limit = time.monotonic() + 120
        while len(listed("ps", label)) < 2:
            assert time.monotonic() < limit, "no service was started"
            time.sleep(0.2)
        process.kill()
        process.wait(60)
    limit = time.monotonic() + 120
    while listed("ps", label) or listed("images", label) or Path(folder).exists():
        assert time.monotonic() < limit, (listed("ps", label), listed("images", label), folder)
        time.sleep(0.2)


WRITTEN = """\
FROM python:3.12-slim-bookworm
WORKDIR /app
COPY . .
RUN echo {salt}
CMD ["python", "-c", "print({number})"]
"""
MOMENTS = list(itertools.product((signal.SIGINT, signal.SIGTERM, signal.SIGKILL), range(3)))


def sweepers(room: Path) -> Iterator[tuple[int, str]]:
    """The processes that clean up what was created below `room`, with their label."""
    for entry in Path("/proc").iterdir():
        try:
            words = (entry / "cmdline").read_bytes().decode().split("\0")
        except OSError:
            continue
        if len(words) > 5 and words[2].endswith("sweeper.py") and words[5].startswith(str(room)):
            yield int(entry.name), words[4]


def start(folder: Path, room: Path, *flags: str) -> subprocess.Popen[str]:
    """dockfix on the folder, with its temporary files and state in `room`."""
    environment = {**os.environ, "TMPDIR": str(room), "XDG_STATE_HOME": str(room.parent / "state")}
    argv = [sys.executable, "-m", "dockfix", "--write", "--allow-dirty", *flags, str(folder)]
    return subprocess.Popen(argv, env=environment, stderr=subprocess.PIPE, text=True)


def rewritten(text: str) -> str:
    result = fix(text)
    assert isinstance(result, Changed)
    return result.text


@pytest.mark.engine
@pytest.mark.parametrize(("number", "moment"), MOMENTS)
def test_each_file_is_as_it_was_or_whole_and_proven(
    number: signal.Signals, moment: int, tmp_path: Path
) -> None:
    if not has_image("python:3.12-slim-bookworm"):
        pytest.skip("no image python:3.12-slim-bookworm on this engine")
    folder, room = tmp_path / "files", tmp_path / "room"
    room.mkdir()
    salt = f"{number.name}-{moment}-{os.getpid()}-{time.time_ns()}"
    before = {}
    for place in range(3):
        file = folder / str(place) / "Dockerfile"
        file.parent.mkdir(parents=True)
        before[file] = WRITTEN.format(salt=salt, number=place)
        file.write_text(before[file])
    whole = {file: rewritten(text) for file, text in before.items()}
    network = build_network()
    flags = ["--verify", "--verify-seconds", "1", *(["--build-network", network] if network else [])]
    labels = set()
    end = time.monotonic() + 3 + random.Random(f"{number}{moment}").uniform(6 * moment, 6 * moment + 6)
    with start(folder, room, *flags) as process:
        while time.monotonic() < end and process.poll() is None:
            labels |= {label for _, label in sweepers(room)}
            time.sleep(0.05)
        process.send_signal(number)
        _, messages = process.communicate(timeout=120)
    limit = time.monotonic() + 120
    while list(sweepers(room)):
        assert time.monotonic() < limit, "the sweeper does not end"
        time.sleep(0.2)
    assert list(room.iterdir()) == []
    left = {label: listed("ps", label) + listed("images", label) for label in labels}
    assert not any(left.values()), left
    for file, text in before.items():
        now = file.read_text()
        assert now == text or (now == whole[file] and f"{file}: proven" in messages)
    rest = start(folder, room)
    _, messages = rest.communicate(timeout=60)
    assert rest.returncode == 0, messages
    for file in before:
        assert file.read_text() == whole[file]
        assert [path.name for path in file.parent.iterdir()] == ["Dockerfile"]
