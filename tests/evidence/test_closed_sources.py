"""Files of the context that only their owner may read, in copies with an owner of their own."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from dockfix import Changed, fix
from dockfix.files.build_context import describe_context
from dockfix.options import Options

START = """\
FROM python:3.12-slim
WORKDIR /srv/site
COPY {flags}. /srv/site
COPY --chown=somebody app.py /copy/
CMD ["sh", "-c", "cat /srv/site/own.key"]
"""


@pytest.mark.parametrize(
    ("flags", "is_safe"),
    [
        # Given to the account, it is the account's whatever its mode is.
        ("", True),
        # Two accounts that nobody creates: both count as root.
        ("--chown=nobody-else ", False),
        ("--chown=0:0 ", False),
    ],
)
def test_a_closed_file_of_root(flags: str, is_safe: bool, tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text("", encoding="utf-8")
    key = tmp_path / "own.key"
    key.write_text("", encoding="utf-8")
    key.chmod(0o600)
    context = replace(describe_context(str(tmp_path / "Dockerfile")), path="Dockerfile")
    result = fix(START.format(flags=flags), Options(), context)
    assert (isinstance(result, Changed) and result.safe) is is_safe


@pytest.mark.parametrize(
    ("mode", "start", "is_safe"),
    [
        (0o444, "echo started >> log.txt", False),
        (0o444, "cp app.py log.txt", False),
        (0o444, "cat log.txt", True),
        # A new file takes its place.
        (0o444, "sed -i s/a/b/ log.txt", True),
        (0o644, "echo started >> log.txt", True),
    ],
)
def test_a_file_that_nobody_may_write(mode: int, start: str, is_safe: bool, tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text("", encoding="utf-8")
    log = tmp_path / "log.txt"
    log.write_text("", encoding="utf-8")
    log.chmod(mode)
    context = replace(describe_context(str(tmp_path / "Dockerfile")), path="Dockerfile")
    text = f'FROM python:3.12-slim\nWORKDIR /srv/site\nCOPY . .\nCMD ["sh", "-c", "{start}"]\n'
    result = fix(text, Options(), context)
    assert (isinstance(result, Changed) and result.safe) is is_safe
