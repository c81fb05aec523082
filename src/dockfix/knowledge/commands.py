"""The table of commands: how to parse their words, and what they do to the file system."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final, NamedTuple

from dockfix.knowledge import read_table

# Roles of options that take no value; all others take one.
_FLAGS: Final = frozenset({"flag", "root", "harmless", "cwd", "home", "suffix"})
# Names of options whose value is probably a path to write to.
_PLACE_NAME: Final = re.compile(
    r"^--?[\w-]*(dir(ectory)?|prefix|path|(?<![a-z])out|output|dest(ination)?|root)$"
)
_REDIRECTS: Final = {
    "awk": re.compile(r"\bprintf?\b[^;}>\n]{0,200}>>?[ \t]{0,9}\"([^\"\n]{1,400})\""),
    "sed": re.compile(r"(?:^|[;{}\n/|,$\d!])[gpiIM]{0,4}[ \t]{0,9}w[ \t]{1,9}(/[^\s;}]{1,400})"),
}
_VERSIONED: Final = re.compile(r"(?:-|(?<!\d)(?<!\d\.))\d+(?:\.\d+)*$")


class Argument(NamedTuple):
    """One word of a command: `value` as the shell expands it, None if that is unknown.

    `above` is the directory that the beginning of an unknown word names, "" if that is unknown too.
    """

    value: str | None
    text: str
    above: str = ""


@dataclass(frozen=True, slots=True)
class Usage:
    """One [[command]] table; see commands.toml for the keys."""

    names: tuple[tuple[str, ...], ...]
    root: str = ""
    options: Mapping[str, str] = field(default_factory=dict)
    operands: str = ""
    first: str = ""
    first_unless: tuple[str, ...] = ()
    last: str = ""
    default: str = ""
    places: tuple[str, ...] = ()
    code: bool = False
    home: bool = False
    having: tuple[str, ...] = ()
    having_env: tuple[str, ...] = ()
    lacking_env: tuple[str, ...] = ()
    naming: tuple[str, ...] = ()
    guesses: bool = False
    long: bool = False
    bundled: bool = False
    posix: str = ""
    packages: bool = False
    language: str = ""

    def read(self, arguments: Sequence[Argument]) -> Reading:
        """Parse the words into options with their values, and operands."""
        reading = Reading([], [])
        at, literal = 0, False
        while at < len(arguments):
            argument = arguments[at]
            at += 1
            text = argument.text if argument.value is None else argument.value
            if literal or not text.startswith("-") or text == "-":
                if self.bundled and not reading.operands and not reading.options and text.isalpha():
                    at = self._cluster(Argument(f"-{text}", f"-{text}"), arguments, at, reading, old=True)
                elif (name := text[: text.find("=") + 1]) in self.options:
                    value = None if argument.value is None else text.removeprefix(name)
                    reading.options.append((name, Argument(value, argument.text.removeprefix(name))))
                else:
                    reading.operands.append(argument)
            elif text == "--":
                literal = True
            elif text.startswith("--") or self.long:
                at = self._long(text, argument, arguments, at, reading)
            else:
                at = self._cluster(argument, arguments, at, reading)
        return reading

    def find_redirects(self, reading: Reading) -> Iterator[str]:
        """The files that programs among the words write to: `{ print > "FILE" }`, `s/a/b/w FILE`."""
        words = (*reading.operands, *(value for _, value in reading.options)) if self.language else ()
        for word in filter(None, words):
            yield from _REDIRECTS[self.language].findall(word.value or word.text)

    def counts(self, reading: Reading, env: Mapping[str, str]) -> bool:
        """Whether the options and variables that the table depends on are present."""
        if self.having and not reading.has(self.having):
            return False
        if self.having_env and not any(is_on(env.get(name, "")) for name in self.having_env):
            return False
        if self.naming and not any(operand.value in self.naming for operand in reading.operands):
            return False
        return not self.lacking_env or any(not is_on(env.get(name, "1")) for name in self.lacking_env)

    def role(self, option: str) -> str:
        """The role of an option; if it is not listed, a guess from its name."""
        return self.options.get(option) or (
            "writes" if self.guesses and _PLACE_NAME.search(option) else "flag"
        )

    def takes_value(self, option: str) -> bool:
        """Whether the word after the option is its value."""
        return self.role(option) not in _FLAGS

    def _long(
        self, text: str, argument: Argument, rest: Sequence[Argument], at: int, reading: Reading
    ) -> int:
        name, equals, value = text.partition("=")
        if equals:
            known = argument.value is not None
            reading.options.append((name, Argument(value if known else None, value)))
        elif self.takes_value(name):
            reading.options.append((name, rest[at] if at < len(rest) else None))
            return at + 1
        else:
            reading.options.append((name, None))
        return at

    def _cluster(
        self, argument: Argument, rest: Sequence[Argument], at: int, reading: Reading, *, old: bool = False
    ) -> int:
        """Parse clustered short options.

        In tar's old style (no dash), their values are the following words.
        """
        text = argument.text if argument.value is None else argument.value
        for index in range(1, len(text)):
            option = f"-{text[index]}"
            if self.role(option) == "suffix":
                value = text[index + 1 :]
                reading.options.append((option, Argument(value, value) if value else None))
                break
            if not self.takes_value(option):
                reading.options.append((option, None))
                if not text[index + 1 : index + 2].isalpha():
                    break
                continue
            if index + 1 < len(text) and not old:
                value = text[index + 1 :]
                reading.options.append(
                    (option, Argument(value if argument.value is not None else None, value))
                )
                break
            reading.options.append((option, rest[at] if at < len(rest) else None))
            at += 1
        return at


class Reading(NamedTuple):
    """A command's options, each with its value, and its operands."""

    options: list[tuple[str, Argument | None]]
    operands: list[Argument]

    def has(self, names: Sequence[str]) -> bool:
        """Whether one of the options is present."""
        return any(name in names for name, _ in self.options)


def find_usage(
    program: str, arguments: Sequence[Argument], env: Mapping[str, str]
) -> tuple[Usage, Reading] | None:
    """(first table that matches, its parse of the words after the subcommand), or None."""
    table = _by_program()
    usages = table.get(program)
    if usages is None:
        usages = table.get(without_version(program), ())
    values = {argument.value for argument in arguments}
    for words, usage in usages:
        if not values.issuperset(words):
            continue
        reading = usage.read(arguments)
        if not _starts_with(reading.operands, words):
            continue
        if not usage.counts(reading, env):
            continue
        del reading.operands[: len(words)]
        return usage, reading
    return None


def without_version(program: str) -> str:
    """The name without a version: `python` for `python3.12`."""
    return _VERSIONED.sub("", program)


def configures(program: str, words: Iterable[str]) -> bool:
    """Whether a call may be a setting that `find_setting` knows, judging by its first operand."""
    rows = _settings().get(program)
    if rows is None:
        return False
    verb = next((word for word in words if not word.startswith("-")), "")
    return not verb.isalnum() or any(names[0] == verb for names, _, _ in rows)


def find_setting(program: str, arguments: Sequence[Argument]) -> tuple[str, str] | None:
    """(variable, value) with the same effect on later commands as `poetry config KEY VALUE`, or None."""
    operands = [one for one in arguments if not (one.value or one.text).startswith("-")]
    for words, prefix, strip in _settings().get(program, ()):
        if _starts_with(operands, words) and len(operands) == len(words) + 2:
            key, value = operands[-2].value, operands[-1].value
            if key and value is not None:
                return prefix + re.sub(r"[.-]", "_", strip.sub("", key)).upper(), value
    return None


@cache
def _settings() -> dict[str, tuple[tuple[tuple[str, ...], str, re.Pattern[str]], ...]]:
    found: dict[str, list[tuple[tuple[str, ...], str, re.Pattern[str]]]] = {}
    for row in read_table("commands")["setting"]:
        program, *words = row["command"].split()
        found.setdefault(program, []).append((tuple(words), row["prefix"], re.compile(row.get("strip", "$"))))
    return {program: tuple(rows) for program, rows in found.items()}


def _starts_with(operands: Sequence[Argument], words: Sequence[str]) -> bool:
    return not words or [one.value for one in operands[: len(words)]] == [*words]


def is_on(value: str) -> bool:
    """Whether a variable's value turns something on."""
    return value.lower() not in ("", "0", "false", "no", "off")


@cache
def _by_program() -> dict[str, tuple[tuple[tuple[str, ...], Usage], ...]]:
    """(words of the subcommand, usage) for each program; longer subcommands come first."""
    found: dict[str, list[tuple[tuple[str, ...], Usage]]] = {}
    for row in read_table("commands")["command"]:
        usage = _usage(row)
        for words in usage.names:
            found.setdefault(words[0], []).append((words[1:], usage))
    return {name: tuple(sorted(rows, key=lambda row: -len(row[0]))) for name, rows in found.items()}


def _usage(row: Mapping[str, Any]) -> Usage:
    values: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value for key, value in row.items()
    }
    values["names"] = tuple(tuple(name.split()) for name in row["names"])
    return Usage(**values)
