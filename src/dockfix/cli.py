"""The command line."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand

from dockfix import __version__
from dockfix.config import ConfigError
from dockfix.options import Chown, Install
from dockfix.output.summary import Exit, Mode, Volume
from dockfix.run import STANDARD_INPUT, Request, migrate

if TYPE_CHECKING:
    from dockfix.verify import VerifyOptions

app = typer.Typer(
    add_completion=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def run() -> int:
    """Parse the arguments, do what they ask, and give the exit code."""
    try:
        app(prog_name="dockfix")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    return Exit.DONE


class _PlainCommand(TyperCommand):
    """Converts only what was given and is no text: building the converters costs more than most runs."""

    def get_params(self, ctx: Any) -> list[Any]:
        """The parameters, that of --help among them."""
        params: list[Any] = list(super().get_params(ctx))
        for param in params:
            if "process_value" not in vars(param):
                param.process_value = partial(_process_value, param, param.process_value)
        return params


def _process_value(param: Any, convert: Callable[[Any, Any], Any], context: Any, value: Any) -> Any:
    kind = getattr(getattr(param, "type_descriptor", None), "annotation", None)
    if value is not None and value != param.default and kind not in (str, list[str]):
        return convert(context, value)
    if value is None and (param.multiple or param.nargs == -1):
        value = ()
    return value if param.callback is None else param.callback(context, param, value)


@app.command(cls=_PlainCommand)
def main(  # a parameter is an option
    paths: Annotated[
        list[str] | None,
        typer.Argument(
            help="Dockerfiles, folders that hold some, or - for standard input. Default: this folder."
        ),
    ] = None,
    diff: Annotated[bool, typer.Option("--diff", help="Print a patch for git apply or patch -p1.")] = False,
    write: Annotated[bool, typer.Option("--write", help="Rewrite the files in place.")] = False,
    check: Annotated[
        bool, typer.Option("--check", help="Change nothing; exit 1 if something would.")
    ] = False,
    user: Annotated[str | None, typer.Option(help="Name of the account. Default: appuser.")] = None,
    uid: Annotated[int | None, typer.Option(help="Number of the account.")] = None,
    gid: Annotated[int | None, typer.Option(help="Number of its group.")] = None,
    numeric: Annotated[
        bool | None,
        typer.Option(
            "--numeric/--no-numeric",
            help="Numbers in USER and --chown, for runAsNonRoot.",
            show_default=False,
        ),
    ] = None,
    install: Annotated[Install | None, typer.Option(help="Where pip's packages go. Default: user.")] = None,
    chown: Annotated[Chown | None, typer.Option(help="Which copies become the user's. Default: all.")] = None,
    select: Annotated[list[str] | None, typer.Option(metavar="NAMES", help="Only these transforms.")] = None,
    ignore: Annotated[list[str] | None, typer.Option(metavar="NAMES", help="Not these transforms.")] = None,
    target: Annotated[
        list[str] | None, typer.Option(metavar="STAGE", help="A stage that ships, beside the last.")
    ] = None,
    base: Annotated[
        str | None, typer.Option(metavar="FAMILY", help="Family of bases that dockfix does not know.")
    ] = None,
    unsafe: Annotated[
        bool | None, typer.Option("--unsafe/--no-unsafe", help="Also what needs review.", show_default=False)
    ] = None,
    evidence: Annotated[
        bool | None,
        typer.Option(
            "--evidence/--no-evidence", help="Read the application's sources too.", show_default=False
        ),
    ] = None,
    manifests: Annotated[
        bool, typer.Option("--manifests", help="Also edit the compose and Kubernetes files that run them.")
    ] = False,
    stat: Annotated[bool, typer.Option("--stat", help="Count changed lines instead of the patch.")] = False,
    output: Annotated[
        str | None, typer.Option(metavar="FILE", help="Put the patch there; with --split-by, a folder.")
    ] = None,
    split_by: Annotated[
        str | None, typer.Option(metavar="owner|dir|N", help="A patch for each owner, folder or N files.")
    ] = None,
    report: Annotated[
        list[str] | None,
        typer.Option(metavar="FILE", help=".json, .sarif, .md, .xml (JUnit), or FORMAT:FILE, or github."),
    ] = None,
    verify: Annotated[
        bool, typer.Option("--verify", help="Build and run both on a container engine, and compare.")
    ] = False,
    engine: Annotated[
        str | None, typer.Option(metavar="NAME", help="docker, podman, nerdctl or buildah.")
    ] = None,
    context: Annotated[str | None, typer.Option(metavar="FOLDER", help="Build context for --verify.")] = None,
    build_arg: Annotated[
        list[str] | None, typer.Option(metavar="NAME[=VALUE]", help="As of the engine's build.")
    ] = None,
    secret: Annotated[
        list[str] | None, typer.Option(metavar="SPEC", help="As of the engine's build.")
    ] = None,
    builder: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="A Buildx builder; several share the files.")
    ] = None,
    build_network: Annotated[
        str | None, typer.Option(metavar="NAME", help="Network for RUN in builds.")
    ] = None,
    env: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME[=VALUE]", help="A setting of both runs, as of docker run."),
    ] = None,
    env_file: Annotated[
        list[str] | None, typer.Option(metavar="FILE", help="Such settings, one on a line.")
    ] = None,
    verify_seconds: Annotated[float, typer.Option(min=0.1, help="How long to let images run.")] = 5,
    verify_jobs: Annotated[int, typer.Option(min=1, help="How many proofs at once.")] = 1,
    include: Annotated[
        list[str] | None, typer.Option(metavar="PATTERN", help="Also these files, as in .gitignore.")
    ] = None,
    exclude: Annotated[list[str] | None, typer.Option(metavar="PATTERN", help="Not these files.")] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Also what git ignores, and vendored folders.")
    ] = False,
    embedded: Annotated[
        bool, typer.Option("--embedded", help="Also Dockerfiles inside Python, Markdown, compose, scripts.")
    ] = False,
    allow_dirty: Annotated[
        bool, typer.Option("--allow-dirty", help="Write over uncommitted changes.")
    ] = False,
    take_back: Annotated[bool, typer.Option("--undo", help="Take back the last --write.")] = False,
    jobs: Annotated[int, typer.Option("--jobs", "-j", min=0, help="Processes. Default: all processors.")] = 0,
    scheduler: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="Work on this Dask cluster instead.")
    ] = None,
    timeout: Annotated[
        float, typer.Option(min=0.001, metavar="SECONDS", help="Most time for one file.")
    ] = 10,
    cache: Annotated[bool, typer.Option("--cache/--no-cache", help="Remember results.")] = True,
    stdin_filename: Annotated[
        str | None, typer.Option(metavar="PATH", help="What standard input stands for.")
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing but errors.")] = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Say what became of every file.")] = False,
    color: Annotated[
        bool | None, typer.Option("--color/--no-color", help="Default: on a terminal.", show_default=False)
    ] = None,
    explain: Annotated[
        str | None, typer.Option(metavar="NAME", help="What a transform does, with examples.")
    ] = None,
    show_list: Annotated[bool, typer.Option("--list", help="The transforms in their order.")] = False,
    version: Annotated[bool, typer.Option("--version", help="The version.")] = False,
) -> None:
    """Rewrite Dockerfiles so that their images do not run as root.

    Without a mode, print what would change as a patch, and a summary.
    """
    if version or show_list or explain is not None:
        raise typer.Exit(_print_reference(version=version, name=explain))
    if write and check:
        raise _usage("--write and --check exclude each other")
    if quiet and verbose:
        raise _usage("--quiet and --verbose exclude each other")
    named = paths or [os.curdir]
    if STANDARD_INPUT in named and len(named) > 1:
        raise _usage("- stands alone: standard input is one Dockerfile")
    if split_by is not None and output is None:
        raise _usage("--split-by needs --output FOLDER")
    if take_back:
        raise typer.Exit(_undo(named))
    overrides: dict[str, Any] = {
        "user": user,
        "uid": uid,
        "gid": gid,
        "numeric": numeric,
        "install": install,
        "chown": chown,
        "select": _names(select),
        "ignore": _names(ignore),
        "targets": tuple(target) if target else None,
        "base": base,
        "unsafe": unsafe,
        "evidence": evidence,
    }
    request = Request(
        paths=named,
        mode=Mode.WRITE if write else Mode.CHECK if check else Mode.DIFF if diff else None,
        show_diff=diff,
        overrides={key: value for key, value in overrides.items() if value is not None},
        stdin_name=stdin_filename,
        volume=Volume.QUIET if quiet else Volume.VERBOSE if verbose else Volume.NORMAL,
        colour=color,
        include=tuple(include or ()),
        exclude=tuple(exclude or ()),
        everything=everything,
        embedded=embedded,
        manifests=manifests,
        allow_dirty=allow_dirty,
        jobs=jobs,
        scheduler=scheduler,
        seconds=timeout,
        cached=cache,
        statistics=stat,
        output=output,
        split_by=split_by,
        reports=tuple(report or ()),
    )
    if verify:
        proof = _proof(
            engine, context, build_arg, secret, target, builder, build_network, verify_seconds, verify_jobs
        )
        given = replace(proof, env=tuple(env or ()), env_files=tuple(env_file or ()))
        request = replace(request, proof=given)
    raise typer.Exit(_run_request(request))


def _proof(
    engine: str | None,
    context: str | None,
    build_args: list[str] | None,
    secrets: list[str] | None,
    targets: list[str] | None,
    builders: list[str] | None,
    network: str | None,
    seconds: float,
    jobs: int,
) -> VerifyOptions:
    from dockfix.verify import VerifyOptions  # noqa: PLC0415  # only where something is to be proven

    pairs = (argument.partition("=") for argument in build_args or ())
    return VerifyOptions(
        engine=engine,
        context=Path(context) if context else None,
        build_args={name: value if equals else None for name, equals, value in pairs},
        secrets=tuple(secrets or ()),
        targets=tuple(targets or ()),
        builders=tuple(builders or ()),
        build_network=network,
        seconds=seconds,
        jobs=jobs,
    )


def _usage(message: str) -> typer.Exit:
    print(f"dockfix: {message}", file=sys.stderr)
    return typer.Exit(Exit.USAGE)


def _run_request(request: Request) -> Exit:
    try:
        return migrate(request)
    except ConfigError as error:
        raise _usage(str(error)) from None
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return Exit.BROKEN_PIPE
    except KeyboardInterrupt:
        print("dockfix: interrupted", file=sys.stderr)
        return Exit.INTERRUPTED


def _undo(paths: list[str]) -> Exit:
    from dockfix.output.apply import undo  # noqa: PLC0415
    from dockfix.terminal import Terminal  # noqa: PLC0415

    return Exit.DONE if undo(paths, Terminal()) else Exit.FAILED


def _names(values: list[str] | None) -> frozenset[str] | None:
    """Names given one by one or with commas."""
    if not values:
        return None
    return frozenset(name.strip() for value in values for name in value.split(",") if name.strip())


def _print_reference(*, version: bool, name: str | None) -> Exit:
    if version:
        print(f"dockfix {__version__}")
        return Exit.DONE
    from dockfix.explain import explain, list_transforms  # noqa: PLC0415

    try:
        print(list_transforms() if name is None else explain(name), end="")
    except ConfigError as error:
        raise _usage(str(error)) from None
    return Exit.DONE
