"""Collect evidence from an application's sources, beginning with the module that its image starts.

Modules are searched as text; only relevant statements are parsed.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import islice
from typing import Final

from dockfix.evidence.claims import Claim, Kind
from dockfix.evidence.docker_socket import find_named_sockets
from dockfix.evidence.image_files import Layout, Names, Read, read_layout
from dockfix.evidence.outputs import is_directory, is_output
from dockfix.evidence.python.application import Application
from dockfix.evidence.python.catalogue import Catalogue, find_offsets, load_catalogue
from dockfix.evidence.python.constants import HOLE, Value, Values, items_of, texts_of
from dockfix.evidence.python.missing import find_missing
from dockfix.evidence.python.modules import Module, condense
from dockfix.evidence.python.path_strings import find_mentions, find_names, find_values
from dockfix.evidence.python.places import is_anyones, is_likely_directory, locate, locate_database
from dockfix.evidence.python.scopes import Part
from dockfix.evidence.python.servers import Server, config_path, find_server, flags
from dockfix.evidence.python.sites import SiteReader
from dockfix.evidence.python.start import InlineCode, Line, Start, StartReader
from dockfix.evidence.python.values import ConstantEvaluator
from dockfix.evidence.sagemaker import find_named_folders
from dockfix.evidence.settings_files import find_named_outputs, is_configuration
from dockfix.knowledge import read_names, read_table
from dockfix.knowledge.homes import find_home_use
from dockfix.knowledge.processes import process_need_of
from dockfix.model.effects import is_remote
from dockfix.model.evidence import Launch
from dockfix.model.lineage import DEFAULT_PATH
from dockfix.syntax.shell import parse_words
from dockfix.syntax.tree import Dockerfile
from dockfix.syntax.wrappers import SHELLS

MAX_MODULES: Final = 300
MAX_UNSTARTED: Final = 4
_PYTHON: Final = re.compile(r"python|\bpip3?\b|conda|\.py\b|\buvx?\b|poetry|requirements", re.IGNORECASE)
_DOTTED: Final = re.compile(r"['\"]([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)(:\w+)?['\"]")
_NAMING: Final = (
    "DJANGO_SETTINGS_MODULE", "INSTALLED_APPS", "include(", "autodiscover", "register_blueprint",
    "import_module(", "__import__(", "load_extension(", "from_object(", "import_string(",
)  # fmt: skip
"""Marks of a module that names others in strings; the last: discord.py, Flask or Celery, Werkzeug."""
_MADE_IMPORT: Final = re.compile(
    r"(?:import_module|__import__|load_extension)\(\s*(?!\s|['\"][\w.]*['\"]\s*[,)])|\b(?:walk_packages|iter_modules)\("
)
_OWN_PACKAGE: Final = re.compile(
    r"(?:import_module|__import__|walk_packages|iter_modules)\([^\n]{0,200}?\b__(?:path|name|package)__"
)
_PACKAGE: Final = re.compile(r"['\"]([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)\.?['\"{%]")
_EXECUTES: Final = re.compile(
    r"(?:(?<![\w.])(?<!def )(?:exec|execfile|exec_|eval(?=\(compile\())|"
    r"\b(?:from_pyfile|run_path|load_source|spec_from_file_location|SourceFileLoader))\((?!\s*[frb]?['\"]{3})"
)
"""Calls that execute a file by its path, or code that something else may hold."""
_PAGES: Final = re.compile(r"\b(?:st|streamlit)\.(?:Page|switch_page|page_link)\(")
_EXECUTED: Final = re.compile(r"['\"]([./*-]*\w[\w./*-]*)['\"]")
_PYFILE: Final = re.compile(r"\b(?:from_pyfile|run_path|exec\(open|execfile)\(\s*['\"]([\w./-]+)['\"]")
_PROGRAMS: Final = frozenset(DEFAULT_PATH.split(":"))
_PATH_CHANGE: Final = re.compile(r"\bsys\.path\.(?:insert|append|extend)\(([^\n]*)")
_PATH_PART: Final = re.compile(r"['\"]([\w./-]+)['\"]")
_PARENTS: Final = re.compile(r"\.parents\[(\d{1,3})\]")
_WORD: Final = re.compile(r"['\"]([A-Za-z][\w.-]*)(?=['\" ])")
_SERVES: Final = frozenset(
    """
    aiohttp bottle django falcon fastapi flask httpx litestar quart requests sanic starlette tornado
    """.split()
)
_PORT: Final = re.compile(r"(?:^|.*[:\]=])(\d{1,5})$")
_QUOTED: Final = re.compile(r"'[^']*'\s*|\"[^\"]*\"\s*")
_CONFIG: Final = re.compile(r"^(\w+)[ \t]*[:=][ \t]*([^\s#][^\n#]*)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Reading:
    """The evidence found, the modules read, and the parts of the start that could not be followed.

    `names` are the strings in the modules that may name a file, as written; `tools` the programs that
    they may run and the packages that they import, as far as homes.toml has a row for them; `mentions`
    the absolute paths anywhere in their texts. `texts` are those of the modules and of the configuration
    files that they may read. `launches` are the commands that the modules start,
    `imports` the modules' own paths in the image, relative below the working directory. `guesses` are where
    code that writes to an unknown place may write, as far as its values show. `names_code`: the start names
    files or modules, whether they were found or not, or is a known server.
    """

    claims: tuple[Claim, ...]
    modules: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()
    start_known: bool = True
    is_cut: bool = False
    names: tuple[str, ...] = ()
    tools: tuple[str, ...] = ()
    mentions: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()
    launches: tuple[Launch, ...] = ()
    imports: tuple[str, ...] = ()
    guesses: tuple[Claim, ...] = ()
    names_code: bool = False

    @property
    def directories(self) -> tuple[str, ...]:
        """The directories outside of the home that the application certainly writes, sorted."""
        found = {one.directory for one in self.claims if one.kind is Kind.WRITE and one.certain and one.what}
        return tuple(sorted(found))

    @property
    def caches(self) -> tuple[str, ...]:
        """The paths below the home (`~/...`) that the application fills or reads."""
        found = {one.what.rstrip("/") for one in self.claims if one.kind is Kind.HOME and one.certain}
        return tuple(sorted(found))

    @property
    def needs_root(self) -> tuple[Claim, ...]:
        """The claims about what certainly needs root."""
        return tuple(one for one in self.claims if one.kind is Kind.ROOT and one.certain)


def read_sources(
    tree: Dockerfile, read: Read, names: Names | None = None, path: str = "Dockerfile"
) -> Reading:
    """The evidence in what a Dockerfile copies and starts.

    `read` returns a file of the build context by its relative path, or None; `names` lists a folder, if
    it can (without it, only what the start names and imports is read); `path` is the Dockerfile's path in
    the context.
    """
    layout = read_layout(tree, read, names, path)
    return read_start(layout, StartReader(layout, path).read(), tree.text)


def read_start(
    layout: Layout, start: Start, text: str, environment: Mapping[str, Values] | None = None
) -> Reading:
    """The evidence in what an image starts; `text` is the text of its Dockerfile.

    `environment` holds the variables at the start, by default those of the image.
    """
    known = {name: (Value(value),) for name, value in layout.env.items()}
    return _SourceReader(layout, start, text, {**known, **(environment or {})}).read()


class _SourceReader:
    def __init__(self, layout: Layout, start: Start, text: str, environment: Mapping[str, Values]) -> None:
        self.layout = layout
        self.start = start
        self.catalogue: Catalogue = load_catalogue()
        paths = layout.env.get("PYTHONPATH", "").split(":")
        roots = [*start.roots, layout.workdir, *(posixpath.join(layout.workdir, one) for one in paths if one)]
        # What is installed of the context's own projects is imported from anywhere.
        roots += layout.sites
        roots += layout.package_folders
        self.text = text
        self.names_schedule = False
        self.known = False
        self.application = Application(layout, roots, environment)
        collects = "collectstatic" in text or any("collectstatic" in line.words for line in start.lines)
        self.reader = SiteReader(ConstantEvaluator(self.application), self.catalogue, collects=collects)
        self.launches = self.reader.launches
        self.followed = 0
        self.executed: dict[str, frozenset[str]] = {}

    def read(self) -> Reading:
        """Collect all evidence of the application."""
        started = list(self._find_started(self.start))
        self.known = bool(started)
        started = started or (self._likely() if _PYTHON.search(self.text) else [])
        modules = self._closure([*started, *self._find_configs(), *self._find_settings()])
        found: list[Claim] = []
        launched = modules
        while True:
            strings = {module.path: self._strings(module) for module in modules}
            settings = tuple(dict.fromkeys(self._configuration_files(strings)))
            self.application.use_settings(modules, settings)
            found += self._modules(launched)
            launched = self._closure([*self._find_launched(), *self._find_commands(modules)], modules)
            if not launched:
                break
            modules += launched
        found += self._find_foreign_code(modules)
        found += (one for module in modules for one in _find_given(module))
        self.names_schedule = any("beat_schedule_filename" in module.source for module in modules)
        named = list(self._named_by_lines(found))
        if not self.known:
            found = [replace(one, certain=False) for one in found]
        outputs = find_named_outputs(self.layout, settings)
        missing = find_missing(self.layout, self.application, self.start)
        claims = {*named, *found, *outputs, *missing}
        unique = sorted(claims, key=lambda one: (one.file, one.line, one.kind, one.what))
        return Reading(
            tuple(unique),
            tuple(one.file for one in modules),
            tuple(self.start.unread),
            self.known,
            self.application.is_cut,
            tuple(sorted(frozenset().union(*strings.values()))),
            tuple(sorted(filter(_keeps_home, frozenset().union(*map(_words, modules))))),
            tuple(sorted(frozenset().union(*(find_mentions(module.source) for module in modules)))),
            (*(module.source for module in modules), *filter(None, map(self.layout.read, settings))),
            tuple(dict.fromkeys(self.launches)) if self.known else (),
            tuple(one.path.removeprefix(self.layout.workdir.rstrip("/") + "/") for one in modules),
            tuple(_guess(modules)) if any(map(_is_unknown, found)) else (),
            bool(self.start.named) or any(find_server(one.words[0]) for one in self.start.lines),
        )

    def _named_by_lines(self, found: Iterable[Claim]) -> Iterator[Claim]:
        """What the start's command lines name; their operands count if code writes to an unknown place."""
        is_unknown = any(map(_is_unknown, found))
        for line in self.start.lines:
            yield from self._line(line)
            if is_unknown:
                yield from self._operands(line)

    def _strings(self, module: Module) -> frozenset[str]:
        """The strings of a module that may name a file."""
        return find_names(module.source) | ({".."} if self._leads_above(module) else frozenset())

    def _configuration_files(self, strings: Mapping[str, frozenset[str]]) -> Iterator[str]:
        """The configuration files that the words of the start or the strings of the modules may name.

        `strings` has those of each module by its path.
        """
        named = [
            (line.workdir, word.rpartition("=")[2]) for line in self.start.lines for word in line.words[1:]
        ]
        for line in self.start.lines:
            server = find_server(line.words[0])
            named += [(line.workdir, one) for one in (server.configs(line.words) if server else ())]
        for path, names in strings.items():
            folders = dict.fromkeys((self.layout.workdir, posixpath.dirname(path)))
            named += ((folder, name) for name in sorted(names) for folder in folders)
        for folder, name in named:
            if is_configuration(name):
                yield posixpath.normpath(posixpath.join(folder, name))

    def _find_started(self, start: Start) -> Iterator[Module]:
        """The modules that a start names."""
        application = self.application
        yield from (one for path in start.files if (one := application.load(path, _main_name(path))))
        yield from (one for name in start.modules if (one := application.module(name)))
        for code in start.codes:
            path = posixpath.join(code.by.workdir, f"<string {len(application.modules)}>")
            yield application.add(code.text, path, code.by.file, max(code.by.line, 1))

    def _find_configs(self) -> Iterator[Module]:
        """The Python files that servers run as well, such as gunicorn.conf.py."""
        return (one for path in self.start.configs if (one := self.application.load(path)))

    def _find_settings(self) -> Iterator[Module]:
        """Django's settings that the environment names, in place of those that manage.py does."""
        found = self.application.module(self.application.settings)
        return iter(() if found is None else (found,))

    def _find_commands(self, modules: Iterable[Module]) -> Iterator[Module]:
        """The commands of Django's apps that the start names (`manage.py NAME`), or `call_command`.

        Source: docs.djangoproject.com, "How to create custom django-admin commands".
        """
        named = {word for line in self.start.lines for word in line.words}
        calling = (one.source for one in modules if "call_command(" in one.source)
        named = named.union(*map(_quoted, calling))
        is_django = any("django" in one.source for one in modules)
        for folder in sorted({posixpath.dirname(one.path) for one in modules} if is_django else ()):
            place = posixpath.join(folder, "management", "commands")
            for entry in self.layout.entries(place):
                if entry.endswith(".py") and entry.removesuffix(".py") in named:
                    found = self.application.load(posixpath.join(place, entry))
                    yield from () if found is None else (found,)

    def _find_launched(self) -> list[Module]:
        """The modules that the code read so far starts by commands, which become part of the start."""
        started = len(self.start.files), len(self.start.modules)
        codes: list[InlineCode] = []
        for one in self.launches[self.followed :]:
            reader = StartReader(self.layout, one.file)
            start = reader.follow(parse_words(one.words), one.line, one.workdir, one.file)
            self.start.lines += start.lines
            self.start.files += start.files
            self.start.modules += start.modules
            self.start.configs += start.configs
            codes += start.codes
            self.application.search(start.roots)
        self.followed = len(self.launches)
        new = Start(
            files=self.start.files[started[0] :], modules=self.start.modules[started[1] :], codes=codes
        )
        return [*self._find_started(new), *self._find_configs()]

    def _closure(self, waiting: list[Module], known: Iterable[Module] = ()) -> list[Module]:
        """The modules that these import, directly or not, without those that are known already."""
        seen = {one.path: one for one in known}
        before = len(seen)
        while waiting and len(seen) < MAX_MODULES:
            module = waiting.pop(0)
            if module.path in seen:
                continue
            seen[module.path] = module
            waiting += (one for one in self._imported(module) if one.path not in seen)
        self.application.is_cut = self.application.is_cut or bool(waiting)
        return list(seen.values())[before:]

    def _leads_above(self, module: Module) -> bool:
        """Whether a module may look above the working directory, counting from its own place."""
        inside = posixpath.relpath(module.path, self.layout.workdir)
        return not inside.startswith("..") and _levels(module.source) > inside.count("/") + 1

    def _likely(self) -> list[Module]:
        """The copied modules with one of the usual names of entry points."""
        entries = islice(self.layout.paths(read_names("python", "names", "entries")), MAX_UNSTARTED)
        loaded = (self.application.load(path, self._dotted(path)) for path in entries)
        return [module for module in loaded if module is not None]

    def _dotted(self, path: str) -> str:
        for root in sorted(self.application.roots, key=len, reverse=True):
            if path.startswith(root.rstrip("/") + "/"):
                inside = path[len(root.rstrip("/")) + 1 :].removesuffix(".py")
                return inside.removesuffix("/__init__").replace("/", ".")
        return ""

    def _imported(self, module: Module) -> Iterator[Module]:
        self.application.search(_find_roots(module, self.layout.workdir))
        for _, name in module.imported:
            parts = name.split(".")
            for length in range(1, len(parts) + 1):
                if found := self.application.module(".".join(parts[:length])):
                    yield found
        yield from self._named(module)
        if _MADE_IMPORT.search(module.source):
            yield from self._members(module)
        if _EXECUTES.search(module.source) or _PAGES.search(module.source):
            executed = [one for path in self._executed(module) if (one := self.application.load(path))]
            self.executed[module.path] = frozenset(one.path for one in executed)
            yield from executed

    def _executed(self, module: Module) -> Iterator[str]:
        """The files that a module may execute by their paths: its strings name them, or their folder."""
        named = dict.fromkeys(_EXECUTED.findall(module.source))
        for folder in dict.fromkeys((posixpath.dirname(module.path), self.layout.workdir)):
            yield from (posixpath.join(folder, path) for path in _PYFILE.findall(module.source))
            written = dict.fromkeys((*named, *(one.lstrip("/") for one in named)))
            for path in (posixpath.normpath(posixpath.join(folder, one)) for one in written):
                if path.endswith(".py") and "*" not in path:
                    yield path
                else:
                    place = path.partition("/*")[0]
                    entries = self.layout.entries(place)
                    yield from (posixpath.join(place, one) for one in entries if one.endswith(".py"))

    def _find_foreign_code(self, modules: Iterable[Module]) -> Iterator[Claim]:
        """The calls that execute what no file of the image is known to hold: it may write anywhere."""
        launching = {one.file for one in self.launches if not any("\0" in word for word in one.words)}
        for module in modules:
            if module.file in launching or self.executed.get(module.path) != frozenset():
                continue
            # A configuration for Flask may be missing, and only sets values.
            calls = (one for one in _EXECUTES.finditer(module.source) if one[0] != "from_pyfile(")
            for call in islice(calls, 1):
                line = module.source.count("\n", 0, call.start()) + 1
                yield Claim(Kind.WRITE, "", module.file, line, certain=False)

    def _members(self, module: Module) -> Iterator[Module]:
        """What a module may import by a name that it makes: all of the packages that its strings name.

        Its own counts too where it imports by `__path__`, `__name__` or `__package__`.
        """
        own = [module.package] if module.package and _OWN_PACKAGE.search(module.source) else []
        for name in dict.fromkeys((*own, *_PACKAGE.findall(module.source))):
            folders = (posixpath.join(root, name.replace(".", "/")) for root in self.application.roots)
            entries = {
                entry.removesuffix(".py").rstrip("/") for one in folders for entry in self.layout.entries(one)
            }
            for entry in sorted(entries):
                if entry.isidentifier() and not entry.startswith("__"):
                    found = self.application.module(f"{name}.{entry}")
                    yield from () if found is None else (found,)

    def _named(self, module: Module) -> Iterator[Module]:
        """The modules that strings name, such as `"shop.web:app"`, and the parts of installed apps.

        A name without a dot or a colon counts where something is known to import it.
        """
        match = re.search(r"DJANGO_SETTINGS_MODULE['\"]\s*,\s*['\"]([\w.]+)['\"]", module.source)
        if match and not self.application.settings:
            self.application.settings = match[1]
        is_naming = any(one in module.source for one in _NAMING)
        parts = read_table("python")["names"]["django"] if "INSTALLED_APPS" in module.source else []
        parts = [*parts, "tasks"] if "autodiscover_tasks" in module.source else parts
        for name, attribute in dict.fromkeys(_DOTTED.findall(module.source)):
            split = self.application.split(name) if is_naming or attribute or "." in name else None
            if split is None:
                continue
            found, _ = split
            yield found
            inner = (self.application.module(f"{found.package}.{part}") for part in parts)
            yield from filter(None, inner)

    def _modules(self, modules: Iterable[Module]) -> Iterator[Claim]:
        entries = {
            one.path for one in modules if one.path in self.start.files or one.name.endswith("__main__")
        }
        entries |= {
            path
            for module in self.start.modules
            if (one := self.application.modules.get(module)) and (path := one.path)
        }
        entries = entries.union(*self.executed.values())
        parts = [one for module in modules for one in self._parts(module, module.path in entries)]
        entering = [one for one in parts if "chdir(" in one.text]
        entered = (place for one in entering for place in self.reader.find_entered(one))
        self.reader.entered = tuple(dict.fromkeys((*self.reader.entered, *entered)))
        for part in parts:
            yield from self.reader.read(part)

    def _parts(self, module: Module, is_entry: bool) -> Iterator[Part]:
        """The statements of a module that may use something in the table; `is_entry`: it runs as a script."""
        for statement in module.statements_at(find_offsets(module.source)):
            if statement.is_main and not is_entry:
                continue
            if part := self.application.part(module, statement):
                yield part

    # Command lines

    def _line(self, line: Line) -> Iterator[Claim]:
        words = line.words
        yield from self._outputs(line)
        is_python = words[0].startswith("python")
        if is_python and "runserver" in words:
            yield from self._ports(words[-1:], line)
        server = find_server(_module_of(words) if is_python else words[0])
        if server is None:
            return
        yield from self._process(" ".join(words), line.file, line.line, is_certain=True)
        given = dict(flags(words))
        for flag, value in [*flags(words), *self._set_flags(server, given)]:
            yield from self._flag(server, flag, value, line)
        if "operand" in server.ports:
            yield from self._ports(words[-1:], line)
        if server.is_celery and ("beat" in words or "-B" in words):
            yield from self._schedule(line)
        for config in server.configs(words):
            yield from self._config(config, line, server.programs[0])

    def _outputs(self, line: Line) -> Iterator[Claim]:
        """The places that options of a command line name, unless the build context brings what is there."""
        for flag, given in flags(line.words):
            name, equals, value = given.partition("=")
            option, path = (name, value) if equals and value.startswith("/") else (flag, given)
            if path.startswith("/") and is_output(option) and self.layout.source_of(path) is None:
                yield from self._place(path, line, is_directory(option) or is_likely_directory(path))

    def _operands(self, line: Line) -> Iterator[Claim]:
        """The places that a command line names for code that writes to an unknown one."""
        for path in line.words[1:]:
            is_program = posixpath.dirname(path) in _PROGRAMS
            is_brought = self.layout.sources_of(path) or self.layout.may_fill(path)
            if path.startswith("/") and not (is_program or is_brought):
                claims = self._place(path, line, is_likely_directory(path))
                yield from (replace(one, certain=False) for one in claims)

    def _set_flags(self, server: Server, given: Container[str]) -> Iterator[tuple[str, str]]:
        """(flag, value) of the flags that variables of the environment set, unless they are `given`."""
        for name, flag in server.variables.items():
            for one in self.application.variable(name):
                value = str(one.content)
                if not flag:
                    yield from flags(("", *value.split()))
                elif not any(one in given for one in server.same(flag)):
                    yield flag, f":{value}" if value.isdecimal() else value

    def _flag(self, server: Server, flag: str, value: str, line: Line) -> Iterator[Claim]:
        if flag in server.files or flag in server.urls:
            yield from self._place(locate_database(value) if flag in server.urls else value, line, False)
        if flag in server.directories:
            yield from self._place(value, line, True)
        if flag in server.ports:
            yield from self._ports([value], line)

    def _schedule(self, line: Line) -> Iterator[Claim]:
        """The file in which celery beat keeps its schedule, unless another one is set."""
        is_set = any(flag in ("-s", "--schedule") for flag, _ in flags(line.words))
        if not is_set and not self.names_schedule and not any("scheduler" in word for word in line.words):
            yield from self._place("celerybeat-schedule", line, False)

    def _place(self, text: str, line: Line, directory: bool, file: str = "", at: int = 0) -> Iterator[Claim]:
        is_path = text not in ("-", "", "None", "syslog") and not is_remote(text)
        found = locate(text, line.workdir) if is_path else None
        if found is not None and found[0] and not is_anyones(found[0].rstrip("/") or "/"):
            kind = Kind.HOME if found[0].startswith("~") else Kind.WRITE
            yield Claim(kind, found[0], file or line.file, at or line.line, True, directory)

    def _ports(self, values: Iterable[str], line: Line, file: str = "", at: int = 0) -> Iterator[Claim]:
        for value in values:
            if value.startswith(("unix:", "/")):
                yield from self._place(value.removeprefix("unix:"), line, False, file, at)
                continue
            match = _PORT.match(value)
            if match and 0 < int(match[1]) < 1024:
                yield Claim(Kind.PORT, match[1], file or line.file, at or line.line)

    def _config(self, written: str, line: Line, program: str) -> Iterator[Claim]:
        """The evidence in a server's configuration file: Python for gunicorn, an ini file for supervisord."""
        path = config_path(written, line.workdir)
        text = self.layout.read(path) if path else None
        if text is None:
            return
        file = self.layout.source_of(path) or written
        for match in _CONFIG.finditer(text):
            name, value = match[1], match[2].rstrip().strip("'\"")
            at = text.count("\n", 0, match.start()) + 1
            is_text = program != "gunicorn" or _QUOTED.fullmatch(match[2]) is not None
            values = [value] if is_text else self._values_in(path, name)
            if name in self.catalogue.gunicorn or name.endswith("_logfile"):
                is_directory = self.catalogue.gunicorn.get(name, False)
                yield from (
                    claim for one in values for claim in self._place(one, line, is_directory, file, at)
                )
            elif name in ("bind", "port"):
                yield from self._ports(values, line, file, at)
            elif program == "gunicorn" and value not in ("None", "root", "0"):
                is_certain = value.isdecimal() or match[2][:1] in "'\""
                yield from self._process(f"{program} --{name} {value}", file, at, is_certain=is_certain)

    def _values_in(self, path: str, name: str) -> list[str]:
        """The texts that a name of a Python file may have in the end, each alone if it is a list of them."""
        module = self.application.load(path)
        found = self.application.global_of(module, name, self.reader.evaluator) if module else ()
        inner = (items for one in found for items in items_of(one.content))
        return [text for values in (found, *inner) for text, _ in texts_of(values) if HOLE not in text]

    def _process(self, command_line: str, file: str, at: int, *, is_certain: bool) -> Iterator[Claim]:
        """The need for root of a process, also where a file holds the flags."""
        if reason := process_need_of(command_line):
            program = command_line.partition(" ")[0]
            yield Claim(Kind.ROOT, f"{program} {reason}", file, at, is_certain)


def _find_roots(module: Module, workdir: str) -> Iterator[str]:
    """The directories that a module may add to `sys.path`, by the strings of those lines."""
    if "sys.path" not in module.source:
        return
    for line in _PATH_CHANGE.findall(module.source):
        inner = "/".join(_PATH_PART.findall(line))
        above = posixpath.dirname(module.path)
        for _ in range(line.count("dirname(") + line.count(".parent")):
            yield posixpath.normpath(posixpath.join(above, inner))
            above = posixpath.dirname(above)
        yield from (posixpath.normpath(posixpath.join(place, inner)) for place in (workdir, above))


@lru_cache(maxsize=512)
def _levels(source: str) -> int:
    """How many directories a module may go up from its own path, at most, as far as single lines show."""
    if "__file__" not in source:
        return 0
    own, others = 0, 0
    for line in source.splitlines():
        if ".parent" in line or "dirname(" in line:
            count = line.count(".parent") - line.count(".parents") + line.count("dirname(")
            count += sum(int(number) + 1 for number in _PARENTS.findall(line))
            own, others = (max(own, count), others) if "__file__" in line else (own, max(others, count))
    return own + others


def _is_unknown(one: Claim) -> bool:
    """Whether it is a write to an unknown place."""
    return one.kind is Kind.WRITE and not one.what


def _guess(modules: Iterable[Module]) -> Iterator[Claim]:
    """The paths that modules hold as values, unless they serve the web, where paths may be addresses."""
    for module in modules:
        if not _SERVES.isdisjoint(name.partition(".")[0] for _, name in module.imported):
            continue
        text, numbers = condense(module.source)
        for at, path in find_values(text):
            line = numbers[text.count("\n", 0, at)] + 1
            yield Claim(Kind.WRITE, path, module.file, line, False, is_likely_directory(path))


def _words(module: Module) -> frozenset[str]:
    """What a module may run or import."""
    return _quoted(module.source).union(name for _, name in module.imported)


@lru_cache(maxsize=512)
def _quoted(source: str) -> frozenset[str]:
    return frozenset(_WORD.findall(source))


def _find_given(module: Module) -> Iterator[Claim]:
    """What a module names of what the image is only given when it is started."""
    yield from find_named_sockets(module)
    yield from find_named_folders(module)


@lru_cache(maxsize=8192)
def _keeps_home(name: str) -> bool:
    """Whether a program or package keeps data in a home; of a shell that is not asked."""
    return name not in SHELLS and find_home_use(name, (), {}) is not None


def _main_name(path: str) -> str:
    """The module name of an entry point, so that other modules can import it: its file name."""
    return posixpath.basename(path).removesuffix(".py")


def _module_of(words: tuple[str, ...]) -> str:
    return words[words.index("-m") + 1] if "-m" in words[:-1] else ""
