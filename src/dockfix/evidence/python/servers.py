"""The command-line flags of servers, from the table servers.toml."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final

from dockfix.knowledge import read_names, read_table

_KEY: Final = re.compile(r"\s*([A-Za-z_][\w-]*)[ \t]*[=:](.*)")
# `module:name`, which `0.0.0.0:8000` is not.
_NAMED: Final = re.compile(r"[^\W\d][\w.-]*:[^\W\d].*")


@dataclass(frozen=True, slots=True)
class Server:
    """One row of the table; `settings` are flags whose value is a file of further flags.

    With `attribute`, the application is written `module.name` instead of `module:name`; with `several`, more
    modules follow. Without one, any of the `default_applications` is started. `pages` is a folder beside it
    whose modules run as well. `variables` of the environment have the value of a flag each, or hold several
    flags if that is "".
    """

    programs: tuple[str, ...]
    files: tuple[str, ...] = ()
    directories: tuple[str, ...] = ()
    ports: tuple[str, ...] = ()
    urls: tuple[str, ...] = ()
    config: tuple[str, ...] = ()
    settings: tuple[str, ...] = ()
    default_config: str = ""
    application: str | tuple[str, ...] = ()
    default_applications: tuple[str, ...] = ()
    several: bool = False
    pages: str = ""
    subcommands: tuple[str, ...] = ()
    attribute: bool = False
    variables: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_celery(self) -> bool:
        """Whether it is Celery, which finds tasks by module names."""
        return "celery" in self.programs

    def same(self, flag: str) -> tuple[str, ...]:
        """The flags that replace the value of a flag: all those of ports, or itself."""
        return self.ports if flag in self.ports else (flag,)

    def configs(self, words: Sequence[str]) -> list[str]:
        """The configuration files that the command line names, or the default one."""
        return [value for flag, value in flags(words) if flag in self.config] or [self.default_config]

    def applications(self, words: Sequence[str], env: Mapping[str, str]) -> Iterable[str]:
        """The applications that the command line names, or the environment `env`, or the default ones."""
        found = self._first_operands(words) if self.application == "operand" else self._given(words, env)
        return found or self.default_applications

    def _given(self, words: Sequence[str], env: Mapping[str, str]) -> list[str]:
        """The values of the flags that name an application, or of the variables that set them."""
        given = [value for flag, value in flags(words) if flag in self.application]
        variables = (name for name, flag in self.variables.items() if flag in self.application)
        return given or [env[name] for name in variables if env.get(name)]

    def _first_operands(self, words: Sequence[str]) -> list[str]:
        skip = 1 if self.subcommands else 0
        candidates = [word for word in self._operands(words) if word not in self.subcommands]
        named = [word for word in candidates if _NAMED.fullmatch(word)]
        dotted = [
            word for word in candidates if word.endswith(".py") or word.replace(".", "_").isidentifier()
        ]
        return [*named, *dotted] if self.several else named or dotted[: 1 + skip]

    def _operands(self, words: Sequence[str]) -> Iterator[str]:
        """The words that are not flags, nor values of known ones.

        A word after another flag may be its value, so it comes last.
        """
        valued = {*self.files, *self.directories, *self.ports, *self.urls, *self.config, *self.settings}
        behind: list[str] = []
        for before, word in zip(("", *words[1:]), words[1:], strict=False):
            if word.startswith("-") or before in valued:
                continue
            if before.startswith("-") and "=" not in before and before not in read_names("servers", "plain"):
                behind.append(word)
            else:
                yield word
        yield from behind


def ini_flags(text: str) -> Iterator[tuple[int, str]]:
    """(line, word) for each key of an ini or YAML file, written as the equivalent flag: `--key=value`."""
    for number, line in enumerate(text.splitlines(), 1):
        if match := _KEY.match(line):
            yield number, f"--{match[1]}={match[2].strip()}"


def flags(words: Sequence[str]) -> Iterator[tuple[str, str]]:
    """(flag, value) for each `--flag value`, `--flag=value` and `-fvalue`."""
    for index, word in enumerate(words[1:], 1):
        if not word.startswith("-"):
            continue
        name, equals, value = word.partition("=")
        if equals:
            yield name, value
        else:
            yield word, words[index + 1] if index + 1 < len(words) else ""
            if not word.startswith("--") and len(word) > 2:
                yield word[:2], word[2:]


def config_path(written: str, workdir: str) -> str:
    """The path of a configuration file, which gunicorn may name as a module; "" if there is none."""
    if written.startswith("python:"):
        written = written.removeprefix("python:").replace(".", "/") + ".py"
    written = written.removeprefix("file:")
    return posixpath.normpath(posixpath.join(workdir, written)) if written else ""


@lru_cache(maxsize=1)
def _table() -> Mapping[str, Server]:
    rows: list[dict[str, Any]] = read_table("servers")["server"]
    found: dict[str, Server] = {}
    for row in rows:
        fields: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in row.items()
        }
        server = Server(**fields)
        found |= dict.fromkeys(server.programs, server)
    return found


def find_server(program: str) -> Server | None:
    """The server with that program name, or None."""
    return _table().get(posixpath.basename(program))
