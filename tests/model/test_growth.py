"""What a file costs grows with its length, and no faster, whatever it consists of."""

from __future__ import annotations

import sys
from collections.abc import Callable

import pytest

from dockfix import Options, fix

HEAD = "FROM python:3.12\nWORKDIR /app\n"
TAIL = 'CMD ["python", "app.py"]\n'
SHAPES: dict[str, Callable[[int], str]] = {
    "volumes": lambda many: "VOLUME " + " ".join(f"/d{one}" for one in range(many)),
    "owners": lambda many: "RUN " + " && ".join(f"mkdir /d/{n} && chown root /d/{n}" for n in range(many)),
    "copies": lambda many: "\n".join(f"COPY f{one} /d{one}/" for one in range(many)),
    "edits": lambda many: (
        "RUN "
        + " && ".join(
            ["git clone https://example.org/app /opt/app", *many * ["sed -i s/a/b/ /opt/app/*/rules"]]
        )
    ),
    "directories": lambda many: "RUN mkdir -p " + " ".join(f"/data/d{one}" for one in range(many)),
}


def count_calls(text: str) -> int:
    calls = 0

    def count(_frame: object, event: str, _argument: object) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")

    sys.setprofile(count)
    try:
        fix(text, Options(unsafe=True))
    finally:
        sys.setprofile(None)
    return calls


@pytest.mark.parametrize("name", SHAPES)
def test_four_times_the_length_takes_about_four_times_the_calls(name: str) -> None:
    first, short, long = (f"{HEAD}{SHAPES[name](many)}\n{TAIL}" for many in (2, 40, 160))
    fix(first, Options(unsafe=True))  # what is loaded once is not counted
    assert count_calls(long) < 5.5 * count_calls(short)


GROWING = {
    "into itself": lambda number: f"cp -r /opt/app/. /opt/app/{number}",
    "to and fro": lambda _: "(mv /opt/app /opt/old || mv /opt/old /opt/app)",
}


@pytest.mark.parametrize("name", GROWING)
def test_a_tree_that_doubles_with_each_command_is_not_listed_any_further(name: str) -> None:
    short, long = (
        f"{HEAD}COPY . /opt/app/\nRUN {' && '.join(map(GROWING[name], range(many)))}\n{TAIL}"
        for many in (8, 16)
    )
    assert count_calls(long) < 5 * count_calls(short)
