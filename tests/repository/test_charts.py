"""Charts that Helm installs together: where values and templates come from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from dockfix.repository.charts import Charts, Way
from dockfix.repository.neighbours import Read
from dockfix.repository.template_rendering import UNKNOWN


def repository(files: Mapping[str, str]) -> Read:
    """Reads these files, and the names in their folders."""

    def read(path: str) -> str | None:
        if not path.endswith("/"):
            return files.get(path)
        rest = (name.removeprefix(path) for name in files if name.startswith(path))
        names = {name if "/" not in name else name[: name.index("/") + 1] for name in rest}
        return "\n".join(sorted(names)) or None

    return read


def ways(files: Mapping[str, str], chart: str) -> list[tuple[str, Any]]:
    return [(str(way.about.get("name")), way.values) for way in Charts(repository(files)).ways(chart)]


def dependency(name: str, place: str = "", **more: str) -> str:
    facts = {"name": name, "repository": place, **more}
    return f"dependencies: [{{{', '.join(f'{key}: {value!r}' for key, value in facts.items() if value)}}}]"


OWN = {"c/svc/Chart.yaml": "name: svc", "c/svc/values.yaml": "a: x\nb: y"}


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({}, [("svc", {"a": "x", "b": "y"})]),
        ({"c/svc/values-prod.yaml": "b: z"}, [("svc", {"a": "x", "b": "y"}), ("svc", {"a": "x", "b": "z"})]),
        (
            {
                "c/all/Chart.yaml": dependency("svc", "file://../svc", alias="api"),
                "c/all/values.yaml": "api: {a: w}\nglobal: {g: h}",
            },
            [("svc", {"a": "x", "b": "y"}), ("api", {"a": "w", "b": "y", "global": {"g": "h"}})],
        ),
        ({"c/all/Chart.yaml": dependency("svc", "oci://registry/svc")}, [("svc", {"a": "x", "b": "y"})]),
        ({"c/all/Chart.yaml": dependency("svc", "file://../../..")}, [("svc", {"a": "x", "b": "y"})]),
    ],
)
def test_how_a_chart_is_installed(more: dict[str, str], expected: list[tuple[str, Any]]) -> None:
    assert ways({**OWN, **more}, "c/svc/") == expected


def test_a_chart_inside_another_has_that_ones_values_under_its_alias() -> None:
    files = {
        "top/Chart.yaml": "name: top\n" + dependency("svc", alias="api"),
        "top/values.yaml": "api: {a: w}\nsvc: {a: v}",
        "top/charts/svc/Chart.yaml": "name: svc",
        "top/charts/svc/values.yaml": "a: x",
    }
    assert ways(files, "top/charts/svc/") == [("api", {"a": "w"})]


@pytest.mark.parametrize(
    ("imports", "values", "expected"),
    [
        ("[data]", "{}", {"a": "w", "pod": {"x": "1"}}),
        ("[{child: deep.inner, parent: pod.of}]", "{}", {"pod": {"of": {"k": "v"}}}),
        # What the chart says itself comes first, also of the chart that it depends on.
        ("[data]", "{a: own, pod: {y: '2'}}", {"a": "own", "pod": {"x": "1", "y": "2"}}),
        ("[data]", "{lib: {exports: {data: {a: given}}}}", {"a": "given", "pod": {"x": "1"}}),
        ("[nothing, {child: no.where, parent: pod}]", "{}", {"pod": {}}),
    ],
)
def test_values_are_imported_from_the_charts_that_one_depends_on(
    imports: str, values: str, expected: dict[str, Any]
) -> None:
    facts = f"{{name: lib, repository: 'file://../lib', import-values: {imports}}}"
    files = {
        "c/app/Chart.yaml": f"name: app\ndependencies: [{facts}]",
        "c/app/values.yaml": values,
        "c/lib/Chart.yaml": "name: lib",
        "c/lib/values.yaml": "exports: {data: {a: w, pod: {x: '1'}}}\ndeep: {inner: {k: v}}",
    }
    ((name, found),) = ways(files, "c/app/")
    assert name == "app"
    assert {key: value for key, value in found.items() if key != "lib"} == expected


def test_what_a_chart_of_a_registry_would_bring_is_unknown() -> None:
    facts = "{name: lib, repository: 'oci://r/lib', import-values: [{child: a.b, parent: pod}]}"
    files = {"c/app/Chart.yaml": f"name: app\ndependencies: [{facts}]", "c/app/values.yaml": "x: y"}
    assert ways(files, "c/app/") == [("app", {"pod": UNKNOWN, "x": "y"})]


def test_charts_that_depend_on_each_other_end() -> None:
    files = {
        "a/Chart.yaml": "name: a\n" + dependency("b", "file://../b"),
        "b/Chart.yaml": "name: b\n" + dependency("a", "file://../a"),
    }
    assert ways(files, "a/") == [("a", {})]
    assert Charts(repository(files)).defined("a/", "") == {}


def test_values_of_a_folder_that_is_no_chart_are_unknown() -> None:
    assert Charts(repository({"x/templates/a.yaml": ""})).ways("x/") == [Way({}, UNKNOWN)]


def test_an_outer_chart_overrides_what_an_inner_one_defines() -> None:
    def define(name: str, text: str) -> str:
        return f'{{{{ define "{name}" }}}}{text}{{{{ end }}}}'

    files = {
        "top/Chart.yaml": "name: top",
        "top/templates/_a.tpl": define("one", "top"),
        "top/charts/svc/Chart.yaml": "name: svc",
        "top/charts/svc/templates/_a.tpl": define("one", "svc") + define("two", "svc"),
        "top/charts/svc/templates/plain.yaml": define("three", "plain") + define("two", "plain"),
    }
    charts = Charts(repository(files))
    found = charts.defined("top/charts/svc/", '{{ include "three" . }}')
    shown = {name: str(nodes) for name, nodes in found.items()}
    assert {
        name: next(word for word in ("top", "svc", "plain") if word in text) for name, text in shown.items()
    } == {
        "one": "top",
        "two": "svc",
        "three": "plain",
    }
    assert charts.defined("top/charts/svc/", '{{ include "one" . }}').keys() == {"one", "two"}
