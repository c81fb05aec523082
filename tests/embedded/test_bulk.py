from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from git_repository import Repository

DOCKERFILE = 'FROM python:3.12-slim\nWORKDIR /app\nCOPY . .\nCMD ["python", "-m", "http.server"]\n'
FILES = {
    "build.py": f"import docker\n\nTEXT = '''{DOCKERFILE}'''\n",
    "README.md": f"# How\n\n```dockerfile\n{DOCKERFILE}```\n",
    "make.sh": f"cat > Dockerfile <<'EOF'\n{DOCKERFILE}EOF\n",
    "plain.py": "from os import path\n",
    "Dockerfile": DOCKERFILE,
}
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def dockfix(dockfix: Run, repository: Repository) -> Run:
    for name, text in FILES.items():
        repository.put(name, text=text)
    (repository.folder / "latin.py").write_bytes(b"# caf\xe9\nx = 'FROM a'\n")
    repository.commit()
    return dockfix


@pytest.mark.integration
def test_other_files_are_left_alone_unless_asked(dockfix: Run) -> None:
    _, out, err = dockfix("--diff", ".", "-v")
    assert out.count("+++ ") == 1
    assert "1 file processed" in err


@pytest.mark.integration
def test_dockerfiles_inside_other_files_are_rewritten_in_place(dockfix: Run, repository: Repository) -> None:
    code, out, err = dockfix("--diff", ".", "--embedded")
    assert code == 0
    assert {line for line in out.splitlines() if line.startswith("+++ ")} == {
        "+++ b/Dockerfile",
        "+++ b/README.md",
        "+++ b/build.py",
        "+++ b/make.sh",
    }
    assert "4 files processed" in err
    subprocess.run(["git", "apply"], input=out.encode(), check=True)
    assert "\nUSER appuser\n" in Path("build.py").read_text()
    compile(Path("build.py").read_text(), "build.py", "exec")
    assert dockfix("--check", ".", "--embedded")[0] == 0


@pytest.mark.integration
def test_a_file_that_is_named_is_searched(dockfix: Run) -> None:
    _, out, _ = dockfix("--diff", "build.py", "--embedded")
    assert "+++ b/build.py" in out
    assert " import docker\n" in out


@pytest.mark.integration
def test_many_are_searched_by_many(dockfix: Run, repository: Repository) -> None:
    for number in range(30):
        repository.put(f"docs/{number}.md", text=FILES["README.md"])
    for _ in range(2):
        _, out, _ = dockfix("--diff", "docs", "--embedded")
        assert out.count("+USER appuser\n") == 30
