from __future__ import annotations

import time

from dockfix.files.patterns import LONGEST, parse_patterns


def test_a_pattern_longer_than_any_path_is_skipped() -> None:
    begin = time.process_time()
    spec = parse_patterns(["\0" * 3_000_000, "a" * LONGEST, "*.py"])
    assert time.process_time() - begin < 1
    assert [str(pattern.pattern) for pattern in spec.patterns][-1] == "*.py"
    assert len(spec.patterns) == 2
