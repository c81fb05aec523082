"""What sources show, in words."""

from __future__ import annotations

import pytest

from dockfix.evidence.claims import Claim, Kind
from dockfix.explain.outside import _sentence


@pytest.mark.parametrize("kind", Kind)
def test_every_kind_of_claim_has_a_sentence(kind: Kind) -> None:
    assert "/data/x" in _sentence(Claim(kind, "/data/x", "app.py", 3))
    assert _sentence(Claim(kind, "/data/x", "app.py", 3, certain=False)).startswith("line 3 perhaps ")
