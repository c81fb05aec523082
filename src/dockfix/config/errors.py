"""The errors that end a run."""

from __future__ import annotations


class ConfigError(Exception):
    """An invalid configuration or option: one line that says where, and how to fix it."""


class RunError(Exception):
    """A run that cannot continue: one line that says why."""
