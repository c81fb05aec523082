"""Dockerfiles named by settings of hosting platforms, and by code that builds images.

A table has a row for each kind of file, with the keys of the Dockerfile, the context and the target.
"""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final


@dataclass(frozen=True, slots=True)
class Named:
    """A Dockerfile that a setting or a call names, as written; "" is the default."""

    dockerfile: str
    context: str = ""
    target: str = ""


@dataclass(frozen=True, slots=True)
class Settings:
    """A kind of file: its name, its parser, and the keys below `path` (`*` matches each item of a list).

    Dockerfile and context are relative to the file's folder; the context is that folder, or the named
    one, or the Dockerfile's own if it is `beside` it.
    """

    name: re.Pattern[str]
    read: Callable[[str], Any]
    path: tuple[str, ...]
    dockerfile: str
    context: str = ""
    target: str = ""
    beside: bool = False


def _yaml(text: str) -> Any:
    from dockfix.repository.yaml_nodes import read_values

    return next(iter(read_values(text)), None)


def _toml(text: str) -> Any:
    import tomllib

    return tomllib.loads(text)


_ROWS: Final = (
    Settings(re.compile(r"^fly(?:\..+)?\.toml$"), _toml, ("build",), "dockerfile", target="build-target"),
    Settings(re.compile(r"^railway\.json$"), json.loads, ("build",), "dockerfilePath"),
    Settings(re.compile(r"^railway\.toml$"), _toml, ("build",), "dockerfilePath"),
    Settings(
        re.compile(r"^render\.ya?ml$"), _yaml, ("services", "*"), "dockerfilePath", context="dockerContext"
    ),
    Settings(re.compile(r"^heroku\.ya?ml$"), _yaml, ("build", "docker"), "*", beside=True),
)
"""Keys as documented by fly.io and Railway ("build"), Render ("Blueprint specification") and
Heroku ("heroku.yml")."""

NAMED_SUFFIXES: Final = (
    "fly.toml", "railway.json", "railway.toml", "render.yaml", "render.yml", "heroku.yml", "heroku.yaml",
    "stack.ts", "stack.js", "stack.py", "construct.ts",
)  # fmt: skip
"""The suffixes of the names of files that are read here."""

_CODE: Final = re.compile(r"(?:stack|construct)\.(?:ts|js|py)$")
_CALL: Final = re.compile(
    r"(?:DockerImageAsset|[fF]rom(?:_image_|_a|ImageA|A)sset|images\.build|DockerImage\.fromBuild)\s*\("
)
_KEY: Final = r"""(?<![\w.])['"]?(?:{names})['"]?[ \t]{{0,9}}[:=]\s{{0,99}}(?P<value>{value})"""
_STRING: Final = r"""['"`][^'"`\n]{0,200}['"`]"""
_INNER: Final = r"[^()]{0,200}"
_PLACE: Final = (
    rf"{_STRING}|__dirname|(?:os\.)?path\.(?:join|resolve)\({_INNER}(?:\({_INNER}\){_INNER}){{0,2}}\)"
)
_FILE: Final = re.compile(_KEY.format(names="file|dockerfile", value=_STRING))
_FOLDER: Final = re.compile(_KEY.format(names="directory|path", value=_PLACE))
_TARGET: Final = re.compile(_KEY.format(names="target", value=_STRING))
_FIRST: Final = re.compile(
    rf"\s{{0,99}}(?:this\s{{0,9}},\s{{0,99}}{_STRING}\s{{0,9}},\s{{0,99}})?(?P<value>{_PLACE})"
)
_MOST: Final = 2_000


SETTINGS_NAME: Final = re.compile("|".join([*(row.name.pattern for row in _ROWS), _CODE.pattern]))
"""The base name of a file of one of these kinds."""


def find_named(path: str, text: str) -> Iterator[Named]:
    """The Dockerfiles that a file names; contexts are relative to the repository. Raises ValueError."""
    base = posixpath.basename(path)
    if _CODE.search(base):
        yield from _read_calls(path, text)
    for row in _ROWS:
        if row.name.search(base):
            yield from _read_row(path, row, row.read(text))


def _read_row(path: str, row: Settings, content: Any) -> Iterator[Named]:
    for values in _below(content, row.path):
        if not isinstance(values, Mapping):
            continue
        folder = posixpath.dirname(path)
        written = values.values() if row.dockerfile == "*" else (values.get(row.dockerfile),)
        for dockerfile in written:
            if isinstance(dockerfile, str):
                named = str(values.get(row.context) or "") if row.context else ""
                context = posixpath.dirname(dockerfile) if row.beside else named
                target = str(values.get(row.target) or "") if row.target else ""
                yield Named(posixpath.join(folder, dockerfile), posixpath.join(folder, context), target)


def _below(content: Any, path: tuple[str, ...]) -> Iterator[Any]:
    if not path:
        yield content
    elif path[0] == "*" and isinstance(content, list):
        for one in content:
            yield from _below(one, path[1:])
    elif isinstance(content, Mapping):
        yield from _below(content.get(path[0]), path[1:])


def _read_calls(path: str, text: str) -> Iterator[Named]:
    """The calls of CDK and docker-py that build an image, with the folders that their arguments may mean."""
    for match in _CALL.finditer(text):
        arguments = _arguments(text, match.end())
        found = _FOLDER.search(arguments) or _FIRST.match(arguments)
        folder = _folder(found["value"], path) if found else None
        if folder is None:
            continue
        file, target = _FILE.search(arguments), _TARGET.search(arguments)
        name = _text(file["value"]) if file else "Dockerfile"
        for context in dict.fromkeys(folder):
            yield Named(posixpath.join(context, name), context, _text(target["value"]) if target else "")


def _arguments(text: str, start: int) -> str:
    """The text between the parentheses of a call."""
    depth = 1
    for at in range(start, min(len(text), start + _MOST)):
        depth += {"(": 1, ")": -1}.get(text[at], 0)
        if depth == 0:
            return text[start:at]
    return text[start : start + _MOST]


def _folder(value: str, path: str) -> tuple[str, ...] | None:
    """The folders that an expression may mean: relative to its file or, without `__dirname`, to the root."""
    parts = [_text(one) for one in re.findall(_STRING, value)]
    if any("$" in part or "{" in part for part in parts):
        return None
    own = posixpath.dirname(path)
    inner = posixpath.join("", *parts) if parts else ""
    from_own = posixpath.normpath(posixpath.join(own, inner))
    if "__dirname" in value or "__file__" in value:
        return (from_own,)
    return (posixpath.normpath(inner or "."), from_own) if parts else None


def _text(value: str) -> str:
    return value[1:-1]
