"""The transforms, one module each, in the order in which they run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import ModuleType
from typing import Final

from dockfix.edits import Edit
from dockfix.model.plan import Plan
from dockfix.results import Code, Kind
from dockfix.transforms import (
    cache_mounts,
    chown_copies,
    create_user,
    home_paths,
    move_caches,
    own_directories,
    pip_user,
    set_user,
    set_workdir,
    silence_pip,
    user_path,
    venv,
)


@dataclass(frozen=True, slots=True)
class Transform:
    """One fix: its code, its documentation, an example before and after, and the edits it proposes.

    `changes` matches the parts of an instruction that it may replace or remove, as `KEYWORD word`; a fix
    that only adds matches nothing.
    """

    code: Code
    doc: str
    before: str
    after: str
    changes: str
    propose: Callable[[Plan], Iterator[Edit]]

    @property
    def name(self) -> str:
        """The name of its code."""
        return self.code.name

    @property
    def summary(self) -> str:
        """The first line of the documentation."""
        return self.code.summary


def _transform(module: ModuleType) -> Transform:
    doc = (module.__doc__ or "").strip()
    code = Code(module.NAME, (Kind.TRANSFORM,), doc.splitlines()[0], module.CASES)
    return Transform(code, doc, module.BEFORE, module.AFTER, module.CHANGES, module.propose)


# Each round sees the edits of earlier rounds; transforms of one round edit different words and do
# not depend on each other. Accounts come before their uses, USER before what depends on the user that runs
# a step. What `mkdir -p` creates on its way, or a copy no longer creates, is given in the end.
ROUNDS: Final = tuple(
    tuple(map(_transform, modules))
    for modules in (
        (create_user, set_user),
        (set_workdir,),
        (home_paths,),
        (own_directories,),
        (chown_copies, pip_user, venv, user_path, cache_mounts, silence_pip, move_caches),
        (own_directories,),
    )
)
TRANSFORMS: Final = tuple({one.name: one for some in ROUNDS for one in some}.values())
