"""RUNs that give to the account what they leave, in the same layer."""

from __future__ import annotations

import pytest

from dockfix import Changed, fix

HEAD = "FROM python:3.12-slim\nWORKDIR /app\n"
LAST = 'CMD ["serve"]\n'
GIVE = "chown -R appuser:appuser /app"
AGAIN = "chown -R --from=root appuser:appuser /app"


def fixed(steps: str) -> str:
    result = fix(HEAD + steps + LAST)
    assert isinstance(result, Changed)
    return result.text


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        ("RUN apt-get update && make all\n", f"RUN apt-get update && make all && {GIVE}\n"),
        # As the RUN separates its commands itself.
        ("RUN apt-get update && \\\n\tmake all\n", f"\tmake all && \\\n\t{GIVE}\n"),
        ("RUN apt-get update \\\n  && make all\n", f"  && make all \\\n  && {GIVE}\n"),
        ("RUN set -e; apt-get update; \\\n    make all\n", f"    make all \\\n    && {GIVE}\n"),
        ("RUN apt-get update; for one in a b; do make $one; done\n", f"done && {GIVE}\n"),
        # Each of two gives what it leaves, and what another has given is not touched.
        ("RUN apt-get update && make a\nRUN apt-get update && make b\n", f"make a && {AGAIN}\n"),
        ("RUN apt-get update && make a\nRUN apt-get update && make b\n", f"make b && {AGAIN}\n"),
    ],
)
def test_what_a_step_leaves_is_given_behind_it(steps: str, expected: str) -> None:
    assert expected in fixed(steps)
    assert "RUN chown" not in fixed(steps)


@pytest.mark.parametrize(
    "steps",
    [
        # A loop to the left of && no longer ends at an error, even after set -e.
        "RUN set -e; apt-get update; for one in a b; do make $one; done\n",
        'SHELL ["/bin/bash", "-ec"]\nRUN apt-get update; for one in a b; do make $one; done\n',
        "RUN set -e; all() { apt-get update; make; }; all\n",
        "RUN apt-get update && make all # everything\n",
        "RUN apt-get update && make all;\n",
        "RUN apt-get update && make all && exit 0\n",
        "RUN <<EOF\napt-get update\nmake all\nEOF\n",
        'RUN ["sh", "-c", "apt-get update && make all"]\n',
        "RUN --mount=type=cache,target=/app/cache apt-get update && make all\n",
        # Too many to repeat it behind each.
        "RUN apt-get update && make a\nRUN make b\nRUN make c\nRUN apt-get update && make d\n",
    ],
)
def test_a_step_that_cannot_take_a_command_is_followed_by_one(steps: str) -> None:
    lines = fixed(steps).splitlines()
    assert any(
        line.startswith("RUN ") and line.endswith((GIVE, AGAIN)) and "make" not in line for line in lines
    )
    assert all(line in lines for line in steps.splitlines())


def test_the_account_is_created_above_a_step_that_fills_a_directory() -> None:
    lines = fixed(
        "RUN apt-get update && git clone https://example.org/x.git .\nRUN pip install y\n"
    ).splitlines()
    assert lines[2] == "RUN useradd --create-home appuser"
    assert lines[3].endswith(GIVE)
