"""Images that code builds: CDK's image assets and docker-py's calls. Nothing is executed."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from typing import Final

from dockfix.repository.build_settings import Named

_SUFFIXES: Final = (
    "stack.ts", "stack.js", "stack.py", "construct.ts", "construct.js", "construct.py",
    "docker.py", "build.py", "deploy.py", "image.py", "images.py",
)  # fmt: skip
_WHOLE: Final = ("tasks.py", "noxfile.py", "fabfile.py")

CODE_NAME: Final = re.compile(
    "|".join([*(f"{re.escape(one)}$" for one in _SUFFIXES), *(f"^{re.escape(one)}$" for one in _WHOLE)])
)
"""The base names of code that may build images."""

CODE_SUFFIXES: Final = (*_SUFFIXES, *_WHOLE)
"""The suffixes of such names."""

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


def find_calls(path: str, text: str) -> Iterator[Named]:
    """The calls that build an image, with the folders that their arguments may mean."""
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
