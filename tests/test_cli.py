from __future__ import annotations

import io
import os
import re
import stat
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

import pytest
from stand_in import stand_in

from dockfix import cli
from dockfix.checks import codes
from dockfix.config import forget_configs
from dockfix.context import Context
from dockfix.options import Options
from dockfix.options.declarations import declared
from dockfix.results import Finding, Result, Skipped

ROOT = "FROM a\nCMD b\n"
MOVED = "FROM a\nUSER appuser\nCMD b\n"
PATCH = "--- a/{0}\n+++ b/{0}\n@@ -1,2 +1,3 @@\n FROM a\n+USER appuser\n CMD b\n"


@dataclass
class Done:
    code: int
    out: str
    err: str


Run = Callable[..., Done]


@pytest.fixture
def dockfix(
    monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes], tmp_path: Path
) -> Run:
    forget_configs()
    monkeypatch.setattr("dockfix.pipeline.fix", stand_in)
    monkeypatch.setattr("dockfix.runner.outcome._load", lambda: None)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path.parent / "state"))
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str, stdin: bytes = b"") -> Done:
        monkeypatch.setattr(sys, "argv", ["dockfix", *arguments])
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        code = cli.run()
        sys.stdout.flush()
        out, err = capfdbinary.readouterr()
        return Done(code, out.decode(), err.decode())

    return run


def put(**files: str) -> None:
    for name, text in files.items():
        Path(name).write_bytes(text.encode())


def test_diff_prints_the_patch_and_nothing_else(dockfix: Run) -> None:
    put(Dockerfile=ROOT)
    done = dockfix("--diff", "Dockerfile")
    assert (done.code, done.out) == (0, PATCH.format("Dockerfile"))
    assert done.err == "Dockerfile: note: volumes may be root's [existing-volumes] (chown them)\n"
    assert Path("Dockerfile").read_text() == ROOT


def test_no_mode_adds_a_summary(dockfix: Run) -> None:
    put(Dockerfile=ROOT)
    done = dockfix()
    assert (done.code, done.out) == (0, PATCH.format("Dockerfile"))
    assert "1 file processed\n  would change      1   (fix them: dockfix --write .)\n" in done.err
    assert Path("Dockerfile").read_text() == ROOT


def test_write_rewrites_in_place_once(dockfix: Run) -> None:
    put(Dockerfile=ROOT)
    Path("Dockerfile").chmod(0o600)
    done = dockfix("--write", "Dockerfile", "--quiet")
    assert (done.code, done.out, done.err) == (0, "", "")
    assert Path("Dockerfile").read_text() == MOVED
    assert stat.S_IMODE(Path("Dockerfile").stat().st_mode) == 0o600
    again = dockfix("--write", ".")
    assert (again.code, again.out) == (0, "")
    assert "unchanged         1" in again.err


def test_write_with_diff_shows_what_it_did(dockfix: Run) -> None:
    put(Dockerfile=ROOT)
    assert dockfix("--write", "--diff", "Dockerfile").out == PATCH.format("Dockerfile")
    assert Path("Dockerfile").read_text() == MOVED


def test_check_shows_by_its_exit_code(dockfix: Run) -> None:
    put(Dockerfile=ROOT)
    done = dockfix("--check", "Dockerfile")
    assert (done.code, done.out) == (1, "")
    assert done.err.startswith("Dockerfile: would change (set-user)\n")
    assert dockfix("--check", "--diff").out == PATCH.format("Dockerfile")
    put(Dockerfile=MOVED)
    assert dockfix("--check", "Dockerfile").code == 0


def test_each_outcome_is_printed_and_counted(dockfix: Run) -> None:
    put(a=ROOT, b=MOVED, c="FROM a\nCMD gosu\n", d="FROM unknown\nCMD b\n", e="FROM a\n\nRUN <<heredoc\n")
    put(f="FROM crash\n")
    done = dockfix("a", "b", "c", "d", "e", "f", "g")
    assert done.code == 123
    assert done.out == PATCH.format("a")
    lines = done.err.splitlines()
    assert lines[0] == "c:2: gosu drops root itself [drops-privileges] (leave it)"
    assert lines[1] == "d:1: needs review: base unknown [unknown-base] (--base FAMILY)"
    assert lines[2] == "e:3: error: unterminated heredoc [rejected-by-buildkit] (end it)"
    assert lines[3].startswith("f: error: dockfix failed: ValueError at ")
    assert lines[4] == "g: error: no such file [missing] (check the name)"
    assert lines[5] == "a: note: volumes may be root's [existing-volumes] (chown them)"
    assert lines[7:] == [
        "7 files processed",
        "  would change      1   (fix them: dockfix --write PATH...)",
        "  needs review      1   (show them: --diff --unsafe; after a look: --write --accept CODE)",
        "  unchanged         1",
        "  skipped           1   drops-privileges 1",
        "  failed            3",
        "why a file stays as it is: dockfix --explain c",
    ]


def test_what_needs_review_is_written_only_with_unsafe(dockfix: Run) -> None:
    put(Dockerfile="FROM unknown\nCMD b\n")
    assert dockfix("--check", "Dockerfile").code == 0
    assert dockfix("--diff", "Dockerfile").out == ""
    assert dockfix("--write", "Dockerfile").code == 0
    assert Path("Dockerfile").read_text() == "FROM unknown\nCMD b\n"
    assert "+USER appuser\n" in dockfix("--diff", "--unsafe", "Dockerfile").out
    dockfix("--write", "--unsafe", "Dockerfile")
    assert Path("Dockerfile").read_text() == "FROM unknown\nUSER appuser\nCMD b\n"


def test_a_review_that_does_not_exist_cannot_be_accepted(dockfix: Run) -> None:
    done = dockfix("--check", "--accept", "low-prot", "Dockerfile")
    assert (done.code, done.err) == (
        2,
        "dockfix: --accept: unknown review 'low-prot' (did you mean 'low-port'?)\n",
    )


def test_overrides_are_for_the_files_that_match(dockfix: Run) -> None:
    Path("two").mkdir()
    put(Dockerfile=ROOT, **{"two/Dockerfile": ROOT, "two/other.Dockerfile": ROOT})
    put(**{"dockfix.toml": '[[overrides]]\npaths = ["two/Dockerfile"]\nuser = "two"\n'})
    for _ in range(2):  # the second time from memory
        assert re.findall(r"^\+USER (\w+)", dockfix("--diff", ".").out, re.M) == ["appuser", "two", "appuser"]
    assert "+USER appuser\n" in dockfix("--diff", "--isolated", "two/Dockerfile").out
    put(**{"other.toml": 'user = "other"\n'})
    assert "+USER other\n" in dockfix("--diff", "--config", "other.toml", "two/Dockerfile").out


def test_files_that_are_named_can_be_excluded_too(dockfix: Run) -> None:
    put(Dockerfile=ROOT, **{"old.Dockerfile": ROOT, "dockfix.toml": 'exclude = ["old.*"]\n'})
    assert dockfix("--check", "Dockerfile", "old.Dockerfile").err.count("would change (") == 2
    done = dockfix("--write", "--force-exclude", "Dockerfile", "old.Dockerfile")
    assert "1 file processed" in done.err
    assert (Path("Dockerfile").read_text(), Path("old.Dockerfile").read_text()) == (MOVED, ROOT)
    put(**{"dockfix.toml": 'exclude = ["old.*"]\nforce-exclude = true\n'})
    forget_configs()
    assert dockfix("--write", "old.Dockerfile").code == 0
    assert Path("old.Dockerfile").read_text() == ROOT


def test_a_run_that_fixes_can_fail_for_it(dockfix: Run) -> None:
    put(Dockerfile=ROOT)
    assert dockfix("--write", "--exit-non-zero-on-fix", "Dockerfile").code == 1
    assert Path("Dockerfile").read_text() == MOVED
    assert dockfix("--write", "--exit-non-zero-on-fix", "Dockerfile").code == 0


def test_what_applies_to_a_path_is_shown(dockfix: Run) -> None:
    put(**{"dockfix.toml": 'user = "web"\n'})
    done = dockfix("--show-config", "--uid", "7", "Dockerfile")
    assert (done.code, done.err) == (0, "")
    assert re.search(r'^user = "web" +# dockfix\.toml:1$', done.out, re.M)
    assert re.search(r"^uid = 7 +# --uid$", done.out, re.M)


def test_verbose_prints_something_about_every_file(dockfix: Run) -> None:
    put(a=ROOT, b=MOVED)
    done = dockfix("--diff", "--verbose", "a", "b")
    assert "a: would change (set-user)\n" in done.err
    assert "b: unchanged\nb:2: note: a name [named-user] (--numeric)\n" in done.err


def test_many_notes_of_one_kind_are_printed_once(dockfix: Run) -> None:
    put(**{f"{number}.Dockerfile": ROOT for number in range(5)})
    done = dockfix("--write", ".")
    help = "(chown them) and 4 more like it"
    assert [line for line in done.err.splitlines() if "note" in line] == [
        f"0.Dockerfile: note: volumes may be root's [existing-volumes] {help}"
    ]


def test_a_folder_without_dockerfiles_says_so(dockfix: Run) -> None:
    Path("two words").mkdir()
    done = dockfix("--check", "two words", ".")
    assert (done.code, done.err) == (0, "\nNo Dockerfiles found in two words, .\n")


def test_a_check_names_the_command_that_fixes_what_it_found(dockfix: Run) -> None:
    Path("two words").mkdir()
    put(**{"two words/Dockerfile": ROOT})
    assert "(fix them: dockfix --write 'two words')" in dockfix("--check", "two words").err
    assert "(fix them" not in dockfix("--write", "two words").err


def test_lines_are_those_of_the_file_on_disk(dockfix: Run) -> None:
    """The rewrite has one more line above that of the review."""
    put(Dockerfile="FROM a\nCMD unknown\n")
    report = "--report", "a.json"
    assert dockfix("--diff", "Dockerfile", *report).code == 0
    assert '"line": 2, "message": "base unknown"' in Path("a.json").read_text()
    done = dockfix("--write", "--unsafe", "Dockerfile", *report)
    assert "Dockerfile:3: needs review: base unknown" in done.err
    assert '"line": 3, "message": "base unknown"' in Path("a.json").read_text()


def test_a_folder_is_searched_and_configs_are_nearest(dockfix: Run) -> None:
    for folder in ("one", "two"):
        Path(folder).mkdir()
        put(**{f"{folder}/Dockerfile": ROOT})
    put(**{"dockfix.toml": 'user = "outer"\n', "two/dockfix.toml": 'user = "inner"\n'})
    done = dockfix("--diff", ".")
    assert done.out == PATCH.format("one/Dockerfile").replace("appuser", "outer") + PATCH.format(
        "two/Dockerfile"
    ).replace("appuser", "inner")
    assert "+USER mine\n" in dockfix("--diff", ".", "--user", "mine").out


def test_a_mistake_in_a_config_stops_all_before_anything_is_written(dockfix: Run) -> None:
    Path("sub").mkdir()
    put(Dockerfile=ROOT, **{"sub/Dockerfile": ROOT, "sub/dockfix.toml": "numeric = 1\n"})
    done = dockfix("--write", ".")
    config = Path("sub/dockfix.toml").absolute()
    assert (done.code, done.out) == (2, "")
    assert done.err == f"dockfix: {config}:1: numeric must be true or false, not 1\n"
    assert Path("Dockerfile").read_text() == ROOT


USAGE = {
    "unknown option": (["--frob"], "--frob"),
    "two modes": (["--write", "--check"], "--write and --check cannot be used together"),
    "two configurations": (
        ["--config", "a", "--isolated"],
        "--config and --isolated cannot be used together",
    ),
    "no such configuration": (["--config", "no.toml"], "dockfix: no.toml: cannot be read: No such file or"),
    "no fix to fail for": (["--exit-non-zero-on-fix"], "dockfix: --exit-non-zero-on-fix needs --write\n"),
    "two volumes": (["-q", "-v"], "--quiet and --verbose cannot be used together"),
    "illegal user": (["--user", "root"], "--user: 'root' is not a valid user name"),
    "no number": (["--uid", "x"], "dockfix: --uid must be a whole number, not 'x'\n"),
    "too few": (["--verify-jobs", "0"], "--verify-jobs must be a whole number, 1 or more, not 0\n"),
    "no time": (["--timeout", "nan"], "--timeout must be a number of seconds, 0.001 or more, not nan\n"),
    "root's number": (["--gid", "0"], "--gid: 0 is out of range: use 1 to"),
    "no such choice": (
        ["--install", "conda"],
        'dockfix: --install must be one of "user", "venv", "system", not \'conda\'\n',
    ),
    "no such family": (["--base", "dos"], "--base: unknown base family 'dos'"),
    "input beside files": (["-", "Dockerfile"], "- cannot be combined with other paths"),
    "input for manifests": (["-", "--manifests"], "--manifests edits files: name a Dockerfile instead of -"),
    "input as a folder": (["-", "--stdin-filename", "."], "--stdin-filename: '.' is a folder: name a file"),
    "an option like another": (["--chekc"], "--check"),
    "an option without dashes": (["check", "."], "no file or folder is named 'check': did you mean --check?"),
    "one misspelt": (["verison"], "no file or folder is named 'verison': did you mean --version?"),
}


@pytest.mark.parametrize(("arguments", "message"), USAGE.values(), ids=USAGE)
def test_wrong_usage(dockfix: Run, arguments: list[str], message: str) -> None:
    put(Dockerfile=ROOT)
    done = dockfix(*arguments)
    assert (done.code, done.out) == (2, "")
    assert message in done.err
    assert "Traceback" not in done.err


def test_a_file_may_be_named_as_an_option_is(dockfix: Run) -> None:
    put(check=ROOT)
    assert dockfix("--diff", "check").out == PATCH.format("check")


SCREEN = (50, 100)
"""Lines and columns."""


def test_help_shows_each_group_on_a_screen(dockfix: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    done = dockfix("--help")
    head, *groups = done.out.split("\n\n")[2:]
    assert (done.code, done.err) == (0, "")
    assert "- for standard input" in head
    assert [group.split(":")[0].strip() for group in groups] == list(cli.GROUPS)
    assert all(len(group.splitlines()) <= SCREEN[0] for group in groups)
    assert all(len(line) <= SCREEN[1] for line in done.out.splitlines())
    assert not re.search(r"<\w|\[default|range|x>", done.out)


def test_help_explains_every_option_on_one_line(dockfix: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    lines = dockfix("--help").out.splitlines()
    options = [one for group in cli.GROUPS.values() for one in declared(group).values() if one.flags]
    assert len(options) > 40
    for one in options:
        found = [line for line in lines if re.match(rf"  (-\w, )?{one.flag}(?![\w-])", line)]
        assert [line.endswith(f"  {one.help}") for line in found] == [True], one.flag


def test_every_option_is_declared_once() -> None:
    options = [one for group in cli.GROUPS.values() for one in declared(group).values()]
    flags = [flag for one in options for part in one.flags for flag in part.split("/")]
    assert len(flags) == len(set(flags))
    assert all(one.help[0].isupper() and one.help[-1] != "." for one in options)


def test_standard_input_becomes_the_rewrite(dockfix: Run) -> None:
    done = dockfix("-", stdin=ROOT.encode())
    assert (done.code, done.out) == (0, MOVED)
    assert done.err == "<stdin>: note: volumes may be root's [existing-volumes] (chown them)\n"
    assert dockfix("-", "--write", stdin=ROOT.encode()).out == MOVED


def test_standard_input_that_stays_comes_back(dockfix: Run) -> None:
    for text in (MOVED, "FROM a\r\nCMD gosu", "\ufeffFROM unknown\n"):
        done = dockfix("-", stdin=text.encode())
        assert (done.code, done.out) == (0, text)


def test_standard_input_as_a_patch(dockfix: Run) -> None:
    assert dockfix("-", "--diff", stdin=ROOT.encode()).out == PATCH.format("Dockerfile")
    done = dockfix("-", "--diff", "--stdin-filename", "x/y.Dockerfile", stdin=ROOT.encode())
    assert done.out == PATCH.format("x/y.Dockerfile")


def test_standard_input_can_be_checked_and_can_fail(dockfix: Run) -> None:
    done = dockfix("-", "--check", stdin=ROOT.encode())
    assert (done.code, done.out) == (1, "")
    broken = dockfix("-", stdin=b"FROM a\n\xff\n")
    assert (broken.code, broken.out) == (123, "")
    assert broken.err == "<stdin>:2: error: not UTF-8: byte 0xff [not-utf-8] (save it as UTF-8)\n"


def test_standard_input_with_a_name_is_read_as_that_file_is(dockfix: Run) -> None:
    put(**{"dockfix.toml": 'user = "own"\n', "a.md": f"```dockerfile\n{ROOT}```\n"})
    name = "--stdin-filename"
    assert "+USER own\n" in dockfix("-", "--diff", name, "Dockerfile", stdin=ROOT.encode()).out
    done = dockfix("-", "--embedded", name, "a.md", stdin=Path("a.md").read_bytes())
    assert done.out == f"```dockerfile\n{MOVED.replace('appuser', 'own')}```\n"


def test_standard_input_goes_to_every_sink(dockfix: Run) -> None:
    done = dockfix("-", "--output", "a.patch", "--report", "a.json", "--stat", stdin=ROOT.encode())
    assert done.out.endswith(" 1 file changed, 1 insertions(+), 0 deletions(-)\n")
    assert Path("a.patch").read_text() == PATCH.format("Dockerfile")
    assert '"path": "Dockerfile"' in Path("a.json").read_text()
    assert dockfix("-", "--output", "b.patch", "--write", stdin=ROOT.encode()).out == MOVED


def test_standard_input_is_never_remembered(dockfix: Run) -> None:
    put(Dockerfile=ROOT)
    name = ("-", "--stdin-filename", "Dockerfile")
    assert dockfix(*name, stdin=ROOT.encode()).out == MOVED
    assert dockfix(*name, stdin=MOVED.encode()).out == MOVED
    assert dockfix("--diff", "Dockerfile").out == PATCH.format("Dockerfile")
    assert dockfix(*name, stdin=b"FROM a\nCMD gosu\n").out == "FROM a\nCMD gosu\n"


@pytest.mark.parametrize("arguments", [["--diff", "--no-cache", "Dockerfile"], ["-"]], ids=["file", "input"])
def test_eight_calls_lead_from_the_command_line_to_the_fix(
    dockfix: Run, monkeypatch: pytest.MonkeyPatch, arguments: list[str]
) -> None:
    """Our own frames; typer, which parses the arguments, and the forked process are left out."""

    def fix(text: str, options: Options, context: Context) -> Result:
        callers: list[str] = []
        frame: FrameType | None = sys._getframe(1)
        while frame is not None and (name := frame.f_globals["__name__"]) != __name__:
            if name.startswith("dockfix.") and name != "dockfix.confined":
                callers.append(f"{name}.{frame.f_code.co_name}")
            frame = frame.f_back
        return Skipped((Finding(codes.IGNORED, 0, " ".join(callers)),))

    monkeypatch.setattr("dockfix.pipeline.fix", fix)
    text = f"FROM {arguments[-1]}\nCMD counted\n"
    put(Dockerfile=text)
    done = dockfix(*arguments, stdin=text.encode())
    assert done.code == 0
    callers = done.err.split(": ", 1)[1].split(" [ignored]")[0].split()
    assert (callers[0], callers[-1]) == ("dockfix.runner.outcome.fix_source", "dockfix.cli.run")
    assert len(callers) <= 8, callers


def test_line_ends_and_mark_survive_the_way_to_the_pipe(dockfix: Run) -> None:
    put(Dockerfile="\ufeffFROM a\r\nCMD größe\r\n")
    done = dockfix("--diff", "Dockerfile")
    assert " \ufeffFROM a\r\n+USER appuser\n CMD größe\r\n" in done.out


def test_a_name_with_a_newline_stays_on_one_line(dockfix: Run) -> None:
    put(**{"a\nb.Dockerfile": "FROM a\nCMD gosu\n"})
    assert dockfix("--diff", ".").err.startswith('"a\\nb.Dockerfile":2: gosu drops')


def test_colour_only_when_asked(dockfix: Run) -> None:
    put(Dockerfile=ROOT)
    assert "\x1b[" not in dockfix("--diff", "Dockerfile").out
    painted = dockfix("--diff", "--color", "Dockerfile").out
    assert "\x1b[32m+USER appuser" in painted


def test_patch_of_a_link_names_its_target(dockfix: Run) -> None:
    Path("real").mkdir()
    put(**{"real/Dockerfile": ROOT})
    Path("Dockerfile").symlink_to("real/Dockerfile")
    assert dockfix("--diff", "Dockerfile").out == PATCH.format("real/Dockerfile")
    dockfix("--write", "Dockerfile")
    assert Path("Dockerfile").is_symlink()
    assert Path("real/Dockerfile").read_text() == MOVED


def test_what_cannot_be_written_fails_alone(dockfix: Run) -> None:
    put(a=ROOT, b=ROOT)
    Path("a").chmod(0o444)
    done = dockfix("--write", "a", "b")
    assert done.code == 123
    assert "a: error: read-only [read-only] (make it writable: chmod u+w)\n" in done.err
    assert (Path("a").read_text(), Path("b").read_text()) == (ROOT, MOVED)


@pytest.mark.integration
def test_a_reader_that_leaves_ends_it_quietly(tmp_path: Path) -> None:
    for number in range(300):
        (tmp_path / f"{number}.Dockerfile").write_text(ROOT)
    script = (
        "import sys, dockfix.pipeline; from stand_in import stand_in;"
        "dockfix.pipeline.fix = stand_in;"
        "from dockfix.cli import run; sys.argv = ['dockfix', '--diff', '.', '-q']; sys.exit(run())"
    )
    here = Path(__file__).parents[1]
    process = subprocess.Popen(
        [sys.executable, "-c", script],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": f"{here / 'tests' / 'support'}{os.pathsep}{here / 'src'}"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.read(10)
    process.stdout.close()
    assert process.stderr.read() == b""
    process.stderr.close()
    assert process.wait() in (0, 141)
