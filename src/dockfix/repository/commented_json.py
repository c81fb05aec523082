"""JSON with comments and trailing commas, as in a devcontainer.json."""

from __future__ import annotations

import json
import re
from typing import Any, Final

_NOISE: Final = re.compile(r'("(?:[^"\\\n]|\\.)*"?)|//[^\n]*|/\*[\s\S]*?(?:\*/|\Z)|,(?=\s*[}\]])')


def read_commented(text: str) -> Any:
    """The value that the text holds. Raises ValueError or RecursionError."""
    plain = text
    for _ in range(2):  # a comment may stand behind a trailing comma
        plain = _NOISE.sub(lambda match: match[1] or "", plain)
    return json.loads(plain)
