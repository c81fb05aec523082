from __future__ import annotations

import pytest

from dockfix.runner.verdict import Process
from dockfix.verify.containers import read_json
from dockfix.verify.observing import Expected, Watch, note, patience

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
