"""Findings: created from a row of the registry, and cheap to send between processes."""

from __future__ import annotations

import pickle
from dataclasses import FrozenInstanceError

import pytest

from dockfix.checks import codes
from dockfix.results import Finding

FINDING = Finding(codes.LOW_PORT, 7, "port 80 is below 1024", "move it")


def test_finding_keeps_the_name_of_its_code() -> None:
    assert FINDING.code == "low-port"
    assert str(FINDING) == "line 7: port 80 is below 1024 [low-port] (move it)"


def test_finding_travels_without_the_text_of_its_code() -> None:
    data = pickle.dumps(FINDING)
    assert pickle.loads(data) == FINDING
    assert len(data) < 150
    assert codes.LOW_PORT.summary.encode() not in data


def test_finding_on_another_line_is_another_finding() -> None:
    assert FINDING.at(9) == Finding(codes.LOW_PORT, 9, "port 80 is below 1024", "move it")
    assert FINDING.line == 7


def test_finding_stays_as_it_is() -> None:
    with pytest.raises(FrozenInstanceError):
        FINDING.line = 8  # type: ignore[misc]
