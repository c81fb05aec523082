"""The results of known calls: paths, environment, strings, and functions of the application."""

from __future__ import annotations

import ast
import itertools
import posixpath
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Final

from dockfix.evidence.python.calls import argument_of, called_name, positional
from dockfix.evidence.python.constants import (
    HOLE,
    Reference,
    Table,
    Texts,
    Value,
    Values,
    concatenate,
    items_of,
    join_path,
    parent_of,
    texts_of,
)
from dockfix.evidence.python.strings import Arguments, apply_method, split_format, split_template
from dockfix.evidence.python.structures import is_parser, parse_text, table_of
from dockfix.knowledge import read_names

if TYPE_CHECKING:
    from dockfix.evidence.python.application import Application, Evaluator
    from dockfix.evidence.python.scopes import Scope

_VARIABLE: Final = re.compile(r"\$(?:(\w+)|\{(\w+)\})")
_OF_LISTS: Final = ("chr", "enumerate", "vars", "zip")
_FORMATS: Final = {
    "format": split_format,
    "format_map": split_format,
    "substitute": split_template,
    "safe_substitute": split_template,
}
"""How the methods of strings, and of `string.Template`, read their formats."""


def _names(kind: str) -> frozenset[str]:
    return read_names("python", "values", kind)


def call_values(evaluator: Evaluator, call: ast.Call, scope: Scope, order: int) -> Iterable[Value]:
    """The possible results of a call."""
    references = evaluator.references(call.func, scope, order)
    reference = references[0] if references else None
    if reference is not None and (known := _known(evaluator, reference, call, scope, order)) is not None:
        return known
    if isinstance(call.func, ast.Attribute):
        found = _method(evaluator, call.func, call, scope, order)
        if found is not None:
            return found
    if reference is None:
        return _settings_call(evaluator, call, scope, order)
    functions = [one.local for one in references if one.local is not None and one.local.kind == "function"]
    if functions:
        returns = [(node, inner) for inner in functions for node in inner.returns]
        values = [one for node, inner in returns for one in evaluator.values(node, inner)]
        is_sure = len(functions) == 1 and len(returns) == 1
        return (Value(one.content, one.certain and is_sure) for one in values)
    return (Value(Reference(reference.name, made=True, local=reference.local)),)


def _known(
    evaluator: Evaluator, reference: Reference, call: ast.Call, scope: Scope, order: int
) -> Iterable[Value] | None:
    name = reference.name
    nodes = positional(call)
    fixed = {
        "pathlib.Path.home": "~",
        "pathlib.Path.cwd": evaluator.application.workdir,
        "os.getcwd": evaluator.application.workdir,
        "tempfile.gettempdir": "/tmp",
    }
    if name in fixed:
        return (Value(fixed[name]),)
    if name in _names("paths"):
        return evaluator.join_paths(call.args, scope, order) if call.args else (Value("."),)
    if name in _names("tables"):
        return (Value(Table(_keywords(evaluator, call, scope, order), call)),)
    if name == "getattr" and len(nodes) > 1:
        return _attribute(evaluator, nodes, scope, order)
    if name in _names("environment"):
        return _environment(evaluator, call, scope, order)
    if name in _names("defaults"):
        default = argument_of(call, 0, "default")
        made = argument_of(call, 99, "default_factory")
        default = made.body if default is None and isinstance(made, ast.Lambda) else default
        return evaluator.values(default, scope, order) if default is not None else ()
    if name.startswith("tempfile.") and name.removeprefix("tempfile.") in _names("temporary"):
        return _temporary(evaluator, name, call, scope, order)
    return _applied(evaluator, name, nodes, scope, order) if nodes else None


def _temporary(evaluator: Evaluator, name: str, call: ast.Call, scope: Scope, order: int) -> Iterable[Value]:
    """The new path that a function of tempfile creates."""
    place = argument_of(call, 9, "dir")
    below = evaluator.texts(place, scope, order) if place is not None else (("/tmp", True),)
    made = tuple(Value(join_path(text, HOLE), certain) for text, certain in below)
    return (Value(((), made)),) if name.endswith("mkstemp") else made


def _applied(
    evaluator: Evaluator, name: str, nodes: Sequence[ast.expr], scope: Scope, order: int
) -> Iterable[Value] | None:
    """The result of a function with a known effect on its argument, None for other functions."""
    if name in _names("same"):
        return evaluator.values(nodes[-1] if name == "typing.cast" else nodes[0], scope, order)
    if name in _names("lists") or name in _OF_LISTS:
        return _listing(name, [evaluator.values(node, scope, order) for node in nodes])
    if is_parser(name):
        texts = evaluator.texts(nodes[0], scope, order)
        parsed = (parse_text(name, text, certain=certain) for text, certain in texts)
        return [one for one in parsed if one is not None] or None
    if name == "os.path.split":
        texts = evaluator.texts(nodes[0], scope, order)
        return (
            Value(((Value(parent_of(one), sure),), (Value(_base(one), sure),)), sure) for one, sure in texts
        )
    change = _path_function(name, evaluator.application)
    if change is None:
        return None
    return (Value(change(text), certain) for text, certain in evaluator.texts(nodes[0], scope, order))


def _listing(name: str, given: Sequence[Values]) -> Iterable[Value]:
    """What a function makes of lists, a table or a character's number; the numbers of items are unknown."""
    first = given[0]
    if name == "vars":
        return (one for one in first if isinstance(one.content, Table))
    if name == "chr":
        numbers = (one.content for one in first if isinstance(one.content, int))
        return [Value(chr(one)) for one in numbers if 0 < one < 256]
    # The characters of a string are not followed.
    lists = [
        [
            Value(tuple(items_of(one.content)), one.certain)
            for one in values
            if not isinstance(one.content, str)
        ]
        for values in given
    ]
    if name == "reversed":
        return [Value(tuple(reversed(list(items_of(one.content)))), one.certain) for one in lists[0]]
    if name not in _OF_LISTS:
        return lists[0]
    items = [found[0].content if found else () for found in lists]
    rows = zip(*map(items_of, items), strict=False)
    if name == "enumerate":
        rows = zip(itertools.repeat(()), items_of(items[0]), strict=False)
    return (Value(tuple((Value(tuple(row)),) for row in rows)),)


def _base(path: str) -> str:
    return HOLE if HOLE in path else posixpath.basename(path)


def _attribute(evaluator: Evaluator, nodes: Sequence[ast.expr], scope: Scope, order: int) -> Iterable[Value]:
    """The value of `getattr(OWNER, NAME, DEFAULT)`."""
    names = [one.content for one in evaluator.values(nodes[1], scope, order)]
    known = [one for one in names if isinstance(one, str)]
    found = [one for name in known for one in evaluator.values(ast.Attribute(nodes[0], name), scope, order)]
    default = evaluator.values(nodes[2], scope, order) if len(nodes) > 2 and not found else ()
    return (Value(one.content, False) for one in (*found, *default))


def _keywords(evaluator: Evaluator, call: ast.Call, scope: Scope, order: int) -> dict[str, Values]:
    """The values of a call's arguments by name, with those of a dictionary given whole or as `**NAME`."""
    found: dict[str, Values] = {}
    whole = [ast.keyword(None, one) for one in positional(call)]
    for keyword in (*whole, *call.keywords):
        values = evaluator.values(keyword.value, scope, order)
        if keyword.arg is not None:
            found[keyword.arg] = values
        else:
            tables = (table for one in values if (table := table_of(one)) is not None)
            found.update((key, value) for table in tables for key, value in table.rows.items())
    return found


def _path_function(name: str, application: Application) -> Callable[[str], str] | None:
    """The effect of a function of os.path on a string, None for other functions."""
    match name:
        case "os.path.abspath" | "os.path.realpath":
            return lambda text: text if HOLE in text else join_path(application.workdir, text)
        case "os.path.expandvars":
            return lambda text: _VARIABLE.sub(lambda one: _variable(application, one[1] or one[2]), text)
        case "os.path.dirname":
            return parent_of
        case "os.path.expanduser" | "os.path.normpath":
            return str
        case "os.path.basename":
            return _base
        case "os.path.relpath":
            return lambda _: HOLE
    return None


def _variable(application: Application, name: str) -> str:
    found = application.variable(name)
    return str(found[0].content) if found else HOLE


def _environment(evaluator: Evaluator, call: ast.Call, scope: Scope, order: int) -> Iterable[Value]:
    """The values of an environment variable, with the default unless one is certain to be set.

    An empty default only says that the variable is not set: no path starts with it.
    """
    key = argument_of(call, 0, "var")
    names = evaluator.values(key, scope, order) if key is not None else ()
    keys = [one.content for one in names if isinstance(one.content, str)]
    found = next(filter(None, map(evaluator.application.variable, keys)), ())
    if any(one.certain for one in found):
        return found
    default = argument_of(call, 1, "default")
    otherwise = evaluator.values(default, scope, order) if default is not None else ()
    return (*(one for one in otherwise if one.content != ""), *found)


def _settings_call(evaluator: Evaluator, call: ast.Call, scope: Scope, order: int) -> Iterable[Value]:
    """The value of calls such as `env("NAME", default=...)`, whatever library they come from."""
    name = called_name(call)
    if name.lower().startswith(("env", "config", "getenv", "get_env")):
        return _environment(evaluator, call, scope, order)
    return ()


def _method(
    evaluator: Evaluator, func: ast.Attribute, call: ast.Call, scope: Scope, order: int
) -> Iterable[Value] | None:
    name = func.attr
    if name == "joinpath":
        return evaluator.join_paths([func.value, *call.args], scope, order)
    if name == "get" and positional(call) and not _is_name_of_environment(evaluator, func, scope, order):
        return _looked_up(evaluator, func, call, scope, order)
    owner = evaluator.values(func.value, scope, order)
    tables = [one.content for one in owner if isinstance(one.content, Table)]
    if tables and name in ("items", "values", "keys"):
        return (Value(_listed(tables[0], name)),)
    if not any(isinstance(one.content, str) for one in owner):
        return None
    given = evaluator.operands(call.args, scope, order)
    texts = evaluator.texts(func.value, scope, order)
    if (split := _FORMATS.get(name)) is not None:
        arguments = Arguments(given, _keywords(evaluator, call, scope, order))
        return (one for text, sure in texts for one in arguments.fill(split(text), certain=sure))
    if name == "join" and given:
        return _joined(texts, given[0])
    return _applied_method(name, texts, given)


def _listed(table: Table, name: str) -> tuple[Values, ...]:
    """What `items`, `values` or `keys` of a dictionary list."""
    if name == "values":
        return tuple(table.rows.values())
    keys = tuple(items_of(table))
    pairs = zip(keys, table.rows.values(), strict=True)
    return keys if name == "keys" else tuple((Value(pair),) for pair in pairs)


def _joined(separators: Texts, lists: Values) -> Iterator[Value]:
    """The items of lists, joined by a separator."""
    known = [one.content for one in lists if isinstance(one.content, tuple)]
    for items in known:
        sides = [side for one in items for side in (separators, texts_of(one))]
        yield from concatenate(sides[1:])
    if not known:
        yield Value(HOLE)


def _applied_method(name: str, texts: Texts, given: Sequence[Values]) -> Iterator[Value]:
    """The results of a method of texts; an unknown argument makes them unknown."""
    known = [one[0] for one in given if one and isinstance(one[0].content, str | int)]
    for text, certain in texts if len(known) == len(given) else ():
        made = apply_method(text, name, [one.content for one in known if isinstance(one.content, str | int)])
        sure = certain and all(one.certain for one in known)
        yield Value(made if isinstance(made, str) else tuple((Value(one, sure),) for one in made), sure)
    if len(known) < len(given):
        yield Value(HOLE)


def _is_name_of_environment(evaluator: Evaluator, func: ast.Attribute, scope: Scope, order: int) -> bool:
    reference = evaluator.reference(func.value, scope, order)
    return reference is not None and reference.name == "os.environ"


def _option(evaluator: Evaluator, call: ast.Call, scope: Scope, order: int) -> Iterable[Value]:
    """The second argument of `x.get("SECTION", "KEY")`, unless it is a path itself."""
    second = argument_of(call, 1)
    found = evaluator.values(second, scope, order) if second is not None else ()
    return [one for one in found if isinstance(one.content, str) and one.content.isidentifier()]


def _looked_up(
    evaluator: Evaluator, func: ast.Attribute, call: ast.Call, scope: Scope, order: int
) -> Iterable[Value] | None:
    """The value of `x.get("KEY", default)` on a dictionary, or a configuration that the application fills."""
    item = ast.Subscript(func.value, call.args[0])
    if found := evaluator.values(item, scope, order):
        return found
    # The first argument of a configparser's `get` is the section.
    keys = (*evaluator.values(call.args[0], scope, order), *_option(evaluator, call, scope, order))
    for one in keys:
        if isinstance(one.content, str) and (found := evaluator.application.key(one.content, evaluator)):
            return found
    default = argument_of(call, 1, "default")
    found = evaluator.values(default, scope, order) if default is not None else ()
    return [Value(one.content, False) for one in found] or None
