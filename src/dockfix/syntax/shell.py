"""Parse the commands of RUN, CMD and ENTRYPOINT scripts with tree-sitter's bash grammar.

The text is BuildKit's joined line, or a heredoc's body; spans are character offsets in it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import cache, lru_cache
from itertools import takewhile
from typing import TYPE_CHECKING, Final, NamedTuple

from dockfix.syntax.braces import expand_braces
from dockfix.syntax.masking import mask_script, part_subshells
from dockfix.syntax.script import EVERY_ARGUMENT, Branch, Command, Feed, Loop, Redirect, Script, Way, Word
from dockfix.syntax.wrappers import SHELLS, find_placeholder, inner_script, see_through, split_value

if TYPE_CHECKING:
    from tree_sitter import Node, Parser

__all__ = ["Command", "Redirect", "Script", "Word", "parse_script", "parse_words"]

_MAX_NESTING: Final = 8
_MAX_WAYS: Final = 16
_TEST_WORD = re.compile(r"""(?:[^\s"'\\]|\\.|"(?:[^"\\]|\\.)*"|'[^']*')+""", re.DOTALL)
_SUBSTITUTION = re.compile(r"\$\(|`|[<>]\(")
_NAME: Final = re.compile(r"[A-Za-z_]\w*")
_BRACE: Final = re.compile(r"(?<!\$)\{")
_OPEN: Final = frozenset("$`{*?[")
"""What stands for any number of words."""
_REDIRECTS: Final = frozenset({"file_redirect", "heredoc_redirect", "herestring_redirect"})


@lru_cache(maxsize=8192)
def parse_script(text: str, *, bash: bool = False) -> Script:
    """The commands of `text`, including those inside `$(...)`; `bash` expands braces. Never raises."""
    return _parse(text, 0, bash=bash)


def parse_words(argv: Sequence[str]) -> Command:
    """The command of a JSON (exec) form; its words have no span (-1)."""
    words = [Word(-1, -1, item, literal=True) for item in argv]
    return _command((-1, -1), _Parts(words), _TOP, 0)


@cache
def _parser() -> Parser:
    # Imported on first use, to keep start-up fast.
    import tree_sitter_bash
    from tree_sitter import Language, Parser

    return Parser(Language(tree_sitter_bash.language()))


def _parse(text: str, nesting: int, *, bash: bool = False) -> Script:
    source = mask_script(text)
    root = _parser().parse(source.encode("ascii")).root_node
    if root.has_error and "((" in source:
        other = _parser().parse(part_subshells(source).encode("ascii")).root_node
        root = root if other.has_error else other
    reader = _Reader(text, nesting, bash=bash)
    reader.read(root)
    return Script(tuple(reader.commands), not root.has_error, text, tuple(reader.parents))


class _Place(NamedTuple):
    """The position of a node: its scope, whether it reads a pipe, the redirects of its statement.

    `guarded`, `loop`, `way`, `function` and `unchecked` are as in Command.
    """

    scope: int
    piped: bool = False
    redirects: tuple[Node, ...] = ()
    guarded: bool = False
    loop: Loop | None = None
    way: Way | None = None
    function: str = ""
    unchecked: bool = False


_TOP: Final = _Place(0)


class _Parts:
    """The parts of a simple command, as they are collected."""

    __slots__ = ("assignments", "heredoc", "redirects", "words")

    def __init__(self, words: list[Word], assignments: Iterable[tuple[str, Word]] = ()) -> None:
        self.words = words
        self.assignments = assignments
        self.redirects: list[Redirect] = []
        self.heredoc: str | None = None


def _command(span: tuple[int, int], parts: _Parts, place: _Place, nesting: int) -> Command:
    start, end = span
    assignments, redirects = tuple(parts.assignments), tuple(parts.redirects)
    if not parts.words:
        return Command(
            start, end, None, (), assignments, redirects, place.piped, place.scope,
            guarded=place.guarded, loop=place.loop, way=place.way, function=place.function,
            unchecked=place.unchecked,
        )  # fmt: skip
    seen = see_through(parts.words)
    name, *args = seen.words
    inner, user = inner_script(seen.name, args)
    if inner is None and parts.heredoc is not None and seen.name in SHELLS:
        inner = parts.heredoc if all(word.text.startswith("-") for word in args) else None
    return Command(
        start,
        end,
        name,
        tuple(args),
        assignments + seen.assignments,
        redirects + seen.redirects,
        place.piped,
        place.scope,
        _parse(inner, nesting + 1, bash=seen.name.rpartition("/")[2] == "bash")
        if inner is not None and nesting < _MAX_NESTING
        else None,
        seen.via,
        user or seen.user,
        place.guarded,
        place.loop,
        place.way,
        place.function,
        place.unchecked,
    )


class _Reader:
    """Walks the tree once, in source order, with an explicit stack: `a && b && ...` nests deeply."""

    def __init__(self, text: str, nesting: int, *, bash: bool) -> None:
        self.bash = bash
        self.text = text
        self.nesting = nesting
        self.commands: list[Command] = []
        self.parents = [-1]
        self.stops_at_errors = False
        # What `continue`, `return` and the like have left: ids of loops, names of functions, scopes.
        self.left: set[int | str] = set()
        self.stack: list[tuple[Node, _Place]] = []

    def read(self, root: Node) -> None:
        """Fill `commands` and `parents`."""
        stack = self.stack
        stack.append((root, _TOP))
        while stack:
            node, place = stack.pop()
            _HANDLERS.get(node.type, _Reader._other)(self, node, place)

    def _push(self, nodes: Sequence[Node], place: _Place) -> None:
        for node in reversed(nodes):
            self.stack.append((node, place))

    def _push_statements(self, nodes: Sequence[Node], place: _Place) -> None:
        """Push consecutive statements: without `set -e`, only the last one's failure is noticed."""
        if len(nodes) < 2 or place.unchecked:
            self._push(nodes, place)
            return
        before = place._replace(unchecked=True)
        is_last = True
        for node in reversed(nodes):
            self.stack.append((node, place if is_last else before))
            is_last &= node.type == "comment"

    def _new_scope(self, parent: int) -> int:
        self.parents.append(parent)
        return len(self.parents) - 1

    def _word(self, node: Node) -> Word:
        start, end = node.byte_range
        text = self.text[start:end]
        if text[:1] in " \t\n":
            # The grammar includes the whitespace before some `${` in the word.
            start += len(text) - len(text.lstrip())
            text = self.text[start:end]
        return Word(start, end, text)

    def _simple(self, node: Node, place: _Place) -> None:
        words: list[Word] = []
        assignments: list[tuple[str, Word]] = []
        redirects = place.redirects
        inner: list[Node] = []
        for child in node.children:
            kind = child.type
            if kind == "variable_assignment":
                assignments.append(self._assignment(child))
                inner.extend(child.named_children)
            elif kind in _REDIRECTS:
                redirects = (*redirects, child)
            else:
                word = self._word(child)
                words += expand_braces(word) if self.bash else (word,)
                if kind != "word" and _SUBSTITUTION.search(word.text):
                    inner.append(child)
        if len(words) == 1 and words[0].text == "`":
            # A comment in backticks instead of a command.
            return
        if redirects:
            place = place._replace(redirects=redirects)
        self._add(node, _Parts(words, assignments), place)
        if inner:
            self._push(inner, place._replace(piped=False, redirects=()))

    def _add(self, node: Node, parts: _Parts, place: _Place) -> None:
        for redirect in place.redirects:
            self._redirect(redirect, parts, place._replace(piped=False, redirects=()))
        if self.stops_at_errors:
            place = place._replace(unchecked=False)
        if self.left and self._is_left(place):
            place = place._replace(guarded=True)
        command = _command(node.byte_range, parts, place, self.nesting)
        if place.piped and "xargs" in command.via:
            command = replace(command, feed=self._feed(parts.words, command, place))
        self.stops_at_errors |= command.program == "set" and any(map(_stops_at_errors, command.args))
        self.commands.append(command)
        if command.program in _LEAVING:
            self.left |= _left_by(command)

    def _is_left(self, place: _Place) -> bool:
        """Whether a command before it may have left its loop, function or shell."""
        loops = place.loop.chain() if place.loop is not None else ()
        scopes = [place.scope]
        while scopes[-1] > 0:
            scopes.append(self.parents[scopes[-1]])
        around = (*map(id, loops), *scopes, *([place.function] if place.function else ()))
        return not self.left.isdisjoint(around)

    def _feed(self, words: Sequence[Word], command: Command, place: _Place) -> Feed | None:
        """What xargs reads, if the part of the pipe before it is a simple command."""
        before = self.commands[-1] if self.commands else None
        if before is None or before.scope != place.scope - 1 or before.name is None or before.via:
            return None
        options = takewhile(lambda word: word is not command.name, words)
        return Feed((before.name, *before.args), find_placeholder(tuple(options)))

    def _redirect(self, node: Node, parts: _Parts, place: _Place) -> None:
        """Add the redirect, and the words and statements that the grammar includes in it."""
        targets: list[Word] = []
        operator = ""
        for child in node.children:
            kind = child.type
            if kind == "file_descriptor":
                operator += self.text[child.start_byte : child.end_byte]
            elif not child.is_named:
                operator += "" if targets else kind.strip()
            elif kind in _REDIRECTS:
                self._redirect(child, parts, place)
            elif kind == "heredoc_body":
                parts.heredoc = self.text[child.start_byte : child.end_byte]
                self._push(child.named_children, place)
            elif kind == "pipeline":
                self._pipeline(child, place, fed=True)
            elif kind in _STATEMENTS:
                self.stack.append((child, place))
            elif kind != "heredoc_end":
                targets.append(self._word(child))
                self.stack.append((child, place))
        if targets:
            parts.redirects.append(Redirect(operator, targets[0]))
            parts.words.extend(targets[1:])

    def _assignment(self, node: Node) -> tuple[str, Word]:
        word = self._word(node)
        name = word.text.partition("=")[0]
        return name.rstrip("+"), split_value(word, name)

    def _assign(self, node: Node, place: _Place) -> None:
        nodes = [node] if node.type == "variable_assignment" else node.named_children
        self._add(node, _Parts([], [self._assignment(one) for one in nodes]), place)
        for one in reversed(nodes):
            self._push(one.named_children, place._replace(piped=False, redirects=()))

    def _declare(self, node: Node, place: _Place) -> None:
        self._add(node, _Parts([self._word(child) for child in node.children]), place)
        for child in reversed(node.named_children):
            inner = child.named_children if child.type == "variable_assignment" else [child]
            self._push(inner, place._replace(piped=False, redirects=()))

    def _test(self, node: Node, place: _Place) -> None:
        words = [Word(m.start(), m.end(), m[0]) for m in _TEST_WORD.finditer(self.text, *node.byte_range)]
        if words and words[-1].text in ("]", "]]"):
            words.pop()
        self._add(node, _Parts(words), place)
        self._push(node.named_children, place._replace(piped=False, redirects=()))

    def _pipeline(self, node: Node, place: _Place, *, fed: bool = False) -> None:
        """Read each part in its own scope; `fed` if the first part reads a pipe too.

        The grammar includes `&& d` of `a | b | c && d` in the pipeline, and also `| b && c` after a
        heredoc: only the first statement of such a list is a part.
        """
        statements: list[tuple[Node, _Place]] = []
        for child in node.named_children:
            first: Node = child
            rest: list[Node] = []
            while first.type == "list":
                rest[:0] = first.named_children[1:]
                first = first.named_children[0]
            piped = place.piped or fed or bool(statements)
            part = place._replace(scope=self._new_scope(place.scope), piped=piped, redirects=())
            statements.append((first, part))
            statements.extend((other, place._replace(redirects=())) for other in rest)
        if place.redirects and statements:
            last, part = statements[-1]
            statements[-1] = (last, part._replace(redirects=place.redirects))
        self.stack.extend(reversed(statements))

    def _redirected(self, node: Node, place: _Place) -> None:
        children = node.named_children
        bodies = [child for child in children if child.type not in _REDIRECTS]
        own = tuple(child for child in children if child.type in _REDIRECTS) + place.redirects
        if bodies:
            self._push(bodies[1:], place._replace(redirects=()))
            self.stack.append((bodies[0], place._replace(redirects=own)))
        else:
            self._add(node, _Parts([]), place._replace(redirects=own))

    def _scope(self, node: Node, place: _Place) -> None:
        if place.redirects:
            self._add(node, _Parts([]), place)
        inner = place._replace(scope=self._new_scope(place.scope), redirects=())
        if node.type == "function_definition":
            name = self._word(node.named_children[0]).text
            inner = inner._replace(function=name, guarded=False, loop=None, way=None)
        self._push_statements(node.named_children, inner)

    def _branches(self, node: Node, place: _Place) -> None:
        """Read an if, case or while: the condition runs, the rest may, in one of several ways."""
        place = self._take_redirects(node, place)
        children = node.named_children
        condition = 1 if node.type in ("if_statement", "while_statement") else 0
        is_last = children[-1].type == "else_clause"
        branch = Branch(node.start_byte, exhaustive=is_last)
        maybe = place._replace(guarded=True)
        if node.type == "while_statement":
            maybe = place._replace(loop=Loop("", None, place.loop, place.way, place.scope), unchecked=True)
        for number, child in reversed(list(enumerate(children[condition:]))):
            # All commands after `then` belong to the same way.
            way = number if child.type in _WAYS else -1
            self.stack.append((child, maybe._replace(way=_inside(place.way, branch, way))))
        self._push(children[:condition], place)

    def _for(self, node: Node, place: _Place) -> None:
        place = self._take_redirects(node, place)
        children = node.named_children
        values = [self._word(child) for child in children[1:-1]] or [EVERY_ARGUMENT]
        if self.bash:
            values = [word for value in values for word in expand_braces(value)]
        words = None if any(_BRACE.search(one.text) for one in values) else tuple(values)
        is_open = place.loop is not None and place.loop.is_open
        is_open = is_open or any(set(one.text) & _OPEN for one in values)
        name = self._word(children[0]).text
        loop = Loop(name, words, place.loop, place.way, place.scope, is_open)
        self._push(children[1:], place._replace(loop=loop, unchecked=True))

    def _counting(self, node: Node, place: _Place) -> None:
        """Read `for ((i=0; ...))`: its body may run any number of times."""
        place = self._take_redirects(node, place)
        *header, body = node.named_children
        variable = _NAME.search(self.text, header[0].start_byte) if header else None
        loop = Loop(variable[0] if variable else "", None, place.loop, place.way, place.scope)
        self._push([body], place._replace(loop=loop, unchecked=True))

    def _take_redirects(self, node: Node, place: _Place) -> _Place:
        if place.redirects:
            self._add(node, _Parts([]), place)
        return place._replace(redirects=())

    def _list(self, node: Node, place: _Place) -> None:
        """Read `a && b` or `a || b`; if an `exit` follows `||`, the left side has succeeded afterwards."""
        children = node.named_children
        if any(child.type == "||" for child in node.children) and len(children) > 1:
            gives_up = self.text[children[-1].start_byte : children[-1].end_byte].split()[:1]
            leaves = gives_up in (["exit"], ["return"], ["false"])
            if leaves or gives_up in (["true"], [":"]):
                first = last = place.way
            else:
                branch = Branch(node.start_byte, exhaustive=True)
                first, last = _inside(place.way, branch, 0), _inside(place.way, branch, 1)
            self.stack.append((children[-1], place._replace(guarded=True, way=last)))
            left = place._replace(redirects=(), guarded=place.guarded or not leaves, way=first)
            self._push(children[:-1], left)
            return
        parts = _chained(node)
        if len(parts) == 1:
            self._other(node, place)
            return
        rest = place
        if parts[0].type == "test_command":
            # `[ ... ] && a`: skipping `a` is not a failure, unless the list is the last command.
            rest = place._replace(guarded=True, way=_inside(place.way, Branch(node.start_byte), 0))
        # `a && b > f`: the redirect is b's.
        self.stack.append((parts[-1], rest))
        self._push(parts[1:-1], rest._replace(redirects=()))
        self.stack.append((parts[0], place._replace(redirects=())))

    def _other(self, node: Node, place: _Place) -> None:
        children = node.named_children
        if place.redirects:
            if node.type in ("list", "negated_command") and children:
                # `a && b > f`: the redirect is b's.
                self.stack.append((children.pop(), place))
            else:
                self._add(node, _Parts([]), place)
            place = place._replace(redirects=())
        self._push_statements(children, place)

    def _leaf(self, node: Node, place: _Place) -> None:
        pass


def _inside(outer: Way | None, branch: Branch, number: int) -> Way | None:
    """A way of a branch; beyond the maximum depth, the enclosing way."""
    depth = outer.depth + 1 if outer is not None else 0
    return Way(branch, number, outer, depth) if depth < _MAX_WAYS else outer


def _chained(node: Node) -> list[Node]:
    """The commands of `a && b && c`, which the grammar nests to the left."""
    parts: list[Node] = []
    while (
        node.type == "list"
        and len(node.named_children) > 1
        and all(one.type != "||" for one in node.children)
    ):
        first, *rest = node.named_children
        parts += reversed(rest)
        node = first
    return [node, *reversed(parts)]


def _left_by(command: Command) -> set[int | str]:
    """What a command leaves without failing: a loop by its id, a function by its name, a scope."""
    if command.program in ("continue", "break"):
        return {id(command.loop)} if command.loop is not None else set()
    if any(word.text != "0" for word in command.args):
        return set()
    if command.program == "return":
        return {command.function}
    # The last status, which may be a failure.
    return {command.scope} if command.args else set()


def _stops_at_errors(word: Word) -> bool:
    """Whether an option of `set` ends the script at the first command that fails."""
    is_short = word.text.startswith("-") and not word.text.startswith("--") and "e" in word.text
    return is_short or word.text == "errexit"


_LEAVING: Final = frozenset({"continue", "break", "return", "exit"})
_WAYS: Final = frozenset({"elif_clause", "else_clause", "case_item"})
_Handler = Callable[[_Reader, "Node", _Place], None]
_STATEMENTS: Final[dict[str, _Handler]] = {
    "command": _Reader._simple,
    "redirected_statement": _Reader._redirected,
    "subshell": _Reader._scope,
    "function_definition": _Reader._scope,
    "variable_assignment": _Reader._assign,
    "variable_assignments": _Reader._assign,
    "declaration_command": _Reader._declare,
    "unset_command": _Reader._declare,
    "test_command": _Reader._test,
    "list": _Reader._list,
    "negated_command": _Reader._other,
    "compound_statement": _Reader._other,
    "if_statement": _Reader._branches,
    "while_statement": _Reader._branches,
    "for_statement": _Reader._for,
    "c_style_for_statement": _Reader._counting,
    "case_statement": _Reader._branches,
}
_HANDLERS: Final[dict[str, _Handler]] = {
    **_STATEMENTS,
    "pipeline": _Reader._pipeline,
    "command_substitution": _Reader._scope,
    "process_substitution": _Reader._scope,
    "word": _Reader._leaf,
    "comment": _Reader._leaf,
}
