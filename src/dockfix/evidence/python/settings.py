"""Values that code reads from configuration files of the image: `.env`, ini, JSON, TOML and YAML."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from dockfix.evidence.image_files import Layout
from dockfix.evidence.python.constants import Value, Values
from dockfix.evidence.python.modules import Module
from dockfix.lazy import cached_property

_ENVIRONMENT: Final = re.compile(r"\b(?:dotenv|decouple|environs|read_env|env_file)\b|['\"/]\.env\b")
"""Marks of a module that reads variables from `.env`: by python-dotenv, decouple, environs or pydantic."""
_NAMED: Final = re.compile(
    r"(?:\benv_file\s*=|\bload_dotenv\(|\bdotenv_path\s*=|\bread_env\()\s*['\"]([^'\"\n]+)['\"]"
)
_VARIABLE: Final = re.compile(
    r"^[ \t]*(?:export[ \t]+)?([A-Za-z_]\w*)[ \t]*=[ \t]*['\"]?([^\s'\"#]+)", re.MULTILINE
)
_KEY: Final = re.compile(
    r"(?<![\w.$-])['\"]?([A-Za-z_][\w-]*)['\"]?[ \t]*[=:][ \t]*['\"]?"
    r"((?:sqlite[+\w]*:///)?(?:(?:%\(\w+\)s|\$\{[\w:-]+\})/)?/?[\w@.~+-][\w@.~/+-]*)"
)
_INTERPOLATED: Final = re.compile(r"%\((\w+)\)s|\$\{(?:[\w-]+:)?([\w-]+)\}")
"""The value of another key, by configparser's interpolations: `%(key)s`, `${key}`, `${section:key}`."""
_COMMENT: Final = re.compile(r"^[ \t]*[#;][^\n]*", re.MULTILINE)
_PLACE: Final = re.compile(
    r"(?i)path|dir|folder|root|file|home|stor|spool|cache|data|log|pid|lock|db|out|upload|state|archive|socket|tmp|temp"
)
"""What is in the name of a setting that holds a path."""


class SettingsFiles:
    """The configuration files of one application, as far as its code names them."""

    def __init__(self, layout: Layout, modules: Iterable[Module] = (), paths: Iterable[str] = ()) -> None:
        self.layout = layout
        self.modules = tuple(modules)
        self.paths = tuple(paths)

    def variable(self, name: str) -> Values:
        """The value of an environment variable that code loads from a file, none if there is none."""
        return self._variables.get(name, ())

    def key(self, key: str) -> Values:
        """The paths that the files have for a key; one alone is certain."""
        found = self._keys.get(key, ()) if _PLACE.search(key) else ()
        return tuple(Value(one, len(found) == 1) for one in found)

    @cached_property
    def _variables(self) -> dict[str, Values]:
        sources = [one.source for one in self.modules if _ENVIRONMENT.search(one.source)]
        named = [name for source in sources for name in _NAMED.findall(source)]
        paths = dict.fromkeys((*named, ".env")) if sources else ()
        found: dict[str, Values] = {}
        for path in paths:
            for name, value in _VARIABLE.findall(self._text(posixpath.join(self.layout.workdir, path))):
                found.setdefault(name, (Value(value),))
        return found

    @cached_property
    def _keys(self) -> dict[str, tuple[str, ...]]:
        found: dict[str, tuple[str, ...]] = {}
        for path in self.paths:
            for name, value in _KEY.findall(self._text(path)):
                if "/" in value:
                    found[name] = tuple(dict.fromkeys((*found.get(name, ()), value)))
        filled = {
            name: (one for value in values for one in _fill(value, found)) for name, values in found.items()
        }
        return {name: tuple(dict.fromkeys(values)) for name, values in filled.items()}

    def _text(self, path: str) -> str:
        """The text of a file without its comments, "" if there is none."""
        return _COMMENT.sub("", self.layout.read(posixpath.normpath(path)) or "")


def _fill(value: str, known: Mapping[str, tuple[str, ...]]) -> Iterator[str]:
    """A value with that of the key it begins with, none if that is not known."""
    match = _INTERPOLATED.search(value)
    if match is None:
        yield value
    for one in known.get(match[1] or match[2], ()) if match is not None else ():
        if _INTERPOLATED.search(one) is None:
            yield _INTERPOLATED.sub(lambda _: one, value)  # noqa: B023
