"""What a rewrite bears beyond being run as it is: fewer rights, numbers, a closed file system, any uid.

An application whose nature it is to fail one of these says so in its app.toml: `fails = [...]`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest
from applications import Application, context_of, engine, find_applications, need_images

from dockfix import fix
from dockfix.results import Changed
from dockfix.verify import Case, Prover

VARIANTS: Final[Mapping[str, tuple[str, ...]]] = {
    "no-capabilities": ("--cap-drop", "ALL", "--security-opt", "no-new-privileges"),
    "numeric": (),
    "read-only": ("--read-only", "--tmpfs", "/tmp"),
    "arbitrary-uid": ("--user", "54321:0"),
}
PROVEN = [application for application in find_applications() if application.facts["expect"] == "proven"]


def rewrite(application: Application, dockerfile: Path, text: str, numeric: bool) -> str:
    options = replace(application.options, numeric=application.options.numeric or numeric)
    result = fix(text, options, context_of(application, dockerfile))
    assert isinstance(result, Changed), result
    return result.text


@pytest.mark.engine
@pytest.mark.parametrize("application", PROVEN, ids=lambda application: application.name)
def test_rewrite_bears_hardening(application: Application, tmp_path: Path) -> None:
    engine()
    need_images(application)
    failed = {}
    with application.ready(tmp_path) as (dockerfile, options), Prover(replace(options, checks=())) as prover:
        text = dockerfile.read_text(encoding="utf-8")
        for variant, flags in VARIANTS.items():
            rewritten = rewrite(application, dockerfile, text, variant == "numeric")
            verdict = prover.prove(Case(text, rewritten, dockerfile, flags))
            if not verdict.proven:
                failed[variant] = verdict.details.reason
    assert sorted(failed) == sorted(application.facts.get("fails", [])), failed
