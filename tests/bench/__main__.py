"""Measure dockfix: `python -m tests.bench startup` or `throughput [FOLDER [LIMIT]]`; without a word, both."""

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


if __name__ == "__main__":
    main(sys.argv[1:])
