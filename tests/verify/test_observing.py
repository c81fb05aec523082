from __future__ import annotations

import pytest

from dockfix.verify.observing import read_json

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
