"""Scripts of the build context that a step runs and that can be read."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from dockfix.model.paths import resolve
from dockfix.model.runs import Invocation

PYTHON: Final = re.compile(r"(?:.*/)?python[\d.]*")
# Code that lets a script reach beyond the working directory and the home.
_REACHING: Final = re.compile(
    r"subprocess|os\.(system|popen|exec|spawn|chown|setuid|symlink|rename)|shutil\.(copy|move|chown)"
    r"|['\"]/(?!tmp/|app/)|socket\.SOCK_RAW|\bsudo\b"
)


def runs_readable_script(one: Invocation, read: Callable[[str], str | None]) -> bool:
    """Whether a command runs a Python file that stays within its working directory and the home.

    `read` returns the text of a file by its absolute path in the image, None if it cannot be read.
    """
    if not PYTHON.fullmatch(one.command.program):
        return False
    script = next((word.expand(one.env) for word in one.command.args if not word.text.startswith("-")), None)
    text = read(resolve(script, one.cwd)) if script and script.endswith(".py") else None
    return text is not None and "setup(" not in text and not _REACHING.search(text)
