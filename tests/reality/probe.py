"""Runs in an image, with its Python: `probe.py base` records the files, `probe.py` what changed since.

`report.json` holds what scripts have reported, the accounts, and by path (kind, uid, gid, mode, target,
whether it has capabilities).
"""

from __future__ import annotations

import json
import os
import stat
import sys
from collections.abc import Iterator

HERE = "/events"
_SKIPPED = frozenset({"/proc", "/sys", "/dev", HERE})
_KINDS = ((stat.S_ISDIR, "directory"), (stat.S_ISREG, "file"), (stat.S_ISLNK, "link"))

Found = list[object]


def walk(folder: str) -> Iterator[tuple[str, Found]]:
    """Everything below a folder on this file system."""
    with os.scandir(folder) as entries:
        for entry in sorted(entries, key=lambda one: one.name):
            path = os.path.join(folder, entry.name)
            if path in _SKIPPED:
                continue
            yield path, look(path)
            if entry.is_dir(follow_symlinks=False):
                yield from walk(path)


def look(path: str) -> Found:
    """What is at a path."""
    found = os.lstat(path)
    kind = next((name for test, name in _KINDS if test(found.st_mode)), "other")
    target = os.readlink(path) if kind == "link" else ""
    capable = kind == "file" and "security.capability" in os.listxattr(path, follow_symlinks=False)
    return [kind, found.st_uid, found.st_gid, stat.S_IMODE(found.st_mode), target, capable]


def report(base: dict[str, Found]) -> dict[str, object]:
    """The whole report."""
    there = {"/": look("/"), **dict(walk("/"))}
    logs = sorted(name for name in os.listdir(HERE) if name.isdigit())
    return {
        "events": {int(name): read(f"{HERE}/{name}") for name in logs},
        "accounts": (read("/etc/passwd"), read("/etc/group")),
        "changed": {path: found for path, found in there.items() if base.get(path) != found},
        "gone": [path for path in base if path not in there],
    }


def read(path: str) -> str:
    """A file's text."""
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.read()


def main(words: list[str]) -> None:
    """Write the base's listing or the report."""
    if words == ["base"]:
        made: object = {"/": look("/"), **dict(walk("/"))}
    else:
        made = report(json.loads(read(f"{HERE}/base.json")))
    name = "base" if words == ["base"] else "report"
    with open(f"{HERE}/{name}.json", "w", encoding="utf-8") as file:
        json.dump(made, file)


if __name__ == "__main__":
    main(sys.argv[1:])
