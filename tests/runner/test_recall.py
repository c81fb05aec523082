from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from dockfix.checks import codes
from dockfix.context import Deployment, Setting
from dockfix.diff import compare_lines
from dockfix.files import stamps
from dockfix.files.build_context import describe_context
from dockfix.files.cache import Cache
from dockfix.files.candidates import Candidate
from dockfix.files.dependencies import mark_folder, note_surroundings
from dockfix.files.stamps import settled, stamp
from dockfix.options import Options
from dockfix.results import Changed, Failed, Finding, Result, Skipped, Unchanged
from dockfix.runner.jobs import Job, Reply
from dockfix.runner.outcome import FileResult
from dockfix.runner.recall import Recall

BEFORE = b"FROM a\r\nCMD b"
AFTER = "FROM a\r\nUSER u\r\nCMD b"
NOTE = Finding(codes.NAMED_USER, 1, "größe", "help")
DEPLOYMENT = Deployment("compose.yml", 3, "compose", "web", user=Setting("root", 4))
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


def remember(place: str, job: Job, result: Result, reads: tuple[str, ...] = ()) -> Reply:
    """Store a reply that depends on some files; returns it as a worker would send it."""
    context = describe_context(job.path)
    around = mark_folder(job.path)
    for name in reads:
        context.read(name)
    edits = tuple(compare_lines(job.data.decode(), result.text)) if isinstance(result, Changed) else ()
    applies = isinstance(result, Changed) and result.safe
    reply = Reply(FileResult(job.path, result, b"", applies, edits), note_surroundings(context, around))
    cache = Cache(place, "v1", b"key")
    Recall(cache).remember(job, reply, settled(stamp(job.path)))
    cache.save()
    return reply


def find(place: str, job: Job, version: str = "v1") -> Reply | None:
    return Recall(Cache(place, version, b"key")).by_content(job, None)


def recall(place: str, job: Job, texts: bool = True) -> FileResult | None:
    candidate = Candidate(job.path, job.path, deployments=job.deployments)
    return Recall(Cache(place, "v1", b"key")).by_stamps(candidate, job.options, texts=texts)


@pytest.fixture
def _old(monkeypatch: pytest.MonkeyPatch) -> None:
    """Treat every write as old enough to trust."""
    monkeypatch.setattr(stamps, "_SETTLED", -(10**12))


@pytest.mark.parametrize("result", RESULTS)
def test_a_reply_comes_back_equal(job: Job, place: str, result: Result) -> None:
    reply = remember(place, job, result, ("entry.sh", "gone"))
    found = find(place, job)
    assert found is not None
    assert found.file == replace(reply.file, before=BEFORE)
    assert (found.around.names, found.around.reads) == (reply.around.names, reply.around.reads)


@pytest.mark.usefixtures("_old")
@pytest.mark.parametrize("result", RESULTS)
def test_an_untouched_file_is_recalled(job: Job, place: str, result: Result) -> None:
    reply = remember(place, job, result, ("entry.sh", "gone"))
    whole, counted = recall(place, job), recall(place, job, texts=False)
    assert whole is not None
    assert whole == replace(reply.file, before=BEFORE)
    assert counted is not None
    if isinstance(result, Changed):
        result = replace(result, text="")
    assert counted == FileResult(job.path, result, b"", reply.file.applies)


def test_what_is_new_is_compared_by_content_until_it_is_old(
    job: Job, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    remember(place, job, RESULTS[0], ("entry.sh",))
    assert recall(place, job) is None
    monkeypatch.setattr(stamps, "_SETTLED", -(10**12))
    cache = Cache(place, "v1", b"key")
    assert Recall(cache).by_content(job, settled(stamp(job.path))) is not None
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
    assert find(place, replace(job, folders=(".",))) is None
    assert find(place, replace(job, deployments=(DEPLOYMENT,))) is None
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
def test_what_is_run_in_another_way_is_not_recalled(job: Job, place: str) -> None:
    remember(place, replace(job, deployments=(DEPLOYMENT,)), RESULTS[0])
    assert recall(place, replace(job, deployments=(replace(DEPLOYMENT),))) is not None
    assert recall(place, replace(job, deployments=(replace(DEPLOYMENT, user=None),))) is None
    assert recall(place, job) is None
