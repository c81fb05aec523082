"""The rows of the table of bases against the images that this engine has."""

from __future__ import annotations

import pytest
from applications import has_image

from dockfix.options.request import Inspect
from tests.bench.bases import compare

IMAGES = (
    "python:3.11-slim-bookworm", "python:3.12-slim-bookworm", "python:3.13-slim-trixie",
    "debian:bookworm-slim", "node:20-slim", "ubuntu:24.04", "rockylinux:9",
)  # fmt: skip


@pytest.mark.engine
@pytest.mark.parametrize("image", IMAGES)
def test_the_table_says_what_the_image_has(image: str) -> None:
    if not has_image(image):
        pytest.skip(f"no image {image} on this engine")
    ((answer, wrong),) = compare([image], Inspect.ENGINE)
    assert answer.facts is not None, answer.reason
    assert answer.facts.content is not None
    assert wrong == ()
