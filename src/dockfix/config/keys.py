"""The keys of a configuration, and the names that their values may contain."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from dockfix.config.errors import ConfigError
from dockfix.options import Options
from dockfix.options.declarations import Declaration, declared
from dockfix.options.request import Files, Inspect, Inspection
from dockfix.options.suggestions import suggest


def field_of(key: str) -> str:
    """The field of a dataclass that holds a key's value."""
    return key.replace("-", "_")


def key_of(field: str) -> str:
    """The key whose value a field of a dataclass holds."""
    return field.replace("_", "-")


OPTIONS: Final[Mapping[str, Declaration]] = {key_of(name): one for name, one in declared(Options).items()}
"""The options of a fix, which may differ from file to file."""
FILES: Final[Mapping[str, Declaration]] = {
    key_of(name): one for name, one in {**declared(Files), **declared(Inspection)}.items() if one.is_key
}
"""The options of a run that a configuration may hold."""
KEYS: Final[Mapping[str, Declaration]] = {**OPTIONS, **FILES}
OVERRIDES: Final = "overrides"
PATHS: Final = "paths"
FAMILIES: Final = (
    "debian",
    "ubuntu",
    "alpine",
    "wolfi",
    "rhel",
    "suse",
    "arch",
    "distroless",
    "scratch",
    "windows",
    "busybox",
)
OFFLINE: Final = (Inspect.OFF, Inspect.ENGINE)
"""What a configuration may ask for: one that comes with a repository must not open connections."""
_NOUNS: Final = {
    "select": "transform",
    "ignore": "transform",
    "accept": "review",
    "base": "base family",
    "languages": "language",
}


def names_of(key: str) -> tuple[str, ...]:
    """The names that the key's value may contain; empty if any text is valid."""
    if key in ("select", "ignore"):
        from dockfix.transforms import TRANSFORMS

        return tuple(transform.name for transform in TRANSFORMS)
    if key == "accept":
        from dockfix.checks.codes import REVIEWS

        return REVIEWS
    if key == "languages":
        from dockfix.knowledge.languages import language_names

        return language_names()
    if key == "inspect":
        return OFFLINE
    return FAMILIES if key == "base" else ()


def check_meaning(where: str, key: str, value: Any) -> None:
    """Raise ConfigError if a well-formed value names something that does not exist."""
    if key == "images":
        _check_images(where, value)
    elif key == "inspect" and value not in OFFLINE:
        raise ConfigError(f"{where}: may be off or engine here; pass --inspect={value} yourself")
    elif key in _NOUNS and value:
        known = names_of(key)
        for name in [value] if isinstance(value, str) else sorted(value):
            if name not in known:
                raise ConfigError(f"{where}: unknown {_NOUNS[key]} {name!r} ({suggest(name, known)})")


def _check_images(where: str, images: Mapping[str, Mapping[str, object]]) -> None:
    from dockfix.model.images import find_image

    try:
        find_image("any", images)
    except ValueError as error:
        raise ConfigError(f"{where}: {error} (see the head of dockfix/knowledge/bases.toml)") from None


def unknown_key(where: str, key: str, known: Iterable[str]) -> ConfigError:
    """The error for a key that does not exist."""
    return ConfigError(f"{where}: unknown key {key!r} ({suggest(key, known)})")
