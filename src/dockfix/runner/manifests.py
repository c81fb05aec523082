"""Edit manifests to match Dockerfiles that now run as a user."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from dockfix.checks import codes
from dockfix.confined import Loss, work
from dockfix.context import Context, Deployment
from dockfix.diff import compare_lines, patch_name
from dockfix.edits import apply_edits
from dockfix.files.candidates import Candidate
from dockfix.files.git import find_top
from dockfix.files.reading import Source, read_source
from dockfix.model.paths import is_root_home
from dockfix.options import Options
from dockfix.repository.manifest_edits import RESOLVED_BY_EDITS, edit_manifest, find_resolved
from dockfix.repository.manifests import read_manifests
from dockfix.repository.memory import Deployments
from dockfix.repository.read_only_edits import make_read_only
from dockfix.results import Changed, Finding, Unchanged
from dockfix.runner.outcome import FileResult
from dockfix.writable import Writable

NAME: Final = "manifests"


@dataclass(frozen=True, slots=True)
class _Wish:
    """A deployment to adapt to the Dockerfile at an absolute path, whose image runs as this user.

    `ids` is `uid:gid`, empty if unknown; `writable` is what has to be mounted for a read-only root. Of an
    image that ran as a user before, user and home are empty: nothing else follows.
    """

    dockerfile: str
    deployment: Deployment
    user: str
    ids: str
    home: str
    writable: tuple[Writable, ...] = ()

    @property
    def key(self) -> tuple[str, str, int]:
        """What distinguishes the deployment from others in its file."""
        return self.deployment.kind, self.deployment.name, self.deployment.line


def follow(
    results: Iterable[FileResult], deployments: Deployments, options: Mapping[str, Options], root: str
) -> Iterator[FileResult]:
    """The results, followed by those of the manifests that are adapted to them.

    `options` are by the Dockerfile's absolute path. Patches are applied in `root`, so manifests elsewhere
    are not edited, and notes about them stay. A note that an edit resolves is dropped; files with such
    notes come last, together with the manifests.
    """
    start = os.path.join(root, "")
    wanted: dict[str, list[_Wish]] = {}
    waiting: list[FileResult] = []
    for file in results:
        wishes = [pair for pair in _wishes(file, deployments, options) if pair[0].startswith(start)]
        for place, wish in wishes:
            wanted.setdefault(place, []).append(wish)
        if wishes and any(note.code in RESOLVED_BY_EDITS for note in _notes(file)):
            waiting.append(file)
        else:
            yield file
    manifests: list[FileResult] = []
    resolved: dict[str, set[str]] = {}
    for place, rows in sorted(wanted.items()):
        if (edited := _edit(place, rows, root, resolved)) is not None:
            manifests.append(edited)
    yield from (_without(file, resolved.get(file.real, set())) for file in waiting)
    yield from manifests


def mark_following(candidates: Sequence[Candidate], root: str) -> list[Candidate]:
    """The candidates, with those deployments marked that will be edited together with them."""
    start = os.path.join(root, "")

    def follows(one: Candidate, by: Deployment) -> bool:
        if by.kind not in ("compose", "kubernetes") or not _place(one.real, by).startswith(start):
            return False
        mounts = [mount.target for mount in by.mounts if is_root_home(mount.target.value)]
        moves = all("$" not in one.value and one.value.rstrip("/") != "/root" for one in mounts)
        return moves and not any("/root" in value for _, value in by.environment)

    return [
        one._replace(deployments=tuple(replace(by, follows=follows(one, by)) for by in one.deployments))
        if one.deployments
        else one
        for one in candidates
    ]


def _wishes(
    file: FileResult, deployments: Deployments, options: Mapping[str, Options]
) -> Iterator[tuple[str, _Wish]]:
    """(path of a manifest, what to adapt in it), for a change that applies."""
    real = file.real
    if isinstance(file.result, Unchanged) and file.result.writable:
        for one in deployments.get(real, ()):
            yield _place(real, one), _Wish(real, one, "", "", "", file.result.writable)
    if file.applies and isinstance(file.result, Changed) and real in deployments:
        user = work(_user_of, (file.result.text, options[real]))
        if isinstance(user, Loss):
            return
        for one in deployments[real]:
            yield _place(real, one), _Wish(real, one, *user, file.result.writable)


def _notes(file: FileResult) -> tuple[Finding, ...]:
    return file.result.notes if isinstance(file.result, Changed) else ()


def _without(file: FileResult, messages: set[str]) -> FileResult:
    """The file's result without the notes with these messages."""
    if not messages or not isinstance(file.result, Changed):
        return file
    notes = tuple(note for note in file.result.notes if note.message not in messages)
    return replace(file, result=replace(file.result, notes=notes))


def _place(real: str, deployment: Deployment) -> str:
    """The path of a deployment's manifest.

    It is relative to the top of the work tree or, without git, to the nearest folder that has it.
    """
    folder = os.path.dirname(real)
    top = find_top(folder)
    if top is not None and os.path.isfile(place := os.path.join(top, deployment.file)):
        return place
    while not os.path.isfile(os.path.join(folder, deployment.file)) and os.path.dirname(folder) != folder:
        folder = os.path.dirname(folder)
    return os.path.join(folder, deployment.file)


def _user_of(asked: tuple[str, Options]) -> tuple[str, str, str]:
    """(name, `uid:gid` or "" if unknown, home) of the user that a rewritten file runs as."""
    from dockfix.model.lineage import find_lineages, read_stages
    from dockfix.model.plan import Plan
    from dockfix.syntax.parser import parse

    text, options = asked
    tree = parse(text)
    stages = read_stages(tree, options)
    plan = Plan(tree, stages, find_lineages(stages, ())[0], options, Context())
    ids = plan.account.ids if plan.account.uid is not None else ""
    return plan.account.name, ids, plan.home


def _edit(place: str, wishes: Sequence[_Wish], root: str, resolved: dict[str, set[str]]) -> FileResult | None:
    """The edited manifest, None if there is nothing to edit.

    Adds the messages that this resolves to `resolved`, by the Dockerfile's path.
    """
    source = read_source(place)
    if not isinstance(source, Source):
        return None
    # The cached deployments may be older than the file, so it is read again.
    read = work(read_manifests, [(wishes[0].deployment.file, source.text)])
    if isinstance(read, Loss):
        return None
    present = {(one.kind, one.name, one.line): one for one in read}
    wanted = {wish.key for wish in wishes}
    others = [one for key, one in present.items() if key not in wanted]
    edits = {
        edit
        for wish in wishes
        if (one := present.get(wish.key)) is not None
        for edit in edit_manifest(
            [one], source.text, user=wish.user, ids=wish.ids, home=wish.home, others=others
        )
    }
    try:
        text = apply_edits(source.text, edits)
    except ValueError:
        return None  # two Dockerfiles need conflicting edits
    text = _make_read_only(text, read, wishes)
    if text == source.text:
        return None
    for wish in wishes if edits else ():
        one = present.get(wish.key)
        if one is not None:
            resolved.setdefault(wish.dockerfile, set()).update(find_resolved(one, edits))
    note = Finding(codes.FOLLOWS, 0, "changed to match the Dockerfiles that it runs", "apply both together")
    return FileResult(
        os.path.relpath(place),
        Changed(text, (NAME,), (), (note,)),
        source.data,
        True,
        tuple(compare_lines(source.text, text)),
        patch_name(place, root),
        real=place,
    )


def _make_read_only(text: str, read: Sequence[Deployment], wishes: Sequence[_Wish]) -> str:
    """A manifest, named as in `read`, with mounts for what its read-only images write."""
    writable = {wish.key: wish.writable for wish in wishes if wish.writable}
    wanted = [at for at, one in enumerate(read) if (one.kind, one.name, one.line) in writable]
    for at in wanted:
        # Each edit moves the lines below it.
        now = work(read_manifests, [(read[at].file, text)])
        if isinstance(now, Loss):
            return text
        one = read[at]
        text = make_read_only(text, now[at], writable[one.kind, one.name, one.line])
    return text
