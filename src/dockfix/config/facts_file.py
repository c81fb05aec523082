"""dockfix.facts.toml, which keeps the facts of real base images in a repository, as text and as facts.

The file is the repository's own data: it is validated and bounded, and can change only what is rewritten
in that repository.
"""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, NamedTuple

from dockfix.config.errors import ConfigError
from dockfix.config.facts_keys import ABSENT, FILE_KEYS, KEYS, KINDS, MAX_IMAGES, MAX_TEXT, VERSION, Key
from dockfix.config.keys import unknown_key
from dockfix.config.reading import FACTS_FILE, parse_toml, read_text, refuse_outside
from dockfix.image_facts import Content, Entry, ImageFacts, Interpreter
from dockfix.learned import Learned
from dockfix.model.images import key_of

_ON_A_LINE: Final = 3
"""The maximum number of values in a list that is written on one line."""
_TOP: Final = ("version", "images", "files")
_HEAD: Final = """\
# What the base images of this repository contain, recorded by `dockfix --inspect --write`.
# `dockfix --inspect --check` fails once an image has changed. Sorted, so that changes show in a review.
"""
_FILES_HEAD: Final = "# What proofs have shown of its Dockerfiles, recorded by `dockfix --verify --write`."
_CONTENT_KEYS: Final = tuple(name for name, key in KEYS.items() if key.is_content)
_CONFIG_KEYS: Final = tuple(name for name, key in KEYS.items() if not key.is_content and name != "source")

Named = dict[str, ImageFacts]
"""Facts by the reference of the image, as FROM has it."""


class Kept(NamedTuple):
    """What the file keeps: facts of images, and what proofs have shown of the Dockerfiles at its paths."""

    images: Named
    files: dict[str, Learned]


def read_facts(folder: str) -> Kept:
    """What a folder (absolute) keeps, empty if it keeps nothing. Raises ConfigError."""
    path = os.path.join(folder, FACTS_FILE)
    try:
        mode = os.lstat(path).st_mode
    except OSError:
        return Kept({}, {})
    if stat.S_ISLNK(mode):
        refuse_outside(path, folder)
    return parse_facts(path, read_text(path)) if os.path.isfile(path) else Kept({}, {})


def by_key(facts: Mapping[str, ImageFacts]) -> Named:
    """The facts as a model finds them: by `name:tag` and by digest."""
    found = {one.digest: one for _, one in sorted(facts.items())}
    return found | {key_of(reference): one for reference, one in facts.items()}


def parse_facts(path: str, text: str) -> Kept:
    """What the text of the file at `path` keeps; an empty one keeps nothing. Raises ConfigError."""
    if not text.strip():
        return Kept({}, {})
    table = parse_toml(path, text)
    for key in table:
        if key not in _TOP:
            raise unknown_key(path, key, _TOP)
    if table.get("version") != VERSION:
        raise ConfigError(f"{path}: version must be {VERSION}: write it anew with --inspect --write")
    images = {name: _parse_image(path, name, values) for name, values in _rows(path, table, "images")}
    return Kept(
        images, {name: _parse_file(path, name, values) for name, values in _rows(path, table, "files")}
    )


def _rows(path: str, table: Mapping[str, object], name: str) -> Iterable[tuple[str, object]]:
    rows = table.get(name, {})
    if not isinstance(rows, dict) or len(rows) > MAX_IMAGES:
        raise ConfigError(f"{path}: {name} must be a table of up to {MAX_IMAGES} {name}")
    return rows.items()


def _parse_file(path: str, name: str, table: object) -> Learned:
    where = f"{path}: files.{json.dumps(name)}"
    inside = not name.startswith("/") and ".." not in name.split("/")
    if not name or len(name) > MAX_TEXT or not name.isprintable() or not inside:
        raise ConfigError(f"{where}: not the path of a file below this one")
    return Learned(**_parse_values(where, table, FILE_KEYS))


def _parse_image(path: str, reference: str, table: object) -> ImageFacts:
    where = f"{path}: images.{json.dumps(reference)}"
    if not reference or len(reference) > MAX_TEXT or not reference.isprintable():
        raise ConfigError(f"{where}: not the name of an image")
    values = _parse_values(where, table, KEYS)
    for key in ("digest", "source"):
        if key not in values:
            raise ConfigError(f"{where}: has no {key}")
    return _facts(where, values)


def _parse_values(where: str, table: object, keys: Mapping[str, Key]) -> dict[str, Any]:
    if not isinstance(table, dict):
        raise ConfigError(f"{where}: must be a table")
    values: dict[str, Any] = {}
    for key, value in table.items():
        if key not in keys:
            raise unknown_key(where, key, keys)
        try:
            values[key] = keys[key].form.read(value)
        except ValueError as error:
            raise ConfigError(f"{where}: {key} {error}") from None
    return values


def _facts(where: str, values: dict[str, Any]) -> ImageFacts:
    content = {key: value for key, value in values.items() if key in _CONTENT_KEYS}
    settings = {key: value for key, value in values.items() if key in _CONFIG_KEYS}
    if values["source"] == "image":
        return ImageFacts(**settings, content=Content(**content))
    if content:
        raise ConfigError(f"{where}: a registry does not show {min(content)}: its source is the image")
    return ImageFacts(**settings)


# -- writing ---------------------------------------------------------------------------------------


def format_facts(images: Mapping[str, ImageFacts], files: Mapping[str, Learned] = {}) -> str:
    """The text of the file, sorted by the references of images, and by the paths of files."""
    lines = [*_HEAD.splitlines(), f"version = {VERSION}"]
    for reference in sorted(images):
        lines += ["", *_format_image(reference, images[reference])]
    lines += ["", _FILES_HEAD] if files else []
    for name in sorted(files):
        found = {key: getattr(files[name], key) for key in FILE_KEYS}
        values = (f"{key} = {_value(one)}" for key, one in found.items() if one)
        lines += ["", f"[files.{_string(name)}]", *values]
    return "".join(f"{line}\n" for line in lines)


def _format_image(reference: str, facts: ImageFacts) -> Iterator[str]:
    head = f"images.{_string(reference)}"
    yield f"[{head}]"
    values: dict[str, Any] = {key: getattr(facts, key) for key in _CONFIG_KEYS}
    values["source"] = "registry" if facts.content is None else "image"
    if facts.content is not None:
        values |= {key: getattr(facts.content, key) for key in _CONTENT_KEYS}
    present = {key: values[key] for key in KEYS if values.get(key)}
    yield from (f"{key} = {_value(one)}" for key, one in present.items() if not isinstance(one, Mapping))
    for key, one in present.items():
        if isinstance(one, Mapping):
            yield from ("", f"[{head}.{key}]")
            yield from (f"{_key(name)} = {_value(one[name])}" for name in sorted(one))


def _value(value: Any) -> str:
    match value:
        case str():
            return _string(value) if "\n" not in value else _long_string(value)
        case Entry():
            return _string(show_entry(value))
        case Interpreter():
            return _interpreter(value)
    rows = [_value(_row(one)) for one in value]
    if len(rows) <= _ON_A_LINE:
        return f"[{', '.join(rows)}]"
    return "\n".join(["[", *(f"  {row}," for row in rows), "]"])


def _row(one: Any) -> Any:
    """An item of a list: an account and a group are written as in passwd and group."""
    if isinstance(one, str | Interpreter):
        return one
    parts = [getattr(one, name) for name in one.__slots__]
    return ":".join(",".join(part) if isinstance(part, tuple) else str(part) for part in parts)


def show_entry(entry: Entry) -> str:
    """An entry as the file has it: `drwxr-xr-x 0:0`."""
    if entry.kind == ABSENT:
        return ABSENT
    kind = next(letter for letter, name in KINDS.items() if name == entry.kind)
    more = " listed" if entry.is_listed else f" -> {entry.target}" if entry.target else ""
    return f"{kind}{stat.filemode(entry.mode)[1:]} {entry.uid}:{entry.gid}{more}"


def _interpreter(one: Interpreter) -> str:
    parts = {"path": one.path, "owner": one.owner, "version": one.version, "pip": one.pip}
    shown = [f"{key} = {_string(text)}" for key, text in parts.items() if text]
    return f"{{ {', '.join([*shown, *(['managed = true'] if one.is_managed else [])])} }}"


def _key(name: str) -> str:
    return name if name.isascii() and name.replace("_", "").replace("-", "").isalnum() else _string(name)


def _string(text: str) -> str:
    """A basic string; its escapes are those of JSON, and DEL."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _long_string(text: str) -> str:
    r"""A string over several lines: as it is if TOML's literal form can hold it, else with its \n escaped."""
    is_plain = all(char.isprintable() or char in "\n\t" for char in text)
    return f"'''\n{text}'''" if is_plain and "'''" not in text and not text.endswith("'") else _string(text)
