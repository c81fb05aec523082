"""Random stages of a Dockerfile: COPY, ADD, WORKDIR, USER, VOLUME and mounts between the steps of scripts.

Nothing runs between the instructions: their results are assumed, so that many stages can be built at
once.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Final

from .scripts import first_step, write_step
from .shells import Leaf, Step, render
from .worlds import ACCOUNTS, FOLDERS, NAMES, PARENTS, Impossible, World

CONTEXT: Final[Mapping[str, int]] = {
    "app.py": 0o644, "run.sh": 0o755, "settings.conf": 0o644, "conf/a.conf": 0o644, "conf/deep/b.conf": 0o644,
    "assets/logo.txt": 0o644, "assets/tool.sh": 0o755, "keys/own.key": 0o600, "keys/group.key": 0o640,
}  # fmt: skip
"""The files of the build context with their modes; an archive beside them holds two files of user 4242's."""
ARCHIVE: Final = "members.tar"
MEMBERS: Final = ("one.txt", "inner/two.txt")
EVENTS: Final = "/events"
_EDGES: Final = frozenset({"/", "/usr/local/bin", "/opt", "/home", "/srv", "/tmp"})
_USERS: Final = ("root", "app", "other", "10001", "10001:10001", "app:app", "20002")
_CHOWNS: Final = (
    "app",
    "app:app",
    "10001:10001",
    "20002",
    "other:app",
    "7:8",
    "root",
    "nosuch",
    "app:nosuch",
)
_WORKDIRS: Final = (*FOLDERS[:-1], "sub", "deep/er")
_CHMODS: Final = ("640", "0755", "600", "700", "777")


@dataclass(frozen=True)
class RunLine:
    """A RUN with its flags, and its user's script."""

    step: Step
    flags: str = ""


Line = str | RunLine


@dataclass(frozen=True)
class StageText:
    """The lines of a stage after FROM; the last RunLine represents the start."""

    name: str
    lines: tuple[Line, ...]

    def render(self, image: str, *, instrumented: bool = False) -> str:
        """The stage as a part of a Dockerfile."""
        text = f"FROM {image} AS {self.name}\n"
        number = 0
        for line in self.lines:
            if isinstance(line, str):
                text += line + "\n"
                continue
            script, _ = render(line.step.lines, instrumented=instrumented)
            if instrumented:
                script = f"trap 'exit 0' EXIT\nexec 9>>{EVENTS}/{number:02} 2>&9\n{script}"
            text += f"RUN {line.flags}<<'STEP'\n{script}\nSTEP\n"
            number += 1
        return text

    @property
    def steps(self) -> tuple[Step, ...]:
        """The scripts in order."""
        return tuple(line.step for line in self.lines if isinstance(line, RunLine))


@dataclass
class StageWriter:
    """Writes one stage; `others` are the earlier ones, with their assumed contents."""

    random: Random
    name: str
    others: Mapping[str, World]
    world: World = field(init=False)
    user: str = field(init=False, default="root")
    workdir: str = field(init=False, default="/")

    def __post_init__(self) -> None:
        self.world = World(set(_EDGES), {"/etc/issue", "/etc/debian_version"}, set(), set())

    def write(self) -> StageText:
        """The whole stage."""
        lines: list[Line] = [RunLine(self._first())]
        for _ in range(self.random.randint(3, 9)):
            lines += self._next()
        lines += self._become(self.random.choice(_USERS))
        lines.append(RunLine(self._script()))
        return StageText(self.name, tuple(lines))

    def _first(self) -> Step:
        step = first_step(self.random)
        for line in step.lines:
            self._take_down(getattr(line, "text", ""))
        return step

    def _take_down(self, text: str) -> None:
        words = text.split()
        if words[:2] == ["mkdir", "-p"]:
            self._folder(words[2])
        elif words[0] == "echo":
            self.world.files.add(words[3])
        else:
            self.world.accounts.add(words[-1])

    def _folder(self, path: str) -> None:
        while path not in ("/", *PARENTS):
            self.world.folders.add(path)
            path = posixpath.dirname(path)

    def _next(self) -> Iterator[Line]:
        for _ in range(20):
            try:
                yield from self.random.choices(_KINDS, _WEIGHTS)[0](self)
            except Impossible:
                continue
            return

    def _become(self, user: str) -> list[Line]:
        if user.partition(":")[0] in ACCOUNTS and user.partition(":")[0] not in self.world.accounts:
            user = "10001:10001"
        self.user = user
        return [f"USER {user}"]

    def _switch(self) -> list[Line]:
        return self._become(self.random.choice(_USERS))

    def _script(self) -> Step:
        self.world.cwd = self.workdir
        return write_step(self.random, self.world, self.user)

    def _run(self) -> list[Line]:
        return [RunLine(self._script())]

    def _mounted(self) -> list[Line]:
        target = self.random.choice(FOLDERS[:-1])
        self._free(target)
        options = self.random.choice(
            ("type=cache", "type=cache,uid=10001", "type=cache,uid=10001,gid=10001,mode=0700", "type=tmpfs",
             "type=bind,source=conf", "type=bind,source=conf,rw")
        )  # fmt: skip
        if "cache" in options:
            options += f",id={self.name}-{self.random.random()}"
        before = self.world
        self.world = World(set(before.folders), set(before.files), set(before.links), before.accounts)
        self.world.forget(target)
        self._folder(target)
        if "bind" in options:
            self.world.files |= {f"{target}/a.conf", f"{target}/deep/b.conf"}
        step = self._script()
        self.world = before
        return [RunLine(step, f"--mount={options},target={target} ")]

    def _workdir(self) -> list[Line]:
        behind = [
            f"{link}{end}" for link in sorted(self.world.links) for end in ("", "/sub") if " " not in link
        ]
        # A link may also lead to a file.
        path = self.random.choice(behind if behind and self.random.random() < 0.2 else _WORKDIRS)
        self.workdir = posixpath.normpath(posixpath.join(self.workdir, path))
        self._free(self.workdir)
        self._folder(self.workdir)
        return [f"WORKDIR {path}"]

    def _leave(self) -> list[Line]:
        """A step that removes the directory in which it, and the next one, run."""
        if self.workdir in _EDGES or self.workdir in PARENTS or " " in self.workdir:
            raise Impossible
        self.world.forget(self.workdir)
        step = Step(self.user, (Leaf(f"rm -rf {self.workdir}"),))
        self.world.cwd = self.workdir
        return [RunLine(step), *self._run()]

    def _volume(self) -> list[Line]:
        path = self.random.choice(FOLDERS[:5])
        written = self._written_to(path)
        return [f"VOLUME {path}", *written]

    def _written_to(self, path: str) -> list[Line]:
        """A step that writes to a directory: what a step writes to a volume stays."""
        name = self.random.choice(NAMES[:3])
        if f"{path}/{name}" in self.world.folders or self.random.random() < 0.4:
            return []
        self._free(path)
        self.world.files.add(f"{path}/{name}")
        step = Step(
            self.user, (Leaf(f"mkdir -p {path} && echo hi > {path}/{name} && chmod 640 {path}/{name}"),)
        )
        return [RunLine(step)]

    def _flags(self, *more: str) -> str:
        flags = list(more)
        if self.random.random() < 0.4:
            flags.append(f"--chown={self.random.choice(_CHOWNS)}")
        if self.random.random() < 0.2:
            flags.append(f"--chmod={self.random.choice(_CHMODS)}")
        return "".join(f"{flag} " for flag in flags)

    def _free(self, path: str) -> None:
        """Refuse what would be made below a file."""
        while path != "/":
            if path in self.world.files:
                raise Impossible
            path = posixpath.dirname(path)

    def _target(self) -> str:
        folder = self.random.choice((*FOLDERS[:-1], *sorted(self.world.folders - {"/"})))
        self._free(folder)
        return folder

    def _place(self, folder: str, names: Sequence[str]) -> None:
        if any(posixpath.join(folder, name) in self.world.folders for name in names):
            raise Impossible
        for name in names:
            self._free(posixpath.dirname(posixpath.join(folder, name)))
        self._folder(folder)
        for name in names:
            path = posixpath.join(folder, name)
            self._folder(posixpath.dirname(path))
            self.world.files.add(path)

    def _copy_files(self) -> list[Line]:
        names = self.random.sample([name for name in CONTEXT if "/" not in name], self.random.randint(1, 2))
        folder = self._target()
        self._place(folder, names)
        words = [*names, f"{folder}/"]
        if self.random.random() < 0.2:
            return [f"COPY {self._flags()}[{', '.join(map(_quoted, words))}]"]
        if " " in folder:
            raise Impossible
        return [
            f"{self.random.choice(('COPY', 'COPY', 'ADD'))} {self._flags(*self._link())}{' '.join(words)}"
        ]

    def _link(self) -> tuple[str, ...]:
        return ("--link",) if self.random.random() < 0.15 else ()

    def _copy_as(self) -> list[Line]:
        folder = self._target()
        name = self.random.choice(NAMES[:4])
        self._place(folder, [name])
        if " " in folder:
            raise Impossible
        return [
            f"COPY {self._flags()}{self.random.choice(('app.py', 'run.sh', 'conf/a.conf'))} {folder}/{name}"
        ]

    def _copy_tree(self) -> list[Line]:
        source = self.random.choice(("conf", "assets", "conf/", ".", "./"))
        folder = self._target()
        if " " in folder:
            raise Impossible
        start = "" if source.startswith(".") else source.rstrip("/") + "/"
        names = [name.removeprefix(start) for name in CONTEXT if name.startswith(start)]
        self._place(folder, [*names, *([ARCHIVE] if not start else ())])
        return [f"COPY {self._flags(*self._link())}{source} {folder}{self.random.choice(('', '/'))}"]

    def _copy_heredoc(self) -> list[Line]:
        folder = self._target()
        name = self.random.choice(NAMES[:4])
        self._place(folder, [name])
        if " " in folder:
            raise Impossible
        return [f"COPY {self._flags()}<<EOF {folder}/{name}\nexit 0\nEOF"]

    def _add_archive(self) -> list[Line]:
        folder = self._target()
        self._place(folder, MEMBERS)
        if " " in folder:
            raise Impossible
        return [f"ADD {self._flags()}{ARCHIVE} {folder}/"]

    def _copy_tree_from(self) -> list[Line]:
        """A directory of another stage, with the owners and modes that its steps have left."""
        if not self.others:
            raise Impossible
        other = self.random.choice(sorted(self.others))
        world = self.others[other]
        source = self.random.choice(sorted(world.folders - _EDGES - {"/etc"}) or ["/srv"])
        folder = self._target()
        if " " in folder or " " in source:
            raise Impossible
        inside = [path for path in world.files if path.startswith(f"{source}/")]
        self._place(folder, [path[len(source) + 1 :] for path in inside])
        return [f"COPY {self._flags(f'--from={other}')}{source}{self.random.choice(('', '/'))} {folder}"]

    def _copy_from(self) -> list[Line]:
        if not self.others:
            raise Impossible
        other = self.random.choice(sorted(self.others))
        world = self.others[other]
        files = sorted(path for path in world.files if " " not in path and not path.startswith("/etc"))
        folder = self._target()
        if not files or " " in folder:
            raise Impossible
        path = self.random.choice(files)
        self._place(folder, [posixpath.basename(path)])
        return [f"COPY {self._flags(f'--from={other}')}{path} {folder}/"]


def _quoted(word: str) -> str:
    return f'"{word}"'


_TABLE: Final[tuple[tuple[Callable[[StageWriter], list[Line]], int], ...]] = (
    (StageWriter._run, 8), (StageWriter._switch, 4), (StageWriter._workdir, 4), (StageWriter._copy_files, 5),
    (StageWriter._copy_as, 2), (StageWriter._copy_tree, 5), (StageWriter._copy_heredoc, 2),
    (StageWriter._add_archive, 1), (StageWriter._copy_from, 1), (StageWriter._mounted, 2),
    (StageWriter._volume, 2), (StageWriter._leave, 1), (StageWriter._copy_tree_from, 1),
)  # fmt: skip
_KINDS: Final = tuple(kind for kind, _ in _TABLE)
_WEIGHTS: Final = tuple(weight for _, weight in _TABLE)


def write_stages(random: Random, count: int) -> tuple[StageText, ...]:
    """That many stages; a few copy from earlier ones."""
    worlds: dict[str, World] = {}
    stages: list[StageText] = []
    for number in range(count):
        writer = StageWriter(random, f"s{number}", worlds)
        stages.append(writer.write())
        worlds[writer.name] = writer.world
    return tuple(stages)
