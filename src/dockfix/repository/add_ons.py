"""Home Assistant add-ons: what the Supervisor mounts into the image beside an add-on's configuration.

/data is a folder of the host that root made, and holds the add-on's options as a file of root's with mode
0600; so are the folders of `map`.

Source: developers.home-assistant.io, "App configuration" (`map`, `environment`, `docker_api`);
home-assistant/supervisor, supervisor/docker/addon.py (mounts), supervisor/utils/json.py (mode);
home-assistant/supervisor#2158.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from typing import Final

from yaml.nodes import Node

from dockfix.context import Deployment, Mount, Setting
from dockfix.repository.image_names import known_name
from dockfix.repository.yaml_nodes import (
    get,
    is_true,
    items,
    line_of,
    pairs,
    read_documents,
    text_of,
)

KIND: Final = "add-on"
_KEYS: Final = ("slug", "version", "arch")
"""Keys that every add-on has; together, no other kind of `config.yaml` is likely to have them."""
_PLACES: Final = {
    "config": "/config",
    "addon_config": "/config",
    "homeassistant_config": "/homeassistant",
    "all_addon_configs": "/addon_configs",
    "ssl": "/ssl",
    "addons": "/addons",
    "backup": "/backup",
    "share": "/share",
    "media": "/media",
}
_ARCHITECTURE: Final = "{arch}"


def read_add_on(path: str, text: str) -> Iterator[Deployment]:
    """The deployments of an add-on: one for each Dockerfile or image that it may name."""
    # JSON allows tabs before a key, and YAML does not.
    root = next(iter(read_documents(text.expandtabs(1))), None)
    slug = get(root, "slug")
    if root is None or slug is None or not all(get(root, key) for key in _KEYS):
        return
    mounts = tuple(_mounts(root, slug))
    environment = tuple((name, text_of(value)) for name, value in pairs(get(root, "environment")))
    for image, dockerfile in _images(path, root):
        yield Deployment(
            path, line_of(slug), KIND, text_of(slug), image, dockerfile,
            mounts=mounts, environment=environment,
        )  # fmt: skip


def _images(path: str, root: Node) -> Iterator[tuple[str, str]]:
    """(image, Dockerfile), either of which is "": those beside the configuration, or a published image."""
    folder = posixpath.dirname(path)
    architectures = [text_of(one) for one in items(get(root, "arch"))]
    for suffix in ("", *(f".{one}" for one in architectures)):
        yield "", posixpath.join(folder, f"Dockerfile{suffix}")
    image = text_of(get(root, "image"))
    for name in dict.fromkeys(image.replace(_ARCHITECTURE, one) for one in architectures):
        if known := known_name(name):
            yield known, ""


def _mounts(root: Node, slug: Node) -> Iterator[Mount]:
    """The folders of `map`, read-only by default, and the add-on's own one, with its options."""
    own, target = slug, "/data"
    for one in items(get(root, "map")):
        kind, _, mode = (text_of(one) or text_of(get(one, "type"))).partition(":")
        place = text_of(get(one, "path")) or _PLACES.get(kind, "")
        is_read_only = mode != "rw" and text_of(get(one, "read_only")).lower() != "false"
        if kind == "data":
            own, target = one, place or target
        elif place:
            yield Mount(Setting(place, line_of(one)), kind, is_read_only, is_bare=True)
    yield Mount(Setting(target, line_of(own)), "data", is_bare=True, is_private=True)
    if is_true(get(root, "docker_api")):
        yield Mount(Setting("/run/docker.sock", line_of(slug)), "/run/docker.sock")
