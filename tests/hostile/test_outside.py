"""Nothing outside of the repository is read, shown or written, wherever its links lead."""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from git_repository import Repository

from dockfix.files import reading, writing
from dockfix.files.build_context import describe_context
from dockfix.files.writing import WriteError, replace_content
from dockfix.interactive.run import run_interactively
from dockfix.options import Options
from dockfix.options.request import Output, Request
from dockfix.runner.cluster import pack_context
from dockfix.runner.jobs import Job

RunDockfix = Callable[..., tuple[int, str, str]]
BEFORE = "FROM python:3.12-slim\nWORKDIR /app\nCOPY . .\nRUN pip install x\nCMD python -m http.server\n"
SECRET = "aws_secret_access_key = wJalrXUtnFEMI\n"
MARKDOWN = f"# Text\n\n```dockerfile\n{BEFORE}```\n"
COMPOSE = "services:\n  a:\n    build:\n      context: .\n      dockerfile: {0}\n    volumes: [a:/data]\n"


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """A folder next to the repository, with files that dockfix would change inside it."""
    made = tmp_path / "outside"
    (made / "sub").mkdir(parents=True)
    for name in ("Dockerfile", "sub/Dockerfile", "app.dockerfile"):
        (made / name).write_text(BEFORE)
    (made / "README.md").write_text(MARKDOWN)
    (made / "credentials").write_text("[default]\n" + SECRET)
    return made


def contents(folder: Path) -> dict[str, str]:
    return {str(path): path.read_text() for path in sorted(folder.rglob("*")) if path.is_file()}


def link_away(repository: Repository, outside: Path) -> None:
    """Make the folders `tracked` and `swapped` of the repository, and its file `data`, lead outside."""
    (repository.folder / "tracked").symlink_to(outside)
    repository.put("swapped/Dockerfile", "swapped/README.md", text=BEFORE)
    repository.put("Dockerfile", text=BEFORE)
    (repository.folder / "data").symlink_to(outside / "credentials")
    repository.commit()
    for name in ("Dockerfile", "README.md"):
        (repository.folder / "swapped" / name).unlink()
    (repository.folder / "swapped").rmdir()
    (repository.folder / "swapped").symlink_to(outside)


@pytest.mark.parametrize(
    "options", [(), ("--embedded",), ("--all",), ("--include", "*"), ("--unsafe", "--allow-dirty")]
)
@pytest.mark.integration
def test_folders_that_lead_out(
    dockfix: RunDockfix, repository: Repository, outside: Path, options: tuple[str, ...]
) -> None:
    link_away(repository, outside)
    before = contents(outside)
    _, out, messages = dockfix("--write", "--allow-dirty", *options, ".")
    assert contents(outside) == before
    assert Path("Dockerfile").read_text() != BEFORE
    assert SECRET.split(" = ")[1].strip() not in out + messages


@pytest.mark.parametrize(
    "name", ["tracked/Dockerfile", "data", "tracked/credentials", "tracked/sub/Dockerfile"]
)
@pytest.mark.integration
def test_build_descriptions_that_lead_out(
    dockfix: RunDockfix, repository: Repository, outside: Path, name: str
) -> None:
    link_away(repository, outside)
    repository.put("compose.yml", text=COMPOSE.format(name))
    repository.commit()
    before = contents(outside)
    code, out, messages = dockfix("--write", "--report", "report.md", ".")
    assert contents(outside) == before
    assert code == 0
    shown = out + messages + Path("report.md").read_text()
    assert "wJalrXUtnFEMI" not in shown
    assert "aws_secret_access_key" not in shown
    assert f"{name}: a symbolic link to '{os.path.realpath(name)}', outside this folder [outside]" in messages


@pytest.mark.integration
def test_a_link_to_another_folder_of_the_repository_is_followed(
    dockfix: RunDockfix, repository: Repository
) -> None:
    repository.put("images/api/app.file", text=BEFORE)
    (repository.folder / "link").symlink_to("images")
    repository.put("compose.yml", text=COMPOSE.format("link/api/app.file"))
    repository.commit()
    assert dockfix("--write", ".")[0] == 0
    assert (repository.folder / "images/api/app.file").read_text() != BEFORE


@pytest.mark.integration
def test_evidence_is_not_collected_outside(
    dockfix: RunDockfix, repository: Repository, outside: Path
) -> None:
    (outside / "app.py").write_text("open('/etc/passwd', 'w')\n")
    repository.put("Dockerfile", text=BEFORE.replace("-m http.server", "app.py"))
    (repository.folder / "app.py").symlink_to(outside / "app.py")
    repository.commit()
    assert "may write to /etc/passwd" not in dockfix("--check", "--unsafe", ".")[2]
    context = describe_context("Dockerfile", "link")
    (repository.folder / "link").symlink_to(outside)
    assert describe_context("Dockerfile", "link", root=os.getcwd()).read("app.py") is None
    assert context.read("credentials") is not None, "without a root, a folder that is named is read"


def test_nothing_outside_is_sent_to_a_cluster(folder: Path, outside: Path) -> None:
    (folder / "secrets.txt").symlink_to(outside / "credentials")
    (folder / "app.py").write_text("pass\n")
    context = pack_context(Job("Dockerfile", b"FROM a\n", Options(), root=str(folder)))
    assert context.read("app.py") == "pass\n"
    assert context.read("secrets.txt") is None


@pytest.mark.integration
def test_manifests_outside_are_not_edited(dockfix: RunDockfix, repository: Repository, outside: Path) -> None:
    (outside / "compose.yml").write_text("services:\n  a:\n    build: .\n    user: root\n")
    repository.put("Dockerfile", text=BEFORE)
    (repository.folder / "compose.yml").symlink_to(outside / "compose.yml")
    repository.commit()
    before = contents(outside)
    code, _, messages = dockfix("--write", "--manifests", "--unsafe", ".")
    assert (code, contents(outside)) == (0, before)
    assert "compose.yml: changed" not in messages


@pytest.mark.integration
def test_owners_outside_are_not_read(dockfix: RunDockfix, repository: Repository, outside: Path) -> None:
    (outside / "owners").write_text(f"* {SECRET}")
    repository.put("Dockerfile", text=BEFORE)
    (repository.folder / "CODEOWNERS").symlink_to(outside / "owners")
    repository.commit()
    assert dockfix("--output", "patches", "--split-by", "owner", ".")[0] == 0
    assert sorted(os.listdir("patches")) == ["unowned.md", "unowned.patch"]


@pytest.mark.integration
def test_a_folder_swapped_between_reading_and_writing(
    dockfix: RunDockfix, repository: Repository, outside: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository.put("sub/Dockerfile", text=BEFORE)
    repository.commit()
    before = contents(outside)
    really = writing.replace_content

    def swap_first(path: str, *rest: bytes) -> None:
        os.rename("sub", "moved")
        os.symlink(outside, "sub")
        really(path, *rest)

    monkeypatch.setattr("dockfix.output.journal.replace_content", swap_first)
    code, _, messages = dockfix("--write", ".")
    assert (code, contents(outside)) == (123, before)
    assert "sub/Dockerfile: error: a symbolic link has replaced the file or one of its folders" in messages


def test_a_folder_swapped_before_reading(
    dockfix: RunDockfix, repository: Repository, outside: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (outside / "Dockerfile").write_text(SECRET)
    repository.put("sub/Dockerfile", text=BEFORE)
    repository.commit()
    really = reading.read_stamped

    def swap_first(path: str, *rest: int) -> object:
        if not os.path.islink("sub"):
            os.rename("sub", "moved")
            os.symlink(outside, "sub")
        return really(path, *rest)

    monkeypatch.setattr(reading, "read_stamped", swap_first)
    code, _, messages = dockfix("--check", ".")
    assert code == 123
    assert "sub/Dockerfile: error: a symbolic link has replaced the file or one of its folders" in messages


@pytest.mark.integration
def test_undo_writes_nothing_outside(dockfix: RunDockfix, repository: Repository, outside: Path) -> None:
    repository.put("sub/Dockerfile", text=BEFORE)
    repository.commit()
    assert dockfix("--write", ".")[0] == 0
    (outside / "Dockerfile").write_text(Path("sub/Dockerfile").read_text())
    before = contents(outside)
    os.rename("sub", "moved")
    os.symlink(outside, "sub")
    code, _, messages = dockfix("--undo")
    assert (code, contents(outside)) == (123, before)
    assert "not readable" in messages


@pytest.mark.parametrize(
    "text", ["password: hunter2\n", "hunter2\n", "RUN hunter2\n", "# hunter2.sh generated\nX a\n"]
)
def test_a_file_that_is_not_a_dockerfile_is_not_quoted(dockfix: RunDockfix, folder: Path, text: str) -> None:
    (folder / "Dockerfile").write_text(text)
    code, out, messages = dockfix("--diff", "--report", "json:report", "Dockerfile")
    assert code == 0
    assert "hunter2" not in out + messages + (folder / "report").read_text()


def test_the_file_itself_is_no_link(folder: Path, outside: Path) -> None:
    (folder / "Dockerfile").symlink_to(outside / "Dockerfile")
    with pytest.raises(WriteError):
        replace_content(str(folder / "Dockerfile"), BEFORE.encode(), b"")
    with pytest.raises(OSError, match="symbolic links"):
        reading.read_bytes(str(folder / "Dockerfile"), 10)
    assert (outside / "Dockerfile").read_text() == BEFORE


def test_a_file_named_by_a_link_is_rewritten_where_it_lies(
    dockfix: RunDockfix, folder: Path, outside: Path
) -> None:
    (folder / "Dockerfile").symlink_to(outside / "Dockerfile")
    assert dockfix("--write", "Dockerfile")[0] == 0
    assert (outside / "Dockerfile").read_text() != BEFORE
    assert (folder / "Dockerfile").is_symlink()


@pytest.mark.parametrize(
    ("name", "text"), [("dockfix.toml", "token = 1\n"), ("pyproject.toml", "[tool.dockfix]\ntoken = 1\n")]
)
def test_configurations_outside_are_not_read(
    dockfix: RunDockfix, repository: Repository, outside: Path, name: str, text: str
) -> None:
    (outside / name).write_text(text)
    repository.put("Dockerfile", text=BEFORE)
    (repository.folder / name).symlink_to(outside / name)
    repository.commit()
    code, out, messages = dockfix("--check", ".")
    assert (code, out) == (2, "")
    assert f"{name}: a symbolic link that leads out of {repository.folder}" in messages
    assert "token" not in messages
    assert "unknown key 'token'" in dockfix("--check", "--config", name, ".")[2], "named by the user"


@pytest.mark.integration
def test_a_project_file_outside_may_be_about_something_else(
    dockfix: RunDockfix, repository: Repository, outside: Path
) -> None:
    (outside / "pyproject.toml").write_text("[project]\nname = 'a'\n")
    repository.put("Dockerfile", text=BEFORE)
    (repository.folder / "pyproject.toml").symlink_to(outside / "pyproject.toml")
    repository.commit()
    assert dockfix("--diff", ".")[0] == 0


@pytest.mark.integration
def test_a_configuration_elsewhere_in_the_repository_is_read(
    dockfix: RunDockfix, repository: Repository
) -> None:
    repository.put("shared/settings.toml", text="user = 'service'\n")
    repository.put("a/Dockerfile", text=BEFORE)
    (repository.folder / "a/dockfix.toml").symlink_to("../shared/settings.toml")
    repository.commit()
    assert "USER service" in dockfix("--diff", "--unsafe", ".")[1]


@pytest.mark.integration
def test_what_is_remembered_is_not_written_outside(
    repository: Repository, outside: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    repository.put("Dockerfile", text=BEFORE)
    (repository.folder / "dockfix.toml").symlink_to(outside / "created.toml")
    repository.commit()
    before = contents(outside)
    request = Request(paths=["."], output=Output(interactive=True))
    run_interactively(request, io.StringIO("d\np\n"))
    assert contents(outside) == before
    assert "dockfix.toml: cannot be written: File exists" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [
        ("--check", "--report", "{}.json"),
        ("--check", "--report", "folder/{}.json"),
        ("--diff", "--output", "{}.patch"),
        ("--diff", "--output", "folder", "--split-by", "dir"),
        ("--check", "--update-baseline", "--baseline", "{}.baseline"),
    ],
)
@pytest.mark.parametrize("name", ["secret", "missing"])
def test_a_report_does_not_follow_a_link_out(
    dockfix: RunDockfix, repository: Repository, outside: Path, arguments: tuple[str, ...], name: str
) -> None:
    """A repository whose CI writes `report.json` could otherwise choose a file that the report replaces."""
    repository.put("Dockerfile", text=BEFORE)
    Path("folder").symlink_to(outside)
    for suffix in ("json", "patch", "baseline"):
        Path(f"{name}.{suffix}").symlink_to(outside / name)
    (outside / "secret").write_text("hunter2")
    before = {path: path.read_bytes() for path in outside.iterdir() if path.is_file()}
    code, _, messages = dockfix(*(one.format(name) for one in arguments), "Dockerfile")
    assert code == 2, messages
    assert "a symbolic link that leads out of its repository" in messages or "not a baseline" in messages
    assert {path: path.read_bytes() for path in outside.iterdir() if path.is_file()} == before


def test_a_report_follows_other_links(
    dockfix: RunDockfix, repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository.put("Dockerfile", "reports/kept", text=BEFORE)
    Path("r.json").symlink_to("reports/r.json")
    here = tmp_path.with_name(tmp_path.name + "-link")
    here.symlink_to(Path.cwd())
    for report in ("r.json", str(here / "r.json"), str(here / "reports" / "q.json"), "/dev/null"):
        assert dockfix("--check", "--report", f"json:{report}", "Dockerfile")[0] == 1
    assert sorted(path.name for path in Path("reports").iterdir()) == ["kept", "q.json", "r.json"]


def test_a_patch_folder_with_links_out(dockfix: RunDockfix, repository: Repository, outside: Path) -> None:
    """A link in place of a patch is replaced, also if nothing is at its target."""
    repository.put("a/Dockerfile", text=BEFORE)
    Path("patches").mkdir()
    for name in ("a.patch", "a.md"):
        Path("patches", name).symlink_to(outside / "missing")
    assert dockfix("--output", "patches", "--split-by", "dir", ".")[0] == 0
    assert not (outside / "missing").exists()
    assert b"+USER" in Path("patches/a.patch").read_bytes()
