"""What the facts of a real image mean for a rewrite, in the keys of knowledge/bases.toml."""

from __future__ import annotations

import posixpath
import re
from typing import Any, Final

from dockfix.image_facts import Content, ImageFacts, Interpreter
from dockfix.knowledge import read_table
from dockfix.syntax.wrappers import SHELLS

_NUMBER: Final = re.compile(r"\d{1,9}")
# What waits for a person, or only runs what it is given: an image that starts it starts no application.
_IDLE: Final = re.compile(r"python[\d.]*|ipython3?|node|irb|perl|ruby|R|tini|dumb-init|catatonit|--|-c|-l|-i")
_FIRST_PERSON: Final = 1000
_LAST_PERSON: Final = 60000


def describe_start(facts: ImageFacts) -> dict[str, Any]:
    """The keys that the configuration of an image sets: its user, directory, variables and start."""
    return {
        "user": facts.user or "root",
        "workdir": facts.workdir or "/",
        "env": dict(facts.env),
        "starts": starts_application(facts),
        "ports": tuple(int(number[0]) for one in facts.ports if (number := _NUMBER.match(one))),
    }


def starts_application(facts: ImageFacts) -> bool:
    """Whether the image's own start is more than a shell or an interpreter without a program."""
    last = posixpath.basename(facts.start[-1]) if facts.start else ""
    return bool(last) and last not in SHELLS and not _IDLE.fullmatch(last)


def describe_content(content: Content) -> dict[str, Any]:
    """The keys that the files of an image decide: its distribution, accounts, commands and Python."""
    has_shell = "sh" in content.commands
    command, prepare = _account_command(content) if has_shell else ("none", "")
    python = _default_python(content)
    return {
        "family": _family(content, has_shell=has_shell),
        "release": content.codename or content.version,
        "shell": has_shell,
        "account_command": command,
        "prepare": prepare,
        "accounts": tuple(_accounts(content)),
        "reuse": _find_ready(content) if command == "none" else "",
        "python": _python(python),
        "pip": pip_kind(python.pip) if python is not None else "unknown",
    }


def _family(content: Content, *, has_shell: bool) -> str:
    """The family that os-release names; one without a shell is distroless."""
    families: dict[str, str] = read_table("bases")["os_release"]
    known = (families[name] for name in (content.system, *content.like) if name in families)
    if not has_shell:
        return "distroless" if content.system else "scratch"
    fallback = "busybox" if content.commands["sh"].endswith("/busybox") else "unknown"
    return next(known, fallback)


def _account_command(content: Content) -> tuple[str, str]:
    """(command, what must run before it): Debian's adduser is a script, others link to useradd or busybox."""
    adduser = posixpath.basename(content.commands.get("adduser", ""))
    if adduser == "adduser":
        return "adduser", ""
    if "useradd" in content.commands:
        return "useradd", ""
    if adduser:
        return "busybox", ""
    for manager in ("microdnf", "dnf", "yum"):
        if manager in content.commands:
            return "useradd", f"{manager} install -y shadow-utils && {manager} clean all"
    return "none", ""


def _accounts(content: Content) -> list[dict[str, Any]]:
    names = {one.gid: one.name for one in content.groups}
    return [
        {"name": one.name, "group": names.get(one.gid, ""), "uid": one.uid, "gid": one.gid, "home": one.home}
        for one in content.accounts
        if one.uid != 0
    ]


def _find_ready(content: Content) -> str:
    """The account that an image without account commands has for its application, "" for none."""
    people = [one.name for one in content.accounts if _FIRST_PERSON <= one.uid <= _LAST_PERSON]
    names = [one.name for one in content.accounts if one.name == "nonroot"]
    return next(iter(names or (people if len(people) == 1 else [])), "")


def _default_python(content: Content) -> Interpreter | None:
    """The Python that a start finds first."""
    path = content.commands.get("python3") or content.commands.get("python")
    return next((one for one in content.pythons if one.path == path), None)


def _python(found: Interpreter | None) -> str:
    if found is None or found.owner == "venv":
        return "none"
    return "system" if found.is_managed and found.owner == "image" else found.owner


def pip_kind(version: str) -> str:
    """How a pip of that version treats an install by root: silent, warns, quiet, or unknown."""
    numbers = re.match(r"(\d{1,4})(?:\.(\d{1,4}))?", version)
    if numbers is None:
        return "unknown"
    found = int(numbers[1]), int(numbers[2] or 0)
    if found < (21, 1):
        return "silent"
    return "warns" if found < (22, 1) else "quiet"
