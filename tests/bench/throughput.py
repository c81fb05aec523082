"""Files per second of the pure core in one process, and the cost of a fix that changes nothing."""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Mapping
from pathlib import Path

from dockfix import fix
from dockfix.results import Changed

from .dockerfiles import generate

FILES = 1000


def measure(folder: Path | None = None, limit: int = 2000) -> str:
    """A table for generated files, and for the files of `folder` if one is given."""
    parts = [_table("generated files", {f"{seed}": generate(seed) for seed in range(FILES)})]
    if folder is not None:
        paths = sorted(path for path in folder.rglob("*") if path.is_file())[:limit]
        texts = {path.name: path.read_bytes().decode("utf-8", "replace") for path in paths}
        parts.append(_table(f"real files of {folder}", texts))
    return "\n\n".join(parts)


def _table(title: str, texts: Mapping[str, str]) -> str:
    fix("FROM scratch\n")
    seconds: defaultdict[str, list[float]] = defaultdict(list)
    rewritten: list[str] = []
    slowest = (0.0, "")
    for name, text in texts.items():
        start = time.perf_counter()
        result = fix(text)
        spent = time.perf_counter() - start
        slowest = max(slowest, (spent, name))
        seconds[type(result).__name__].append(spent)
        if isinstance(result, Changed):
            rewritten.append(result.text)
    for text in rewritten:
        start = time.perf_counter()
        kind = type(fix(text)).__name__
        seconds[f"their rewrites: {kind}"].append(time.perf_counter() - start)
    return "\n".join(_lines(title, texts, seconds, slowest))


def _lines(
    title: str, texts: Mapping[str, str], seconds: Mapping[str, list[float]], slowest: tuple[float, str]
) -> list[str]:
    first = {kind: spent for kind, spent in seconds.items() if ":" not in kind}
    total = sum(map(sum, first.values()))
    size = sum(map(len, texts.values())) / len(texts)
    changed = _mean(seconds.get("Changed", []))
    lines = [f"{title}: {len(texts)}, {size:.0f} characters on average, {len(texts) / total:.0f} a second"]
    for kind, count in Counter({kind: len(spent) for kind, spent in seconds.items()}).most_common():
        mean = _mean(seconds[kind])
        ratio = f"{mean / changed:6.2f} of a changed one" if changed else ""
        lines.append(f"  {kind:<28}{count:>6}{mean * 1000:>9.2f} ms each {ratio}")
    lines.append(f"  slowest: {slowest[0] * 1000:.0f} ms, {slowest[1]}")
    return lines


def _mean(values: list[float]) -> float:
    return sum(values) / len(values) if values else 0.0
