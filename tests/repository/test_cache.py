from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from dockfix.analysis import Analysis
from dockfix.build_context import describe_context, folder_time, note_surroundings
from dockfix.diff import compare_lines
from dockfix.options import Options
from dockfix.repository.cache import Cache, code_version, open_cache
from dockfix.repository.pool import Job, Verdict
from dockfix.results import Changed, Failed, Finding, Result, Skipped, Unchanged

BEFORE = b"FROM a\r\nCMD b"
AFTER = "FROM a\r\nUSER u\r\nCMD b"
NOTE = Finding("note", 1, "größe", "cure")
RESULTS: list[Result] = [
    Changed(AFTER, ("set-user",), (NOTE,), (NOTE, NOTE)),
    Changed(AFTER, ("set-user",)),
    Unchanged((NOTE,)),
    Skipped((NOTE, NOTE)),
]


@pytest.fixture
def job(tmp_path: Path) -> Job:
    (tmp_path / "Dockerfile").write_bytes(BEFORE)
    (tmp_path / "entry.sh").write_text("exec x\n")
    return Job(str(tmp_path / "Dockerfile"), BEFORE, Options())


@pytest.fixture
def place(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(tmp_path_factory.mktemp("caches") / "cache" / "x.json")


def remember(place: str, job: Job, result: Result, reads: tuple[str, ...] = ()) -> Verdict:
    """Store a verdict that came of reading some files; gives it back as a worker would send it."""
    context = describe_context(job.path)
    around = folder_time(str(Path(job.path).parent))
    for name in reads:
        context.read(name)
    edits = tuple(compare_lines(job.data.decode(), result.text)) if isinstance(result, Changed) else ()
    applies = isinstance(result, Changed) and result.safe
    verdict = Verdict(Analysis(job.path, result, b"", applies, edits), note_surroundings(context, around))
    cache = Cache(place, "v1")
    cache.store(job, verdict)
    cache.save()
    return verdict


@pytest.mark.parametrize("result", RESULTS)
def test_a_verdict_comes_back_equal(job: Job, place: str, result: Result) -> None:
    verdict = remember(place, job, result, ("entry.sh", "gone"))
    whole = replace(verdict, analysis=replace(verdict.analysis, before=BEFORE))
    assert Cache(place, "v1").find(job) == whole


def test_failures_are_not_remembered(job: Job, place: str) -> None:
    remember(place, job, Failed(NOTE))
    assert Cache(place, "v1").find(job) is None


def test_other_content_options_or_version_is_unknown(job: Job, place: str) -> None:
    remember(place, job, RESULTS[0])
    cache = Cache(place, "v1")
    assert cache.find(replace(job, options=Options())) is not None
    assert cache.find(replace(job, data=BEFORE + b"\n")) is None
    assert cache.find(replace(job, options=Options(select=frozenset({"set-user"})))) is None
    assert cache.find(replace(job, path=job.path + "2")) is None
    assert Cache(place, "v2").find(job) is None


@pytest.mark.parametrize(
    ("name", "text"), [("entry.sh", "exec y\n"), ("gone", "here now\n"), ("action.yml", "name: x\n")]
)
def test_other_surroundings_are_unknown(job: Job, place: str, tmp_path: Path, name: str, text: str) -> None:
    remember(place, job, RESULTS[0], ("entry.sh", "gone"))
    (tmp_path / name).write_text(text)
    assert Cache(place, "v1").find(job) is None


def test_what_was_not_read_may_change(job: Job, place: str, tmp_path: Path) -> None:
    remember(place, job, RESULTS[0])
    (tmp_path / "entry.sh").write_text("exec y\n")
    assert Cache(place, "v1").find(job) is not None


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        "[1, 2]",
        '{"format": 1, "version": "v1", "files": 7}',
        '{"format": 0, "version": "v1", "files": {}}',
        "[" * 100_000,
        "\ufeffé",
    ],
)
def test_a_corrupt_or_foreign_cache_is_empty(job: Job, place: str, content: str) -> None:
    Path(place).parent.mkdir()
    Path(place).write_text(content, encoding="utf-8")
    assert Cache(place, "v1").find(job) is None


@pytest.mark.parametrize("damage", [("result", ["changed"]), ("around", None), ("result", ["new kind", []])])
def test_a_damaged_entry_is_unknown(job: Job, place: str, damage: tuple[str, object]) -> None:
    remember(place, job, RESULTS[0])
    data = json.loads(Path(place).read_text())
    data["files"][job.path][damage[0]] = damage[1]
    Path(place).write_text(json.dumps(data))
    assert Cache(place, "v1").find(job) is None


def test_a_place_that_cannot_be_written_costs_nothing(job: Job, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    place = str(tmp_path / "file" / "x.json")
    remember(place, job, RESULTS[0])
    assert Cache(place, "v1").find(job) is None


def test_each_root_has_its_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, job: Job) -> None:
    monkeypatch.setenv("DOCKFIX_CACHE_DIR", str(tmp_path / "caches"))
    for root in ("/one", "/two"):
        cache = open_cache(root)
        cache.store(job, Verdict(Analysis(job.path, Unchanged())))
        cache.save()
    assert len(list((tmp_path / "caches").iterdir())) == 2
    assert code_version() == code_version()
