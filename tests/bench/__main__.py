"""Measure dockfix by `python -m tests.bench`.

Words: `startup`, `throughput [FOLDER [LIMIT]]`, `monorepo [FILES DOCKERFILES]`. Without a word, all three.
"""

from __future__ import annotations

import sys
from pathlib import Path


def main(words: list[str]) -> None:
    """Print the tables asked for."""
    if not words or words[0] == "startup":
        from . import startup

        print(startup.measure())
    if not words or words[0] == "throughput":
        from . import throughput

        folder = Path(words[1]) if len(words) > 1 else None
        print(throughput.measure(folder, *map(int, words[2:])))
    if not words or words[0] == "monorepo":
        from . import monorepo

        print(monorepo.measure(*map(int, words[1:])))


if __name__ == "__main__":
    main(sys.argv[1:])
