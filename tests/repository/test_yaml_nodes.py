"""Reading YAML: values, positions, and files made to stall a parser."""

from __future__ import annotations

import pytest
import yaml

from dockfix.repository import yaml_nodes
from dockfix.repository.kubernetes import read_kubernetes
from dockfix.repository.yaml_nodes import (
    get,
    line_of,
    pairs,
    read_documents,
    read_typed,
    read_values,
    text_of,
    walk,
)


@pytest.fixture(autouse=True, params=["libyaml", "Python"])
def loader(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """The pure Python loader must read the same as libyaml."""
    if request.param == "Python":
        monkeypatch.setattr(yaml_nodes, "_LOADER", yaml.SafeLoader)
    elif not yaml.__with_libyaml__:
        pytest.skip("PyYAML was built without libyaml")


LAUGHS = "a0: &a0 {x: 1}\n" + "".join(
    f"a{at}: &a{at} {{<<: [{', '.join([f'*a{at - 1}'] * 9)}]}}\n" for at in range(1, 40)
)
LISTS = "a0: &a0 [x]\n" + "".join(
    f"a{at}: &a{at} [{', '.join([f'*a{at - 1}'] * 9)}]\n" for at in range(1, 40)
)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a: 1\nb: yes\nc: 012\nd: 1:30\n", {"a": "1", "b": "yes", "c": "012", "d": "1:30"}),
        ("on: [push]\n", {"on": ["push"]}),
        ("a:\nb: ~\nc: ''\nd: null\n", {"a": None, "b": None, "c": "", "d": None}),
        ("a: >-\n  one\n  two\n", {"a": "one two"}),
        ("a: {b: c:d, e: [f:g]}\n", {"a": {"b": "c:d", "e": ["f:g"]}}),
        ("x: &x {a: 1, b: 2}\ny: {<<: *x, b: 3}\n", {"x": {"a": "1", "b": "2"}, "y": {"a": "1", "b": "3"}}),
        ("\ufeffa: é\r\n", {"a": "é"}),
    ],
)
def test_values_are_what_stands_there(text: str, value: object) -> None:
    assert read_values(text) == [value]


@pytest.mark.parametrize("text", ["a: b: c\n", "\t- a\n", "{{ template }}\nx: 1\n", "a: \ud800\n", "a: *b\n"])
def test_what_is_not_yaml_has_no_documents(text: str) -> None:
    assert read_documents(text) == []


def test_nodes_know_where_they_stand() -> None:
    text = "# é\nservices:\n  web: {user: 'root'}\n"
    user = get(read_documents(text)[0], "services", "web", "user")
    assert user is not None
    assert (line_of(user), text[user.start_mark.index : user.end_mark.index]) == (3, "'root'")


@pytest.mark.parametrize("text", [LAUGHS, LISTS, "a: &a {<<: *a, b: 1}\n", "a: &a [*a]\n"])
def test_aliases_are_followed_once(text: str) -> None:
    (root,) = read_documents(text)
    assert len(list(walk(root))) < 1000
    assert len(read_values(text)) == 1
    assert list(read_kubernetes("values.yaml", f"containers: []\n{text}")) == []


def test_a_mapping_that_merges_itself_keeps_its_own_pairs() -> None:
    (root,) = read_documents("a: &a {<<: *a, b: 1}\n")
    assert [(key, text_of(value)) for key, value in pairs(get(root, "a"))] == [("b", "1")]


def test_values_are_read_to_the_same_depth_with_their_types_and_without() -> None:
    (value,) = read_values("[" * 150 + "]" * 150)
    assert value == read_typed("[" * 150 + "]" * 150)
    assert str(value) == "[" * 129 + "None" + "]" * 129


def test_only_the_first_document_is_read_with_its_types() -> None:
    text = "a: [yes, 'yes', 12, '12', ~, 1e3]\n---\nb: 1\n"
    assert read_typed(text) == {"a": [True, "yes", 12, "12", None, "1e3"]}
    assert read_typed("a: b: c") is None
