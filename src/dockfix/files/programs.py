"""Find a program, but never one that a repository brings."""

from __future__ import annotations

import os


def find_program(name: str) -> str | None:
    """The program in the first absolute folder of PATH that has it; None if none has it.

    A relative or empty entry of PATH names a folder below the current one, and so perhaps of a repository.
    """
    file = f"{name}.exe" if os.name == "nt" else name
    folders = filter(os.path.isabs, os.environ.get("PATH", os.defpath).split(os.pathsep))
    places = (os.path.join(folder, file) for folder in folders)
    return next((one for one in places if os.path.isfile(one) and os.access(one, os.X_OK)), None)
