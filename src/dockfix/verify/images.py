"""Build images of a session from the texts of Dockerfiles."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from dockfix.options.request import VerifyOptions
from dockfix.verify.engine import BuildPlan
from dockfix.verify.frontends import ARGUMENT, foreign_frontend
from dockfix.verify.session import TIMED_OUT, Session


@dataclass(frozen=True, slots=True)
class Source:
    """What an image is built from; `dockerfile` is where the text, or the one that it replaces, stands."""

    text: str
    dockerfile: Path
    context: Path
    target: str | None = None
    build_args: Mapping[str, str | None] = field(default_factory=dict)
    builder: str | None = None


@dataclass(frozen=True, slots=True)
class Build:
    """A build's log, whether it succeeded, and what may help if it did not."""

    log: str
    ok: bool = False
    help: str = ""


def build_image(session: Session, options: VerifyOptions, source: Source, tag: str) -> Build:
    """Build an image and give it a tag and the label of the session, unless a foreign image would do it."""
    allowed = (*options.frontends, options.build_args.get(ARGUMENT))
    if frontend := foreign_frontend(source.text, source.build_args, allowed):
        log = f"ERROR: a foreign image would run the build: {frontend}"
        return Build(log, help=f"if you trust it: --syntax {frontend}")
    plan = BuildPlan(
        dockerfile=_lay_down(source, session.folder),
        context=str(source.context),
        tag=tag,
        label=session.label,
        build_args=source.build_args,
        secrets=options.secrets,
        target=source.target,
        builder=source.builder,
        network=options.build_network,
        flags=options.build_flags,
    )
    done = session.call(session.engine.build(plan), options.build_timeout)
    if done.code == TIMED_OUT:
        return Build(f"{done.output}\nERROR: it took more than {options.build_timeout:g} s")
    return Build(done.output, done.ok)


def _lay_down(source: Source, folder: str) -> str:
    """Write the text to a file outside of the context, with its ignore file."""
    target = Path(tempfile.mkdtemp(dir=folder), "Dockerfile")
    target.write_bytes(source.text.encode("utf-8", "surrogateescape"))
    beside = Path(f"{source.dockerfile}.dockerignore")
    if beside.is_file():
        shutil.copyfile(beside, f"{target}.dockerignore")
    return str(target)
