"""pip calls: what they install, and where."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from dockfix.knowledge import read_names
from dockfix.lazy import cached_property
from dockfix.syntax.shell import Command, Word

_PIP: Final = re.compile(r"(?:.*/)?pip(?:\d+(?:\.\d+)?)?")
_PYTHON: Final = re.compile(r"(?:.*/)?python(?:\d+(?:\.\d+)?)?")
_ELSEWHERE: Final = ("--target", "-t", "--prefix", "--root", "--system", "--no-user", "--dry-run", "--python")
_BOOTSTRAP: Final = frozenset({"pip", "setuptools", "wheel"})


def _valued() -> frozenset[str]:
    return read_names("commands", "valued", "pip")


@dataclass(frozen=True, eq=False)
class PipCall:
    """One `pip ACTION`: its program and action words, and the remaining operands and options."""

    command: Command
    program: Word
    action: Word
    rest: tuple[Word, ...]

    @property
    def installs(self) -> bool:
        """Whether it is a `pip install`."""
        return self.action.text == "install"

    @cached_property
    def options(self) -> frozenset[str]:
        """The options given, without their values."""
        return frozenset(word.text.partition("=")[0] for word in self.rest if word.text.startswith("-"))

    @property
    def chooses_place(self) -> bool:
        """Whether its options set where packages go (`--target`, `--prefix`, `--root`, ...)."""
        return any(word.text.partition("=")[0] in _ELSEWHERE for word in self.rest)

    @property
    def is_user_install(self) -> bool:
        """Whether it has `--user` already."""
        return "--user" in self.options

    @cached_property
    def operands(self) -> tuple[str, ...]:
        """The requirements, without quotes; values of options are left out."""
        found: list[str] = []
        valued = False
        for word in self.rest:
            text = word.value if word.value is not None else word.text
            if valued:
                valued = False
            elif text.startswith("-"):
                valued = text in _valued()
            else:
                found.append(text)
        return tuple(found)

    @cached_property
    def requirements(self) -> tuple[str, ...]:
        """The files that `-r` and `--requirement` name."""
        found: list[str] = []
        words = [word.value if word.value is not None else word.text for word in self.rest]
        for before, text in zip(("", *words), words, strict=False):
            if before in ("-r", "--requirement"):
                found.append(text)
            elif text.startswith("--requirement="):
                found.append(text.partition("=")[2])
        return tuple(found)

    @cached_property
    def only_bootstraps(self) -> bool:
        """Whether it installs only pip, setuptools and wheel."""
        names = [re.split(r"[\[<>=!~; @]", operand)[0].lower() for operand in self.operands]
        return bool(names) and _BOOTSTRAP.issuperset(names) and not self.options & {"-r", "--requirement"}

    @property
    def python(self) -> str:
        """The command of the interpreter that it belongs to (`python3.12` for `pip3.12`)."""
        if self.program is not self.command.name:
            return self.command.program
        return self.program.text.replace("pip", "python")

    def pinned_pip(self) -> str | None:
        """The version in `pip==X`, "" for any other upgrade of pip, None if pip itself is not upgraded."""
        for operand in self.operands:
            match = re.fullmatch(r"pip(?:==(\d{1,9}(?:\.\d{1,9}){0,9})|[<>=!~].*)?", operand)
            if match:
                upgrade = operand == "pip" and self.options & {"--upgrade", "-U"}
                return match[1] or ("" if upgrade or operand != "pip" else None)
        return None


def read_pip(command: Command) -> PipCall | None:
    """The pip call that a command makes (`pip3 ...`, `python -m pip ...`), or None."""
    if command.name is None:
        return None
    words = command.args
    program = command.name
    if _PYTHON.fullmatch(program.text):
        at = _module_at(words)
        if at is None or words[at].text != "pip":
            return None
        program, words = words[at], words[at + 1 :]
    elif not _PIP.fullmatch(program.text):
        return None
    for index, word in enumerate(words):
        if not word.text.startswith("-") and (index == 0 or words[index - 1].text not in _valued()):
            return PipCall(command, program, word, words[:index] + words[index + 1 :])
    return None


def _module_at(words: tuple[Word, ...]) -> int | None:
    """The index of the word after python's `-m`, or None."""
    for index, word in enumerate(words):
        if word.text == "-m":
            return index + 1 if index + 1 < len(words) else None
        if not word.text.startswith("-"):
            return None
    return None


def is_virtual(program: str, env: Mapping[str, str]) -> bool:
    """Whether pip runs in a virtual environment, judging by its path, VIRTUAL_ENV or the start of PATH."""
    directory = program.rpartition("/")[0]
    if directory:
        return directory not in ("/usr/bin", "/usr/local/bin", "/bin", "/opt/conda/bin")
    first = env.get("PATH", "").partition(":")[0]
    return bool(env.get("VIRTUAL_ENV")) or bool(
        re.search(r"(^|/)\.?v?env[^/]*/bin$|venv(?:(?!venv)[^/])*/bin$", first)
    )
