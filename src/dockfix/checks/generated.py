"""The header that marks a file as written by a program, whose next run undoes every edit."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from dockfix.syntax.tree import Comment, Dockerfile

_ITSELF: Final = r"(?:auto[- ]?|automatically |machine[- ])?"
_FORBIDS: Final = re.compile(
    r"(?:do \*?not?\*?|don't|never) (?:\w{1,12}ly )?edit"
    r"|(?:do \*?not?\*?|don't|never) (?:\w{1,12}ly )?(?:modify|change|touch) "
    r"(?:this (?:docker)?file|it (?:directly|manually|by hand))"
    r"|not be (?:\w{1,12}ly )?edited",
    re.IGNORECASE,
)
"""A request not to edit it."""
_WRITTEN: Final = re.compile(
    r"@generated|(?:^\W{0,9}|\b(?:this|the) )(?:code|(?:docker)?file) "
    rf"(?:(?:is|was|has been) )?(?:an? )?{_ITSELF}"
    r"(?:generated|rendered)(?! on )"
    r"|\bthis (?:code|(?:docker)?file) (?:is|was|has been) automatically \w{1,12}ed\b"
    r"|\bauto[- ]?(?:matically )?generated(?: (?:by|from|via|with|file|dockerfile)|[.,:;!])"
    r"|\bthis is an? auto[- ]?(?:matically )?generated |\bthis is a generated (?:docker)?file"
    r"|^\W{0,9}auto[- ]?(?:matically )?generated\W{0,9}$"
    r"|^\W{0,9}(?-i:[A-Z])\w{3,12}(?:ed|lly generated) (?:automatically )?(?:by|from|via|with|using) "
    r"[^\n.]{0,40}?[\w./-]{0,80}\.(?:j2|jinja2?|tmpl|tpl|template|erb|m4|mustache|em)\b",
    re.IGNORECASE,
)
"""A statement that a program wrote it."""
_UNDONE: Final = re.compile(
    r"\b(?:changes?|edits?|modifications?)\b[^.]{0,40} be "
    r"\W?(?:lost|overwritten|overridden|discarded|clobbered|reverted)"
    r"|\b(?:changes|edits) belong in [\w./-]{1,80}\.(?:j2|jinja2?|tmpl|tpl|template|erb|in|m4|mustache)\b"
    r"|\b(?:change|edit|modify|update) (?:the )?[\w./-]{1,80} instead\b"
    r"|\bto (?:change|edit|modify|update)(?: it| this (?:docker)?file)?,? (?:please )?(?:edit|change) ",
    re.IGNORECASE,
)
"""What becomes of an edit, or where it belongs."""
_OF_PARTS: Final = re.compile(
    r"(?:do not|don't) edit (?:the|this|these|those|that) (?!(?:\w{1,20} )?(?:docker|file))"
    r"|(?:do not|don't) (?:\w{1,12}ly )?edit (?!docker)[\w./-]{1,80}\.\w"
    r"|\b(?:this|these|the|those) (?!docker|is |\w{0,20}file|image)\w[\w -]{0,60} "
    r"(?:not be edited|auto-?generated)"
    r"|(?<![\w./-])(?!docker)[\w./-]{1,80}\.\w{1,10} (?:is|are|was|were|has been|gets)\b[^.]{0,120}",
    re.IGNORECASE,
)
"""A comment about less than the file, such as a list in it, or about another file."""
_NAMED_FILE: Final = re.compile(
    r"(?<![\w./-])[\w./-]*\w\.(?:j2|jinja2?|tmpl|tpl|template|erb|in|sh|py|ya?ml|m4|mustache|em)\b"
)


class Header(NamedTuple):
    """The line that marks a file as generated, and the file that it names as the source, or ""."""

    line: int
    source: str


def find_header(tree: Dockerfile) -> Header | None:
    """The first comment above all instructions that marks the file as generated, or None."""
    first = tree.instructions[0].line if tree.instructions else 0
    comments = (node for node in tree.nodes if isinstance(node, Comment))
    above = [comment for comment in comments if comment.line < first]
    marked = next((one for one in above if is_mark(str(one))), None)
    if marked is None:
        return None
    named = _NAMED_FILE.search(" ".join(map(str, above)))
    return Header(marked.line, named[0] if named else "")


def is_mark(comment: str) -> bool:
    """Whether a comment says that the file that it stands in is generated."""
    rest = _OF_PARTS.sub("", comment)
    return any(pattern.search(rest) for pattern in (_FORBIDS, _WRITTEN, _UNDONE))
