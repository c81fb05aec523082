"""The paths of a build's Dockerfile and context, and the Dockerfiles that a partly unknown path may match."""

from __future__ import annotations

import os
import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from dockfix.files.candidates import Build
from dockfix.repository.arguments import UNKNOWN, fill_expressions

_TAIL: Final = re.compile(rf"{re.escape(UNKNOWN)}([-_.]\w[\w.-]*)")
_REMOTE: Final = ("git@", "/", "~", "http:", "https:", "-")


def make_build(
    source: str,
    context: object,
    dockerfile: object = None,
    *,
    root: str | None = None,
    file_from_start: bool = False,
    **rest: Any,
) -> Iterator[Build]:
    """The build, unless its context is remote or outside the repository; paths are relative to `root`.

    Expressions without a value become `UNKNOWN` in the paths and the target.
    """
    start = posixpath.dirname(source) if root is None else root
    place, file = plain(context or "."), plain(dockerfile or "Dockerfile")
    if place is None or file is None or "://" in place or place.startswith(_REMOTE):
        return
    folder = _join(start, place)
    path = _join(start if file_from_start else folder, file)
    if path.startswith(("../", "/")) or folder.startswith("../") or not can_be_path(path + folder):
        return
    if UNKNOWN not in path and rest.get("images"):
        rest["images"] = tuple(one for one in rest["images"] if not _is_open_name(one) or tail_of(one))
    yield Build(source, path, "" if folder == "." else folder, **rest)


def _is_open_name(image: str) -> bool:
    """Whether the name of an image, without its registry and folders, has an unknown part."""
    return UNKNOWN in posixpath.basename(image)


def tail_of(image: str) -> str:
    """The known end of an image's name (`-api` of `${{ github.repository }}-api`), "" if there is none."""
    match = _TAIL.fullmatch(posixpath.basename(image))
    return match[1] if match else ""


def named_contexts(contexts: object, prefix: str) -> tuple[tuple[str, str], ...]:
    """(alias, name) for each further context that is another build of the same file."""
    pairs = contexts.items() if isinstance(contexts, Mapping) else ()
    named = ((alias, place) for alias, place in pairs if isinstance(place, str) and place.startswith(prefix))
    return tuple((alias, place.removeprefix(prefix)) for alias, place in named)


def plain(value: object) -> str | None:
    """A path or name with each expression replaced by `UNKNOWN`; None if it is not a string."""
    if not isinstance(value, str):
        return None
    return fill_expressions(value).strip().removeprefix("./") or "."


def target_of(value: object) -> str:
    """The stage that a build asks for: "" for none, `UNKNOWN` for an expression."""
    text = fill_expressions(value).strip() if isinstance(value, str) else ""
    return UNKNOWN if UNKNOWN in text else text


def is_open(build: Build) -> bool:
    """Whether a part of the paths, or the target, is known only during the build."""
    return any(UNKNOWN in one for one in (build.dockerfile, build.context, build.target))


def can_be_path(text: str) -> bool:
    """Whether a file can have that name: it contains neither a NUL nor a lone surrogate."""
    try:
        return b"\0" not in os.fsencode(text)
    except UnicodeEncodeError:
        return False


def _join(start: str, place: str) -> str:
    """The path from the repository root; `..` after an unknown part yields an unknown path."""
    if place.startswith(UNKNOWN):
        start = ""
    parts: list[str] = []
    for part in posixpath.join(start, place).split("/"):
        if part == ".." and parts and UNKNOWN in "/".join(parts):
            parts = [UNKNOWN]
        else:
            parts.append(part)
    return posixpath.normpath("/".join(parts))


def spread(named: Mapping[str, Sequence[Build]], names: Iterable[str]) -> dict[str, list[Build]]:
    """The builds by Dockerfile; a path with unknown parts is matched with all `names` that it fits.

    If a path begins with an unknown part, the matching Dockerfiles at the root and next to the file that
    describes the build take precedence. A build of which neither the Dockerfile nor the target is known
    may be one of any Dockerfile that no other build names.
    """
    found = {path: list(builds) for path, builds in named.items() if UNKNOWN not in path}
    known = sorted(set(names))
    open_builds = named.get(UNKNOWN, ())
    for path, builds in named.items():
        if UNKNOWN in path:
            fitting = [name for name in known if matches(path, name)]
            for build in builds:
                own = _nearest(build, fitting) if build.target or path != UNKNOWN else ()
                for name in own:
                    found.setdefault(name, []).append(_bind(build, name, alone=len(own) == 1))
    sources = dict.fromkeys(build.source for build in open_builds if not build.target)
    unnamed = [name for name in known if name not in found] if sources else ()
    return found | {name: [Build(source, name, UNKNOWN) for source in sources] for name in unnamed}


def _nearest(build: Build, fitting: Sequence[str]) -> Sequence[str]:
    if not build.dockerfile.startswith(f"{UNKNOWN}/"):
        return fitting
    inner = build.dockerfile.removeprefix(f"{UNKNOWN}/")
    likely = {inner, posixpath.join(posixpath.dirname(build.source), inner)}
    return [name for name in fitting if name in likely] or fitting


def _bind(build: Build, name: str, *, alone: bool) -> Build:
    """The build of one Dockerfile that its path matches.

    Its unknown context is derived from the path if possible. An unknown part of the image's name is taken
    for the same as the one of the path, as in `api-${{ matrix.name }}` for `services/${{ matrix.name }}`.
    """
    context = build.context
    if UNKNOWN in context and build.dockerfile.startswith(f"{context}/"):
        context = "/".join(name.split("/")[: -build.dockerfile.removeprefix(f"{context}/").count("/") - 1])
    part = _unknown_part(build.dockerfile, name)
    images = (_filled(one, part) if _is_open_name(one) else one if alone else "" for one in build.images)
    return replace(build, dockerfile=name, context=context, images=tuple(filter(None, images)))


def _unknown_part(pattern: str, name: str) -> str:
    """The folder or word for which the only unknown part of a path stands, "" for any other path."""
    before, *after = pattern.split(UNKNOWN)
    if len(after) != 1 or not (name.startswith(before) and name.endswith(after[0])):
        return ""
    part = name[len(before) : len(name) - len(after[0])]
    return "" if "/" in part else part


def _filled(image: str, part: str) -> str:
    """An image whose own name has an unknown part, with that part; "" if that or all of it is unknown."""
    head, slash, own = image.rpartition("/")
    return head + slash + own.replace(UNKNOWN, part) if part and image != UNKNOWN else ""


def matches(pattern: str, name: str) -> bool:
    """Whether a path with unknown parts may be that name; an unknown first part may also be empty."""
    if pattern.startswith(f"{UNKNOWN}/") and matches(pattern.removeprefix(f"{UNKNOWN}/"), name):
        return True
    first, *rest = pattern.split(UNKNOWN)
    if not rest:
        return pattern == name
    if not name.startswith(first) or not name.endswith(rest[-1]):
        return False
    at, end = len(first), len(name) - len(rest[-1])
    for part in rest[:-1]:
        at = name.find(part, at, end)
        if at < 0:
            return False
        at += len(part)
    return at <= end
