"""The suggestions of a pull request's review: `python suggest_changes.py REPORT FILES KNOWN COMMIT`.

REPORT is dockfix's report in JSON, FILES what GitHub's API lists of the pull request's files, KNOWN the
comments that it has, and COMMIT its head. Prints the review for GitHub's API, or nothing if there is
nothing to suggest. The action runs it by any Python from 3.8 on, with the standard library alone.

A file's change is suggested whole or not at all: only if every line that it replaces or stands beside
is among those that the pull request shows, as it is in the folder here.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

MARKER = "<!-- dockfix suggestion -->"
HUNK = re.compile(r"@@ -\d+(?:,\d+)? \+(\d+)(?:,\d+)? @@")
ABOUT = "Part of running this image as a user: apply all suggestions on this file together, as one batch."


def shown_lines(patch: str) -> dict[int, str]:
    """The lines of the new file that a patch shows, by their numbers."""
    shown: dict[int, str] = {}
    number = 0
    for line in patch.split("\n"):
        start = HUNK.match(line)
        if start:
            number = int(start.group(1))
        elif line[:1] in ("+", " "):
            shown[number] = line[1:]
            number += 1
    return shown


def find_place(edit: dict[str, Any], lines: list[str], shown: dict[int, str]) -> tuple[int, int, str] | None:
    """The first and last line to replace, and with what; None if the pull request does not show them."""

    def is_shown(number: int) -> bool:
        return 0 < number <= len(lines) and shown.get(number) == lines[number - 1]

    start, end, text = edit["start"] + 1, edit["end"], edit["text"]
    if start <= end:
        return (start, end, text) if all(map(is_shown, range(start, end + 1))) else None
    if is_shown(end):
        return end, end, f"{lines[end - 1]}\n{text}"
    return (start, start, f"{text}{lines[start - 1]}\n") if is_shown(start) else None


def comment_on(path: str, place: tuple[int, int, str]) -> dict[str, Any]:
    """The comment that suggests a replacement."""
    start, end, text = place
    fence = "`" * max([3, *(1 + len(run) for run in re.findall("`+", text))])
    body = f"{MARKER}\n{ABOUT}\n\n{fence}suggestion\n{text}{fence}"
    first = {"start_line": start, "start_side": "RIGHT"} if start < end else {}
    return {"path": path, "line": end, "side": "RIGHT", "body": body, **first}


def suggest(row: dict[str, Any], patch: str) -> list[dict[str, Any]]:
    """The comments that make up one file's change; none if one of them has no place."""
    lines = Path(row["path"]).read_text(encoding="utf-8").split("\n")
    shown = shown_lines(patch)
    places = [find_place(edit, lines, shown) for edit in row["edits"]]
    return [comment_on(row["path"], place) for place in places if place] if all(places) else []


def find_comments(report: dict[str, Any], files: list[Any], known: list[Any]) -> Iterator[dict[str, Any]]:
    """The comments on files that would change, without those that are there already."""
    patches = {one["filename"]: one.get("patch") or "" for one in files}
    there: set[tuple[str, str]] = {(one["path"], one["body"]) for one in known}
    for row in report["files"]:
        if row["outcome"] == "changed" and row["path"] in patches:
            for comment in suggest(row, patches[row["path"]]):
                if (comment["path"], comment["body"]) not in there:
                    yield comment


def read(path: str) -> Any:
    """A JSON document, or several in a row (as gh prints the pages of a list), joined."""
    text = Path(path).read_text(encoding="utf-8").strip()
    decoder, found, at = json.JSONDecoder(), [], 0
    while at < len(text):
        value, at = decoder.raw_decode(text, at)
        found.append(value)
        at = len(text) - len(text[at:].lstrip())
    return found[0] if len(found) == 1 else [item for page in found for item in page]


def main() -> None:
    """Print the review."""
    report, files, known, commit = sys.argv[1:]
    comments = list(find_comments(read(report), read(files), read(known)))
    if comments:
        print(json.dumps({"commit_id": commit, "event": "COMMENT", "comments": comments}))


if __name__ == "__main__":
    main()
