from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from dockfix.checks import codes
from dockfix.diff import compare_lines
from dockfix.files import stamps
from dockfix.files.build_context import describe_context
from dockfix.files.cache import Cache, code_version, open_cache
from dockfix.files.candidates import Candidate
from dockfix.files.dependencies import mark_folder, note_surroundings
from dockfix.files.stamps import settled, stamp
from dockfix.options import Options
from dockfix.results import Changed, Failed, Finding, Result, Skipped, Unchanged
from dockfix.runner.jobs import Job, Verdict
from dockfix.runner.outcome import Analysis

BEFORE = b"FROM a\r\nCMD b"
AFTER = "FROM a\r\nUSER u\r\nCMD b"
NOTE = Finding(codes.NAMED_USER, 1, "größe", "cure")
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
    return str(tmp_path_factory.mktemp("caches") / "cache" / "x.cache")


def remember(place: str, job: Job, result: Result, reads: tuple[str, ...] = ()) -> Verdict:
    """Store a verdict that came of reading some files; gives it back as a worker would send it."""
    context = describe_context(job.path)
    around = mark_folder(job.path)
    for name in reads:
        context.read(name)
    edits = tuple(compare_lines(job.data.decode(), result.text)) if isinstance(result, Changed) else ()
    applies = isinstance(result, Changed) and result.safe
    verdict = Verdict(Analysis(job.path, result, b"", applies, edits), note_surroundings(context, around))
    cache = Cache(place, "v1")
    cache.store(job, verdict, settled(stamp(job.path)))
    cache.save()
    return verdict


def find(place: str, job: Job, version: str = "v1") -> Verdict | None:
    return Cache(place, version).find(job, None)


def recall(place: str, job: Job, texts: bool = True) -> Analysis | None:
    return Cache(place, "v1").recall(Candidate(job.path, job.path), job.options, texts=texts)


@pytest.fixture
def _old(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is written counts as old enough to be trusted."""
    monkeypatch.setattr(stamps, "_SETTLED", -(10**12))


@pytest.mark.parametrize("result", RESULTS)
def test_a_verdict_comes_back_equal(job: Job, place: str, result: Result) -> None:
    verdict = remember(place, job, result, ("entry.sh", "gone"))
    found = find(place, job)
    assert found is not None
    assert found.analysis == replace(verdict.analysis, before=BEFORE)
    assert (found.around.names, found.around.reads) == (verdict.around.names, verdict.around.reads)


@pytest.mark.usefixtures("_old")
@pytest.mark.parametrize("result", RESULTS)
def test_what_nobody_touched_is_recalled(job: Job, place: str, result: Result) -> None:
    verdict = remember(place, job, result, ("entry.sh", "gone"))
    whole, counted = recall(place, job), recall(place, job, texts=False)
    assert whole is not None
    assert whole == replace(verdict.analysis, before=BEFORE)
    assert counted is not None
    if isinstance(result, Changed):
        result = replace(result, text="")
    assert counted == Analysis(job.path, result, b"", verdict.analysis.applies)


def test_what_is_new_is_compared_by_content_until_it_is_old(
    job: Job, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    remember(place, job, RESULTS[0], ("entry.sh",))
    assert recall(place, job) is None
    monkeypatch.setattr(stamps, "_SETTLED", -(10**12))
    cache = Cache(place, "v1")
    assert cache.find(job, settled(stamp(job.path))) is not None
    cache.save()
    assert recall(place, job) is not None


@pytest.mark.usefixtures("_old")
@pytest.mark.parametrize("name", ["Dockerfile", "entry.sh", "new.txt"])
def test_what_was_touched_is_not_recalled(job: Job, place: str, tmp_path: Path, name: str) -> None:
    remember(place, job, RESULTS[0], ("entry.sh",))
    path = tmp_path / name
    path.write_bytes(path.read_bytes() if path.exists() else b"")
    assert recall(place, job) is None


def test_failures_are_not_remembered(job: Job, place: str) -> None:
    remember(place, job, Failed(NOTE))
    assert find(place, job) is None


def test_other_content_options_or_version_is_unknown(job: Job, place: str) -> None:
    remember(place, job, RESULTS[0])
    assert find(place, replace(job, options=Options())) is not None
    assert find(place, replace(job, data=BEFORE + b"\n")) is None
    assert find(place, replace(job, options=Options(select=frozenset({"set-user"})))) is None
    assert find(place, replace(job, embedded=True)) is None
    assert find(place, replace(job, folder=".")) is None
    assert find(place, replace(job, path=job.path + "2")) is None
    assert find(place, job, "v2") is None


@pytest.mark.parametrize(
    ("name", "text"), [("entry.sh", "exec y\n"), ("gone", "here now\n"), ("action.yml", "name: x\n")]
)
def test_other_surroundings_are_unknown(job: Job, place: str, tmp_path: Path, name: str, text: str) -> None:
    remember(place, job, RESULTS[0], ("entry.sh", "gone"))
    (tmp_path / name).write_text(text)
    assert find(place, job) is None


def test_what_was_not_read_may_change(job: Job, place: str, tmp_path: Path) -> None:
    remember(place, job, RESULTS[0])
    (tmp_path / "entry.sh").write_text("exec y\n")
    assert find(place, job) is not None


@pytest.mark.usefixtures("_old")
def test_what_a_file_tells_is_asked_once_until_it_changes(place: str, tmp_path: Path) -> None:
    path = tmp_path / "compose.yml"
    asked: list[str] = []

    def read() -> tuple[str]:
        asked.append(path.read_text())
        return (asked[-1],)

    path.write_text("one")
    for text in ("one", "one", "two!", "two!"):
        path.write_text(text) if path.read_text() != text else None
        cache = Cache(place, "v1")
        assert cache.derive("builds", str(path), read) == (text,)
        cache.save()
    assert asked == ["one", "two!"]


@pytest.mark.parametrize("content", [b"", b"{", b"\xff" * 99, b'{"format": 2, "files": {}}'])
def test_a_foreign_cache_is_empty(job: Job, place: str, content: bytes) -> None:
    Path(place).parent.mkdir()
    Path(place).write_bytes(content)
    assert find(place, job) is None


@pytest.mark.parametrize("at", [0, 12, 40, 60, 200, -1])
def test_a_damaged_cache_is_empty(job: Job, place: str, at: int) -> None:
    remember(place, job, RESULTS[0])
    data = bytearray(Path(place).read_bytes())
    data[at] ^= 0x55
    Path(place).write_bytes(data)
    assert find(place, job) is None
    Path(place).write_bytes(bytes(data[: len(data) // 2]))
    assert find(place, job) is None


def test_a_place_that_cannot_be_written_costs_nothing(job: Job, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    place = str(tmp_path / "file" / "x.json")
    remember(place, job, RESULTS[0])
    assert find(place, job) is None


def test_the_oldest_caches_go(job: Job, place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dockfix.files.cache.REPOSITORIES", 3)
    folder = Path(place).parent
    folder.mkdir()
    for age in range(5):
        old = folder / f"{age}.cache"
        old.write_bytes(b"")
        os.utime(old, (1000 - age, 1000 - age))
    (folder / "README").write_text("")
    remember(place, job, RESULTS[0])
    assert {path.name for path in folder.iterdir()} == {"0.cache", "1.cache", "x.cache", "README"}


def test_each_root_has_its_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, job: Job) -> None:
    monkeypatch.setenv("DOCKFIX_CACHE_DIR", str(tmp_path / "caches"))
    for root in ("/one", "/two"):
        cache = open_cache(root)
        cache.store(job, Verdict(Analysis(job.path, Unchanged())))
        cache.save()
    assert len(list((tmp_path / "caches").iterdir())) == 2
    assert code_version() == code_version()


def test_the_same_name_in_another_folder_is_another_file(
    place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
    (tmp_path / "a/Dockerfile").write_bytes(BEFORE)
    (tmp_path / "b/Dockerfile").hardlink_to(tmp_path / "a/Dockerfile")
    job = Job("Dockerfile", BEFORE, Options())
    monkeypatch.chdir(tmp_path / "a")
    remember(place, job, RESULTS[1])
    assert find(place, job) is not None
    monkeypatch.chdir(tmp_path / "b")
    assert find(place, job) is None
