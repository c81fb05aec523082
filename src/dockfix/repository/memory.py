"""What callers said in an earlier run, valid as long as no file that was read for it has changed."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, astuple, fields, replace
from hashlib import blake2b
from itertools import zip_longest
from typing import Any, Final

from dockfix.checks import codes
from dockfix.context import Deployment, Mount, Setting
from dockfix.files.cache import Cache
from dockfix.files.candidates import Candidate
from dockfix.files.stamps import Stamp, settled
from dockfix.options import Options
from dockfix.repository.relations import Relations
from dockfix.results import Finding

Deployments = Mapping[str, tuple[Deployment, ...]]
"""The deployments of each Dockerfile's image, by its absolute path."""

_CHANGED: Final = ("targets", "arguments", "alternatives", "numeric", "images")
"""The options that builds, deployments and bases change."""


def make_key(searches: Sequence[bytes], options: Sequence[Options], *terms: object) -> bytes:
    """What the answers depend on besides files; empty if one of the searches is not stored."""
    if not searches or not all(searches):
        return b""
    numbers: dict[int, int] = {}
    order = [numbers.setdefault(id(one), len(numbers)) for one in options]
    distinct = {id(one): one for one in options}.values()
    rows = [json.dumps(_shallow(one), sort_keys=True, default=_plain) for one in distinct]
    text = repr((terms, rows, order if len(rows) > 1 else len(order)))
    return blake2b(b"".join(searches) + text.encode("utf-8", "surrogatepass"), digest_size=16).digest()


def _shallow(options: Options) -> dict[str, Any]:
    return {one.name: getattr(options, one.name) for one in fields(options)}


def _plain(value: object) -> object:
    if isinstance(value, frozenset):
        return sorted(value)
    return dict(value) if isinstance(value, Mapping) else repr(value)


def recall_callers(
    cache: Cache,
    key: bytes,
    candidates: Sequence[Candidate],
    options: Sequence[Options],
    options_of: Callable[[Sequence[Candidate]], Sequence[Options]],
) -> tuple[Deployments, Relations] | None:
    """(deployments, relations) of the same candidates under the same options; None if they may differ now.

    Descriptions that could not be read become candidates, whose options `options_of` finds.
    """
    known = cache.callers.get(key) if key else None
    if known is None or not cache.stamps.hold(known[0]):
        return None
    _, rows, changes, children, copiers, unread = known
    added = [_unread(*row) for row in unread]
    candidates, options = [*candidates, *added], [*options, *options_of(added)]
    deployments = {real: tuple(map(unpack, found)) for real, found in rows.items()}
    pairs = zip_longest(options, changes)
    own = [replace(one, **change) if change else one for one, change in pairs]
    given = [one._replace(deployments=deployments.get(one.real, ())) for one in candidates]
    return deployments, Relations(given, own, children, copiers)


def remember_callers(
    cache: Cache,
    key: bytes,
    files: Mapping[str, Stamp | None],
    deployments: Deployments,
    options: Sequence[Options],
    relations: Relations,
) -> None:
    """Store the answers, unless one of the `files` that were read for them is too new to be trusted.

    `options` are those of the candidates before, whom the descriptions that could not be read follow; those
    that were beyond the limits may be read the next time.
    """
    added = relations.candidates[len(options) :]
    is_whole = relations.is_whole and not any(one.failed for one in added)
    if not key or not is_whole or any(then is None for then in files.values()):
        return
    cache.callers.pop(key, None)
    cache.callers[key] = (
        cache.share_all(tuple(files.items())),
        {real: tuple(map(asdict, found)) for real, found in deployments.items()},
        tuple(_change(*pair) for pair in zip(options, relations.options, strict=False)),
        {real: tuple(found) for real, found in relations.children.items()},
        {real: tuple(found) for real, found in relations.copiers.items()},
        tuple((one.path, one.real, one.root, astuple(one.refusal)[1:]) for one in added if one.refusal),
    )
    cache.stale = True


def stamps_of(cache: Cache, candidates: Sequence[Candidate]) -> dict[str, Stamp | None]:
    """The stamps of the Dockerfiles; None for one that is too new."""
    return {one.real: settled(cache.stamps.of(one.real)) for one in candidates}


def _unread(path: str, real: str, root: str, finding: tuple[int, str, str]) -> Candidate:
    return Candidate(path, real, Finding(codes.UNREAD_DESCRIPTION, *finding), root=root)


def _change(before: Options, after: Options) -> dict[str, Any]:
    pairs = ((name, getattr(before, name), getattr(after, name)) for name in _CHANGED)
    return {name: new for name, old, new in pairs if old is not new and old != new}


def unpack(row: Mapping[str, Any]) -> Deployment:
    """A deployment from the dicts that `asdict` makes of it."""
    fields = dict(row)
    for name in ("user", "non_root", "group", "read_only", "privileged"):
        fields[name] = None if fields[name] is None else Setting(**fields[name])
    for name in ("ports", "capabilities"):
        fields[name] = tuple(Setting(**one) for one in fields[name])
    mounts = (dict(mount) for mount in fields["mounts"])
    fields["mounts"] = tuple(Mount(**(mount | {"target": Setting(**mount["target"])})) for mount in mounts)
    for name in ("entrypoint", "command"):
        fields[name] = None if fields[name] is None else tuple(fields[name])
    fields["checks"] = tuple(map(tuple, fields["checks"]))
    fields["environment"] = tuple((name, value) for name, value in fields["environment"])
    return Deployment(**fields)
