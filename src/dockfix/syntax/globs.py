"""Patterns with wildcards that strangers write, as regular expressions that never take long."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

STAR: Final = ".*"


def compile_glob(pieces: Sequence[str], *, greedy: bool = True) -> re.Pattern[str]:
    """A glob whose pieces are `STAR` or regular expressions for single characters; each star is a group.

    Only the last star gives back what it took (or, not `greedy`, takes more): the others take as little
    as they can, which matches the same texts. So a match takes linear time per star, and a search
    that of a match at every place.
    """
    stars = [at for at, piece in enumerate(pieces) if piece == STAR]
    if not stars:
        return re.compile("".join(pieces))
    out = list(pieces[: stars[0]])
    for at, following in zip(stars, [*stars[1:], len(pieces)], strict=True):
        literal = "".join(pieces[at + 1 : following])
        is_last = at == stars[-1]
        out.append(f"(.*{'' if greedy else '?'}){literal}" if is_last else f"(?>(.*?){literal})")
    return re.compile("".join(out))
