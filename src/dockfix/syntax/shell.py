"""Shell scripts of RUN, CMD and ENTRYPOINT as their commands, read with tree-sitter's bash grammar.

The text is BuildKit's joined line, or a heredoc's body; spans are character offsets in it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Final

from dockfix.syntax.script import Command, Redirect, Script, Word
from dockfix.syntax.wrappers import SHELLS, base_name, inner_script, see_through, split_value

if TYPE_CHECKING:
    from tree_sitter import Node, Parser

__all__ = ["Command", "Redirect", "Script", "Word", "parse_script", "parse_words"]

_MAX_NESTING: Final = 8
_NOT_ASCII = re.compile(r"[^\x01-\x7f]")
_TEST_WORD = re.compile(r"""(?:[^\s"'\\]|\\.|"(?:[^"\\]|\\.)*"|'[^']*')+""", re.DOTALL)
_SUBSTITUTION = re.compile(r"\$\(|`|[<>]\(")
_REDIRECTS = frozenset({"file_redirect", "heredoc_redirect", "herestring_redirect"})
_NEW_SCOPE = frozenset({"subshell", "command_substitution", "process_substitution", "function_definition"})
_SIMPLE = frozenset(
    {"command", "declaration_command", "unset_command", "test_command", "variable_assignment"}
)


@lru_cache(maxsize=8192)
def parse_script(text: str) -> Script:
    """The commands of `text`; never raises. What runs inside `$(...)` counts as a command too."""
    return _parse(text, 0)


def parse_words(argv: Sequence[str]) -> Command:
    """The command of a JSON (exec) form; its words have no span (-1)."""
    words = [Word(-1, -1, item, literal=True) for item in argv]
    return _command(-1, -1, words, [], [], False, 0, 0)


@cache
def _parser() -> Parser:
    # Imported at first use: starting up must not pay for it.
    import tree_sitter_bash  # noqa: PLC0415
    from tree_sitter import Language, Parser  # noqa: PLC0415

    return Parser(Language(tree_sitter_bash.language()))


def _parse(text: str, nesting: int) -> Script:
    # One byte for each character keeps tree-sitter's byte offsets equal to character offsets.
    source = text if text.isascii() and "\0" not in text else _NOT_ASCII.sub(".", text)
    root = _parser().parse(source.encode("ascii")).root_node
    reader = _Reader(text, nesting)
    reader.read(root)
    return Script(tuple(reader.commands), not root.has_error, text, tuple(reader.parents))


def _command(
    start: int,
    end: int,
    words: Sequence[Word],
    assignments: list[tuple[str, Word]],
    redirects: list[Redirect],
    piped: bool,
    scope: int,
    nesting: int,
    heredoc: str | None = None,
) -> Command:
    seen = see_through(words)
    if not seen.words:
        return Command(start, end, None, (), tuple(assignments), tuple(redirects), piped, scope)
    name, args = seen.words[0], tuple(seen.words[1:])
    base = base_name(name)
    inner, user = inner_script(base, args)
    if inner is None and heredoc is not None and base in SHELLS and all(a.text.startswith("-") for a in args):
        inner = heredoc
    script = _parse(inner, nesting + 1) if inner is not None and nesting < _MAX_NESTING else None
    return Command(
        start,
        end,
        name,
        args,
        (*assignments, *seen.assignments),
        tuple(redirects),
        piped,
        scope,
        script,
        seen.via,
        user or seen.user,
    )


class _Reader:
    """Walks the tree once, in source order, on a stack of its own: `a && b && ...` nests deeply."""

    def __init__(self, text: str, nesting: int) -> None:
        self.text = text
        self.nesting = nesting
        self.commands: list[Command] = []
        self.parents = [-1]
        self.stack: list[tuple[Node, int, bool, list[Node]]] = []

    def read(self, root: Node) -> None:
        """Fill `commands` and `parents`."""
        self.stack.append((root, 0, False, []))
        while self.stack:
            node, scope, piped, redirects = self.stack.pop()
            kind = node.type
            if kind == "command":
                self._simple(node, scope, piped, redirects)
            elif kind == "redirected_statement":
                self._redirected(node, scope, piped, redirects)
            elif kind == "pipeline":
                self._pipeline(node, scope, piped, redirects)
            elif kind in _NEW_SCOPE:
                self._group_redirects(node, scope, piped, redirects)
                self._push(node.named_children, self._new_scope(scope), piped)
            elif kind in _HANDLERS:
                _HANDLERS[kind](self, node, scope, piped, redirects)
            elif node.child_count:
                self._other(node, scope, piped, redirects)

    def _push(self, nodes: Sequence[Node], scope: int, piped: bool) -> None:
        for node in reversed(nodes):
            self.stack.append((node, scope, piped, []))

    def _new_scope(self, parent: int) -> int:
        self.parents.append(parent)
        return len(self.parents) - 1

    def _word(self, node: Node) -> Word:
        start, end = node.byte_range
        text = self.text[start:end]
        if text[:1].isspace():
            # The grammar counts the white space before some `${` to the word.
            start += len(text) - len(text.lstrip())
            text = self.text[start:end]
        return Word(start, end, text)

    def _simple(self, node: Node, scope: int, piped: bool, redirects: list[Node]) -> None:
        words: list[Word] = []
        assignments: list[tuple[str, Word]] = []
        substitutions: list[Node] = []
        for child in node.children:
            kind = child.type
            if kind == "variable_assignment":
                assignments.append(self._assignment(child))
                substitutions.extend(child.named_children)
            elif kind in _REDIRECTS:
                redirects.append(child)
            else:
                word = self._word(child)
                words.append(word)
                if kind != "word" and _SUBSTITUTION.search(word.text):
                    substitutions.append(child)
        start, end = node.byte_range
        self._add(start, end, words, assignments, scope, piped, redirects)
        if substitutions:
            self._push(substitutions, scope, False)

    def _add(
        self,
        start: int,
        end: int,
        words: list[Word],
        assignments: list[tuple[str, Word]],
        scope: int,
        piped: bool,
        nodes: list[Node],
    ) -> None:
        redirects: list[Redirect] = []
        heredoc: str | None = None
        for node in nodes:
            heredoc = self._redirect(node, redirects, words, scope) or heredoc
        command = _command(start, end, words, assignments, redirects, piped, scope, self.nesting, heredoc)
        self.commands.append(command)

    def _redirect(self, node: Node, redirects: list[Redirect], words: list[Word], scope: int) -> str | None:
        """Add the redirect, and the words that the grammar counts to it; a heredoc's body."""
        targets: list[Word] = []
        operator, body = "", None
        for child in node.children:
            kind = child.type
            if kind == "file_descriptor" or not child.is_named:
                if len(targets) == 0 and kind != "\n":
                    operator += self.text[child.start_byte : child.end_byte]
            elif kind in _REDIRECTS:
                self._redirect(child, redirects, words, scope)
            elif kind == "heredoc_body":
                body = self.text[child.start_byte : child.end_byte]
                self._push(child.named_children, scope, False)
            elif kind == "pipeline":
                self._heredoc_pipeline(child, scope)
            elif kind == "heredoc_end":
                pass
            elif kind in _STATEMENTS:
                self._push([child], scope, False)
            else:
                targets.append(self._word(child))
                self._push([child], scope, False)
        if targets:
            redirects.append(Redirect(operator, targets[0]))
            words.extend(targets[1:])
        return body

    def _heredoc_pipeline(self, node: Node, scope: int) -> None:
        """`cat <<EOF | sh && x`: the grammar counts all of `| sh && x` to the heredoc; only sh is piped."""
        statements: list[tuple[Node, bool]] = []
        for child in node.named_children:
            first: Node = child
            spine: list[Node] = []
            while first.type == "list":
                spine[:0] = first.named_children[1:]
                first = first.named_children[0]
            statements.append((first, True))
            statements.extend((other, False) for other in spine)
        for child, piped in reversed(statements):
            self.stack.append((child, self._new_scope(scope) if piped else scope, piped, []))

    def _assignment(self, node: Node) -> tuple[str, Word]:
        word = self._word(node)
        name = word.text.partition("=")[0]
        return name.rstrip("+"), split_value(word, name)

    def _assign(self, node: Node, scope: int, piped: bool, redirects: list[Node]) -> None:
        nodes = [node] if node.type == "variable_assignment" else node.named_children
        start, end = node.byte_range
        self._add(start, end, [], [self._assignment(one) for one in nodes], scope, piped, redirects)
        for one in reversed(nodes):
            self._push(one.named_children, scope, False)

    def _declare(self, node: Node, scope: int, piped: bool, redirects: list[Node]) -> None:
        start, end = node.byte_range
        self._add(start, end, [self._word(child) for child in node.children], [], scope, piped, redirects)
        for child in reversed(node.named_children):
            inner = child.named_children if child.type == "variable_assignment" else [child]
            self._push(inner, scope, False)

    def _test(self, node: Node, scope: int, piped: bool, redirects: list[Node]) -> None:
        start, end = node.byte_range
        words = [Word(m.start(), m.end(), m[0]) for m in _TEST_WORD.finditer(self.text, start, end)]
        if words[-1:] and words[-1].text in ("]", "]]"):
            words.pop()
        self._add(start, end, words, [], scope, piped, redirects)
        self._push(node.named_children, scope, False)

    def _pipeline(self, node: Node, scope: int, piped: bool, redirects: list[Node]) -> None:
        parts = node.named_children
        for index in range(len(parts) - 1, -1, -1):
            last = index == len(parts) - 1
            self.stack.append(
                (parts[index], self._new_scope(scope), piped or index > 0, redirects if last else [])
            )

    def _redirected(self, node: Node, scope: int, piped: bool, redirects: list[Node]) -> None:
        children = node.named_children
        bodies = [child for child in children if child.type not in _REDIRECTS]
        own = [child for child in children if child.type in _REDIRECTS] + redirects
        if bodies:
            self._push(bodies[1:], scope, piped)
            self.stack.append((bodies[0], scope, piped, own))
        else:
            self._add(*node.byte_range, [], [], scope, piped, own)

    def _group_redirects(self, node: Node, scope: int, piped: bool, redirects: list[Node]) -> None:
        if redirects:
            self._add(*node.byte_range, [], [], scope, piped, redirects)

    def _other(self, node: Node, scope: int, piped: bool, redirects: list[Node]) -> None:
        children = node.named_children
        if redirects and node.type in ("list", "negated_command") and children:
            # `a && b > f`: the redirect is b's.
            self.stack.append((children[-1], scope, piped, redirects))
            self._push(children[:-1], scope, piped)
            return
        self._group_redirects(node, scope, piped, redirects)
        self._push(children, scope, piped)


_HANDLERS: Final[dict[str, Callable[[_Reader, Node, int, bool, list[Node]], None]]] = {
    "variable_assignment": _Reader._assign,
    "variable_assignments": _Reader._assign,
    "declaration_command": _Reader._declare,
    "unset_command": _Reader._declare,
    "test_command": _Reader._test,
}
_STATEMENTS: Final = frozenset(
    {
        *_SIMPLE,
        "variable_assignments",
        "list",
        "redirected_statement",
        "compound_statement",
        "subshell",
        "if_statement",
        "while_statement",
        "for_statement",
        "case_statement",
        "negated_command",
        "function_definition",
    }
)
