"""The errors that end a run."""

from __future__ import annotations


class ConfigError(Exception):
    """A configuration or an option that cannot be used: one line saying where, and how to fix it."""


class RunError(Exception):
    """A run that cannot go on: one line saying why."""
