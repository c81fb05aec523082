"""The entry point of the command line; `--version` is answered before anything heavy is imported."""

from __future__ import annotations

import gc
import sys


def main() -> None:
    """Run the command line and exit with its code."""
    if sys.argv[1:] == ["--version"]:
        from dockfix import __version__

        print(f"dockfix {__version__}")
        return
    # Objects made for each file hold no cycles, so frequent garbage collections find nothing.
    gc.set_threshold(50_000, 10, 10)
    from dockfix.cli import run

    sys.exit(run())


if __name__ == "__main__":
    main()
