"""Build an original and its rewrite, run both, compare them, and reach a verdict."""

from __future__ import annotations

import hashlib
import itertools
import os
import threading
import time
import zlib
from collections.abc import Callable, Iterable, Iterator, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Final

from dockfix.options.request import VerifyOptions
from dockfix.results import Trial
from dockfix.runner.verdict import Details, Difference, Ground, Kind, Observation, Verdict
from dockfix.syntax.parser import parse
from dockfix.syntax.words import image_from
from dockfix.verify.answers import CLOSED_PORTS, find_shown
from dockfix.verify.build_log import (
    cached_installs,
    denials,
    failed_step,
    lacks_image,
    lacks_network,
    read_warnings,
    tail,
)
from dockfix.verify.compare import compare, find_failure, find_ground, judge, judge_repair, names_cause
from dockfix.verify.engine import EngineError, find_engine
from dockfix.verify.images import Build, Source, build_image
from dockfix.verify.inspecting import has_observer
from dockfix.verify.observing import Expected, Observer, find_missing
from dockfix.verify.recipes import Recipe
from dockfix.verify.services import ALONE
from dockfix.verify.session import Session
from dockfix.verify.settings import conceal, read_secrets, read_settings
from dockfix.verify.step_logs import complete

Progress = Callable[[str], None]
_DEFAULT: Final = VerifyOptions()
_OPEN: Final = Recipe()
BUILD_ORIGINAL, RUN_ORIGINAL = "build the original", "run the original"
BUILD_REWRITE, RUN_REWRITE, COMPARE = "build the rewrite", "run the rewrite", "compare"


@dataclass(frozen=True, slots=True)
class Case:
    """One rewrite to prove: both texts, the path of the Dockerfile, and flags for running the rewrite.

    `leaves_root` is False if the rewrite is not meant to leave root, as for pip's warning alone.
    `repairs`: the original already runs as a user, and is expected to fail. `recipe` is how this file is
    built; the options fill in what it leaves open. With `closes_ports`, a proven rewrite is also run
    with ports below 1024 closed to it.
    """

    original: str
    rewritten: str
    dockerfile: Path
    run_flags: tuple[str, ...] = ()
    leaves_root: bool = True
    repairs: bool = False
    recipe: Recipe = _OPEN
    closes_ports: bool = False


@dataclass(frozen=True, slots=True)
class _Built:
    """A build's log, and the observation of its image; None if the build failed, with what may help."""

    log: str
    observation: Observation | None
    help: str = ""


class Prover:
    """A context manager that proves rewrites with one engine, and removes what it created.

    `logs` keeps what build steps printed, as `step_logs` has it. Raises EngineError on entry if no engine
    can be used.
    """

    def __init__(
        self, options: VerifyOptions = _DEFAULT, logs: MutableMapping[str, str] | None = None
    ) -> None:
        self._options = options
        self._logs = {} if logs is None else logs
        self._originals: dict[str, _Built] = {}
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()

    def __enter__(self) -> Prover:
        engine = find_engine(self._options.engine)
        if self._options.builders and engine.name != "docker":
            message = f"engine: {engine.name} does not support builders: use docker, or drop --builder"
            raise EngineError(message)
        settings = read_settings(self._options)
        hidden = read_secrets(self._options)
        self._session = Session(engine).__enter__()
        flags = (*self._options.run_flags, *settings.lay_down(self._session.folder))
        observer = self._options.observer if has_observer(self._session, self._options.observer) else ""
        self._options = replace(self._options, run_flags=flags, observer=observer)
        self._settings = settings.known
        self._hidden = (*settings.known.values(), *hidden)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._session.__exit__(kind, error, trace)

    @property
    def options(self) -> VerifyOptions:
        """How it builds and runs."""
        return self._options

    @property
    def label(self) -> str:
        """The label on every container and image of this session."""
        return self._session.label

    @property
    def folder(self) -> str:
        """The folder of this session, removed when it ends."""
        return self._session.folder

    def prove(self, case: Case, progress: Progress = lambda step: None) -> Verdict:
        """The verdict on one rewrite, with the values of settings and secrets hidden.

        `progress` is called at each step.
        """
        verdict = self._prove(case, progress)
        hidden = (*self._hidden, *case.recipe.company.hidden)
        log, details = conceal((verdict.log_tail, verdict.details), hidden)
        return replace(verdict, log_tail=log, details=details)

    def _prove(self, case: Case, progress: Progress) -> Verdict:
        began = time.monotonic()
        path = str(case.dockerfile)
        engine = self._session.engine
        before = self._original(case, progress)
        if before.observation is None and case.repairs:
            return self._prove_repair(case, failed_step(before.log), progress, began)
        if before.observation is None:
            step = failed_step(before.log)
            help = before.help or self._advise(before.log, case.recipe)
            details = Details(engine.name, step, seconds=_since(began), help=help)
            return Verdict(Kind.ORIGINAL_FAILS, path, BUILD_ORIGINAL, tail(before.log), details)
        progress(BUILD_REWRITE)
        after = self._build(case, case.rewritten, before.observation, progress)
        if after.observation is None:
            return self._conclude_unbuilt(case, before.observation, after.log, began)
        progress(COMPARE)
        failure = find_failure(before.observation) if case.repairs and engine.runs else ""
        if failure:
            return self._conclude_repair(case, failure, after, began)
        verdict = self._conclude(case, before, after, began)
        if verdict.kind is Kind.BREAKS and not names_cause(before.observation, after.observation, verdict):
            verdict = self._conclude_again(case, before, verdict, progress, began)
        return self._close_ports(case, verdict, progress) if case.closes_ports and verdict.proven else verdict

    def _conclude_unbuilt(self, case: Case, before: Observation, log: str, began: float) -> Verdict:
        """The verdict on a rewrite that does not build, which breaks unless its engine has failed it."""
        step, denial = failed_step(log), next(iter(denials(log)), "")
        kind, help = Kind.BREAKS, ""
        reason = f"it no longer builds: {step}{f': {denial}' if denial else ''}"
        if not denial and (lacks_network(log) or lacks_image(log)):
            kind, help = Kind.INCOMPARABLE, self._advise(log, case.recipe)
            reason = f"a step of the rewrite has no network: {step}"
        details = Details(self._session.engine.name, reason, before=before, seconds=_since(began), help=help)
        return Verdict(kind, str(case.dockerfile), BUILD_REWRITE, tail(log), details)

    def _conclude_again(
        self, case: Case, before: _Built, first: Verdict, progress: Progress, began: float
    ) -> Verdict:
        """The verdict on another run of a rewrite that broke for no reason that could be observed.

        An application that sometimes hangs as it starts would otherwise look broken by its rewrite.
        """
        after = self._build(case, case.rewritten, before.observation, progress)
        if after.observation is None:
            return first
        verdict = self._conclude(case, before, after, began)
        seen = Difference("first-run", f"in the first run: {first.details.reason}", breaks=False)
        details = replace(verdict.details, differences=(*verdict.details.differences, seen))
        return replace(verdict, details=details)

    def _close_ports(self, case: Case, verdict: Verdict, progress: Progress) -> Verdict:
        """The verdict on a proven rewrite, after another run in which ports below 1024 are closed to it."""
        flags = (*case.run_flags, *CLOSED_PORTS)
        again = self._prove(replace(case, run_flags=flags, closes_ports=False), progress)
        if not again.proven or again.details.ground is not Ground.ANSWERS:
            return verdict
        shown = (*verdict.details.shown, Trial.ANSWERS_WITH_CLOSED_PORTS)
        return replace(verdict, details=replace(verdict.details, shown=shown))

    def _prove_repair(self, case: Case, failure: str, progress: Progress, began: float) -> Verdict:
        """The verdict on the repair of an original that does not build."""
        progress(BUILD_REWRITE)
        after = self._build(case, case.rewritten, None, progress)
        if after.observation is None:
            details = Details(self._session.engine.name, failure, seconds=_since(began))
            return Verdict(Kind.ORIGINAL_FAILS, str(case.dockerfile), BUILD_REWRITE, tail(after.log), details)
        return self._conclude_repair(case, f"the original does not build: {failure}", after, began)

    def _conclude_repair(self, case: Case, failure: str, after: _Built, began: float) -> Verdict:
        assert after.observation is not None
        kind, reason = Kind.REPAIRED, failure
        if self._session.engine.runs:
            kind, reason = judge_repair(failure, after.observation)
        lines = () if kind is Kind.REPAIRED else after.observation.log_tail
        shown = (Trial.BUILDS, Trial.REPAIRS) if kind is Kind.REPAIRED else ()
        details = Details(
            self._session.engine.name, reason, after=after.observation, seconds=_since(began), shown=shown
        )
        return Verdict(kind, str(case.dockerfile), "" if kind is Kind.REPAIRED else COMPARE, lines, details)

    def observe_again(self, case: Case, after: Observation | None) -> Observation | None:
        """Another observation of the original, with what it reads in root's home.

        What the user of the rewrite, whose observation is `after`, finds in the home of its own is left out.
        """
        recipe = self._recipe(case)
        with self._image(case, case.original, recipe) as (image, built):
            if not built.ok:
                return None
            observer = Observer(self._session, self._options, self._settings, watches_home=True)
            seen = observer.observe(image, company=recipe.company)
        if after is None or not seen.read:
            return seen
        with self._image(case, case.rewritten, recipe) as (image, built):
            missing = find_missing(self._session, image, seen, after) if built.ok else ()
            return replace(seen, read=tuple(missing))

    def prove_all(
        self, cases: Iterable[Case], progress: Callable[[Path, str], None] = lambda path, step: None
    ) -> Iterator[Verdict]:
        """The verdicts in the order of `cases`, `options.jobs` at a time."""

        def one(case: Case) -> Verdict:
            return self.prove(case, lambda step: progress(case.dockerfile, step))

        with ThreadPoolExecutor(max(1, self._options.jobs)) as pool:
            try:
                yield from pool.map(one, cases)
            except BaseException:
                self._session.close()
                pool.shutdown(wait=True, cancel_futures=True)
                raise

    def _conclude(self, case: Case, before: _Built, after: _Built, began: float) -> Verdict:
        assert before.observation is not None
        assert after.observation is not None
        old, new, engine = before.observation, after.observation, self._session.engine
        warned = read_warnings(before.log), read_warnings(after.log, new.path)
        differences: tuple[Difference, ...] = ()
        kind, reason = Kind.INCOMPARABLE, f"{engine.name} cannot run images, so there is nothing to compare"
        if engine.runs:
            differences = compare(old, new, case.leaves_root)
            if not cached_installs(before.log):
                differences += _new_warnings(*warned)
            kind, reason = judge(old, new, differences)
        ground = find_ground(old, new) if kind is Kind.PROVEN else None
        shown = find_shown(kind, ground, old, new)
        details = Details(
            engine.name,
            reason,
            differences,
            *warned,
            old,
            new,
            _since(began),
            ground,
            shown=shown,
            help=_advise_services(case.recipe) if kind is Kind.INCOMPARABLE else "",
        )
        step = "" if kind is Kind.PROVEN else COMPARE
        lines = () if kind is Kind.PROVEN else new.log_tail
        return Verdict(kind, str(case.dockerfile), step, lines, details)

    def _original(self, case: Case, progress: Progress) -> _Built:
        recipe = self._recipe(case)
        parts = [case.original, str(recipe.context), recipe.target or "", repr(dict(recipe.build_args))]
        parts.append(repr(recipe.company))
        key = hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()
        with self._lock:
            known = self._originals.get(key)
        if known is None:
            progress(BUILD_ORIGINAL)
            known = self._build(case, case.original, None, progress)
            with self._lock:
                self._originals[key] = known
        return known

    def _advise(self, log: str, recipe: Recipe) -> str:
        """What may help an original that does not build."""
        if lacks_image(log):
            return "the engine does not have this image and cannot pull it: pull it, or log in, and try again"
        if self._options.build_network is None and lacks_network(log):
            return "give its steps a network that reaches what they need: --build-network host"
        if recipe.left_out:
            return (
                f"give it what the repository does not: --build-arg {' --build-arg '.join(recipe.left_out)}"
            )
        return ""

    def _recipe(self, case: Case) -> Recipe:
        """How the case is built, complete except for the default target."""
        own, options = case.recipe, self._options
        names = stage_names(case.original) if options.targets and not own.target else frozenset()
        wanted = (name for name in options.targets if name.lower() in names)
        return Recipe(
            Path(os.path.abspath(own.context or options.context or case.dockerfile.parent)),
            own.target or next(wanted, None),
            {**own.build_args, **options.build_args},
            company=own.company,
        )

    def _builder(self, case: Case) -> str | None:
        """The builder of a file: always the same one, for its layer cache."""
        builders = self._options.builders
        return builders[zlib.crc32(os.fsencode(case.dockerfile)) % len(builders)] if builders else None

    def _build(self, case: Case, text: str, before: Observation | None, progress: Progress) -> _Built:
        """Build `text` and, if that succeeds, observe its image; both are removed afterwards."""
        options = self._options
        if before is not None:
            options = replace(options, run_flags=(*options.run_flags, *case.run_flags))
        recipe = self._recipe(case)
        with self._image(case, text, recipe) as (image, built):
            if not built.ok:
                return _Built(built.log, None, built.help)
            log = complete(built.log, f"{text}\0{sorted(recipe.build_args.items())}", self._logs)
            if not self._session.engine.runs:
                return _Built(log, Observation("", "", "", "", False, None, 0.0, ()))
            progress(RUN_REWRITE if before else RUN_ORIGINAL)
            observer = Observer(self._session, options, self._settings)
            return _Built(log, observer.observe(image, _expect(before, text), recipe.company))

    @contextmanager
    def _image(self, case: Case, text: str, recipe: Recipe) -> Iterator[tuple[str, Build]]:
        """The tag of an image that is built from `text`, and its build; the image is removed afterwards."""
        image = f"dockfix-verify-{self._session.name}:{next(self._numbers)}"
        built = build_image(self._session, self._options, self._source(case, text, recipe), image)
        try:
            yield image, built
        finally:
            if built.ok and not self._session.closed:
                self._session.call(self._session.engine.call("rmi", "--force", image))

    def _source(self, case: Case, text: str, recipe: Recipe) -> Source:
        assert recipe.context is not None
        builder = self._builder(case)
        return Source(text, case.dockerfile, recipe.context, recipe.target, recipe.build_args, builder)


def prove(
    original_text: str,
    rewritten_text: str,
    dockerfile: Path,
    options: VerifyOptions = _DEFAULT,
    progress: Progress = lambda step: None,
) -> Verdict:
    """The verdict on one rewrite, in its own session. Raises EngineError without an engine."""
    with Prover(options) as prover:
        return prover.prove(Case(original_text, rewritten_text, dockerfile), progress)


def stage_names(text: str) -> frozenset[str]:
    """The names of a Dockerfile's stages in lower case, for comparison with a build's target."""
    stages = (step for step in parse(text).instructions if step.keyword == "FROM")
    return frozenset(filter(None, (image_from(stage.args)[1] for stage in stages)))


def _advise_services(recipe: Recipe) -> str:
    """What may help an original that builds and does not work, by what the compose file says."""
    if missing := recipe.company.missing:
        return f"give it the settings of {', '.join(missing)}, which is not here: --env-file FILE"
    if recipe.company != ALONE or recipe.offered == ALONE:
        return ""
    if services := recipe.offered.services:
        return f"start what it depends on ({', '.join(one.name for one in services)}): --with-services"
    return "start it with the settings of the compose file: --with-services"


def _expect(before: Observation | None, text: str) -> Expected:
    if before is None:
        return Expected()
    return Expected(
        ports=frozenset(answer.port for answer in before.answers),
        ended=not before.up,
        seconds=before.seconds,
        wrote=before.wrote,
        home=before.home,
        workdir=before.workdir,
        copied=_copied(text),
    )


def _copied(text: str) -> tuple[str, ...]:
    """The absolute destinations of the last stage's copies into the application's directories."""
    places: list[str] = []
    for instruction in parse(text).instructions:
        if instruction.keyword == "FROM":
            places.clear()
        elif instruction.keyword in {"COPY", "ADD"} and not instruction.heredocs:
            words = instruction.json or instruction.args.split()
            places += [word.rstrip("/") for word in words[-1:] if word.startswith("/") and "$" not in word]
    return tuple(place for place in dict.fromkeys(places) if place.count("/") > 1 and not _shared(place))


def _shared(place: str) -> bool:
    top = place.split("/")[1]
    return top in {"root", "tmp"} or (place.count("/") == 2 and top in {"etc", "usr", "var", "opt"})


def _new_warnings(before: tuple[str, ...], after: tuple[str, ...]) -> tuple[Difference, ...]:
    known = {warning.partition(":")[0] for warning in before}
    new = [warning for warning in after if warning.partition(":")[0] not in known]
    return tuple(
        Difference("warning", f"pip warns where it did not before: {line}", breaks=False) for line in new
    )


def _since(began: float) -> float:
    return round(time.monotonic() - began, 2)
