"""Move what is in root's home to where the account can read it.

/root is closed to everybody else (mode 0700). Copies to it, and PATH entries and working directories
below it, move to the account's home; HOME is set if the file or the base fixes it to /root.
Browsers, models and corpora that a tool fetches into root's home at build time, to be read at run
time, get a place outside it.

Source: microsoft/nni#327, astral-sh/uv#13309, microsoft/playwright#2437.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from dockfix.edits import Edit
from dockfix.model.caches import find_caches
from dockfix.model.paths import is_root_home
from dockfix.model.plan import Plan
from dockfix.model.roothome import find_moves, home_follows
from dockfix.model.spelling import Speller
from dockfix.syntax.style import Layout, NewLine

_EXPANDED: Final = frozenset({"ADD", "COPY", "ENV", "RUN", "VOLUME", "WORKDIR"})
NAME = "home-paths"
CHANGES = r"\w+ .*/root.*"
CASES = ("cases/packages-from-a-builders-root-home",)
BEFORE = """\
FROM python:3.12-slim
RUN useradd --create-home app
USER app
COPY --from=build /root/.local /root/.local
ENV PATH=/root/.local/bin:$PATH
"""
AFTER = """\
FROM python:3.12-slim
RUN useradd --create-home app
USER app
COPY --from=build /root/.local /home/app/.local
ENV PATH=/home/app/.local/bin:$PATH
"""


def propose(plan: Plan) -> Iterator[Edit]:
    """The paths that move to the account's home, and the variables that name a new location."""
    if not plan.runs_as_user or not plan.home.strip("/"):
        return
    if plan.repairs is not None:
        yield from _set_home(plan) if plan.repairs.home else ()
        return
    at = {id(step.instruction): step.index for step in plan.steps if step.keyword in _EXPANDED}
    for instruction, start in find_moves(plan):
        index = at.get(id(instruction))
        home = plan.home if index is None else Speller(plan, index).spell(plan.home)
        yield Edit(instruction.at(start), instruction.after(start + len("/root")), home)
    yield from _set_home(plan)
    if not plan.corrections.shares_home:
        yield from _keep_caches(plan)


def _set_home(plan: Plan) -> Iterator[Edit]:
    """HOME, where it would lead elsewhere than to the account's home."""
    home = plan.lineage.end.env.get("HOME", "/nonexistent" if plan.account.nowhere else plan.home)
    is_unset = plan.serves_any_uid and "HOME" not in plan.lineage.end.env
    if is_unset or home == "/nonexistent" or (is_root_home(home) and not home_follows(plan)):
        value = _home_settings(plan) if is_unset else f'HOME="{plan.home}"'
        line = NewLine("ENV", value, "Set home directory")
        yield Layout(plan.tree).insert_after(plan.steps[_last_without_home(plan)].instruction, [line])


def _keep_caches(plan: Plan) -> Iterator[Edit]:
    """A place outside of root's home for what tools fetch at build time."""
    for cache in find_caches(plan, plan.steps[: plan.user_index]):
        lines = [NewLine("ENV", f'{cache.variable}="{cache.directory}"', cache.comment)]
        if cache.existing:
            lines.append(
                NewLine("RUN", f"mkdir -p {cache.directory}", "Create the directory that is filled below")
            )
        yield Layout(plan.tree).insert_before(cache.step.instruction, lines)


def _home_settings(plan: Plan) -> str:
    """HOME, and USER for programs that would look up the name of their uid (`getpass.getuser`)."""
    # Without a shell, the home cannot be opened to the group.
    home = "/tmp" if plan.lineage.image.account_command == "none" else plan.home
    name = "" if "USER" in plan.lineage.end.env else f' USER="{plan.account.name}"'
    return f'HOME="{home}"{name}'


def _last_without_home(plan: Plan) -> int:
    """The index of the step that HOME follows: USER, or the account's RUN if root's steps share the home."""
    created = plan.account.created
    if plan.corrections.shares_home and created is not None:
        return created.index
    return plan.user_index - 1
