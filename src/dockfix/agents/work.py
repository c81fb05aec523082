"""What the tools do: the files of the folder and their results, as in a run."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence

from dockfix.agents.folder import Folder, OutsideError
from dockfix.config import bare_folders, forget_configs
from dockfix.files.candidates import Candidate
from dockfix.files.descriptors import is_within
from dockfix.files.git import find_top
from dockfix.options.request import Output, Request, VerifyOptions
from dockfix.output.apply import Writer
from dockfix.run import Prepared, fix_files, name_file, open_cache_of, prepare
from dockfix.runner.outcome import FileResult, hold_back
from dockfix.runner.runner import FEW, fix_many
from dockfix.terminal import Terminal


def fix_in(folder: Folder, paths: Sequence[str], *, unsafe: bool) -> Iterator[FileResult]:
    """The results for the Dockerfiles that the paths name or contain.

    Links that lead out of the folder are left out. Raises OutsideError, ConfigError.
    """
    _read_configs_anew(folder)
    request = Request(paths=[folder.resolve(path) for path in paths], overrides={"unsafe": unsafe})
    cache = open_cache_of(request)
    prepared = _within(folder, prepare(request, cache))
    # Small batches are processed in this process, which cannot open anything outside of the folder.
    for at in range(0, len(prepared.candidates), FEW):
        few = slice(at, at + FEW)
        candidates = prepared.candidates[few]
        results = fix_many(candidates, prepared.options[few], seconds=request.execution.seconds, cache=cache)
        for file, candidate in zip(hold_back(results, prepared.reasons[few]), candidates, strict=True):
            yield name_file(folder.root, file, candidate)
    if cache is not None:
        cache.save()


def _read_configs_anew(folder: Folder) -> None:
    """Read the configurations of the folder again; those above it do not apply."""
    forget_configs()
    above = os.path.dirname(folder.root)
    while above not in bare_folders:
        bare_folders.add(above)
        above = os.path.dirname(above)


def _within(folder: Folder, prepared: Prepared) -> Prepared:
    """The candidates in the folder."""
    kept = [at for at, one in enumerate(prepared.candidates) if is_within(one.real, folder.root)]
    return prepared._replace(
        candidates=[_confined(folder, prepared.candidates[at]) for at in kept],
        options=[prepared.options[at] for at in kept],
        reasons=[prepared.reasons[at] for at in kept],
    )


def _confined(folder: Folder, candidate: Candidate) -> Candidate:
    """The candidate without build contexts outside of the folder, named or found."""
    inside = tuple(one for one in candidate.folders if is_within(os.path.realpath(one), folder.root))
    root = candidate.root if is_within(candidate.root, folder.root) else folder.root
    return candidate._replace(folders=inside, root=root)


def verify_in(folder: Folder, path: str, proof: VerifyOptions, *, unsafe: bool) -> FileResult:
    """The result for one Dockerfile, with its proof if it changes.

    Raises OutsideError, also if the repository extends beyond the folder and builds may use it;
    ConfigError.
    """
    _read_configs_anew(folder)
    real = folder.resolve(path)
    top = find_top(os.path.dirname(real))
    if top is not None and not is_within(top, folder.root):
        raise OutsideError(f"builds may use all of {top}: start the server there to verify")
    request = Request(
        paths=[real],
        overrides={"unsafe": unsafe},
        output=Output(diff=True, verify=True),
        proof=proof,
    )
    _, results = fix_files(request, folder.root, open_cache_of(request), Terminal())
    found = list(results)
    if len(found) != 1:
        raise OutsideError(f"{path!r} holds {len(found)} Dockerfiles: name one")
    return found[0]


def write_in(folder: Folder, paths: Sequence[str], *, unsafe: bool) -> Iterator[FileResult]:
    """The results, after writing the changes that apply; `dockfix --undo` undoes them.

    Raises OutsideError, ConfigError.
    """
    real = [folder.resolve(path) for path in paths]
    results = list(fix_in(folder, paths, unsafe=unsafe))
    writer = Writer(real, Terminal(), allow_dirty=False)
    complete = False
    try:
        for file in results:
            yield writer.write(file)
        complete = True
    finally:
        writer.close(complete=complete)
