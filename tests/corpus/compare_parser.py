"""Compare the tree with BuildKit's own parser (PyPI `dockerfile`) over a folder of Dockerfiles.

    python tests/corpus/compare_parser.py DIR [STEP]

Prints counts; exits with 1 where a file that BuildKit accepts is read in another way, or where a
tree is not its text. The package wraps an older BuildKit: files with `<< EOF` (a space before the
delimiter), which is a heredoc today and was none then, are counted apart, and so is a JSON array
with text behind it, which is shell form today and was JSON then.
"""

from __future__ import annotations

import re
import sys
from collections import Counter
from pathlib import Path
from typing import Any, Final

import dockerfile

from dockfix.syntax.parser import parse
from dockfix.syntax.tree import Dockerfile, Instruction
from dockfix.syntax.validity import rejections
from dockfix.syntax.words import declared_arguments, key_values, split_words

_SPACED_HEREDOC = re.compile(r"<<-?[ \t\r]+[^\s<]")
_HEREDOC_KEYWORDS: Final = frozenset({"RUN", "COPY", "ADD"})
_JSON_KEYWORDS: Final = frozenset({"ADD", "CMD", "COPY", "ENTRYPOINT", "RUN", "SHELL", "VOLUME"})
_COMPARED_KEYWORDS: Final = _JSON_KEYWORDS | frozenset(
    {"ARG", "ENV", "EXPOSE", "FROM", "LABEL", "MAINTAINER", "STOPSIGNAL", "USER", "WORKDIR"}
)


def describe(instruction: Instruction) -> tuple[object, ...]:
    """An instruction of this project's tree, in the oracle's terms."""
    return (
        instruction.keyword,
        instruction.line,
        instruction.last_line,
        tuple(flag.name for flag in instruction.flags),
        # The oracle keeps the heredocs of an ONBUILD to itself.
        () if instruction.trigger else tuple(heredoc.body for heredoc in instruction.heredocs),
        values(instruction),
    )


def values(instruction: Instruction) -> tuple[str, ...] | None:
    """The arguments after BuildKit's line parser for the keyword; None if they are not compared."""
    args, keyword, escape = instruction.args, instruction.keyword, instruction.escape
    if keyword not in _COMPARED_KEYWORDS:
        return None
    if keyword in _JSON_KEYWORDS and instruction.json is not None:
        return instruction.json
    if keyword in ("ENV", "LABEL"):
        return tuple(word for pair in key_values(args, escape) for word in pair)
    if keyword == "ARG":
        pairs = declared_arguments(args, escape)
        return tuple(name if value is None else f"{name}={value}" for name, value in pairs)
    if keyword in ("ADD", "COPY", "EXPOSE", "FROM", "VOLUME"):
        return tuple(word.text for word in split_words(args))
    return (args,) if args else ()


def describe_oracle(command: Any) -> tuple[object, ...]:
    """The same for one of the oracle's commands."""
    return (
        (command.cmd or "").upper(),
        command.start_line,
        command.end_line,
        tuple(flag[2:].partition("=")[0] for flag in command.flags),
        tuple(heredoc.content for heredoc in command.heredocs),
        tuple(command.value) if (command.cmd or "").upper() in _COMPARED_KEYWORDS else None,
    )


def read_differently_since(tree: Dockerfile) -> str:
    """Why the oracle's older BuildKit may read this file in another way than today's; "" if it does not."""
    for outer in tree.instructions:
        instruction = outer.trigger or outer
        if instruction.keyword in _HEREDOC_KEYWORDS and _SPACED_HEREDOC.search(instruction.joined):
            return "<< EOF with a space"
        if (
            instruction.keyword in _JSON_KEYWORDS
            and instruction.json is None
            and instruction.args.startswith("[")
        ):
            return "text behind a JSON array"
    return ""


def compare(text: str) -> tuple[str, str]:
    """(outcome for the file, first difference)."""
    tree = parse(text)
    if str(tree) != text:
        return "NOT ITS TEXT", ""
    try:
        commands = dockerfile.parse_string(text)
    except dockerfile.GoParseError as error:
        if tree.problems or rejections(tree):
            return "refused by both", ""
        return "refused by the oracle only", str(error)
    ours = [describe(instruction) for instruction in tree.instructions]
    theirs = [describe_oracle(command) for command in commands]
    if ours == theirs and not tree.problems:
        return "equal", ""
    if since := read_differently_since(tree):
        return since, ""
    if tree.problems:
        return "REFUSED BY US ONLY", str(tree.problems[0])
    pairs = zip([*ours, None], [*theirs, None], strict=False)
    return "DIFFERENT", next((f"{one}\n    {other}" for one, other in pairs if one != other), "")


def main(folder: Path, step: int = 1) -> int:
    """Compare every `step`-th file below the folder; returns the exit code."""
    counts: Counter[str] = Counter()
    for path in sorted(path for path in folder.rglob("*") if path.is_file())[::step]:
        try:
            outcome, detail = compare(path.read_bytes().decode())
        except UnicodeDecodeError:
            outcome, detail = "not UTF-8", ""
        counts[outcome] += 1
        if outcome.isupper():
            print(f"{outcome}: {path}\n    {detail[:400]}")
    for outcome, count in counts.most_common():
        print(f"{count:8} {outcome}")
    return 1 if any(outcome.isupper() for outcome in counts) else 0


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    sys.exit(main(Path(sys.argv[1]), *map(int, sys.argv[2:3])))
