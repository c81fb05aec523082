"""The application's modules in the image, located and parsed on demand."""

from __future__ import annotations

import ast
import builtins as _python
import itertools
import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import lru_cache
from typing import Final, Protocol

from dockfix.evidence.image_files import Layout
from dockfix.evidence.python.assigned import find_assigned
from dockfix.evidence.python.calls import argument_of, name_of, text_of
from dockfix.evidence.python.catalogue import find_offsets
from dockfix.evidence.python.constants import MAX_ALTERNATIVES, Objects, Reference, Value, Values
from dockfix.evidence.python.handed import find_handed, handed_call
from dockfix.evidence.python.modules import Module, Statement
from dockfix.evidence.python.scopes import Binding, Part, Scope, Site, is_own, parse_statement
from dockfix.evidence.python.settings import SettingsFiles
from dockfix.knowledge import read_table

END: Final = 1 << 30
"""A position behind all statements."""
_BUILTINS: Final = frozenset(dir(_python))
_MAX_SITES: Final = MAX_ALTERNATIVES + 1
_MAX_SET: Final = 48
MAX_BASES: Final = 4
_FIELD: Final = re.compile(r"^[ \t]+(\w+)[ \t]*:", re.MULTILINE)
"""A field of a class, as it is annotated."""
_FIELD_NAMES: Final = ("env", "validation_alias", "alias")
MAX_PARSED: Final = 600_000
"""The maximum number of characters of an application that are parsed."""


class Evaluator(Protocol):
    """Evaluates expressions; breaks the import cycle between the application and its evaluator."""

    application: Application

    def values(self, node: ast.expr, scope: Scope, order: int = END) -> Values:
        """The possible values of an expression, none if it is unknown."""

    def texts(self, node: ast.expr, scope: Scope, order: int = END) -> tuple[tuple[str, bool], ...]:
        """(string, certain) for each possible value; an unknown part is a HOLE."""

    def reference(self, node: ast.expr, scope: Scope, order: int = END) -> Reference | None:
        """The dotted name that an expression refers to, None if it is not a name."""

    def references(self, node: ast.expr, scope: Scope, order: int = END) -> list[Reference]:
        """The dotted names that an expression may refer to."""

    def operands(self, nodes: Iterable[ast.expr], scope: Scope, order: int) -> list[Values]:
        """The values of each expression; `*NAME` stands for those of the items."""

    def join_paths(self, nodes: Iterable[ast.expr], scope: Scope, order: int) -> Iterator[Value]:
        """The expressions joined as os.path.join does."""

    def bound_by(self, bindings: Sequence[Binding], *, is_sure: bool) -> Values:
        """The values of a name with these bindings, certain if `is_sure`."""

    def bound(self, binding: Binding) -> Values:
        """The possible values of a binding."""

    def passed(self, site: Site, index: int, keyword: str) -> Values | None:
        """What a call passes for a parameter, also in `*LIST` or `**TABLE`, None if it passes nothing."""

    def with_set(self, found: Values, key: str, owner: Objects) -> Values:
        """The values of an attribute or key, with those that statements anywhere in the modules set."""


class Application:
    """Modules by dotted name; `roots` are the directories of Python's search path."""

    def __init__(self, layout: Layout, roots: Sequence[str], environment: Mapping[str, Values]) -> None:
        self.layout = layout
        self.roots = tuple(dict.fromkeys(roots))
        self.environment = environment
        self.settings_files = SettingsFiles(layout)
        self.workdir = layout.workdir
        self.settings = next((str(one.content) for one in self.variable("DJANGO_SETTINGS_MODULE")), "")
        self.modules: dict[str, Module] = {}
        self.is_cut = False
        self._missing: set[str] = set()
        self._tops: dict[str, tuple[str, ...]] = {}
        self._by_path: dict[str, Module] = {}
        self._parts: dict[tuple[str, int, tuple[int, ...]], Part | None] = {}
        self._read: dict[tuple[str, int, str], Part | None] = {}
        self._left = MAX_PARSED
        self._left_aside = MAX_PARSED // 4
        self._keys: dict[str, Values] = {}
        self._arguments: dict[int, tuple[Binding, Values]] = {}
        self._called: dict[str, list[Site]] = {}
        self._set: dict[str, tuple[Binding, ...]] = {}
        self._heirs: dict[tuple[str, str], tuple[Scope, ...]] = {}
        self._globals: dict[tuple[str, str, int], Values] = {}

    # Modules

    def search(self, roots: Iterable[str]) -> None:
        """Search modules in further directories too."""
        known = tuple(dict.fromkeys((*self.roots, *roots)))
        if known != self.roots:
            self.roots = known
            self._missing.clear()
            self._tops.clear()

    def module(self, name: str) -> Module | None:
        """The application's module with that dotted name, None if the application has none."""
        if name in self.modules:
            return self.modules[name]
        if not name or name in self._missing:
            return None
        tail = name.replace(".", "/")
        for root in self._roots_of(name.partition(".")[0]):
            for path, is_package in ((f"{tail}.py", False), (f"{tail}/__init__.py", True)):
                if found := self.load(posixpath.join(root, path), name, is_package=is_package):
                    return found
        self._missing.add(name)
        return None

    def _roots_of(self, top: str) -> tuple[str, ...]:
        """The roots that may contain a package or module of that name."""
        if top not in self._tops:
            self._tops[top] = tuple(root for root in self.roots if self.layout.may_have(root, top))
        return self._tops[top]

    def load(self, path: str, name: str = "", *, is_package: bool = False) -> Module | None:
        """The module at a path of the image, None if the build context has none."""
        path = posixpath.normpath(path)
        if path in self._by_path:
            return self._by_path[path]
        file = self.layout.source_of(path)
        text = self.layout.reader(file) if file is not None else None
        if file is None or text is None or "\0" in text:
            return None
        module = Module(name or posixpath.basename(path).removesuffix(".py"), path, file, text, is_package)
        self._by_path[path] = module
        self.modules.setdefault(module.name, module)
        return module

    def add(self, text: str, path: str, file: str, line: int) -> Module:
        """The module of code that stands in no file of its own, but on a line of `file`."""
        module = Module(posixpath.basename(path), path, file, "\n" * (line - 1) + text)
        self._by_path[path] = module
        self.modules.setdefault(module.name, module)
        return module

    def split(self, name: str) -> tuple[Module, str] | None:
        """(module, rest of the name) of the application's module that contains a dotted name, or None."""
        parts = name.split(".")
        for length in range(len(parts), 0, -1):
            if found := self.module(".".join(parts[:length])):
                return found, ".".join(parts[length:])
        return None

    def part(self, module: Module, statement: Statement, asked: tuple[int, ...] = ()) -> Part | None:
        """A parsed statement of a module; None if it cannot be parsed, or the limit is reached.

        Long functions without catalogue entries and without one of the offsets `asked` are left out.
        """
        key = (module.path, statement.line, asked)
        if key not in self._parts:
            text = statement.without_idle(sorted((*find_offsets(module.source), *asked)))
            same = (module.path, statement.line, text)
            if same not in self._read:
                self._left -= len(text)
                if self._left < 0:
                    self.is_cut = True
                    return None
                self._read[same] = parse_statement(module, statement, text)
                self.is_cut = self.is_cut or self._read[same] is None
            self._parts[key] = self._read[same]
        return self._parts[key]

    def _parts_with(self, module: Module, name: str, evaluator: Evaluator) -> Iterator[Part]:
        """The parsed statements that may bind a global, and those that import it as well."""
        if name not in module.bound:
            return
        imported = {name, "*"} if any(self._origins(module, name, evaluator)) else {name}
        for statement in module.statements:
            is_bound = name in statement.names or not statement.imported.isdisjoint(imported)
            if is_bound and (part := self.part(module, statement)):
                yield part

    def _origins(self, module: Module, name: str, evaluator: Evaluator) -> Iterator[Module]:
        """The modules that bring a global by a star import."""
        for alias, target in module.imported:
            origin = self.module(target) if alias == "*" else None
            if origin not in (None, module) and self.global_of(origin, name, evaluator):
                yield origin

    def _bindings(self, part: Part, name: str, evaluator: Evaluator) -> list[Binding]:
        """The bindings of a global in a statement, with those by a star import."""
        stars = part.top.bindings.get("*", ())
        origins = set(self._origins(part.module, name, evaluator)) if stars else set()
        brought = (
            replace(one, imported=f"{one.imported}.{name}")
            for one in stars
            if self.module(one.imported) in origins
        )
        return sorted((*part.top.bindings.get(name, ()), *brought), key=lambda one: one.order)

    # Names

    def value_of(self, name: str, evaluator: Evaluator) -> Values:
        """The possible values of a dotted name: those that the application defines, else a reference."""
        split = self.split(name)
        if split is None:
            return (Value(read_table("python")["constants"].get(name) or Reference(name)),)
        module, rest = split
        if not rest:
            return (Value(Reference(name)),)
        first, _, more = rest.partition(".")
        found = self.global_of(module, first, evaluator)
        if not more:
            return found
        owners = [one.content for one in found if isinstance(one.content, Reference)]
        return self.attribute(owners[0], more, evaluator) if owners else ()

    def global_of(self, module: Module, name: str, evaluator: Evaluator, before: int = END) -> Values:
        """The values of a module's global after the last statement before line `before`."""
        key = (module.path, name, before)
        if key not in self._globals:
            self._globals[key] = ()
            found = self._global(module, name, evaluator, before)
            is_over = before == END and bool(found)
            self._globals[key] = (
                evaluator.with_set(found, name, Objects.of(module.name)) if is_over else found
            )
        return self._globals[key]

    def _global(self, module: Module, name: str, evaluator: Evaluator, before: int) -> Values:
        parts = list(self._parts_with(module, name, evaluator))
        earlier = [part for part in parts if part.statement.line <= before] or parts[:1]
        bindings: list[Binding] = []
        for part in reversed(earlier):
            if name in part.classes or name in part.functions:
                local = part.classes.get(name) or part.functions[name]
                bindings += self._bindings(part, name, evaluator)
                made = (Value(Reference(f"{module.name}.{name}", local=local)),)
                return (*evaluator.bound_by(bindings, is_sure=False), *made)
            reaching, is_bound = part.reaching(self._bindings(part, name, evaluator), END)
            bindings += reaching
            if is_bound:
                break
        if bindings:
            return evaluator.bound_by(bindings, is_sure=len(bindings) == 1 and len(parts) == 1)
        if name in module.imports and module.imports[name] != f"{module.name}.{name}":
            return self.value_of(module.imports[name], evaluator)
        origin = next(self._origins(module, name, evaluator), None)
        return self.global_of(origin, name, evaluator) if origin is not None else ()

    def global_value(self, scope: Scope, name: str, order: int, evaluator: Evaluator) -> Values:
        """The values of a global in `scope`: from its own statement, then those above it, then builtins."""
        part = scope.part
        if scope.kind != "module":
            return self._global_or_builtin(scope.module, name, evaluator, END)
        line = part.statement.line
        if name in part.classes or name in part.functions:
            return self._global_or_builtin(scope.module, name, evaluator, line)
        bindings = self._bindings(part, name, evaluator)
        own, is_bound = part.reaching(bindings, order)
        if not own:
            return self._global_or_builtin(scope.module, name, evaluator, line - 1)
        is_sure = (
            is_bound
            and len(bindings) == 1
            and len(list(self._parts_with(scope.module, name, evaluator))) <= 1
        )
        values = evaluator.bound_by(own, is_sure=is_sure)
        above = () if is_bound else self.global_of(scope.module, name, evaluator, line - 1)
        return tuple(dict.fromkeys((*values, *(Value(one.content, False) for one in above))))

    def _global_or_builtin(self, module: Module, name: str, evaluator: Evaluator, before: int) -> Values:
        found = self.global_of(module, name, evaluator, before)
        return found or ((Value(Reference(name)),) if name in _BUILTINS else ())

    def attribute(self, owner: Reference, name: str, evaluator: Evaluator) -> Values:
        """The values of an attribute of a module, class or instance, the application's or not."""
        if owner.local is not None and owner.local.kind == "class":
            return self.member(owner.local, name, evaluator)
        if owner.name == "django.conf.settings" or owner.name.endswith("django.conf.settings"):
            return self.value_of(f"{self.settings}.{name}", evaluator) if self.settings else ()
        if owner.local is not None:
            return ()
        found = self.value_of(f"{owner.name}.{name}", evaluator)
        return tuple(
            Value(Reference(one.content.name, owner.made, one.content.local))
            if isinstance(one.content, Reference) and owner.made else one
            for one in found
        )  # fmt: skip

    def member(self, owner: Scope, name: str, evaluator: Evaluator, depth: int = 0) -> Values:
        """The values of an attribute of a class, its instances and its base classes."""
        given = self._given(owner, name, evaluator) if depth == 0 else ()
        if any(one.certain for one in given):
            return given
        outside = (*self._nested(name), *self._passed_to_class(owner, name, evaluator)) if depth == 0 else ()
        return (*self._member(owner, name, evaluator, depth), *given, *outside)

    def _passed_to_class(self, owner: Scope, name: str, evaluator: Evaluator) -> Iterator[Value]:
        """The values that calls of a class without `__init__` pass for a field (dataclasses, NamedTuple)."""
        fields = _find_fields(owner.part.statement.text)
        if f"{owner.path}.__init__" in owner.part.functions or name not in fields:
            return
        for site in self._calls_of(owner.path.rpartition(".")[2]):
            if (node := site.argument(fields.index(name), name)) is not None:
                yield from evaluator.values(node, site.scope, site.order)

    def _nested(self, name: str) -> Values:
        """The values of variables for a field of what pydantic's settings may hold: `APP__DIR`.

        Source: pydantic-settings documentation, Parsing environment variable values.
        """
        ending = f"__{name}".upper()
        given = [values for variable, values in self.environment.items() if variable.upper().endswith(ending)]
        if not given or not any("env_nested_delimiter" in one.source for one in self.modules.values()):
            return ()
        return tuple(one for values in given for one in values)

    def _given(self, owner: Scope, name: str, evaluator: Evaluator) -> Values:
        """The values that variables give to a field of pydantic's settings.

        Source: pydantic-settings documentation, Environment variable names.
        """
        prefix = self._prefix(owner, evaluator)
        if prefix is None:
            return ()
        fields = [one.value for one in owner.bindings.get(name, ()) if isinstance(one.value, ast.Call)]
        named = (argument_of(call, 99, keyword) for call in fields for keyword in _FIELD_NAMES)
        names = [*filter(None, map(text_of, named)), f"{prefix}{name}"]
        return next(filter(None, (self.variable(one) or self.variable(one.upper()) for one in names)), ())

    def _prefix(self, owner: Scope, evaluator: Evaluator, depth: int = 0) -> str | None:
        """The prefix of the variables of a class of settings, None for other classes."""
        own = _find_prefix(owner.part.statement.text)
        for base in owner.bases if depth < MAX_BASES else ():
            if name_of(base) == "BaseSettings":
                return own or ""
            reference = evaluator.reference(base, owner)
            if reference is not None and reference.local is not None and reference.local is not owner:
                above = self._prefix(reference.local, evaluator, depth + 1)
                if above is not None:
                    return above if own is None else own
        return None

    def _member(self, owner: Scope, name: str, evaluator: Evaluator, depth: int) -> Values:
        if values := self._own_member(owner, name, evaluator):
            return values
        for base in owner.bases if depth < MAX_BASES else ():
            reference = evaluator.reference(base, owner)
            inner = reference.local if reference is not None else None
            if inner is not None and inner is not owner:
                found = self.member(inner, name, evaluator, depth + 1)
                if found:
                    return found
        return ()

    def _own_member(self, owner: Scope, name: str, evaluator: Evaluator) -> Values:
        """The values of an attribute that a class itself has."""
        path = f"{owner.path}.{name}"
        if path in owner.part.functions:
            return (Value(Reference(f"{owner.module.name}.{path}", local=owner.part.functions[path])),)
        bindings = [*owner.bindings.get(name, ()), *owner.attributes.get(name, ())]
        known = [one for one in bindings if one.value is not None]
        return evaluator.bound_by(known, is_sure=len(known) == 1)

    def member_of_self(self, owner: Scope, name: str, evaluator: Evaluator) -> Values:
        """The values of an attribute of `self` in a class, which may be of a class that inherits from it."""
        found = self.member(owner, name, evaluator)
        heirs = self._all_heirs(owner, evaluator)
        others = [one for heir in heirs for one in self._own_member(heir, name, evaluator)]
        return (*(Value(one.content, False) for one in (*found, *others)),) if others else found

    def _all_heirs(self, owner: Scope, evaluator: Evaluator, depth: int = 0) -> Iterator[Scope]:
        for heir in self.heirs(owner, evaluator) if depth < MAX_BASES else ():
            yield heir
            yield from self._all_heirs(heir, evaluator, depth + 1)

    def heirs(self, owner: Scope, evaluator: Evaluator) -> Sequence[Scope]:
        """The classes of all modules that have a class as a base."""
        key = (owner.module.path, owner.path)
        if key not in self._heirs:
            self._heirs[key] = ()
            with self._aside():
                self._heirs[key] = tuple(self._find_heirs(owner, evaluator))
        return self._heirs[key]

    def _find_heirs(self, owner: Scope, evaluator: Evaluator) -> Iterator[Scope]:
        name = owner.path.rpartition(".")[2]
        for module in list(self.modules.values()):
            if name not in module.source:
                continue
            names = {
                name,
                *(alias for alias, target in module.imports.items() if target.endswith(f".{name}")),
            }
            derived = re.compile(rf"\bclass\s+\w+\((?:[^()]{{0,200}}\W)?(?:{'|'.join(names)})\b")
            for part in self._parts_at(module, tuple(one.start() for one in derived.finditer(module.source))):
                yield from (one for one in part.classes.values() if _derives(one, owner, evaluator))

    # What is set elsewhere

    def use_settings(self, modules: Iterable[Module], paths: Iterable[str]) -> None:
        """Take the settings from these modules and the files that they name, and forget earlier values."""
        self.settings_files = SettingsFiles(self.layout, modules, paths)
        self._keys.clear()
        self._arguments.clear()
        self._called.clear()
        self._set.clear()
        self._heirs.clear()
        self._globals.clear()

    def variable(self, name: str) -> Values:
        """The possible values of a variable at the start, or of one that code reads from a file."""
        return self.environment.get(name) or self.settings_files.variable(name)

    def key(self, key: str, evaluator: Evaluator) -> Values:
        """The values of a configuration key: those that any module assigns, or that a file has."""
        if key not in self._keys:
            self._keys[key] = ()
            self._keys[key] = tuple(self._key(key, evaluator)) or self.settings_files.key(key)
        return self._keys[key]

    def _key(self, key: str, evaluator: Evaluator) -> Iterable[Value]:
        if not re.fullmatch(r"[A-Z][A-Z0-9_]+", key):
            return
        written = re.compile(rf"(?:['\"]{key}['\"]\]|\b{key})\s*(?::[^=\n]{{1,200}})?=(?!=)")
        for module in list(self.modules.values()):
            if key not in module.source:
                continue
            for statement in module.statements:
                part = self.part(module, statement) if written.search(statement.text) else None
                for binding in _written(part, key) if part else ():
                    yield from (Value(one.content, False) for one in evaluator.bound(binding))

    def option(self, module: Module, name: str, evaluator: Evaluator) -> Values:
        """The default of a command-line option of the module, by its destination name."""
        if not module.has_options:
            return ()
        flag = re.compile(rf"['\"]-*{name.replace('_', '[-_]')}['\"]|\bset_defaults\([^)]{{0,200}}\b{name}=")
        for statement in module.statements:
            part = self.part(module, statement) if flag.search(statement.text) else None
            site = part.options.get(name) if part else None
            if site is not None and (default := site.argument(99, "default")) is not None:
                return tuple(Value(v.content, False) for v in evaluator.values(default, site.scope))
        return ()

    def set_elsewhere(self, key: str) -> Sequence[Binding]:
        """The assignments to an attribute or key of that name, in all modules: of whatever object."""
        if key not in self._set:
            self._set[key] = ()
            with self._aside():
                self._set[key] = tuple(itertools.islice(self._find_set(key), _MAX_SET))
        return self._set[key]

    @contextmanager
    def _aside(self) -> Iterator[None]:
        """Parse within a limit of its own, so that other statements are read as far as without these."""
        (left, is_cut), self._left = (self._left, self.is_cut), self._left_aside
        yield
        self._left_aside, self._left, self.is_cut = self._left, left, is_cut

    def _find_set(self, key: str) -> Iterator[Binding]:
        for module in list(self.modules.values()):
            for part in self._parts_at(module, find_assigned(module.source).get(key, ())):
                yield from part.keys.get(key, ())
                yield from (one for inner in part.classes.values() for one in inner.attributes.get(key, ()))

    def argument(self, binding: Binding, evaluator: Evaluator) -> Values:
        """The values that the application's calls pass for a parameter, or its default."""
        if id(binding) not in self._arguments:
            self._arguments[id(binding)] = (binding, ())
            passed = list(self._passed(binding, evaluator))
            values = [one for found in passed for one in found or ()]
            sure = len(values) == 1 and binding.value is None
            if binding.value is not None and (None in passed or not values):
                values += evaluator.values(binding.value, binding.scope)
            if not values:
                values = list(self.option(binding.scope.module, _parameter_name(binding), evaluator))
            found = tuple(Value(one.content, one.certain and sure) for one in values)
            self._arguments[id(binding)] = (binding, found)
        return self._arguments[id(binding)][1]

    def _passed(self, binding: Binding, evaluator: Evaluator) -> Iterator[Values | None]:
        """What each call passes for a parameter, None for one that leaves it out."""
        function = binding.scope
        in_class = function.parent is not None and function.parent.kind == "class"
        keyword = _parameter_name(binding)
        for site in self._calls_to(function, evaluator):
            is_bound = in_class and not _passes_self(site)
            yield evaluator.passed(site, binding.parameter - is_bound, keyword)

    def _calls_to(self, function: Scope, evaluator: Evaluator) -> Iterator[Site]:
        """The calls of a function; for a constructor those of its class and of those that inherit it."""
        name = function.path.rpartition(".")[2]
        if name == "__init__" and function.parent is not None:
            yield from self._constructions(function.parent, evaluator)
        else:
            yield from self._calls_of(name)

    def _constructions(self, owner: Scope, evaluator: Evaluator, depth: int = 0) -> Iterator[Site]:
        yield from self._calls_of(owner.path.rpartition(".")[2])
        for heir in self.heirs(owner, evaluator) if depth < MAX_BASES else ():
            own = heir.part.functions.get(f"{heir.path}.__init__")
            if own is None:
                yield from self._constructions(heir, evaluator, depth + 1)
            else:
                yield from (one for one in own.part.sites if one.called == "__init__" and one.scope is own)

    def _calls_of(self, name: str) -> list[Site]:
        """The first few calls of a function, by its last name, in all modules."""
        if name not in self._called:
            self._called[name] = []
            self._called[name] = list(itertools.islice(self._find_calls(name), _MAX_SITES))
        return self._called[name]

    def _find_calls(self, name: str) -> Iterator[Site]:
        # The pattern starts with the name, so that the regex engine can search for that literal.
        called = re.compile(rf"{name}\((?<!\w{name}\()(?<!def {name}\()(?<!class {name}\()")
        for module in list(self.modules.values()):
            if name not in module.source:
                continue
            offsets = {match.start() for match in called.finditer(module.source)}
            offsets.update(find_handed(module.source, name))
            # Keep the larger part of the budget for the statements that write.
            for part in self._parts_at(module, tuple(sorted(offsets)), keep=MAX_PARSED // 3):
                yield from (one for site in part.sites if (one := _call_of(name, site)))

    def _parts_at(self, module: Module, offsets: tuple[int, ...], keep: int = 0) -> Iterator[Part]:
        """The parsed statements of a module that contain one of these offsets; of the limit, `keep` stays."""
        for statement in module.statements_at(offsets):
            if self._left < keep:
                self.is_cut = True
                return
            if part := self.part(module, statement, offsets):
                yield part


@lru_cache(maxsize=512)
def _find_fields(text: str) -> tuple[str, ...]:
    """The annotated names in the text of a class, in order."""
    return tuple(dict.fromkeys(_FIELD.findall(text)))


@lru_cache(maxsize=512)
def _find_prefix(text: str) -> str | None:
    """The prefix that a class of pydantic's settings sets for its variables."""
    found = re.search(r"\benv_prefix\s*=\s*['\"](\w*)['\"]", text)
    return found[1] if found else None


def _parameter_name(binding: Binding) -> str:
    return next((key for key, found in binding.scope.bindings.items() if binding in found), "")


def _derives(inner: Scope, owner: Scope, evaluator: Evaluator) -> bool:
    """Whether a class has another one as a base."""
    bases = (evaluator.reference(base, inner) for base in inner.bases)
    found = [one.local for one in bases if one is not None and one.local is not None]
    return any((one.module.path, one.path) == (owner.module.path, owner.path) for one in found)


def _call_of(name: str, site: Site) -> Site | None:
    """The call of a function of that name that a site is or stands for, None if there is none."""
    if site.called == name or not isinstance(site.node, ast.Call):
        return site if site.called == name else None
    call = handed_call(site.node, name)
    return None if call is None else replace(site, node=call)


def _passes_self(site: Site) -> bool:
    """Whether a call of a method names its object as an argument: `Base.__init__(self, ...)`."""
    first = site.argument(0, "")
    return site.called == "__init__" and first is not None and is_own(first)


def _written(part: Part, key: str) -> Iterator[Binding]:
    yield from part.keys.get(key, ())
    yield from part.top.bindings.get(key, ())
    for scope in part.classes.values():
        yield from scope.bindings.get(key, ())
