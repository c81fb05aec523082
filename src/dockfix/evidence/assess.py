"""What the evidence implies for one image: directories to own, refusals, reviews and notes."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import takewhile
from typing import Final, NamedTuple

from dockfix.checks import codes
from dockfix.checks.owner_commands import user_to_give
from dockfix.context import Deployment
from dockfix.edits import Edit
from dockfix.evidence.build_scripts import describe_script, find_filled_caches, read_runs
from dockfix.evidence.capabilities import find_capability_findings
from dockfix.evidence.claims import Claim, Kind
from dockfix.evidence.closed_files import find_closed_sources
from dockfix.evidence.contradictions import find_contradictions, hides_mount
from dockfix.evidence.docker_socket import is_remote
from dockfix.evidence.image_files import Layout, read_layout
from dockfix.evidence.installed import find_installed
from dockfix.evidence.landings import Landing
from dockfix.evidence.lessons import find_learned_caches, find_learned_reads
from dockfix.evidence.outputs import is_directory, is_output
from dockfix.evidence.python.catalogue import load_catalogue
from dockfix.evidence.python.constants import HOLE, Value, Values
from dockfix.evidence.python.sources import Reading, read_start
from dockfix.evidence.python.start import Start, StartReader, expand_words
from dockfix.evidence.sagemaker import find_started_folders
from dockfix.evidence.volumes import Written, find_mount_points, find_volume_findings, find_written
from dockfix.lazy import cached_property
from dockfix.model.copies import find_volumes
from dockfix.model.evidence import Evidence, Launch
from dockfix.model.filetree import BASE, each
from dockfix.model.filetree import Kind as NodeKind
from dockfix.model.operations import Act
from dockfix.model.ownership import owns
from dockfix.model.paths import (
    NOWHERE,
    is_below_any,
    is_ownable,
    is_root_home,
    is_shared,
    is_system_directory,
    is_within,
    resolve,
)
from dockfix.model.plan import Plan
from dockfix.model.roothome import find_moves
from dockfix.model.scripts import PYTHON, is_shell_script
from dockfix.model.starting import StartedCommand, Starting
from dockfix.results import Finding
from dockfix.syntax.parser import reparse
from dockfix.syntax.shell import parse_words
from dockfix.syntax.tree import Dockerfile

SHOWN: Final = 3
_OUTPUT: Final = ("/dev/stdout", "/dev/stderr")
_OF_DATA: Final = re.compile(r"(?<!JAVA)(?<!CUDA)_HOME$|_(?:CACHE|TRACKING_URI|INSTALL_PATH)$")


class ReadApplication(NamedTuple):
    """What was found in an application's sources, and where they are in the image.

    `path` is the file name of the Dockerfile, for findings about its own lines.
    """

    layout: Layout
    path: str
    reading: Reading


def read_application(plan: Plan) -> ReadApplication:
    """Read the application that the original file's image starts."""
    path = _file_name(plan)
    starts = {one.index: one.image.workdir or "/" for one in plan.stages if one.parent is None}
    # If the image gets a working directory, paths that were relative to / are relative to that.
    root = plan.workdir if plan.relocates else "/"
    starts |= {plan.lineage.stages[0].index: root} if plan.relocates else {}
    layout = read_layout(
        _with_moved_home(plan), plan.context.read, plan.context.names, plan.context.file or path,
        plan.lineage.final.index, starts, root, dict(plan.options.arguments),
        overrides=plan.options.overrides,
    )  # fmt: skip
    # What a copy brings comes before what a mount brings in its place.
    installed = list(find_installed(plan, layout))
    landings = [*_find_mounted(plan, layout), *layout.final.landings, *installed]
    sites = tuple(dict.fromkeys(one.destination for one in installed))
    running = replace(layout, final=replace(layout.final, landings=landings), sites=sites)
    reader = StartReader(running, path, plan.starting.other_variables, partial(_find_program, plan.starting))
    start = reader.read()
    for one in plan.starting.deployed:
        start = reader.follow(parse_words(one.words), one.by.line, one.workdir, one.by.file)
    if not start.is_known:
        # Scripts that steps of the build write, and shells that only the replay understands.
        for called in plan.starting.commands:
            known = {name: value for name, value in called.invocation.env.items() if name != "HOME"}
            words = expand_words(called.command, known)
            start = reader.follow(parse_words(words), called.line, called.invocation.cwd)
    if place := _entered(plan, start, layout.workdir):
        running = replace(running, final=replace(running.final, workdir=place))
    reading = read_start(running, start, plan.tree.text, _environment(plan))
    others = (*_read_elsewhere(plan, running, path), *_read_checks(plan, running, path))
    elsewhere = dict.fromkeys((*reading.claims, *others))
    return ReadApplication(layout, path, replace(reading, claims=tuple(elsewhere)))


def _find_program(starting: Starting, name: str) -> tuple[str, str] | None:
    """(path, text) of a program of the image that can be read."""
    path = starting.find_program(name)
    text = starting.read(path) if path is not None else None
    return None if path is None or text is None else (path, text)


def _read_elsewhere(plan: Plan, running: Layout, path: str) -> Iterator[Claim]:
    """What the starts of deployments that set another working directory do there."""
    deployed = [one for one in plan.starting.deployed if one.by.workdir not in ("", running.workdir)]
    for place in sorted({one.workdir for one in deployed}):
        there = replace(running, final=replace(running.final, workdir=place))
        reader = StartReader(there, path, plan.starting.other_variables)
        for one in deployed:
            if one.workdir == place:
                reader.follow(parse_words(one.words), one.by.line, place, one.by.file)
        yield from read_start(there, reader.start, plan.tree.text, _environment(plan)).claims


def _read_checks(plan: Plan, running: Layout, path: str) -> Iterator[Claim]:
    """What the code of health checks and hooks does."""
    reader = StartReader(running, path)
    for one in plan.starting.checks:
        reader.follow(one.command, one.line, one.invocation.cwd, one.where.rpartition(":")[0])
    if reader.start.is_known:
        yield from read_start(running, reader.start, plan.tree.text, _environment(plan)).claims


def _entered(plan: Plan, start: Start, workdir: str) -> str:
    """The one directory where a start script certainly runs all of the code, "" for the image's own."""
    places = {one.by.workdir for one in start.named} | {one.by.workdir for one in start.codes}
    place = places.pop() if len(places) == 1 else workdir
    reached = {one.invocation.cwd for one in plan.starting.commands}
    return place if place != workdir and place in reached and NOWHERE not in reached else ""


def _with_moved_home(plan: Plan) -> Dockerfile:
    """The Dockerfile in which what moves from root's home to the account's has moved."""
    moves = [(one.at(start), one.after(start + len("/root"))) for one, start in find_moves(plan)]
    edits = [Edit(start, end, plan.home) for start, end in moves]
    return reparse(plan.tree, edits) if edits and plan.home.strip("/") else plan.tree


def _find_mounted(plan: Plan, layout: Layout) -> Iterator[Landing]:
    """The folders of the build context that a deployment mounts, as where their files stand in the image."""
    for one in plan.context.deployments:
        context = _context_of(one, plan.context.file)
        for mount in one.mounts if context is not None else ():
            place = posixpath.normpath(mount.target.value)
            source = posixpath.normpath(posixpath.join(posixpath.dirname(one.file), mount.source))
            inside = posixpath.relpath(source, context or ".")
            if mount.source.startswith(".") and place.startswith("/") and not inside.startswith(".."):
                is_tree = inside == "." or layout.exists(f"{inside}/")
                yield Landing(inside, place, is_tree)


def _context_of(one: Deployment, file: str) -> str | None:
    """The build context of a deployment in the repository, by the path of its Dockerfile in the context."""
    file = file or posixpath.basename(one.dockerfile)
    if not one.dockerfile or not f"/{one.dockerfile}".endswith(f"/{file}"):
        return None
    return one.dockerfile[: -len(file)].rstrip("/")


def collect_evidence(plan: Plan) -> Evidence:
    """Collect evidence about the original file's image from its sources and its deployments."""
    layout, path, reading = read_application(plan)
    mounted = tuple(_find_mounted(plan, layout))
    found = _Assessment(plan, reading, layout, mounted)
    written = found.directories
    home = plan.home if plan.home.strip("/") else ""
    hidden = _hidden_in_home(plan, home)
    volumes = find_volume_findings(plan, layout, found.written, written, mounted)
    runs = tuple(read_runs(plan, layout, path))
    filled = {*find_filled_caches(plan, runs), *find_learned_caches(plan)}
    return Evidence(
        written,
        found.writes,
        found.mount_points,
        frozenset(filled),
        found.is_complete,
        reading.names,
        reading.tools,
        (*found.refusals(), *volumes.refusals),
        (
            *found.reviews(),
            *hidden,
            *volumes.reviews,
            *find_capability_findings(plan),
            *find_learned_reads(plan),
        ),
        (
            *found.notes(),
            *_contradictions(plan, home, (*written, *found.mount_points), hidden),
            *volumes.notes,
        ),
        reading.mentions,
        tuple(describe_script(plan, layout, one) for one in runs),
        tuple(found.places()) if plan.options.read_only else (),
        find_closed_sources(plan, layout, found.writes),
        tuple(_find_launches(plan, reading)),
        reading.imports,
    )


def _find_launches(plan: Plan, reading: Reading) -> Iterator[Launch]:
    """The commands that the code certainly starts; unknown words after a shell script are dropped.

    Python is left out: what it runs is read as part of the application.
    """
    for one in reading.launches:
        known = takewhile(lambda word: HOLE not in word, one.words)
        words = tuple(_locate_script(plan, word, one.workdir) for word in known)
        if not words or not one.is_certain or PYTHON.fullmatch(words[0]):
            continue
        if len(words) == len(one.words) or _is_script(plan, words[-1]):
            yield replace(one, words=words)


def _locate_script(plan: Plan, word: str, workdir: str) -> str:
    """The absolute path of a shell script of the image that a word names, any other word unchanged."""
    path = resolve(word, workdir)
    return path if _is_script(plan, path) else word


def _is_script(plan: Plan, path: str) -> bool:
    text = plan.starting.read(path)
    return text is not None and is_shell_script(text)


def _environment(plan: Plan) -> dict[str, Values]:
    """The variables at the start: certain if the image sets them, uncertain if a deployment may."""
    found: dict[str, Values] = {name: (Value(value),) for name, value in plan.starting.variables.items()}
    for name, value in plan.starting.other_variables:
        found[name] = (*found.get(name, ()), Value(value, certain=False))
    return found


class _Assessment:
    """The claims about one application, except for what its Dockerfile shows already."""

    def __init__(self, plan: Plan, reading: Reading, layout: Layout, mounted: Sequence[Landing]) -> None:
        self.plan = plan
        self.reading = reading
        self.layout = layout
        self.mounted = mounted
        self.line = plan.starting.steps[-1].instruction.line if plan.starting.steps else 0
        known = {path for path, _ in plan.starting.written}
        learned = _stated(plan.options.learned.writes, "a proof")
        stated = (*_stated(plan.options.writes, "the option writes"), *learned)
        guesses = (one for one in reading.guesses if _is_free(plan, one.directory))
        claims = (*reading.claims, *stated, *_find_named_by_variables(plan, self.line), *guesses)
        claims = tuple(one for one in claims if not one.only_in or self._may_stand(one.only_in))
        self.claims = [one for one in claims if one.what not in known or not one.what]
        self.outside = [one for one in self.claims if self._is_outside(one)]

    def _may_stand(self, path: str) -> bool:
        """Whether a path that the code looks for may be there at the start: the image has it, or a mount.

        Of a base's directories only those that it is known to have count.
        """
        tree = self.plan.rehearsal.end
        at = tree.follow(path)
        if tree.exists(at) or any(node.origin != BASE for node in each(tree.look(at))):
            return True
        places = [mount.target.value for one in self.plan.context.deployments for mount in one.mounts]
        places += [place for _, place in find_volumes(self.plan.lineage)]
        return any(is_within(path, place) or is_within(place, path) for place in places)

    def _is_outside(self, one: Claim) -> bool:
        """Whether a claim is a write to a known path that the user does not own anyway."""
        if one.kind is not Kind.WRITE or not one.what or is_shared(one.directory):
            return False
        if is_below_any(one.directory, self.plan.own_directories) or self._leads_to_stdout(one.what):
            return False
        return not owns(self.plan, one.directory) and not self._is_brought(one.directory)

    def _leads_to_stdout(self, path: str) -> bool:
        """Whether a path is a link to the output of the process, as `ln -sf /dev/stdout app.log` makes it."""
        nodes = self.plan.rehearsal.end.look(path)
        return all(one.kind is NodeKind.LINK and one.target in _OUTPUT for one in nodes)

    def _is_brought(self, directory: str) -> bool:
        """Whether an unlisted directory is made by a copy, or in one, that the user owns with its top."""
        if directory in self.plan.rehearsal.end.listed():
            return False
        tops = {copy.destination for copy in self.plan.owned_copies if copy.stage is not None}
        return any(is_within(directory, top) and owns(self.plan, top) for top in tops)

    @property
    def is_complete(self) -> bool:
        """Whether the whole application was read, and all its writes go to known paths."""
        reading = self.reading
        unknown = any(one.kind is Kind.WRITE and not one.what for one in self.claims)
        return (
            bool(reading.modules)
            and reading.start_known
            and not (reading.is_cut or reading.unread or unknown)
        )

    @cached_property
    def directories(self) -> tuple[str, ...]:
        """The directories that the user must own."""
        found = (
            one.directory for one in self.outside if self._is_met(one) and self._can_be_given(one.directory)
        )
        return tuple(sorted(set(found)))

    def _is_met(self, one: Claim) -> bool:
        """Whether the start can reach a write; a name with several values may have any of them."""
        return one.certain or self.reading.start_known

    @property
    def writes(self) -> tuple[str, ...]:
        """The paths that the user must be able to write, except those that only root can."""
        closed = self.closed
        found = (
            f"{one.directory}/" if one.is_directory else one.what
            for one in self.claims
            if one.kind is Kind.WRITE and one.certain and one.what.startswith("/") and one not in closed
        )
        return tuple(sorted(set(found)))

    @property
    def may_write(self) -> Iterator[str]:
        """The known paths that the start may write to, including those that the user owns."""
        return (one.what for one in self.claims if one.kind is Kind.WRITE and self._is_met(one))

    @cached_property
    def written(self) -> Written:
        """What the image writes or may write, for the findings about mounts."""
        return find_written(self.plan, self.may_write, self.reading.texts, is_complete=self.is_complete)

    @cached_property
    def mount_points(self) -> tuple[str, ...]:
        """The directories that the image needs for its volumes, and that the user must own."""
        return find_mount_points(self.plan, self.layout, self.written, self.mounted)

    def places(self) -> Iterator[tuple[str, str]]:
        """(path, `FILE:LINE`) of all that the start may write; a trailing slash stands for a directory."""
        for one in self.claims:
            if one.kind in (Kind.WRITE, Kind.HOME) and one.what and self._is_met(one):
                yield f"{one.directory}/" if one.is_directory else one.what, _place(one)

    @cached_property
    def closed(self) -> list[Claim]:
        """Certain writes to paths that cannot be given to the user."""
        return [one for one in self.outside if one.certain and not self._can_be_given(one.directory)]

    def _can_be_given(self, directory: str) -> bool:
        has_shell = self.plan.lineage.image.account_command != "none"
        is_free = is_ownable(directory) and not is_system_directory(directory)
        return has_shell and (is_free or is_below_any(directory, self.mount_points))

    def refusals(self) -> Iterator[Finding]:
        """Findings about what certainly needs root."""
        for one in self.reading.needs_root[:1]:
            help = (
                "do that at build time, above USER"
                if one.what in load_catalogue().commands
                else "leave it as root, or remove that code"
            )
            yield Finding(codes.NEEDS_ROOT_PROCESS, self.line, f"{_place(one)} needs root: {one.what}", help)

    def reviews(self) -> Iterator[Finding]:
        """Findings about certain writes to paths where only root can write, and about low ports."""
        closed = self.closed
        in_home = [one for one in closed if is_root_home(one.directory)]
        if in_home:
            yield Finding(
                codes.USES_ROOT_HOME, self.line,
                f"{_fold(in_home)}: in root's home, which no other user can enter",
                "write below the working directory or the user's home",
            )  # fmt: skip
        if elsewhere := [one for one in closed if one not in in_home]:
            yield Finding(
                codes.WRITES_TO_SYSTEM_DIRECTORY, self.line, f"{_fold(elsewhere)}: only root can write there",
                "use a directory that the user owns",
            )  # fmt: skip
        if self._is_unstarted():
            yield Finding(
                codes.UNREAD_ENTRYPOINT, self.line,
                "nothing that was read says which of the image's modules the start runs",
                "check what it writes, and that it does not need root",
            )  # fmt: skip
        for one in self.missing[:1]:
            yield Finding(
                codes.UNREAD_ENTRYPOINT, self.line,
                f"{one.what}, which {_place(one)} starts, is not in the build context",
                "check what it writes, and that it does not need root",
            )  # fmt: skip
        for one in [one for one in self.claims if one.kind is Kind.FETCHED][:1]:
            yield Finding(
                codes.UNREAD_ENTRYPOINT, self.line,
                f"{one.what}, which {_place(one)} starts, is fetched by a step, and was not read",
                "check what it writes, and that it does not need root",
            )  # fmt: skip
        for one in [one for one in self.claims if one.kind is Kind.INSTALL][:1]:
            yield Finding(
                codes.DENIED_TO_USER, self.line,
                f"{_place(one)} installs packages with {one.what}, where the user may not",
                "install them at build time",
            )  # fmt: skip
        yield from self._of_other_owners()
        for one in self._ports(certain=True)[:1]:
            yield Finding(
                codes.LOW_PORT, self.line, f"{_place(one)} opens port {one.what}, which is below 1024",
                "Docker allows it (20.10 and later), other runtimes may not",
            )  # fmt: skip
        if self.reading.is_cut:
            yield Finding(
                codes.EVIDENCE_CUT, self.line, "the application is large: not all of its sources were read",
                "--verify runs the whole application",
            )  # fmt: skip

    def _of_other_owners(self) -> Iterator[Finding]:
        """Findings about uses of what the image is given when it is started."""
        if talking := self.talking_to_docker:
            yield Finding(
                codes.FOREIGN_OWNER, self.line,
                f"talks to docker, whose socket belongs to root and to a group of the host: {_fold(talking)}",
                "give the container that group (group_add, --group-add), or leave it as root",
            )  # fmt: skip
        if mounted := self.from_sagemaker:
            yield Finding(
                codes.FOREIGN_OWNER, self.line,
                f"uses folders that SageMaker mounts, and it expects images to run as root: {_fold(mounted)}",
                "leave it as root, unless SageMaker never runs it",
            )  # fmt: skip

    def _is_unstarted(self) -> bool:
        """Whether the image has modules of the build context, and the start is not known to run any."""
        reading, context = self.reading, self.plan.context
        if reading.start_known or reading.names_code or context.is_alone or not self.plan.starting.steps:
            return False
        return self.layout.has_modules and any(map(self._runs_something_else, self.plan.starting.commands))

    def _runs_something_else(self, one: StartedCommand) -> bool:
        """Whether a command may run code that was not found; a script of the image is read itself."""
        if _is_script(self.plan, resolve(one.command.program, one.invocation.cwd)):
            return False
        operations = one.invocation.effect(self.plan.home).operations
        return any(operation.act in (Act.CODE, Act.UNKNOWN) for operation in operations)

    @property
    def talking_to_docker(self) -> list[Claim]:
        """The uses of docker's socket, unless the environment names a server."""
        given = (*self.plan.starting.variables.items(), *self.plan.starting.other_variables)
        if any(name == "DOCKER_HOST" and is_remote(value) for name, value in given):
            return []
        return [one for one in self.claims if one.kind is Kind.DOCKER and self._is_met(one)]

    @property
    def from_sagemaker(self) -> list[Claim]:
        """The uses of what SageMaker mounts, by the sources and by the start's command lines."""
        named = (one for one in self.reading.claims if one.kind is Kind.PLATFORM)
        return [*named, *find_started_folders(self.plan, _file_name(self.plan), self.line)]

    @property
    def missing(self) -> list[Claim]:
        """Started code that is in no file; for a lone file, nothing around it is known."""
        if self.plan.context.is_alone:
            return []
        return [one for one in self.claims if one.kind is Kind.MISSING]

    def _ports(self, *, certain: bool) -> list[Claim]:
        text = self.plan.tree.text
        # A number that a deployment gives in a variable is certain, even if the image has a default.
        given = {value.rpartition(":")[2] for _, value in self.plan.starting.other_variables}
        ports = (one for one in self.claims if one.kind is Kind.PORT)
        ports = (one for one in ports if (one.certain or one.what in given) is certain)
        return [one for one in ports if f" {one.what}" not in text and f":{one.what}" not in text]

    def notes(self) -> Iterator[Finding]:
        """Findings about what is uncertain, one for each kind."""
        given = self.directories
        if perhaps := [one for one in self.outside if not one.certain and one.directory not in given]:
            yield Finding(
                codes.MAY_WRITE, self.line, f"may be written: {_fold(perhaps)}",
                "if so, give the directory to the user above USER",
            )  # fmt: skip
        unknown = [one for one in self.claims if one.kind is Kind.WRITE and not one.what]
        if unknown and self.reading.start_known:
            yield Finding(
                codes.UNKNOWN_PLACE, self.line, f"writes to an unknown path: {_fold(unknown)}",
                "check that the user can write there",
            )  # fmt: skip
        if root := [one for one in self.claims if one.kind is Kind.ROOT and not one.certain]:
            yield Finding(
                codes.MAY_NEED_ROOT,
                self.line,
                f"may need root: {_fold(root)}",
                "check whether that code runs",
            )
        if ports := self._ports(certain=False):
            yield Finding(
                codes.LOW_PORT, self.line, f"may open a port below 1024: {_fold(ports)}",
                "some runtimes reserve such ports for root",
            )  # fmt: skip


def _stated(paths: Iterable[str], by: str) -> Iterator[Claim]:
    for path in paths:
        yield Claim(Kind.WRITE, path, by, 0, is_directory=path.endswith("/"))


def _file_name(plan: Plan) -> str:
    """The Dockerfile's own name, for claims about its lines."""
    return posixpath.basename(plan.context.path) or "Dockerfile"


def _find_named_by_variables(plan: Plan, line: int) -> Iterator[Claim]:
    """What variables name as a place of the program's data, where nothing is yet and no step works."""
    path = _file_name(plan)
    texts = [run.text for run in plan.runs.values()]
    for name, value in (*plan.starting.variables.items(), *plan.starting.other_variables):
        place = value.removeprefix("file://").rstrip("/")
        is_data = _OF_DATA.search(name) is not None
        if not place.startswith("/") or not (is_data or is_output(name)) or not _is_free(plan, place):
            continue
        if not any(name in text or place in text for text in texts):
            is_known = plan.starting.variables.get(name) == value
            yield Claim(Kind.WRITE, place, path, line, is_known, is_data or is_directory(name))


def _is_free(plan: Plan, place: str) -> bool:
    """Whether nothing is at a path, and a directory may be made and given there that is written to."""
    if not is_ownable(place) or is_system_directory(place) or _is_read_only(plan, place):
        return False
    return all(one.kind is NodeKind.ABSENT for one in plan.rehearsal.end.look(place))


def _is_read_only(plan: Plan, place: str) -> bool:
    """Whether deployments mount something at a path, or around it, and always so that nobody can write."""
    mounts = (mount for one in plan.context.deployments for mount in one.mounts)
    found = [mount.read_only for mount in mounts if is_within(place, mount.target.value)]
    return bool(found) and all(found)


def _place(one: Claim) -> str:
    return f"{one.file}:{one.line}" if one.line else one.file


def _fold(claims: Sequence[Claim]) -> str:
    """The first few claims with their places, and how many more.

    Alternatives on one line are joined by "or".
    """
    by_line: dict[str, list[str]] = {}
    for one in claims:
        by_line.setdefault(_place(one), []).append(one.what)
    shown: dict[str, str] = {}
    for place, found in by_line.items():
        what = " or ".join(dict.fromkeys(filter(None, found)))
        shown.setdefault(what or place, f"{what} ({place})" if what else place)
    more = f" and {len(shown) - SHOWN} more" if len(shown) > SHOWN else ""
    return ", ".join(list(shown.values())[:SHOWN]) + more


def _hidden_in_home(plan: Plan, home: str) -> list[Finding]:
    """Findings for deployments as the image's own user with mounts below /root, or with it as HOME."""
    hiding = [one for one in plan.context.deployments if hides_mount(one)]
    if not hiding:
        return []
    contradictions = find_contradictions(hiding, user=user_to_give(plan), home=home)
    found = [finding for finding in contradictions if finding.code == codes.MANIFEST_MOUNT.name]
    homes = ((one.place, dict(one.environment).get("HOME", "")) for one in hiding)
    found += (
        Finding(
            codes.USES_ROOT_HOME, 0, f"{place} sets HOME to {value}, which no other user can enter",
            "remove that setting",
        )
        for place, value in homes
        if is_root_home(value)
    )  # fmt: skip
    return found


def _contradictions(
    plan: Plan, home: str, written: Iterable[str], hidden: Iterable[Finding]
) -> Iterator[Finding]:
    """Findings for deployments that contradict the rewrite, without those already reported as hidden."""
    if plan.context.deployments:
        account = plan.account
        user = account.ids if account.numeric else account.name
        known = {finding.message for finding in hidden}
        found = find_contradictions(plan.context.deployments, user=user, home=home, written=written)
        yield from (finding for finding in found if finding.message not in known)
        asking = [one for one in plan.context.deployments if one.needs_number and one.non_root]
        if account.numeric and asking and asking[0].non_root:
            where = asking[0].at(asking[0].non_root)
            yield Finding(codes.NUMERIC_USER, 0, f"{where} sets runAsNonRoot, so USER is a number")
