from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

_MONOREPO = Path(__file__).parents[2] / "fixtures" / "monorepo"


class Repository:
    """A git repository in a folder of its own, made the current directory."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def git(self, *arguments: str) -> str:
        identity = ["-c", "user.name=n", "-c", "user.email=n@example.org", "-c", "protocol.file.allow=always"]
        done = subprocess.run(
            ["git", *identity, *arguments],
            cwd=self.folder,
            check=True,
            capture_output=True,
            text=True,
            errors="surrogateescape",
        )
        return done.stdout

    def put(self, *names: str, text: str = "FROM a\nCMD b\n") -> None:
        for name in names:
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

    def commit(self) -> None:
        self.git("add", ".")
        self.git("commit", "--quiet", "--message", "state")


def lay_out_monorepo(folder: Path) -> Path:
    """A copy of the sample monorepo (fixtures/monorepo), committed."""
    shutil.copytree(_MONOREPO, folder)
    repository = Repository(folder)
    repository.git("init", "--quiet")
    repository.commit()
    return folder
