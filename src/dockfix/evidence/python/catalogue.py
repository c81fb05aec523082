"""The table python.toml: calls that write, bind a port, need root or fill a home."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from dockfix.evidence.outputs import find_arguments
from dockfix.evidence.python.modules import blank_strings, read_imports
from dockfix.knowledge import read_names, read_table
from dockfix.model.makefiles import MAKES

_TABLES: Final = ("write", "port", "root", "enter", "command", "home", "docker")
_OTHER: Final = ("FileHandler", "sqlite", "FileBasedCache", "geteuid", "getuid", "SOCK_RAW", "AF_PACKET")
_SPELT: Final = "FileHandler|sqlite3|FileBasedCache|geteuid|getuid|SOCK_RAW|AF_PACKET|sqlite[+a-z]{0,40}:///"
_RUNNING: Final = re.compile(r"python[\d.]*|poetry|uv|pipenv|pdm|hatch|run|exec|tini|dumb-init|-.*")
"""Words before a program that another one runs: `poetry run python -m black`."""
_ONLY_ASKING: Final = ("--check", "--diff", "--help", "--version", "--collect-only")
_METHOD: Final = re.compile(r"\.[\s\\]*$")
_FAR: Final = 1000
"""The maximum number of characters of a call's arguments to match, because matching is superlinear."""
_OWNER: Final = re.compile(r"(?<!\w)(\w+)[ \t]*\.[ \t]*$")
# Every byte that is not part of a name becomes a space.
_APART: Final = bytes(
    byte if chr(byte).isalnum() or byte in b"_\x80" or byte > 127 else 32 for byte in range(256)
)
_FIRST_KEYWORD: Final = re.compile(r"\s*(\w+)\s*=(?!=)")
_ALONE: Final = re.compile(r"[^(),]*(?:\([^()]*\)[^(),]*)*\)")
_ALIAS: Final = re.compile(r"\b(\w+)[ \t]+as[ \t]+(\w+)")
_WRITES: Final = re.compile(
    r"(?:[^()\n]|\((?:[^()\n]|\([^()\n]*\))*\))*?['\"][rbtU]*[wax+](?:[^'\"\n./]{0,5}['\"]|[^'\"\n]*\{)"
    r"|[^)\n]*(?:mode|\bO_[CWRAT]|\n)"
)


def _common() -> frozenset[str]:
    """Last names that many functions share; they count only after their module's name, or alone."""
    return read_names("python", "names", "common")


@dataclass(frozen=True, slots=True)
class Call:
    """The meaning of a call; python.toml documents the fields."""

    kind: str
    argument: int = 99
    keyword: str = ""
    mode: int = -1
    directory: bool = False
    database: bool = False
    url: bool = False
    path_only: bool = False
    path: str = ""
    variables: tuple[str, ...] = ()
    overrides: tuple[str, ...] = ()
    reads: bool = False
    spread: bool = False
    before: tuple[str, ...] = ()
    alone: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Catalogue:
    """All known calls by name, and commands: those that need root, or work on files.

    `settings` are those that hold paths.
    """

    calls: Mapping[str, tuple[Call, ...]]
    commands: frozenset[str]
    files: frozenset[str]
    questions: Mapping[str, frozenset[str]]
    settings: Mapping[str, str]
    gunicorn: Mapping[str, bool]
    last_names: Mapping[str, tuple[tuple[str, Call], ...]]
    called_words: frozenset[bytes]
    settings_words: frozenset[bytes]
    cache_variables: Mapping[str, str]
    words: re.Pattern[str]
    command: re.Pattern[str]

    def knows(self, last: str, owner: str) -> bool:
        """Whether a call of `last` on something named `owner` may be in the table."""
        rows = self.last_names.get(last, ())
        return any(last not in _common() or not owner or row in ("*", owner) for row, _ in rows)

    def only_asks(self, command: str, words: Sequence[str]) -> bool:
        """Whether a command that otherwise needs root is only queried."""
        asked = self.questions.get(command)
        return asked is not None and (not asked.isdisjoint(words) or not words)

    def find(self, text: str) -> Iterator[int]:
        """Offsets of possible uses of the table: fast, with false positives but no false negatives.

        Only arguments with spaces around their sign are not found by their names.
        """
        words = set(text.encode("utf-8", "replace").translate(_APART).split())
        if not self.settings_words.isdisjoint(words) or any(map(text.__contains__, _OTHER)):
            yield from (match.start() for match in self.words.finditer(text))
        yield from find_arguments(text)
        renamed = {alias: name for name, alias in _aliases_in(text)}
        aliases = {alias: name for alias, name in renamed.items() if name in self.last_names}
        wanted = {name.decode(): name.decode() for name in self.called_words & words} | aliases
        calls = _Calls(text, self.command, renamed)
        for written, name in wanted.items():
            yield from calls.find(written, name, self.last_names[name])


@dataclass(slots=True)
class _Calls:
    """The calls in the text of one module."""

    text: str
    command: re.Pattern[str]
    renamed: Mapping[str, str]
    starts_known: bool | None = None

    def find(self, written: str, last: str, rows: Sequence[tuple[str, Call]]) -> Iterator[int]:
        """Offsets of calls, written `written` here, that may match the rows with the last name `last`."""
        text = self.text
        own: Sequence[tuple[str, Call]] | None = None
        for at in _calls_in(text, written):
            owner = _OWNER.search(text, max(0, at - 80), at)
            wanted = rows
            if owner is None and not _METHOD.search(text, max(0, at - 80), at):
                if own is None:
                    own = rows if _is_bound(text, written) else [row for row in rows if not row[0]]
                wanted = own
            before, end = self.renamed.get(owner[1], owner[1]) if owner else None, at + len(written) + 1
            if any(self._fits(one, call, last, before, at, end) for one, call in wanted):
                yield at

    def _fits(self, owner: str, call: Call, last: str, before: str | None, at: int, end: int) -> bool:
        """Whether the text of a call can match a row; `owner` is the name before the row's last dot."""
        text = self.text
        if call.kind == "command" and not call.before and not self._starts_known():
            return False
        is_method = text[at - 1 : at] == "."
        if owner == "*":
            if not before and not is_method:
                return False
        # A method of another name, or of a call's result, is not the module's function.
        elif last in _common() and (before != owner if before else owner and is_method):
            return False
        if call.alone and _ALONE.match(text, end, end + _FAR) is None:
            return False
        if call.mode >= 0:
            return _WRITES.match(text, end, end + _FAR) is not None
        first = _FIRST_KEYWORD.match(text, end, end + _FAR) if call.path_only else None
        if (call.argument == 99 and call.keyword) or (first is not None and first[1] != call.keyword):
            return call.keyword in text[end : end + _FAR]
        return not call.path_only or text[end : end + 40].lstrip()[:1] != ")"

    def _starts_known(self) -> bool:
        """Whether the module mentions a command of the table, one that installs packages, or a redirect."""
        if self.starts_known is None:
            self.starts_known = self.command.search(self.text) is not None
        return self.starts_known


def _is_bound(text: str, name: str) -> bool:
    """Whether the module may rebind a builtin name: by uses other than calls, or by a star import."""
    if re.search(rf"(?<![.\w]){name}(?![\w(])", blank_strings(text)):
        return True
    return any(alias == "*" for _, alias, _ in read_imports(text))


def _aliases_in(text: str) -> Iterator[tuple[str, str]]:
    """(name, alias) for every `name as alias`."""
    for line in text.split("\n"):
        if " as" in line or "\tas" in line:
            yield from _ALIAS.findall(line)


def _calls_in(text: str, name: str) -> Iterator[int]:
    """The offsets of calls of that name, without its definitions."""
    at = text.find(name + "(")
    while at >= 0:
        if not (at and (text[at - 1].isalnum() or text[at - 1] == "_")) and not text.endswith("def ", 0, at):
            yield at
        at = text.find(name + "(", at + 1)


def writes_where_it_runs(words: Sequence[str]) -> bool:
    """Whether a command, or what it runs in turn, writes below its working directory."""
    table = read_table("python")["works"]
    for at, word in enumerate(map(posixpath.basename, words)):
        if (needed := table.get(word)) is not None:
            given = {one.partition("=")[0] for one in words[at + 1 :]}
            if given.isdisjoint(_ONLY_ASKING) and (not needed or not given.isdisjoint(needed)):
                return True
        if not _RUNNING.fullmatch(word):
            return False
    return False


@lru_cache(maxsize=512)
def find_offsets(source: str) -> tuple[int, ...]:
    """The sorted offsets in a module at which it may use something in the table."""
    return tuple(sorted(load_catalogue().find(source)))


@lru_cache(maxsize=1)
def load_catalogue() -> Catalogue:
    """The table, cached."""
    table = read_table("python")
    calls: dict[str, tuple[Call, ...]] = {}
    last_names: dict[str, tuple[tuple[str, Call], ...]] = {}
    for kind in _TABLES:
        for row in table[kind]:
            call = _call(kind, row)
            for name in row["calls"]:
                calls[name] = (*calls.get(name, ()), call)
                owner, _, last = name.rpartition(".")
                owner = "*" if name.startswith(".") else owner.rpartition(".")[2]
                last_names[last] = (*last_names.get(last, ()), (owner, call))
    settings = {name: kind for kind, names in table["settings"].items() for name in names}
    gunicorn = {name: kind == "directories" for kind, names in table["gunicorn"].items() for name in names}
    commands, files = (frozenset(table["commands"][kind]) for kind in ("root", "files"))
    servers = {name for row in read_table("servers")["server"] for name in row["programs"]}
    installers = read_names("processes", "installs", "names")
    named = sorted(commands | table["works"].keys() | files | servers | installers | MAKES)
    return Catalogue(
        calls,
        commands,
        files,
        {name: frozenset(words) for name, words in table["questions"].items()},
        settings,
        gunicorn,
        last_names,
        frozenset(name.encode() for name in last_names),
        frozenset(name.encode() for name in settings),
        {row["path"]: row["variables"][0] for row in table["home"] if row["variables"]},
        re.compile("|".join([_SPELT, *sorted(settings)])),
        re.compile(
            rf"['\"/\s](?:{'|'.join(map(re.escape, named))})['\"\s]|>\s?[/{{]|\buser="
            r"|\bsys\.executable\b|\brunpy\b|\.(?:py|sh)\b|['\" ]python[\d.]*['\" ]"
        ),
    )


def _call(kind: str, row: Mapping[str, Any]) -> Call:
    fields = {name: value for name, value in row.items() if name != "calls"}
    for name in ("variables", "overrides", "before"):
        fields[name] = tuple(fields.get(name, ()))
    return Call(kind, **fields)
