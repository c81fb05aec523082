"""Files whose whole text a RUN writes: by `cat <<EOF > FILE`, `tee FILE <<EOF`, or echo and printf."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

from dockfix.model.lineage import Lineage
from dockfix.model.paths import resolve
from dockfix.model.runs import Invocation, read_run
from dockfix.syntax.script import Command

_ESCAPE: Final = re.compile(r"\\([ntr\\])")
_ESCAPES: Final = {"n": "\n", "t": "\t", "r": "\r", "\\": "\\"}
_OUTPUT: Final = {">": False, ">|": False, ">>": True}


def find_written_files(lineage: Lineage) -> dict[str, str]:
    """The texts of such files by absolute path, as far as the words of the RUNs contain them."""
    files: dict[str, str] = {}
    for step in lineage.of("RUN"):
        run = read_run(step, "/root")
        before: str | None = None
        for one in run.invocations if ">" in run.text or "tee" in run.text else ():
            if one.command.program not in _PRINTERS and not one.command.redirects:
                before = None
                continue
            given = before if one.command.piped else find_document(one.command, run.text)
            before = _output(one, given)
            for path, adds in _targets(one):
                _write(files, path, before, add=adds)
    return files


def _targets(one: Invocation) -> Iterator[tuple[str, bool]]:
    """(path, whether it is appended to) of the files that get a command's output."""
    for redirect in one.command.redirects:
        target = redirect.target.expand(one.env)
        if target and redirect.operator in _OUTPUT:
            yield resolve(target, one.cwd), _OUTPUT[redirect.operator]
    if one.command.program == "tee":
        adds = any(word.text in ("-a", "--append") for word in one.command.args)
        targets = (word.expand(one.env) for word in one.command.args if not word.text.startswith("-"))
        yield from ((resolve(target, one.cwd), adds) for target in targets if target)


def find_document(command: Command, text: str) -> str | None:
    """The heredoc that a command of a script reads, which may stand in the heredoc of a RUN."""
    names = (each.target.text.strip("'\"") for each in command.redirects if "<<" in each.operator)
    name = next(names, "")
    start = (
        re.search(rf"<<-?[ \t]{{0,9}}['\"]?{re.escape(name)}['\"]?(?!\w)[^\n]{{0,2000}}\n", text)
        if name
        else None
    )
    if start is None:
        return None
    end = re.compile(rf"^\t*{re.escape(name)}$", re.MULTILINE).search(text, start.end())
    return text[start.end() : end.start()] if end is not None else None


def _write(files: dict[str, str], path: str, text: str | None, *, add: bool) -> None:
    before = files.pop(path, None) if add else ""
    if text is not None and before is not None:
        files[path] = before + text


def _output(one: Invocation, given: str | None) -> str | None:
    """The output of a command that reads a text, None if it cannot be told from its words."""
    printer = _PRINTERS.get(one.command.program)
    words = [word.expand(one.env) for word in one.command.args]
    if printer is None or any(word is None for word in words):
        return None
    return printer([word for word in words if word is not None], given)


def _tee(_words: Sequence[str], given: str | None) -> str | None:
    return given


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
    "tee": _tee,
}
