"""Properties of every file: no error, a fixed point, and nothing of the original lost."""

from __future__ import annotations

import gc
import pickle
import re
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dockfix import Changed, Failed, OptionError, Options, Result, Skipped, Unchanged, fix
from dockfix.pipeline import NAMES
from dockfix.syntax.parser import parse
from dockfix.syntax.tree import Instruction

BASES = (
    "python:3.12-slim-bookworm",
    "python:3.13-slim",
    "python:3.9",
    "python:3.12-alpine",
    "debian:bookworm-slim",
    "ubuntu:24.04",
    "rockylinux:9",
    "node:20",
    "gcr.io/distroless/python3-debian12",
    "registry.example.org/base:1",
    "scratch",
)
STEPS = (
    "RUN apt-get update && apt-get install -y --no-install-recommends gcc",
    "RUN apt-get update \\\n    # the compiler\n    && apt-get install -y gcc",
    "RUN apk add --no-cache gcc",
    "RUN pip install flask",
    "run pip install flask",
    "RUN pip3 install --no-cache-dir -r requirements.txt && pip install gunicorn",
    "RUN pip install \\\n      flask \\\n      gunicorn",
    "RUN <<EOF\npip install flask\nEOF",
    'RUN ["pip", "install", "flask"]',
    "RUN python -m pip install --upgrade pip",
    "RUN --mount=type=cache,target=/root/.cache/pip pip install -r requirements.txt",
    "RUN mkdir -p /app/log",
    "RUN mkdir /data && chmod 755 /data",
    "RUN python manage.py collectstatic",
    "RUN make build",
    "RUN python -m venv /opt/venv",
    "RUN . /opt/venv/bin/activate && pip install flask",
    "RUN useradd --create-home app",
    "RUN chown -R nobody /app",
    "RUN echo hello > /etc/motd",
    "RUN poetry config virtualenvs.create false && poetry install",
    "COPY . .",
    "COPY . /app",
    "COPY requirements.txt /tmp/",
    "COPY --link app.py /app/",
    "COPY --chown=1000 x y",
    "COPY --from=0 /wheels /wheels",
    "COPY <<FILE /app/settings\nUSER root\nFILE",
    'COPY ["a b", "/srv/"]',
    "COPY .ssh /root/.ssh",
    "ADD https://files.example.org/run.sh /usr/local/bin/run",
    "WORKDIR /app",
    "WORKDIR /srv",
    "WORKDIR sub",
    "WORKDIR /root/app",
    "WORKDIR /",
    "ENV PATH=/opt/venv/bin:$PATH",
    "ENV HOME=/app",
    "ENV HOME=/root",
    "ENV KEY value",
    "ARG VERSION=1",
    "LABEL a=b",
    "USER root",
    "USER app",
    "USER 1000:1000",
    "VOLUME /data",
    'VOLUME ["/app/media", "/root/state"]',
    "EXPOSE 80",
    'SHELL ["/bin/bash", "-c"]',
    "HEALTHCHECK CMD curl -f localhost",
    'ENTRYPOINT ["./entry.sh"]',
    "ONBUILD COPY . .",
    "FROM python:3.12-slim-bookworm",
    "FROM build",
)
STARTS = (
    'CMD ["python", "app.py"]',
    "CMD python app.py",
    'CMD ["gunicorn", "-b", ":8000", "app:app", "--pid", "/data/pid"]',
    'ENTRYPOINT ["python"]',
)
UNKNOWN = frozenset({"set-users"})
QUIET = settings(deadline=None, derandomize=True, database=None, max_examples=40)


@st.composite
def dockerfiles(draw: st.DrawFn) -> str:
    lines = [f"FROM {draw(st.sampled_from(BASES))}{draw(st.sampled_from(('', ' AS build')))}"]
    for step in draw(st.lists(st.sampled_from(STEPS), max_size=8)):
        lines += draw(st.lists(st.sampled_from(("", "# a step", "  # indented")), max_size=2))
        lines.append(step)
    lines += draw(st.lists(st.sampled_from(STARTS), max_size=1))
    text = "\n".join(lines) + draw(st.sampled_from(("", "\n")))
    return text.replace("\n", "\r\n") if draw(st.booleans()) else text


NUMBERS = st.sampled_from((None, 1000, 70000))
OPTIONS = st.builds(
    Options,
    user=st.sampled_from(("appuser", "app", "node")),
    uid=NUMBERS,
    gid=NUMBERS,
    numeric=st.booleans(),
    install=st.sampled_from(("user", "venv", "system")),
    chown=st.sampled_from(("all", "writable", "none")),
    ignore=st.frozensets(st.sampled_from(sorted(NAMES)), max_size=2),
    base=st.sampled_from((None, "debian", "alpine")),
    targets=st.sampled_from(((), ("build",), ("0",))),
)
PARTIAL = st.builds(
    Options,
    select=st.frozensets(st.sampled_from(sorted(NAMES)), max_size=4),
    unsafe=st.booleans(),
    numeric=st.booleans(),
)


def reduce_instruction(text: str) -> str:
    """An instruction without anything the transforms may add, with each home called HOME."""
    text = re.sub(r" (?:--user|--root-user-action=ignore)(?!\S)", "", text)
    text = re.sub(r' "(?:--user|--root-user-action=ignore)",', "", text)
    text = re.sub(r"PIP_ROOT_USER_ACTION=ignore ", "", text)
    text = re.sub(r"^(COPY|ADD) --chown=[\w:]+", r"\1", text, flags=re.IGNORECASE)
    text = re.sub(r"(--mount=\S+?),uid=\d+,gid=\d+", r"\1", text)
    text = re.sub(r"(?<![\w/])(?:/root|/home/[a-z]+)(?=[/,\"'\s]|$)", "HOME", text)
    return text.rstrip()


def is_kept(one: Instruction, other: Instruction) -> bool:
    """Whether `other` of the rewrite corresponds to `one` of the original."""
    if one.keyword == "USER" or (one.keyword == "WORKDIR" and one.args == "/"):
        # A USER root that serves no step becomes the account's, a WORKDIR / the application's.
        return other.keyword == one.keyword
    before, after = reduce_instruction(str(one)), reduce_instruction(str(other))
    # The account's own RUN may get more commands.
    return before == after or ("useradd" in before and after.startswith(before + " && "))


@QUIET
@given(dockerfiles(), OPTIONS)
def test_fixed_file_is_left_alone(text: str, options: Options) -> None:
    result = fix(text, options)
    if isinstance(result, Changed):
        assert isinstance(fix(result.text, options), Unchanged)


@QUIET
@given(dockerfiles(), OPTIONS)
def test_rewrite_keeps_every_instruction(text: str, options: Options) -> None:
    result = fix(text, options)
    if isinstance(result, Changed):
        rest = iter(parse(result.text).instructions)
        lost = [one for one in parse(text).instructions if not any(is_kept(one, other) for other in rest)]
        assert not lost


@QUIET
@given(dockerfiles(), OPTIONS)
def test_rewrite_keeps_comments_and_line_ends(text: str, options: Options) -> None:
    result = fix(text, options)
    if not isinstance(result, Changed):
        return
    comments = Counter(line.strip() for line in text.splitlines() if line.lstrip().startswith("#"))
    assert not comments - Counter(line.strip() for line in result.text.splitlines())
    ends = set(re.findall(r"\r?\n", text)) or {"\n"}
    assert set(re.findall(r"\r?\n", result.text)) == ends
    assert result.text.endswith("\n") == text.endswith("\n")


@QUIET
@given(st.one_of(dockerfiles(), st.text()), st.one_of(OPTIONS, PARTIAL))
def test_any_result_is_whole(text: str, options: Options) -> None:
    result: Result = fix(text, options)
    assert pickle.loads(pickle.dumps(result)) == result
    match result:
        case Changed():
            assert result.text != text
            assert set(result.transforms) <= NAMES - options.ignore
            assert not options.select or set(result.transforms) <= options.select
        case Skipped():
            assert result.reasons
        case Failed():
            assert "\0" in text


WORDS = (
    "FROM RUN USER COPY ENV WORKDIR VOLUME CMD ARG ONBUILD SHELL HEALTHCHECK python:3.12 pip install mkdir"
)
SIGNS = '<<EOF EOF --chown= --mount=type=cache,target= [" "] ${ } $X \' " ` # && | ; ( ) /app /root @ {{ é'
CONTROLS = ("\\\n", "\t", "\ufeff", "\r", "\u2028", "\x0c", "")
FRAGMENTS = st.sampled_from((*WORDS.split(), *SIGNS.split(), *CONTROLS, " ", "\n", "\nRUN "))


@QUIET
@given(st.lists(FRAGMENTS), OPTIONS)
def test_fragments_never_raise(words: list[str], options: Options) -> None:
    text = "FROM python:3.12-slim\n" + "".join(words)
    result = fix(text, options)
    assert isinstance(result, Changed | Unchanged | Skipped)
    if isinstance(result, Changed):
        assert isinstance(fix(result.text, options), Unchanged)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n",
        "# only a comment\n",
        "RUN pip install flask\n",
        "FROM\n",
        "FROM a b\n",
        "ARG X=1\n",
        "\ufeff",
    ],
)
def test_text_that_builds_nothing_is_left_alone(text: str) -> None:
    result = fix(text)
    assert isinstance(result, Skipped)
    assert [reason.code for reason in result.reasons] == ["rejected-by-buildkit"]


def test_nul_byte_is_reported_with_its_line() -> None:
    result = fix("FROM python:3.12\nRUN x\0\n")
    assert isinstance(result, Failed)
    assert (result.error.code, result.error.line) == ("nul-byte", 2)


@pytest.mark.parametrize("options", [Options(select=UNKNOWN), Options(ignore=UNKNOWN)])
def test_unknown_transform_is_reported(options: Options) -> None:
    with pytest.raises(OptionError, match="unknown transform 'set-users'"):
        fix("FROM python:3.12\n", options)


HEIR = "FROM web AS job\nCMD python job.py\n"
SIBLING = "FROM python:3.12-slim-bookworm\nCMD python job.py\n"


@pytest.mark.parametrize(
    ("other", "targets", "users"),
    [(SIBLING, (), 2), (SIBLING, ("web",), 2), (HEIR, (), 1), (HEIR, ("web",), 1)],
)
def test_stage_that_starts_something_is_fixed_with_the_last(
    other: str, targets: tuple[str, ...], users: int
) -> None:
    text = f"FROM python:3.12-slim-bookworm AS web\nCMD python web.py\n{other}"
    found = fix(text, Options(targets=targets))
    assert isinstance(found, Changed)
    assert found.text.count("USER appuser\n") == users


def test_ignoring_everything_changes_nothing() -> None:
    text = "FROM python:3.12-slim\nCMD python app.py\n"
    assert isinstance(fix(text, Options(ignore=NAMES)), Unchanged)


@pytest.mark.parametrize("step", STEPS)
def test_reading_leaves_nothing_to_collect(step: str) -> None:
    """A worker's memory stays flat without the garbage collector, which therefore can run rarely."""
    text = f"FROM python:3.12-slim-bookworm\nWORKDIR /app\nCOPY . .\n{step}\nCMD python app.py\n"
    fix(text)  # what is kept for the next file
    gc.freeze()
    gc.disable()
    gc.set_debug(gc.DEBUG_SAVEALL)
    try:
        fix(text)
        gc.collect()
        assert [one for one in gc.garbage if type(one).__module__.startswith("dockfix")] == []
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        gc.enable()
        gc.unfreeze()


@pytest.mark.parametrize(
    ("end", "outcome"),
    [
        ('CMD ["/usr/sbin/sshd", "-D"]', "needs-root-process"),
        ("VOLUME /var/run/docker.sock\nCMD dockerd", "needs-root-process"),
        ('CMD ["gunicorn", "-b", "0.0.0.0:80", "app"]', "low-port"),
        ("EXPOSE 443", "low-port"),
        ('CMD ["python", "app.py", "--all"]', ""),
    ],
)
def test_an_image_on_a_stage_that_ships_is_judged_by_its_own_start(end: str, outcome: str) -> None:
    text = (
        "FROM python:3.12-slim AS web\nWORKDIR /app\nCOPY app.py .\n"
        f'CMD ["python", "app.py"]\nFROM web\n{end}\n'
    )
    found = fix(text, Options(targets=("web",)))
    assert isinstance(found, Changed | Skipped)
    findings = found.reasons if isinstance(found, Skipped) else found.reviews
    assert [one.code for one in findings] == ([outcome] if outcome else [])
