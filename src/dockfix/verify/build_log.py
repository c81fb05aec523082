"""Parse an engine's build log: pip's warnings, and the step at which a build failed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Final

_WARNINGS: Final = {
    "pip-as-root": re.compile(r"Running pip as (?:the 'root' user|root)"),
    "not-on-path": re.compile(r"(?:is|are) installed in '([^']+)' which is not on PATH"),
    "cache-not-writable": re.compile(
        r"or its parent directory is not owned or is not writable by the current user"
    ),
    "user-by-default": re.compile(
        r"Defaulting to user installation because normal site-packages is not writeable"
    ),
}
_WIDEST: Final = 1000
"""The characters of a line that are kept."""
DENIAL: Final = re.compile(
    r"permission denied|permissionerror|errno 13\b|\beacces\b|operation not permitted|not writable"
    r"|read-only file system|unable to find user|is not on path",
    re.IGNORECASE,
)
_STEP: Final = re.compile(
    r"^(?:#(?P<number>\d+) \[(?P<title>[^\]]*)\] (?P<text>.*)|(?:\[\d+/\d+\] )?STEP \d+/\d+: (?P<podman>.*))$"
)
_LINE: Final = re.compile(r"^#(?P<number>\d+) (?:[\d.]+ )?(?P<text>.*)$")
_CACHED: Final = re.compile(r"^#(\d+) CACHED$", re.MULTILINE)
_USING_CACHE: Final = re.compile(r"^(?:\[\d+/\d+\] )?STEP \d+/\d+: (.*)\n--> Using cache \S+$", re.MULTILINE)
_NO_NETWORK: Final = re.compile(
    r"Temporary failure (?:in name resolution|resolving)|Could not resolve (?:host|')"
    r"|Name or service not known|Network is unreachable|No route to host|bad address '|EAI_AGAIN"
    r"|dial tcp: lookup|Connection timed out"
    # The engine has no network to give: moby without a bridge, podman without a plugin for one.
    r"|network \S+ not found|failed to create endpoint|netavark: |failed to find plugin"
)
_NO_IMAGE: Final = re.compile(r"failed to resolve source metadata for |[Ii]nitializing source docker://")
_CULPRIT: Final = re.compile(r"^ *(?P<line>\d+) \| >>> (?P<text>.*)$", re.MULTILINE)
_ERROR: Final = re.compile(r"^(?:ERROR|Error|error): ?(?P<text>.*)$", re.MULTILINE)


def read_warnings(log: str, path: Iterable[str] = ()) -> tuple[str, ...]:
    """Pip's warnings as `code: step`, sorted; scripts in a directory of `path` count as found."""
    found: set[str] = set()
    reached = frozenset(path)
    steps: dict[str, str] = {}
    step = ""
    for line in log.splitlines():
        if title := _STEP.match(line):
            step = title["text"] or title["podman"] or ""
            if title["number"]:
                steps[title["number"]] = step
        match = _LINE.match(line)
        at = steps.get(match["number"], "") if match else step
        for code, pattern in _WARNINGS.items():
            hit = pattern.search(line)
            if hit and not (code == "not-on-path" and hit[1] in reached):
                found.add(f"{code}: {at}")
    return tuple(sorted(found))


def failed_step(log: str) -> str:
    """The instruction at which the build stopped, as named in the log, else the error."""
    if culprits := list(_CULPRIT.finditer(log)):
        return culprits[0]["text"].strip()
    if errors := list(_ERROR.finditer(log)):
        return errors[-1]["text"].strip()
    return ""


def failed_line(log: str) -> int:
    """The line of the Dockerfile at which the build stopped, 0 if the log does not show it."""
    culprit = _CULPRIT.search(log)
    return int(culprit["line"]) if culprit else 0


def denials(log: str, most: int = 5) -> tuple[str, ...]:
    """The first different lines of a log that name a denial."""
    found = (line.strip()[:_WIDEST] for line in log.splitlines() if DENIAL.search(line))
    return tuple(islice(dict.fromkeys(found), most))


def cached_installs(log: str) -> tuple[str, ...]:
    """The steps with pip that came from the engine's cache, and so printed none of their warnings."""
    cached = set(_CACHED.findall(log))
    titles = filter(None, map(_STEP.match, log.splitlines()))
    steps = {title["number"]: title["text"] for title in titles if title["number"]}
    silent = [text for number, text in steps.items() if number in cached]
    return tuple(text for text in (*silent, *_USING_CACHE.findall(log)) if "pip" in text)


def find_warning_lines(lines: Iterable[str]) -> Iterator[str]:
    """The lines with a warning of pip's."""
    return (line for line in lines if any(pattern.search(line) for pattern in _WARNINGS.values()))


def lacks_network(log: str) -> bool:
    """Whether a step of the build could not reach the network."""
    return _NO_NETWORK.search(log) is not None


def lacks_image(log: str) -> bool:
    """Whether an image that the build starts from could not be pulled, which the engine does, not a step."""
    return _NO_IMAGE.search(log) is not None


def tail(log: str, lines: int = 15) -> tuple[str, ...]:
    """The last non-empty lines, each cut to a length that can be shown."""
    return tuple(line.rstrip()[:_WIDEST] for line in log.splitlines() if line.strip())[-lines:]
