"""Random scripts of the operations that the replay claims to know, by seed.

Each step is written for the tree that the steps before it really left, so that most commands find what
they name.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterator
from functools import partial
from random import Random
from typing import Final

from .chroots import Chroot
from .idioms import IDIOMS, write_idiom
from .shells import Group, Leaf, Shell, Step
from .worlds import ACCOUNTS, FOLDERS, NAMES, PARENTS, SYSTEM, UMASKS, Choices, Impossible, World

_OF_SYSTEM: Final = ("/etc", "/run", "/var/log", "/var/spool", "/var/mail")
"""Where tools for accounts leave what no script works with."""


def survey(root: Chroot) -> World:
    """The actual files as a World."""
    world = World(set(), {"/etc/hostname", "/etc/issue"}, set(), set())
    for path in root.changed():
        found = root.at(path)
        if found is None or path in PARENTS or path.startswith(_OF_SYSTEM):
            continue
        kinds = {"directory": world.folders, "file": world.files, "link": world.links}
        kinds.get(found.kind, set()).add(path)
    world.accounts = set(ACCOUNTS) & set(root.numbers().users)
    world.folders |= {path for path in (*FOLDERS[-4:], "/opt", "/home", "/srv") if root.at(path)}
    return world


class Writer(Choices):
    """Writes one step's commands."""

    # -- commands ------------------------------------------------------------------------------

    def leaf(self) -> Leaf:
        """One command that root should be able to run."""
        for _ in range(50):
            try:
                return Leaf(self.random.choices(_COMMANDS, _WEIGHTS)[0](self))
            except Impossible:
                continue
        return Leaf("true")

    def mkdir(self) -> str:
        path = self.random.choice((self.random.choice(FOLDERS), self.new()))
        if self.random.random() < 0.3:
            path = path.rstrip("/") + "/deep/er"
        plain = posixpath.dirname(path) in self.world.folders and path not in self.world.folders
        options = self.maybe(f"-m {self.mode(octal=True)} ", 0.3) + (
            "" if plain and self.random.random() < 0.5 else "-p "
        )
        self.world.folders.add(path)
        return f"mkdir {options}{self.word(path)}"

    def touch(self) -> str:
        path = self.random.choice((self.new, self.new, self.file))()
        self._in(path)
        self.world.files.add(path)
        return f"touch {self.maybe('-d 2020-01-01 ', 0.1)}{self.word(path)}"

    def _in(self, path: str) -> None:
        if posixpath.dirname(path) not in self.world.folders:
            raise Impossible

    def redirect(self) -> str:
        path = self.random.choice((self.new, self.new, self.file))()
        self._in(path)
        self.world.files.add(path)
        word = self.word(path)
        return self.random.choice(
            (f"echo hi > {word}", f"echo hi >> {word}", f"printf 'exit\\n' > {word}", f"echo hi | tee {word}",
             f"echo hi | tee -a {word} > /dev/null", f"cat /etc/hostname > {word}")
        )  # fmt: skip

    def heredoc(self) -> str:
        path = self.new()
        self._in(path)
        self.world.files.add(path)
        return f"cat > {self.word(path)} <<'EOF'\nexit 0\nEOF"

    def copy(self) -> str:
        source = self.file()
        target = self.random.choice((self.new, self.file, self.folder))()
        command = self.random.choice(("cp", "cp", "cp -p", "cp -a", "cp -f"))
        return f"{command} {self.word(source)} {self._onto(source, target)}"

    def _onto(self, source: str, target: str) -> str:
        """The operand of a file's destination; the world afterwards."""
        if target in self.world.folders:
            landed = posixpath.join(target, posixpath.basename(source))
            if landed in self.world.folders or landed == source:
                raise Impossible
            self.world.files.add(landed)
            return self.word(target) + self.maybe("/")
        if target == source:
            raise Impossible
        self._in(target)
        self.world.files.add(target)
        return self.word(target)

    def copy_tree(self) -> str:
        source, target = self.folder(), self.random.choice((self.new, self.folder))()
        if f"{target}/".startswith(f"{source}/") or f"{source}/".startswith(f"{target}/"):
            raise Impossible
        command = self.random.choice(("cp -r", "cp -R", "cp -a", "cp -rp"))
        if target not in self.world.folders:
            self._in(target)
            self.world.folders.add(target)
            return f"{command} {self.word(source)} {self.word(target)}"
        return f"{command} {self.word(source)}{self.maybe('/.')} {self.word(target)}{self.maybe('/')}"

    def copies(self) -> str:
        one, other, target = self.file(), self.file(), self.folder()
        if posixpath.basename(one) == posixpath.basename(other) or {
            posixpath.dirname(one),
            posixpath.dirname(other),
        } & {target}:
            raise Impossible
        return f"cp {self.word(one)} {self.word(other)} {self.word(target)}"

    def move(self) -> str:
        source = self.random.choice((self.file, self.file, self.folder))()
        target = self.random.choice(
            (self.new, self.folder) if source in self.world.folders else (self.new, self.file, self.folder)
        )()
        if f"{target}/".startswith(f"{source}/") or source in FOLDERS[-4:]:
            raise Impossible
        if target in self.world.folders:
            landed = posixpath.join(target, posixpath.basename(source))
            if landed == source or landed in self.world.folders or landed in self.world.files:
                raise Impossible
        else:
            self._in(target)
            landed = target
            if source in self.world.folders and target in self.world.files:
                raise Impossible
        kind = self.world.folders if source in self.world.folders else self.world.files
        self.world.forget(source)
        kind.add(landed)
        return f"mv {self.maybe('-f ')}{self._raw(source)} {self._raw(target)}"

    def _raw(self, path: str) -> str:
        return self.word(path)

    def link(self) -> str:
        target, at = self.anything(), self.new()
        self._in(at)
        if at in self.world.files:
            raise Impossible
        self.world.links.add(at)
        written = posixpath.relpath(target, posixpath.dirname(at)) if self.random.random() < 0.3 else target
        return f"ln -s{self.maybe('f')} '{written}' {self.word(at)}"

    def link_again(self) -> str:
        target, at = self.anything(), self.pick(self.world.links | self.world.files)
        if f"{target}/".startswith(f"{at}/"):
            raise Impossible
        self.world.files.discard(at)
        self.world.links.add(at)
        return f"ln -sfn '{target}' {self.word(at)}"

    def hard_link(self) -> str:
        source, at = self.file(), self.new()
        self._in(at)
        if source.startswith("/etc") or at in self.world.files:
            raise Impossible
        self.world.files.add(at)
        return f"ln {self.word(source)} {self.word(at)}"

    def through(self) -> str:
        """An operation through a link."""
        at = self.pick(self.world.links)
        name = self.random.choice(NAMES[:3])
        return self.random.choice(
            (
                f"echo hi > '{at}'",
                f"touch '{at}/{name}'",
                f"mkdir -p '{at}/{name}d'",
                f"chmod 600 '{at}'",
                f"cat '{at}'",
                f"rm '{at}'",
                f"sed -i s/a/b/ '{at}'",
            )
        )

    def remove(self) -> str:
        path = self.pick(self.world.files | self.world.links, but=("/etc/hostname", "/etc/issue"))
        self.world.forget(path)
        return f"rm {self.maybe('-f ')}{self.word(path)}"

    def remove_tree(self) -> str:
        path = self.folder()
        if path in FOLDERS[-4:] or path.startswith("/usr/local/b"):
            raise Impossible
        glob = self.random.random() < 0.3
        if not glob:
            self.world.forget(path)
        return f"rm -rf {self.word(path)}{'/*' if glob else ''}"

    def remove_missing(self) -> str:
        return f"rm -rf {self.word(self.world.child(self.random))}-none"

    def rmdir(self) -> str:
        path = self.folder()
        if any(
            other.startswith(path + "/") for other in self.world.folders | self.world.files | self.world.links
        ):
            raise Impossible
        if path in FOLDERS[-4:]:
            raise Impossible
        self.world.forget(path)
        return f"rmdir {self.word(path)}"

    def edit(self) -> str:
        path = self._own_file()
        return (
            self.random.choice(
                (
                    "sed -i s/a/b/",
                    "sed -i -e s/a/b/",
                    "perl -i -pe s/a/b/",
                    "perl -pi -e s/a/b/",
                    "sed -i.bak s/a/b/",
                )
            )
            + f" {self.word(path)}"
        )

    def _own_file(self) -> str:
        return self.pick({path for path in self.world.files if not path.startswith("/etc")})

    def chmod(self) -> str:
        return f"chmod {self.mode()} {self.word(self._own())}"

    def _own(self) -> str:
        path = self.anything()
        if path.startswith("/etc") or path in self.world.links:
            raise Impossible
        return path

    def chmod_tree(self) -> str:
        mode = self.random.choice(("a+rX", "go-w", "u+rwX", "755", "700", "g=u", "g+w", "o-rwx", "-x+X"))
        if mode == "-x+X":
            mode = "u=rwX,go=rX"
        return f"chmod -R {mode} {self.word(self.folder())}"

    def chmod_glob(self) -> str:
        return f"chmod {self.mode()} {self.word(self._filled())}/*"

    def _filled(self) -> str:
        folders = {posixpath.dirname(path) for path in self.world.files | self.world.folders}
        return self.pick(folders & self.world.folders, but=(*SYSTEM, *FOLDERS[-4:], "/tmp"))

    def chown(self) -> str:
        return f"chown {self.owner()} {self.word(self._own())}"

    def chown_tree(self) -> str:
        return f"chown {self.maybe('--from=root ', 0.2)}-R {self.owner()} {self.word(self.folder())}"

    def chown_from(self) -> str:
        only = self.random.choice(("0", "root", "10001", "10001:10001", ":10001"))
        return f"chown --from={only} {self.owner()} {self.word(self._own())}"

    def chgrp(self) -> str:
        group = self.random.choice(("0", "10001", "root", "50"))
        return f"chgrp {self.maybe('-R ')}{group} {self.word(self._own())}"

    def install(self) -> str:
        source = self.file()
        target = self.random.choice((self.new, self.folder))()
        options = self.maybe(f"-m {self.mode(octal=True)} ") + self.maybe(
            "-o 10001 -g 10001 " if self.is_root else "", 0.3
        )
        if target not in self.world.folders and self.random.random() < 0.4:
            target += "/deep/file"
            self.world.files.add(target)
            return f"install -D {options}{self.word(source)} {self.word(target)}"
        return f"install {options}{self.word(source)} {self._onto(source, target)}"

    def install_directory(self) -> str:
        path = self.random.choice((self.random.choice(FOLDERS[:-4]), self.new()))
        if path in self.world.files:
            raise Impossible
        self.world.folders.add(path)
        options = self.maybe(f"-m {self.mode(octal=True)} ") + self.maybe(
            "-o 10001 " if self.is_root else "", 0.3
        )
        return f"install -d {options}{self.word(path)}{self.maybe('/deeper', 0.2)}"

    def find_delete(self) -> str:
        test = self.random.choice(("-type f ", "-name '*.txt' ", "-mindepth 1 ", "-type l "))
        return f"find {self.word(self._filled())} {test}-delete"

    def find_exec(self) -> str:
        test = self.random.choice(("-type f ", "-type d ", "-user root ", "-name 'a*' ", ""))
        commands = (
            "chmod 640",
            "chmod g+w",
            "chmod o-r",
            *(
                ("chown 10001", "chown app:app")
                if self.is_root and "app" in self.world.accounts
                else ("chmod a+r",)
            ),
        )
        end = self.random.choice(("\\;", "+"))
        return f"find {self.word(self.folder())} {test}-exec {self.random.choice(commands)} {{}} {end}"

    def tar(self) -> str:
        source, archive = self.folder(), "/tmp/all.tar"
        self.world.files.add(archive)
        return f"tar -cf {archive} -C {self.word(source)} ."

    def untar(self) -> str:
        if "/tmp/all.tar" not in self.world.files:
            raise Impossible
        options = self.random.choice(("-xf", "xf", "-xpf"))
        return (
            f"tar {options} /tmp/all.tar {self.maybe('--no-same-owner ', 0.2)}-C {self.word(self.folder())}"
        )

    def gzip(self) -> str:
        path = self._own_file()
        self.world.forget(path)
        self.world.files.add(path + ".gz")
        return f"gzip -f {self.word(path)}"

    def truncate(self) -> str:
        return f"truncate -s 10 {self.word(self._own_file())}"

    def setcap(self) -> str:
        path = self._own_file()
        return f"setcap cap_net_bind_service=+ep {self.word(path)}"

    def read(self) -> str:
        return self.random.choice(
            ("cat {}", "grep -c hi {} || true", "head -1 {}", "wc -l < {}", "sh {}", "test -f {}")
        ).format(self.word(self.file()))

    def list_folder(self) -> str:
        return f"ls {self.word(self.folder())}"

    def umask(self) -> str:
        return f"umask {self.random.choice(UMASKS)}"

    def cd(self) -> str:
        path = self.folder()
        word = self.word(path)
        self.world.cwd = path
        return f"cd {word}"

    def home(self) -> str:
        return self.random.choice(
            (
                "touch ~/.settings",
                "mkdir -p ~/.cache/tool",
                'echo x > "$HOME/.toolrc"',
                "cd && touch here",
                'mkdir -p "${HOME}/.local/bin"',
            )
        )

    def shell(self) -> str:
        return f"sh -c 'echo hi > {self._plain(self.new())}'"

    def _plain(self, path: str) -> str:
        if " " in path:
            raise Impossible
        self._in(path)
        self.world.files.add(path)
        return path

    def variable(self) -> str:
        path = self._plain(self.new())
        return f'D={posixpath.dirname(path)}; echo hi > "$D/{posixpath.basename(path)}"'


_TABLE: Final[tuple[tuple[Callable[[Writer], str], int], ...]] = (
    (Writer.mkdir, 10), (Writer.touch, 5), (Writer.redirect, 9), (Writer.heredoc, 2), (Writer.copy, 6),
    (Writer.copy_tree, 4), (Writer.copies, 2), (Writer.move, 6), (Writer.link, 5), (Writer.link_again, 1),
    (Writer.through, 4), (Writer.remove, 3), (Writer.remove_tree, 3), (Writer.remove_missing, 1),
    (Writer.rmdir, 1), (Writer.edit, 5), (Writer.chmod, 6), (Writer.chmod_tree, 3), (Writer.chmod_glob, 2),
    (Writer.chown, 6), (Writer.chown_tree, 4), (Writer.chown_from, 1), (Writer.chgrp, 2), (Writer.install, 4),
    (Writer.install_directory, 3), (Writer.find_delete, 2), (Writer.find_exec, 3), (Writer.tar, 1),
    (Writer.untar, 2),
    (Writer.gzip, 1), (Writer.truncate, 1), (Writer.setcap, 1), (Writer.read, 4), (Writer.list_folder, 1),
    (Writer.umask, 2), (Writer.cd, 3), (Writer.home, 3), (Writer.shell, 1), (Writer.variable, 1),
    *((partial(write_idiom, kind=kind), weight) for kind, weight in IDIOMS),
)  # fmt: skip
_COMMANDS: Final = tuple(command for command, _ in _TABLE)
_WEIGHTS: Final = tuple(weight for _, weight in _TABLE)


def first_step(random: Random) -> Step:
    """A step that creates accounts and a few things to work on."""
    lines: list[Shell] = []
    for name, uid in ACCOUNTS.items():
        if random.random() < 0.8:
            options = random.choice(("-m", "-m", "", "--create-home --no-log-init", "-r"))
            lines.append(Leaf(f"groupadd -g {uid} {name} && useradd {options} -u {uid} -g {name} {name}"))
    for _ in range(random.randint(2, 4)):
        lines.append(Leaf(f"mkdir -p {random.choice(FOLDERS[:-2])}"))
    made = [
        one.text.removeprefix("mkdir -p ")
        for one in lines
        if isinstance(one, Leaf) and one.text.startswith("mkdir")
    ]
    for folder in made:
        lines.append(Leaf(f"echo hi > {folder}/{random.choice(NAMES[:4])}"))
    return Step("root", tuple(lines))


def next_step(random: Random, world: World) -> Step:
    """A step for a world."""
    user = random.choices(
        ("root", "app", "other", "10001", "10001:10001", "app:app", "20002"), (10, 5, 2, 1, 2, 1, 1)
    )[0]
    if user.partition(":")[0] in ACCOUNTS and user.partition(":")[0] not in world.accounts:
        user = "10001:10001"
    return write_step(random, world, user)


def write_step(random: Random, world: World, user: str) -> Step:
    """A step of a user."""
    writer = Writer(random, world, user)
    return Step(user, tuple(_line(writer) for _ in range(random.randint(1, 4))))


def _line(writer: Writer) -> Shell:
    random = writer.random
    kind = random.choices(
        ("leaf", "and", "then", "subshell", "tolerated", "loop", "branch"),
        (6, 5, 3, 1, 2, 1, 2) if writer.is_root else (8, 1, 6, 1, 2, 1, 1),
    )[0]
    if kind == "leaf":
        return writer.leaf()
    if kind == "loop":
        return _loop(writer)
    if kind == "branch":
        condition = Leaf(
            random.choice(("[ -f /etc/hostname ]", "[ -d /nowhere ]", "true", "false", "test -e /app"))
        )
        ways = tuple(_flat(writer) for _ in range(random.randint(1, 2)))
        return Group("branch", (condition, *ways))
    cwd = writer.world.cwd
    parts = tuple(
        _plain_leaves(writer, random.randint(1, 2) if kind == "tolerated" else random.randint(2, 3))
    )
    if kind == "subshell":
        writer.world.cwd = cwd
    return Group(kind, parts)


def _plain_leaves(writer: Writer, count: int) -> Iterator[Leaf]:
    while count:
        leaf = writer.leaf()
        if not leaf.is_block and "||" not in leaf.text and "; " not in leaf.text:
            yield leaf
            count -= 1


def _flat(writer: Writer) -> Leaf:
    return next(_plain_leaves(writer, 1))


def _loop(writer: Writer) -> Shell:
    random = writer.random
    folder = writer.word(writer.pick(writer.world.folders | {"/tmp"}, but=("/",)))
    if " " in folder:
        return writer.leaf()
    names = random.sample(("one", "two", "three"), random.randint(1, 3))
    text = random.choice(
        (f"mkdir -p {folder}/$d", f"echo hi > {folder}/$d", f"rm -rf {folder}/$d", f"touch {folder}/$d.log")
    )
    more = random.choice(((), (Leaf(f"chmod 700 {folder}/$d"),))) if "mkdir" in text else ()
    return Group("loop", (Leaf(text), *more), ("d", *names))
