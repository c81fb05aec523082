"""Python interpreters that uv downloads to root's home, and that virtual environments elsewhere link to."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from dockfix.model.paths import is_root_home

if TYPE_CHECKING:
    from dockfix.model.lineage import Stage
    from dockfix.model.plan import Plan

_FETCHES: Final = re.compile(r"\buv\s+python\s+install\b")
_MAY_FETCH: Final = re.compile(r"\buv\s+(sync|venv|run)\b")
# Settings that make uv use the system's Python, or install its own outside root's home.
_SETTLED: Final = re.compile(
    r"UV_PYTHON_INSTALL_DIR|UV_NO_MANAGED_PYTHON|--no-managed-python|--no-python-downloads"
    r"|UV_PYTHON_DOWNLOADS[\s=]+[\"']?(never|manual|0|false)|only-system"
)
_HOLDS: Final = re.compile(r"/root/\.local(/share(/uv(/python.*)?)?)?/?$")
_VERSION: Final = re.compile(r"python[:-]?(3\.\d+)")


def find_interpreters(plan: Plan) -> Iterator[tuple[str, int]]:
    """(path, line) of each copy that brings such an interpreter; moving it breaks the links to it."""
    for copy in plan.copies:
        if not (copy.stage and is_root_home(copy.destination) and _HOLDS.match(copy.destination)):
            continue
        stage = next((one for one in plan.stages if copy.stage.lower() in one.names()), None)
        if stage is not None and _fetches(stage, plan):
            yield copy.destination, copy.step.instruction.line


def _fetches(stage: Stage, plan: Plan) -> bool:
    """Whether uv downloads a Python in a stage, because its base has none or a different version."""
    ancestry = [stage]
    while ancestry[-1].parent is not None:
        ancestry.append(ancestry[-1].parent)
    texts = [str(instruction) for one in ancestry for instruction in one.instructions]
    text = "\n".join(texts)
    if _SETTLED.search(text):
        return False
    if _FETCHES.search(text):
        return True
    wanted = (plan.context.read(".python-version") or "").strip()
    here = _VERSION.search(ancestry[-1].reference)
    if not _MAY_FETCH.search(text) or (here and not wanted):
        return False
    return here is None or not f"{wanted}.".startswith(f"{here[1]}.")
