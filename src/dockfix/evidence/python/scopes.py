"""A parsed statement: its calls, its dictionaries, and the bindings of each scope."""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any, Final

from dockfix.evidence.python.branches import Arm, count_ways, find_reaching, next_choice
from dockfix.evidence.python.calls import argument_of, called_name, name_of, text_of
from dockfix.evidence.python.modules import Module, Statement, condense
from dockfix.knowledge import read_names

_SKIPPED: Final = frozenset({"annotation", "returns", "type_params", "ctx", "op", "ops", "type_comment"})
_LEAVES: Final = frozenset({ast.Name, ast.Constant})
_FIELDS: dict[type[ast.AST], tuple[str, ...]] = {}


def children(node: ast.AST) -> Iterator[ast.AST]:
    """The child nodes in source order, without names, constants and annotations."""
    kind = type(node)
    names = _FIELDS.get(kind)
    if names is None:
        names = _FIELDS[kind] = tuple(name for name in node._fields if name not in _SKIPPED)
    for name in names:
        value = getattr(node, name)
        if type(value) is list:
            yield from (item for item in value if isinstance(item, ast.AST) and type(item) not in _LEAVES)
        elif isinstance(value, ast.AST) and type(value) not in _LEAVES:
            yield value


@dataclass(frozen=True, slots=True, eq=False)
class Binding:
    """What a name is bound to: an expression, an item of one (`each`), a parameter, or something unknown.

    It may also be what a dotted name means that it is `imported` from.
    The name is that of an attribute or key of `owner`, if there is one.
    """

    scope: Scope
    order: int
    value: ast.expr | None = None
    each: bool = False
    parameter: int = -1
    index: int = -1
    owner: ast.expr | None = None
    imported: str = ""


@dataclass(eq=False)
class Scope:
    """A module, class or function; `path` is its dotted name within the module.

    A function that `is_property` is called where its name is read. `outer` are the scopes of the names that
    it declares `global` or `nonlocal`.
    """

    part: Part
    parent: Scope | None
    kind: str
    path: str = ""
    bindings: dict[str, list[Binding]] = field(default_factory=dict)
    attributes: dict[str, list[Binding]] = field(default_factory=dict)
    bases: list[ast.expr] = field(default_factory=list)
    returns: list[ast.expr] = field(default_factory=list)
    is_property: bool = False
    outer: dict[str, Scope] = field(default_factory=dict)

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
    """A call, dictionary, comparison or setting, and the scope that contains it.

    It is `guarded` if the application handles a lack of permission there, and `may_fail` if it handles
    the failure of a command; it runs only if the paths `expected` exist.
    """

    node: ast.expr
    scope: Scope
    order: int
    guarded: bool = False
    expected: tuple[ast.expr, ...] = ()
    may_fail: bool = False

    @property
    def called(self) -> str:
        """The last component of the called name, "" if it is not a call."""
        return called_name(self.node) if isinstance(self.node, ast.Call) else ""

    def argument(self, index: int, keyword: str) -> ast.expr | None:
        """The positional or keyword argument of a call, None if there is none."""
        return argument_of(self.node, index, keyword) if isinstance(self.node, ast.Call) else None


@dataclass(eq=False)
class Part:
    """The relevant contents of a parsed statement; `sites` are in source order."""

    module: Module
    statement: Statement
    text: str
    lines: tuple[int, ...]
    tree: ast.Module
    sites: list[Site] = field(default_factory=list)
    keys: dict[str, list[Binding]] = field(default_factory=dict)
    options: dict[str, Site] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.top = Scope(self, None, "module")
        self.classes: dict[str, Scope] = {}
        self.functions: dict[str, Scope] = {}
        self._order = 0
        self._guards = 0
        self._failures = 0
        self._expected: tuple[ast.expr, ...] = ()
        self._arms: list[Arm] = []
        self._held: dict[int, Sequence[Arm]] = {}
        self._asks_who = _WHO.search(self.text) is not None
        for line in self.tree.body:
            self._walk(line, self.top)

    def reaching(self, bindings: Sequence[Binding], order: int) -> tuple[list[Binding], bool]:
        """(bindings that may be in force at a position, latest first, whether one of them certainly is)."""
        return find_reaching(bindings, order, self._arms_at)

    def _arms_at(self, order: int) -> Sequence[Arm]:
        """The arms that hold a position; known for good, as all of the part is read before it is asked."""
        if order not in self._held:
            self._held[order] = [arm for arm in self._arms if arm.holds(order)]
        return self._held[order]

    def line_of(self, node: ast.expr) -> int:
        """The module's line number of a node; for a call, that of its name."""
        line = node.lineno
        if isinstance(node, ast.Call):
            line = node.func.end_lineno or line
        return self.statement.line + self.lines[min(line, len(self.lines)) - 1]

    def _walk(self, node: ast.AST, scope: Scope) -> None:
        self._order += 1
        handle = _HANDLERS.get(type(node))
        if handle is None or handle(self, node, scope):
            for child in children(node):
                self._walk(child, scope)

    def _assign(self, node: ast.Assign, scope: Scope) -> bool:
        self._walk(node.value, scope)
        for target in node.targets:
            self._bind(target, node.value, scope)
        return False

    def _assign_one(self, node: ast.AnnAssign | ast.NamedExpr, scope: Scope) -> bool:
        if node.value is not None:
            self._walk(node.value, scope)
            self._bind(node.target, node.value, scope)
        return False

    def _augment(self, node: ast.AugAssign, scope: Scope) -> bool:
        changed = ast.copy_location(ast.BinOp(node.target, node.op, node.value), node)
        self._bind(node.target, changed if isinstance(node.target, ast.Name) else None, scope)
        return True

    def _iterate(self, node: ast.For | ast.AsyncFor | ast.comprehension, scope: Scope) -> bool:
        self._bind(node.target, node.iter, scope, each=True)
        return True

    def _enter(self, node: ast.withitem, scope: Scope) -> bool:
        if node.optional_vars is not None:
            self._bind(node.optional_vars, node.context_expr, scope)
        return True

    def _return(self, node: ast.Return, scope: Scope) -> bool:
        if node.value is not None:
            scope.returns.append(node.value)
        return True

    def _site(self, node: ast.Call | ast.Compare, scope: Scope) -> bool:
        self._add_site(node, scope)
        if isinstance(node, ast.Call):
            self._remember(node, scope)
        return True

    def _add_site(self, node: ast.expr, scope: Scope) -> None:
        is_guarded, may_fail = self._guards > 0, self._failures > 0
        self.sites.append(Site(node, scope, self._order, is_guarded, self._expected, may_fail))

    def _dictionary(self, node: ast.Dict, scope: Scope) -> bool:
        self._add_site(node, scope)
        pairs = zip(node.keys, node.values, strict=True)
        self._walk_all((one for pair in pairs for one in pair if one is not None), scope)
        return False

    def _attempt(self, node: ast.Try | ast.TryStar, scope: Scope) -> bool:
        forgiving, tolerant = (
            any(_forgives(handler, read_names("python", "names", kind)) for handler in node.handlers)
            for kind in ("forbidden", "failing")
        )
        self._guards += forgiving
        self._failures += tolerant
        branch = self._order
        self._arm(node.body, scope, branch, 0)
        self._guards -= forgiving
        self._failures -= tolerant
        for handler in node.handlers:
            self._arm([handler], scope, self._order, 0)
        self._walk_all([*node.orelse, *node.finalbody], scope)
        return False

    def _choose(self, node: ast.If, scope: Scope) -> bool:
        branch, ways = self._order, count_ways(node)
        choice: ast.If | None = node
        while choice is not None:
            asks = self._asks_who and _asks_who(choice.test)
            self._walk(choice.test, scope)
            self._guards += asks
            outer, self._expected = self._expected, (*self._expected, *_expected_in(choice.test))
            self._arm(choice.body, scope, branch, ways)
            self._expected = outer
            self._guards -= asks
            last, choice = choice, next_choice(choice)
        if last.orelse:
            self._arm(last.orelse, scope, branch, ways)
        return False

    def _arm(self, nodes: Iterable[ast.AST], scope: Scope, branch: int, count: int) -> None:
        first = self._order
        self._walk_all(nodes, scope)
        self._arms.append(Arm(branch, count, first + 1, self._order))

    def _walk_all(self, nodes: Iterable[ast.AST], scope: Scope) -> None:
        for node in nodes:
            self._walk(node, scope)

    def _repeat(self, node: ast.For | ast.AsyncFor | ast.While, scope: Scope) -> bool:
        if isinstance(node, ast.While):
            self._walk(node.test, scope)
        else:
            self._walk(node.iter, scope)
            self._iterate(node, scope)
        self._arm(node.body, scope, self._order, 0)
        self._walk_all(node.orelse, scope)
        return False

    def _match(self, node: ast.Match, scope: Scope) -> bool:
        self._walk(node.subject, scope)
        branch = self._order
        for case in node.cases:
            self._arm([case], scope, branch, 0)
        return False

    def _comprehend(self, node: ast.ListComp | ast.SetComp | ast.GeneratorExp, scope: Scope) -> bool:
        self._walk_all([*node.generators, node.elt], scope)
        return False

    def _definition(self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef, scope: Scope) -> bool:
        self._walk_all(node.decorator_list, scope)
        path = f"{scope.path}.{node.name}".lstrip(".")
        if isinstance(node, ast.ClassDef):
            inner = Scope(self, scope, "class", path, bases=node.bases)
            self.classes[path] = inner
        else:
            inner = Scope(self, scope, "function", path)
            inner.is_property = any(map(_makes_property, node.decorator_list))
            self.functions[path] = inner
            self._parameters(node.args, inner)
        scope.bindings.setdefault(node.name, [])
        first = self._order
        self._walk_all(node.body, inner)
        if inner.outer:
            # The function may never be called.
            self._arms.append(Arm(first, 0, first + 1, self._order))
        return False

    def _declare(self, node: ast.Global | ast.Nonlocal, scope: Scope) -> bool:
        for name in node.names:
            home = scope.parent if isinstance(node, ast.Nonlocal) else None
            while home is not None and not (home.kind == "function" and name in home.bindings):
                home = home.parent
            scope.outer[name] = home or self.top
        return False

    def _import(self, node: ast.Import | ast.ImportFrom, scope: Scope) -> bool:
        place = ""
        if isinstance(node, ast.ImportFrom):
            place = self.module.absolute("." * node.level + (node.module or ""))
        for one in node.names:
            alias, name = one.asname or one.name, one.name
            if isinstance(node, ast.Import) and not one.asname:
                alias = name = name.partition(".")[0]
            target = place if name == "*" else f"{place}.{name}".lstrip(".")
            home = scope.outer.get(alias, scope)
            home.bindings.setdefault(alias, []).append(Binding(scope, self._order, imported=target))
        return False

    def _parameters(self, parameters: ast.arguments, scope: Scope) -> None:
        plain = [*parameters.posonlyargs, *parameters.args]
        bare = [None] * (len(plain) - len(parameters.defaults))
        defaults = [*bare, *parameters.defaults, *parameters.kw_defaults]
        for index, (one, default) in enumerate(zip([*plain, *parameters.kwonlyargs], defaults, strict=True)):
            if default is not None:
                self._walk(default, scope)
            binding = Binding(scope, self._order, default, parameter=index)
            scope.bindings.setdefault(one.arg, []).append(binding)

    def _bind(
        self,
        target: ast.expr,
        value: ast.expr | None,
        scope: Scope,
        *,
        each: bool = False,
        index: int = -1,
    ) -> None:
        binding = Binding(scope, self._order, value, each, index=index)
        match target:
            case ast.Name():
                home = scope.outer.get(target.id, scope)
                home.bindings.setdefault(target.id, []).append(binding)
            case ast.Tuple() | ast.List():
                star = next((at for at, one in enumerate(target.elts) if isinstance(one, ast.Starred)), None)
                for place, element in enumerate(target.elts[:star]):
                    self._bind(element, value, scope, each=each, index=place)
                if star is not None and value is not None and not each:
                    self._bind_from_star(target.elts, star, value, scope)
            case ast.Attribute(value=owner):
                inner = scope.enclosing_class() if is_own(owner) else None
                names = self.keys if inner is None else inner.attributes
                names.setdefault(target.attr, []).append(replace(binding, owner=owner))
            case ast.Subscript(value=owner, slice=key):
                item = replace(binding, owner=owner)
                self.keys.setdefault(items_name(owner), []).append(item)
                if isinstance(key, ast.Constant) and isinstance(key.value, str | int):
                    self.keys.setdefault(str(key.value), []).append(item)

    def _bind_from_star(self, targets: list[ast.expr], star: int, value: ast.expr, scope: Scope) -> None:
        """Bind the name behind a star to its part of a list, and those after it counted from the end."""
        ends = [ast.Constant(place - len(targets)) for place in range(star + 1, len(targets))]
        part = ast.Slice(ast.Constant(star), ends[0] if ends else None)
        for target, index in zip(targets[star:], (part, *ends), strict=True):
            bound = target.value if isinstance(target, ast.Starred) else target
            self._bind(bound, ast.Subscript(value, index), scope)

    def _remember(self, call: ast.Call, scope: Scope) -> None:
        """Record options of argparse and click, and calls that set attributes and keys."""
        name = called_name(call)
        for target, value in set_by(call):
            self._bind(target, value, scope)
        if name == "set_defaults":
            for one in call.keywords:
                if one.arg is not None:
                    self.options[one.arg] = Site(
                        ast.Call(call.func, [], [ast.keyword("default", one.value)]), scope, self._order
                    )
        elif name in ("add_argument", "option", "add_option"):
            names = [word for word in map(text_of, call.args) if word is not None]
            long = next((name for name in names if name.startswith("--")), names[0] if names else "")
            self.options[long.lstrip("-").replace("-", "_")] = Site(call, scope, self._order)


def is_own(node: ast.expr) -> bool:
    """Whether an expression is the object or class of a method: `self`, `cls`."""
    return isinstance(node, ast.Name) and node.id in ("self", "cls")


def items_name(owner: ast.expr) -> str:
    """The name under which all items stand that statements set in a list or dictionary."""
    return f"{name_of(owner)}[]"


def set_by(call: ast.Call) -> Iterator[tuple[ast.expr, ast.expr]]:
    """(target, value) of what a call assigns: `D.update(key=V)`, `setattr(X, "name", V)`."""
    match call:
        case ast.Call(args=[owner, ast.Constant(value=str() as name), value]) if (
            called_name(call) in _SETTERS
        ):
            yield ast.Attribute(owner, name), value
        case ast.Call(func=ast.Attribute(owner, "append" | "appendleft" | "add"), args=[value]):
            yield ast.Subscript(owner, ast.Constant(None)), value
        case ast.Call(
            func=ast.Attribute(owner, "setdefault" | "insert"), args=[ast.Constant() as key, value]
        ):
            yield ast.Subscript(owner, key), value
        case ast.Call(func=ast.Attribute(owner, "update" | "from_mapping"), args=args, keywords=keywords):
            tables = [one for one in args if isinstance(one, ast.Dict)]
            pairs = [pair for one in tables for pair in zip(one.keys, one.values, strict=True)]
            pairs += [(ast.Constant(one.arg), one.value) for one in keywords]
            yield from ((ast.Subscript(owner, key), value) for key, value in pairs if key is not None)


def _expected_in(test: ast.expr) -> Iterator[ast.expr]:
    """The paths that exist if a condition holds: `isdir(P)`, `P.exists()`, these joined by `and`."""
    match test:
        case ast.BoolOp(op=ast.And(), values=values):
            for one in values:
                yield from _expected_in(one)
        case ast.Call(func=ast.Attribute(value=path, attr="exists" | "is_dir" | "is_file"), args=[]):
            yield path
        case ast.Call(args=[path]) if called_name(test) in ("exists", "isdir", "isfile", "lexists"):
            yield path


def _makes_property(decorator: ast.expr) -> bool:
    """Whether a decorator is `property`, or one like it of functools, Django, pydantic or SQLAlchemy."""
    named = decorator.func if isinstance(decorator, ast.Call) else decorator
    return name_of(named).endswith(("property", "computed_field"))


def _asks_who(test: ast.expr) -> bool:
    """Whether a condition asks which account runs the program."""
    return any(_WHO.search(name_of(node)) for node in ast.walk(test))


def _forgives(handler: ast.ExceptHandler, errors: Container[str]) -> bool:
    """Whether a handler catches one of these errors without raising again or ending the program."""
    if any(isinstance(node, ast.Raise) or _exits(node) for node in handler.body):
        return False
    kinds = handler.type
    named = kinds.elts if isinstance(kinds, ast.Tuple) else [kinds]
    return any(one is None or name_of(one) in errors for one in named)


def _exits(node: ast.stmt) -> bool:
    """Whether a statement ends the program: `sys.exit(1)`."""
    call = node.value if isinstance(node, ast.Expr) else None
    return isinstance(call, ast.Call) and called_name(call) in ("exit", "_exit", "abort")


_SETTERS: Final = ("setattr", "__setattr__")
_WHO: Final = re.compile(r"\bgete?uid\b|\bis_root\b")
_HANDLERS: Final[Mapping[type[ast.AST], Callable[[Part, Any, Scope], bool]]] = {
    ast.FunctionDef: Part._definition,
    ast.AsyncFunctionDef: Part._definition,
    ast.ClassDef: Part._definition,
    ast.Import: Part._import,
    ast.ImportFrom: Part._import,
    ast.Global: Part._declare,
    ast.Nonlocal: Part._declare,
    ast.Assign: Part._assign,
    ast.AnnAssign: Part._assign_one,
    ast.NamedExpr: Part._assign_one,
    ast.AugAssign: Part._augment,
    ast.For: Part._repeat,
    ast.AsyncFor: Part._repeat,
    ast.While: Part._repeat,
    ast.Match: Part._match,
    ast.comprehension: Part._iterate,
    ast.withitem: Part._enter,
    ast.Return: Part._return,
    ast.Try: Part._attempt,
    ast.TryStar: Part._attempt,
    ast.If: Part._choose,
    ast.Call: Part._site,
    ast.Dict: Part._dictionary,
    ast.Compare: Part._site,
    ast.ListComp: Part._comprehend,
    ast.SetComp: Part._comprehend,
    ast.GeneratorExp: Part._comprehend,
}


def parse_statement(module: Module, statement: Statement, text: str) -> Part | None:
    """Parse what is left of a statement in `text`; None if that fails, or it is nested too deeply."""
    text, lines = condense(text)
    tree = _parse(text)
    try:
        return Part(module, statement, text, lines, tree) if tree is not None else None
    except RecursionError:
        return None


@lru_cache(maxsize=1024)
def _parse(text: str) -> ast.Module | None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about the repository's escapes
        try:
            return ast.parse(text)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return None
