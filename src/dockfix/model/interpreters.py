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
_ASKS: Final = re.compile(r"(?:--python|-p|UV_PYTHON)[ =][\"']?(?:cpython-?)?(3[\d.]*)")
_HAS: Final = re.compile(r"\b(?:install|add)\b(?:(?!\binstall\b|\badd\b)[^;&|])*\bpython3")
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
        if stage is not None and fetches(stage, _pinned(plan)):
            yield copy.destination, copy.step.instruction.line


def find_kept_interpreter(plan: Plan) -> int:
    """The line of root's step that downloads the Python of an environment to root's home, or 0.

    The environment links to it, and nobody but root can follow that link.
    """
    if not fetches(plan.lineage.final, _pinned(plan)):
        return 0
    for run in plan.runs.values():
        if run.step.index < plan.user_index and _MAY_FETCH.search(run.step.instruction.args):
            return run.step.instruction.line
    return 0


def _pinned(plan: Plan) -> str:
    return (plan.context.read(".python-version") or "").strip()


def fetches(stage: Stage, pinned: str = "") -> bool:
    """Whether uv downloads a Python in a stage, because its base has none or a different version.

    `pinned` is the version that the build context asks for.
    """
    ancestry = [stage]
    while ancestry[-1].parent is not None:
        ancestry.append(ancestry[-1].parent)
    texts = [str(instruction) for one in ancestry for instruction in one.instructions]
    text = "\n".join(texts)
    if _SETTLED.search(text):
        return False
    if _FETCHES.search(text):
        return True
    asked = _ASKS.search(text)
    wanted = asked[1] if asked else pinned
    here = _VERSION.search(ancestry[-1].reference)
    if not _MAY_FETCH.search(text) or ((here or _HAS.search(text)) and not wanted):
        return False
    return here is None or not f"{wanted}.".startswith(f"{here[1]}.")
