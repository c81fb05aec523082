"""The evidence in one statement of the application: calls, dictionaries and settings."""

from __future__ import annotations

import ast
import posixpath
import re
from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Final

from dockfix.evidence.claims import Claim, Kind
from dockfix.evidence.docker_socket import is_remote
from dockfix.evidence.outputs import is_directory, is_output
from dockfix.evidence.python.calls import argument_of, arguments, called_name, name_of, positional, text_of
from dockfix.evidence.python.catalogue import Call, Catalogue, writes_where_it_runs
from dockfix.evidence.python.constants import HOLE, Reference, Value, Values, join_path
from dockfix.evidence.python.places import is_anyones, is_likely_directory, locate, locate_database
from dockfix.evidence.python.scopes import Binding, Part, Site
from dockfix.evidence.python.values import ConstantEvaluator
from dockfix.knowledge.processes import find_installer
from dockfix.model.effects import effect
from dockfix.model.evidence import Launch
from dockfix.model.operations import Act, written_at
from dockfix.model.paths import NOWHERE, is_within
from dockfix.model.runs import walk_script
from dockfix.syntax.script import Script
from dockfix.syntax.shell import parse_script, parse_words

_ACCOUNTS: Final = ("user", "group", "extra_groups")
"""The arguments of subprocess with which only root can start a process."""
_OPTION: Final = re.compile(r"--([\w-]+)=(/\S+)")
_FLAGS: Final = re.compile(r"\bO_(?:CREAT|WRONLY|RDWR|APPEND|TRUNC)\b")
_WRITING: Final = re.compile(r"[wax+]")
_PORT: Final = re.compile(r"^(?:[^\s/]*[:\]])?(\d{1,5})$")
_PATH_LIKE: Final = re.compile(r"[/~]|\.\w{2,5}$")
_FORMATS: Final = frozenset({"csv", "html"})
"""Options that name a file, while the keys of a dictionary name what they hold."""
_ROUTE: Final = re.compile(r"/(?:api|v\d{1,2})/")
_SQLITE: Final = re.compile(r"sqlite[+a-z]{0,40}:///")
_ASKS: Final = re.compile(r"\b(?:exists|isdir|is_dir|lexists)\(|FileExistsError")
_NAMES_PLACE: Final = re.compile(r"(?!.*name_or_)\w*(?:path|dir|directory|folder)$", re.IGNORECASE)
_EMPTY: Final = re.compile(r"^\0?[^/~]*\0?$")
_INTERPRETER: Final = Reference("sys.executable")


class SiteReader:
    """Collects the evidence of one application, statement by statement, and what it launches.

    `entered` are the directories that it makes its working directory, and whether that is certain.
    """

    def __init__(self, evaluator: ConstantEvaluator, catalogue: Catalogue, *, collects: bool) -> None:
        self.evaluator = evaluator
        self.catalogue = catalogue
        self.collects = collects
        self.entered: tuple[tuple[str, bool], ...] = ()
        self.launches: list[Launch] = []

    def find_entered(self, part: Part) -> Iterator[tuple[str, bool]]:
        """(path, certain) of the directories that a statement makes the working directory."""
        for site in part.sites:
            names = self._names(site.node.func, site) if isinstance(site.node, ast.Call) else ()
            enters = any(one.kind == "enter" for name in names for one in self.catalogue.calls.get(name, ()))
            if enters and (node := site.argument(0, "path")) is not None:
                yield from self.evaluator.texts(node, site.scope, site.order)

    def read(self, part: Part) -> Iterator[Claim]:
        """The evidence in a statement."""
        for site in part.sites:
            if isinstance(site.node, ast.Call):
                yield from self._call(site, site.node)
            elif isinstance(site.node, ast.Dict):
                yield from self._dict(site, site.node)
            elif isinstance(site.node, ast.Compare):
                yield from self._comparison(site, site.node)
        yield from self._settings(part)

    def _call(self, site: Site, call: ast.Call) -> Iterator[Claim]:
        for name in self._names(call.func, site):
            if known := self.catalogue.calls.get(name):
                for one in known:
                    yield from self._known(one, name, site, call)
                yield from self._outputs(site, call, {one.keyword for one in known} | _overrides(known))
                return
        yield from self._outputs(site, call, set())
        for given in arguments(call):
            text = text_of(given)
            if text is not None and _SQLITE.search(text):
                yield from self._place(text, Call("write", url=True), site, certain=True)
        if any(map(_is_raw, arguments(call))) and self._is_socket(call, site):
            yield self._evidence(Kind.ROOT, "raw socket", site, certain=not site.guarded)

    def _outputs(self, site: Site, call: ast.Call, known: Container[str]) -> Iterator[Claim]:
        """Evidence in arguments that are named like a place to write, except those that are `known`."""
        for one in call.keywords:
            if one.arg is not None and one.arg not in known:
                yield from self._output(one.arg, one.value, site)
        for text in filter(None, map(text_of, call.args)):
            if (match := _OPTION.fullmatch(text)) and is_output(match[1]):
                is_folder = is_directory(match[1]) or is_likely_directory(match[2])
                yield from self._located(match[2], site, certain=False, directory=is_folder)

    def _output(self, name: str, value: ast.expr, site: Site) -> Iterator[Claim]:
        is_meant = is_output(name) and name not in self.catalogue.settings
        for text, _ in self.evaluator.texts(value, site.scope, site.order) if is_meant else ():
            if text.startswith("/") and not _ROUTE.match(text):
                is_folder = is_directory(name) or is_likely_directory(text)
                yield from self._located(text, site, certain=False, directory=is_folder)

    def _names(self, func: ast.expr, site: Site) -> Iterator[str]:
        """The names of a call to look up in the catalogue: its full name, then the method alone."""
        if isinstance(func, ast.Name | ast.Attribute):
            last = name_of(func)
            last = site.scope.module.imports.get(last, last).rpartition(".")[2]
            if not self.catalogue.knows(last, self._owner(func, site)):
                return
        reference = self.evaluator.reference(func, site.scope, site.order)
        if reference is not None and reference.local is None:
            yield reference.name
        if isinstance(func, ast.Attribute) and (
            reference is None or reference.made or reference.local is None
        ):
            yield f".{func.attr}"

    def _owner(self, func: ast.expr, site: Site) -> str:
        """The last name of the object that a method is called on, as imported.

        "" if it is not a plain name.
        """
        if isinstance(func, ast.Attribute) and isinstance(func.value, ast.Name):
            name = func.value.id
            return site.scope.module.imports.get(name, name).rpartition(".")[2]
        return ""

    def _is_socket(self, call: ast.Call, site: Site) -> bool:
        reference = self.evaluator.reference(call.func, site.scope, site.order)
        return reference is not None and reference.name in ("socket.socket", "socket")

    def _known(self, known: Call, name: str, site: Site, call: ast.Call) -> Iterator[Claim]:
        match known.kind:
            case "write":
                yield from self._write(known, name, site, call)
            case "port":
                yield from self._port(known, site, call)
            case "root":
                wanted = argument_of(call, 99, known.keyword) if known.keyword else None
                if not (isinstance(wanted, ast.Constant) and wanted.value is False):
                    yield self._evidence(Kind.ROOT, name, site, certain=not site.guarded)
            case "docker":
                yield from self._docker(known, name, site, call)
            case "command":
                yield from self._command(known, site, call)
            case "home":
                yield from self._home(known, site, call)

    def _write(self, known: Call, name: str, site: Site, call: ast.Call) -> Iterator[Claim]:
        node = self._written(known, name, site, call)
        if node is None:
            return
        values = self.evaluator.values(node, site.scope, site.order)
        texts = [one for one in values if isinstance(one.content, str)]
        if not texts:
            # A method of something that is not a path, such as sftp.mkdir, proves nothing.
            if known.argument != -1 and not known.path_only and not known.url and not name.startswith("."):
                yield self._evidence(Kind.WRITE, "", site, certain=False)
            return
        for one in texts:
            text = str(one.content)
            sole = not known.alone and len(call.args) == 1 and re.fullmatch(r"[\w.-]+", text) is not None
            if not known.path_only or sole or _PATH_LIKE.search(text):
                yield from self._place(text, known, site, call, certain=one.certain)

    def _written(self, known: Call, name: str, site: Site, call: ast.Call) -> ast.expr | None:
        """The expression for the path that a call writes, None if it writes nothing or has no path."""
        if name == ".save" and "storage" in self._owner(call.func, site).lower():
            return None  # a storage decides on its own directory
        if known.alone and len(arguments(call)) > 1:
            return None
        if known.argument == -1:
            node = call.func.value if isinstance(call.func, ast.Attribute) else None
        else:
            node = argument_of(call, known.argument, known.keyword)
        if node is None or known.mode < 0:
            return node
        return node if self._opens_to_write(argument_of(call, known.mode, "mode"), site) else None

    def _place(
        self, text: str, known: Call, site: Site, call: ast.Call | None = None, *, certain: bool
    ) -> Iterator[Claim]:
        if known.url or (known.database and "://" in text and not text.startswith("file:")):
            text = locate_database(text)
        if known.database and (text.startswith(":memory:") or "mode=memory" in text):
            return
        if not text or (known.path_only and HOLE in text and _EMPTY.match(text)):
            return
        directory = known.directory and not (call is not None and _insists(call, site))
        yield from self._located(text, site, certain, directory=directory)

    def _located(self, text: str, site: Site, certain: bool, *, directory: bool = False) -> Iterator[Claim]:
        workdir = self.evaluator.application.workdir
        yield from self._at(workdir, text, site, certain, directory)
        if self.entered and not text.startswith(("/", "~", HOLE)):
            for place, is_sure in self.entered:
                at = locate(place, workdir)
                if at is not None and all(at):
                    yield from self._at(at[0], text, site, certain and is_sure, directory)

    def _at(self, workdir: str, text: str, site: Site, certain: bool, directory: bool) -> Iterator[Claim]:
        found = locate(text, workdir)
        if found is None:
            return
        path, known = found
        if not path:
            yield self._evidence(Kind.WRITE, "", site, certain=False)
        elif not is_anyones(path.rstrip("/") or path):
            kind = Kind.HOME if path.startswith("~") else Kind.WRITE
            claim = self._evidence(kind, path, site, certain=certain, directory=directory and known)
            yield replace(claim, only_in=self._expected(site, path))

    def _expected(self, site: Site, path: str) -> str:
        """The path, or one above it, that the code finds in place before it writes there, "" if none."""
        for node in site.expected:
            for text, _ in self.evaluator.texts(node, site.scope, site.order):
                place, known = locate(text, self.evaluator.application.workdir) or ("", False)
                if known and place.startswith("/") and is_within(path, place):
                    return place
        return ""

    def _opens_to_write(self, mode: ast.expr | None, site: Site) -> bool:
        if mode is None:
            return False
        if not isinstance(mode, ast.Constant) and _FLAGS.search(ast.unparse(mode)):
            return True
        texts = self.evaluator.texts(mode, site.scope, site.order)
        return any(len(text) <= 6 and _WRITING.search(text.partition("|")[0]) for text, _ in texts)

    def _docker(self, known: Call, name: str, site: Site, call: ast.Call) -> Iterator[Claim]:
        """Evidence in a client of docker, unless it gets the address of another one than this machine's."""
        node = argument_of(call, known.argument, known.keyword) if known.keyword else None
        found = self.evaluator.texts(node, site.scope, site.order) if node is not None else ()
        if not any(is_remote(text) for text, _ in found):
            yield self._evidence(Kind.DOCKER, name, site)

    def _port(self, known: Call, site: Site, call: ast.Call) -> Iterator[Claim]:
        node = argument_of(call, known.argument, known.keyword)
        if node is None:
            return
        for one in self.evaluator.values(node, site.scope, site.order):
            for number, certain in _numbers(one):
                if 0 < number < 1024:
                    yield self._evidence(Kind.PORT, str(number), site, certain=certain)

    def _command(self, known: Call, site: Site, call: ast.Call) -> Iterator[Claim]:
        if any(one.arg in _ACCOUNTS and not _is_none(one.value) for one in call.keywords):
            yield self._evidence(Kind.ROOT, "another user's process", site, certain=not site.guarded)
        for one in self._started(known, site, call):
            self._launch(one, site, call)
            yield from self._written_by(one, site, call)
            for words in _commands(one):
                yield from self._program(words, one, site, call)

    def _started(self, known: Call, site: Site, call: ast.Call) -> Iterable[Value]:
        """The possible command lines that a call starts: strings, or the words of a list."""
        if known.spread or known.before:
            words = positional(call)[known.argument :]
            if not known.spread:
                words = words[:1]
            before = tuple((Value(word),) for word in known.before)
            values = (self.evaluator.values(word, site.scope, site.order) for word in words)
            return (Value((*before, *values)),)
        given = arguments(call)[known.argument :]
        return self.evaluator.values(given[0], site.scope, site.order) if given else ()

    def _launch(self, command: Value, site: Site, call: ast.Call) -> None:
        """Note a command line that a call starts; a string is the script of a shell."""
        content = command.content
        if not isinstance(content, str | tuple):
            return
        words = ("sh", "-c", content) if isinstance(content, str) else _words(content)
        text, _ = self._places(site, call)[0]
        place = join_path(self.evaluator.application.workdir, text)
        part = site.scope.part
        is_certain = command.certain and not (site.guarded or site.may_fail)
        self.launches.append(Launch(words, place, part.module.file, part.line_of(site.node), is_certain))

    def _program(self, words: Sequence[str], line: Value, site: Site, call: ast.Call) -> Iterator[Claim]:
        """Evidence in the program that a command of a command line starts."""
        name = posixpath.basename(words[0])
        if name in self.catalogue.commands and not self.catalogue.only_asks(name, words[1:]):
            yield self._evidence(Kind.ROOT, name, site, certain=line.certain and not site.guarded)
        elif installer := find_installer(words):
            yield self._evidence(Kind.INSTALL, installer, site, certain=line.certain)
        elif writes_where_it_runs(words):
            yield from self._works(site, call)

    def _written_by(self, line: Value, site: Site, call: ast.Call) -> Iterator[Claim]:
        """Evidence in what a command line writes, by the tables of commands."""
        script = _script(line)
        if script is None:
            return
        for text, is_sure in self._places(site, call):
            place = locate(text, self.evaluator.application.workdir)
            cwd = place[0] if place is not None and all(place) else NOWHERE
            is_certain = line.certain and is_sure and not (site.guarded or site.may_fail)
            for one in walk_script(script, cwd, {}):
                certain = is_certain and not one.command.optional
                is_known = one.command.program in self.catalogue.files
                command = one.command if is_known else replace(one.command, name=None)
                for operation in effect(command, one.env, one.cwd, "~").operations:
                    path = written_at(operation)
                    if path and not path.startswith(NOWHERE):
                        is_made = operation.act is Act.MAKE
                        yield from self._located(path, site, certain, directory=is_made)

    def _places(self, site: Site, call: ast.Call) -> tuple[tuple[str, bool], ...]:
        """(path, certain) of where a command runs: in `cwd=`, or the working directory."""
        place = argument_of(call, 99, "cwd")
        return ((".", True),) if place is None else self.evaluator.texts(place, site.scope, site.order)

    def _works(self, site: Site, call: ast.Call) -> Iterator[Claim]:
        """Evidence in a command that writes where it runs."""
        for text, _ in self._places(site, call):
            yield from self._located(text, site, certain=False, directory=True)

    def _home(self, known: Call, site: Site, call: ast.Call) -> Iterator[Claim]:
        for keyword in known.overrides:
            node = argument_of(call, 99, keyword)
            if node is not None:
                for text, certain in self.evaluator.texts(node, site.scope, site.order):
                    yield from self._located(text, site, certain, directory=True)
                return
        moved = [value for name in known.variables for value in self.evaluator.application.variable(name)]
        if moved:
            for one in moved if not known.reads else ():
                yield from self._located(str(one.content), site, one.certain, directory=True)
            return
        first = argument_of(call, 0)
        found = self.evaluator.texts(first, site.scope, site.order) if first is not None else ()
        texts = [one for one in found if one[0] != HOLE]
        if texts and all(text.startswith(("/", "./", "../")) for text, _ in texts):
            return  # a model that is in the image
        # A single word may name a directory next to the program, or a model.
        local = first is not None and not texts and _NAMES_PLACE.match(name_of(first)) is not None
        local = local or (
            any(re.fullmatch(r"[A-Za-z_]+", text) for text, _ in texts) and "huggingface" in known.path
        )
        yield self._evidence(Kind.HOME, known.path, site, certain=not local, directory=True)

    def _dict(self, site: Site, node: ast.Dict) -> Iterator[Claim]:
        """Evidence in dictionaries: the handlers of logging, Django's databases and caches, settings."""
        pairs = zip(map(text_of, node.keys), node.values, strict=True)
        items = {key: value for key, value in pairs if key is not None}
        for key in self.catalogue.settings.keys() & items.keys():
            yield from self._setting(key, Binding(site.scope, site.order, items[key]))
        for key, value in items.items():
            if key not in _FORMATS:
                yield from self._output(key, value, site)
        target = ""
        if "filename" in items and self._says(items.get("class") or items.get("()"), "FileHandler", site):
            target = "filename"
        elif "NAME" in items and self._says(items.get("ENGINE"), "sqlite3", site):
            target = "NAME"
        elif "LOCATION" in items and self._says(items.get("BACKEND"), "FileBasedCache", site):
            target = "LOCATION"
        if target:
            for text, certain in self.evaluator.texts(items[target], site.scope, site.order):
                if text != ":memory:":
                    yield from self._located(text, site, certain, directory=target == "LOCATION")

    def _says(self, node: ast.expr | None, word: str, site: Site) -> bool:
        if node is None:
            return False
        return any(word in text for text, _ in self.evaluator.texts(node, site.scope, site.order))

    def _comparison(self, site: Site, node: ast.Compare) -> Iterator[Claim]:
        """Evidence in `os.geteuid() == 0`: the program checks whether it runs as root."""
        if isinstance(node.left, ast.Call) and len(node.comparators) == 1:
            reference = self.evaluator.reference(node.left.func, site.scope, site.order)
            other = node.comparators[0]
            if (
                reference
                and reference.name in ("os.geteuid", "os.getuid")
                and isinstance(other, ast.Constant)
                and other.value == 0
            ):
                yield self._evidence(Kind.ROOT, f"{reference.name}() compared with 0", site, certain=False)

    def _settings(self, part: Part) -> Iterator[Claim]:
        """Evidence in settings that a framework uses as paths to write to."""
        scopes = [part.top, *part.classes.values()]
        bound = [(name, one) for scope in scopes for name, found in scope.bindings.items() for one in found]
        bound += [(name, one) for name, found in part.keys.items() for one in found]
        for name, binding in bound:
            yield from self._setting(name, binding)

    def _setting(self, name: str, binding: Binding) -> Iterator[Claim]:
        kind = self.catalogue.settings.get(name, "")
        if binding.value is None or not (kind or _is_url(binding.value)):
            return
        for one in self.evaluator.bound(binding):
            if not isinstance(one.content, str):
                continue
            is_url = not kind or "DATABASE" in name
            text = locate_database(one.content) if is_url else one.content
            certain = one.certain and (kind != "collected" or self.collects)
            site = Site(binding.value, binding.scope, 0)
            is_directory = kind in ("directories", "collected")
            yield from self._located(text, site, certain, directory=is_directory)

    def _evidence(
        self, kind: Kind, what: str, site: Site, *, certain: bool = True, directory: bool = False
    ) -> Claim:
        part = site.scope.part
        return Claim(kind, what, part.module.file, part.line_of(site.node), certain, directory)


def _overrides(known: Iterable[Call]) -> set[str]:
    return {name for one in known for name in one.overrides}


def _insists(call: ast.Call, site: Site) -> bool:
    """Whether a call fails if the directory exists already."""
    if called_name(call) not in ("mkdir", "makedirs") or argument_of(call, 99, "exist_ok") is not None:
        return False
    return not site.guarded and _ASKS.search(site.scope.part.statement.text) is None


def _is_raw(node: ast.expr) -> bool:
    return name_of(node) in ("SOCK_RAW", "AF_PACKET")


def _is_url(node: ast.expr) -> bool:
    """Whether an expression contains the URL of a SQLite file."""
    if isinstance(node, ast.JoinedStr):
        return any(map(_is_url, node.values))
    if isinstance(node, ast.Call):
        return any(map(_is_url, arguments(node)))
    text = text_of(node)
    return text is not None and _SQLITE.search(text) is not None


def _numbers(value: Value) -> Iterator[tuple[int, bool]]:
    """(port, certain) of each port in a number, "host:port" or (host, port)."""
    content = value.content
    if isinstance(content, int):
        yield content, value.certain
    elif isinstance(content, str) and (match := _PORT.match(content.replace(HOLE, ""))):
        yield int(match[1]), value.certain
    elif isinstance(content, tuple) and len(content) >= 2:
        for one in content[1]:
            yield from _numbers(one)


def _is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def _script(value: Value) -> Script | None:
    """The script in a command line, which is a string or a list."""
    if isinstance(value.content, str):
        return parse_script(value.content)
    if isinstance(value.content, tuple) and value.content:
        return Script((parse_words(_words(value.content)),), True)
    return None


def _words(content: Sequence[Values]) -> tuple[str, ...]:
    """The words of a command; the unknown parts are a HOLE, and `sys.executable` is Python."""
    found = (one[0].content if one else HOLE for one in content)
    return tuple(
        "python" if one == _INTERPRETER else str(one) if isinstance(one, str | int) else HOLE for one in found
    )


def _commands(value: Value) -> Iterator[list[str]]:
    """The words of each command in a command line, which is a string or a list."""
    if isinstance(value.content, tuple):
        words = list(_words(value.content))
        if words:
            yield words
        if len(words) > 2 and words[1] in ("-c", "-lc") and not words[0].startswith("python"):
            yield from _commands(Value(words[2]))
    elif isinstance(value.content, str):
        for command in re.split(r"&&|\|\|?|;|\n", value.content):
            words = command.split()
            while words and re.match(r"\w+=", words[0]):
                del words[0]
            if words:
                yield words
