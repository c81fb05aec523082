"""The command line: the options that `dockfix.options` declares, parsed by typer."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from enum import StrEnum
from inspect import Parameter, Signature
from itertools import groupby
from typing import Annotated, Any, Final

import typer
from typer.core import TyperCommand

from dockfix import __version__
from dockfix.config import ConfigError, RunError
from dockfix.options import Options
from dockfix.options.declarations import SWITCH, TEXT, Declaration, declared, one_of, option
from dockfix.options.request import (
    STANDARD_INPUT,
    Configuration,
    Execution,
    Files,
    Inspection,
    Output,
    Reports,
    Request,
    VerifyOptions,
)
from dockfix.output.exit_codes import Exit
from dockfix.terminal import show_path, show_text


class Format(StrEnum):
    """The audience of an explanation."""

    TEXT = "text"
    JSON = "json"


@dataclass(frozen=True, kw_only=True)
class Other:
    """What to do instead of a run: print something, or serve over standard input and output."""

    lsp: bool = option(False, SWITCH, "Serve an editor: the language server (needs dockfix[lsp])", "--lsp")
    mcp: bool = option(
        False, SWITCH, "Serve a coding agent in this folder, read-only without --write", "--mcp"
    )
    explain: str | None = option(
        None, TEXT, "Explain a code or a transform, or walk through a file", "--explain", "NAME|FILE"
    )
    format: Format = option(Format.TEXT, one_of(Format), "Form of an explanation", "--format")
    list: bool = option(False, SWITCH, "List the transforms in the order they apply, and all codes", "--list")
    version: bool = option(False, SWITCH, "Print the version", "--version")


COMPLETING: Final = "_DOCKFIX_COMPLETE"
"""The environment variable by which a shell requests completions, as named by click."""
GROUPS: Final[Mapping[str, type]] = {
    "Output": Output,
    "Rewriting": Options,
    "Files": Files,
    "Base images": Inspection,
    "Configuration": Configuration,
    "Reports": Reports,
    "Proof (with --verify)": VerifyOptions,
    "Execution": Execution,
    "Servers and help": Other,
}


def run() -> int:
    """Parse the arguments, run, and return the exit code."""
    try:
        app(prog_name="dockfix")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    return Exit.DONE


_GIVEN: Final = (bool, str, list, tuple)


class _Command(TyperCommand):
    """A typer command that groups its help and leaves values unconverted.

    The declarations convert them: pydantic, which typer would use, takes as long as the rest of the
    start-up, and words errors in its own terms.
    """

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put the values into `ctx.params`; options with a callback, such as --help, are left to typer."""
        args = _with_implied(args)
        given, rest, order = self.make_parser(ctx).parse_args(args=list(args))
        if ctx.resilient_parsing or any(param.callback for param in order):
            return super().parse_args(ctx, args)
        # A missing option is None, a sentinel of click, or absent, depending on the version.
        ctx.params = {name: value for name, value in given.items() if isinstance(value, _GIVEN)}
        ctx.args = rest
        return rest

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write one section of options per group."""
        for title, params in groupby(self.get_params(ctx), _group_of):
            if rows := [row for param in params if (row := param.get_help_record(ctx))]:
                with formatter.section(title):
                    formatter.write_dl(rows)


def _with_implied(args: list[str]) -> list[str]:
    """The arguments, with the value that a flag has if none follows it after `=`."""
    implied = {one.flag: one.implied for _, one in _flagged() if one.implied}
    end = args.index("--") if "--" in args else len(args)
    head = [f"{one}={implied[one]}" if one in implied else one for one in args[:end]]
    return head + args[end:]


def _group_of(param: Any) -> str:
    return getattr(param, "rich_help_panel", None) or list(GROUPS)[-1]


app = typer.Typer(
    add_completion=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)


def main(paths: list[str] | None = None, **given: Any) -> None:
    """Rewrite Dockerfiles so that their images do not run as root.

    PATH is a Dockerfile, a folder to search, or - for standard input; by default the current
    folder. Without --diff, --write or --check, print the patch and a summary.
    """
    with _usage_errors():
        other = Other(**_read(Other, given))
        if other.lsp or other.mcp:
            _serve(other, writes=Output(**_read(Output, given)).write)
            return
        if other.explain is not None:
            _explain(other, given)
            return
        if other != Other():
            _print_help(other)
            return
        request = _read_request(paths or [os.curdir], given)
        if request.output.undo:
            raise typer.Exit(_undo(request.paths))
        if request.output.interactive:
            from dockfix.interactive.run import run_interactively

            raise typer.Exit(run_interactively(request))
        if request.configuration.show:
            _show_config(request)
            return
        from dockfix.run import run as run_request

        raise typer.Exit(run_request(request))


def _signature() -> Signature:
    """The parameters of `main`, which typer turns into options."""
    path = Annotated[list[str] | None, typer.Argument(metavar="PATH", hidden=True)]
    parameters = [Parameter("paths", Parameter.KEYWORD_ONLY, default=None, annotation=path)]
    for group, one in _flagged():
        kind = bool if one.form is SWITCH else list[str] if one.form.repeats else str
        typers = typer.Option(
            *one.flags,
            help=one.help,
            metavar=one.metavar or None,
            show_default=False,
            rich_help_panel=group,
            autocompletion=_complete(one),
        )
        annotation = Annotated[kind | None, typers]  # type: ignore[valid-type]
        parameters.append(Parameter(_name(one), Parameter.KEYWORD_ONLY, default=None, annotation=annotation))
    return Signature(parameters)


def _flagged() -> Iterator[tuple[str, Declaration]]:
    """(group, declaration) of each option of the command line."""
    for title, group in GROUPS.items():
        yield from ((title, one) for one in declared(group).values() if one.flags)


def _name(one: Declaration) -> str:
    return one.flag.removeprefix("--").replace("-", "_")


def _complete(one: Declaration) -> Any:
    """The completion function for the option's value, None to leave it to the shell.

    Typer inspects each such function at every start, but only a completing shell calls them.
    """
    if COMPLETING not in os.environ:
        return None
    if one.form.choices:
        return lambda: list(one.form.choices)
    from dockfix.completion import COMPLETED, complete

    return (lambda incomplete: complete(one.flag, incomplete)) if one.flag in COMPLETED else None


main.__signature__ = _signature()  # type: ignore[attr-defined]
app.command(cls=_Command)(main)


@contextmanager
def _usage_errors() -> Iterator[None]:
    """Print the errors that end a run, and exit with their codes."""
    try:
        yield
    except ConfigError as error:
        print(f"dockfix: {show_text(str(error))}", file=sys.stderr)
        raise typer.Exit(Exit.USAGE) from None
    except RunError as error:
        print(f"dockfix: {show_text(str(error))}", file=sys.stderr)
        raise typer.Exit(Exit.FAILED) from None
    except BrokenPipeError:
        _drop_output()
        raise typer.Exit(Exit.BROKEN_PIPE) from None
    except OSError as error:
        _drop_output()
        where = f"{show_path(os.fsdecode(error.filename))}: " if error.filename else ""
        print(f"dockfix: {where}{error.strerror or error}", file=sys.stderr)
        raise typer.Exit(Exit.FAILED) from None
    except KeyboardInterrupt:
        print("dockfix: interrupted", file=sys.stderr)
        raise typer.Exit(Exit.INTERRUPTED) from None


def _drop_output() -> None:
    """Discard pending output to standard output, because its reader has gone."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


def _read(group: type, given: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a group that were given, converted. Raises ConfigError."""
    found = {}
    for field, one in declared(group).items():
        value = given.get(_name(one)) if one.flags else None
        if value is not None:
            try:
                found[field] = one.form.read(one.form.parse(value))
            except ValueError as error:
                raise ConfigError(f"{one.flag} {error}") from None
    return found


def _read_request(paths: Sequence[str], given: Mapping[str, Any]) -> Request:
    """The whole request. Raises ConfigError if options contradict each other."""
    overrides = _read(Options, given)
    proof = VerifyOptions(**_read(VerifyOptions, given))
    request = Request(
        paths=paths,
        overrides=overrides,
        output=Output(**_read(Output, given)),
        files=Files(**_read(Files, given)),
        configuration=Configuration(**_read(Configuration, given)),
        inspection=Inspection(**_read(Inspection, given)),
        reports=Reports(**_read(Reports, given)),
        proof=replace(proof, targets=overrides.get("targets", ())),
        execution=Execution(**_read(Execution, given)),
    )
    for is_mistake, message in _mistakes(request):
        if is_mistake:
            raise ConfigError(message)
    _check_paths(paths)
    return request


def _mistakes(request: Request) -> Iterator[tuple[object, str]]:
    """(whether it applies, message) for each combination of options that is not allowed."""
    output, files, reports, name = request.output, request.files, request.reports, request.files.stdin_name
    yield output.write and output.check, "--write and --check cannot be used together"
    asked = output.check or output.diff or output.verify or output.stat or output.file
    yield output.interactive and asked, "--interactive writes what you decide: leave out other outputs"
    yield output.interactive and files.since, "--interactive and --since cannot be used together"
    yield output.interactive and reports.baseline, "--interactive and --baseline cannot be used together"
    yield output.interactive and files.manifests, "--interactive and --manifests cannot be used together"
    yield (
        request.configuration.isolated and request.configuration.file,
        "--config and --isolated cannot be used together",
    )
    yield reports.update_baseline and not reports.baseline, "--update-baseline needs --baseline FILE"
    yield reports.update_baseline and output.write, "--update-baseline and --write cannot be used together"
    yield output.unproven and not output.verify, "--unproven needs --verify"
    yield output.fails_on_fix and not output.write, "--exit-non-zero-on-fix needs --write"
    yield reports.quiet and reports.verbose, "--quiet and --verbose cannot be used together"
    yield output.split_by and not output.file, "--split-by needs --output FOLDER"
    yield name and os.path.isdir(name), f"--stdin-filename: {name!r} is a folder: name a file in it"
    if request.reads_standard_input:
        yield len(request.paths) > 1, "- cannot be combined with other paths"
        yield output.interactive, "--interactive asks on standard input: name a file instead of -"
        yield files.manifests, "--manifests edits files: name a Dockerfile instead of -"
        yield files.since, "--since needs files of a git repository, not -"
        yield reports.baseline, "--baseline records files, not -"


def _check_paths(paths: Sequence[str]) -> None:
    """Raise ConfigError for a path that does not exist and looks like an option without its dashes."""
    for path in paths:
        if path != STANDARD_INPUT and not os.path.lexists(path) and (flag := _find_flag(path)):
            raise ConfigError(f"no file or folder is named {path!r}: did you mean {flag}?")


def _find_flag(word: str) -> str | None:
    """The flag closest to a word, None if none is close."""
    from difflib import get_close_matches

    flags = [one.flag for _, one in _flagged()]
    return next(iter(get_close_matches(f"--{word}", [*flags, "--help"], n=1, cutoff=0.85)), None)


def _undo(paths: Sequence[str]) -> Exit:
    from dockfix.output.apply import undo
    from dockfix.terminal import Terminal

    return Exit.DONE if undo(paths, Terminal()) else Exit.FAILED


def _show_config(request: Request) -> None:
    from dockfix.config.show import show_config
    from dockfix.run import settings_of

    print(show_config(request.places, settings_of(request)), end="")


def _serve(wanted: Other, *, writes: bool) -> None:
    if wanted.lsp:
        _need("--lsp", "pygls", "lsp")
        from dockfix.editor.server import serve as serve_editor

        serve_editor()
        return
    _need("--mcp", "mcp", "mcp")
    from dockfix.agents.server import serve as serve_agent

    serve_agent(os.curdir, writes=writes)


def _need(flag: str, package: str, extra: str) -> None:
    """Raise ConfigError if the package of an extra is not installed."""
    from importlib.util import find_spec

    if find_spec(package) is None:
        raise ConfigError(f"{flag} needs {package}: pip install 'dockfix[{extra}]'")


def _explain(wanted: Other, given: Mapping[str, Any]) -> None:
    """Print the explanation of a code, or the walk through a file. Raises ConfigError."""
    from dockfix.explain.codes import explain, explain_plainly, is_code
    from dockfix.terminal import Terminal

    name = wanted.explain or ""
    terminal = Terminal(Reports(**_read(Reports, given)).color)
    if not is_code(name) and (os.path.lexists(name) or os.sep in name):
        from dockfix.explain.file import explain_file
        from dockfix.explain.text import format_walk

        walk = explain_file(_read_request([name], given))
        code = Exit.FAILED if walk.outcome == "failed" else Exit.DONE
        plain, lines = walk.as_json(), format_walk(walk, terminal.width)
    else:
        code = Exit.DONE
        plain, lines = explain_plainly(name), style_lines(explain(name))
    if wanted.format is Format.JSON:
        import json

        print(json.dumps(plain, indent=2))
    else:
        terminal.write_lines(lines)
    if code:
        raise typer.Exit(code)


def style_lines(text: str) -> Iterator[tuple[str, str | None]]:
    """(line, style) for the lines of an explanation: the first line and the titles are highlighted."""
    for number, line in enumerate(text.splitlines()):
        is_title = line.endswith(":") and not line.startswith(" ")
        yield line, "bold" if number == 0 or is_title else None


def _print_help(wanted: Other) -> None:
    if wanted.version:
        print(f"dockfix {__version__}")
        return
    if not wanted.list:
        raise ConfigError("--format goes with --explain")
    from dockfix.explain.codes import list_codes

    print(list_codes(), end="")
