"""Applications that a rewrite breaks unless it respects what their sources say, on a real engine."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest
from applications import build_network, engine, has_image

from dockfix import Options, fix
from dockfix.files.build_context import describe_context
from dockfix.results import Changed, Result, Skipped
from dockfix.verify import Case, Kind, Prover, Verdict, VerifyOptions

ROOT = Path(__file__).parents[2] / "fixtures" / "evidence"
IMAGE = "python:3.12-slim-bookworm"
CLOSED_PORTS = ("--sysctl", "net.ipv4.ip_unprivileged_port_start=1024")


@dataclass(frozen=True)
class Outcome:
    """What the sources of a fixture lead to: a rewrite that is proven, or the code that is reported.

    `breaks` says whether the rewrite without them breaks, run with `flags` and these capabilities.
    """

    code: str = ""
    breaks: bool = True
    flags: tuple[str, ...] = ()
    seconds: float = 4
    capabilities: tuple[str, ...] = ()


# What a process of root's may do outside of a proof, too.
AS_ROOT = ("CHOWN", "DAC_OVERRIDE", "FOWNER", "NET_BIND_SERVICE", "SETGID", "SETUID")
EXPECTED = {
    "cache-filled-by-a-script": Outcome(),
    "cache-in-the-home": Outcome(breaks=False),
    "celery-with-a-schedule": Outcome(seconds=8),
    "changes-its-user": Outcome("needs-root-process", capabilities=AS_ROOT),
    "database-in-a-folder": Outcome(),
    "django-with-uploads": Outcome(),
    "flask-with-an-instance-folder": Outcome(),
    "installs-while-it-runs": Outcome("needs-root-process", capabilities=AS_ROOT),
    "keeps-a-shelf": Outcome(),
    "logs-to-a-file": Outcome(),
    "opens-a-file-to-write": Outcome(),
    "pid-file-by-flag": Outcome("writes-to-system-directory"),
    "place-that-nobody-knows": Outcome(breaks=False),
    "port-of-root": Outcome("low-port", flags=CLOSED_PORTS, capabilities=AS_ROOT),
    "server-with-a-config-file": Outcome(seconds=8),
    "server-on-a-socket": Outcome(seconds=8),
    "started-by-a-script": Outcome(),
    "works-in-a-fixed-folder": Outcome(),
    "writes-outside-of-its-directory": Outcome(),
}


def test_every_fixture_is_tried() -> None:
    assert sorted(EXPECTED) == sorted(path.name for path in ROOT.iterdir() if path.is_dir())


def ask(dockerfile: Path, *, evidence: bool) -> Result:
    # What is held back for a person is asked as well.
    options = Options(evidence=evidence, unsafe=True)
    return fix(dockerfile.read_text(), options, describe_context(str(dockerfile)))


def codes(result: Result) -> list[str]:
    if isinstance(result, Skipped):
        return [reason.code for reason in result.reasons]
    return [review.code for review in result.reviews] if isinstance(result, Changed) else []


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_the_sources_count(name: str) -> None:
    dockerfile = ROOT / name / "Dockerfile"
    assert codes(ask(dockerfile, evidence=True)) == ([EXPECTED[name].code] if EXPECTED[name].code else [])
    without = ask(dockerfile, evidence=False)
    assert isinstance(without, Changed)
    # What the start script alone shows is held for review without the sources as well.
    is_held = bool(without.reviews)
    assert is_held or (without == ask(dockerfile, evidence=True)) is not EXPECTED[name].breaks


def describe(verdict: Verdict) -> str:
    messages = [difference.message for difference in verdict.details.differences]
    return "\n".join([str(verdict), *messages, *verdict.log_tail])


@pytest.mark.engine
@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_a_rewrite_breaks_without_the_sources_and_is_proven_with_them(name: str, tmp_path: Path) -> None:
    engine()
    if not has_image(IMAGE):
        pytest.skip(f"no image {IMAGE} on this engine")
    context = tmp_path / "context"
    shutil.copytree(ROOT / name, context)
    dockerfile = context / "Dockerfile"
    expected = EXPECTED[name]
    options = VerifyOptions(
        build_network=build_network(), seconds=expected.seconds, capabilities=expected.capabilities
    )
    text = dockerfile.read_text()
    with Prover(options) as prover:
        without = ask(dockerfile, evidence=False)
        assert isinstance(without, Changed)
        verdict = prover.prove(Case(text, without.text, dockerfile, expected.flags))
        assert verdict.kind is (Kind.BREAKS if expected.breaks else Kind.PROVEN), describe(verdict)
        result = ask(dockerfile, evidence=True)
        if not expected.code:
            assert isinstance(result, Changed)
            verdict = prover.prove(Case(text, result.text, dockerfile, expected.flags))
            assert verdict.kind is Kind.PROVEN, f"{result.text}\n{describe(verdict)}"
