"""Makefiles: the recipes that make runs for its goals, as the script of a shell."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from dockfix.knowledge.commands import Argument
from dockfix.model.effects import read_call
from dockfix.model.paths import resolve
from dockfix.model.runs import Invocation, shell_variables, walk_script
from dockfix.syntax.shell import parse_script

MAKES: Final = frozenset({"make", "gmake"})
_NAMES: Final = ("GNUmakefile", "makefile", "Makefile")
_VARIABLE: Final = re.compile(r"(?:export[ \t]+|override[ \t]+)?([\w.-]+)[ \t]*([:?+]{0,3})=[ \t]*([^\n]*)")
_RULE: Final = re.compile(r"([^\s:=#][^:=#\n]*):{1,2}(?!=)([^\n;#]*)(?:;([^\n]*))?")
_REFERENCE: Final = re.compile(r"\$(?:\((\w+)\)|\{(\w+)\}|([@<$])|\([^)$\n]*\)|\{[^}$\n]*\})")
_VALUED: Final = "CfIoWE"
_NUMBERED: Final = "jl"
"""Options with a value only if the next word is a number."""
_LONG: Final = {
    "--directory": "C", "--file": "f", "--makefile": "f", "--include-dir": "I", "--old-file": "o",
    "--assume-old": "o", "--new-file": "W", "--assume-new": "W", "--what-if": "W", "--eval": "E",
    "--jobs": "j", "--load-average": "l", "--max-load": "l",
}  # fmt: skip
_OPTION: Final = re.compile(rf"-[a-zA-Z]*?([{_VALUED}{_NUMBERED}O])(.*)")
_NUMBER: Final = re.compile(r"[0-9]+(?:\.[0-9]+)?")
_UNKNOWN: Final = "$MAKE_DOES_NOT_KNOW"
# What stands for a dollar sign of the shell, and for an unknown value, while a line is expanded.
_DOLLAR: Final = "\0"
_LOST: Final = "\1"
_MAX_RULES: Final = 32
_MAX_EXPANSIONS: Final = 4
_LONGEST: Final = 8192
"""The most characters that variables add to a line, and the most of a variable."""


class Goals(NamedTuple):
    """What the words of a make command ask for; `directory` is "" for its own."""

    directory: str
    file: str
    targets: tuple[str, ...]
    variables: Mapping[str, str]

    def paths(self, cwd: str) -> list[str]:
        """The absolute paths of the Makefiles that make looks for, in this order."""
        place = resolve(self.directory, cwd)
        return [resolve(name, place) for name in ((self.file,) if self.file else _NAMES)]


class RecipeLine(NamedTuple):
    """A line of a recipe, and its number in the Makefile (from 1); each runs in a shell of its own."""

    number: int
    text: str


class _Rule(NamedTuple):
    needs: tuple[str, ...]
    lines: list[RecipeLine]


def find_recipes(one: Invocation, read: Callable[[str], str | None]) -> Iterator[Invocation]:
    """The commands of the recipes that a make command runs, none if its Makefile cannot be read.

    `read` returns the text of a file by its absolute path in the image.
    """
    text = _find_makefile(one, read)
    if text is None:
        return
    goals, env = _goals_of(one), shell_variables(one.env)
    for line in read_recipes(text, goals, env):
        yield from walk_script(parse_script(line.text), resolve(goals.directory, one.cwd), env)


def _find_makefile(one: Invocation, read: Callable[[str], str | None]) -> str | None:
    """The text of the Makefile that a make command reads, None for another command or an unknown file."""
    if one.command.program.rpartition("/")[2] not in MAKES:
        return None
    return next((text for path in _goals_of(one).paths(one.cwd) if (text := read(path)) is not None), None)


def _goals_of(one: Invocation) -> Goals:
    _, words = read_call(one.command, one.env)
    return read_goals([_known(word) for word in words])


def _known(word: Argument) -> str:
    """A word as far as it is known: of an assignment the name, otherwise a name that no goal has."""
    if word.value is not None:
        return word.value
    name, equals, _ = word.text.strip("\"'").partition("=")
    return f"{name}={_LOST}" if equals else _LOST


def read_goals(words: Sequence[str]) -> Goals:
    """Read the words that follow make."""
    options: dict[str, str] = {}
    targets: list[str] = []
    variables: dict[str, str] = {}
    waiting = ""
    for word in words:
        name, equals, value = word.partition("=")
        if waiting and (waiting in _VALUED or _NUMBER.fullmatch(word)):
            options[waiting], waiting = word, ""
        elif word.startswith("-"):
            letter, attached = _read_option(word)
            options[letter], waiting = attached, "" if attached or letter == "O" else letter
        elif equals:
            variables[name.rstrip(":")], waiting = value, ""
        else:
            targets.append(word)
            waiting = ""
    return Goals(options.get("C", ""), options.get("f", ""), tuple(targets), variables)


def _read_option(word: str) -> tuple[str, str]:
    """(letter, attached value) of an option that may have a value; ("", "") for others."""
    if word.startswith("--"):
        name, _, value = word.partition("=")
        return _LONG.get(name, ""), value
    match = _OPTION.fullmatch(word)
    return (match[1], match[2]) if match else ("", "")


def read_recipes(text: str, goals: Goals, environment: Mapping[str, str]) -> list[RecipeLine]:
    """The recipes of the goals, or of the first rule, below those of what they need.

    The Makefile's variables win over those of the environment, where a zero byte stands for what is not
    known. Conditions and pattern rules are not evaluated, and functions of make are unknown values.
    Source: GNU make manual, How make Processes a Makefile, Variables from the Environment.
    """
    known = {name: value.replace("\0", _LOST) for name, value in environment.items()}
    rules, variables = _read(text, goals.variables, known)
    first = next((name for name in rules if not name.startswith(".")), "")
    waiting = list(goals.targets or ([first] if first else []))
    seen: dict[str, list[RecipeLine]] = {}
    while waiting and len(seen) < _MAX_RULES:
        target = waiting.pop()
        rule = rules.get(target)
        if rule is not None and target not in seen:
            known = {"MAKE": "make", **variables, "@": target, "<": (*rule.needs, "")[0]}
            seen[target] = [RecipeLine(at, _expand(line, known).lstrip("@+- \t")) for at, line in rule.lines]
            waiting += rule.needs
    return [line for target in reversed(seen) for line in seen[target] if line.text.strip()]


def _read(
    text: str, given: Mapping[str, str], environment: Mapping[str, str]
) -> tuple[dict[str, _Rule], dict[str, str]]:
    """(rules by target, variables as written) of a Makefile; what the command line gives wins."""
    rules: dict[str, _Rule] = {}
    variables = {**environment, **given}
    current: list[_Rule] = []
    for number, line in _logical_lines(text):
        if line.startswith("\t"):
            for rule in current:
                rule.lines.append(RecipeLine(number, line))
        elif match := _VARIABLE.match(line):
            if match[1] not in given:
                _assign(match[1], match[2], match[3].partition(" #")[0].strip(), variables)
        elif match := _RULE.match(line):
            needs = tuple(_expand(match[2].partition("|")[0], variables).split())
            recipe = [RecipeLine(number, match[3])] if match[3] else []
            current = []
            for name in _expand(match[1], variables).split():
                old = rules.get(name, _Rule((), []))
                rules[name] = _Rule((*old.needs, *needs), [*old.lines, *recipe])
                current.append(rules[name])
    return rules, variables


def _assign(name: str, how: str, value: str, variables: dict[str, str]) -> None:
    """Apply an assignment (`=`, `:=`, `?=` or `+=`) to the variables."""
    if how == "?" and name in variables:
        return
    if ":" in how:
        value = _substitute(value, variables)
    elif how == "+":
        value = f"{variables.get(name, '')} {value}".strip()
    variables[name] = value if len(value) <= _LONGEST else _LOST


def _logical_lines(text: str) -> Iterator[tuple[int, str]]:
    """(number, line) of each line, with those that continue it."""
    whole, first = "", 0
    for number, line in enumerate(text.splitlines(), 1):
        first = first if whole else number
        if line.endswith("\\"):
            whole += line[:-1] + " "
        else:
            yield first, whole + line
            whole = ""


def _expand(line: str, variables: Mapping[str, str]) -> str:
    """A line with make's variables replaced; what make alone knows is a variable that nobody sets."""
    return _substitute(line, variables).replace(_LOST, _UNKNOWN).replace(_DOLLAR, "$")


def _substitute(line: str, variables: Mapping[str, str]) -> str:
    """A line with make's variables replaced, in which _DOLLAR and _LOST stand for themselves."""
    room = _LONGEST

    def value(match: re.Match[str]) -> str:
        nonlocal room
        if match[3] == "$":
            return _DOLLAR
        found = variables.get(match[1] or match[2] or match[3] or "", _LOST)
        room -= len(found)
        return found if room >= 0 else _LOST

    for _ in range(_MAX_EXPANSIONS):
        line = _REFERENCE.sub(value, line)
    return _REFERENCE.sub(lambda match: _DOLLAR if match[3] == "$" else _LOST, line)
