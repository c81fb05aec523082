"""Other tools on the same files; they lint or fix other things."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from .timing import Timed

_RULE: Final = """\
rules:
  - id: start-as-somebody
    languages: [dockerfile]
    severity: WARNING
    message: the image starts as root
    pattern: CMD $...WORDS
    fix: |-
      USER somebody
      CMD $...WORDS
"""
_DOES_NOTHING: Final = ["--metrics", "off", "--disable-version-check", "--quiet", "--autofix", "--dryrun"]


def commands(files: Sequence[str], folder: Path) -> list[Timed]:
    """Each tool with as many files at once as it accepts; semgrep's rule is written next to `folder`."""
    rule = folder.parent / "rule.yml"
    rule.write_text(_RULE)
    found = {
        "dockerfile-doctor": ["dockerfile-doctor", "--quiet"],
        "dockerfile-hardener, a process for each file": _one_by_one("dockerfile-hardener lint"),
        "hadolint": ["hadolint", "--no-fail"],
        "dfc, a process for each file": _one_by_one("dfc"),
        "tally lint": ["tally", "lint"],
        "semgrep, autofix of one rule": ["semgrep", "--config", str(rule), *_DOES_NOTHING],
    }
    return [
        Timed(
            name,
            [*words, *files] if shutil.which(name.split()[0].strip(",")) else None,
            len(files),
            folder,
            codes=range(256),
        )
        for name, words in found.items()
    ]


def _one_by_one(command: str) -> list[str]:
    return ["sh", "-c", f'for file in "$@"; do {command} "$file" >/dev/null 2>&1; done', "-"]
