from __future__ import annotations

from dockfix.diff import compare_lines
from dockfix.output.diffstat import Statistics
from dockfix.results import Changed, Unchanged
from dockfix.runner.outcome import FileResult


def change(name: str, before: str, after: str) -> FileResult:
    edits = tuple(compare_lines(before, after))
    return FileResult(name, Changed(after, ()), before.encode(), applies=True, edits=edits, name=name)


def test_bars_and_sums() -> None:
    statistics = Statistics()
    statistics.add(change("a", "1\n2\n", "1\nx\ny\n2\n"))
    statistics.add(change("sub/b", "1\n2\n", "1\n3\n"))
    statistics.add(FileResult("c", Unchanged(), name="c"))
    assert "".join(statistics.lines(80)) == (
        " a     | 2 ++\n sub/b | 2 +-\n 2 files changed, 3 insertions(+), 1 deletions(-)\n"
    )


def test_long_names_and_bars_fit() -> None:
    statistics = Statistics()
    statistics.add(change("x" * 200, "", "1\n" * 5000))
    statistics.add(change("y", "", "1\n"))
    lines = list(statistics.lines(80))
    assert all(len(line) <= 81 for line in lines)
    assert lines[1].endswith("|    1 +\n")


def test_nothing_changed_prints_nothing() -> None:
    assert list(Statistics().lines()) == []
