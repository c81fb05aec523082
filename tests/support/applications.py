"""The applications of `fixtures/apps`, and what the engine suite needs to build them."""

from __future__ import annotations

import hashlib
import re
import subprocess
import tempfile
import threading
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from fcntl import LOCK_EX, LOCK_NB, LOCK_SH, flock
from functools import cache, partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final

import pytest
from contexts import lay_out

from dockfix.context import Context
from dockfix.files.build_context import describe_context
from dockfix.options import Install, Options
from dockfix.verify import Engine, EngineError, VerifyOptions, find_engine

ROOT: Final = Path(__file__).parents[2] / "fixtures" / "apps"
# The label of images that stand in for others.
STAND_IN: Final = "dockfix.stand-in"
_UNPRIVILEGED: Final = ("--cap-drop", "ALL", "--security-opt", "no-new-privileges")
VARIANTS: Final[Mapping[str, tuple[str, ...]]] = {
    "no-capabilities": _UNPRIVILEGED,
    "numeric": (),
    # The mounts are those that the rewrite names.
    "read-only": ("--read-only", *_UNPRIVILEGED),
    "arbitrary-uid": ("--user", "123456:0", *_UNPRIVILEGED),
}
_FROM: Final = re.compile(r"^\s*FROM\s+(?:--\S+\s+)*(\S+)(?:\s+AS\s+(\S+))?", re.IGNORECASE | re.MULTILINE)


@dataclass(frozen=True)
class Application:
    """One folder of `fixtures/apps`, as described by its app.toml."""

    name: str
    facts: Mapping[str, Any]

    @property
    def run(self) -> Mapping[str, Any]:
        """How it runs: port, path, exit, seconds, checks."""
        run: Mapping[str, Any] = self.facts.get("run", {})
        return run

    @property
    def dockerfile(self) -> str:
        """The Dockerfile's path inside of the folder."""
        return str(self.facts.get("dockerfile", "Dockerfile"))

    @property
    def options(self) -> Options:
        """The options that dockfix fixes it with."""
        given = dict(self.facts.get("options", {}))
        if "targets" in given:
            given["targets"] = tuple(given["targets"])
        if "install" in given:
            given["install"] = Install(given["install"])
        return Options(**given)

    @property
    def images(self) -> tuple[str, ...]:
        """The images that its Dockerfile starts from, with its build arguments."""
        text = (ROOT / self.name / self.dockerfile).read_text(encoding="utf-8")
        return find_images(text, self.facts.get("build", {}).get("args", {}))

    @property
    def stand_ins(self) -> Mapping[str, Path]:
        """The images it provides itself, and their Dockerfiles."""
        folders = self.facts.get("bases", {})
        return {name: ROOT / self.name / folder / "Dockerfile" for name, folder in folders.items()}

    def lay_out(self, folder: Path) -> Path:
        """Copy it to `folder` as a build context; returns the path of its Dockerfile."""
        context = folder / "context"
        lay_out(ROOT / self.name, context, self.facts.get("context", {}), "app.toml")
        return context / self.dockerfile

    @contextmanager
    def ready(self, folder: Path) -> Iterator[tuple[Path, VerifyOptions]]:
        """Lay it out and serve what its build downloads; yields its Dockerfile, and how it is proven."""
        dockerfile = self.lay_out(folder)
        build = self.facts.get("build", {})
        options = replace(
            self._verify_options(),
            context=folder / "context",
            build_args=dict(build.get("args", {})),
            secrets=tuple(_lay_secrets(folder, build.get("secrets", {}))),
            targets=(build["target"],) if "target" in build else (),
        )
        served = self.facts.get("context", {}).get("serve")
        if served is None:
            yield dockerfile, options
            return
        with _served(folder / "context") as origin:
            yield dockerfile, replace(options, build_args={served: origin})

    def _verify_options(self) -> VerifyOptions:
        return VerifyOptions(
            seconds=float(self.run.get("seconds", 5 if "port" not in self.run else 15)),
            paths=(self.run.get("path", "/"),),
            checks=tuple(self.run.get("checks", ())),
            capabilities=tuple(self.run.get("capabilities", ())),
            build_network=build_network(),
        )


def find_applications() -> tuple[Application, ...]:
    """All of them, by name."""
    files = sorted(ROOT.glob("*/app.toml"))
    return tuple(
        Application(file.parent.name, tomllib.loads(file.read_text(encoding="utf-8"))) for file in files
    )


def find_images(text: str, arguments: Mapping[str, str]) -> tuple[str, ...]:
    """The images that a Dockerfile starts from, if built with these arguments."""
    stages = {name for _, name in _FROM.findall(text) if name}
    names = [image for image, _ in _FROM.findall(text) if image not in stages]
    return tuple(re.sub(r"\$\{(\w+)\}", lambda found: arguments[found[1]], name) for name in names)


def context_of(application: Application, dockerfile: Path) -> Context:
    """What the core may know of the files around the Dockerfile."""
    return replace(describe_context(str(dockerfile)), path=f"{application.name}/{application.dockerfile}")


@cache
def engine() -> Engine:
    """The engine of this machine; skips the test if there is none."""
    try:
        found = find_engine()
    except EngineError as error:
        pytest.skip(str(error))
    if not found.runs:
        pytest.skip(f"{found.name} runs no containers")
    return found


@cache
def build_network() -> str | None:
    """`host` if the engine has no bridge for its builds."""
    if engine().name != "docker":
        return None
    argv = [engine().executable, "network", "ls", "--quiet", "--filter", "driver=bridge"]
    listed = subprocess.run(argv, capture_output=True, text=True, check=False)
    return None if listed.stdout.strip() else "host"


@cache
def has_image(name: str) -> bool:
    """Whether the image is present or can be pulled."""
    return _succeeds("image", "inspect", name) or _succeeds("pull", "--quiet", name)


def need_images(images: Iterable[str], stand_ins: Mapping[str, Path]) -> None:
    """Skip the test if a base image is neither available nor replaced by a stand-in."""
    missing = [name for name in images if name not in stand_ins and not has_image(name)]
    if missing:
        pytest.skip(f"no image {', '.join(missing)} on this engine")


@contextmanager
def standing_in(stand_ins: Mapping[str, Path]) -> Iterator[None]:
    """Build stand-ins for unavailable bases (names and Dockerfiles), and remove them afterwards."""
    with ExitStack() as images:
        for name, dockerfile in stand_ins.items():
            images.enter_context(_stand_in(name, dockerfile))
        yield


@contextmanager
def _stand_in(name: str, dockerfile: Path) -> Iterator[None]:
    """The image, shared with the tests that run at the same time: the last of them removes it."""
    digest = hashlib.sha256(name.encode()).hexdigest()
    with (Path(tempfile.gettempdir()) / f"dockfix-stand-in-{digest[:16]}").open("w") as users:
        present = False
        while not present:  # turning one lock into the other lets a test that ends come between
            flock(users, LOCK_EX)
            if not _succeeds("image", "inspect", name):
                _build(name, dockerfile)
            flock(users, LOCK_SH)
            present = _succeeds("image", "inspect", name)
        try:
            yield
        finally:
            with suppress(BlockingIOError):
                flock(users, LOCK_EX | LOCK_NB)
                _remove_stand_in(name)


def _remove_stand_in(name: str) -> None:
    """Remove the image unless it was there before the tests."""
    label = f'{{{{index .Config.Labels "{STAND_IN}"}}}}'
    argv = [engine().executable, "image", "inspect", "--format", label, name]
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.stdout.strip() == "yes":
        assert _succeeds("rmi", "--force", name)


def _build(name: str, dockerfile: Path) -> None:
    network = build_network()
    flags = ["--network", network] if network else []
    where = ["--file", str(dockerfile), str(dockerfile.parent)]
    argv = [
        engine().executable,
        "build",
        "--quiet",
        *flags,
        "--label",
        f"{STAND_IN}=yes",
        "--tag",
        name,
        *where,
    ]
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]


def _succeeds(*arguments: str) -> bool:
    argv = [engine().executable, *arguments]
    try:
        done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, timeout=300, check=False)
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0


def _lay_secrets(folder: Path, secrets: Mapping[str, str]) -> Iterator[str]:
    for name, value in secrets.items():
        (folder / name).write_text(value, encoding="utf-8")
        yield f"id={name},src={folder / name}"


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        pass


@contextmanager
def _served(folder: Path) -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder))) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
