"""Files that contain shell commands, by name."""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Iterator
from contextlib import suppress
from typing import Final

from dockfix.repository.neighbours import Read, read_nothing
from dockfix.repository.parts import mapping_of
from dockfix.repository.shell_lines import UNKNOWN, fill_variables, find_assignments

PIPELINE_NAME: Final = re.compile(
    r"^(?:azure-pipelines.*|cloudbuild.*|bitbucket-pipelines|buildspec.*|appveyor|\.travis|\.?drone|\.woodpecker.*"
    r"|\.cirrus|taskfile|\.?semaphore)\.ya?ml$"
)
"""Files of CI systems in YAML by their name, in lower case."""
SCRIPT_NAME: Final = re.compile(
    r"\.(?:sh|bash|mk)$|^(?:gnu)?makefile$|^justfile$|^jenkinsfile|^tox\.ini$|^readme\.(?:md|rst)$|\.service$"
)
"""Files in which lines of a shell stand, by their name, in lower case."""
_ASKED: Final = re.compile(r"\{\{[ \t]{0,9}([A-Za-z_][\w-]*)[ \t]{0,9}\}\}")
"""A variable of a justfile in a recipe. Source: just's manual, "Variables and Substitution"."""
_SET: Final = re.compile(
    r"""^([A-Za-z_][\w-]*)[ \t]*:=[ \t]*(['"])([^'"\n]{0,500})\2[ \t]*(?:#|$)""", re.MULTILINE
)
_OTHER: Final = re.compile(r"\{\{[^{}\n]{0,500}\}\}")
_STARTED: Final = re.compile(
    r"^Exec(?:Start|StartPre|StartPost|Reload|Stop)=[-@:+!]{0,3}(?:/[\w/.-]{1,60}/)?", re.MULTILINE
)
"""What stands before a command line of a unit. Source: systemd.service(5)."""
_MAKEFILES: Final = ("GNUmakefile", "makefile", "Makefile")
_INCLUDE: Final = re.compile(r"^[ \t]*[-s]?include[ \t]+([^\n#$]+)", re.MULTILINE)
_MADE: Final = re.compile(r"(?<!\$)\$\((\w+)\)")
"""A variable of make; what a shell would run is `$$(...)` there."""
_QUOTED_LINE: Final = re.compile(r"""\bsh[ (]{1,4}(?:script: ?)?(['"])(?!['"])([^\n]{1,2000}?)\1""")
"""A step of a Jenkinsfile with one line for the shell."""


def is_pipeline(path: str) -> bool:
    """Whether a file configures a CI system."""
    name = path.rpartition("/")[2].lower()
    if path.startswith((".github/workflows/", ".github/actions/")):
        return name.endswith((".yml", ".yaml"))
    is_named = name.startswith(".gitlab-ci") or path == ".circleci/config.yml"
    return is_named or PIPELINE_NAME.search(name) is not None


def package_scripts(text: str) -> Iterator[tuple[int, str]]:
    """(line, script) of each script in a package.json. Raises ValueError if it is not valid JSON."""
    for name, script in mapping_of(mapping_of(json.loads(text)).get("scripts")).items():
        if isinstance(script, str):
            key = re.search(rf'"{re.escape(name)}"\s*:', text)
            yield (text.count("\n", 0, key.start()) + 1 if key else 1), script


def script_text(path: str, text: str, read: Read = read_nothing) -> str:
    """A file with its shell lines where they stand: bare in package.json, Jenkinsfile, units and tox.ini too.

    It is empty for JSON that is not valid, which the reader of builds reports. `read` returns other files, of
    which a makefile may include some.
    """
    name = path.rpartition("/")[2].lower()
    if name.endswith((".mk", "makefile")):
        return _makefile_text(path, text, read)
    if name == "tox.ini":
        return re.sub(r"\{(?:toxinidir|tox_root)\}", ".", text)
    if name.startswith(".gitlab-ci"):
        return _pipeline_text(text)
    if name == "justfile":
        return _justfile_text(text)
    if name.endswith(".service"):
        return _STARTED.sub("", text)
    if name.startswith("jenkinsfile"):
        return _QUOTED_LINE.sub(r"\2", text)
    if name != "package.json":
        return text
    lines = [""] * (text.count("\n") + 1)
    with suppress(ValueError, RecursionError):
        for line, script in package_scripts(text):
            lines[line - 1] = script.replace("\n", " ")
    return "\n".join(lines)


def _makefile_text(path: str, text: str, read: Read) -> str:
    """A makefile with the variables that it, and the others it is read with, set to one plain word.

    Those that are left are written as in a shell.
    """
    texts = "\n".join((text, *_read_together(path, text, read)))
    return _MADE.sub(r"${\1}", fill_variables(text, find_assignments(texts)))


def _read_together(path: str, text: str, read: Read) -> Iterator[str]:
    """The makefiles that a makefile includes, or for a part the one of a folder around it, and its parts."""
    folder = posixpath.dirname(path)
    if path.endswith(".mk"):
        while "include" not in (text := _makefile_in(folder, read)):
            if not folder:
                return
            folder = posixpath.dirname(folder)
        yield text
    for names in _INCLUDE.findall(text):
        for name in names.split():
            yield read(posixpath.normpath(posixpath.join(folder, name))) or ""


def _makefile_in(folder: str, read: Read) -> str:
    found = (read(posixpath.join(folder, name)) for name in _MAKEFILES)
    return next(filter(None, found), "")


def _pipeline_text(text: str) -> str:
    """A GitLab pipeline with its variables replaced; as it is if it is not valid, which others report."""
    from dockfix.repository.pipelines import fill_pipeline

    if "variables" not in text and "CI_REGISTRY_IMAGE" not in text:
        return text
    with suppress(ValueError, RecursionError):
        return fill_pipeline(text)
    return text


def _justfile_text(text: str) -> str:
    """A justfile with the variables in its recipes replaced, and other expressions in them unknown."""
    values = {name: value for name, _, value in _SET.findall(text)}
    return _OTHER.sub(UNKNOWN, _ASKED.sub(lambda match: values.get(match[1], match[0]), text))
