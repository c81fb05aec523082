"""Evaluate the application's expressions, as far as constants can be followed."""

from __future__ import annotations

import ast
import itertools
import posixpath
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any, Final

from dockfix.evidence.python.application import END, MAX_BASES, Application
from dockfix.evidence.python.builtins import call_values
from dockfix.evidence.python.calls import text_of
from dockfix.evidence.python.constants import (
    HOLE,
    MAX_ALTERNATIVES,
    Objects,
    Reference,
    Table,
    Texts,
    Value,
    Values,
    concatenate,
    items_of,
    join,
    join_path,
    parent_of,
    texts_of,
)
from dockfix.evidence.python.scopes import Binding, Scope, Site, is_own, items_name
from dockfix.evidence.python.strings import Arguments, split_percent
from dockfix.evidence.python.structures import table_of

_CONFIGURATION: Final = re.compile(r"(?i)_?(?:cfg|conf|config|settings)")
MAX_DEPTH: Final = 24
_OF_VALUES: Final = ("value", "name", "stem", "suffix")
"""Attributes of members of an Enum, and of paths."""
_CONSTANTS: Final = ("None", "True", "False")
_OF_ROOT: Final = ("anchor", "root")
_OF_SCRIPT: Final[Mapping[str, Callable[[str], str]]] = {"sys.argv": str, "sys.path": posixpath.dirname}
"""The lists that begin with the path of the script that Python runs, or with its directory."""
MAX_ROWS: Final = 64
MAX_STEPS: Final = 2_000
"""The maximum number of subexpressions to evaluate for one expression; the rest is unknown."""


class ConstantEvaluator:
    """Follows constants through one application."""

    def __init__(self, application: Application) -> None:
        self.application = application
        self._depth = 0
        self._steps = 0
        self._open: set[tuple[int, int]] = set()
        self._owners: dict[int, Objects] = {}

    def values(self, node: ast.expr, scope: Scope, order: int = END) -> Values:
        """The possible values of an expression, none if it is unknown."""
        key = (id(node), id(scope))
        self._steps = self._steps + 1 if self._depth else 0
        if self._depth > MAX_DEPTH or self._steps > MAX_STEPS or key in self._open:
            return ()
        self._depth += 1
        self._open.add(key)
        try:
            found = tuple(dict.fromkeys(self._values(node, scope, order)))
            rest = (Value(HOLE, False),) if len(found) > MAX_ALTERNATIVES else ()
            return (*found[:MAX_ALTERNATIVES], *rest)
        finally:
            self._depth -= 1
            self._open.discard(key)

    def texts(self, node: ast.expr, scope: Scope, order: int = END) -> Texts:
        """(string, certain) for each possible value; an unknown part is a HOLE."""
        return texts_of(self.values(node, scope, order))

    def _values(self, node: ast.expr, scope: Scope, order: int) -> Iterable[Value]:
        handle = _HANDLERS.get(type(node))
        return handle(self, node, scope, order) if handle else ()

    def _constant(self, node: ast.Constant, _scope: Scope, _order: int) -> Iterable[Value]:
        content = node.value
        if content is None or isinstance(content, bool):
            return (Value(Reference(str(content))),)
        return (Value(content),) if isinstance(content, str | int) else ()

    def _named(self, node: ast.Name, scope: Scope, order: int) -> Iterable[Value]:
        return self.name(node.id, scope, order)

    def _either(self, node: ast.IfExp, scope: Scope, order: int) -> Iterable[Value]:
        both = (*self.values(node.body, scope, order), *self.values(node.orelse, scope, order))
        return (Value(one.content, False) for one in both)

    def _first_known(self, node: ast.BoolOp, scope: Scope, order: int) -> Iterable[Value]:
        if isinstance(node.op, ast.And):
            return (Value(one.content, False) for one in self.values(node.values[-1], scope, order))
        found: list[Values] = []
        for operand in node.values:
            known = self.values(operand, scope, order)
            true = tuple(one for one in known if not _is_false(one.content))
            found += [true] if true else []
            if len(true) == len(known) > 0:
                break
        return (Value(one.content, one.certain and len(found) == 1) for values in found for one in values)

    def _signed(self, node: ast.UnaryOp, scope: Scope, order: int) -> Iterable[Value]:
        numbers = self.values(node.operand, scope, order) if isinstance(node.op, ast.USub) else ()
        return (Value(-one.content, one.certain) for one in numbers if isinstance(one.content, int))

    def _items(self, node: ast.Tuple | ast.List | ast.Set, scope: Scope, order: int) -> Iterable[Value]:
        return (Value(tuple(self.operands(node.elts, scope, order))),)

    def operands(self, nodes: Iterable[ast.expr], scope: Scope, order: int) -> list[Values]:
        """The values of each expression; `*NAME` stands for those of the items."""
        found: list[Values] = []
        for node in nodes:
            if isinstance(node, ast.Starred):
                lists = self.values(node.value, scope, order)
                items = next((one.content for one in lists if isinstance(one.content, tuple)), ((),))
                found += items
            else:
                found.append(self.values(node, scope, order))
        return found

    def passed(self, site: Site, index: int, keyword: str) -> Values | None:
        """What a call passes for a parameter, also in `*LIST` or `**TABLE`, None if it passes nothing."""
        node = site.argument(index, keyword)
        if node is not None:
            return self.values(node, site.scope, site.order)
        args, keywords = (site.node.args, site.node.keywords) if isinstance(site.node, ast.Call) else ([], [])
        if any(isinstance(one, ast.Starred) for one in args):
            listed = self.operands(args, site.scope, site.order)
            if 0 <= index < len(listed):
                return listed[index]
        tables = [one.value for one in keywords if one.arg is None]
        items = [ast.Subscript(one, ast.Constant(keyword)) for one in tables]
        return tuple(value for one in items for value in self.values(one, site.scope, site.order)) or None

    def _comprehended(
        self, node: ast.ListComp | ast.SetComp | ast.GeneratorExp, scope: Scope, order: int
    ) -> Values:
        """A list of one item that stands for several, and of an unknown one, so that it cannot be joined."""
        return (Value((self.values(node.elt, scope, order), ())),)

    def _table(self, node: ast.Dict, scope: Scope, order: int) -> Iterable[Value]:
        keys = map(text_of, node.keys)
        pairs = itertools.islice(zip(keys, node.values, strict=True), MAX_ROWS)
        rows = {key: self.values(value, scope, order) for key, value in pairs if key is not None}
        return (Value(Table(rows, node)),)

    def _inner(self, node: ast.Await, scope: Scope, order: int) -> Iterable[Value]:
        return self.values(node.value, scope, order)

    def _assigned(self, node: ast.NamedExpr, scope: Scope, order: int) -> Iterable[Value]:
        return self.values(node.value, scope, order)

    def _called(self, node: ast.Call, scope: Scope, order: int) -> Iterable[Value]:
        return call_values(self, node, scope, order)

    def join_paths(self, nodes: Iterable[ast.expr], scope: Scope, order: int) -> Iterator[Value]:
        """The expressions joined as os.path.join does."""
        return join(join_path, map(texts_of, self.operands(nodes, scope, order)))

    def _formatted(self, node: ast.JoinedStr, scope: Scope, order: int) -> Iterator[Value]:
        sides: list[Texts] = []
        for part in node.values:
            if isinstance(part, ast.FormattedValue):
                plain = part.format_spec is None
                sides.append(self.texts(part.value, scope, order) if plain else ((HOLE, True),))
            else:
                sides.append(((text_of(part) or "", True),))
        return concatenate(sides)

    def _operation(self, node: ast.BinOp, scope: Scope, order: int) -> Iterable[Value]:
        nodes = [node.left, node.right]
        if isinstance(node.op, ast.Div):
            return self.join_paths(nodes, scope, order)
        if isinstance(node.op, ast.Add):
            sides = [self.values(one, scope, order) for one in nodes]
            if any(isinstance(one.content, tuple) for one in sides[0]):
                return _join_lists(*sides)
            numbers = [side[0].content for side in sides if side and isinstance(side[0].content, int)]
            if len(numbers) == len(sides):
                return (Value(sum(numbers)),)
            return concatenate(map(texts_of, sides))
        return self._percent(node, scope, order) if isinstance(node.op, ast.Mod) else ()

    def _percent(self, node: ast.BinOp, scope: Scope, order: int) -> Iterator[Value]:
        right = self.values(node.right, scope, order)
        content = right[0].content if right else None
        given = Arguments(content if isinstance(content, tuple) else (right,))
        if isinstance(content, Table):
            given = Arguments((), content.rows)
        for one in self.values(node.left, scope, order):
            if isinstance(one.content, str):
                yield from given.fill(split_percent(one.content), certain=one.certain)

    def _subscript(self, node: ast.Subscript, scope: Scope, order: int) -> Iterable[Value]:
        if isinstance(node.slice, ast.Slice):
            return self._sliced(node.value, node.slice, scope, order)
        keys = self.values(node.slice, scope, order)
        key = keys[0].content if keys else None
        owner = self.reference(node.value, scope, order)
        if owner is not None and owner.name == "os.environ" and isinstance(key, str):
            return self.application.variable(key)
        if owner is not None and owner.name in _OF_SCRIPT and key == 0:
            return (Value(_OF_SCRIPT[owner.name](scope.module.path), False),)
        if isinstance(node.value, ast.Attribute) and node.value.attr == "parents" and isinstance(key, int):
            return self._above(node.value.value, key + 1, scope, order)
        found = self._item(node.value, key, scope, order)
        if isinstance(key, str | int):
            found = self._with_set(found, node.value, str(key), scope, order)
        if not found or key is None:
            others = self._with_set((), node.value, items_name(node.value), scope, order)
            # What stands at any key may be no path at all.
            found = (*found, *(one for one in others if "/" in str(one.content)))
        return found or (self.application.key(key, self) if isinstance(key, str) else ())

    def _item(self, node: ast.expr, key: object, scope: Scope, order: int) -> Values:
        """The values at a key or number of a dictionary, a list, or a text that something parsed."""
        for one in self.values(node, scope, order):
            if (table := table_of(one)) is not None and (found := table.at(key)):
                return found
            if (
                isinstance(one.content, tuple)
                and isinstance(key, int)
                and -len(one.content) <= key < len(one.content)
            ):
                return one.content[key]
        return ()

    def _sliced(self, node: ast.expr, part: ast.Slice, scope: Scope, order: int) -> Iterator[Value]:
        """The part of a list or text between two numbers."""
        ends = [self.values(one, scope, order)[:1] for one in (part.lower, part.upper) if one is not None]
        numbers = [one.content for found in ends for one in found if isinstance(one.content, int)]
        if len(numbers) < len(ends) or part.step is not None:
            return
        lower = numbers.pop(0) if part.lower is not None else None
        upper = numbers.pop(0) if part.upper is not None else None
        for one in self.values(node, scope, order):
            if isinstance(one.content, tuple) or (isinstance(one.content, str) and HOLE not in one.content):
                yield Value(one.content[lower:upper], one.certain)

    def _above(self, node: ast.expr, levels: int, scope: Scope, order: int) -> Iterator[Value]:
        """The directory that many levels above a path; 0 and below count from the root."""
        for text, certain in self.texts(node, scope, order):
            for _ in range(levels if levels > 0 else text.rstrip("/").count("/") + levels):
                text = parent_of(text)  # noqa: PLW2901
            yield Value(text, certain)

    def name(self, name: str, scope: Scope, order: int = END) -> Values:
        """The possible values of a name in a scope, searched outwards as Python does."""
        if name == "__file__":
            return (Value(scope.module.path),)
        inner: Scope | None = scope
        while inner is not None and inner.kind != "module":
            found = inner.bindings.get(name) if inner is scope or inner.kind == "function" else None
            if found:
                return self._in_force(scope, found, order if inner is scope else END)
            inner = inner.parent
        own = scope.part.top.bindings.get(name, ())
        if (
            name in scope.module.imports
            and name not in scope.module.bound
            and all(one.imported for one in own)
        ):
            return self.application.value_of(scope.module.imports[name], self)
        return self.application.global_value(scope, name, order, self)

    def _in_force(self, scope: Scope, bindings: Sequence[Binding], order: int) -> Values:
        """The possible values of a name at a position.

        A branch that may be skipped keeps the earlier ones.
        """
        found, _ = scope.part.reaching(bindings, order)
        alone = len({id(one.value or one) for one in bindings}) == 1
        return self.bound_by(found or bindings[:1], is_sure=alone)

    def bound_by(self, bindings: Sequence[Binding], *, is_sure: bool) -> Values:
        """The values of a name with these bindings, certain if `is_sure`."""
        values = dict.fromkeys(value for one in bindings for value in self.bound(one))
        return tuple(values) if is_sure else tuple(Value(one.content, False) for one in values)

    def bound(self, binding: Binding) -> Values:
        """The possible values of a binding."""
        if binding.parameter >= 0:
            return self.application.argument(binding, self)
        if binding.imported:
            return self.application.value_of(binding.imported, self)
        if binding.value is None:
            return ()
        # What a name is bound to is evaluated before it: `path = path + "/x"`.
        values = self.values(binding.value, binding.scope, binding.order - 1)
        if binding.each:
            values = tuple(value for one in values for item in items_of(one.content) for value in item)
            values += self._added(binding.value, binding.scope, binding.order - 1)
        if binding.index >= 0:
            parts = [one.content for one in values if isinstance(one.content, tuple)]
            return tuple(v for part in parts if binding.index < len(part) for v in part[binding.index])
        return values

    def _attribute(self, node: ast.Attribute, scope: Scope, order: int) -> Iterable[Value]:
        found = tuple(self._defined(node, scope, order))
        return self._with_set(found, node.value, node.attr, scope, order)

    def _with_set(self, found: Values, owner: ast.expr, key: str, scope: Scope, order: int) -> Values:
        if not self.application.set_elsewhere(key):
            return found
        return self.with_set(found, key, self._objects(owner, scope, order))

    def with_set(self, found: Values, key: str, owner: Objects) -> Values:
        """The values of an attribute or key, with those that statements anywhere in the modules set."""
        bindings = (one for one in self.application.set_elsewhere(key) if owner.may_be(self._owner(one)))
        values = [value for one in bindings for value in self.bound(one)]
        known = {one.content for one in found}
        if known.issuperset(one.content for one in values):
            return found
        return tuple(Value(one.content, False) for one in (*found, *values))

    def _added(self, node: ast.expr, scope: Scope, order: int) -> Values:
        """The items that statements add to, or set in, the list or dictionary that an expression iterates."""
        pairs = False
        match node:
            case ast.Call(func=ast.Attribute(value=listed, attr="values" | "items" as method), args=[]):
                node, pairs = listed, method == "items"
        found = self._with_set((), node, items_name(node), scope, order)
        return tuple(Value(((), (one,)), False) for one in found) if pairs else found

    def _owner(self, binding: Binding) -> Objects:
        """The objects of which a binding sets an attribute or key."""
        if id(binding) not in self._owners:
            assert binding.owner is not None
            steps = self._steps
            self._owners[id(binding)] = self._objects(binding.owner, binding.scope, binding.order)
            self._steps = steps
        return self._owners[id(binding)]

    def _objects(self, node: ast.expr, scope: Scope, order: int) -> Objects:
        """The objects that an expression may be; its text stands for them if they are not known."""
        own = scope.enclosing_class() if is_own(node) else None
        if own is not None:
            return self._instances(own)
        found = Objects(frozenset(), frozenset())
        for one in self.values(node, scope, order):
            match one.content:
                case Reference(local=Scope(kind="class") as local):
                    found = found.joined(self._instances(local))
                case Reference(name=name) if name not in _CONSTANTS:
                    found = found.joined(Objects.of(name))
                case Table(origin=ast.expr() as origin):
                    found = found.joined(Objects.of(id(origin)))
        return found if found.own else Objects.of((scope.module.path, ast.unparse(node)))

    def _instances(self, local: Scope, depth: int = 0) -> Objects:
        """A class and its instances."""
        found = Objects.of((local.module.path, local.path))
        for base in local.bases if depth < MAX_BASES else ():
            reference = self.reference(base, local)
            if reference is not None and reference.local is not None and reference.local is not local:
                found = found.joined(Objects(frozenset(), self._instances(reference.local, depth + 1).all))
        return found

    def _defined(self, node: ast.Attribute, scope: Scope, order: int) -> Iterable[Value]:
        """The values that a module, a class or an option gives to an attribute."""
        name = node.attr
        if is_own(node.value):
            owner = scope.enclosing_class()
            if owner is not None and (found := self.application.member_of_self(owner, name, self)):
                return self._got(found)
        reference = self.reference(node.value, scope, order)
        if reference is not None and reference.made and reference.local is None:
            found = self.application.option(scope.module, name, self)
            if found:
                return found
        if reference is not None:
            found = self.application.attribute(reference, name, self)
            if found:
                return self._got(found)
        derived = self._derived(node, scope, order) or self.application.option(scope.module, name, self)
        return derived or self._configured(node)

    def _derived(self, node: ast.Attribute, scope: Scope, order: int) -> Values:
        """What an attribute of a path, of Flask's application or of a member of an Enum holds."""
        name = node.attr
        if name == "parent":
            return tuple(self._above(node.value, 1, scope, order))
        if name in ("instance_path", "root_path"):
            ending = "instance" if name == "instance_path" else ""
            return (Value(posixpath.join(self.application.workdir, ending).rstrip("/"), False),)
        if found := self._item(node.value, name, scope, order):
            return found
        known = self.values(node.value, scope, order) if name in (*_OF_VALUES, *_OF_ROOT, "parts") else ()
        if name in _OF_ROOT:
            return tuple(Value("/", one.certain) for one in known if isinstance(one.content, str))
        if name == "parts":
            paths = (one.content for one in known if isinstance(one.content, str))
            return tuple(Value(tuple((Value(part),) for part in PurePosixPath(one).parts)) for one in paths)
        if name == "value":
            return tuple(one for one in known if isinstance(one.content, str | int))
        return (Value(HOLE),) if known else ()

    def _got(self, found: Values) -> Iterator[Value]:
        """The values of an attribute; a property has those that its function returns."""
        for one in found:
            inner = one.content.local if isinstance(one.content, Reference) else None
            if inner is not None and inner.is_property:
                values = [value for node in inner.returns for value in self.values(node, inner)]
                yield from (Value(value.content, value.certain and one.certain) for value in values)
            else:
                yield one

    def _configured(self, node: ast.Attribute) -> Values:
        """The value of `config.paths.root`, whatever library makes attributes of a file's keys."""
        owner: ast.expr = node.value
        while isinstance(owner, ast.Attribute):
            owner = owner.value
        is_configuration = isinstance(owner, ast.Name) and _CONFIGURATION.fullmatch(owner.id)
        return self.application.settings_files.key(node.attr) if is_configuration else ()

    def reference(self, node: ast.expr, scope: Scope, order: int = END) -> Reference | None:
        """The dotted name that an expression refers to, None if it is not a name."""
        return next(iter(self.references(node, scope, order)), None)

    def references(self, node: ast.expr, scope: Scope, order: int = END) -> list[Reference]:
        """The dotted names that an expression may refer to."""
        found = [one.content for one in self.values(node, scope, order)]
        return [one for one in found if isinstance(one, Reference) and one.name not in _CONSTANTS]


_HANDLERS: Final[Mapping[type[ast.expr], Callable[[ConstantEvaluator, Any, Scope, int], Iterable[Value]]]] = {
    ast.Constant: ConstantEvaluator._constant,
    ast.JoinedStr: ConstantEvaluator._formatted,
    ast.Name: ConstantEvaluator._named,
    ast.Attribute: ConstantEvaluator._attribute,
    ast.BinOp: ConstantEvaluator._operation,
    ast.IfExp: ConstantEvaluator._either,
    ast.BoolOp: ConstantEvaluator._first_known,
    ast.Tuple: ConstantEvaluator._items,
    ast.List: ConstantEvaluator._items,
    ast.Set: ConstantEvaluator._items,
    ast.ListComp: ConstantEvaluator._comprehended,
    ast.SetComp: ConstantEvaluator._comprehended,
    ast.GeneratorExp: ConstantEvaluator._comprehended,
    ast.UnaryOp: ConstantEvaluator._signed,
    ast.Dict: ConstantEvaluator._table,
    ast.Subscript: ConstantEvaluator._subscript,
    ast.Await: ConstantEvaluator._inner,
    ast.NamedExpr: ConstantEvaluator._assigned,
    ast.Call: ConstantEvaluator._called,
}


def _is_false(content: object) -> bool:
    """Whether a value is one that `or` passes over."""
    return content in ("", 0, ()) or (isinstance(content, Reference) and content.name in ("None", "False"))


def _join_lists(left: Values, right: Values) -> Iterator[Value]:
    """The lists joined; one item of unknown value stands for a list that is not known."""
    added = [one.content for one in right if isinstance(one.content, tuple)]
    for one in left:
        if isinstance(one.content, tuple):
            yield Value((*one.content, *(added[0] if added else ((),))), one.certain)
