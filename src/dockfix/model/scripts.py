"""Scripts of the build context that a step runs and that can be read."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Final

from dockfix.model.paths import is_within, resolve
from dockfix.model.runs import Invocation, number_all_arguments, read_called
from dockfix.syntax.shell import Command, Word, parse_script
from dockfix.syntax.wrappers import is_shell

Read = Callable[[str], str | None]
SCRIPTS: Final = (".sh", ".bash")
RUN_PARTS: Final = frozenset({"run-parts", "/bin/run-parts", "/usr/bin/run-parts"})
"""The program that runs the scripts of a folder, without arguments."""
MAX_DEPTH: Final = 3
"""How deep scripts that call each other are followed."""
_SCRIPT_PATH: Final = ("script", "", False)
PYTHON: Final = re.compile(r"(?:.*/)?python[\d.]*")
_RUNS_OTHERS: Final = (
    r"subprocess|os\.(system|popen|exec|spawn|chown|setuid|symlink|rename)|shutil\.(copy|move|chown)"
    r"|socket\.SOCK_RAW|\bsudo\b"
)
# Code that lets a script reach beyond the working directory and the home.
_REACHING: Final = re.compile(rf"{_RUNS_OTHERS}|['\"]/(?!tmp/|app/)")
_IN_APP: Final = re.compile(r"['\"]/app/")
_BEYOND_WRITES: Final = re.compile(_RUNS_OTHERS)


def read_python(one: Invocation, read: Read) -> str | None:
    """The text of the Python file that a command runs, None if there is none or it cannot be read.

    `read` returns the text of a file by its absolute path in the image, None if it cannot be read.
    """
    if not PYTHON.fullmatch(one.command.program):
        return None
    script = next((word.expand(one.env) for word in one.command.args if not word.text.startswith("-")), None)
    return read(resolve(script, one.cwd)) if script and script.endswith(".py") else None


def runs_readable_script(one: Invocation, read: Read) -> bool:
    """Whether a command runs a Python file that stays within its working directory and the home."""
    text = read_python(one, read)
    return text is not None and "setup(" not in text and not reaches_out(text, one.cwd)


def reaches_out(text: str, cwd: str) -> bool:
    """Whether Python code may act beyond its working directory `cwd` and the home."""
    in_app = is_within(cwd, "/app")
    return _REACHING.search(text) is not None or (not in_app and _IN_APP.search(text) is not None)


def runs_others(text: str) -> bool:
    """Whether Python code runs other programs, or does more to files than to write them."""
    return _BEYOND_WRITES.search(text) is not None


def is_shell_script(text: str) -> bool:
    """Whether a program's text is for a shell, by its first line; without one, a shell runs it too."""
    return re.match(r"#!.*sh\b|(?!#!)", text) is not None


def find_called(one: Invocation, read: Read, depth: int = 0) -> tuple[Invocation, ...] | None:
    """The commands of the shell script that a command runs, None if it runs none that can be read.

    `read` is as above. Scripts that it calls follow their calls.
    """
    found = one.remembered.get(_SCRIPT_PATH)
    if found is None:
        found = one.remembered[_SCRIPT_PATH] = (_script_path(one.command, one),)
    text = read(found[0]) if found[0] and depth < MAX_DEPTH else None
    if text is None or not is_shell_script(text):
        return None
    if not parse_script(text.replace("\r\n", "\n")).understood:
        return None
    arguments = number_all_arguments(arguments_of_script(one.command), one.env)
    return tuple(with_called(read_called(text, found[0], arguments, one), read, depth + 1))


def with_called(commands: Iterable[Invocation], read: Read, depth: int = 0) -> Iterator[Invocation]:
    """Commands, with those of the scripts that they call in place of the calls; `read` is as above."""
    for one in commands:
        inner = find_called(one, read, depth)
        if inner is None:
            yield one
        else:
            yield from inner


def _script_path(command: Command, one: Invocation) -> str:
    """The absolute path of the script that a command names, "" if it names none."""
    word = command.name if command.script is None and not command.piped else None
    if word is None:
        return ""
    if is_shell(word.expand(one.env) or ""):
        word = script_of_shell(command)
    elif "/" not in word.text:
        return ""
    written = word.expand(one.env) if word is not None else None
    return resolve(written, one.cwd) if written else ""


def script_of_shell(command: Command) -> Word | None:
    """The script file that a shell runs, None if it reads `-c` or its standard input."""
    if any(word.text.startswith("-") and "c" in word.text for word in command.args):
        return None
    return next((word for word in command.args if not word.text.startswith(("-", "+"))), None)


def arguments_of_script(command: Command) -> tuple[Word, ...]:
    """The words that a script gets: all behind its name, behind that of the file where a shell reads it."""
    if not is_shell(command.program):
        return command.args if command.program not in RUN_PARTS else ()
    script = script_of_shell(command)
    at = next((index for index, word in enumerate(command.args) if word is script), len(command.args))
    return command.args[at + 1 :]
