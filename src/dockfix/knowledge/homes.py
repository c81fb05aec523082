"""What tools and Python packages read and write in the home of the user that runs them: homes.toml.

Places are "~/..." (the user's home), or the value of a variable: absolute, or relative to the working
directory.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache, lru_cache
from typing import Any, Final, Literal, NamedTuple, get_args

from dockfix.knowledge import read_table
from dockfix.knowledge.commands import Argument, is_on, without_version
from dockfix.syntax.expansion import expand

Kind = Literal["settings", "credentials", "data", "caches"]
_Row = Mapping[str, Any]

_XDG: Final = {
    "CONFIG": "~/.config",
    "CACHE": "~/.cache",
    "DATA": "~/.local/share",
    "STATE": "~/.local/state",
}
_XDG_HOME: Final = re.compile(rf"\$XDG_({'|'.join(_XDG)})_HOME\b")
_VARIABLE: Final = re.compile(r"\$\{?(\w+)")
_FOR_BUILDS: Final = re.compile(
    r"~/\.(ssh|pip|pydistutils|condarc|conda|npm|yarn|git|m2|gradle|bash|profile|zsh|vim|inputrc|wget|curl|docker|gem"
    r"|cpan|gnupg|cargo|rustup|sbt|ivy2|Xauthority|config/pip|config/git|config/pypoetry|config/uv"
    r"|cache/(pip|go-build|uv|pypoetry|yarn))"
)
_CLUSTER: Final = re.compile(r"-[A-Za-z]{1,3}")


class HomeUse(NamedTuple):
    """The places that are read, those that are written deliberately, and caches, which may be missing.

    If one of `existing` exists, it is written instead of `writes`.
    """

    reads: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()
    caches: tuple[str, ...] = ()
    existing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _When:
    """The conditions of a place or a command line; see homes.toml."""

    having: tuple[str, ...] = ()
    unless: tuple[str, ...] = ()
    having_env: tuple[str, ...] = ()
    unless_env: tuple[str, ...] = ()

    def holds(self, words: Sequence[str], env: Mapping[str, str]) -> bool:
        """Whether the conditions hold for that command line and these variables."""
        return self._fits_words(words) and self._fits_env(env)

    def _fits_words(self, words: Sequence[str]) -> bool:
        if self.having and not any(_has(words, option) for option in self.having):
            return False
        return not (self.unless and any(_has(words, option) for option in self.unless))

    def _fits_env(self, env: Mapping[str, str]) -> bool:
        if self.having_env and not any(_is_set(condition, env) for condition in self.having_env):
            return False
        return not (self.unless_env and any(_is_set(condition, env) for condition in self.unless_env))


@dataclass(frozen=True, slots=True)
class _Path:
    """A place as written in the table; `usual` is its location if none of its variables is set."""

    text: str
    usual: str
    variables: tuple[str, ...]

    def at(self, env: Mapping[str, str]) -> Sequence[str]:
        """The locations of the place; a variable may hold several."""
        if env.keys().isdisjoint(self.variables):
            return (self.usual,) if self.usual else ()
        found = (expand(self.text, env) or "").split(":")
        return [one for one in found if one not in ("", "/dev/null")]


@dataclass(frozen=True, slots=True)
class _Place:
    """A place of a row; `fetched`: the row's modules fill it by themselves."""

    kind: Kind
    path: _Path
    system: str
    when: _When
    fetched: bool


@dataclass(frozen=True, slots=True)
class _Write:
    """The words after a program that make it write to a place."""

    words: tuple[str, ...]
    path: _Path
    when: _When
    existing: bool


class _Program(NamedTuple):
    """The places that a program always uses, and those that some of its command lines write."""

    places: tuple[_Place, ...]
    writes: tuple[_Write, ...]


class _Table(NamedTuple):
    """The table by program, by package, and by the usual location of each place."""

    programs: dict[str, _Program]
    modules: dict[str, tuple[_Place, ...]]
    usual: dict[str, _Place]


def find_home_use(program: str, arguments: Sequence[Argument], env: Mapping[str, str]) -> HomeUse | None:
    """What a command line, run with the variables `env`, uses of a home; None if no row names the program.

    `python -m X` is looked up as X, which may be a package without a row as a program.
    """
    programs = _table().programs
    found = programs.get(program) or programs.get(without_version(program))
    if found is None:
        return find_module_use(program, env)
    words = [argument.text if argument.value is None else argument.value for argument in arguments]
    return _use_of(found, words, env)


def find_module_use(module: str, env: Mapping[str, str]) -> HomeUse | None:
    """What importing and calling a package uses: by the longest prefix of its name with a row, or None."""
    while module and module not in _table().modules:
        module = module.rpartition(".")[0]
    if not module:
        return None
    used = [place for place in _table().modules[module] if place.when.holds((), env)]
    return _use(used, [place.path for place in used if place.fetched], env)


def find_fetched(env: Mapping[str, str]) -> tuple[str, ...]:
    """The absolute paths outside of homes that variables set for what packages download themselves."""
    if env.keys().isdisjoint(_fetching()):
        return ()
    places = [place.path for rows in _table().modules.values() for place in rows if place.fetched]
    named = [path for path in dict.fromkeys(places) if not env.keys().isdisjoint(path.variables)]
    return tuple(dict.fromkeys(one for path in named for one in path.at(env) if one.startswith("/")))


@cache
def _fetching() -> frozenset[str]:
    """The variables for such paths, except for those of more than one tool."""
    places = (place for rows in _table().modules.values() for place in rows if place.fetched)
    names = {name for place in places for name in place.path.variables}
    return frozenset(name for name in names if name != "TMPDIR" and not name.startswith("XDG_"))


@cache
def find_users(variable: str) -> frozenset[str]:
    """The programs whose places a variable moves; none if packages or several tools use it as well."""
    rows = [row for row in read_table("homes")["tool"] if variable in _variables_of(row)]
    if variable.startswith("XDG_") or any(row.get("modules") for row in rows):
        return frozenset()
    return frozenset(name for row in rows for name in row["names"])


def _variables_of(row: _Row) -> frozenset[str]:
    paths = [place.path for place in _places(row)]
    paths += (_path(write["place"]) for write in row.get("writes", ()))
    return frozenset(name for path in paths for name in path.variables)


@lru_cache(maxsize=1024)
def find_kind(place: str) -> Kind | None:
    """The kind of a place `~/...`, from its row or that of its nearest parent directory."""
    found = _find_row(place)
    return found.kind if found else None


@lru_cache(maxsize=1024)
def is_cache(place: str) -> bool:
    """Whether everything at and below a place `~/...` is a cache."""
    if find_kind(place) != "caches":
        return False
    inside = place.rstrip("/") + "/"
    return not any(one.kind != "caches" and usual.startswith(inside) for usual, one in _table().usual.items())


def is_for_builds(place: str) -> bool:
    """Whether only shells, installers and version control use a place `~/...`."""
    return _FOR_BUILDS.match(place) is not None


def find_variables(place: str) -> tuple[str, ...]:
    """The variables that relocate a place `~/...`, in order of precedence."""
    found = _find_row(place)
    return found.path.variables if found else ()


def find_own_variable(place: str) -> str:
    """The variable whose value alone is the location of a place `~/...`, "" if there is none."""
    found = _table().usual.get(place)
    names = found.path.variables if found else ()
    return next((name for name in names if _is_named_by(found, name)), "")


def _is_named_by(place: _Place | None, variable: str) -> bool:
    return place is not None and tuple(place.path.at({variable: "/place"})) == ("/place",)


def find_system_place(place: str) -> str:
    """The system-wide counterpart of a place `~/...`, "" if there is none."""
    found = _table().usual.get(place.rstrip("/"))
    return found.system if found else ""


def _find_row(place: str) -> _Place | None:
    usual = _table().usual
    place = place.rstrip("/")
    while place and place not in usual:
        place = place.rpartition("/")[0]
    return usual.get(place)


def _use_of(program: _Program, words: Sequence[str], env: Mapping[str, str]) -> HomeUse:
    used = [one for one in program.places if one.when.holds(words, env)]
    writes = [one for one in program.writes if _calls(words, one.words) and one.when.holds(words, env)]
    use = _use(used, [one.path for one in writes if not one.existing], env)
    existing = [one.path for one in writes if one.existing]
    return use._replace(existing=_fill_in(existing, env)) if existing else use


def _use(places: Iterable[_Place], writes: Sequence[_Path], env: Mapping[str, str]) -> HomeUse:
    reads: list[_Path] = []
    caches: list[_Path] = []
    for place in places:
        (caches if place.kind == "caches" else reads).append(place.path)
    return HomeUse(_fill_in(reads, env), _fill_in(writes, env), _fill_in(caches, env))


def _fill_in(paths: Sequence[_Path], env: Mapping[str, str]) -> tuple[str, ...]:
    """The distinct locations of the places with these variables."""
    return tuple(dict.fromkeys([place for path in paths for place in path.at(env)])) if paths else ()


def _calls(words: Sequence[str], wanted: Sequence[str]) -> bool:
    """Whether the operands start with these words; a word after an option may be its value."""
    at = 0
    for index, word in enumerate(words):
        if at == len(wanted):
            break
        if fnmatchcase(word, wanted[at]):
            at += 1
        elif not word.startswith("-") and not (index and words[index - 1].startswith("-")):
            return False
    return at == len(wanted)


def _has(words: Sequence[str], option: str) -> bool:
    """Whether a word is present; options match also as `--option=value` or in a cluster (`-lc`)."""
    if len(option) == 2 and option[0] == "-":
        return any(word[:2] == option or (_CLUSTER.fullmatch(word) and option[1] in word) for word in words)
    start = f"{option}="
    return option in words or any(word.startswith(start) for word in words)


def _is_set(condition: str, env: Mapping[str, str]) -> bool:
    """Whether a variable is on or, for `NAME=off`, set and off."""
    name, equals, _ = condition.partition("=")
    return not is_on(env.get(name, "1")) if equals else is_on(env.get(name, ""))


@cache
def _table() -> _Table:
    rows: list[_Row] = read_table("homes")["tool"]
    places, writes = _places_by("names", rows), _writes_by_program(rows)
    programs = {name: _Program(places.get(name, ()), writes.get(name, ())) for name in (*places, *writes)}
    usual = {place.path.usual: place for row in rows for place in _places(row) if place.path.usual}
    return _Table(programs, _places_by("modules", rows), usual)


def _places_by(key: str, rows: Sequence[_Row]) -> dict[str, tuple[_Place, ...]]:
    """The places of each name under a key, including those of the tools that it runs."""
    named = {name: row for row in rows for name in row["names"]}
    found = {}
    for row in rows:
        used = tuple(place for one in _with_runs(row, named) for place in _places(one))
        found.update(dict.fromkeys(row.get(key, ()), used))
    return found


def _with_runs(row: _Row, named: Mapping[str, _Row]) -> list[_Row]:
    """A row and those of the tools that it runs, each once."""
    found = [row]
    for one in found:
        found += (ran for name in one.get("runs", ()) if (ran := named[name]) not in found)
    return found


def _places(row: _Row) -> Iterator[_Place]:
    for kind in get_args(Kind):
        for one in row.get(kind, ()):
            fields = {"place": one} if isinstance(one, str) else one
            fetched = kind == "data" and row.get("fetches", False)
            yield _Place(kind, _path(fields["place"]), fields.get("system", ""), _when(fields), fetched)


def _writes_by_program(rows: Iterable[_Row]) -> dict[str, tuple[_Write, ...]]:
    found: dict[str, list[_Write]] = {}
    for one in (write for row in rows for write in row.get("writes", ())):
        for command in one["commands"]:
            program, *words = command.split()
            write = _Write(tuple(words), _path(one["place"]), _when(one), one.get("existing", False))
            found.setdefault(program, []).append(write)
    return {program: tuple(writes) for program, writes in found.items()}


def _when(fields: _Row) -> _When:
    return _When(**{name: tuple(fields.get(name, ())) for name in _When.__slots__})


@cache
def _path(text: str) -> _Path:
    text = _XDG_HOME.sub(lambda match: f"${{XDG_{match[1]}_HOME:-{_XDG[match[1]]}}}", text)
    return _Path(text, expand(text, {}) or "", tuple(dict.fromkeys(_VARIABLE.findall(text))))
