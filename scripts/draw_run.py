"""Draw a run for the README: `python scripts/draw_run.py` writes docs/run.svg, which a test compares."""

from __future__ import annotations

import io
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.text import Text

ROOT: Final = Path(__file__).parents[1]
PICTURE: Final = ROOT / "docs" / "run.svg"
COMMANDS: Final = ("dockfix --diff services/orders", "dockfix --check .")
WIDTH: Final = 120
# As rich draws a terminal, with fonts that are on the reader's machine.
FORMAT: Final = """\
<svg class="rich-terminal" viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg">
<style>
.{unique_id}-matrix {{ font-family: ui-monospace, Menlo, Consolas, monospace; font-size: {char_height}px;
  line-height: {line_height}px; font-variant-east-asian: full-width; }}
.{unique_id}-title {{ font-size: 18px; font-weight: bold; font-family: sans-serif; }}
{styles}
</style>
<defs>
<clipPath id="{unique_id}-clip-terminal">
<rect x="0" y="0" width="{terminal_width}" height="{terminal_height}" />
</clipPath>
{lines}
</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g>
</g>
</svg>
"""


def draw() -> str:
    """The picture of the commands in the sample monorepo."""
    console = Console(record=True, width=WIDTH, file=io.StringIO())
    with tempfile.TemporaryDirectory() as base:
        folder = Path(base) / "shop"
        shutil.copytree(ROOT / "fixtures" / "monorepo", folder)
        subprocess.run(["git", "init", "--quiet"], cwd=folder, check=True)
        for command in COMMANDS:
            console.print(Text(f"$ {command}", "bold"))
            console.print(Text.from_ansi(_run(command, folder)), highlight=False)
    return console.export_svg(title="dockfix", code_format=FORMAT, unique_id="run")


def _run(command: str, folder: Path) -> str:
    """What a command prints on a terminal."""
    program, *words = command.split()
    argv = [str(Path(sys.executable).parent / program), *words, "--color", "--no-cache"]
    done = subprocess.run(
        argv, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    return done.stdout.rstrip("\n")


if __name__ == "__main__":
    PICTURE.write_text(draw(), encoding="utf-8")
