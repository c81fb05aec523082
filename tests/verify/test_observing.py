from __future__ import annotations

import io
import json
from typing import Any

import pytest

from dockfix.runner.verdict import Observation, Process
from dockfix.verify.containers import read_json
from dockfix.verify.engine import Engine
from dockfix.verify.observing import Expected, Watch, find_missing, note, patience
from dockfix.verify.session import Done

WARNING = 'time="2025-01-01" level=warning msg="[x] {y}"\n'


@pytest.mark.parametrize(
    ("output", "value"),
    [
        ('{"Running": true}\n', {"Running": True}),
        (WARNING + '{"Running": true}\n', {"Running": True}),
        ('[\n  {"Config": {}}\n]\n' + WARNING, [{"Config": {}}]),
        ("[warning] odd\n[1]\n", [1]),
        (WARNING, None),
        ("", None),
    ],
)
def test_values_are_read_from_between_warnings(output: str, value: object) -> None:
    assert read_json(output) == value


def test_a_runtime_that_starts_a_health_check_is_no_process_of_the_image() -> None:
    watch = Watch()
    rows = [(1, 1000, 1000, "python app.py"), (9, 0, 0, "runc init"), (12, 0, 0, "runcible --serve")]
    note(watch, {"processes": rows})
    assert list(watch.processes.values()) == [Process(*rows[0]), Process(*rows[2])]


@pytest.mark.parametrize(
    ("expected", "seconds"),
    [
        (Expected(), 5.0),
        (Expected(seconds=6.0), 5.0),
        (Expected(seconds=6.0, ended=True), 23.0),
        (Expected(seconds=6.0, ports=frozenset({80})), 23.0),
    ],
)
def test_rewrite_has_time_to_do_what_the_original_did(expected: Expected, seconds: float) -> None:
    assert patience(5.0, expected) == seconds


def test_an_image_that_declares_a_port_has_time_to_open_it() -> None:
    assert patience(5.0, Expected(), declares=True) == 20.0
    assert patience(5.0, Expected(seconds=9.0, ports=frozenset({80})), declares=True) == 32.0


class Session:
    """An engine with one image, in which these paths are."""

    engine = Engine("docker", "docker")
    label, closed = "label", False

    def __init__(self, variables: list[str], *paths: str) -> None:
        self.variables = variables
        self.paths = paths

    def call(self, argv: list[str], *_: object) -> Done:
        config = json.dumps([{"Config": {"Env": self.variables}}])
        return Done(0, config if argv[1] == "image" else "0" * 64)

    def stream(self, argv: list[str]) -> io.BytesIO:
        return io.BytesIO(b"x" if argv[2].partition(":")[2] in self.paths else b"")


def test_what_was_read_is_looked_for_in_the_other_home() -> None:
    files = ("/root/.cache/torch/a", "/root/.cache/torch/b", "/root/.shop/key", "/root/model")
    seen = Observation("", "/root", "/app", "", True, None, 1.0, (), read=files)
    after = Observation("u", "/home/u", "/app", "", True, None, 1.0, ())
    session: Any = Session(["TORCH_HOME=/opt/torch"], "/home/u/model")
    assert list(find_missing(session, "image", seen, after)) == ["/root/.shop/key"]
    session = Session([])
    assert sorted(find_missing(session, "image", seen, after)) == [files[0], *files[2:]]
