"""Comments that disable transforms or answer reviews: `# dockfix: ignore[pip-user]`, `accept[low-port]`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from dockfix.syntax.tree import Comment, Dockerfile

IGNORE: Final = "ignore"
ACCEPT: Final = "accept"
_COMMENT: Final = re.compile(r"#\s*dockfix:\s*([\w-]+)(?:\s*\[([^\[\]]*)\])?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Suppression:
    """One name in such a comment: a verb (in lower case), the name, and the comment's line.

    `name` is "" if the comment has no brackets and applies to the whole file.
    """

    verb: str
    name: str
    line: int

    @property
    def is_whole(self) -> bool:
        """Whether it disables dockfix for the whole file."""
        return self.verb == IGNORE and not self.name

    def __str__(self) -> str:
        return f"{self.verb}[{self.name}]" if self.name else self.verb


def find_suppressions(tree: Dockerfile) -> tuple[Suppression, ...]:
    """All of a file's suppressions in order, including those with unknown verbs and names."""
    return tuple(
        one for node in tree.nodes if isinstance(node, Comment) for one in _read(str(node), node.line)
    )


def _read(comment: str, line: int) -> Iterator[Suppression]:
    match = _COMMENT.search(comment)
    if match is None:
        return
    names = [name.strip() for name in (match[2] or "").split(",")]
    for name in [name for name in names if name] or [""]:
        yield Suppression(match[1].lower(), name, line)
