"""Interim: replaced by the table of homes."""

from __future__ import annotations


def is_cache(place: str) -> bool:
    """Whether a place below a home is a cache that nobody misses."""
    return place.startswith(("~/.cache/pip", "~/.cache/uv", "~/.npm", "~/.cache/pypoetry/cache"))
