"""Images that would run a build in place of the engine's own frontend."""

from __future__ import annotations

import re
from collections.abc import Container, Mapping
from typing import Final

from dockfix.syntax.parser import parse
from dockfix.syntax.tree import Directive

ARGUMENT: Final = "BUILDKIT_SYNTAX"
"""The build argument that BuildKit reads before the directive (its docs, "Custom Dockerfile syntax")."""
_DOCKERS: Final = re.compile(r"(?:docker\.io/)?docker/dockerfile(?:-upstream)?(?:[:@].*)?")


def foreign_frontend(text: str, build_args: Mapping[str, str | None], allowed: Container[str | None]) -> str:
    """The image by which a build of the text would be run, empty if it is Docker's own or allowed."""
    named = build_args.get(ARGUMENT) or _directive(text)
    image = (named.split() or [""])[0]
    return "" if not image or _DOCKERS.fullmatch(image) or image in allowed else image


def _directive(text: str) -> str:
    """The `# syntax=` of a text; BuildKit finds it below a first line with `#!` as well."""
    text = text.removeprefix("\ufeff")
    if text.startswith("#!"):
        text = text.partition("\n")[2]
    found = (node for node in parse(text).nodes if isinstance(node, Directive))
    return next((one.value for one in found if one.name == "syntax"), "")
