"""The README's table shows what the engine suite finds; run as a program, this module rewrites the table."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from applications import VARIANTS, find_applications

README: Final = Path(__file__).parents[2] / "README.md"
BEGIN: Final = "<!-- hardening: kept by tests/engine/test_hardening_table.py -->\n"
TABLE: Final = re.compile(rf"(?<={BEGIN})(.*?)(?=<!-- end of hardening -->)", re.DOTALL)
SPOKEN: Final = {
    "no-capabilities": "`--cap-drop ALL --security-opt no-new-privileges`",
    "numeric": "`--numeric`",
    "read-only": "`--read-only` with its mounts, and the first row",
    "arbitrary-uid": "`--any-uid` with `--user 123456:0`, and the first row",
}


def table() -> str:
    """How many of the proven applications pass, without those that `fails` in app.toml names."""
    proven = [found.facts for found in find_applications() if found.facts["expect"] == "proven"]
    rows = [
        f"| {SPOKEN[variant]} | {sum(passes(facts, variant) for facts in proven)} |" for variant in VARIANTS
    ]
    return "\n".join([f"| run with | hold, of {len(proven)} |", "|---|---|", *rows])


def passes(facts: Mapping[str, Any], variant: str) -> bool:
    return variant not in facts.get("fails", ())


def test_table_is_true() -> None:
    match = TABLE.search(README.read_text(encoding="utf-8"))
    assert match is not None
    assert match[1].strip() == table()


if __name__ == "__main__":
    text = README.read_text(encoding="utf-8")
    README.write_text(TABLE.sub(table() + "\n", text), encoding="utf-8")
