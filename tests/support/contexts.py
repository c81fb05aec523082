"""Build contexts of the fixtures, with what git cannot keep: modes, archives, links and wheels."""

from __future__ import annotations

import shutil
import tarfile
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

_ARCHIVED_ID: Final = 4242


def lay_out(source: Path, context: Path, wanted: Mapping[str, Any], left: str) -> None:
    """Copy the folder `source` to `context`, without the file `left` that describes it.

    Of `wanted`, `modes` maps paths to octal modes, `links` to targets, `archives` to the folders
    that they hold, and `wheels` names of packages to {folder, module or files, scripts}.
    """
    shutil.copytree(source, context, copy_function=shutil.copy)
    (context / left).unlink()
    for path, target in wanted.get("links", {}).items():
        (context / path).symlink_to(target)
    for path, mode in wanted.get("modes", {}).items():
        (context / path).chmod(int(mode, 8))
    for archive, folder in wanted.get("archives", {}).items():
        _pack(context / archive, context / folder, folder)
    for name, wheel in wanted.get("wheels", {}).items():
        files = wheel.get("files") or {f"{name}.py": wheel["module"]}
        _make_wheel(context / wheel["folder"], name, files, wheel.get("scripts", ()))


def _pack(archive: Path, folder: Path, name: str) -> None:
    def own(member: tarfile.TarInfo) -> tarfile.TarInfo:
        member.uid = member.gid = _ARCHIVED_ID
        return member

    with tarfile.open(archive, "w:gz") as packed:
        packed.add(folder, arcname=name, filter=own)


def _make_wheel(folder: Path, name: str, modules: Mapping[str, str], scripts: Iterable[str]) -> None:
    folder.mkdir(exist_ok=True)
    facts = f"{name}-1.0.dist-info"
    files = {
        **modules,
        f"{facts}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n",
        f"{facts}/WHEEL": "Wheel-Version: 1.0\nGenerator: none\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    if scripts:
        files[f"{facts}/entry_points.txt"] = "[console_scripts]\n" + "".join(
            f"{script} = {name}:main\n" for script in scripts
        )
    files[f"{facts}/RECORD"] = "".join(f"{path},,\n" for path in (*files, f"{facts}/RECORD"))
    with zipfile.ZipFile(folder / f"{name}-1.0-py3-none-any.whl", "w") as wheel:
        for path, text in files.items():
            wheel.writestr(path, text)
