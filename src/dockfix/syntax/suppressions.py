"""Comments that leave transforms out or answer reviews: `# dockfix: ignore[pip-user]`, `accept[low-port]`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from dockfix.syntax.tree import Comment, Dockerfile

IGNORE: Final = "ignore"
ACCEPT: Final = "accept"
_COMMENT: Final = re.compile(r"#\s*dockfix:\s*([\w-]+)(?:\s*\[([^\]]*)\])?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Suppression:
    """One name of such a comment: what to do (a lower-case verb) with what, and the comment's line.

    `name` is "" where the comment has no brackets: it is about the whole file.
    """

    verb: str
    name: str
    line: int

    @property
    def is_whole(self) -> bool:
        """Whether it leaves out the whole file."""
        return self.verb == IGNORE and not self.name

    def __str__(self) -> str:
        return f"{self.verb}[{self.name}]" if self.name else self.verb


def find_suppressions(tree: Dockerfile) -> tuple[Suppression, ...]:
    """All of a file, in its order; verbs and names that do not exist among them."""
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
