"""Start dockfix from the shell; `--version` answers before anything heavy is imported."""

from __future__ import annotations

import gc
import sys


def main() -> None:
    """Run the command line and leave with its exit code."""
    if sys.argv[1:] == ["--version"]:
        from dockfix import __version__

        print(f"dockfix {__version__}")
        return
    # Nothing that is made for every file refers to itself: looking for garbage often finds none.
    gc.set_threshold(50_000, 10, 10)
    from dockfix.cli import run

    sys.exit(run())


if __name__ == "__main__":
    main()
