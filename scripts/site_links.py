"""A hook of mkdocs: links from a page out of docs/ lead to the repository, where the file is."""

from __future__ import annotations

import posixpath
import re
from typing import Any, Final

REPOSITORY: Final = "https://github.com/dockfix/dockfix/blob/main"
_LINK: Final = re.compile(r"(?<=\]\()(\.\./[^)\s]+)(?=\))")


def on_page_markdown(markdown: str, *, page: Any, **_others: Any) -> str:
    """The page's text, with such links as addresses."""
    return redirect(markdown, posixpath.dirname(page.file.src_uri))


def redirect(markdown: str, folder: str) -> str:
    """The same for a page in a folder below docs/ ("" for docs/ itself)."""

    def address(match: re.Match[str]) -> str:
        path = posixpath.normpath(posixpath.join("docs", folder, match[1]))
        return match[1] if path.startswith("docs/") else f"{REPOSITORY}/{path}"

    return _LINK.sub(address, markdown)
