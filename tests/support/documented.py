r"""Commands in the documentation, run as a reader would: each page in a new folder of its own.

A page is read from top to bottom. A fenced block below a line that is nothing but a name and a colon
("`Dockerfile`:") is written to that file. In a `console` block, each line that begins with `$ ` is run by
bash in the folder (a `\` at its end continues it), and what follows it is its output, where a line `...`
stands for any lines. Comments of the page, which no reader sees, arrange the rest: `<!-- new folder -->`,
`<!-- copy: FOLDER -->` (of this repository, into the folder), `<!-- engine -->` (the next block needs a
container engine; on one without a bridge, its `--verify` builds with the host's network).
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
DOCS: Final = ROOT / "docs"
_FENCE: Final = re.compile(
    r"^(?P<fence>```+)(?P<language>\w*)\n(?P<body>.*?)^(?P=fence)$", re.MULTILINE | re.DOTALL
)
_NAMED: Final = re.compile(r"^`(?P<name>[^`\n]+)`:\n\n\Z", re.MULTILINE)
_COMMENT: Final = re.compile(r"<!-- (?P<text>[^>]*) -->")
ELISION: Final = "..."


@dataclass(frozen=True, slots=True)
class Command:
    """A command line, and the lines that the page shows below it."""

    line: str
    shown: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Block:
    """A `console` block of a page; `start` and `end` are offsets of its body."""

    start: int
    end: int
    commands: tuple[Command, ...]
    needs_engine: bool = False


@dataclass(slots=True)
class Reader:
    """Reads a page in folders below `base`, and runs its blocks; `engine`: those for an engine, too.

    `network` is that of builds, where the engine has none of its own.
    """

    base: Path
    text: str
    engine: bool = False
    network: str | None = None
    folder: Path = field(init=False)
    _count: int = 0

    def __post_init__(self) -> None:
        self._begin()

    def run(self) -> Iterator[tuple[Block, Command, tuple[str, ...]]]:
        """Run each command of the page; yields it with the lines it printed."""
        at = 0
        for match in _FENCE.finditer(self.text):
            between = self.text[at : match.start()]
            needs_engine = self._arrange(between)
            if match["language"] == "console":
                block = Block(match.start("body"), match.end("body"), parse(match["body"]), needs_engine)
                self._commit()
                if self.engine or not needs_engine:
                    yield from ((block, one, self._do(one)) for one in block.commands)
            elif (named := _NAMED.search(between)) is not None:
                self._write(named["name"], match["body"])
            at = match.end()

    def _begin(self) -> None:
        self._count += 1
        self.folder = self.base / str(self._count) / "shop"
        self.folder.mkdir(parents=True)
        self._git("init", "--quiet", "--initial-branch=main")

    def _arrange(self, text: str) -> bool:
        """Follow the comments in a text; returns whether the block after it needs an engine."""
        needs_engine = False
        for comment in _COMMENT.finditer(text):
            word, _, rest = comment["text"].partition(": ")
            if word == "new folder":
                self._begin()
            elif word == "copy":
                shutil.copytree(ROOT / rest, self.folder, dirs_exist_ok=True, symlinks=True)
            elif word == "engine":
                needs_engine = True
        return needs_engine

    def _write(self, name: str, text: str) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        if text.startswith("#!"):
            path.chmod(0o755)

    def _git(self, *arguments: str) -> None:
        subprocess.run(["git", *arguments], cwd=self.folder, env=self._environment(), check=True)

    def _commit(self) -> None:
        """Commit everything in the folder: a block starts with a clean work tree."""
        self._git("add", "--all")
        self._git("commit", "--quiet", "--allow-empty", "--message=before")

    def _do(self, command: Command) -> tuple[str, ...]:
        """Run a command; returns its output and messages."""
        line = command.line
        if self.network:
            line = line.replace("--verify", f"--verify --build-network {self.network}")
        done = subprocess.run(
            ["bash", "-c", line], cwd=self.folder, env=self._environment(), stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False, timeout=600,
        )  # fmt: skip
        text = done.stdout.decode().replace(str(self.base), "~").rstrip("\n")
        return tuple(line.rstrip() for line in text.split("\n")) if text else ()

    def _environment(self) -> dict[str, str]:
        engines = ("DOCKER", "BUILD", "CONTAINER")
        own = {name: value for name, value in os.environ.items() if name.startswith(engines)}
        return own | {
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
            "HOME": str(self.base),
            "XDG_STATE_HOME": str(self.base / "state"),
            "DOCKFIX_CACHE_DIR": str(self.base / "cache"),
            "GIT_CONFIG_GLOBAL": os.devnull,
            **{f"GIT_{role}_{key}": value for role in ("AUTHOR", "COMMITTER") for key, value in _PERSON},
        }


_PERSON: Final = (("NAME", "A Reader"), ("EMAIL", "reader@example.org"))


def parse(body: str) -> tuple[Command, ...]:
    """The commands of a `console` block."""
    found: list[tuple[str, list[str]]] = []
    continued = False
    for line in body.splitlines():
        if continued:
            found[-1] = (f"{found[-1][0]}\n{line}", [])
        elif line.startswith("$ "):
            found.append((line[2:], []))
        else:
            found[-1][1].append(line.rstrip())
        continued = (line.startswith("$ ") or continued) and line.endswith("\\")
    return tuple(Command(line, tuple(shown)) for line, shown in found)


def agrees(shown: Sequence[str], printed: Sequence[str]) -> bool:
    """Whether a page shows what a command printed, with `...` for any lines."""
    rows = [r"(?:.*\n)*?" if row == ELISION else re.escape(row) + r"\n" for row in shown]
    return re.fullmatch("".join(rows), "".join(f"{row}\n" for row in printed)) is not None


def pages() -> list[Path]:
    """The handwritten pages, and the README."""
    return [ROOT / "README.md", *sorted(path for path in DOCS.rglob("*.md") if path.parent.name != "codes")]
