"""Images that code in TypeScript and JavaScript builds: CDK's image assets. Nothing is executed."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from typing import Final

from dockfix.context import COPIED, Deployment
from dockfix.repository.arguments import UNKNOWN
from dockfix.repository.build_settings import Named

_SUFFIXES: Final = (
    "stack.ts", "stack.js", "stack.py", "construct.ts", "construct.js", "construct.py",
    "docker.py", "build.py", "deploy.py", "image.py", "images.py",
)  # fmt: skip
_WHOLE: Final = ("tasks.py", "noxfile.py", "fabfile.py", "conftest.py")

CODE_NAME: Final = re.compile(
    "|".join([*(f"{re.escape(one)}$" for one in _SUFFIXES), *(f"^{re.escape(one)}$" for one in _WHOLE)])
)
"""The base names of code that may build images."""

CODE_SUFFIXES: Final = (*_SUFFIXES, *_WHOLE)
"""The suffixes of such names."""

_CALL: Final = re.compile(
    r"(?:DockerImageAsset|from(?:ImageA|A)sset|fromDockerBuild|DockerImage\.fromBuild)\s*\("
)
_KEY: Final = r"""(?<![\w.])['"]?(?:{names})['"]?[ \t]{{0,9}}[:=]\s{{0,99}}(?P<value>{value})"""
_STRING: Final = r"""['"`][^'"`\n]{0,200}['"`]"""
_INNER: Final = r"[^()]{0,200}"
_PLACE: Final = rf"{_STRING}|__dirname|path\.(?:join|resolve)\({_INNER}(?:\({_INNER}\){_INNER}){{0,2}}\)"
_FILE: Final = re.compile(_KEY.format(names="file", value=_STRING))
_FOLDER: Final = re.compile(_KEY.format(names="directory|path", value=_PLACE))
_TARGET: Final = re.compile(_KEY.format(names="target|targetStage", value=_STRING))
_ARGUMENTS: Final = re.compile(_KEY.format(names="buildArgs", value=r"\{[^{}]{0,999}\}"))
_PAIR: Final = re.compile(rf"""['"]?([A-Za-z_]\w{{0,99}})['"]?[ \t]{{0,9}}:\s{{0,99}}({_STRING})?""")
_OTHER: Final = r"""(?<![\w.])['"]?(?:{names})['"]?[ \t]{{0,9}}(?:[:=,}}\n]|$)"""
_OTHER_FILE: Final = re.compile(_OTHER.format(names="file"))
_OTHER_TARGET: Final = re.compile(_OTHER.format(names="target|targetStage"))
"""Arguments whose value is an expression."""
_FIRST: Final = re.compile(
    rf"\s{{0,99}}(?:this\s{{0,9}},\s{{0,99}}{_STRING}\s{{0,9}},\s{{0,99}})?(?P<value>{_PLACE})"
)
_IMAGE: Final = re.compile(r"DockerImageAsset|fromImageAsset|fromDockerBuild|fromBuild")
"""Calls that always build an image; `Code.fromAsset` and the like mostly copy a folder."""
_COPY: Final = re.compile(r"fromDockerBuild|DockerImage\.fromBuild")
_VARIABLE: Final = re.compile(r"\$?\{[^{}]*\}?")
_WORD: Final = re.compile(r"[A-Za-z_][\w.]*")
_OWN: Final = frozenset({"__dirname"})
_PATHS: Final = frozenset({"path.join", "path.resolve", "path.dirname"})
_MOST: Final = 2_000


def find_calls(path: str, text: str) -> Iterator[Named]:
    """The calls that build an image, with the folders that their arguments may mean.

    What is an expression is `UNKNOWN`.
    """
    return (named for _, named in _calls(path, text))


def find_copies(path: str, text: str) -> Iterator[Deployment]:
    """The images that code builds to copy files out of them, or to run them as the user that calls it."""
    line, counted = 1, 0
    for match, named in _calls(path, text):
        line += text.count("\n", counted, match.start())
        counted = match.start()
        if _COPY.match(match[0]):
            yield Deployment(path, line, COPIED, "", dockerfile=named.dockerfile)


def _calls(path: str, text: str) -> Iterator[tuple[re.Match[str], Named]]:
    """Each call with an image that it may build."""
    for match in _CALL.finditer(text):
        arguments = _arguments(text, match.end())
        found = _FOLDER.search(arguments) or _FIRST.match(arguments)
        is_image = _IMAGE.search(match[0]) or text.endswith("ContainerImage.", 0, match.start())
        if found is None and not is_image:
            continue
        folders = _folders(found["value"], path) if found else (UNKNOWN,)
        name = _argument(arguments, _FILE, _OTHER_FILE) or "Dockerfile"
        target = _argument(arguments, _TARGET, _OTHER_TARGET)
        given = tuple(_build_arguments(arguments))
        for context in dict.fromkeys(folders):
            yield match, Named(posixpath.join(context, name), context, target, given)


def _build_arguments(arguments: str) -> Iterator[tuple[str, str]]:
    """The build arguments that a literal mapping gives; `UNKNOWN` for an expression."""
    if found := _ARGUMENTS.search(arguments):
        for pair in _PAIR.finditer(found["value"]):
            yield pair[1], _text(pair[2]) if pair[2] else UNKNOWN


def _argument(arguments: str, literal: re.Pattern[str], other: re.Pattern[str]) -> str:
    """The value of an argument: `UNKNOWN` for an expression, "" if it is not given."""
    if found := literal.search(arguments):
        return _text(found["value"])
    return UNKNOWN if other.search(arguments) else ""


def _arguments(text: str, start: int) -> str:
    """The text between the parentheses of a call."""
    depth = 1
    for at in range(start, min(len(text), start + _MOST)):
        depth += {"(": 1, ")": -1}.get(text[at], 0)
        if depth == 0:
            return text[start:at]
    return text[start : start + _MOST]


def _folders(value: str, path: str) -> tuple[str, ...]:
    """The folders that an expression may mean: relative to its file or, without `__dirname`, to the root."""
    parts = [_text(one) for one in re.findall(_STRING, value)]
    words = set(_WORD.findall(re.sub(_STRING, "", value)))
    if words - _OWN - _PATHS:
        return (UNKNOWN,)
    inner = posixpath.join("", *parts) if parts else ""
    if inner.startswith(UNKNOWN):
        return (inner,)
    from_own = posixpath.normpath(posixpath.join(posixpath.dirname(path), inner))
    if words & _OWN or not parts:
        return (from_own,)
    return posixpath.normpath(inner or "."), from_own


def _text(value: str) -> str:
    return _VARIABLE.sub(UNKNOWN, value[1:-1])
