from __future__ import annotations

import pytest

from dockfix.checks import codes
from dockfix.options.request import Mode, Volume
from dockfix.output.exit_codes import Exit
from dockfix.output.summary import Summary
from dockfix.results import Changed, Failed, Finding, Skipped, Unchanged
from dockfix.runner.outcome import FileResult
from dockfix.terminal import Terminal, show_path

REASON = Finding(codes.DROPS_PRIVILEGES, 2, "gosu drops root itself", "leave it")
SKIPPED = Skipped((REASON,))
CHANGED = Changed("", ("set-user",))


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("a/b c", "a/b c"),
        ("größe", "größe"),
        ("a\nb", '"a\\nb"'),
        ("a\x1b[2J", '"a\\033[2J"'),
        ("\udce9", '"\\351"'),
    ],
)
def test_paths_cannot_play_with_the_terminal(path: str, shown: str) -> None:
    assert show_path(path) == shown


@pytest.mark.parametrize(("volume", "lines"), [(Volume.NORMAL, 20), (Volume.VERBOSE, 50), (Volume.QUIET, 0)])
def test_long_lists_are_folded_for_people(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, volume: Volume, lines: int
) -> None:
    monkeypatch.setattr(Terminal, "is_interactive", True)
    summary = Summary(Terminal(colour=False), Mode.CHECK, volume)
    for number in range(50):
        summary.add(FileResult(f"{number}", SKIPPED))
        summary.add(FileResult(f"{number}", CHANGED, applies=True))
    summary.close()
    err = capsys.readouterr().err
    assert err.count("gosu drops") == err.count(": would change (") == lines
    folded = volume is Volume.NORMAL
    assert ("... and 30 more [drops-privileges] (--verbose lists them)\n" in err) == folded
    assert ("... and 30 more would change (--verbose lists them)\n" in err) == folded


@pytest.mark.parametrize(("count", "volume"), [(3, Volume.NORMAL), (4, Volume.NORMAL), (4, Volume.VERBOSE)])
def test_files_that_are_not_for_dockfix_are_one_line(
    capsys: pytest.CaptureFixture[str], count: int, volume: Volume
) -> None:
    review = Finding(codes.NOT_PYTHON, 1, "nothing looks like Python", "--unsafe")
    summary = Summary(Terminal(), Mode.CHECK, volume)
    for number in range(count):
        summary.add(FileResult(f"{number}", Changed("", ("set-user",), (review,))))
        summary.add(FileResult(f"v{number}", Skipped((Finding(codes.VENDORED, 0, "vendored"),))))
    summary.print_notes()
    lines = capsys.readouterr().err.splitlines()
    if count == 4 and volume is Volume.NORMAL:
        assert lines == [
            "0:1 and 3 more: needs review: nothing looks like Python [not-python] (--unsafe)",
            "v0 and 3 more: vendored [vendored]",
        ]
    else:
        assert (
            sum("nothing looks" in line for line in lines) == sum(line[0] == "v" for line in lines) == count
        )


def test_a_pipe_gets_every_line(capsys: pytest.CaptureFixture[str]) -> None:
    summary = Summary(Terminal(), Mode.DIFF)
    for number in range(50):
        summary.add(FileResult(f"{number}", SKIPPED))
    summary.close()
    err = capsys.readouterr().err
    assert err.count("gosu drops") == 50
    assert "more" not in err


@pytest.mark.parametrize(
    ("results", "mode", "code"),
    [
        ([Unchanged(), SKIPPED], Mode.CHECK, Exit.DONE),
        ([CHANGED], Mode.CHECK, Exit.WOULD_CHANGE),
        ([CHANGED], Mode.DIFF, Exit.DONE),
        ([CHANGED], Mode.WRITE, Exit.DONE),
        ([CHANGED, Failed(REASON)], Mode.CHECK, Exit.FAILED),
        ([Skipped((Finding(codes.REWRITE_BREAKS, 0, "x"),))], Mode.WRITE, Exit.WOULD_CHANGE),
    ],
)
def test_exit_codes(
    capsys: pytest.CaptureFixture[str],
    results: list[Changed | Unchanged | Skipped | Failed],
    mode: Mode,
    code: Exit,
) -> None:
    summary = Summary(Terminal(), mode, Volume.QUIET)
    for result in results:
        summary.add(FileResult("a", result, applies=isinstance(result, Changed)))
    assert summary.exit_code is code
    assert capsys.readouterr().out == ""


def test_files_of_other_languages_are_counted_by_themselves(capsys: pytest.CaptureFixture[str]) -> None:
    review = Finding(codes.NOT_PYTHON, 1, "nothing here looks like Python, but like Node")
    base = Finding(codes.UNKNOWN_BASE, 1, "unknown")
    summary = Summary(Terminal(), Mode.CHECK)
    summary.add(FileResult("node", Changed("", ("set-user",), (review,))))
    summary.add(FileResult("both", Changed("", ("set-user",), (base, review))))
    summary.close()
    err = capsys.readouterr().err
    assert "2 files processed\n" in err
    assert "  needs review      1   (" in err
    assert "  not Python        1   (try them: --languages all --diff --verify)\n" in err
    assert summary.exit_code is Exit.DONE
