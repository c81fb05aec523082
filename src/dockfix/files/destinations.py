"""Check where a file is about to be created: patches, reports and baselines."""

from __future__ import annotations

import errno
import os

from dockfix.files.descriptors import is_within


def check_destination(path: str) -> str:
    """The path, unless a link of the repository that it is in leads out of that repository.

    Raises OSError with ELOOP for such a link: whoever wrote the repository would choose what to overwrite.
    """
    top, here = "", ""
    for name in os.path.abspath(path).split(os.sep):
        here = os.path.join(here, name) if here else name + os.sep
        is_link = os.path.islink(here)
        if top and is_link and not is_within(os.path.realpath(here), top):
            raise OSError(errno.ELOOP, "a symbolic link that leads out of its repository", path)
        if not (top and is_link) and os.path.lexists(os.path.join(here, ".git")):
            top = os.path.realpath(here)
    return path
