"""Which files are Dockerfiles: by name, below the folders that the user names."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

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
PRUNED: Final = frozenset(
    {
        ".git",
        ".hg",
        ".svn",
        ".bzr",
        ".tox",
        ".nox",
        ".venv",
        "venv",
        "virtualenv",
        "node_modules",
        "bower_components",
        "site-packages",
        "__pycache__",
        "vendor",
        "third_party",
        "third-party",
    }
)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A path to look at; `refusal` says why there is nothing to read, `failed` that this is an error."""

    path: str
    refusal: Finding | None = None
    failed: bool = False


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


def find_candidates(paths: Iterable[str]) -> Iterator[Candidate]:
    """Each file that the paths name or hold, once, folders in the order of their names.

    A file named outright is taken for a Dockerfile whatever its name.
    """
    seen: set[str] = set()
    for path in paths:
        found = _walk(path) if os.path.isdir(path) else iter([Candidate(path)])
        for candidate in found:
            identity = os.path.realpath(candidate.path)
            if identity not in seen:
                seen.add(identity)
                yield candidate


def _walk(folder: str) -> Iterator[Candidate]:
    try:
        with os.scandir(folder) as listing:
            entries = sorted(listing, key=lambda entry: entry.name)
    except OSError as error:
        reason = error.strerror or str(error)
        yield Candidate(
            folder, Finding("unreadable", 0, f"folder not readable: {reason}", "allow reading it"), True
        )
        return
    for entry in entries:
        path = os.path.normpath(entry.path)
        if entry.is_dir(follow_symlinks=False):
            if entry.name not in PRUNED and not os.path.exists(os.path.join(path, "pyvenv.cfg")):
                yield from _walk(path)
        elif is_template_name(entry.name):
            yield Candidate(path, template_finding())
        elif is_dockerfile_name(entry.name) and not (entry.is_symlink() and entry.is_dir()):
            yield Candidate(path)


def template_finding() -> Finding:
    """Why a template is left alone."""
    return Finding("template", 0, "a template, not a Dockerfile", "render it, fix the result, carry it over")
