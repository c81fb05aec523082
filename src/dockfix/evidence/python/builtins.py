"""The results of known calls: paths, environment, strings, and functions of the application."""

from __future__ import annotations

import ast
import posixpath
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from dockfix.evidence.python.calls import argument_of, called_name, positional
from dockfix.evidence.python.constants import HOLE, Reference, Value, join_path, parent_of
from dockfix.knowledge import read_names

if TYPE_CHECKING:
    from dockfix.evidence.python.application import Evaluator
    from dockfix.evidence.python.scopes import Scope


def _names(kind: str) -> frozenset[str]:
    return read_names("python", "values", kind)


def call_values(evaluator: Evaluator, call: ast.Call, scope: Scope, order: int) -> Iterable[Value]:
    """The possible results of a call."""
    reference = evaluator.reference(call.func, scope, order)
    if reference is not None and (known := _known(evaluator, reference, call, scope, order)) is not None:
        return known
    if isinstance(call.func, ast.Attribute):
        found = _method(evaluator, call.func, call, scope, order)
        if found is not None:
            return found
    if reference is None:
        return _settings_call(evaluator, call, scope, order)
    if reference.local is not None and reference.local.kind == "function":
        inner = reference.local
        values = [one for node in inner.returns for one in evaluator.values(node, inner)]
        return (Value(one.content, one.certain and len(inner.returns) == 1) for one in values)
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
        return evaluator.join_paths(nodes, scope, order) if nodes else (Value("."),)
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
    change = _path_function(name, evaluator.application.workdir)
    if change is None:
        return None
    return (Value(change(text), certain) for text, certain in evaluator.texts(nodes[0], scope, order))


def _path_function(name: str, workdir: str) -> Callable[[str], str] | None:
    """The effect of a function of os.path on a string, None for other functions."""
    match name:
        case "os.path.abspath" | "os.path.realpath":
            return lambda text: text if HOLE in text else join_path(workdir, text)
        case "os.path.dirname":
            return parent_of
        case "os.path.expanduser" | "os.path.normpath":
            return str
        case "os.path.basename" | "os.path.relpath":
            return lambda _: HOLE
    return None


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
    nodes = positional(call)
    if name == "joinpath":
        return evaluator.join_paths([func.value, *nodes], scope, order)
    if name == "get" and nodes and not _is_name_of_environment(evaluator, func, scope, order):
        return _looked_up(evaluator, call, scope, order)
    owner = evaluator.values(func.value, scope, order)
    if not any(isinstance(one.content, str) for one in owner):
        return None
    texts = evaluator.texts(func.value, scope, order)
    if name in _names("same_methods"):
        return (Value(_stripped(text, name), certain) for text, certain in texts)
    if name == "format":
        return (Value(_formatted(text), certain) for text, certain in texts)
    if name in ("with_suffix", "with_name", "with_stem"):
        return (Value(posixpath.join(parent_of(text), HOLE), certain) for text, certain in texts)
    if name == "replace" and len(nodes) == 2:
        old, new = (evaluator.texts(node, scope, order)[0][0] for node in nodes)
        return (Value(text.replace(old, new), certain) for text, certain in texts)
    return (Value(HOLE),)


def _stripped(text: str, name: str) -> str:
    return text.rstrip("/ \n") or "/" if name == "rstrip" else text


def _formatted(text: str) -> str:
    out, at = "", 0
    while (start := text.find("{", at)) >= 0:
        end = text.find("}", start)
        if end < 0:
            break
        out += text[at:start] + HOLE
        at = end + 1
    return out + text[at:]


def _is_name_of_environment(evaluator: Evaluator, func: ast.Attribute, scope: Scope, order: int) -> bool:
    reference = evaluator.reference(func.value, scope, order)
    return reference is not None and reference.name == "os.environ"


def _option(evaluator: Evaluator, call: ast.Call, scope: Scope, order: int) -> Iterable[Value]:
    """The second argument of `x.get("SECTION", "KEY")`, unless it is a path itself."""
    second = argument_of(call, 1)
    found = evaluator.values(second, scope, order) if second is not None else ()
    return [one for one in found if isinstance(one.content, str) and one.content.isidentifier()]


def _looked_up(evaluator: Evaluator, call: ast.Call, scope: Scope, order: int) -> Iterable[Value] | None:
    """The value of `x.get("KEY", default)` on a configuration that the application fills."""
    # The first argument of a configparser's `get` is the section.
    keys = (*evaluator.values(call.args[0], scope, order), *_option(evaluator, call, scope, order))
    for one in keys:
        if isinstance(one.content, str) and (found := evaluator.application.key(one.content, evaluator)):
            return found
    default = argument_of(call, 1, "default")
    found = evaluator.values(default, scope, order) if default is not None else ()
    return [Value(one.content, False) for one in found] or None
