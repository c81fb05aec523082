"""Patch files: one for everything, or one per owner, folder or batch, each with a description."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from dockfix.files.destinations import check_destination
from dockfix.output.markdown import code, plain
from dockfix.output.owners import Owners
from dockfix.results import Changed, Finding
from dockfix.runner.outcome import FileResult
from dockfix.terminal import show_path

Grouping = Callable[[FileResult], str]


class PatchFile:
    """All changes that apply, as one patch."""

    def __init__(self, path: str) -> None:
        self._file = open(check_destination(path), "wb")  # noqa: SIM115  # closed when the run is

    def add(self, file: FileResult) -> None:
        """Append one file's patch."""
        self._file.write(file.patch.encode("utf-8"))

    def close(self) -> None:
        """Finish the file."""
        self._file.close()


@dataclass
class _Part:
    """One patch of several, and the material for its description."""

    slug: str
    changed: list[tuple[str, tuple[str, ...]]] = field(default_factory=list)
    reviews: list[tuple[str, Finding]] = field(default_factory=list)
    notes: dict[str, list[str]] = field(default_factory=dict)
    left: list[tuple[str, Finding]] = field(default_factory=list)


class PatchFolder:
    """A patch and a description per group, as NAME.patch and NAME.md in a folder."""

    def __init__(self, folder: str, grouping: Grouping) -> None:
        os.makedirs(check_destination(folder), exist_ok=True)
        self._folder = folder
        self._grouping = grouping
        self._parts: dict[str, _Part] = {}

    def add(self, file: FileResult) -> None:
        """Append one file's patch to its group's."""
        if not isinstance(file.result, Changed):
            return
        group = self._grouping(file)
        part = self._parts.get(group) or self._start(group)
        name = show_path(file.name)
        if file.applies:
            with open(check_destination(self._path(part, "patch")), "ab") as patch:
                patch.write(file.patch.encode("utf-8"))
            part.changed.append((name, file.result.transforms))
            part.reviews += ((name, review) for review in file.result.reviews)
            for note in file.result.notes:
                line = note.message + (f" ({note.help})" if note.help else "")
                part.notes.setdefault(line, []).append(name)
        else:
            part.left += ((name, review) for review in file.result.reviews)

    def close(self) -> None:
        """Write the descriptions of the patches that contain a change."""
        for group, part in self._parts.items():
            if part.changed:
                place = check_destination(self._path(part, "md"))
                with open(place, "w", encoding="utf-8", errors="backslashreplace") as file:
                    file.write("".join(f"{line}\n" for line in describe(show_path(group), part)))

    def _start(self, group: str) -> _Part:
        slug = base = re.sub(r"[^A-Za-z0-9._-]+", "-", group).strip("-.") or "root"
        taken = {part.slug.lower() for part in self._parts.values()}
        number = 2
        while slug.lower() in taken:
            slug, number = f"{base}-{number}", number + 1
        part = self._parts[group] = _Part(slug)
        for kind in ("patch", "md"):
            if os.path.lexists(self._path(part, kind)):
                os.unlink(self._path(part, kind))
        return part

    def _path(self, part: _Part, kind: str) -> str:
        return os.path.join(self._folder, f"{part.slug}.{kind}")


def describe(group: str, part: _Part) -> Iterator[str]:
    """The lines of a pull request: its title as a heading, then its text."""
    count = len(part.changed)
    files = "1 Dockerfile" if count == 1 else f"{count} Dockerfiles"
    yield f"# Run the images of {files} as a user instead of root ({plain(group)})"
    yield ""
    yield "Containers of these images ran as root. They now run as a dedicated user, which owns what the"
    yield "application writes. Apply the patch with `git apply` at the top of the repository."
    yield ""
    yield "## What changed"
    yield ""
    for name, transforms in part.changed:
        yield f"- {code(name)}: {', '.join(transforms)}"
    if part.reviews:
        yield from _section("Check these before merging", part.reviews)
    if part.notes:
        yield from ("", "## What these files do not show", "")
        for line, names in part.notes.items():
            yield f"- {plain(line)}: {_fold(names)}"
    if part.left:
        yield from _section("Not in this patch: these need a decision", part.left)


def _section(title: str, findings: list[tuple[str, Finding]]) -> Iterator[str]:
    yield from ("", f"## {title}", "")
    for name, finding in findings:
        where = f"line {finding.line}: " if finding.line else ""
        help = f" ({plain(finding.help)})" if finding.help else ""
        yield f"- {code(name)}, {where}{plain(finding.message)} [{finding.code}]{help}"


def _fold(names: list[str], most: int = 10) -> str:
    shown = ", ".join(map(code, names[:most]))
    return shown + (f" and {len(names) - most} more" if len(names) > most else "")


def group_by(kind: str, root: str) -> Grouping:
    """The grouping for a value of `--split-by`: owner, dir, or a number. Raises ValueError.

    Names in patches are relative to the folder `root`.
    """
    if kind == "owner":
        return Owners(root).of
    if kind == "dir":
        return lambda file: file.name.split("/")[0] if "/" in file.name else "top folder"
    if kind.isdecimal() and int(kind) > 0:
        return _Batches(int(kind)).of
    raise ValueError(f"--split-by must be owner, dir or a number of files, not {kind!r}")


class _Batches:
    """Batches of `size` files, in order."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._seen = 0

    def of(self, file: FileResult) -> str:
        """The batch of the next file; a file whose change does not apply joins the last one."""
        batch = max(0, self._seen - (not file.applies)) // self._size
        self._seen += file.applies
        return f"part {batch + 1:03}"
