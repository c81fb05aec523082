"""Paths and owners as new steps have to spell them: by the build arguments that decide on them."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from dockfix.model.accounts import CREATES, is_account_name
from dockfix.model.paths import resolve
from dockfix.syntax.words import declared_arguments, key_values

if TYPE_CHECKING:
    from dockfix.model.facts import Facts
    from dockfix.model.lineage import Step

_VARIABLE: Final = re.compile(r"\$\{?(\w+)\}?")
_WORD: Final = re.compile(r"(?<![\w./@+-])[\w./@+-]*(?:\$(?:\w+|\{\w+\})[\w./@+-]*)+")


class Speller:
    """Spells paths and owners of one file for the step `at`."""

    def __init__(self, facts: Facts, at: int) -> None:
        self.steps = facts.steps
        names = _find_arguments(self.steps[:at])
        self.variables = facts.after(self.steps[at - 1]).variables if names else {}
        # Where a directory gets its name below that step, what stands there counts as well.
        self.words = dict(self._find_words(names)) if names else {}
        self.accounts = dict(self._find_accounts(names)) if names else {}
        for name, word in self.accounts.items():
            self.words.setdefault(f"/home/{name}", f"/home/{word}")

    def spell(self, path: str) -> str:
        """The path, in which the file's own words stand for as much of it as an argument decides."""
        known = [one for one in self.words if path == one or path.startswith(f"{one}/")]
        longest = max(known, key=len, default="")
        return self.words.get(longest, "") + path[len(longest) :]

    def spell_owner(self, owner: str) -> str:
        """A user and perhaps a group, by the arguments that name them where steps create them."""
        return ":".join(self.accounts.get(name, name) for name in owner.split(":"))

    def _find_accounts(self, arguments: frozenset[str]) -> Iterator[tuple[str, str]]:
        """(name, word) of each account or group that a RUN creates with a name that an argument gives."""
        texts = [step.instruction.args for step in self.steps if step.keyword == "RUN"]
        texts = [text for text in texts if CREATES.search(text)]
        for word in dict.fromkeys(word for text in texts for word in _WORD.findall(text)):
            names = frozenset(_VARIABLE.findall(word))
            if names & arguments and names <= self.variables.keys():
                value = _VARIABLE.sub(lambda match: self.variables[match[1]], word)
                literal = re.compile(rf"(?<![\w./$-]){re.escape(value)}(?![\w./-])")
                if is_account_name(value) and not any(map(literal.search, texts)):
                    yield value, word

    def _find_words(self, arguments: frozenset[str]) -> Iterator[tuple[str, str]]:
        """(path, word) of each word with a build argument, as far as it leads there at this step too."""
        for step in reversed(self.steps):
            text = "\n".join((step.instruction.args, *(one.body for one in step.instruction.heredocs)))
            for word in _WORD.findall(text) if "$" in text else ():
                names = frozenset(_VARIABLE.findall(word))
                if names & arguments and names <= self.variables.keys():
                    value, here = self._value(word, step), step.before.workdir
                    path = word if word.startswith(("/", "$")) else posixpath.join(here, word)
                    if value and (word is not path or value.startswith("/")):
                        yield resolve(value, here), path.rstrip("/")

    def _value(self, word: str, step: Step) -> str:
        """The value of a word, "" if it has another one at its own place."""
        value = _VARIABLE.sub(lambda match: self.variables[match[1]], word)
        there = _VARIABLE.sub(lambda match: step.before.variables.get(match[1], ""), word)
        return value if value == there else ""


def _find_arguments(steps: tuple[Step, ...]) -> frozenset[str]:
    """The variables that a build argument decides on, itself or by ENV."""
    found: set[str] = set()
    for step in steps:
        instruction = step.instruction
        if step.keyword == "ARG":
            names = {name for name, _ in declared_arguments(instruction.args, instruction.escape)}
            found |= names - step.before.env.keys()
        elif step.keyword == "ENV" and found:
            for name, value in key_values(instruction.args, instruction.escape):
                decided = not found.isdisjoint(_VARIABLE.findall(value))
                found = found | {name} if decided else found - {name}
    return frozenset(found)
