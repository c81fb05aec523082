"""Build arguments, in the notations of the files that describe builds."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from dockfix.files.candidates import UNKNOWN

__all__ = ["UNKNOWN", "Arguments", "fill_defaults", "fill_expressions", "read_arguments"]

Arguments = tuple[tuple[str, str | None], ...]
"""Names and values; None takes the value from the environment."""

_NAME: Final = re.compile(r"[A-Za-z_]\w*")
_DEFAULT: Final = re.compile(r"\$\{\w+:?-([^}$]*)\}")
_EXPRESSION: Final = re.compile(
    r"\$?\{\{(?:[^{}\n]|\{(?!\{)|\}(?!\}))*\}\}|\$\{[^{}\n]*\}|\$\w+|\$\([^()\n]*\)|`[^`\n]*`|\$"
)
_OPEN: Final = re.compile(r"\$|\{\{|`")


def read_arguments(written: object) -> Arguments:
    """The arguments in a mapping, a list of `NAME=VALUE`, or lines of those as in workflows."""
    if isinstance(written, str):
        lines = (line.strip() for line in written.splitlines())
        written = [_unquote(line) for line in lines if line and not line.startswith("#")]
    if isinstance(written, list):
        split = (str(item).partition("=") for item in written)
        written = {name.strip(): value if equals else None for name, equals, value in split}
    if not isinstance(written, Mapping):
        return ()
    names = ((str(name), value) for name, value in written.items())
    return tuple((name, _known(value)) for name, value in names if _NAME.fullmatch(name))


def fill_defaults(text: str) -> str:
    """The text with each `${NAME:-default}` replaced by its default."""
    return _DEFAULT.sub(r"\1", text)


def fill_expressions(text: str) -> str:
    """The text with variables replaced by their defaults, and by `UNKNOWN` if they have none."""
    filled = fill_defaults(text).replace("${{ github.workspace }}", ".")
    return _EXPRESSION.sub(UNKNOWN, filled) if "$" in filled or "{{" in filled or "`" in filled else filled


def _known(value: object) -> str | None:
    if value is None:
        return None
    text = str(value).lower() if isinstance(value, bool) else fill_defaults(str(value))
    return UNKNOWN if _OPEN.search(text) else text


def _unquote(line: str) -> str:
    """An entry of a workflow's list, without the quotes of CSV."""
    quoted = len(line) > 1 and line[0] == line[-1] == '"'
    return line[1:-1].replace('""', '"') if quoted else line
