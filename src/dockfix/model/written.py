"""Files whose whole text a RUN writes: `cat <<EOF > FILE`, `echo ... > FILE`, `printf ... > FILE`."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from dockfix.model.lineage import Lineage, Step
from dockfix.model.paths import resolve
from dockfix.model.runs import Invocation, read_run

_ESCAPE: Final = re.compile(r"\\([ntr\\])")
_ESCAPES: Final = {"n": "\n", "t": "\t", "r": "\r", "\\": "\\"}
_OUTPUT: Final = {">": False, ">|": False, ">>": True}


def find_written_files(lineage: Lineage) -> dict[str, str]:
    """The texts of such files by absolute path, as far as the words of the RUNs contain them."""
    files: dict[str, str] = {}
    for step in lineage.of("RUN"):
        for one in read_run(step, "/root").invocations:
            for redirect in one.command.redirects:
                target = redirect.target.expand(one.env)
                if target and redirect.operator in _OUTPUT:
                    _write(
                        files, resolve(target, one.cwd), _output(one, step), add=_OUTPUT[redirect.operator]
                    )
    return files


def _write(files: dict[str, str], path: str, text: str | None, *, add: bool) -> None:
    before = files.pop(path, None) if add else ""
    if text is not None and before is not None:
        files[path] = before + text


def _output(one: Invocation, step: Step) -> str | None:
    """The output of a command, None if it cannot be told from its words."""
    printer = _PRINTERS.get(one.command.program)
    words = [word.expand(one.env) for word in one.command.args]
    if printer is None or any(word is None for word in words):
        return None
    bodies = {heredoc.name: heredoc.body for heredoc in step.instruction.heredocs}
    given = next(
        (
            bodies.get(redirect.target.text.strip("'\""))
            for redirect in one.command.redirects
            if "<<" in redirect.operator
        ),
        None,
    )
    return printer([word for word in words if word is not None], given)


def _cat(words: Sequence[str], given: str | None) -> str | None:
    return given if not words or words == ["-"] else None


def _echo(words: Sequence[str], _given: str | None) -> str | None:
    options = [word for word in words if word in ("-e", "-n", "-E")]
    text = _unescape(" ".join(words[len(options) :]))
    return text if "-n" in options else f"{text}\n"


def _printf(words: Sequence[str], _given: str | None) -> str | None:
    if not words:
        return None
    form, *values = words
    if form in ("%s\\n", "%s\n"):
        return "".join(f"{value}\n" for value in values)
    text = _unescape(form).replace("%%", "\0")
    return None if "%" in text or values else text.replace("\0", "%")


def _unescape(text: str) -> str:
    return _ESCAPE.sub(lambda match: _ESCAPES[match[1]], text)


_PRINTERS: Final[Mapping[str, Callable[[Sequence[str], str | None], str | None]]] = {
    "cat": _cat,
    "echo": _echo,
    "printf": _printf,
}
