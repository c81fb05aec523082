"""Images that Python code builds and runs, read from its syntax tree: CDK, docker-py, testcontainers.

Nothing is executed. Sources: the references of aws-cdk-lib ("DockerImageAsset", "ContainerImage", "Code",
"ContainerDefinitionOptions"), docker-py ("images.build", "containers.run") and testcontainers
("DockerContainer", "DockerImage").
"""

from __future__ import annotations

import ast
import posixpath
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from dockfix.context import COPIED, Deployment, Mount, Setting, split_mount
from dockfix.repository.arguments import UNKNOWN
from dockfix.repository.build_settings import Named
from dockfix.repository.image_names import image_names, known_name
from dockfix.repository.python_paths import Paths, Place, name_of

_COPIES: Final = ("from_docker_build", "DockerImage.from_build")
"""CDK builds these to copy files out of them, or runs them as the user that calls it."""


class _Builder(NamedTuple):
    """A call that builds an image: the position of its context, and the names of its arguments."""

    at: int
    context: tuple[str, ...]
    file: tuple[str, ...]
    file_from_start: bool = False


_CDK: Final = _Builder(0, ("directory", "path"), ("file",))
_BUILDERS: Final[Mapping[str, _Builder]] = {
    "DockerImageAsset": _Builder(2, ("directory",), ("file",)),
    "from_image_asset": _CDK,
    "ContainerImage.from_asset": _CDK,
    "from_docker_build": _CDK,
    "DockerImage.from_build": _CDK,
    "images.build": _Builder(0, ("path",), ("dockerfile",)),
    "DockerImage": _Builder(0, ("path",), ("dockerfile_path",)),
}
_TARGETS: Final = ("target", "target_stage")
_ARGUMENTS: Final = ("buildargs", "build_args")
_RUNS: Final = ("containers.run", "containers.create")
_ENTRYPOINTS: Final = ("entrypoint", "entry_point")
_COMMANDS: Final = ("command", "cmd")
_FOLDERS: Final = ("working_dir", "working_directory")


def find_builds(path: str, text: str) -> Iterator[Named]:
    """The calls that build an image; what cannot be evaluated is `UNKNOWN`. Raises ValueError."""
    code = _Code.read(path, text)
    for call in code.calls:
        if builder := _kind(call, _BUILDERS):
            yield from code.builds(call, _BUILDERS[builder])


def read_runs(path: str, text: str) -> Iterator[Deployment]:
    """How code starts images that it names or builds, and those of which it only copies files."""
    try:
        code = _Code.read(path, text)
    except (ValueError, RecursionError):
        return
    for call in code.calls:
        if kind := _kind(call, _COPIES):
            for named in code.builds(call, _BUILDERS[kind]):
                yield Deployment(path, call.lineno, COPIED, "", dockerfile=named.dockerfile)
        elif _kind(call, _RUNS):
            yield from code.starts(call, "docker run", code.argument(call, ("image",), 0), 1)
        elif _kind(call, ("from_image_asset",)):
            yield from code.starts(call, "Lambda", call)
        elif _kind(call, ("DockerContainer",)):
            yield from code.container(call)
        elif (image := code.argument(call, ("image",))) is not None and not _kind(call, _BUILDERS):
            yield from code.starts(call, "ECS", image)


def _kind(call: ast.Call, names: Mapping[str, object] | tuple[str, ...]) -> str:
    """The one of the names that the called function ends with, "" for none."""
    own = f".{name_of(call.func)}"
    return next((name for name in names if own.endswith(f".{name}")), "")


@dataclass(frozen=True)
class _Code:
    """A module: its path, its calls in order, the paths that it names, and calls chained on others."""

    path: str
    calls: list[ast.Call]
    paths: Paths
    chained: Mapping[int, list[ast.Call]] = field(default_factory=dict)

    @classmethod
    def read(cls, path: str, text: str) -> _Code:
        """The module of that text. Raises ValueError."""
        try:
            tree = ast.parse(text)
        except (SyntaxError, MemoryError) as error:
            raise ValueError("not valid Python") from error
        calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
        calls.sort(key=lambda one: (one.lineno, one.col_offset))
        chained: dict[int, list[ast.Call]] = {}
        for call in calls:
            inner: ast.AST = call
            while isinstance(inner, ast.Call) and isinstance(inner.func, ast.Attribute):
                inner = inner.func.value
            if inner is not call:
                chained.setdefault(id(inner), []).append(call)
        return cls(path, calls, Paths.of(path, tree), chained)

    def argument(self, call: ast.Call, names: tuple[str, ...], at: int | None = None) -> ast.expr | None:
        """The expression given for one of the names, or at a position."""
        found = next((one.value for one in call.keywords if one.arg in names), None)
        if found is None and at is not None and at < len(call.args):
            found = call.args[at]
        return found

    def text(self, call: ast.Call, names: tuple[str, ...]) -> str:
        """The value of an argument: `UNKNOWN` for what cannot be evaluated, "" if it is not given."""
        written = self.argument(call, names)
        return "" if written is None or _is_none(written) else self.paths.text(written) or UNKNOWN

    def builds(self, call: ast.Call, builder: _Builder) -> Iterator[Named]:
        """The builds that a call may mean: its context is in its own folder, or in that of the process."""
        written = self.argument(call, builder.context, builder.at)
        if written is None:
            return
        place = self.paths.evaluate(written)
        name = self.text(call, builder.file) or "Dockerfile"
        target, arguments = self.text(call, _TARGETS), tuple(self._build_arguments(call))
        for context in self._folders(place):
            file = posixpath.normpath(posixpath.join(context, name))
            yield Named(file, context, target, arguments, self.text(call, ("tag",)))

    def _folders(self, place: Place | None) -> tuple[str, ...]:
        if place is None:
            return (UNKNOWN,)
        inner = posixpath.normpath(place.text or ".")
        if place.is_own or inner.startswith(UNKNOWN):
            return (inner,)
        return tuple(
            dict.fromkeys((inner, posixpath.normpath(posixpath.join(posixpath.dirname(self.path), inner))))
        )

    def _build_arguments(self, call: ast.Call) -> Iterator[tuple[str, str]]:
        for name, value in self._pairs(self.argument(call, _ARGUMENTS)):
            yield name, UNKNOWN if (text := self.paths.text(value)) is None else text

    def _pairs(self, written: ast.expr | None) -> Iterator[tuple[str, ast.expr]]:
        """The items of a literal mapping, or of a variable that is set to one."""
        node = self.paths.follow(written) if written is not None else None
        if isinstance(node, ast.Dict):
            for key, value in zip(node.keys, node.values, strict=True):
                if key is not None and (name := self.paths.text(key)) is not None:
                    yield name, value

    def starts(
        self, call: ast.Call, kind: str, image: ast.expr | None, at: int | None = None
    ) -> Iterator[Deployment]:
        """The start of an image, which is named, or built by a call."""
        for named in self._image(image):
            command, entrypoint = self.argument(call, _COMMANDS, at), self.argument(call, _ENTRYPOINTS)
            user = self.text(call, ("user",))
            yield Deployment(
                self.path, call.lineno, kind, "", named.image, named.dockerfile,
                user=Setting(user, call.lineno) if user and user != UNKNOWN else None,
                read_only=self._switch(call, ("read_only", "readonly_root_filesystem")),
                privileged=self._switch(call, ("privileged",)),
                mounts=tuple(self._mounts(call)),
                entrypoint=self._words(entrypoint),
                command=self._words(command),
                environment=tuple(self._environment(call)),
                workdir=self.text(call, _FOLDERS).replace(UNKNOWN, ""),
                target=named.target.replace(UNKNOWN, ""),
            )  # fmt: skip

    def container(self, call: ast.Call) -> Iterator[Deployment]:
        """The start of a container of testcontainers, with what is chained on it."""
        given = ast.Call(func=call.func, args=call.args[:1], keywords=[*call.keywords])
        variables = ast.Dict(keys=[], values=[])
        given.keywords.append(ast.keyword(arg="environment", value=variables))
        for link in self.chained.get(id(call), ()):
            if _kind(link, ("with_command",)) and link.args:
                given.keywords.append(ast.keyword(arg="command", value=link.args[0]))
            elif _kind(link, ("with_env",)) and len(link.args) == 2:
                variables.keys.append(link.args[0])
                variables.values.append(link.args[1])
            elif _kind(link, ("with_kwargs",)):
                given.keywords += link.keywords
        yield from self.starts(
            ast.copy_location(given, call), "docker run", self.argument(given, ("image",), 0)
        )

    def _image(self, written: ast.expr | None) -> Iterator[Named]:
        """The images that an expression may mean: by name, or by Dockerfile."""
        node = self.paths.follow(written) if written is not None else None
        if isinstance(node, ast.Call):
            if builder := _kind(node, _BUILDERS):
                yield from self.builds(node, _BUILDERS[builder])
            elif _kind(node, ("from_docker_image_asset", "from_registry")) and node.args:
                yield from self._image(node.args[0])
        elif node is not None and (text := self.paths.text(node)):
            image = "".join(image_names([text])[:1])
            if name := known_name(image):
                yield Named("", image=name)

    def _switch(self, call: ast.Call, names: tuple[str, ...]) -> Setting | None:
        written = self.argument(call, names)
        is_on = isinstance(written, ast.Constant) and written.value is True
        return Setting("true", call.lineno) if is_on else None

    def _words(self, written: ast.expr | None) -> tuple[str, ...] | None:
        """The words of a command: those of a list, or of a line."""
        node = self.paths.follow(written) if written is not None else None
        if node is None or _is_none(node):
            return None
        if isinstance(node, ast.List | ast.Tuple):
            return tuple(self.paths.text(one) or "$_" for one in node.elts)
        line = self.paths.text(node)
        try:
            return ("$_",) if line is None else tuple(shlex.split(line))
        except ValueError:
            return ("$_",)

    def _environment(self, call: ast.Call) -> Iterator[tuple[str, str]]:
        for name, value in self._pairs(self.argument(call, ("environment",))):
            if (text := self.paths.text(value)) is not None:
                yield name, text

    def _mounts(self, call: ast.Call) -> Iterator[Mount]:
        written = self.argument(call, ("volumes",))
        for source, value in self._pairs(written):
            facts = dict(self._pairs(value))
            target = self.paths.text(facts["bind"]) if "bind" in facts else None
            if target:
                is_read_only = "mode" in facts and self.paths.text(facts["mode"]) == "ro"
                yield Mount(Setting(target, call.lineno), source, is_read_only)
        node = self.paths.follow(written) if written is not None else None
        for one in node.elts if isinstance(node, ast.List) else ():
            parts = split_mount(self.paths.text(one) or "")
            if len(parts) > 1:
                yield Mount(Setting(parts[1], call.lineno), parts[0], "ro" in parts[2:])


def _is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None
