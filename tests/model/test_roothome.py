"""What leads to root's home: what moves with the account, and what keeps the image as it is."""

from __future__ import annotations

import pytest

from dockfix import Changed, Skipped, fix

BASE = "FROM python:3.12-slim\n"
APT = "RUN apt-get update && apt-get install -y gcc\n"
START = 'CMD ["python", "-m", "http.server"]\n'


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        # Root's steps use the first HOME, the start the last.
        (f"ENV HOME /root\n{APT}ENV HOME /root\n", ["ENV HOME /root\n", "ENV HOME /home/appuser\n"]),
        (f"ENV HOME=/root/\n{APT}", ["ENV HOME=/root/\n", 'ENV HOME="/home/appuser"\n']),
        # The end of another path.
        (f"ENV CC=/opt/toolset/root/usr/bin/gcc\n{APT}", ["ENV CC=/opt/toolset/root/usr/bin/gcc\n"]),
        # What moves, and a variable that contains it.
        (
            f"ENV LIB /root/lib\nENV LD_LIBRARY_PATH $LIB\n{APT}COPY lib /root/lib\n",
            ["ENV LIB /home/appuser/lib\n", "ENV LD_LIBRARY_PATH $LIB\n"],
        ),
        # One variable, whose value has a space.
        (f"ENV MODE fast HOME /root\n{APT}WORKDIR /root\n", ["ENV MODE fast HOME /home/appuser\n"]),
    ],
)
def test_the_account_has_a_home_of_its_own(steps: str, expected: list[str]) -> None:
    result = fix(BASE + steps + START)
    assert isinstance(result, Changed)
    assert [line for line in result.text.splitlines(keepends=True) if line in expected] == expected


@pytest.mark.parametrize(
    "text",
    [
        # PATH contains HOME, which stays root's while root's steps run.
        f"{BASE}ENV HOME /root\nENV TOOLS $HOME/tools\nENV PATH $PATH:$TOOLS/bin\nWORKDIR /root\n"
        f"COPY install.sh .\nRUN sh install.sh\n{START}",
        # An account without a home.
        "FROM scratch\nADD rootfs.tar /\nENV HOME /root\n" + START,
    ],
)
def test_what_only_root_can_enter_keeps_the_image_as_it_is(text: str) -> None:
    result = fix(text)
    assert isinstance(result, Skipped)
    assert [one.code for one in result.reasons] == ["root-home"]
