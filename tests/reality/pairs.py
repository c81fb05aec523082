"""Random Dockerfiles that run as root, their rewrites, and whether both build and start the same way."""

from __future__ import annotations

import posixpath
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random
from typing import Final

from dockfix import Changed, fix
from dockfix.files.build_context import describe_context
from dockfix.options import Options

from .chroots import IMAGE
from .scripts import Writer, write_step
from .shells import render
from .stages import StageWriter
from .worlds import Impossible

_TAG: Final = "dockfix-reality-pair"
_FOLDERS: Final = ("/app", "/data", "/srv/site", "/opt/tool", "/var/lib/svc", "/app/logs", "/var/cache/svc")


@dataclass(frozen=True)
class Pair:
    """A Dockerfile and its safe rewrite."""

    original: str
    rewrite: str


@dataclass
class Tally:
    """How many files ended in which way."""

    outcomes: Counter[str] = field(default_factory=Counter)
    codes: Counter[str] = field(default_factory=Counter)
    broken: list[tuple[Pair, str]] = field(default_factory=list)


class _ApplicationWriter(StageWriter):
    """Writes a stage that is built and started as root."""

    def application(self) -> str:
        """The whole Dockerfile."""
        random = self.random
        lines = [f"FROM {IMAGE}"]
        if random.random() < 0.7:
            self.workdir = random.choice(("/app", "/app", "/srv/site", "/opt/tool"))
            self._folder(self.workdir)
            lines.append(f"WORKDIR {self.workdir}")
        if random.random() < 0.3:
            self.world.accounts.add("app")
            lines.append("RUN useradd --create-home --uid 10001 app")
        for _ in range(random.randint(2, 6)):
            lines += self._one()
        return "\n".join((*lines, *self._start())) + "\n"

    def _one(self) -> Iterator[str]:
        try:
            made = self.random.choice(_KINDS)(self)
        except Impossible:
            return
        yield from (line for line in made if isinstance(line, str))

    def _script_line(self) -> list[str]:
        self.world.cwd = self.workdir
        step = write_step(self.random, self.world, "root")
        text, _ = render(step.lines[:2])
        return [f"RUN <<'STEP'\n{text}\nSTEP"] if "\n" in text else [f"RUN {text}"]

    def _directories(self) -> list[str]:
        paths = self.random.sample(_FOLDERS, self.random.randint(1, 2))
        for path in paths:
            self._free(path)
            self._folder(path)
        return [f"RUN mkdir -p {' '.join(paths)}"]

    def _start(self) -> list[str]:
        writer = Writer(self.random, self.world, "root")
        self.world.cwd = self.workdir
        lines = [line for _ in range(self.random.randint(2, 5)) if (line := self._started(writer))]
        place = self.workdir.rstrip("/")
        if self.random.random() < 0.5:
            body = "\n".join(line for _, line in lines)
            written = f"COPY <<'END' {place}/main.py\nimport os, shutil\n{body}\nEND"
            return [written, f'CMD ["python", "{place}/main.py"]']
        body = "\n".join(line for line, _ in lines)
        return [f"COPY <<'END' {place}/start.sh\nset -e\n{body}\nEND", f'CMD ["sh", "{place}/start.sh"]']

    def _started(self, writer: Writer) -> tuple[str, str] | None:
        """One action of a start, in shell and in Python."""
        try:
            folder, file = writer.folder(), writer.file()
        except Impossible:
            return None
        new = posixpath.join(folder, "written")
        return self.random.choice(
            (
                (f"cat '{file}' > /dev/null", f"open({file!r}, 'rb').read()"),
                (f"ls '{folder}' > /dev/null", f"os.listdir({folder!r})"),
                (f"echo x > '{new}'", f"open({new!r}, 'w').write('x')"),
                (f"mkdir -p '{new}.d'", f"os.makedirs({new + '.d'!r}, exist_ok=True)"),
                (f"echo x >> '{file}'", f"open({file!r}, 'a').write('x')"),
                (f"cp '{file}' '{new}.copy'", f"shutil.copy({file!r}, {new + '.copy'!r})"),
                (f"touch '{new}.t'; rm '{new}.t'", f"open({new!r}, 'w').close(); os.remove({new!r})"),
                ("echo x > ~/.state", "open(os.path.expanduser('~/.state'), 'w').write('x')"),
                ("echo x > written.here", "open('written.here', 'w').write('x')"),
            )
        )


_KINDS: Final[tuple[Callable[[_ApplicationWriter], Sequence[object]], ...]] = (
    _ApplicationWriter._script_line, _ApplicationWriter._script_line, _ApplicationWriter._directories,
    _ApplicationWriter._directories, _ApplicationWriter._copy_files, _ApplicationWriter._copy_as,
    _ApplicationWriter._copy_tree, _ApplicationWriter._copy_tree, _ApplicationWriter._copy_heredoc,
    _ApplicationWriter._volume,
)  # fmt: skip


def write_original(random: Random) -> str:
    """A Dockerfile that runs as root."""
    return _ApplicationWriter(random, "s0", {}).application()


def rewrite(original: str, context: Path, tally: Tally) -> Pair | None:
    """A Dockerfile with its rewrite, if that is safe."""
    dockerfile = context / "Dockerfile"
    found = replace(describe_context(str(dockerfile)), path="Dockerfile")
    result = fix(original, Options(), found)
    is_safe = isinstance(result, Changed) and result.safe
    tally.outcomes["safe" if is_safe else type(result).__name__.lower()] += 1
    if isinstance(result, Changed):
        tally.codes.update(one.code for one in result.reviews)
        return Pair(original, result.text) if is_safe else None
    tally.codes.update(one.code for one in getattr(result, "reasons", ()))
    return None


def prove(pairs: Sequence[Pair], context: Path, tally: Tally) -> None:
    """Build and start each original and its rewrite; an original that fails itself proves nothing."""
    with ThreadPoolExecutor(2) as pool:
        numbered = [(number, pair) for number, pair in enumerate(pairs)]
        for pair, fault in pool.map(lambda one: (one[1], _prove(one[0], one[1], context)), numbered):
            tally.outcomes[fault.partition(":")[0]] += 1
            if fault.startswith("broken"):
                tally.broken.append((pair, fault))


def _prove(number: int, pair: Pair, context: Path) -> str:
    if _try(pair.original, f"{_TAG}-{number}-original", context):
        return "the original fails"
    fault = _try(pair.rewrite, f"{_TAG}-{number}-rewrite", context)
    return f"broken: {fault}" if fault else "starts alike"


def _try(text: str, tag: str, context: Path) -> str:
    """What goes wrong when it is built and started, or ""."""
    try:
        flags = ("--quiet", "--network", "none", "--tag", tag, "--file", "-")
        built = _docker("build", *flags, str(context), text=text)
        if built.returncode:
            return built.stderr[-1500:]
        started = _docker("run", "--rm", "--network", "none", tag)
        return (started.stderr[-1500:] or str(started.returncode)) if started.returncode else ""
    finally:
        _docker("rmi", "--force", tag)


def _docker(*arguments: str, text: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(["docker", *arguments], input=text, capture_output=True, text=True, check=False)
