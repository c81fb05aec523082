from __future__ import annotations

from dataclasses import replace

import pytest

from dockfix.learned import NOTHING, Learned
from dockfix.runner.verdict import Details, Kind, Observation, Verdict
from dockfix.verify.learning import learn

BEFORE = Observation("", "/root", "/app", "", up=True, exit_code=None, seconds=1.0, log_tail=())
AFTER = replace(BEFORE, user="appuser", home="/home/appuser")
STEP = """\
 > [4/5] RUN mkdir /data:
0.2 mkdir: cannot create directory '/data': Permission denied
------
Dockerfile:7
--------------------
   6 |     USER appuser
   7 | >>> RUN mkdir /data
"""


def broken(before: Observation, after: Observation | None, log: str = "") -> Verdict:
    return Verdict(
        Kind.BREAKS, "Dockerfile", "", tuple(log.splitlines()), Details(before=before, after=after)
    )


@pytest.mark.parametrize(
    ("wrote", "unwritable", "denials", "again", "learned"),
    [
        (("/data/db",), ("/data/db",), (), ("/data/db",), ("/data/db",)),
        (("/data/db",), (), ("mkdir '/data': Permission denied",), ("/data/db",), ("/data/db",)),
        (("/app/db",), (), ("[Errno 13] Permission denied: 'db'",), ("/app/db",), ("/app/db",)),
        (("/data/db",), (), ("cannot open /data/db: Permission denied",), ("/data/db",), ("/data/db",)),
        # A name that differs from run to run stands for its folder.
        (("/data/a1", "/data/db"), ("/data/a1",), (), ("/data/b2", "/data/db"), ("/data/",)),
        (("/data/a1",), (), ("open '/data/a1': EACCES",), ("/data/b2",), ("/data/",)),
        # Traces of a run are not learned, unless the application ends for want of them.
        (("/data/a1",), ("/data/a1",), (), ("/other/b2",), ()),
        (("/data/web.pid",), ("/data/web.pid",), (), ("/data/web.pid",), ()),
        (("/data/web.pid",), (), ("Permission denied: '/data/web.pid'",), ("/data/web.pid",), ("/data/",)),
        (("/data/x.pyc", "/data/tmpab12"), ("/data/x.pyc", "/data/tmpab12"), (), ("/data/tmpab12",), ()),
        # Nobody is given what is root's, or what the original did not write.
        (("/etc/app.conf",), ("/etc/app.conf",), (), ("/etc/app.conf",), ()),
        (("/root/state",), ("/root/state",), (), ("/root/state",), ()),
        ((), (), ("Permission denied: '/data/key'",), (), ()),
        ((), (), (), (), ()),
    ],
)
def test_what_the_original_wrote_and_the_account_may_not_is_learned(
    wrote: tuple[str, ...],
    unwritable: tuple[str, ...],
    denials: tuple[str, ...],
    again: tuple[str, ...],
    learned: tuple[str, ...],
) -> None:
    before = replace(BEFORE, wrote=wrote)
    verdict = broken(before, replace(AFTER, unwritable=unwritable, denials=denials))
    assert learn(verdict, str, lambda: replace(before, wrote=again)) == Learned(writes=learned)


def test_a_step_that_is_denied_something_needs_root() -> None:
    found = learn(broken(BEFORE, None, STEP), lambda line: f"step on {line}", lambda: None)
    assert found == Learned(root_steps=("step on 7",))
    other = STEP.replace("Permission denied", "File exists")
    assert learn(broken(BEFORE, None, other), str, lambda: None) == NOTHING


@pytest.mark.parametrize("kind", [kind for kind in Kind if kind is not Kind.BREAKS])
def test_only_what_breaks_teaches(kind: Kind) -> None:
    before = replace(BEFORE, wrote=("/data/db",))
    verdict = broken(before, replace(AFTER, unwritable=("/data/db",)))
    assert learn(replace(verdict, kind=kind), str, lambda: before) == NOTHING


def test_what_is_learned_adds_up() -> None:
    both = Learned(("/b", "/a/")).joined(Learned(("/b",), ("RUN x",), ("~/.x",)))
    assert both == Learned(("/a/", "/b"), ("RUN x",), ("~/.x",))
    assert str(both) == "it writes /a/, /b and it reads ~/.x and RUN x needs root"


def test_what_the_original_reads_in_the_home_of_root_is_learned() -> None:
    read = (
        "/root/.cache/torch/hub/a.pt",
        "/root/.cache/torch/hub/b.pt",
        "/root/.config/shop/settings.ini",
        "/root/.config/matplotlib/matplotlibrc",
        "/root/.cache/matplotlib/fontlist.json",
        "/root/.local/lib/python3.12/site-packages/a.py",
        "/root/.bashrc",
        "/root/model.bin",
    )
    again = replace(BEFORE, read=read)
    found = learn(broken(BEFORE, AFTER), str, lambda: again)
    assert found == Learned(reads=("~/.cache/torch", "~/.config/matplotlib", "~/.config/shop", "~/model.bin"))
    stays = broken(BEFORE, replace(AFTER, home="/root"))
    assert learn(stays, str, lambda: again) == NOTHING
