"""The charts of a repository that Helm installs together: their values, and the templates that they define.

See "Charts", "Subcharts and Global Values" and "Library Charts" in the documentation of Helm.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Final

from dockfix.repository.go_templates import Node, parse_template
from dockfix.repository.neighbours import Read
from dockfix.repository.template_functions import merge
from dockfix.repository.template_rendering import UNKNOWN
from dockfix.repository.yaml_nodes import read_typed

_DEEPEST: Final = 4
_MOST_CHARTS: Final = 16
_MOST_WAYS: Final = 8
"""The maximum number of ways to install a chart that are rendered."""
_MOST_TRIED: Final = 32
_SUBCHART: Final = re.compile(r"^(?P<parent>.*?)charts/(?P<name>[^/]+)/$")
_CALL: Final = re.compile(r"""\b(?:include|template)[ \t]+["`]([^"`\n]+)["`]""")

Defined = dict[str, tuple[Node, ...]]


@dataclass(frozen=True, slots=True)
class Way:
    """A chart as one installs it: what it says of itself, and its values."""

    about: Mapping[str, Any]
    values: Any


@dataclass
class Charts:
    """Reads the charts around a template, each file once; a chart is its folder with a slash, or ""."""

    read: Read
    _about: dict[str, Mapping[str, Any]] = field(default_factory=dict)

    def ways(self, chart: str) -> list[Way]:
        """The ways to install a chart: by itself, with the other values beside it, and in other charts."""
        found: list[Way] = []
        for way in islice(self._ways(chart, 0), _MOST_TRIED):
            if way not in found:
                found.append(way)
        return found[:_MOST_WAYS]

    def _ways(self, chart: str, depth: int) -> Iterator[Way]:
        own, about = self._own_values(chart), self.about(chart)
        outer = list(self._outer(chart)) if depth < _DEEPEST else []
        if not any(chart.startswith(f"{parent}charts/") for parent, _ in outer):
            yield Way(about, own)
            yield from (Way(about, _over(own, more)) for more in self._variants(chart))
        for parent, key in outer:
            for above in self._ways(parent, depth + 1):
                given = above.values if isinstance(above.values, Mapping) else {}
                shared = {"global": given["global"]} if "global" in given else {}
                more = given.get(key)
                values = _over(_over(own, more if isinstance(more, Mapping) else {}), shared)
                yield Way({**about, "name": key}, values)

    def about(self, chart: str) -> Mapping[str, Any]:
        """The content of a Chart.yaml, {} if there is none."""
        if chart not in self._about:
            facts = read_typed(self.read(f"{chart}Chart.yaml") or "")
            self._about[chart] = facts if isinstance(facts, Mapping) else {}
        return self._about[chart]

    def _own_values(self, chart: str, depth: int = 0) -> Any:
        """The default values of a chart; unknown if they cannot be read."""
        text = self.read(f"{chart}values.yaml")
        if text is None:
            return {} if self.about(chart) and "values.yaml" not in self._names(chart) else UNKNOWN
        own = read_typed(text)
        own = {} if own is None else own
        for imported in self._imports(chart, own, depth) if isinstance(own, Mapping) else ():
            own = merge(imported, own)
        return own

    def _imports(self, chart: str, own: Mapping[str, Any], depth: int) -> Iterator[Mapping[str, Any]]:
        """What a chart imports from the values of those that it depends on; its own values come first."""
        for facts in self._written_dependencies(chart) if depth < _DEEPEST else ():
            asked = facts.get("import-values")
            if isinstance(asked, list):
                key = str(facts.get("alias") or facts.get("name"))
                given, folder = own.get(key), self._folder_of(chart, facts)
                values = self._own_values(folder, depth + 1) if folder else UNKNOWN
                values = _over(values, given if isinstance(given, Mapping) else {})
                yield from (_import(values, one) for one in asked if isinstance(one, str | dict))

    def _variants(self, chart: str) -> Iterator[Mapping[str, Any]]:
        """The values of environments: values-prod.yaml and the like in the chart's folder."""
        for name in filter(_holds_other_values, self._names(chart)):
            more = read_typed(self.read(chart + name) or "")
            if isinstance(more, Mapping):
                yield more

    def _names(self, folder: str) -> list[str]:
        return (self.read(folder) or "").splitlines() if folder else []

    def _outer(self, chart: str) -> Iterator[tuple[str, str]]:
        """(chart, key of its values) for each that contains a chart or depends on its folder."""
        inside = _SUBCHART.match(chart)
        name = str(self.about(chart).get("name") or posixpath.basename(chart.rstrip("/")))
        if inside and (not inside["parent"] or self.about(inside["parent"])):
            keys = [key for key, one, _ in self._dependencies(inside["parent"]) if one == name]
            yield from ((inside["parent"], key) for key in keys or [name])
        for other in self._beside(chart):
            for key, _, folder in self._dependencies(other):
                if folder == chart and not (inside and other == inside["parent"]):
                    yield other, key

    def _beside(self, chart: str) -> Iterator[str]:
        """The charts next to a chart, and next to the folder that it is in."""
        above = posixpath.dirname(chart.rstrip("/"))
        for folder in dict.fromkeys((above, posixpath.dirname(above))) if above else ():
            names = [name for name in self._names(f"{folder}/") if name.endswith("/")] if folder else ()
            for name in names[:_MOST_CHARTS]:
                if f"{folder}/{name}" != chart and self.about(f"{folder}/{name}"):
                    yield f"{folder}/{name}"

    def _dependencies(self, chart: str) -> Iterator[tuple[str, str, str]]:
        """(key of the values, name, folder, or "" if it is not in the repository) of each dependency."""
        for facts in self._written_dependencies(chart):
            name = str(facts.get("name"))
            yield str(facts.get("alias") or name), name, _linked_folder(chart, facts)

    def _folder_of(self, chart: str, facts: Mapping[str, Any]) -> str:
        """The folder of a dependency, also below `charts/`, "" if it is not in the repository."""
        inside = f"{chart}charts/{facts.get('name')}/"
        return _linked_folder(chart, facts) or (inside if self.about(inside) else "")

    def _written_dependencies(self, chart: str) -> list[Mapping[str, Any]]:
        written = self.about(chart).get("dependencies")
        rows = written if isinstance(written, list) else []
        return [one if isinstance(one, Mapping) else {} for one in rows]

    def defined(self, chart: str, text: str) -> Defined:
        """The templates that the charts installed together define, the outer ones overriding the inner."""
        found: Defined = {}
        called, plain = set(_CALL.findall(text)), []
        for one in self._together(chart):
            for name in self._files(f"{one}templates/", 0):
                base = posixpath.basename(name)
                if not (base.startswith("_") or base.endswith(".tpl")):
                    plain.append(name)
                    continue
                written = self.read(name) or ""
                called.update(_CALL.findall(written))
                found |= _defined(written)
        # Any other template may define some too, which few charts do.
        for name in plain if called - found.keys() else ():
            written = self.read(name) or ""
            found = _defined(written) | found if "define" in written else found
        return found

    def _together(self, chart: str) -> list[str]:
        """The charts that are installed with one, the inner ones first."""
        roots = [chart]
        for one in roots:
            roots += [outer for outer, _ in self._outer(one) if outer not in roots][:_MOST_CHARTS]
        found: dict[str, None] = {}
        for one in reversed(roots):
            self._collect(one, found, 0)
        return list(found)[::-1]

    def _collect(self, chart: str, found: dict[str, None], depth: int) -> None:
        if chart in found or len(found) > _MOST_CHARTS or depth > _DEEPEST:
            return
        found[chart] = None
        inner = [f"{chart}charts/{name}" for name in self._names(f"{chart}charts/") if name.endswith("/")]
        for one in dict.fromkeys([*(folder for *_, folder in self._dependencies(chart) if folder), *inner]):
            self._collect(one, found, depth + 1)

    def _files(self, folder: str, depth: int) -> Iterator[str]:
        for name in self._names(folder):
            if name.endswith("/") and depth < _DEEPEST:
                yield from self._files(folder + name, depth + 1)
            elif name.endswith((".tpl", ".yaml", ".yml", ".txt")):
                yield folder + name


def _linked_folder(chart: str, facts: Mapping[str, Any]) -> str:
    """The folder that a dependency names, "" if it is not in the repository."""
    place = str(facts.get("repository") or "")
    path = posixpath.normpath(posixpath.join(chart, place.removeprefix("file://")))
    return f"{path}/" if place.startswith("file://") and not path.startswith(("..", "/")) else ""


def _import(values: Any, asked: Any) -> dict[str, Any]:
    """What an item of `import-values` takes from a chart's values: `exports.NAME`, or a path to a path."""
    if isinstance(asked, str):
        found = _at(values, f"exports.{asked}")
        return dict(found) if isinstance(found, Mapping) else {}
    source, target = (str(asked.get(key) or "") for key in ("child", "parent"))
    found = _at(values, source)
    for name in reversed([one for one in target.split(".") if one]):
        found = {name: found}
    return dict(found) if isinstance(found, Mapping) else {}


def _at(values: Any, path: str) -> Any:
    """The value at a path of keys, {} for none; what is unknown stays so."""
    for name in path.split("."):
        if values == UNKNOWN:
            return UNKNOWN
        values = values.get(name, {}) if isinstance(values, Mapping) else {}
    return values


def _over(own: Any, more: Mapping[str, Any]) -> Any:
    return merge(own, more) if isinstance(own, Mapping) else own


def _defined(text: str) -> Defined:
    try:
        return dict(parse_template(text).defined)
    except (ValueError, RecursionError):
        return {}


def _holds_other_values(name: str) -> bool:
    return "values" in name and name != "values.yaml" and name.endswith((".yaml", ".yml"))
