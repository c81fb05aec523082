"""Archives as an engine exports them, for tests."""

from __future__ import annotations

import io
import tarfile
from dataclasses import dataclass


@dataclass(frozen=True)
class Member:
    """An entry: a directory, a link if it has a target, or a file with a text."""

    name: str
    text: str | None = None
    target: str = ""
    mode: int = 0o755
    uid: int = 0
    gid: int = 0
    kind: bytes = b""


def archive(*members: Member) -> io.BytesIO:
    """The archive of these members, in order."""
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w", format=tarfile.PAX_FORMAT) as out:
        for one in members:
            info = tarfile.TarInfo(one.name)
            info.mode, info.uid, info.gid = one.mode, one.uid, one.gid
            content = (one.text or "").encode()
            info.type = one.kind or (
                tarfile.SYMTYPE if one.target else tarfile.DIRTYPE if one.text is None else tarfile.REGTYPE
            )
            info.linkname = one.target
            info.size = len(content) if info.type == tarfile.REGTYPE else 0
            out.addfile(info, io.BytesIO(content))
    data.seek(0)
    return data
