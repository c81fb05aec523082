"""No module imports in a circle, or from an outer layer; scripts/show_imports.py shows the graph."""

from __future__ import annotations

import grimp
import pytest

from scripts import show_imports


@pytest.fixture(scope="module")
def graph() -> grimp.ImportGraph:
    return show_imports.read_graph()


def test_modules_import_in_no_circle(graph: grimp.ImportGraph) -> None:
    assert show_imports.find_circles(graph) == []


def test_no_module_imports_from_a_layer_further_out(graph: grimp.ImportGraph) -> None:
    assert show_imports.find_upward(graph) == []


def test_packages_import_in_no_circle(graph: grimp.ImportGraph) -> None:
    assert show_imports.find_package_circles(graph) == []


def test_a_model_builds_no_edits(graph: grimp.ImportGraph) -> None:
    assert not {one for one, other in show_imports.find_imports(graph) if other == "dockfix.edits"} & {
        module for module in graph.modules if show_imports.part_of(module) == "model"
    }


def made_of(*imports: tuple[str, str]) -> grimp.ImportGraph:
    """A graph of dockfix modules with these imports."""
    graph = grimp.ImportGraph()
    for importer, imported in imports:
        graph.add_import(importer=f"dockfix.{importer}", imported=f"dockfix.{imported}")
    return graph


def test_finds_a_circle_through_a_third_module() -> None:
    graph = made_of(
        ("model.a", "model.b"), ("model.b", "model.c"), ("model.c", "model.a"), ("model.d", "model.a")
    )
    assert show_imports.find_circles(graph) == [("dockfix.model.a", "dockfix.model.b", "dockfix.model.c")]


def test_finds_packages_that_import_each_other_through_different_modules() -> None:
    graph = made_of(("checks.a", "transforms.b"), ("transforms.c", "checks.d"))
    assert show_imports.find_circles(graph) == []
    assert show_imports.find_package_circles(graph) == [("dockfix.checks", "dockfix.transforms")]


def test_finds_an_upward_import() -> None:
    graph = made_of(
        ("files.cache", "runner.jobs"), ("runner.jobs", "files.cache"), ("runner.jobs", "runner.pool")
    )
    assert show_imports.find_upward(graph) == [("dockfix.files.cache", "dockfix.runner.jobs")]


def test_a_module_of_no_layer_is_an_error() -> None:
    with pytest.raises(ValueError, match="shelf"):
        show_imports.find_upward(made_of(("shelf", "options")))


def test_counts_imports_inside_functions_and_for_type_checkers(graph: grimp.ImportGraph) -> None:
    found = set(show_imports.find_imports(graph))
    assert ("dockfix.__main__", "dockfix.cli") in found  # inside a function
    assert ("dockfix", "dockfix.options") in found  # under TYPE_CHECKING


def test_the_picture_names_layers_circles_and_upward_imports() -> None:
    graph = made_of(("files.cache", "runner.jobs"), ("runner.jobs", "files.cache"))
    text = show_imports.as_text(graph)
    assert "  files        runner (1)\n" in text
    assert "Circles of modules: 1\n  dockfix.files.cache - dockfix.runner.jobs\n" in text
    assert text.endswith("Upward imports: 1\n  dockfix.files.cache -> dockfix.runner.jobs")
    assert '  "files" -> "runner" [label = 1, color = red]\n' in show_imports.as_dot(graph)
    assert '  "runner" -> "files" [label = 1]\n' in show_imports.as_dot(graph)
