"""functools.cached_property without the lock that Python 3.11 still acquires on first access."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING or sys.version_info >= (3, 12):
    from functools import cached_property
else:

    class cached_property:  # noqa: N801  # the name that it replaces
        """A method's result, computed once per object; an object belongs to one thread."""

        def __init__(self, method: Callable[[Any], Any]) -> None:
            self.method = method
            self.name = method.__name__
            self.__doc__ = method.__doc__

        def __get__(self, thing: object | None, _owner: type | None = None) -> Any | Self:
            if thing is None:
                return self
            value = thing.__dict__[self.name] = self.method(thing)
            return value


__all__ = ["cached_property"]
