"""Detect what BuildKit's instruction parser rejects in a file whose lines are well formed.

Source of the rules: moby/buildkit `frontend/dockerfile/instructions/{parse,bflag,commands_run*}.go` and
`frontend/dockerfile/parser/line_parsers.go`. What depends on the build (a missing image, a path, a build
argument) is not checked.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from functools import lru_cache
from typing import Final

from dockfix.syntax.expansion import expand
from dockfix.syntax.flag_values import find_health_error, find_run_error
from dockfix.syntax.heredocs import parse_heredoc_word
from dockfix.syntax.parser import read_line
from dockfix.syntax.tree import Dockerfile, LogicalLine, Problem
from dockfix.syntax.words import declared_arguments, key_values, split_quoted_words, split_words

_TEXT, _TEXTS, _SWITCH = "text", "texts", "switch"
_FLAGS: Final[dict[str, dict[str, str]]] = {
    "ADD": {
        "chown": _TEXT,
        "chmod": _TEXT,
        "link": _SWITCH,
        "keep-git-dir": _SWITCH,
        "checksum": _TEXT,
        "unpack": _SWITCH,
        "exclude": _TEXTS,
    },
    "COPY": {
        "chown": _TEXT,
        "from": _TEXT,
        "chmod": _TEXT,
        "link": _SWITCH,
        "parents": _SWITCH,
        "exclude": _TEXTS,
    },
    "FROM": {"platform": _TEXT},
    "HEALTHCHECK": dict.fromkeys(("interval", "timeout", "start-period", "start-interval", "retries"), _TEXT),
    "RUN": {"mount": _TEXTS, "network": _TEXT, "security": _TEXT, "device": _TEXTS},
}
_UNREAD_FLAGS: Final = frozenset({"ARG", "STOPSIGNAL"})
_JSON_FORMS: Final = frozenset({"ADD", "CMD", "COPY", "ENTRYPOINT", "HEALTHCHECK", "RUN", "SHELL", "VOLUME"})
_STAGE_NAME = re.compile(r"[a-z][a-z0-9-_.]*")
_HEALTHCHECK = re.compile(r"(\S+)\s*(.*)", re.DOTALL)


def rejections(tree: Dockerfile) -> tuple[Problem, ...]:
    """The first error in each instruction, in addition to those in `tree.problems`."""
    found: list[Problem] = []
    has_stage = False
    for instruction in tree.instructions:
        message = _error(instruction.logical)
        if not message and not has_stage and instruction.keyword not in ("FROM", "ARG"):
            message = f"{instruction.keyword} comes before the first FROM"
        has_stage = has_stage or instruction.keyword == "FROM"
        if message:
            found.append(Problem(instruction.line, message))
    if tree.instructions and not has_stage and not found:
        found.append(Problem(tree.instructions[-1].last_line, "no FROM: there is no stage to build"))
    return tuple(found)


@lru_cache(maxsize=4096)
def _error(line: LogicalLine) -> str:
    return _line_error(_trigger(line) or line) or _instruction_error(line) or _word_error(line)


def _trigger(line: LogicalLine) -> LogicalLine | None:
    """The instruction inside an ONBUILD, or None."""
    return read_line(line.args, line.escape) if line.keyword == "ONBUILD" and line.args else None


class _AnyVariable(dict[str, str]):
    """An environment in which every variable is set."""

    def get(self, key: str, default: object = None) -> str:
        return key or "x"


_ANY: Final = _AnyVariable()


def _word_error(line: LogicalLine) -> str:
    """Unclosed quotes and malformed variables, in words that the builder expands."""
    args, keyword = line.args, line.keyword
    if '"' not in args and "'" not in args and "${" not in args:
        return ""
    if keyword in ("ENV", "LABEL"):
        words = [value for pair in key_values(args, line.escape) for value in pair]
    elif keyword == "ARG":
        words = [value or "" for _, value in declared_arguments(args, line.escape)]
    elif keyword in ("ADD", "COPY", "VOLUME", "FROM"):
        words = list(_operands(line))
    else:
        words = [args] if keyword in ("USER", "WORKDIR", "STOPSIGNAL") else []
    bad = next((word for word in words if expand(word, _ANY, line.escape) is None), None)
    return f"{keyword} has a quote or a variable that cannot be parsed: {bad}" if bad is not None else ""


def _line_error(line: LogicalLine) -> str:
    """What the line parser rejects, also inside ONBUILD."""
    keyword = line.keyword
    if keyword in ("ENV", "LABEL"):
        return _pair_error(line)
    if keyword in _JSON_FORMS and "[" in line.args and line.json is None:
        args = _health_command(line.args) if keyword == "HEALTHCHECK" else line.args
        if _json_form(args) is False:
            return f"{keyword} in JSON form takes strings only"
    return ""


def _pair_error(line: LogicalLine) -> str:
    words = split_quoted_words(line.args, line.escape)
    if not words:
        return ""
    if "=" not in words[0]:
        return "" if key_values(line.args) else f"{line.keyword} needs a name and a value"
    bare = next((word for word in words if "=" not in word), None)
    return f"{line.keyword} has {bare!r} without an =" if bare is not None else ""


def _json_form(args: str) -> tuple[str, ...] | bool:
    """The strings of a JSON array; False if it has other items, True if the text is not a JSON array."""
    if not args.startswith("["):
        return True
    try:
        items = json.loads(args)
    except (ValueError, RecursionError):
        return True
    return all(isinstance(item, str) for item in items) and tuple(items)


def _instruction_error(line: LogicalLine) -> str:
    keyword = line.keyword
    check = _CHECKS.get(keyword)
    if check is None or line.name.lower() != keyword.lower():
        return f"unknown instruction {line.name or '(empty)'}"
    return check(line)


def _flag_error(line: LogicalLine) -> str:
    keyword = line.keyword
    known = _FLAGS.get(keyword, {})
    seen: set[str] = set()
    for flag in line.flags:
        kind = known.get(flag.name)
        if kind is None:
            return f"{keyword} has no flag --{flag.name}"
        if flag.name in seen and kind != _TEXTS:
            return f"{keyword} has --{flag.name} twice"
        seen.add(flag.name)
        if kind == _SWITCH and (flag.value or "true").lower() not in ("true", "false"):
            return f"--{flag.name} takes true or false, not {flag.value}"
        if flag.value is None if kind != _SWITCH else flag.value == "":
            return f"--{flag.name} needs a value"
    return ""


def _one_argument(line: LogicalLine) -> str:
    if not line.args:
        return f"{line.keyword} needs an argument"
    return "" if line.keyword in _UNREAD_FLAGS else _flag_error(line)


def _pairs(line: LogicalLine) -> str:
    if error := _flag_error(line):
        return error
    pairs = key_values(line.args, line.escape)
    if not pairs:
        return f"{line.keyword} needs an argument"
    return "" if all(name for name, _ in pairs) else f"{line.keyword} has a blank name"


def _argument(line: LogicalLine) -> str:
    names = declared_arguments(line.args, line.escape)
    if not names:
        return "ARG needs an argument"
    return "" if all(name for name, _ in names) else "ARG has a blank name"


def _operands(line: LogicalLine) -> tuple[str, ...]:
    if line.json is not None:
        return line.json
    return tuple(word.text for word in split_words(line.args))


def _copy(line: LogicalLine) -> str:
    operands = _operands(line)
    if len(operands) < 2:
        return f"{line.keyword} needs a source and a destination"
    if error := _flag_error(line):
        return error
    if parse_heredoc_word(operands[-1]) is not None:
        return f"{line.keyword} cannot have a heredoc as its destination"
    return ""


def _from(line: LogicalLine) -> str:
    words = [word.text for word in split_words(line.args)]
    if len(words) == 3 and words[1].lower() == "as":
        if not _STAGE_NAME.fullmatch(words[2].lower()):
            return f"{words[2]!r} is not a valid stage name: start with a letter and use no symbols but - _ ."
    elif len(words) != 1:
        return "FROM takes an image, then perhaps AS and a name"
    return _flag_error(line)


def _onbuild(line: LogicalLine) -> str:
    trigger = _trigger(line)
    if trigger is None:
        return "ONBUILD needs an argument"
    if error := _flag_error(line):
        return error
    held = trigger.keyword
    return f"ONBUILD cannot contain {held}" if held in ("ONBUILD", "MAINTAINER", "FROM") else ""


def _volume(line: LogicalLine) -> str:
    paths = _operands(line)
    if not paths:
        return "VOLUME needs an argument"
    return _flag_error(line) or ("" if all(map(str.strip, paths)) else "VOLUME has an empty path")


def _shell(line: LogicalLine) -> str:
    if error := _flag_error(line):
        return error
    if not line.args or line.json == ():
        return "SHELL needs an argument"
    return "SHELL must be in JSON form" if line.json is None else ""


def _run(line: LogicalLine) -> str:
    return _flag_error(line) or next(filter(None, map(find_run_error, line.flags)), "")


def _health_command(args: str) -> str:
    match = _HEALTHCHECK.match(args)
    return match[2] if match else ""


def _healthcheck(line: LogicalLine) -> str:
    if not line.args:
        return "HEALTHCHECK needs an argument"
    kind = line.args.split(None, 1)[0].upper()
    command = _health_command(line.args)
    if kind == "NONE":
        return "HEALTHCHECK NONE takes no arguments" if command else ""
    if error := _flag_error(line):
        return error
    if kind != "CMD":
        return f"HEALTHCHECK takes CMD or NONE, not {kind}"
    if not command or _json_form(command) == ():
        return "HEALTHCHECK CMD needs a command"
    return next(filter(None, map(find_health_error, line.flags)), "")


_CHECKS: Final[dict[str, Callable[[LogicalLine], str]]] = {
    "ADD": _copy,
    "ARG": _argument,
    "CMD": _flag_error,
    "COPY": _copy,
    "ENTRYPOINT": _flag_error,
    "ENV": _pairs,
    "EXPOSE": _one_argument,
    "FROM": _from,
    "HEALTHCHECK": _healthcheck,
    "LABEL": _pairs,
    "MAINTAINER": _one_argument,
    "ONBUILD": _onbuild,
    "RUN": _run,
    "SHELL": _shell,
    "STOPSIGNAL": _one_argument,
    "USER": _one_argument,
    "VOLUME": _volume,
    "WORKDIR": _one_argument,
}
