"""One file from its bytes to its result and patch; nothing is written."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass

from dockfix.context import Context
from dockfix.options import Options
from dockfix.reading import Source, read_source
from dockfix.results import Changed, Failed, Finding, Result, Skipped

Fix = Callable[[str, Options, Context], Result]


@dataclass(frozen=True, slots=True)
class Analysis:
    """What became of the file at `path`: the bytes read, the result, and whether it is to be applied.

    `diff` is the patch of an applicable change under the name asked for, else empty.
    """

    path: str
    result: Result
    before: bytes = b""
    applies: bool = False
    diff: str = ""

    @property
    def after(self) -> bytes:
        """The bytes to write: the rewrite where it applies, else what was read."""
        if self.applies and isinstance(self.result, Changed):
            return self.result.text.encode("utf-8")
        return self.before


def analyse(
    path: str, source: Source | Failed, options: Options, context: Context, name: str | None
) -> Analysis:
    """Fix one source; with `name`, also make its patch under that name.

    Never raises; our own errors are Failed.
    """
    if isinstance(source, Failed):
        return Analysis(path, source)
    try:
        result = _fix()(source.text, options, context)
        applies = isinstance(result, Changed) and (result.safe or options.unsafe)
        diff = ""
        if applies and name is not None and isinstance(result, Changed):
            from dockfix.diff import unified_diff  # noqa: PLC0415  # only where there is a change to show

            diff = unified_diff(source.text, result.text, name)
    except (Exception, RecursionError) as error:  # noqa: BLE001  # the promise to the caller: one file's error stays its own
        return Analysis(path, Failed(_bug(error)), source.data)
    return Analysis(path, result, source.data, applies, diff)


def analyse_file(path: str, options: Options, name: str | None, folder: str | None = None) -> Analysis:
    """Read and fix the file at `path`; `folder` is its build context, by default where it lies."""
    from dockfix.build_context import describe_context  # noqa: PLC0415

    return analyse(path, read_source(path), options, describe_context(path, folder), name)


def skip(path: str, reason: Finding, *, failed: bool = False) -> Analysis:
    """The analysis of a path that there is nothing to read at."""
    return Analysis(path, Failed(reason) if failed else Skipped((reason,)))


def _fix() -> Fix:
    import dockfix  # noqa: PLC0415  # the core is imported when the first file is to be fixed

    return dockfix.fix


def _bug(error: BaseException) -> Finding:
    """An error of dockfix itself, with the place in our code that raised it."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    place = f" at {trace.tb_frame.f_globals.get('__name__', '?')}:{trace.tb_lineno}" if trace else ""
    message = f"dockfix failed: {type(error).__name__}: {error}{place}".replace("\n", " ")
    version = f"Python {sys.version_info.major}.{sys.version_info.minor}"
    return Finding(
        "internal-error", 0, message, f"report it with the file and {version}; the file stands untouched"
    )
