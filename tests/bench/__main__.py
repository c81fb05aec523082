"""Measure dockfix by `python -m tests.bench`.

Words: `startup`, `throughput [FOLDER [LIMIT]]`, `monorepo [FILES DOCKERFILES]`. Without a word, all three.
`callers FOLDER... [--samples]` counts contexts, outcomes and reasons over folders of repositories.
`real FOLDER [FILES]` takes real Dockerfiles, and the tools that are installed on the same.
`repositories FOLDER...` runs over repositories with and without evidence.
`cluster [FILES [WORKERS...]]` needs Dask: a scheduler and workers on this machine.
`memory [FILES]` runs over simulated files, a million by default.
`bases [registry|pull] [IMAGE...]` compares the table of bases with real images.
`reality [SCRIPTS STAGES PAIRS [SEED]]` needs docker, and root for the scripts.
`--write-readme [FOLDER]` puts startup and, with a folder of real files, real into README.md.
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
    if "--write-readme" in words:
        _write_readme([Path(word) for word in words if word != "--write-readme"])
        return
    for word in words[:1] or _USUAL:
        print(_MEASURES[word](words[1:]), flush=True)


def _write_readme(folders: list[Path]) -> None:
    tables = [_startup([])]
    if folders:
        from . import real

        tables.insert(0, real.measure(folders[0]))
    print("\n\n".join(tables))
    text = README.read_text(encoding="utf-8")
    new = "".join(f"{table}\n\n" for table in tables)
    README.write_text(SECTION.sub(lambda _: new, text), encoding="utf-8")


def _monorepo(words: list[str]) -> str:
    from . import monorepo

    return monorepo.measure(*map(int, words))


def _startup(_words: list[str]) -> str:
    from . import startup

    return startup.measure()


def _throughput(words: list[str]) -> str:
    from . import throughput

    folder = Path(words[0]) if words else None
    return throughput.measure(folder, *map(int, words[1:]))


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


_USUAL: Final = ("monorepo", "startup", "throughput")
_MEASURES: Final[dict[str, Callable[[list[str]], str]]] = {
    "bases": _bases,
    "callers": _callers,
    "cluster": _cluster,
    "memory": _memory,
    "monorepo": _monorepo,
    "real": _real,
    "reality": _reality,
    "repositories": _repositories,
    "startup": _startup,
    "throughput": _throughput,
}


if __name__ == "__main__":
    if sys.argv[1:] == ["--help"]:
        print(__doc__)
    else:
        main(sys.argv[1:])
