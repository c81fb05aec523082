"""A parsed statement: its calls, its dictionaries, and the bindings of each scope."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final

import libcst as cst
from libcst.metadata import MetadataWrapper, PositionProvider

from dockfix.evidence.python.branches import Arm, count_ways, find_reaching
from dockfix.evidence.python.calls import argument_of, called_name
from dockfix.evidence.python.modules import Module, Statement, blank_strings, condense
from dockfix.knowledge import read_names

_LAYOUT: Final = frozenset(
    {cst.SimpleWhitespace, cst.ParenthesizedWhitespace, cst.EmptyLine, cst.TrailingWhitespace, cst.Comma,
     cst.Semicolon, cst.LeftParen, cst.RightParen, cst.AssignEqual, cst.Dot, cst.Colon, cst.Newline,
     cst.Comment, cst.LeftSquareBracket, cst.RightSquareBracket, cst.LeftCurlyBrace, cst.RightCurlyBrace,
     cst.Name, cst.Integer, cst.SimpleString, cst.MaybeSentinel}
)  # fmt: skip
_FIELDS: dict[type[cst.CSTNode], tuple[str, ...]] = {}
_SKIPPED: Final = frozenset({"annotation", "returns", "lpar", "rpar", "header", "footer", "leading_lines"})


def children(node: cst.CSTNode) -> Iterator[cst.CSTNode]:
    """The child nodes in source order, without annotations and layout."""
    kind = type(node)
    names = _FIELDS.get(kind)
    if names is None:
        names = tuple(one.name for one in dataclasses.fields(kind) if _matters(one.name))
        _FIELDS[kind] = names
    for name in names:
        value = getattr(node, name)
        if value is None or type(value) in _LAYOUT:
            continue
        if type(value) in (list, tuple):
            yield from (item for item in value if type(item) not in _LAYOUT)
        elif isinstance(value, cst.CSTNode):
            yield value


def _matters(name: str) -> bool:
    return not (name.startswith(("whitespace", "lines_", "comma", "semicolon")) or name in _SKIPPED)


@dataclass(frozen=True, slots=True, eq=False)
class Binding:
    """What a name is bound to: an expression, an item of one (`each`), a parameter, or something unknown."""

    scope: Scope
    order: int
    value: cst.BaseExpression | None = None
    each: bool = False
    parameter: int = -1
    index: int = -1


@dataclass(eq=False)
class Scope:
    """A module, class or function; `path` is its dotted name within the module."""

    part: Part
    parent: Scope | None
    kind: str
    path: str = ""
    bindings: dict[str, list[Binding]] = field(default_factory=dict)
    attributes: dict[str, list[Binding]] = field(default_factory=dict)
    bases: list[cst.BaseExpression] = field(default_factory=list)
    returns: list[cst.BaseExpression] = field(default_factory=list)

    @property
    def module(self) -> Module:
        """The module that contains it."""
        return self.part.module

    def enclosing_class(self) -> Scope | None:
        """The innermost class that encloses this scope, or the scope itself."""
        scope: Scope | None = self
        while scope is not None and scope.kind != "class":
            scope = scope.parent
        return scope


@dataclass(frozen=True, slots=True, eq=False)
class Site:
    """A call, dictionary or comparison, and the scope that contains it.

    It is `guarded` if the application handles a lack of permission there.
    """

    node: cst.Call | cst.Dict | cst.Comparison
    scope: Scope
    order: int
    guarded: bool = False

    @property
    def called(self) -> str:
        """The last component of the called name, "" if it is not a call."""
        return called_name(self.node) if isinstance(self.node, cst.Call) else ""

    def argument(self, index: int, keyword: str) -> cst.BaseExpression | None:
        """The positional or keyword argument of a call, None if there is none."""
        return argument_of(self.node, index, keyword) if isinstance(self.node, cst.Call) else None


@dataclass(eq=False)
class Part:
    """The relevant contents of a parsed statement; `sites` are in source order."""

    module: Module
    statement: Statement
    text: str
    lines: tuple[int, ...]
    tree: cst.Module
    sites: list[Site] = field(default_factory=list)
    keys: dict[str, list[Binding]] = field(default_factory=dict)
    options: dict[str, Site] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.top = Scope(self, None, "module")
        self.classes: dict[str, Scope] = {}
        self.functions: dict[str, Scope] = {}
        self._order = 0
        self._guards = 0
        self._arms: list[Arm] = []
        self._asks_who = _WHO.search(self.text) is not None
        for line in self.tree.body:
            self._walk(line, self.top)

    def reaching(self, bindings: Sequence[Binding], order: int) -> tuple[list[Binding], bool]:
        """(bindings that may be in force at a position, latest first, whether one of them certainly is)."""
        return find_reaching(bindings, order, self._arms)

    def line_of(self, node: cst.CSTNode) -> int:
        """The module's line number of a node; for a call, that of its name."""
        found = self._line_of_call(node) if isinstance(node, cst.Call) else -1
        at = _lines_of(self.tree).get(node, 0) if found < 0 else found
        return self.statement.line + self.lines[min(at, len(self.lines) - 1)]

    def _line_of_call(self, call: cst.Call) -> int:
        """The line found by a text search, which is cheaper than libcst's positions; -1 if ambiguous."""
        name = called_name(call)
        sites = [site for site in self.sites if site.called == name]
        quiet = blank_strings(self.text)
        places = [match.start(1) for match in re.finditer(rf"(?<!def )(?<!class )\b({name})\s*\(", quiet)]
        index = next((n for n, site in enumerate(sites) if site.node is call), -1)
        return quiet.count("\n", 0, places[index]) if name and len(places) == len(sites) else -1

    def _walk(self, node: cst.CSTNode, scope: Scope) -> None:
        self._order += 1
        # Dispatch on the type: isinstance is slow on libcst's abstract base classes.
        handle = _HANDLERS.get(type(node))
        if handle is None or handle(self, node, scope):
            for child in children(node):
                self._walk(child, scope)

    def _assign(self, node: cst.Assign, scope: Scope) -> bool:
        self._walk(node.value, scope)
        for target in node.targets:
            self._bind(target.target, node.value, scope)
        return False

    def _assign_one(self, node: cst.AnnAssign | cst.NamedExpr, scope: Scope) -> bool:
        if node.value is not None:
            self._walk(node.value, scope)
            self._bind(node.target, node.value, scope)
        return False

    def _augment(self, node: cst.AugAssign, scope: Scope) -> bool:
        self._bind(node.target, None, scope)
        return True

    def _iterate(self, node: cst.For | cst.CompFor, scope: Scope) -> bool:
        self._bind(node.target, node.iter, scope, each=True)
        return True

    def _enter(self, node: cst.WithItem, scope: Scope) -> bool:
        if node.asname is not None:
            self._bind(node.asname.name, node.item, scope)
        return True

    def _return(self, node: cst.Return, scope: Scope) -> bool:
        if node.value is not None:
            scope.returns.append(node.value)
        return True

    def _site(self, node: cst.Call | cst.Dict | cst.Comparison, scope: Scope) -> bool:
        self.sites.append(Site(node, scope, self._order, self._guards > 0))
        if isinstance(node, cst.Call):
            self._remember(node, scope)
        return True

    def _attempt(self, node: cst.Try, scope: Scope) -> bool:
        forgiving = any(_forgives(handler) for handler in node.handlers)
        self._guards += forgiving
        branch = self._order
        self._arm(node.body, scope, branch, 0)
        self._guards -= forgiving
        for handler in node.handlers:
            self._arm(handler, scope, self._order, 0)
        for rest in (node.orelse, node.finalbody):
            if rest is not None:
                self._walk(rest, scope)
        return False

    def _choose(self, node: cst.If, scope: Scope) -> bool:
        branch, ways = self._order, count_ways(node)
        rest: cst.If | cst.Else | None = node
        while isinstance(rest, cst.If):
            asks = self._asks_who and _WHO.search(cst.Module([]).code_for_node(rest.test)) is not None
            self._walk(rest.test, scope)
            self._guards += asks
            self._arm(rest.body, scope, branch, ways)
            self._guards -= asks
            rest = rest.orelse
        if rest is not None:
            self._arm(rest.body, scope, branch, ways)
        return False

    def _arm(self, node: cst.CSTNode, scope: Scope, branch: int, count: int) -> None:
        first = self._order
        self._walk(node, scope)
        self._arms.append(Arm(branch, count, first + 1, self._order))

    def _repeat(self, node: cst.For | cst.While, scope: Scope) -> bool:
        if isinstance(node, cst.For):
            self._walk(node.iter, scope)
            self._iterate(node, scope)
        else:
            self._walk(node.test, scope)
        self._arm(node.body, scope, self._order, 0)
        if node.orelse is not None:
            self._walk(node.orelse, scope)
        return False

    def _match(self, node: cst.Match, scope: Scope) -> bool:
        self._walk(node.subject, scope)
        branch = self._order
        for case in node.cases:
            self._arm(case, scope, branch, 0)
        return False

    def _comprehend(self, node: cst.BaseSimpleComp, scope: Scope) -> bool:
        self._walk(node.for_in, scope)
        self._walk(node.elt, scope)
        return False

    def _definition(self, node: cst.FunctionDef | cst.ClassDef, scope: Scope) -> bool:
        for decorator in node.decorators:
            self._walk(decorator.decorator, scope)
        path = f"{scope.path}.{node.name.value}".lstrip(".")
        if isinstance(node, cst.ClassDef):
            inner = Scope(self, scope, "class", path, bases=[base.value for base in node.bases])
            self.classes[path] = inner
        else:
            inner = Scope(self, scope, "function", path)
            self.functions[path] = inner
            self._parameters(node.params, inner)
        scope.bindings.setdefault(node.name.value, [])
        self._walk(node.body, inner)
        return False

    def _parameters(self, parameters: cst.Parameters, scope: Scope) -> None:
        listed = [*parameters.posonly_params, *parameters.params, *parameters.kwonly_params]
        for index, one in enumerate(listed):
            if one.default is not None:
                self._walk(one.default, scope)
            binding = Binding(scope, self._order, one.default, parameter=index)
            scope.bindings.setdefault(one.name.value, []).append(binding)

    def _bind(
        self,
        target: cst.BaseExpression,
        value: cst.BaseExpression | None,
        scope: Scope,
        *,
        each: bool = False,
        index: int = -1,
    ) -> None:
        binding = Binding(scope, self._order, value, each, index=index)
        match target:
            case cst.Name():
                scope.bindings.setdefault(target.value, []).append(binding)
            case cst.Tuple() | cst.List():
                for place, element in enumerate(target.elements):
                    self._bind(element.value, value, scope, each=each, index=place)
            case cst.Attribute(value=cst.Name(value="self" | "cls")):
                owner = scope.enclosing_class()
                if owner is not None:
                    owner.attributes.setdefault(target.attr.value, []).append(binding)
            case cst.Attribute():
                self.keys.setdefault(target.attr.value, []).append(binding)
            case cst.Subscript(
                slice=[cst.SubscriptElement(slice=cst.Index(value=cst.SimpleString() as key))]
            ):
                self.keys.setdefault(str(key.raw_value), []).append(binding)

    def _remember(self, call: cst.Call, scope: Scope) -> None:
        """Record options of argparse and click, and keywords that set configuration values."""
        name = called_name(call)
        if name in ("update", "from_mapping"):
            for one in call.args:
                if one.keyword is not None:
                    self.keys.setdefault(one.keyword.value, []).append(Binding(scope, self._order, one.value))
        elif name in ("add_argument", "option", "add_option"):
            words = [one.value for one in call.args if not one.keyword]
            names = [word.raw_value for word in words if isinstance(word, cst.SimpleString)]
            long = next((name for name in names if name.startswith("--")), names[0] if names else "")
            self.options[long.lstrip("-").replace("-", "_")] = Site(call, scope, self._order)


def _forgives(handler: cst.ExceptHandler) -> bool:
    """Whether a handler catches permission errors without raising again."""
    simple = (line for line in handler.body.body if isinstance(line, cst.SimpleStatementLine))
    if any(isinstance(node, cst.Raise) for line in simple for node in line.body):
        return False
    kinds = handler.type
    forbidden = read_names("python", "names", "forbidden")
    named = [one.value for one in kinds.elements] if isinstance(kinds, cst.Tuple) else [kinds]
    return any(one is None or (isinstance(one, cst.Name) and one.value in forbidden) for one in named)


_WHO: Final = re.compile(r"\bgete?uid\b|\bis_root\b")
_HANDLERS: Final[Mapping[type[cst.CSTNode], Callable[[Part, Any, Scope], bool]]] = {
    cst.FunctionDef: Part._definition,
    cst.ClassDef: Part._definition,
    cst.Assign: Part._assign,
    cst.AnnAssign: Part._assign_one,
    cst.NamedExpr: Part._assign_one,
    cst.AugAssign: Part._augment,
    cst.For: Part._repeat,
    cst.While: Part._repeat,
    cst.Match: Part._match,
    cst.CompFor: Part._iterate,
    cst.WithItem: Part._enter,
    cst.Return: Part._return,
    cst.Try: Part._attempt,
    cst.If: Part._choose,
    cst.Call: Part._site,
    cst.Dict: Part._site,
    cst.Comparison: Part._site,
    cst.ListComp: Part._comprehend,
    cst.SetComp: Part._comprehend,
    cst.GeneratorExp: Part._comprehend,
}


def parse_statement(module: Module, statement: Statement, text: str) -> Part | None:
    """Parse what is left of a statement in `text` with libcst; None if that fails."""
    text, lines = condense(text)
    tree = _parse(text)
    try:
        return Part(module, statement, text, lines, tree) if tree is not None else None
    except RecursionError:
        return None


@lru_cache(maxsize=1024)
def _parse(text: str) -> cst.Module | None:
    try:
        return cst.parse_module(text)
    except (cst.ParserSyntaxError, UnicodeEncodeError, RecursionError):
        return None


@lru_cache(maxsize=256)
def _lines_of(tree: cst.Module) -> Mapping[cst.CSTNode, int]:
    """The first line of every node, from 0, cached for each tree."""
    positions = MetadataWrapper(tree, unsafe_skip_copy=True).resolve(PositionProvider)
    return {node: position.start.line - 1 for node, position in positions.items()}
