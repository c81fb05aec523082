"""The keys of dockfix.facts.toml: what each value may be, and what it means."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from dockfix.image_facts import Entry, Group, Interpreter, Login
from dockfix.options.declarations import Form

VERSION: Final = 1
MAX_IMAGES: Final = 1000
MAX_ITEMS: Final = 2000
MAX_TEXT: Final = 4096
MAX_SCRIPT: Final = 64 * 1024
MAX_ID: Final = 2**32 - 2
"""The largest number of a user or group; the next one means none."""
ABSENT: Final = "absent"
OWNERS: Final = ("image", "system", "conda", "venv")
SOURCES: Final = ("image", "registry")

_START: Final = r"\A"
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")
_DIGEST: Final = re.compile(r"sha256:[0-9a-f]{64}")
_ID: Final = r"(\d{1,10})"
_LOGIN: Final = re.compile(rf"\A([^:]+):{_ID}:{_ID}:([^:]*):([^:]*)")
_GROUP: Final = re.compile(rf"\A([^:]+):{_ID}:([^:]*)")
_ENTRY: Final = re.compile(
    rf"([dl-])([r-][w-][xsS-][r-][w-][xsS-][r-][w-][xtT-]) {_ID}:{_ID}(?: (listed)| -> (.+))?"
)
KINDS: Final = {"d": "directory", "l": "link", "-": "file"}
_PATH: Final = re.compile(r"/|(?:/(?!\.{1,2}(?:/|$))[^/]+)+")


@dataclass(frozen=True, slots=True)
class Key:
    """One key of an image's table: its values, what it means, and whether only an image's files show it."""

    form: Form
    help: str
    is_content: bool = False


def _text(value: object) -> str:
    if not isinstance(value, str) or len(value) > MAX_TEXT or _CONTROL.search(value):
        raise ValueError
    return value


def _name(value: object) -> str:
    if not _text(value):
        raise ValueError
    return str(value)


def _word(value: object) -> str:
    """A word of a command line, which may be a script of several lines."""
    if not isinstance(value, str) or len(value) > MAX_TEXT or "\0" in value:
        raise ValueError
    return value


def _script(value: object) -> str:
    if not isinstance(value, str) or len(value) > MAX_SCRIPT or "\0" in value:
        raise ValueError
    return value


def _path(value: object) -> str:
    if not _PATH.fullmatch(_text(value)):
        raise ValueError
    return str(value)


def _digest(value: object) -> str:
    if not _DIGEST.fullmatch(_text(value)):
        raise ValueError
    return str(value)


def _one_of(names: tuple[str, ...]) -> Callable[[object], str]:
    def check(value: object) -> str:
        if value not in names:
            raise ValueError
        return str(value)

    return check


def _list(check: Callable[[object], Any]) -> Callable[[object], Any]:
    def read(value: object) -> tuple[Any, ...]:
        if not isinstance(value, list) or len(value) > MAX_ITEMS:
            raise ValueError
        return tuple(map(check, value))

    return read


def _table(name: Callable[[object], Any], check: Callable[[object], Any]) -> Callable[[object], Any]:
    def read(value: object) -> dict[Any, Any]:
        if not isinstance(value, dict) or len(value) > MAX_ITEMS:
            raise ValueError
        return {name(key): check(one) for key, one in value.items()}

    return read


def _number(text: str) -> int:
    if int(text) > MAX_ID:
        raise ValueError
    return int(text)


def _matched(pattern: re.Pattern[str], value: object) -> re.Match[str]:
    match = pattern.fullmatch(_text(value))
    if match is None:
        raise ValueError
    return match


def _login(value: object) -> Login:
    name, uid, gid, home, shell = _matched(_LOGIN, value).groups()
    return Login(name, _number(uid), _number(gid), home, shell)


def _group(value: object) -> Group:
    name, gid, members = _matched(_GROUP, value).groups()
    return Group(name, _number(gid), tuple(filter(None, members.split(","))))


def _interpreter(value: object) -> Interpreter:
    if not isinstance(value, dict) or not {"path", "owner"} <= set(value) <= set(_INTERPRETER):
        raise ValueError
    if type(value.get("managed", False)) is not bool:
        raise ValueError
    version, pip = (_text(value.get(key, "")) for key in ("version", "pip"))
    owner = _one_of(OWNERS)(value["owner"])
    return Interpreter(_path(value["path"]), owner, version, pip, value.get("managed", False))


def _entry(value: object) -> Entry:
    if value == ABSENT:
        return Entry(ABSENT)
    kind, mode, uid, gid, listed, target = _matched(_ENTRY, value).groups()
    if (kind == "l") != bool(target) or (listed and kind != "d"):
        raise ValueError
    return Entry(KINDS[kind], read_mode(mode), _number(uid), _number(gid), target or "", bool(listed))


def read_mode(text: str) -> int:
    """The 12 bits of a mode as `ls -l` shows it, without the kind."""
    bits = sum(1 << (8 - at) for at, char in enumerate(text) if char not in "-ST")
    special = ((2, 0o4000), (5, 0o2000), (8, 0o1000))
    return bits | sum(bit for at, bit in special if text[at] in "sStT")


_STRING: Final[Mapping[str, Any]] = {"type": "string", "maxLength": MAX_TEXT}
_STRINGS: Final = {"type": "array", "items": _STRING, "maxItems": MAX_ITEMS}
_INTERPRETER: Final[Mapping[str, Any]] = {
    "path": {"type": "string", "pattern": "^/"},
    "owner": {"type": "string", "enum": list(OWNERS)},
    "version": _STRING,
    "pip": _STRING,
    "managed": {"type": "boolean"},
}


def _matching(pattern: re.Pattern[str]) -> dict[str, Any]:
    return {"type": "string", "pattern": f"^({pattern.pattern.removeprefix(_START)})$"}


def _rows(item: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": item, "maxItems": MAX_ITEMS}


def _by_path(item: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "object", "propertyNames": {"pattern": "^/"}, "additionalProperties": item}


_TEXT: Final = Form(f"a string of one line, up to {MAX_TEXT} characters", _text, schema=_STRING)
_WORDS: Final = Form("a list of strings", _list(_word), schema=_STRINGS)
_PATHS: Final = Form("a list of absolute paths", _list(_path), schema=_STRINGS)

KEYS: Final[Mapping[str, Key]] = {
    "digest": Key(
        Form("sha256: and 64 hexadecimal digits", _digest, schema=_matching(_DIGEST)),
        "What the name stood for",
    ),
    "source": Key(
        Form(
            f"one of {', '.join(SOURCES)}", _one_of(SOURCES), schema={"type": "string", "enum": list(SOURCES)}
        ),
        "What was read: the whole image, or only the configuration in its registry",
    ),
    "user": Key(_TEXT, "The user that it starts as, empty for root"),
    "workdir": Key(_TEXT, "The working directory, empty for /"),
    "env": Key(
        Form(
            "a table of strings",
            _table(_name, _word),
            schema={"type": "object", "additionalProperties": _STRING},
        ),
        "The environment variables, without those that look like secrets",
    ),
    "volumes": Key(_PATHS, "The volumes that it declares"),
    "ports": Key(_WORDS, "The ports that it exposes"),
    "entrypoint": Key(_WORDS, "ENTRYPOINT"),
    "command": Key(_WORDS, "CMD"),
    "shell": Key(_WORDS, "SHELL, if the image sets it"),
    "onbuild": Key(_WORDS, "ONBUILD steps, which run in every image that is built on it"),
    "system": Key(_TEXT, "ID of os-release", is_content=True),
    "version": Key(_TEXT, "VERSION_ID of os-release", is_content=True),
    "codename": Key(_TEXT, "VERSION_CODENAME of os-release", is_content=True),
    "like": Key(
        Form("a list of strings", _list(_name), schema=_STRINGS), "ID_LIKE of os-release", is_content=True
    ),
    "accounts": Key(
        Form(
            'a list like ["app:1000:1000:/home/app:/bin/sh"]', _list(_login), schema=_rows(_matching(_LOGIN))
        ),
        "Accounts: name, uid, gid, home and shell",
        is_content=True,
    ),
    "groups": Key(
        Form('a list like ["app:1000:member,member"]', _list(_group), schema=_rows(_matching(_GROUP))),
        "Groups: name, gid and members",
        is_content=True,
    ),
    "commands": Key(
        Form(
            "a table of absolute paths",
            _table(_name, _path),
            schema={"type": "object", "additionalProperties": _STRING},
        ),
        "Commands on PATH that matter here, and where their links lead",
        is_content=True,
    ),
    "pythons": Key(
        Form(
            'a list like [{ path = "/usr/bin/python3.11", owner = "system" }]',
            _list(_interpreter),
            schema=_rows(
                {
                    "type": "object",
                    "required": ["path", "owner"],
                    "additionalProperties": False,
                    "properties": _INTERPRETER,
                }
            ),
        ),
        "Pythons: path, owner (image, system, conda, venv), version, pip's version, managed (PEP 668)",
        is_content=True,
    ),
    "paths": Key(
        Form(
            'a table like { "/srv" = "drwxr-xr-x 0:0" }',
            _table(_path, _entry),
            schema=_by_path({"type": "string", "pattern": f"^({ABSENT}|{_ENTRY.pattern})$"}),
        ),
        "Mode and owner of paths that the Dockerfiles touch, as in `ls -n`; `listed`: all entries follow",
        is_content=True,
    ),
    "scripts": Key(
        Form(
            f"a table of texts up to {MAX_SCRIPT} characters",
            _table(_path, _script),
            schema=_by_path({"type": "string", "maxLength": MAX_SCRIPT}),
        ),
        "The texts of start scripts, by path",
        is_content=True,
    ),
}
"""The keys of an image, in the order in which they are written."""


def _written(value: object) -> str:
    """An absolute path; a folder ends with a slash."""
    _path(_text(value).removesuffix("/"))
    return str(value)


def _place(value: object) -> str:
    if not _text(value).startswith("~/"):
        raise ValueError
    _path(_text(value).removeprefix("~"))
    return str(value)


_PLACES: Final = Form("a list of paths that start with ~/", _list(_place), schema=_STRINGS)

FILE_KEYS: Final[Mapping[str, Key]] = {
    "writes": Key(
        Form("a list of absolute paths, folders with a slash at the end", _list(_written), schema=_STRINGS),
        "What the application writes",
    ),
    "root_steps": Key(_WORDS, "Build steps that another user is denied, with single spaces"),
    "reads": Key(_PLACES, "What the application reads in root's home"),
}
"""The keys of a Dockerfile: what a proof has shown of it."""
