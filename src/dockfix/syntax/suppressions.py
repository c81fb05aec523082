"""Comments in a file that disable transforms: `# dockfix: ignore`, `# dockfix: ignore[pip-user]`."""

from __future__ import annotations

import re
from typing import Final

from dockfix.syntax.tree import Comment, Dockerfile

_IGNORE: Final = re.compile(r"#\s*dockfix:\s*ignore(?:\[([\w\s,-]*)\])?", re.IGNORECASE)


def ignored_names(tree: Dockerfile) -> tuple[frozenset[str], int]:
    """(names in `# dockfix: ignore[...]` comments, "*" for all; line of the last such comment)."""
    names: set[str] = set()
    line = 0
    for node in tree.nodes:
        if isinstance(node, Comment) and (match := _IGNORE.search(str(node))):
            line = node.line
            names.update(name.strip() for name in match[1].split(",")) if match[1] else names.add("*")
    return frozenset(names), line
