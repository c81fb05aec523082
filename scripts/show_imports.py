"""Show how the packages of dockfix import each other: `python scripts/show_imports.py [--dot]`.

Text by default: the layers with their packages, what each package imports, circles of modules, and
imports that run upward. `--dot` prints a graph for Graphviz. Imports inside functions and those for
type checkers alone count like any other. tests/test_layers.py holds what is shown here.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterator
from typing import Final

import grimp

PACKAGE: Final = "dockfix"
FACADE: Final = "__init__"
"""What `import dockfix` gives, which is not a package below it."""

LAYERS: Final = (
    (
        "options",
        "results",
        "edits",
        "provenance",
        "lazy",
        "context",
        "diff",
        "image_facts",
        "learned",
        "writable",
    ),
    ("syntax",),
    ("knowledge",),
    ("model",),
    ("transforms", "checks", "evidence"),
    ("finishing", "pipeline"),
    (FACADE,),
    ("config", "hyperlinks", "terminal", "confined", "files", "embedded"),
    ("repository", "discovery"),
    ("runner",),
    ("output",),
    ("verify",),
    ("inspection",),
    ("run", "explain", "interactive", "completion"),
    ("cli", "editor", "agents"),
    ("__main__",),
)
"""Packages and single modules from the innermost outwards: each imports its own layer and those before it."""


def read_graph() -> grimp.ImportGraph:
    """The imports among all modules of dockfix, read from their sources."""
    return grimp.build_graph(PACKAGE, cache_dir=None)


def part_of(module: str) -> str:
    """The package that a module stands in, or its own name where it stands beside the packages."""
    below = module.split(".")[1:]
    return below[0] if below else FACADE


def layer_of(module: str) -> int:
    """The number of a module's layer, from the innermost. Raises ValueError where it has none."""
    for number, parts in enumerate(LAYERS):
        if part_of(module) in parts:
            return number
    raise ValueError(f"{module} is in no layer of scripts/show_imports.py")


def find_imports(graph: grimp.ImportGraph) -> Iterator[tuple[str, str]]:
    """Each (module, module that it imports), sorted."""
    for module in sorted(graph.modules):
        for imported in sorted(graph.find_modules_directly_imported_by(module)):
            yield module, imported


def find_upward(graph: grimp.ImportGraph) -> list[tuple[str, str]]:
    """The imports of a module from a layer further out."""
    return [(module, other) for module, other in find_imports(graph) if layer_of(other) > layer_of(module)]


def find_circles(graph: grimp.ImportGraph) -> list[tuple[str, ...]]:
    """The groups of modules that all import each other, directly or through others of the group."""
    circles = set()
    for module in graph.modules:
        around = graph.find_upstream_modules(module) & graph.find_downstream_modules(module)
        if around:
            circles.add(tuple(sorted({module, *around})))
    return sorted(circles)


def find_arrows(graph: grimp.ImportGraph) -> Counter[tuple[str, str]]:
    """How many imports lead from one package to another."""
    pairs = ((part_of(module), part_of(other)) for module, other in find_imports(graph))
    return Counter((part, other) for part, other in pairs if part != other)


def find_package_circles(graph: grimp.ImportGraph) -> list[tuple[str, ...]]:
    """As `find_circles`, of packages: two that import each other are one, whatever their modules do."""
    packages = grimp.ImportGraph()
    for part, other in find_arrows(graph):
        packages.add_import(importer=f"{PACKAGE}.{part}", imported=f"{PACKAGE}.{other}")
    return find_circles(packages)


def as_text(graph: grimp.ImportGraph) -> str:
    """All of it for a person."""
    arrows = find_arrows(graph)
    present = {part_of(module) for module in graph.modules}
    lines = ["Layers, from the innermost outwards, and what each package imports (how often)"]
    for parts in LAYERS:
        for part in sorted(present.intersection(parts)):
            used = ", ".join(f"{other} ({n})" for (one, other), n in sorted(arrows.items()) if one == part)
            lines.append(f"  {part:<12} {used or '-'}")
        lines.append("")
    lines += _section("Circles of modules", (" - ".join(circle) for circle in find_circles(graph)))
    lines += _section("Circles of packages", (" - ".join(circle) for circle in find_package_circles(graph)))
    lines += _section("Upward imports", (f"{one} -> {other}" for one, other in find_upward(graph)))
    return "\n".join(lines)


def _section(title: str, rows: Iterator[str]) -> list[str]:
    found = [f"  {row}" for row in rows]
    return [f"{title}: {len(found) or 'none'}", *found]


def as_dot(graph: grimp.ImportGraph) -> str:
    """The packages as a graph for Graphviz, a row for each layer; upward arrows are red."""
    present = {part_of(module) for module in graph.modules}
    upward = {(part_of(one), part_of(other)) for one, other in find_upward(graph)}
    lines = ["digraph dockfix {", "  rankdir = BT", "  node [shape = box]"]
    for parts in LAYERS:
        names = "; ".join(f'"{part}"' for part in parts if part in present)
        lines += [f"  {{ rank = same; {names} }}"] if names else []
    for (part, other), count in sorted(find_arrows(graph).items()):
        colour = ", color = red" if (part, other) in upward else ""
        lines.append(f'  "{part}" -> "{other}" [label = {count}{colour}]')
    return "\n".join([*lines, "}"])


def main() -> None:
    """Print the picture."""
    parser = argparse.ArgumentParser(description="Show how the packages of dockfix import each other.")
    parser.add_argument("--dot", action="store_true", help="print a graph for Graphviz")
    show = as_dot if parser.parse_args().dot else as_text
    print(show(read_graph()))


if __name__ == "__main__":
    main()
