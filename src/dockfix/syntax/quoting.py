"""Expand one word as a POSIX shell does: remove quotes, expand variables.

Source of the rules: POSIX.1-2024, Shell Command Language, 2.2 (quoting) and 2.6 (word expansions).
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping
from fnmatch import fnmatchcase
from functools import lru_cache

_ROOTS_HOME = "~root"
_SPECIAL = re.compile(r"[\\'\"`]")
_PLAIN = re.compile(r"[^\\'\"$`]+")
_PLAIN_QUOTED = re.compile(r"[^\\\"$`]+")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_PARAMETER = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*|[1-9@])(:?[-+=?])?")
_AFFIX = re.compile(r"##?|%%?")
_ASSIGNING = re.compile(r"\\.|'[^']*'|(\$\{([A-Za-z_][A-Za-z0-9_]*):?=)", re.DOTALL)
_ANSI_C = re.compile(r"'((?:[^'\\]|\\.)*)'", re.DOTALL)
_ANSI_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_ANSI_CHARS = {"n": "\n", "t": "\t", "r": "\r", "a": "\a", "b": "\b", "f": "\f", "v": "\v", "e": "\x1b"}
# How scripts ask where they stand themselves.
_SELF = r"\"?\$(?:0|\{0\}|BASH_SOURCE|\{BASH_SOURCE(?:\[0\])?(?::-\$0)?\})\"?"
_REAL = rf"\"?\$\(\s*(?:readlink\s+-f|realpath)\s+{_SELF}\s*\)\"?"
_DIRNAME = rf"\$\(\s*dirname\s+(?:--\s+)?(?:{_SELF}|{_REAL})\s*\)"
_OWN_PLACE = re.compile(
    rf"{_DIRNAME}|\$\(\s*cd\s+(?:-P\s+|--\s+)?\"?{_DIRNAME}(?P<below>/[\w./-]*)?\"?"
    r"\s*(?:>\s*/dev/null\s*(?:2>&1\s*)?)?&&\s*pwd(?:\s+-P)?\s*\)"
)
_PART = re.compile(
    r"\$\(\s*(?P<program>dirname|basename)\s+(?:--\s+)?(?P<word>\"[^\"`()]{1,500}\"|[^\s\"'`()|;&<>]{1,500})"
    r"(?:[ \t]+(?P<suffix>[.\w-]{1,40}))?\s*\)"
)
_LONGEST = 1000
"""The most characters of a value of which a pattern is removed."""


def expand_word(text: str, env: Mapping[str, str]) -> str | None:
    """The word's value, None if it is unknown (a command substitution, an unknown variable).

    Globs and braces are kept, and so is `~` if `env` has no HOME.
    """
    if "$" not in text and not text.startswith("~"):
        return _fixed(text)
    out: list[str] = []
    at = _home(text, env, out) if text[0] == "~" else 0
    return _whole(text, at, env, out)


def expand_directory(text: str, env: Mapping[str, str]) -> str:
    """The directory that the known beginning of a word names, "" if it names none."""
    out: list[str] = []
    _whole(text, _home(text, env, out), env, out)
    directory, slash, _ = "".join(out).rpartition("/")
    return directory or slash


def _home(text: str, env: Mapping[str, str], out: list[str]) -> int:
    """Expand `~` or `~root` in front of a word; return the offset of the rest."""
    if text[:1] == "~" and text[1:2] in ("", "/") and "HOME" in env:
        out.append(env["HOME"])
        return 1
    if text.startswith(_ROOTS_HOME) and text[len(_ROOTS_HOME) : len(_ROOTS_HOME) + 1] in ("", "/"):
        out.append("/root")
        return len(_ROOTS_HOME)
    return 0


@lru_cache(maxsize=8192)
def _fixed(text: str) -> str | None:
    """The value of a word without variables."""
    return _whole(text, 0, {}, []) if _SPECIAL.search(text) else text


def find_assigned(text: str, env: Mapping[str, str]) -> dict[str, str]:
    """The variables that a word sets if they are unset or empty: `${NAME:=word}` and `${NAME=word}`."""
    found: dict[str, str] = {}
    for match in _ASSIGNING.finditer(text) if "=" in text else ():
        out: list[str] = []
        if match[1] and _braced(text, match.start(1), {**env, **found}, out) is not None:
            found[match[2]] = "".join(out)
    return found


def unquote(text: str) -> str | None:
    """The word without its quotes, but with its variables; None if it has a command substitution."""
    return _whole(text, 0, None, [])


def _whole(text: str, at: int, env: Mapping[str, str] | None, out: list[str]) -> str | None:
    try:
        end = _unquoted(text, at, env, out, "")
    except RecursionError:
        return None
    return "".join(out) if end == len(text) else None


def _unquoted(text: str, at: int, env: Mapping[str, str] | None, out: list[str], until: str) -> int | None:
    """Expand up to the end or the character `until`; return the offset, None if the value is unknown."""
    while at < len(text):
        char = text[at]
        step: int | None
        if char == until:
            return at
        if char == "\\":
            out.append(text[at + 1 : at + 2].replace("\n", "") if at + 1 < len(text) else "\\")
            step = at + 2
        elif char == "'":
            close = text.find("'", at + 1)
            out.append(text[at + 1 : close])
            step = close + 1 if close >= 0 else None
        elif char == '"':
            step = _double_quoted(text, at + 1, env, out)
        elif char == "$":
            step = _dollar(text, at, env, out, quoted=False)
        elif char == "`":
            return None
        elif until:
            out.append(char)
            step = at + 1
        else:
            plain = _PLAIN.match(text, at)
            assert plain is not None
            out.append(plain[0])
            step = plain.end()
        if step is None:
            return None
        at = step
    return min(at, len(text)) if not until else None


def _double_quoted(text: str, at: int, env: Mapping[str, str] | None, out: list[str]) -> int | None:
    while at < len(text):
        char = text[at]
        if char == '"':
            return at + 1
        if char == "\\":
            following = text[at + 1 : at + 2]
            if following != "\n":
                out.append(following if following and following in '"\\$`' else "\\" + following)
            at += 2
        elif char == "$":
            step = _dollar(text, at, env, out, quoted=True)
            if step is None:
                return None
            at = step
        elif char == "`":
            return None
        else:
            plain = _PLAIN_QUOTED.match(text, at)
            assert plain is not None
            out.append(plain[0])
            at = plain.end()
    return None


def _dollar(text: str, at: int, env: Mapping[str, str] | None, out: list[str], *, quoted: bool) -> int | None:
    following = text[at + 1 : at + 2]
    if following == "(":
        return _own_place(text, at, env, out)
    if following == "{":
        return _braced(text, at, env, out)
    if not quoted and following == "'":
        return _ansi_c(text, at + 1, out)
    if not quoted and following == '"':
        return _double_quoted(text, at + 2, env, out)
    name = _NAME.match(text, at + 1)
    end = name.end() if name else at + 1
    if env is None:
        out.append(text[at:end])
        return end
    if name:
        value = env.get(name[0])
        if value is None:
            return None
        out.append(value)
        return end
    if following and following in "@*#?$!-0123456789":
        value = env.get(following)
        return None if value is None else _taken(out, value, at + 2)
    out.append("$")
    return end


def _own_place(text: str, at: int, env: Mapping[str, str] | None, out: list[str]) -> int | None:
    """`$(dirname "$0")` and the like, where the path of the script is known, or a part of a known path."""
    if env is None:
        return None
    match = _OWN_PLACE.match(text, at) if "0" in env else None
    if match is None:
        return _part_of_path(text, at, env, out)
    place = posixpath.dirname(env["0"]) + (match["below"] or "")
    return _taken(out, posixpath.normpath(place), match.end())


def _part_of_path(text: str, at: int, env: Mapping[str, str], out: list[str]) -> int | None:
    """`$(dirname PATH)` or `$(basename PATH)`."""
    match = _PART.match(text, at)
    path = _whole(match["word"], 0, env, []) if match is not None else None
    if match is None or not path or (match["suffix"] and match["program"] == "dirname"):
        return None
    path = path.rstrip("/") or "/"
    if match["program"] == "dirname":
        return _taken(out, posixpath.dirname(path) or ".", match.end())
    name = posixpath.basename(path) or "/"
    return _taken(out, name.removesuffix(match["suffix"] or "") or name, match.end())


def _taken(out: list[str], value: str, at: int) -> int:
    out.append(value)
    return at


def _braced(text: str, at: int, env: Mapping[str, str] | None, out: list[str]) -> int | None:
    match = _PARAMETER.match(text, at + 1)
    if env is None:
        close = text.find("}", at)
        out.append(text[at : close + 1])
        return close + 1 if close >= 0 else None
    if match is None:
        return None
    name, operator = match[1], match[2]
    if not name.isidentifier() and name not in env:
        return None  # an argument that is not known
    if operator is None:
        return _without_affix(text, match.end(), env.get(name), env, out)
    inner: list[str] = []
    end = _unquoted(text, match.end(), env, inner, "}")
    if end is None:
        return None
    value = env.get(name)
    present = bool(value) if operator[0] == ":" else value is not None
    if operator[-1] == "+":
        out.append("".join(inner) if present else "")
    elif present:
        out.append(value or "")
    elif operator[-1] == "?":
        return None
    else:
        out.append("".join(inner))
    return end + 1


def _without_affix(
    text: str, at: int, value: str | None, env: Mapping[str, str], out: list[str]
) -> int | None:
    """The rest of `${NAME}`, or of `${NAME%pattern}` and the like, which remove an end or a beginning."""
    operator = _AFFIX.match(text, at)
    if value is None or (operator is None and text[at : at + 1] != "}"):
        return None
    if operator is None:
        return _taken(out, value, at + 1)
    inner: list[str] = []
    end = _unquoted(text, operator.end(), env, inner, "}")
    if end is None or len(value) > _LONGEST:
        return None
    pattern, count = "".join(inner), len(value) + 1
    # Each operator's candidates, from the first that the shell would remove.
    cuts = range(count) if operator[0] in ("#", "%%") else reversed(range(count))
    parts = ((value[:cut], value[cut:]) for cut in cuts)
    if operator[0][0] == "#":
        kept = (rest for start, rest in parts if fnmatchcase(start, pattern))
    else:
        kept = (start for start, rest in parts if fnmatchcase(rest, pattern))
    return _taken(out, next(kept, value), end + 1)


def _ansi_c(text: str, at: int, out: list[str]) -> int | None:
    """`$'...'`: bash's C-style escapes, except numeric ones."""
    match = _ANSI_C.match(text, at)
    if match is None or re.search(r"\\[0-9xuUc]", match[1]):
        return None
    out.append(_ANSI_ESCAPE.sub(lambda escape: _ANSI_CHARS.get(escape[1], escape[1]), match[1]))
    return match.end()
