"""Fuzz a reader: `python -m tests.fuzz [READER] [SECONDS] [SEED]`; each in turn without one, or with `all`.

An input that makes a reader raise, take longer than ten seconds of processor time, or take more than
a gigabyte is printed, and the exit code is 1.
"""

from __future__ import annotations

import sys

from tests.fuzz.fuzzing import fuzz
from tests.fuzz.targets import TARGETS


def main(arguments: list[str]) -> int:
    """Fuzz what the arguments name."""
    seconds = float(arguments[1]) if len(arguments) > 1 else 60.0
    seed = int(arguments[2]) if len(arguments) > 2 else 0
    failed = False
    for name in TARGETS if arguments[:1] in ([], ["all"]) else arguments[:1]:
        count, failure = fuzz(name, seconds, seed)
        print(f"{name}: {count:,} inputs" + (f", and failed: {failure}" if failure else ""), flush=True)
        failed = failed or bool(failure)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
