"""Which files are Dockerfiles: by name, below the folders that the user names."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dockfix.repository.builds import Build
    from dockfix.repository.patterns import Selection
    from dockfix.results import Finding

_NAME = re.compile(
    r"(?:docker|container)file(?:[._-].+)?|.+\.(?:docker|container)file(?:\.(?P<outer>[^.]+))?",
    re.IGNORECASE | re.DOTALL,
)
_BACKUP = re.compile(
    r".*(?:~|\.(?:bak|backup|orig|rej|save|sw[a-p]|tmp|old|dpkg-\w+))|#.*#|\.#.*", re.IGNORECASE | re.DOTALL
)
_TEMPLATE = re.compile(
    r".*\.(?:j2|jinja2?|tmpl|gotmpl|tpl|template|erb|in|envsubst|mustache|hbs|handlebars|ejs|eex|liquid|mako)",
    re.IGNORECASE | re.DOTALL,
)
_OTHER_KIND = re.compile(
    r".*[._-](?:docker|container)?ignore"
    r"|.*\.(?:adoc|c|cc|cpp|cs|css|csv|d|diff|docx?|elc?|ex|exs|go|gif|gz|h|hs|html?|ini|ipynb|java|jpe?g|jsx?|json5?"
    r"|jsonc|kt|license|lock|log|lua|md|mdx|mjs|patch|pdf|php|pl|png|ps1|py[cio]?|rb|rs|rst|scala|sh|snap|svg|swift"
    r"|toml|tsx?|vim|vue|xml|ya?ml|zip)",
    re.IGNORECASE | re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A path to look at, and the same absolute and without links.

    `refusal` says why it is not to be read, `failed` that this is an error. `builds` are those of
    the repository that build it, `folder` the build context if they agree on one that is not its own.
    What is `linked` stands behind plain files; what is `embedded` holds Dockerfiles and is none.
    """

    path: str
    real: str
    refusal: Finding | None = None
    failed: bool = False
    builds: tuple[Build, ...] = ()
    folder: str | None = None
    linked: bool = False
    embedded: bool = False


def is_dockerfile_name(name: str) -> bool:
    """Whether a file of this name is meant to be built, templates and backups excluded."""
    return _is_kind(name) and not _TEMPLATE.fullmatch(name)


def is_template_name(name: str) -> bool:
    """Whether the name is that of a template that some tool makes a Dockerfile of."""
    return _is_kind(name) and _TEMPLATE.fullmatch(name) is not None


def _is_kind(name: str) -> bool:
    match = _NAME.fullmatch(name)
    if match is None or _BACKUP.fullmatch(name) or _OTHER_KIND.fullmatch(name):
        return False
    return match["outer"] is None or _TEMPLATE.fullmatch(name) is not None


def find_candidates(paths: Iterable[str], selection: Selection | None = None) -> Iterator[Candidate]:
    """Each file that the paths name or hold, once.

    A file named outright is taken for a Dockerfile whatever its name.
    """
    seen: set[str] = set()
    for path in paths:
        for candidate in _find(path, selection):
            if candidate.real not in seen:
                seen.add(candidate.real)
                yield candidate


def _is_searched(path: str, selection: Selection | None) -> bool:
    """Whether a file that the user named is to be searched for Dockerfiles rather than taken for one."""
    if selection is None or not selection.embedded or is_dockerfile_name(os.path.basename(path)):
        return False
    from dockfix.embedded import can_hold_dockerfile  # noqa: PLC0415  # only where such files are asked for

    return can_hold_dockerfile(path)


def _find(path: str, selection: Selection | None) -> Iterator[Candidate]:
    if not os.path.isdir(path):
        yield Candidate(path, os.path.realpath(path), embedded=_is_searched(path, selection))
        return
    from dockfix.repository.finding import find_in  # noqa: PLC0415  # not needed for single files
    from dockfix.repository.patterns import Selection  # noqa: PLC0415

    yield from find_in(path, selection or Selection())
