"""The file names of Dockerfiles."""

from __future__ import annotations

import re

_NAME = re.compile(
    r"(?:docker|container)file(?:[._-].+)?|.+\.(?:docker|container)file(?:\.(?P<outer>[^.]+))?",
    re.IGNORECASE | re.DOTALL,
)
# DockerfileWeb, crawl-dockerfile: other files have such names too.
_LIKELY = re.compile(r"(?:Docker|Container)file[A-Z0-9]\w*|[\w.-]+[_-](?i:docker|container)file")
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
    r"|jsonc|kt|license|lock|log|lua|md|mdx|map|mjs|patch|pdf|php|pl|png|ps1|py[cio]?|rb|rs|rst|scala|sh|snap|svg|swift"
    r"|toml|tsx?|vim|vue|xml|ya?ml|zip)",
    re.IGNORECASE | re.DOTALL,
)


def is_dockerfile_name(name: str) -> bool:
    """Whether a file with this name is meant to be built; templates and backups are not."""
    return _is_kind(name) and not _TEMPLATE.fullmatch(name)


def is_likely_name(name: str) -> bool:
    """Whether a file with this name is a Dockerfile if its text starts like one."""
    return _LIKELY.fullmatch(name) is not None and not _is_kind(name)


def is_template_name(name: str) -> bool:
    """Whether the name is that of a template for a Dockerfile."""
    return _is_kind(name) and _TEMPLATE.fullmatch(name) is not None


def _is_kind(name: str) -> bool:
    match = _NAME.fullmatch(name)
    if match is None or _BACKUP.fullmatch(name) or _OTHER_KIND.fullmatch(name):
        return False
    return match["outer"] is None or _TEMPLATE.fullmatch(name) is not None
