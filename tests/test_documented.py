"""The documentation is right: commands run, snippets parse, the site builds without a warning."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from applications import build_network
from documented import DOCS, ROOT, Reader, agrees, pages, parse
from ruamel.yaml import YAML

from dockfix.cli import GROUPS
from dockfix.explain.codes import all_codes, explanation_of
from dockfix.options.declarations import declared
from scripts.draw_run import PICTURE, draw
from scripts.run_docs import renew
from scripts.site_links import redirect

FLAGS: Final = {
    flag.strip("/")
    for group in GROUPS.values()
    for one in declared(group).values()
    for written in one.flags
    for flag in written.split("/")
} | {"--help", "-h", "--install-completion"}
WITH_COMMANDS: Final = [page for page in pages() if "```console" in page.read_text(encoding="utf-8")]


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


@pytest.mark.integration
@pytest.mark.parametrize("page", WITH_COMMANDS, ids=name_of)
def test_commands_print_what_the_page_shows(page: Path, tmp_path: Path) -> None:
    text = page.read_text(encoding="utf-8")
    wrong = [
        (command.line, printed)
        for _, command, printed in Reader(tmp_path, text).run()
        if not agrees(command.shown, printed)
    ]
    assert wrong == [], "read what has changed, then run: python scripts/run_docs.py"


@pytest.mark.engine
@pytest.mark.parametrize(
    "page", [one for one in WITH_COMMANDS if "<!-- engine -->" in one.read_text("utf-8")], ids=name_of
)
def test_commands_for_an_engine_print_what_the_page_shows(page: Path, tmp_path: Path) -> None:
    text = page.read_text(encoding="utf-8")
    reader = Reader(tmp_path, text, engine=True, network=build_network())
    runs = [one for one in reader.run() if one[0].needs_engine]
    assert [command.line for _, command, _ in runs] != []
    for _, command, printed in runs:
        assert agrees(command.shown, printed), (command.line, printed)


@pytest.mark.integration
def test_site_builds_without_a_warning(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(tmp_path)],
        cwd=ROOT, env={**os.environ, "NO_MKDOCS_2_WARNING": "1"}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout + done.stderr) == (0, "")
    built = {path.parent.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("index.html")}
    assert {"tutorial", "how-to/volumes", "reference/options", "codes/low-port"} <= built


@pytest.mark.integration
def test_the_picture_shows_what_the_run_prints() -> None:
    drawn = PICTURE.read_text(encoding="utf-8")
    assert "<text" in drawn
    assert "http" not in drawn.replace("http://www.w3.org/2000/svg", "")
    assert draw() == drawn, "look at it, then run: python scripts/draw_run.py"


def commands() -> Iterator[tuple[str, str]]:
    """(page, command line of dockfix) for each one on a page."""
    for page in [*pages(), *DOCS.glob("codes/*.md")]:
        for line in page.read_text(encoding="utf-8").splitlines():
            for match in re.finditer(r"(?:^ {4}|^\$ |: |`|\"|&& |- )(dockfix (?:-|[\w./])[^`\"|>]*)", line):
                yield name_of(page), match[1]


def test_every_command_shown_has_options_that_exist() -> None:
    found = list(commands())
    unknown = []
    for page, line in found:
        words = shlex.split(line.partition("  #")[0], posix=True)
        flags = {
            word.partition("=")[0].rstrip(",)") for word in words if word.startswith("-") and word.strip("-")
        }
        unknown += [(page, flag) for flag in flags if flag not in FLAGS]
    assert len(found) > 50
    assert unknown == []


@pytest.mark.parametrize("page", pages(), ids=name_of)
def test_yaml_parses(page: Path) -> None:
    blocks = re.findall(r"^```yaml\n(.*?)^```$", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    assert all(YAML(typ="safe").load(block) is not None for block in blocks)


def test_ci_snippets_call_dockfix_to_check() -> None:
    blocks = re.findall(
        r"^```yaml\n(.*?)^```$", (DOCS / "how-to/ci.md").read_text(), re.MULTILINE | re.DOTALL
    )
    assert [block.count("dockfix --check") for block in blocks] == [1, 1, 1, 1]


def test_python_runs() -> None:
    (block,) = re.findall(
        r"^```python\n(.*?)^```$", (DOCS / "reference/python-api.md").read_text(), re.MULTILINE | re.DOTALL
    )
    names: dict[str, object] = {}
    exec(block, names)
    assert names["result"].__class__.__name__ == "Changed"


ANSWERS: Final = {
    "Why can the application no longer write to its volume?": "run the command in the message once",
    "Which uid do I get on OpenShift?": "project's range with group 0",
    '"image has non-numeric user": why does the pod not start?': "--numeric",
    "Why does pip warn that scripts are not on PATH?": "ENV PATH",
    "Why can it not open port 80?": "ip_unprivileged_port_start",
    "Why can it not write its log file?": "changes their owner",
    "Why are the installed modules not found?": "/root is closed",
    "Why is the model in /root/.cache not found, or not writable?": "outside it",
    "Why does `apt-get` fail in an image that is built on it?": "USER root",
    "The entry point uses gosu with PUID and PGID: what now?": "id -u",
    "Why does it fail on a read-only root file system?": "tmpfs",
}


def test_each_question_is_answered_by_the_explanation_of_one_code() -> None:
    rows = re.findall(
        r"^\| (.+?) \| (.+?) \| \[`([\w-]+)`\]", (DOCS / "questions.md").read_text(), re.MULTILINE
    )
    assert {question for question, _, _ in rows} == set(ANSWERS)
    by_name = {code.name: code for code in all_codes()}
    for question, sources, name in rows:
        assert re.fullmatch(r"[\w.-]+/[\w.-]+#\d+(?:, [\w.-]+/[\w.-]+#\d+)*", sources)
        text = " ".join(explanation_of(by_name[name]).description.split())
        text += " " + " ".join(explanation_of(by_name[name]).advice.split())
        assert ANSWERS[question].replace("`", "") in text.replace("`", ""), question


def test_links_out_of_the_documentation_lead_to_the_repository() -> None:
    assert redirect("[a](../b.md) [c](../../d)", "codes") == (
        "[a](../b.md) [c](https://github.com/dockfix/dockfix/blob/main/d)"
    )


def test_a_block_is_read_as_commands_with_their_outputs() -> None:
    first, second = parse("$ one \\\n  more\nout\n\n$ two\n")
    assert (first.line, first.shown) == ("one \\\n  more", ("out", ""))
    assert (second.line, second.shown) == ("two", ())


@pytest.mark.parametrize(
    ("shown", "printed", "agree"),
    [
        (["a", "..."], ["a"], True),
        (["a", "...", "d"], ["a", "b", "c", "d"], True),
        (["a", "...", "d"], ["a", "b"], False),
        (["a"], ["a", "b"], False),
        ([], [], True),
        (["a.c"], ["abc"], False),
    ],
)
def test_dots_stand_for_any_lines(shown: list[str], printed: list[str], agree: bool) -> None:
    assert agrees(shown, printed) is agree


def test_a_reader_writes_files_and_runs_commands_in_order(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "`a/b.txt`:\n\n```text\none\n```\n\n```console\n$ cat a/b.txt\nold\n```\n<!-- new folder -->\n"
        "```console\n$ ls\n$ git log --format=%s\nbefore\n```\n<!-- engine -->\n```console\n$ false\n```\n"
    )
    assert renew(page, engine=False)
    assert "$ cat a/b.txt\none\n" in page.read_text()
    assert not renew(page, engine=False)
    assert "$ false\n" in page.read_text()
