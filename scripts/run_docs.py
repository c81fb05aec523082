"""Run the commands in the documentation and write what they print: `python scripts/run_docs.py [PAGE...]`.

Only blocks whose output differs change; `...` in them goes, so put it back. `--engine` runs the blocks
that need a container engine as well. tests/test_documented.py compares.
"""

from __future__ import annotations

import sys
import tempfile
from itertools import groupby
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[1]
if __name__ == "__main__":
    sys.path.append(str(ROOT / "tests" / "support"))

from applications import build_network  # noqa: E402
from documented import Reader, agrees, pages  # noqa: E402


def renew(page: Path, *, engine: bool) -> bool:
    """Write the outputs of a page anew; whether one of them differed."""
    text = page.read_text(encoding="utf-8")
    bodies: list[tuple[int, int, str]] = []
    with tempfile.TemporaryDirectory() as base:
        network = build_network() if engine else None
        runs = Reader(Path(base), text, engine=engine, network=network).run()
        for block, rows in groupby(runs, key=lambda row: row[0]):
            lines: list[str] = []
            for _, command, printed in rows:
                shown = command.shown if agrees(command.shown, printed) else printed
                lines += [f"$ {command.line}", *shown]
            bodies.append((block.start, block.end, "".join(f"{line}\n" for line in lines)))
    new = text
    for start, end, body in reversed(bodies):
        new = new[:start] + body + new[end:]
    page.write_text(new, encoding="utf-8")
    return new != text


def main(words: list[str]) -> None:
    """Renew the pages that are named, by default all."""
    named = [Path(word) for word in words if word != "--engine"]
    for page in named or pages():
        if renew(page, engine="--engine" in words):
            print(f"{page}: changed")


if __name__ == "__main__":
    main(sys.argv[1:])
