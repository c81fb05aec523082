"""Measure dockfix by `python -m tests.bench`.

Words: `startup`, `throughput [FOLDER [LIMIT]]`, `monorepo [FILES DOCKERFILES]`. Without a word, all three.
`callers FOLDER... [--samples]` counts contexts, outcomes and reasons over folders of repositories.
`real FOLDER [FILES]` takes real Dockerfiles, and the tools that are installed on the same.
`repositories FOLDER...` runs over repositories with and without evidence.
`cluster [FILES [WORKERS...]]` needs Dask: a scheduler and workers on this machine.
`memory [FILES]` runs over simulated files, a million by default.
`bases [registry|pull] [IMAGE...]` compares the table of bases with real images.
`reality [SCRIPTS STAGES PAIRS [SEED]]` needs docker, and root for the scripts.
`--write-readme` measures start and monorepo and puts both tables into README.md.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

README = Path(__file__).parents[2] / "README.md"
SECTION = re.compile(
    r"(?<=<!-- measurements: kept by python -m tests.bench --write-readme -->\n)"
    r"(.*?)(?=<!-- end of measurements -->)",
    re.DOTALL,
)


def main(words: list[str]) -> None:
    """Print the requested tables."""
    writes = "--write-readme" in words
    words = [word for word in words if word != "--write-readme"]
    if words and words[0] in _ALONE:
        print(_ALONE[words[0]](words[1:]))
        return
    tables = []
    if not words or words[0] == "monorepo":
        from . import monorepo

        tables.append(monorepo.measure(*map(int, words[1:])))
        print(tables[-1], flush=True)
    if not words or words[0] == "startup":
        from . import startup

        tables.append(startup.measure())
        print(tables[-1], flush=True)
    if words[:1] == ["throughput"] or not (words or writes):
        from . import throughput

        folder = Path(words[1]) if len(words) > 1 else None
        print(throughput.measure(folder, *map(int, words[2:])))
    if writes:
        text = README.read_text(encoding="utf-8")
        new = "".join(f"{table}\n\n" for table in tables)
        README.write_text(SECTION.sub(lambda _: new, text), encoding="utf-8")


def _bases(words: list[str]) -> str:
    from . import bases

    if not bases.measure(words):
        raise SystemExit(1)
    return ""


def _callers(words: list[str]) -> str:
    from . import callers

    folders = [Path(word) for word in words if word != "--samples"]
    return callers.measure(folders, shows_samples="--samples" in words)


def _cluster(words: list[str]) -> str:
    from . import cluster

    return cluster.measure(*map(int, words))


def _memory(words: list[str]) -> str:
    from . import cluster

    return cluster.simulate(*map(int, words))


def _real(words: list[str]) -> str:
    from . import real

    return real.measure(Path(words[0]), *map(int, words[1:]))


def _reality(words: list[str]) -> str:
    from . import reality

    return reality.measure(*map(int, words))


def _repositories(words: list[str]) -> str:
    from . import real

    return real.measure_repositories([Path(word) for word in words])


_ALONE: Final[dict[str, Callable[[list[str]], str]]] = {
    "bases": _bases,
    "callers": _callers,
    "cluster": _cluster,
    "memory": _memory,
    "real": _real,
    "reality": _reality,
    "repositories": _repositories,
}


if __name__ == "__main__":
    if sys.argv[1:] == ["--help"]:
        print(__doc__)
    else:
        main(sys.argv[1:])
