"""Steps and starts replayed on the file tree of their image."""

from __future__ import annotations

import pytest
from plans import read_plan
from trees import show

from dockfix.model.filetree import START
from dockfix.model.replay import Replay


def replay(text: str) -> Replay:
    return read_plan(text).replay


LEFT = {
    # BuildKit creates WORKDIR as the user in force; the number of the group is not known here.
    ("WORKDIR /app\n", "/app"): "dir 0 755",
    ("RUN useradd -u 7 app\nUSER app\nWORKDIR /app\n", "/app"): "dir 7:app 755",
    ("COPY --chown=7:8 f /f\n", "/f"): "any 7:8 755",
    ("VOLUME /data\n", "/data"): "dir 0 755",
    # Debian's useradd makes homes 0755, others 0700.
    ("RUN useradd -m -u 7 app\n", "/home/app"): "dir 7:app 755 | dir 7:app 700",
    ("RUN mkdir /data\nRUN rm -r /data\n", "/data"): "absent",
    # Private files of the system stay private in copies that keep their modes, also over others.
    ("RUN cp /etc/shadow /f\n", "/f"): "file 0 640",
    ("RUN touch /f && cp /etc/shadow /f\n", "/f"): "file 0 644",
    ("RUN touch /f && cp -p /etc/shadow /f\n", "/f"): "file 0:shadow 640",
    ("RUN touch /f && cp -p /etc/hostname /f\n", "/f"): "any 0 755",
    # What root runs as somebody else is theirs, and stands in their home.
    ("RUN useradd -u 7 app && mkdir -m 777 /d && su app -c 'mkdir /d/x'\n", "/d/x"): "dir 7:app 755",
    ("RUN useradd -m -u 7 app && su - app -c 'touch ~/x'\n", "/home/app/x"): "file 7:app 644",
    ("RUN useradd -u 7 app && mkdir -m 777 /d && gosu app touch /d/x\n", "/d/x"): "file 7:app 644",
    ("RUN mkdir -m 777 /d && setpriv --reuid=7 sh -c 'touch /d/x'\n", "/d/x"): "file 7:0 644",
    ("RUN useradd -u 7 app && su app -c 'touch /x'\n", "/x"): "absent",
    # Homes that move and go.
    ("RUN useradd -m -u 7 app && touch /home/app/x && usermod -d /h -m app\n", "/h/x"): "file 0 644",
    # In a loop, mkdir may fail without being noticed.
    (
        "RUN mkdir /d && if test -e /x; then touch /d/f; fi\nRUN for x in f; do mkdir -p /d/$x; done\n",
        "/d/f",
    ): "absent | file 0 644 | dir 0 755",
    # Debian's adduser puts system accounts into nogroup.
    ("RUN adduser --system --uid 7 --home /h app\n", "/h"): "dir 7:65534 755 | dir 7:65534 700",
    # With a new number, or another group, an account keeps what is in its home; groupmod changes no files.
    (
        "RUN useradd -m -u 7 app && touch /home/app/x && usermod -u 8 app\n",
        "/home/app",
    ): "dir 8:app 755 | dir 8:app 700",
    ("RUN useradd -m -u 7 app && touch /home/app/x && usermod -u 8 app\n", "/home/app/x"): "file 0 644",
    ("RUN useradd -m -u 7 app && usermod -u 8 app\nUSER app\nRUN touch /tmp/x\n", "/tmp/x"): "file 8:app 644",
    ("RUN useradd -m app && usermod -o -u 0 app\nUSER app\nRUN touch /tmp/x\n", "/tmp/x"): "file 0:app 644",
    (
        "RUN useradd -m -u 7 app && usermod -l web app\nUSER web\nRUN touch /tmp/x\n",
        "/tmp/x",
    ): "file 7:app 644",
    ("RUN useradd -m -u 7 app && usermod -g 0 app\n", "/home/app"): "dir 7:0 755 | dir 7:0 700",
    (
        "RUN groupadd -g 7 g && useradd -m -u 7 -g g app && groupmod -g 9 g\n",
        "/home/app",
    ): "dir 7 755 | dir 7 700",
    (
        "RUN groupadd -g 7 g && useradd -m -u 7 -g g app && groupmod -g 9 g\nUSER app\nRUN touch /tmp/x\n",
        "/tmp/x",
    ): "file 7:9 644",
    # The skeleton is for a home that useradd makes.
    (
        "RUN mkdir -p /h && touch /h/.profile; rmdir /h || true; useradd -u 7 -m -d /h app\n",
        "/h/.profile",
    ): "file 0 644 | absent | file 7:app 644",
    ("RUN useradd -m -u 7 app && userdel -r app\n", "/home/app"): "absent",
    # Nothing is there to move, so what needs that does not run.
    ("WORKDIR /app\nRUN <<E\nmv /app/* /o/ && touch /c\ntrue\nE\n", "/c"): "absent",
    ("WORKDIR /app\nRUN <<E\nmv /app/* /o/; touch /c\nE\n", "/c"): "file 0 644",
    ("RUN mv /nothing /o/ >/log && touch /c && touch /d; true\n", "/d"): "absent",
    ("RUN { mv /nothing /o/ && touch /c; } && touch /d; true\n", "/c"): "absent",
    ("RUN make && mv /nothing /o/ && touch /c\n", "/c"): "file 0 644",
    # What an archive brings may be a directory, in which the file would be then.
    (
        "RUN mkdir -m 700 /i && mkdir /i/a /o && tar -cf /p -C /i . && tar -xf /p -C /o\nCOPY x.py /o/x.py\n",
        "/o/x.py",
    ): "any 0 755 | dir 0 700 | dir 0 755 | dir 0 700 | dir 0 755",
    ("RUN useradd -m -b /h -u 7 app\n", "/h/app"): "dir 7:app 755 | dir 7:app 700",
    # An archive of an earlier step may name the directory itself, with any mode.
    (
        "RUN mkdir -m 775 /d && tar -cf /a.tar /etc\nRUN tar -xf /a.tar --no-same-owner -C /d\n",
        "/d",
    ): "dir 0 775 | dir 0 700 | dir 0 755",
}

# /d is the account's or root's, with a file of root's, and a step of the account's.
_EITHER = (
    "RUN useradd -u 7 app && mkdir /d && touch /d/f && if test -e /x; then chown 7:7 /d; fi\nUSER 7:7\nRUN "
)
_EITHER_WAY, _EDITED = "file 0 644 | file 7 644", "file 7 644"
AFTER_DENIAL = {
    # What follows runs even if the edit was denied.
    "true; sed -i s/a/b/ /d/f; true": _EITHER_WAY,
    "<<EOF\nsed -i s/a/b/ /d/f\ntrue\nEOF": _EITHER_WAY,
    "sed -i s/a/b/ /d/f || true": _EITHER_WAY,
    "sh -c 'sed -i s/a/b/ /d/f'; true": _EITHER_WAY,
    "f() { sed -i s/a/b/ /d/f; }; f; true": _EITHER_WAY,
    "for i in f; do sed -i s/a/b/ /d/$i; done": _EITHER_WAY,
    # The build would have ended.
    "true; sed -i s/a/b/ /d/f": _EDITED,
    "sed -i s/a/b/ /d/f && true": _EDITED,
    "set -eu; sed -i s/a/b/ /d/f; true": _EDITED,
    "<<EOF\nset -o errexit\nsed -i s/a/b/ /d/f\ntrue\nEOF": _EDITED,
}


@pytest.mark.parametrize(("text", "path"), LEFT)
def test_left(text: str, path: str) -> None:
    assert show(replay(text).end, path) == LEFT[text, path]


@pytest.mark.parametrize("script", AFTER_DENIAL)
def test_a_denial_that_nothing_notices_leaves_both_ends_possible(script: str) -> None:
    assert show(replay(f"{_EITHER}{script}\n").end, "/d/f") == AFTER_DENIAL[script]


def test_a_step_is_played_as_its_user() -> None:
    played = replay("RUN useradd -u 7 app\nUSER app\nRUN mkdir /data\nRUN mkdir /tmp/x\n")
    denied = [one.operation.path for one in played.outcomes if not one.may_succeed]
    assert denied == ["/data"]
    assert played.who.uid == 7


def test_a_start_is_played_behind_the_steps_and_leaves_the_end_alone() -> None:
    played = replay('RUN mkdir /data\nCMD ["touch", "/data/x"]\n')
    assert [one.operation.path for one in played.outcomes if one.key.step == START] == ["/data/x"]
    assert (show(played.end, "/data/x"), show(played.tree, "/data/x")) == ("absent", "file 0 644")


def test_a_home_that_userdel_removes_is_not_made_again_with_another_account() -> None:
    steps = "RUN useradd -m one && userdel -r one && useradd -m two"
    end = read_plan(f"FROM debian:bookworm\n{steps}\n").replay.end
    assert not end.may_exist("/home/one")
    assert end.exists("/home/two")
