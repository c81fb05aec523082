"""A proof must fail for a rewrite that is broken on purpose, and name the cause."""

from __future__ import annotations

from pathlib import Path

import pytest
from applications import build_network, engine, find_applications, has_image

from dockfix.verify import Kind, Verdict, VerifyOptions, prove

ORIGINAL = """\
FROM python:3.12-slim-bookworm
WORKDIR /app
COPY requirements.txt .
RUN pip install -r requirements.txt
COPY . .
RUN mkdir -p logs uploads
CMD ["python", "service.py"]
"""

REWRITE = """\
FROM python:3.12-slim-bookworm
WORKDIR /app
RUN adduser --disabled-password --gecos '' appuser && chown appuser:appuser /app
USER appuser
COPY --chown=appuser:appuser requirements.txt .
RUN pip install --user -r requirements.txt
ENV PATH="/home/appuser/.local/bin:${PATH}"
COPY --chown=appuser:appuser . .
RUN mkdir -p logs uploads
CMD ["python", "service.py"]
"""

SERVED = """\
FROM python:3.12-slim-bookworm
WORKDIR /app
COPY requirements.txt .
RUN pip install -r requirements.txt
COPY . .
CMD ["gunicorn", "--bind", ":8000", "app:app"]
"""


def verify(
    name: str,
    original: str,
    rewrite: str,
    folder: Path,
    seconds: float = 5.0,
    flags: tuple[str, ...] = (),
) -> Verdict:
    engine()
    if not has_image("python:3.12-slim-bookworm"):
        pytest.skip("no image python:3.12-slim-bookworm on this engine")
    application = next(found for found in find_applications() if found.name == name)
    dockerfile = application.lay_out(folder)
    return prove(
        original,
        rewrite,
        dockerfile,
        VerifyOptions(build_network=build_network(), seconds=seconds, build_flags=flags),
    )


@pytest.mark.engine
def test_sound_rewrite_is_proven(tmp_path: Path) -> None:
    verdict = verify("service-that-writes-everywhere", ORIGINAL, REWRITE, tmp_path)
    assert verdict.proven, verdict.details.differences
    assert verdict.details.before is not None
    assert {"/app/cache/page", "/app/logs/service.log", "/app/uploads/latest"} <= set(
        verdict.details.before.wrote
    )


@pytest.mark.engine
@pytest.mark.parametrize(
    ("old", "new", "step", "expected"),
    [
        (" && chown appuser:appuser /app", "", "build the rewrite", "mkdir -p logs uploads"),
        ("mkdir -p logs uploads", "true", "compare", "logs/service.log"),
        ("--disabled-password", "--disabled-pass-word", "build the rewrite", "adduser"),
        ("RUN adduser", "USER appuser\nRUN adduser", "build the rewrite", "adduser"),
        ("USER appuser\n", "", "compare", "still runs as root"),
        ('"service.py"]', '"service.py"]\nUSER root', "compare", "still runs as root"),
        ('["python", "service.py"]', '["python", "missing.py"]', "compare", "exit code 2"),
        (
            "COPY --chown=appuser:appuser . .",
            "COPY --chown=root:root --chmod=600 . .",
            "compare",
            "exit code",
        ),
    ],
)
def test_sabotage_is_reported(old: str, new: str, step: str, expected: str, tmp_path: Path) -> None:
    assert old in REWRITE
    rewrite = REWRITE.replace(old, new, 1)
    verdict = verify("service-that-writes-everywhere", ORIGINAL, rewrite, tmp_path)
    messages = [verdict.details.reason, *(difference.message for difference in verdict.details.differences)]
    assert verdict.kind is Kind.BREAKS, messages
    assert verdict.step == step
    assert any(expected in message for message in [*messages, *verdict.log_tail]), messages
    assert verdict.log_tail or "root" in expected


@pytest.mark.engine
def test_missing_path_is_reported(tmp_path: Path) -> None:
    rewrite = REWRITE.replace('["python", "service.py"]', '["gunicorn", "--bind", ":8000", "app:app"]')
    rewrite = rewrite.replace('ENV PATH="/home/appuser/.local/bin:${PATH}"\n', "")
    # A step out of the cache prints no warning again.
    verdict = verify("flask-behind-gunicorn", SERVED, rewrite, tmp_path, flags=("--no-cache",))
    assert verdict.kind is Kind.BREAKS
    assert "gunicorn" in verdict.details.reason
    assert any(warning.startswith("not-on-path") for warning in verdict.details.warnings_after)


@pytest.mark.engine
def test_missing_path_is_reported_if_nothing_starts_the_script(tmp_path: Path) -> None:
    rewrite = REWRITE.replace('ENV PATH="/home/appuser/.local/bin:${PATH}"\n', "")
    rewrite = rewrite.replace('"service.py"', '"-m", "flask", "run"')
    original = ORIGINAL.replace('"service.py"', '"-m", "flask", "run"')
    verdict = verify("flask-behind-gunicorn", original, rewrite, tmp_path)
    assert verdict.kind is Kind.BREAKS
    assert verdict.details.reason == "the script flask was on PATH, and no longer is"


@pytest.mark.engine
def test_unwritten_directory_of_another_owner_is_reported(tmp_path: Path) -> None:
    """The application hides its failure: only a comparison with the files the original wrote shows it."""
    shell = 'CMD ["python", "-c", "import contextlib, time\\nwith contextlib.suppress(OSError):'
    command = shell + " open('state', 'w').write('x')\\ntime.sleep(60)\"]"
    original = ORIGINAL.replace('CMD ["python", "service.py"]', command)
    rewrite = REWRITE.replace('CMD ["python", "service.py"]', command)
    rewrite = rewrite.replace(
        "RUN mkdir -p logs uploads", "USER root\nRUN chown root:root /app\nUSER appuser"
    )
    verdict = verify("service-that-writes-everywhere", original, rewrite, tmp_path, seconds=2)
    assert verdict.kind is Kind.BREAKS
    assert verdict.details.reason == "/app/state was written before, and the user cannot write it"


@pytest.mark.engine
def test_original_that_does_not_build_is_reported(tmp_path: Path) -> None:
    original = ORIGINAL.replace("mkdir -p logs uploads", "false")
    verdict = verify("service-that-writes-everywhere", original, REWRITE, tmp_path)
    assert verdict.kind is Kind.ORIGINAL_FAILS
    assert verdict.details.reason == "RUN false"
    assert not verdict.proven


@pytest.mark.engine
def test_original_that_fails_by_itself_cannot_be_compared(tmp_path: Path) -> None:
    command = 'CMD ["python", "-c", "raise SystemExit(\'no database\')"]'
    original = ORIGINAL.replace('CMD ["python", "service.py"]', command)
    rewrite = REWRITE.replace('CMD ["python", "service.py"]', command)
    verdict = verify("service-that-writes-everywhere", original, rewrite, tmp_path)
    assert verdict.kind is Kind.INCOMPARABLE
    assert verdict.details.reason == "the original itself ends with exit code 1: no database"
