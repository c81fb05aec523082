"""Comments by which a file leaves transforms out: `# dockfix: ignore`, `# dockfix: ignore[pip-user]`."""

from __future__ import annotations

import re
from typing import Final

from dockfix.syntax.tree import Comment, Dockerfile

_IGNORE: Final = re.compile(r"#\s*dockfix:\s*ignore(?:\[([\w\s,-]*)\])?", re.IGNORECASE)


def ignored_names(tree: Dockerfile) -> tuple[frozenset[str], int]:
    """The names that `# dockfix: ignore[...]` comments give ("*": all), and the line of the last."""
    names: set[str] = set()
    line = 0
    for node in tree.nodes:
        if isinstance(node, Comment) and (match := _IGNORE.search(str(node))):
            line = node.line
            names.update(name.strip() for name in match[1].split(",")) if match[1] else names.add("*")
    return frozenset(names), line
