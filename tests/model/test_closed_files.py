"""Files of the build context that only their owner may read, and that the rewrite gives to the account."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from dockfix import Changed, Options, fix
from dockfix.files.build_context import describe_context
from dockfix.options import Chown

APT = "RUN apt-get update && apt-get install -y curl\n"
TO_SYSTEM = "COPY shop.ini /etc/shop/shop.ini\nCOPY start.sh /usr/local/bin/\n"


def rewritten(folder: Path, modes: Mapping[str, int], copies: str, options: Options) -> Changed:
    """The rewrite of a file whose copies come before a step of root's, with these modes in its context."""
    files = {
        "shop.ini": "[shop]\n",
        "start.sh": "#!/bin/sh\nexec python /app/main.py\n",
        "main.py": "print()\n",
    }
    for name, text in files.items():
        (folder / name).write_text(text)
        (folder / name).chmod(modes.get(name, 0o755))
    start = 'ENTRYPOINT ["/usr/local/bin/start.sh"]\n'
    text = f"FROM python:3.12-slim\nWORKDIR /app\n{copies}COPY main.py .\n{APT}{start}"
    (folder / "Dockerfile").write_text(text)
    result = fix(text, options, describe_context(str(folder / "Dockerfile")))
    assert isinstance(result, Changed), result
    return result


@pytest.mark.parametrize(
    ("modes", "given"),
    [
        ({}, []),
        ({"shop.ini": 0o644}, []),
        ({"shop.ini": 0o600}, ["shop.ini"]),
        ({"start.sh": 0o700}, ["start.sh"]),
        ({"shop.ini": 0o640, "start.sh": 0o750}, ["shop.ini", "start.sh"]),
    ],
)
def test_copy_to_a_system_directory_is_given_where_its_mode_closes_it(
    tmp_path: Path, modes: Mapping[str, int], given: list[str]
) -> None:
    result = rewritten(tmp_path, modes, TO_SYSTEM, Options())
    lines = [line for line in result.text.splitlines() if line.startswith("COPY --chown=appuser:appuser")]
    assert [line.split()[2] for line in lines] == [*given, "main.py"]
    assert not result.reviews


@pytest.mark.parametrize("place", ["/etc/sudoers.d/shop", "/etc/cron.d/shop", "/root/shop.ini"])
def test_what_must_be_roots_stays_roots(tmp_path: Path, place: str) -> None:
    text = rewritten(tmp_path, {"shop.ini": 0o600}, f"COPY shop.ini {place}\n{TO_SYSTEM}", Options()).text
    assert f"COPY shop.ini {place}\n" in text


def test_no_ownership_was_asked_for_so_it_is_a_review(tmp_path: Path) -> None:
    result = rewritten(tmp_path, {"start.sh": 0o700}, TO_SYSTEM, Options(chown=Chown.NONE))
    assert [one.code for one in result.reviews] == ["denied-to-user"]
