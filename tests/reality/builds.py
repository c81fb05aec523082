"""Stages built on an engine, many in one build, and the reports of their probes."""

from __future__ import annotations

import io
import json
import posixpath
import re
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from . import probe
from .chroots import IMAGE, SETCAP, Event, Numbers, Real, read_events, read_numbers
from .stages import ARCHIVE, CONTEXT, MEMBERS, StageText

BASE: Final = "dockfix-reality"
MAX_STAGES: Final = 60
"""As many stages as one build takes: an image has no more than 127 layers."""
_PROBE: Final = f'USER root\nRUN ["python3", "{probe.HERE}/probe.py"]\n'
_FAILED: Final = re.compile(r"^#\d+ \[(\w+) [^\]]*\].*\n(?:#\d+ .*\n)*?#\d+ ERROR|^ > \[(\w+) ", re.MULTILINE)


@dataclass(frozen=True)
class Report:
    """The end state of a stage: the events of each RUN, the accounts' numbers, and the files."""

    events: Mapping[int, Sequence[Event]]
    accounts: Numbers
    nodes: Mapping[str, Real]
    base: Mapping[str, Real]
    gone: frozenset[str]

    def at(self, path: str) -> Real | None:
        """What is at a path, without following links."""
        return None if path in self.gone else self.nodes.get(path, self.base.get(path))

    def changed(self) -> list[str]:
        """The existing paths that differ from the base."""
        return sorted(self.nodes)

    def numbers(self) -> Numbers:
        """The uids and gids by name."""
        return self.accounts


@contextmanager
def laboratory() -> Iterator[Path]:
    """A build context for stages, and a base image for them with a probe in it."""
    with tempfile.TemporaryDirectory(prefix="dockfix-reality-") as folder:
        context = Path(folder) / Path(folder).name
        lay_out(context)
        own = Path(folder) / "base"
        own.mkdir()
        shutil.copy(probe.__file__, own / "probe.py")
        (own / "setcap").write_text(SETCAP)
        (own / "setcap").chmod(0o755)
        text = (
            f"FROM {IMAGE}\nCOPY setcap /usr/sbin/setcap\nRUN mkdir -m 1777 {probe.HERE}\n"
            f'COPY probe.py {probe.HERE}/\nRUN ["python3", "{probe.HERE}/probe.py", "base"]\n'
        )
        done = _build(text, own, "--tag", BASE)
        assert done.returncode == 0, done.stderr[-2000:]
        yield context


def lay_out(context: Path) -> None:
    """Write the files that stages copy."""
    for name, mode in CONTEXT.items():
        path = context / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("exit 0\n")
        path.chmod(mode)
        for folder in path.relative_to(context).parents:
            (context / folder).chmod(0o755)
    with tarfile.open(context / ARCHIVE, "w") as archive:
        inner = tarfile.TarInfo(posixpath.dirname(MEMBERS[-1]))
        inner.type, inner.mode, inner.uid, inner.gid = tarfile.DIRTYPE, 0o755, 4242, 4242
        archive.addfile(inner)
        for name in MEMBERS:
            member = tarfile.TarInfo(name)
            member.uid = member.gid = 4242
            member.mode, member.size = 0o644, 3
            archive.addfile(member, io.BytesIO(b"hi\n"))
    (context / ARCHIVE).chmod(0o644)


def build(stages: Sequence[StageText], context: Path) -> dict[str, Report]:
    """The reports of the stages that can be built, by name."""
    left = list(stages)
    while left:
        text = "".join(one.render(BASE, instrumented=True) + _PROBE for one in left)
        text += "FROM scratch\n" + "".join(
            f"COPY --from={one.name} {probe.HERE}/report.json /{one.name}.json\n" for one in left
        )
        text += f"COPY --from={BASE} {probe.HERE}/base.json /\n"
        with tempfile.TemporaryDirectory(prefix="dockfix-reality-") as out:
            done = _build(text, context, "--output", f"type=local,dest={out}")
            if done.returncode == 0:
                base = _read_nodes(json.loads((Path(out) / "base.json").read_text(encoding="utf-8")))
                return {one.name: _read(Path(out) / f"{one.name}.json", base) for one in left}
        failed = {name for match in _FAILED.finditer(done.stderr) for name in match.groups() if name}
        assert failed, done.stderr[-3000:]
        left = _without(left, failed)
    return {}


def _without(stages: Sequence[StageText], failed: set[str]) -> list[StageText]:
    """The stages but those that failed, and those that copy from one that is left out itself."""
    gone = set(failed)
    # A stage can copy from earlier ones only.
    for one in stages:
        if uses(one, gone):
            gone.add(one.name)
    return [one for one in stages if one.name not in gone]


def uses(stage: StageText, others: set[str]) -> bool:
    """Whether a stage copies from one of these."""
    text = stage.render("")
    return any(re.search(rf"--from={name}\b", text) for name in others)


def _build(text: str, context: Path, *flags: str) -> subprocess.CompletedProcess[str]:
    argv = [
        "docker",
        "build",
        "--progress",
        "plain",
        "--network",
        "none",
        "--file",
        "-",
        *flags,
        str(context),
    ]
    return subprocess.run(
        argv, input=text, capture_output=True, encoding="utf-8", errors="replace", check=False
    )


def _read_nodes(found: Mapping[str, Sequence[Any]]) -> dict[str, Real]:
    return {path: Real(*one) for path, one in found.items()}


def _read(file: Path, base: Mapping[str, Real]) -> Report:
    found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return Report(
        {int(number): tuple(read_events(log)) for number, log in found["events"].items()},
        read_numbers(*found["accounts"]),
        _read_nodes(found["changed"]),
        base,
        frozenset(found["gone"]),
    )
