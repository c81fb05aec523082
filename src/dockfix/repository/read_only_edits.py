"""Give a service or container a read-only root file system, and mounts where its image writes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from dockfix.context import Deployment
from dockfix.edits import Edit, apply_edits
from dockfix.model.writable import find_hidden, is_mounted
from dockfix.repository.yaml_nodes import get, is_true, items, line_of, read_documents, text_of, walk
from dockfix.writable import Purpose, Writable

_OTHER: Final = re.compile(r"[^a-z0-9]+")


class LayoutError(Exception):
    """A manifest is laid out so that lines cannot simply be inserted."""


def make_read_only(text: str, one: Deployment, writable: Sequence[Writable]) -> str:
    """The manifest with a read-only root file system for one of its deployments, and the mounts it needs.

    The same text where a mount would hide what the image has (`find_hidden`), for a privileged container,
    and in a layout of flow style, anchors or merges.
    """
    if one.privileged is not None or find_hidden(one, writable):
        return text
    needed = [place for place in writable if not is_mounted(one, place)]
    try:
        if one.kind == "compose":
            return apply_edits(text, list(_edit_service(text, one, needed)))
        if one.kind == "kubernetes":
            return apply_edits(text, list(_edit_container(text, one, needed)))
    except LayoutError:
        pass
    return text


# -- compose ---------------------------------------------------------------------------------------


def _edit_service(text: str, one: Deployment, needed: Sequence[Writable]) -> Iterator[Edit]:
    services = (get(root, "services", one.name) for root in read_documents(text))
    block = _Block(text, next((node for node in services if node is not None), None))
    places = [place for place in needed if place.purpose is not Purpose.VOLUME]
    tmpfs = [place.tmpfs for place in places if not place.takes_volume]
    volumes = [place.path for place in places if place.takes_volume]
    yield from block.switch_on("read_only")
    yield from block.extend("tmpfs", [[one] for one in tmpfs])
    yield from block.extend("volumes", [[one] for one in volumes])
    yield from block.finish()


# -- Kubernetes ------------------------------------------------------------------------------------


def _edit_container(text: str, one: Deployment, needed: Sequence[Writable]) -> Iterator[Edit]:
    pod, container = _find_container(text, one)
    names = [(place, _volume_name(pod, one, place)) for place in needed]
    block, around = _Block(text, container), _Block(text, pod)
    context = block.own.get("securityContext")
    if context is None:
        block.add(["securityContext:", "  readOnlyRootFilesystem: true"])
    else:
        inner = _Block(text, context)
        yield from inner.switch_on("readOnlyRootFilesystem")
        yield from inner.finish()
    yield from block.extend(
        "volumeMounts", [[f"name: {name}", f"mountPath: {place.path}"] for place, name in names]
    )
    yield from around.extend("volumes", [[f"name: {name}", "emptyDir: {}"] for _, name in names])
    yield from block.finish()
    yield from around.finish()


def _find_container(text: str, one: Deployment) -> tuple[Node, Node]:
    """The pod and the container of a deployment. Raises LayoutError if they are not found."""
    for pod in (node for root in read_documents(text) for node in walk(root)):
        for key in ("initContainers", "containers"):
            for container in items(get(pod, key)):
                if line_of(container) == one.line and text_of(get(container, "name")) == one.name:
                    return pod, container
    raise LayoutError


def _volume_name(pod: Node, one: Deployment, place: Writable) -> str:
    """A name for a volume that no other container of the pod uses."""
    taken = {text_of(get(volume, "name")) for volume in items(get(pod, "volumes"))}
    several = len([*items(get(pod, "containers")), *items(get(pod, "initContainers"))]) > 1
    words = [one.name] if several and one.name else []
    name = "-".join([*words, _OTHER.sub("-", place.path.lower()).strip("-")])[:55].strip("-")
    return name if name not in taken else f"{name}-writable"


# -- lines of a block mapping ----------------------------------------------------------------------


class _Block:
    """A mapping in block style, and lines to add at its end. Raises LayoutError for any other node."""

    def __init__(self, text: str, node: Node | None) -> None:
        if not isinstance(node, MappingNode) or node.flow_style or not node.value:
            raise LayoutError
        self._text = text
        self._node = node
        self.own = {str(key.value): value for key, value in node.value}
        self._merged = any(str(key.value) == "<<" for key, _ in node.value)
        self._column = int(node.value[0][0].start_mark.column)
        self._added: list[str] = []

    def add(self, lines: Sequence[str]) -> None:
        """Add lines at the end, indented from the mapping's own column."""
        self._added += [" " * self._column + line for line in lines]

    def switch_on(self, key: str) -> Iterator[Edit]:
        """Set a key to true."""
        node = self._find(key)
        if node is None:
            self.add([f"{key}: true"])
        elif not is_true(node):
            if not isinstance(node, ScalarNode) or node.style or node.value.lower() != "false":
                raise LayoutError
            yield Edit(int(node.start_mark.index), int(node.end_mark.index), "true")

    def extend(self, key: str, entries: Sequence[Sequence[str]]) -> Iterator[Edit]:
        """Add items, each a word or the lines of a mapping, to the list at a key."""
        if not entries:
            return
        node = self._find(key)
        if node is None:
            self.add([f"{key}:", *_as_items(entries, " " * self._dash_indent())])
            return
        if not isinstance(node, SequenceNode) or node.flow_style or not node.value:
            raise LayoutError
        margin = " " * self._dash_column(node)
        yield _insertion(self._text, node, list(_as_items(entries, margin)))

    def finish(self) -> Iterator[Edit]:
        """The insertion of what was added."""
        if self._added:
            yield _insertion(self._text, self._node, self._added)

    def _find(self, key: str) -> Node | None:
        """The value of the mapping's own key. Raises LayoutError if it may come from a merge."""
        if key not in self.own and self._merged:
            raise LayoutError
        return self.own.get(key)

    def _dash_indent(self) -> int:
        """How far the file indents lists below their keys: as the first list of this mapping."""
        lists = (one for one in self.own.values() if isinstance(one, SequenceNode) and not one.flow_style)
        first = next((one for one in lists if one.value), None)
        return 2 if first is None else max(0, self._dash_column(first) - self._column)

    def _dash_column(self, node: SequenceNode) -> int:
        """The column of the dashes of a list in block style."""
        start = int(node.value[0].start_mark.index)
        line = self._text.rfind("\n", 0, start) + 1
        dash = self._text.find("-", line, start)
        if dash < 0 or self._text[line:dash].strip(" "):
            raise LayoutError
        return dash - line


def _as_items(entries: Sequence[Sequence[str]], margin: str) -> Iterator[str]:
    for first, *rest in entries:
        yield f"{margin}- {first}"
        yield from (f"{margin}  {line}" for line in rest)


def _insertion(text: str, node: Node, lines: Sequence[str]) -> Edit:
    """The lines below the last line of a node."""
    at = _end(node)
    if text[at - 1 : at] != "\n":
        found = text.find("\n", at)
        at = len(text) if found < 0 else found + 1
    ending = "\r\n" if "\r\n" in text else "\n"
    before = "" if text[at - 1 : at] == "\n" else ending
    return Edit(at, at, before + "".join(line + ending for line in lines))


def _end(node: Node) -> int:
    """The offset behind the last word of a node. Raises LayoutError at an alias, which stands elsewhere."""
    last = node
    while isinstance(last, MappingNode | SequenceNode) and not last.flow_style and last.value:
        inner = last.value[-1][1] if isinstance(last, MappingNode) else last.value[-1]
        above = last.value[-1][0] if isinstance(last, MappingNode) else last
        if inner.start_mark.index < above.start_mark.index:
            raise LayoutError
        last = inner
    return int(last.end_mark.index)
