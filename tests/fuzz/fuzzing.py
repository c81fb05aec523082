"""Mutated inputs, run in a confined process, with time, memory and exceptions as oracles."""

from __future__ import annotations

import itertools
import random
import time
import traceback
from collections.abc import Iterator

from dockfix.confined import Loss, work_all
from tests.fuzz.targets import TARGETS, Target

LIMIT = 10.0
"""Seconds of processor time for one input; a loaded machine may take as many times longer by the clock."""
PATIENCE = 6
LARGEST = 20_000


def fuzz(name: str, seconds: float, seed: int = 0, most: int | None = None) -> tuple[int, str]:
    """How many inputs the reader took in that time, and the first that it did not take, with the reason.

    With `most` no more inputs than that are tried, so that a machine's speed does not decide which.
    """
    chosen = TARGETS[name]
    if chosen.seeds:
        chosen.run(chosen.seeds[0])  # what it imports is loaded once, before its time is measured
    taken: list[str] = []
    count = 0

    def things() -> Iterator[tuple[str, str]]:
        end = time.monotonic() + seconds
        for text in itertools.islice(inputs(chosen, random.Random(seed)), most):
            if time.monotonic() > end:
                return
            taken.append(text)
            yield name, text

    for failure in work_all(run, things(), seconds=PATIENCE * LIMIT):
        text = taken.pop(0)
        if failure and failure not in chosen.lost:
            reason = failure.value if isinstance(failure, Loss) else failure
            return count, f"{reason} on {text!r}"
        count += 1
    return count, ""


def run(asked: tuple[str, str]) -> str:
    """The traceback of an error, if the reader raises one, or how long it took if that was too long."""
    name, text = asked
    start = time.process_time()
    try:
        TARGETS[name].run(text)
    except (MemoryError, RecursionError):
        raise
    except Exception:  # noqa: BLE001  # any error is a find
        return traceback.format_exc(limit=-3)
    took = time.process_time() - start
    return f"{took:.1f} seconds" if took > LIMIT else ""


def inputs(target: Target, chance: random.Random) -> Iterator[str]:
    """The seeds, then endless mutations of them and of each other."""
    pool = list(target.seeds)
    yield from pool
    while True:
        text = mutate(chance.choice(pool), target, chance, pool)[:LARGEST]
        if chance.random() < 0.02:
            pool[chance.randrange(len(target.seeds), len(pool)) if len(pool) > 300 else len(pool) :] = [text]
        yield text


def mutate(text: str, target: Target, chance: random.Random, pool: list[str]) -> str:
    """A text after one to eight changes."""
    for _ in range(chance.randint(1, 8)):
        at = chance.randint(0, len(text))
        end = min(len(text), at + chance.choice((1, 1, 2, 8, 40, 400)))
        word = chance.choice(target.words)
        match chance.randrange(9):
            case 0:
                text = text[:at] + text[end:]
            case 1 | 2:
                text = text[:at] + word + text[at:]
            case 3:
                text = text[:at] + word * chance.choice((3, 30, 300, 3_000)) + text[at:]
            case 4:
                text = text[:at] + text[at:end] * chance.choice((2, 3, 50)) + text[end:]
            case 5:
                other = chance.choice(pool)
                cut = chance.randint(0, len(other))
                text = text[:at] + other[cut : cut + 300] + text[end:]
            case 6:
                text = (
                    text[:at]
                    + chr(chance.choice((0, 9, 10, 13, 27, 92, 0xB2, 0xFEFF, 0x2028, 0xDCE9)))
                    + text[end:]
                )
            case 7:
                text = text[:at] + chr(chance.randrange(0x110000)) + text[end:]
            case _:
                text = text[:at] + text[at:end][::-1] + text[end:]
    return text
