from __future__ import annotations

from typing import Any

import pytest

from dockfix.repository.arguments import UNKNOWN
from dockfix.repository.expressions import fill, fill_text

CONTEXTS = {
    "matrix": {"dir": "api", "target": {"file": "a.Dockerfile"}, "with-dash": "x"},
    "env": {"EMPTY": "", "STAGE": "prod"},
    "inputs": {"release": "false"},
}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("matrix.dir", "api"),
        ("matrix.target.file", "a.Dockerfile"),
        ("matrix['with-dash']", "x"),
        ("matrix.with-dash", "x"),
        ("matrix.none", UNKNOWN),
        ("github.sha", UNKNOWN),
        ("secrets.X || 'd'", UNKNOWN),
        ("env.EMPTY || 'd'", "d"),
        ("env.STAGE || 'd'", "prod"),
        ("env.STAGE == 'PROD' && 'a' || 'b'", "a"),
        ("env.STAGE != 'prod' && 'a' || 'b'", "b"),
        ("inputs.release && 'a' || 'b'", "b"),
        ("github.ref == 'x' && 'a' || 'b'", UNKNOWN),
        ("!inputs.release && 'a'", "a"),
        ("(matrix.dir == 'api') && 'it''s' || 2", "it's"),
        ("format('{0}/{1}', matrix.dir, 7)", "api/7"),
        ("fromJson(env.STAGE)", UNKNOWN),
        ("fromJson(env.STAGE).dir", UNKNOWN),
        ("contains(env.STAGE, 'x') || 'a'", UNKNOWN),
        ("true", True),
        ("null", None),
        ("1 +", UNKNOWN),
        ("(" * 99, UNKNOWN),
        ("", UNKNOWN),
    ],
)
def test_expressions(text: str, value: Any) -> None:
    assert fill(f"${{{{ {text} }}}}", CONTEXTS) == value


def test_expressions_within_a_text_and_within_mappings() -> None:
    assert fill_text("a/${{ matrix.dir }}/${{github.sha}}/b", CONTEXTS) == f"a/api/{UNKNOWN}/b"
    assert fill({"a": ["${{ matrix.target }}", "x"], "b": None}, CONTEXTS) == {
        "a": [{"file": "a.Dockerfile"}, "x"],
        "b": None,
    }
