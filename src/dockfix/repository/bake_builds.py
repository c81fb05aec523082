"""The builds of bake files: read alone, or together and with the settings of the commands that name them."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any, Final

from dockfix.files.candidates import Build
from dockfix.repository.arguments import UNKNOWN, read_arguments
from dockfix.repository.bake import Facts, read_targets
from dockfix.repository.build_places import make_build, named_contexts, plain, target_of
from dockfix.repository.hcl_functions import text_of
from dockfix.repository.image_names import image_names
from dockfix.repository.neighbours import Read
from dockfix.repository.shell_lines import find_assignments, read_lines

_DEFAULTS: Final = (
    "docker-bake.json", "docker-bake.hcl", "docker-bake.override.json", "docker-bake.override.hcl",
)  # fmt: skip
"""The files that bake reads by default; later ones override earlier ones."""
_COMMAND: Final = re.compile(r"docker\s+(?:buildx\s+)?bake(?=\s|$)", re.MULTILINE)
_PREFIX: Final = re.compile(r"^[ \t@-]*((?:\w+=\S*[ \t]+)+)docker[ \t]+(?:buildx[ \t]+)?bake\b", re.MULTILINE)
_SET: Final = frozenset({"context", "dockerfile", "target"})


def read_bake_file(name: str, text: str, read: Read) -> Iterator[Build]:
    """The targets of a bake file; its paths are relative to its folder or the root, where it may be run."""
    folder = posixpath.dirname(name)
    others = _DEFAULTS if posixpath.basename(name) in _DEFAULTS else ()
    beside = (read(posixpath.join(folder, one)) for one in others)
    texts = [one for one in beside if one is not None]
    targets = read_targets(texts or [text])
    for root in dict.fromkeys((folder, "")):
        yield from _builds(name, targets, root)


def read_bake_lines(text: str, root: str, read: Read, *, is_one_shell: bool = True) -> Iterator[Build]:
    """The builds of the `docker buildx bake` commands of a script that is run in the folder `root`."""
    prefixes = (word for match in _PREFIX.finditer(text) for word in match[1].split())
    variables: dict[str, Any] = dict(find_assignments(text))
    for name, _, value in (word.partition("=") for word in prefixes):
        variables[name] = value if variables.get(name, value) == value else UNKNOWN
    for call in read_lines(text, _COMMAND, is_one_shell=is_one_shell):
        files, settings = _split_flags(call.words)
        folder = posixpath.normpath(posixpath.join(root, call.folder))
        yield from read_bake_call(files, settings, "" if folder == "." else folder, variables, read)


def read_bake_call(
    files: Sequence[str], settings: Sequence[str], folder: str, variables: Mapping[str, Any], read: Read
) -> Iterator[Build]:
    """The builds of bake files that are read together, in a folder, with `--set` and the environment."""
    given = {name: value for name, value in variables.items() if isinstance(value, str) and "$" not in value}
    names = [posixpath.join(folder, plain(one) or "") for one in files or _DEFAULTS]
    texts = {name: text for name in names if (text := read(posixpath.normpath(name))) is not None}
    if texts and not any(name.endswith((".yml", ".yaml")) for name in texts):
        targets = read_targets(texts.values(), given)
        changed = {name: _set(name, one, settings) for name, one in targets.items()}
        yield from _builds(posixpath.normpath(next(iter(texts))), changed, folder)


def _builds(source: str, targets: Mapping[str, Facts], root: str) -> Iterator[Build]:
    for target, facts in targets.items():
        if "dockerfile-inline" in facts:
            continue
        tags = facts.get("tags")
        yield from make_build(
            source,
            text_of(facts.get("context", ".")),
            text_of(facts.get("dockerfile", "Dockerfile")),
            root=root,
            target=target_of(facts.get("target")),
            images=image_names(tags if isinstance(tags, list) else ()),
            name=target,
            contexts=named_contexts(facts.get("contexts"), "target:"),
            arguments=read_arguments(facts.get("args")),
        )


def _split_flags(words: Sequence[str]) -> tuple[list[str], list[str]]:
    """(files, settings) of a command."""
    found: dict[str, list[str]] = {"-f": [], "--file": [], "--set": []}
    rest = iter(words)
    for word in rest:
        flag, equals, value = word.partition("=")
        if flag in found:
            found[flag].append(value if equals else next(rest, ""))
    return [*found["-f"], *found["--file"]], found["--set"]


def _set(name: str, facts: Facts, settings: Sequence[str]) -> Facts:
    """A target with the values of `--set PATTERN.KEY=VALUE`."""
    changed: dict[str, Any] = dict(facts)
    for one in settings:
        place, _, value = one.partition("=")
        pattern, _, key = place.partition(".")
        if not fnmatchcase(name, pattern):
            continue
        if key in _SET:
            changed[key] = value
        elif key.startswith("args."):
            known = changed.get("args")
            arguments = known if isinstance(known, Mapping) else {}
            changed["args"] = {**arguments, key.removeprefix("args."): value}
    return changed
