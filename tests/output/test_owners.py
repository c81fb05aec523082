"""CODEOWNERS as GitLab reads it; what GitHub and it have in common is in test_patches.py."""

from __future__ import annotations

from pathlib import Path
from time import process_time

import pytest
from file_results import changed

from dockfix.output.owners import Owners

GITLAB = """\
# Required for all files
* @general
path\\ with\\ spaces/ @spaces

[Documentation] @docs-team
docs/
README.md @writers

[Database][2] @database-team @dba
model/db/
!model/db/fixtures/
config/db/ @docs-team

^[Security] @security
secrets/

[DOCUMENTATION]
guides/ @guides

[a-c]/x @letters
"""


@pytest.mark.parametrize(
    ("name", "owners"),
    [
        ("Dockerfile", "@general"),
        ("path with spaces/Dockerfile", "@spaces"),
        ("docs/Dockerfile", "@general @docs-team"),
        ("README.md/Dockerfile", "@general @writers"),
        ("model/db/Dockerfile", "@general @database-team @dba"),
        ("model/db/fixtures/Dockerfile", "@general"),
        ("config/db/Dockerfile", "@general @docs-team"),
        ("secrets/Dockerfile", "@general"),
        ("guides/Dockerfile", "@general @guides"),
        ("b/x/Dockerfile", "@general @letters"),
    ],
)
def test_each_section_gives_a_file_its_owners(tmp_path: Path, name: str, owners: str) -> None:
    (tmp_path / ".gitlab").mkdir()
    (tmp_path / ".gitlab/CODEOWNERS").write_text(GITLAB)
    assert Owners(str(tmp_path)).of(changed(name)) == owners


def test_optional_sections_count_where_there_is_no_other(tmp_path: Path) -> None:
    (tmp_path / "CODEOWNERS").write_text(GITLAB.replace("* @general\n", ""))
    assert Owners(str(tmp_path)).of(changed("secrets/Dockerfile")) == "@security"
    assert Owners(str(tmp_path)).of(changed("Dockerfile")) == "unowned"


@pytest.mark.parametrize(
    "lines",
    [
        pytest.param("a b\n" * 50_000, id="the same"),
        pytest.param("".join(f"a/{number} b\n" for number in range(25_000)), id="plain"),
        pytest.param("".join(f"*{number} b\n" for number in range(25_000)), id="wild"),
        pytest.param("".join(f"a/*{number} b\n" for number in range(25_000)), id="wild in a folder"),
        pytest.param("!a\n" * 50_000, id="exempt"),
    ],
)
def test_many_short_lines_take_little_time(tmp_path: Path, lines: str) -> None:
    (tmp_path / "CODEOWNERS").write_text(lines)
    started = process_time()
    owners = Owners(str(tmp_path))
    found = {owners.of(changed(f"a/c/{number}.Dockerfile", "", "")) for number in range(5)}
    assert len(found) == 1
    assert process_time() - started < 3
