"""The expressions of GitHub workflows, `${{ ... }}`, as far as the repository determines their values.

See "Evaluate expressions in workflows and actions" in GitHub's documentation. Everything that depends on
the run is `UNKNOWN`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from dockfix.repository.arguments import UNKNOWN
from dockfix.repository.yaml_nodes import change_texts

_WHOLE: Final = re.compile(r"\$\{\{(?P<inner>(?:[^{}\n']|'[^'\n]*'|\{(?!\{)|\}(?!\}))*)\}\}")
_TOKEN: Final = re.compile(
    r"(?:(?P<text>'(?:[^']|'')*')|(?P<number>\d+(?:\.\d+)?)|(?P<name>[A-Za-z_][\w-]*)|(?P<sign>\|\||&&|[=!<>]=|[!()\[\].,<>*]))"
)
_MAX_DEPTH: Final = 32

Contexts = Mapping[str, Any]
"""What `matrix`, `env`, `inputs` and so on stand for; an unknown name in one of them is `UNKNOWN`."""


def fill_text(text: str, contexts: Contexts) -> str:
    """The text with its expressions replaced by their values."""
    if "${{" not in text:
        return text
    return _WHOLE.sub(lambda match: _text(evaluate(match["inner"], contexts)), text)


def fill(value: Any, contexts: Contexts) -> Any:
    """A YAML value with the expressions in its strings replaced.

    A string that is one expression keeps its type.
    """

    def change(text: str) -> Any:
        whole = _WHOLE.fullmatch(text.strip())
        return evaluate(whole["inner"], contexts) if whole else fill_text(text, contexts)

    return change_texts(value, change)


def evaluate(text: str, contexts: Contexts) -> Any:
    """The value of the text between the braces."""
    tokens: list[tuple[str, str]] = []
    at = 0
    end = len(text.rstrip())
    while at < end:
        if text[at].isspace():
            at += 1
            continue
        match = _TOKEN.match(text, at)
        if match is None or match.lastgroup is None:
            return UNKNOWN
        tokens.append((match.lastgroup, match[match.lastgroup]))
        at = match.end()
    reader = _Reader(tokens, contexts)
    try:
        value = reader.choice(0)
    except (IndexError, RecursionError):
        return UNKNOWN
    return value if reader.at == len(tokens) else UNKNOWN


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if value is None:
        return ""
    return value if isinstance(value, str) else str(value) if isinstance(value, int | float) else UNKNOWN


def _is_open(value: Any) -> bool:
    return isinstance(value, str) and UNKNOWN in value


def _holds(value: Any) -> bool:
    """Whether a known value is truthy."""
    return value not in (None, "", 0, False, "false", "0")  # what YAML means by a plain false


@dataclass
class _Reader:
    """Reads tokens from `at` on. Raises IndexError at their end."""

    tokens: list[tuple[str, str]]
    contexts: Contexts
    at: int = 0

    def choice(self, depth: int) -> Any:
        """`a || b`: the first truthy operand, otherwise the last."""
        return self.chain("||", self.both, depth, ends=True)

    def both(self, depth: int) -> Any:
        """`a && b`: the first falsy operand, otherwise the last."""
        return self.chain("&&", self.equality, depth, ends=False)

    def chain(self, sign: str, part: Callable[[int], Any], depth: int, *, ends: bool) -> Any:
        """The first operand whose truth `ends` the chain, otherwise the last."""
        value = part(depth)
        while self.takes(sign):
            other = part(depth)
            if _is_open(value):
                value = UNKNOWN
            elif _holds(value) is not ends:
                value = other
        return value

    def equality(self, depth: int) -> Any:
        """`a == b` and `a != b`, which ignore the case of strings."""
        value = self.operand(depth)
        for sign in ("==", "!="):
            if self.takes(sign):
                other = self.operand(depth)
                if _is_open(value) or _is_open(other):
                    return UNKNOWN
                return (_text(value).lower() == _text(other).lower()) is (sign == "==")
        return value

    def operand(self, depth: int) -> Any:
        """A literal, a name with its properties, a call, or an expression in parentheses."""
        if depth > _MAX_DEPTH:
            raise RecursionError
        if self.takes("!"):
            value = self.operand(depth + 1)
            return UNKNOWN if _is_open(value) else not _holds(value)
        if self.takes("("):
            value = self.choice(depth + 1)
            return self.steps(value if self.takes(")") else UNKNOWN, depth)
        kind, text = self.tokens[self.at]
        self.at += 1
        if kind == "text":
            return text[1:-1].replace("''", "'")
        if kind == "number":
            return float(text) if "." in text else int(text)
        if kind != "name":
            return UNKNOWN
        if self.takes("("):
            return self.steps(self.call(text, depth), depth)
        literals = {"true": True, "false": False, "null": None}
        return literals[text] if text in literals else self.steps(self.contexts.get(text, UNKNOWN), depth)

    def call(self, name: str, depth: int) -> Any:
        """The value of a call, reading its arguments up to the closing parenthesis."""
        values = []
        while not self.takes(")"):
            values.append(self.choice(depth + 1))
            self.takes(",")
        if name != "format" or any(map(_is_open, values)) or not values:
            return UNKNOWN
        form = _text(values[0])
        for number, value in enumerate(values[1:]):
            form = form.replace(f"{{{number}}}", _text(value))
        return form

    def steps(self, value: Any, depth: int) -> Any:
        """`.name` and `['name']` after a value."""
        while True:
            if self.takes("."):
                key: Any = self.tokens[self.at][1]
                self.at += 1
            elif self.takes("["):
                key = self.choice(depth + 1)
                self.takes("]")
            else:
                return value
            value = value.get(key, UNKNOWN) if isinstance(value, Mapping) else UNKNOWN

    def takes(self, sign: str) -> bool:
        """Whether the next token is that sign, which is then consumed."""
        if self.at < len(self.tokens) and self.tokens[self.at] == ("sign", sign):
            self.at += 1
            return True
        return False
