"""Dockerfiles inside other files: found and rewritten in place; every other byte is preserved."""

from __future__ import annotations

import re
from collections.abc import Callable
from importlib import import_module
from typing import Final

from dockfix.embedded.recognition import may_hold_dockerfile
from dockfix.results import Result

_KINDS: Final = (
    (re.compile(r"\.pyi?$"), "python_strings", "rewrite_module"),
    (re.compile(r"\.(?:md|markdown|mdx)$"), "fences", "rewrite_markdown"),
    (re.compile(r"\.(?:rst|rest)$"), "fences", "rewrite_restructured"),
    (re.compile(r"\.(?:sh|bash|zsh|ksh)$"), "shell_heredocs", "rewrite_script"),
    (re.compile(r"compose(?:(?!compose)[^/])*\.ya?ml$"), "yaml_blocks", "rewrite_compose"),
    (re.compile(r"\.ya?ml$"), "yaml_blocks", "rewrite_workflow"),
)


def can_hold_dockerfile(path: str) -> bool:
    """Whether dockfix searches files with that name for Dockerfiles."""
    return any(pattern.search(path.lower()) for pattern, _, _ in _KINDS)


def rewrite_file(
    path: str, source: str, fix: Callable[[str], Result], *, unsafe: bool = False
) -> tuple[str, tuple[Result, ...]]:
    """The file with every Dockerfile in it fixed, and the result for each, in source order.

    The name in `path` determines the kind of file; `fix` is called with each Dockerfile. Changes that
    need review are made only with `unsafe`. The parser for the kind is imported only if the source seems
    to contain a Dockerfile.
    """
    if may_hold_dockerfile(source):
        for pattern, module, name in _KINDS:
            if pattern.search(path.lower()):
                rewrite = getattr(import_module(f"dockfix.embedded.{module}"), name)
                text, results = rewrite(source, fix, unsafe=unsafe)
                return text, results
    return source, ()
