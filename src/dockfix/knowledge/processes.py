"""Processes that must run as root, or that drop root privileges by themselves."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache, lru_cache
from typing import Final

from dockfix.knowledge import read_names, read_table
from dockfix.syntax.shell import Command

_DIRECTORY: Final = r"(?:\S*/)?"
_INTERPRETER: Final = re.compile(r"(?<!\S)(?:\S*/)?python[\d.]*(?: -(?!m)\w+)* (?=[^-])")


def process_need(command: Command, env: Mapping[str, str]) -> str:
    """Why what CMD or ENTRYPOINT starts must run as root, "" if it need not (knowledge/processes.toml)."""
    if command.name is None or command.script is not None:
        return ""
    program = command.name.expand(env) or command.name.text
    words = [program, *(word.expand(env) or word.text for word in command.args)]
    line = _INTERPRETER.sub("", " ".join(words), count=1)
    if "sudo" in command.via and not command.user:
        return "sudo"
    return process_need_of(line)


@lru_cache(maxsize=1024)
def process_need_of(line: str) -> str:
    """Why the process of a command line must run as root, "" if it need not."""
    return next((reason for pattern, reason in _processes() if pattern.fullmatch(line)), "")


def find_installer(words: Sequence[str]) -> str:
    """The program with which a command installs packages system-wide, or ""."""
    table = read_table("processes")["installs"]
    if not words or any(word.partition("=")[0] in table["elsewhere"] for word in words):
        return ""
    name = words[0].rpartition("/")[2]
    line = " ".join([name, *words[1:]])
    if not any(re.fullmatch(rf"(?:{one})(?:\s.*)?", line, re.DOTALL) for one in table["commands"]):
        return ""
    return "pip" if " -m pip " in line else name


def drops_privileges(command: Command) -> bool:
    """Whether the command starts as root and switches users itself (gosu, su NAME -c ...)."""
    if _droppers().intersection(command.via) or (command.user and command.user not in ("root", "0")):
        return True
    program = command.program.rpartition("/")[2]
    if program in _droppers():
        return True
    words = [word.text for word in command.args]
    if program == "su":
        return command.script is None and any(not word.startswith("-") and word != "root" for word in words)
    if program == "chroot":
        return any(word.startswith("--userspec") for word in words)
    if program == "start-stop-daemon":
        return any(word.startswith(("--chuid", "-c")) for word in words)
    return program == "capsh" and any(word.startswith(("--user", "--uid")) for word in words)


def waits(command: Command) -> bool:
    """Whether a command lacks an operand, or ends in an option that lacks its value."""
    program = command.program.rpartition("/")[2].rstrip("0123456789.")
    if command.script is not None or program not in read_names("processes", "waits", "programs"):
        return False
    words = [word.text for word in command.args]
    valued = read_names("processes", "waits", "valued")
    if words and words[-1] in valued:
        return True
    operands = [
        word
        for word, before in zip(words, ["", *words], strict=False)
        if not word.startswith("-") and before not in valued
    ]
    given = any(word.partition("=")[0] in read_names("processes", "waits", "enough") for word in words)
    return not operands and not given


def _droppers() -> frozenset[str]:
    return read_names("processes", "drops", "programs")


@cache
def _processes() -> tuple[tuple[re.Pattern[str], str], ...]:
    rows = read_table("processes")["process"]
    return tuple(
        (
            re.compile(rf"{_DIRECTORY if '/' not in pattern else ''}(?:{pattern})(?:\s.*)?", re.DOTALL),
            row["reason"],
        )
        for row in rows
        for pattern in row["commands"]
    )
