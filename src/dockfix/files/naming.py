"""The file names of Dockerfiles."""

from __future__ import annotations

import re

_NAME = re.compile(
    r"(?:docker|container)file(?:[._-].+)?|.+\.(?:docker|container)file(?:\.(?P<outer>[^.]+))?",
    re.IGNORECASE | re.DOTALL,
)
# DockerfileWeb, crawl-dockerfile, web.dockerfile.prod: other files have such names too.
_WORDS = re.compile(r"dockerfile|containerfile", re.IGNORECASE)
_LIKELY = re.compile(r"[\w.-]{0,100}(?:docker|container)file[\w.-]{0,100}", re.IGNORECASE)
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
    if not (_WORDS.search(name) and _LIKELY.fullmatch(name)):
        return False
    return not (_is_kind(name) or _TEMPLATE.fullmatch(name) or _is_of_others(name))


def is_template_name(name: str) -> bool:
    """Whether the name is that of a template for a Dockerfile."""
    return _is_kind(name) and _TEMPLATE.fullmatch(name) is not None


def _is_kind(name: str) -> bool:
    match = _NAME.fullmatch(name)
    if match is None or _is_of_others(name):
        return False
    return match["outer"] is None or _TEMPLATE.fullmatch(name) is not None


def _is_of_others(name: str) -> bool:
    """Whether it is the name of a backup, or of a file of another kind."""
    return _BACKUP.fullmatch(name) is not None or _OTHER_KIND.fullmatch(name) is not None
