"""Give the account the directories that the application writes to.

A WORKDIR above USER is created by root and stays root's; so do a volume's directory and the data
directories that root's steps create. The RUN that creates the account, or one of their own just
above USER, creates them and changes their owner; what RUNs of root's leave in them is given by these RUNs
themselves, if there are few. Nothing is opened to everybody (no mode 777), and the owner of a copied
tree is never changed afterwards, which would store it twice. For any uid, what a
copy brings with a mode that lets only its owner read it is opened to the group.

Source: moby/moby#36677, moby/moby#20295 (WORKDIR stays root's); moby/moby#22810 (`chown -R` stores
a tree twice).
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Final

from dockfix.edits import Edit
from dockfix.model.closed_copies import find_closed, open_to_group
from dockfix.model.filetree import Kind
from dockfix.model.givers import can_give
from dockfix.model.lineage import Step
from dockfix.model.ownership import OwnershipChange, Reach, find_ownership_changes
from dockfix.model.paths import find_around, is_below_any
from dockfix.model.plan import Plan
from dockfix.model.spelling import Speller
from dockfix.syntax.style import MAX_WIDTH, Layout, NewLine
from dockfix.transforms.create_user import account_command

_ORDER: Final = (Reach.SELF, Reach.ALL, Reach.ROOTS)
NAME = "own-directories"
CHANGES = ""
CASES = ("cases/apt-get-before-the-application",)
BEFORE = """\
FROM python:3.12-slim
WORKDIR /app
RUN apt-get update && apt-get install -y gcc
RUN useradd --create-home appuser
USER appuser
CMD ["python", "-m", "http.server"]
"""
AFTER = """\
FROM python:3.12-slim
WORKDIR /app
RUN apt-get update && apt-get install -y gcc
RUN useradd --create-home appuser && chown appuser:appuser /app
USER appuser
CMD ["python", "-m", "http.server"]
"""


def propose(plan: Plan) -> Iterator[Edit]:
    """The mkdir and chown commands: behind the RUNs that fill a directory, or together."""
    if not plan.runs_as_user or plan.lineage.image.account_command == "none":
        return
    found = find_ownership_changes(plan)
    given = [one for one in found if _exists_before(plan, one.makers) and can_give(plan, one)]
    yield from _give_in_place(plan, given)
    yield from _give_together(plan, [one for one in found if one not in given], found)


def _give_in_place(plan: Plan, changes: list[OwnershipChange]) -> Iterator[Edit]:
    """The commands behind the RUNs that leave what they give."""
    for index in sorted({index for one in changes for index in one.makers}):
        own = [_share(one) for one in changes if index in one.makers]
        yield _append(plan, plan.steps[index], commands(plan, own, index + 1))


def _give_together(
    plan: Plan, changes: list[OwnershipChange], found: Iterable[OwnershipChange]
) -> Iterator[Edit]:
    """The commands in the account's RUN, as far as possible, and in one above USER."""
    account = _account_step(plan)
    if account is not None:
        late = {one.path for one in found if one.since >= account.index}
        early = [one for one in changes if _is_early(plan, one, account.index, late)]
        early = [one for one in early if _is_decided(plan, one.path, account.index)]
        if parts := commands(plan, early, account.index):
            yield _append(plan, account, parts)
        changes = [one for one in changes if one not in early]
    user = plan.steps[plan.user_index - 1]
    if plan.repairs is not None and not user.before.is_root:
        return
    parts = commands(plan, changes, user.index)
    if plan.serves_any_uid and (opening := open_to_group(find_closed(plan))):
        parts.append(opening)
    if parts:
        line = NewLine("RUN", " && ".join(parts), "Give the user its directories")
        yield Layout(plan.tree).insert_before(user.instruction, [line])


def _exists_before(plan: Plan, makers: tuple[int, ...]) -> bool:
    """Whether the account exists before all those steps."""
    created = plan.account.created
    return bool(makers) and (created is None or created.index < makers[0])


def _share(change: OwnershipChange) -> OwnershipChange:
    """The part of a change that each of several RUNs makes: not again what those above it have given."""
    return replace(change, reach=Reach.ROOTS) if len(change.makers) > 1 else change


def _is_early(plan: Plan, one: OwnershipChange, at: int, late: Container[str]) -> bool:
    """Whether a change can be made where the account is created, at the step `at`.

    What later steps create around a directory comes first.
    """
    if one.since >= at or one.exists(at):
        return one.since < at
    return plan.repairs is None and not any(other.path in late for other in one.around)


def _is_decided(plan: Plan, path: str, at: int) -> bool:
    """Whether the build arguments that decide on a path are known at a step."""
    return Speller(plan, at).spell(path) != path or Speller(plan, plan.user_index).spell(path) == path


def _account_step(plan: Plan) -> Step | None:
    """The RUN that create-user added, if commands can be appended to it."""
    step = plan.account.created
    if step is None or (plan.repairs is not None and isinstance(plan.origins[step.index], int)):
        return None
    written = account_command(plan.account, plan.lineage.image)
    return step if step.instruction.args.split() == written.split() else None


def _append(plan: Plan, step: Step, parts: list[str]) -> Edit:
    instruction = step.instruction
    at = instruction.after(instruction.args_end)
    lines = instruction.source[instruction.start : at].splitlines()
    width = len(lines[-1]) + sum(len(part) + 4 for part in parts)
    line_end = f"{plan.tree.escape}{plan.tree.eol}"
    indent = min((line[: -len(line.lstrip())] for line in lines[1:] if line.strip()), default="    ")
    joint = " && " if len(lines) == 1 and width <= MAX_WIDTH else f" {line_end}{indent}&& "
    if len(lines) > 1 and lines[-2].rstrip(f" {plan.tree.escape}").endswith("&&"):
        joint = f" && {line_end}{indent}"
    return Edit(at, at, "".join(joint + part for part in parts))


def commands(plan: Plan, changes: Iterable[OwnershipChange], at: int) -> list[str]:
    """The shell commands that make the changes at the step `at`.

    Paths with the same change share a command.
    """
    changes = list(_with_parents(changes, at))
    speller = Speller(plan, at)
    spell = speller.spell
    new = [spell(one.path) for one in changes if not one.exists(at)]
    found = ["mkdir -p " + " ".join(new)] if new else []
    wide = [one.path for one in changes if one.reach is not Reach.SELF]
    reaches: dict[str, Reach] = {}
    for one in changes:
        reaches[one.path] = max(one.reach, reaches.get(one.path, one.reach))
    by_manner: dict[tuple[Reach, str], list[str]] = {}
    for one in sorted(changes, key=lambda one: _ORDER.index(one.reach)):
        if _is_covered(one, reaches) or (one.is_owned and one.exists(at)):
            continue
        owner = speller.spell_owner(_owner(plan, one))
        by_manner.setdefault((one.reach, owner), []).append(one.path)
    for (reach, owner), paths in by_manner.items():
        places = " ".join(map(spell, paths))
        if reach is Reach.SELF:
            found.append(f"chown {owner} {places}")
        elif reach is Reach.ALL:
            found.append(f"chown -R {owner} {places}")
        elif plan.lineage.image.account_command == "busybox":
            found.append(f"find {places} -user root -exec chown -h {owner} {{}} +")
        else:
            found.append(f"chown -R --from=root {owner} {places}")
    if plan.serves_any_uid:
        found += _open_to_group(changes, wide, spell)
    return [*found, *_open([one for one in changes if one.opens and one.exists(at)], spell)]


def _is_covered(one: OwnershipChange, reaches: Mapping[str, Reach]) -> bool:
    """Whether a wider change of a directory around it includes it."""
    return any(reaches.get(path, one.reach) > one.reach for path in find_around(one.path))


def _open(closed: list[OwnershipChange], spell: Callable[[str], str]) -> Iterator[str]:
    """The chmod commands that let the owner enter directories, and those in them."""
    for command, is_inside in (("chmod u+rwx", False), ("chmod -R u+rwX", True)):
        if paths := [spell(one.path) for one in closed if one.opens_inside is is_inside]:
            yield f"{command} {' '.join(paths)}"


def _open_to_group(
    changes: Iterable[OwnershipChange], wide: list[str], spell: Callable[[str], str]
) -> Iterator[str]:
    """The chmod commands that give group 0 what the owner may do."""
    alone = [one.path for one in changes if one.reach is Reach.SELF and not is_below_any(one.path, wide)]
    if alone:
        yield "chmod g=u " + " ".join(map(spell, alone))
    if wide:
        yield "chmod -R g=u " + " ".join(map(spell, wide))


def _with_parents(changes: Iterable[OwnershipChange], at: int) -> Iterator[OwnershipChange]:
    """The changes, each preceded by the account's directories above it that have to be created."""
    done: set[str] = set()
    for one in changes:
        above = () if one.exists(at) else (other for other in one.around if not other.exists(at))
        for other in (*above, one):
            if other.path not in done:
                done.add(other.path)
                yield other


def _owner(plan: Plan, change: OwnershipChange) -> str:
    """The account, with its group unless a step gave the place to another, such as OpenShift's group 0."""
    if plan.serves_any_uid:
        return plan.account.owner
    tree, mine = plan.rehearsal.end, plan.rehearsal.user.gid
    nodes = tree.look(tree.follow(change.path))
    regrouped = any(node.kind is not Kind.ABSENT and node.gid not in (node.uid, mine) for node in nodes)
    return plan.account.owner.partition(":")[0] if regrouped else plan.account.owner
