from __future__ import annotations

import pytest

from dockfix.verify.frontends import foreign_frontend


@pytest.mark.parametrize(
    ("text", "arguments", "image"),
    [
        ("FROM a\n", {}, ""),
        ("# syntax=docker/dockerfile:1\nFROM a\n", {}, ""),
        ("# syntax = docker.io/docker/dockerfile-upstream:master\nFROM a\n", {}, ""),
        ("# syntax=evil.example/docker/dockerfile:1\nFROM a\n", {}, "evil.example/docker/dockerfile:1"),
        ("\ufeff# escape=`\n# syntax=docker/dockerfile-x\nFROM a\n", {}, "docker/dockerfile-x"),
        ("#!/usr/bin/env x\n# syntax=far/away --flag\nFROM a\n", {}, "far/away"),
        ("FROM a\n# syntax=far/away\n", {}, ""),
        ("FROM a\n", {"BUILDKIT_SYNTAX": "far/away"}, "far/away"),
        ("# syntax=mine\nFROM a\n", {}, ""),
    ],
)
def test_images_that_would_run_a_build_are_named(text: str, arguments: dict[str, str], image: str) -> None:
    assert foreign_frontend(text, arguments, ("mine",)) == image
