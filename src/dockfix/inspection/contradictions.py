"""The values of a row of dockfix's tables that the real image contradicts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Final, NamedTuple

from dockfix.image_facts import ImageFacts
from dockfix.model.images import Image, find_image, key_of
from dockfix.model.lineage import is_root_user

_SETTINGS: Final = ("user", "workdir")
_FILES: Final = ("family", "shell")
_PYTHON: Final = ("python", "pip")
"""What counts where a step can install packages, that is, where there is a shell."""
_UNSURE: Final = ("unknown", "")
_CREATORS: Final = {"adduser": "adduser", "useradd": "useradd", "busybox": "adduser"}


class Contradiction(NamedTuple):
    """A key of a table, its value there, and what the image has."""

    key: str
    table: str
    image: str

    def __str__(self) -> str:
        return f"{self.key}: the table says {self.table or 'none'}, the image has {self.image or 'none'}"


def find_wrong_rows(reference: str, facts: ImageFacts) -> Iterator[Contradiction]:
    """The contradictions between the table's row for a reference and the facts of the real image."""
    row = find_image(reference)
    if not row.known:
        return
    found = find_image(reference, None, {key_of(reference): facts})
    for key in _keys(found):
        table, image = _value(row, key), _value(found, key)
        if table != image and table not in _UNSURE and image not in _UNSURE:
            yield Contradiction(key, str(table), str(image))
    yield from _of_environment(row, found)
    if row.starts != found.starts:
        yield Contradiction("starts", str(row.starts).lower(), str(found.starts).lower())
    if facts.content is not None:
        yield from _of_accounts(row, found)
        yield from _of_commands(row, facts.content.commands)


def _keys(found: Image) -> tuple[str, ...]:
    """The keys that the facts of an image decide."""
    if found.facts is None or found.facts.content is None:
        return _SETTINGS
    return (*_SETTINGS, *_FILES, *(_PYTHON if found.shell else ()))


def _value(image: Image, key: str) -> object:
    """The value of a key; root has several names."""
    value = getattr(image, key)
    return "root" if key == "user" and is_root_user(value) else value


def _of_environment(row: Image, found: Image) -> Iterator[Contradiction]:
    for name, value in row.env.items():
        if value != (present := found.env.get(name, "")):
            yield Contradiction(f"env.{name}", value, present)


def _of_accounts(row: Image, found: Image) -> Iterator[Contradiction]:
    present = {one.name: one for one in found.accounts}
    for one in row.accounts:
        real = present.get(one.name)
        if real is None:
            yield Contradiction("accounts", one.name, "")
            continue
        uid, gid = (real.uid, real.gid) if one.uid is None else (one.uid, one.gid)
        if replace(one, uid=uid, gid=gid) != real:
            yield Contradiction("accounts", str(one), str(real))


def _of_commands(row: Image, commands: Mapping[str, str]) -> Iterator[Contradiction]:
    """The command that creates accounts must be there, unless what prepares the image installs it."""
    command = _CREATORS.get(row.account_command)
    if command is not None and not row.prepare and command not in commands:
        yield Contradiction("account_command", row.account_command, "")
