"""Fix every Dockerfile of a folder and count what happens.

usage: python tests/corpus/measure_fixes.py FOLDER [--every N] [--python] [--show OUTCOME --sample K]

Prints counts by outcome and reason, and checks each changed file: BuildKit's parser (PyPI
`dockerfile`) accepts it, and fixing it again changes nothing. Exits 1 where one of these fails or
a file ends in a traceback.
"""

from __future__ import annotations

import argparse
import random
import re
import sys
import traceback
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from dockfix import Changed, Failed, Options, Skipped, Unchanged, fix

PYTHON = re.compile(
    r"^\s*FROM\s+\S*python|\bpip3?\s+install|python3?\s+-m\s+pip", re.IGNORECASE | re.MULTILINE
)
STARTS = re.compile(r"^\s*(CMD|ENTRYPOINT)\b", re.IGNORECASE | re.MULTILINE)
RISK = re.compile(
    r"^\s*VOLUME|^\s*EXPOSE.*(?<!\d)\d{1,3}(?![\d.])|gosu|su-exec|sshd|\bcron\b|crond|supervisor|nginx|apache|httpd|docker\.sock",
    re.IGNORECASE | re.MULTILINE,
)


def measure(path: Path) -> tuple[str, str, tuple[str, ...], bool, str]:
    """(path, outcome, codes, whether the target counts it, what went wrong)."""
    import dockerfile

    try:
        text = path.read_bytes().decode("utf-8")
    except UnicodeDecodeError:
        return str(path), "not UTF-8", (), False, ""
    counted = bool(STARTS.search(text)) and not RISK.search(text)
    try:
        result = fix(text, Options())
        if isinstance(result, Skipped):
            return str(path), "skipped", tuple(reason.code for reason in result.reasons[:1]), counted, ""
        if isinstance(result, Failed):
            return str(path), "failed", (result.error.code,), counted, ""
        if isinstance(result, Unchanged):
            return str(path), "unchanged", (), counted, ""
        codes = tuple(review.code for review in result.reviews)
        outcome = "changed, safe" if result.safe else "changed, needs review"
        again = fix(result.text, Options())
        wrong = f"again: {type(again).__name__}" if isinstance(again, Changed) else ""
        dockerfile.parse_string(result.text)
    except dockerfile.GoParseError as error:
        return str(path), outcome, codes, counted, f"BuildKit refuses the rewrite: {error}"
    except Exception:  # noqa: BLE001 - a traceback is what this looks for
        return str(path), "traceback", (), counted, traceback.format_exc()
    return str(path), outcome, codes, counted, wrong


def chosen(folder: Path, every: int, *, python: bool) -> Iterator[Path]:
    """Every n-th file of the folder in order of name, only those with Python if asked."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file())[::every]
    for path in paths:
        if not python or PYTHON.search(path.read_bytes().decode("utf-8", "replace")):
            yield path


def main() -> int:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("--python", action="store_true", help="only files that name Python or pip")
    parser.add_argument("--show", help="list files of that outcome or code")
    parser.add_argument("--sample", type=int, default=20)
    arguments = parser.parse_args()
    paths = list(chosen(arguments.folder, arguments.every, python=arguments.python))
    with ProcessPoolExecutor() as pool:
        rows = list(pool.map(measure, paths, chunksize=64))
    outcomes = Counter(row[1] for row in rows)
    codes = Counter(f"{row[1]}: {code}" for row in rows for code in row[2])
    print(f"{len(rows)} files")
    for name, count in [*outcomes.most_common(), *codes.most_common()]:
        print(f"{count:7d} {100 * count / len(rows):5.1f}%  {name}")
    counted = [
        row
        for row in rows
        if row[3] and row[1] not in ("unchanged", "not UTF-8") and "rejected-by-buildkit" not in row[2]
    ]
    if counted:
        changed = sum(row[1].startswith("changed") for row in counted)
        review = sum(row[1] == "changed, needs review" for row in counted)
        print(f"of {len(counted)} that run as root, start an application and carry no sign of risk:")
        share = 100 / len(counted)
        print(f"  changed {share * changed:.1f}%, of all needing review {share * review:.1f}%")
        print(
            "  not changed:",
            Counter(c for row in counted if not row[1].startswith("changed") for c in row[2]).most_common(12),
        )
    wrong = [row for row in rows if row[4]]
    for row in wrong[:10]:
        print("WRONG", row[0], row[4])
    if arguments.show:
        hits = [row for row in rows if arguments.show in (row[1], *row[2])]
        for row in random.Random(7).sample(hits, min(arguments.sample, len(hits))):
            print(row[0], row[1], *row[2])
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
