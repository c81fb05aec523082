"""The entry point of the command line; `--version` is answered before anything heavy is imported."""

from __future__ import annotations

import errno
import gc
import os
import sys
from typing import Final

ISSUES: Final = "https://github.com/dockfix/dockfix/issues"
FAILED: Final = 123
DEFECT: Final = 70
INTERRUPTED: Final = 130
_NOT_WRITTEN: Final = frozenset({errno.ENOSPC, errno.EPIPE, errno.EIO, errno.EFBIG})


def main() -> None:
    """Run the command line and exit with its code."""
    _check_streams()
    # Objects made for each file hold no cycles, so frequent garbage collections find nothing.
    gc.set_threshold(50_000, 10, 10)
    try:
        code = _run()
    except KeyboardInterrupt:
        code = INTERRUPTED
    except OSError as error:
        code = _report_output(error) if error.errno in _NOT_WRITTEN and not error.filename else _report(error)
    except Exception as error:  # noqa: BLE001  # a traceback would quote files, and exit with 1
        code = _report(error)
    sys.exit(code)


def _run() -> int:
    if sys.argv[1:] == ["--version"]:
        from dockfix import __version__

        print(f"dockfix {__version__}", flush=True)
        return 0
    from dockfix.cli import run

    return run()


def _check_streams() -> None:
    """Exit if there is no standard output; without standard error, messages are discarded."""
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115  # lives as long as the run
    if sys.stdout is None:
        print("dockfix: standard output is closed", file=sys.stderr)
        sys.exit(FAILED)


def _report_output(error: OSError) -> int:
    _print(f"dockfix: the output could not be written: {error.strerror}")
    return FAILED


def _report(error: Exception) -> int:
    """Report in one line that dockfix has a defect, without quoting what it read."""
    trace = error.__traceback__
    place = "?"
    while trace is not None:
        name = trace.tb_frame.f_globals.get("__name__", "?")
        place = f"{name}:{trace.tb_lineno}" if name.startswith("dockfix") else place
        trace = trace.tb_next
    _print(
        f"dockfix: a defect of dockfix: {type(error).__name__} at {place}: please report this line and the"
        f" command at {ISSUES}"
    )
    return DEFECT


def _print(line: str) -> None:
    """Print a last line, if standard error takes it: an error here would end the process with exit code 1."""
    try:
        print(line, file=sys.stderr, flush=True)
    except OSError:
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115  # the end of the run flushes it


def _leave_folder() -> None:
    """Take the folder that `python -m` puts on the path off it: a repository may have modules of any name."""
    own = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    if not sys.flags.safe_path and sys.path[:1] == [os.getcwd()] != [own]:
        del sys.path[0]


if __name__ == "__main__":
    _leave_folder()
    main()
