"""Remove what a session created once its end of the pipe is closed, however it ended.

Runs as a script in its own process session: `sweeper.py EXECUTABLE LABEL FOLDER`. The lines on standard
input are `+PID` and `-PID`, for engine calls in progress, and `=NAME`, for an image that was pulled. At
the end of input, those calls are killed, and every container and image with the label is removed, the
names of pulled images, and the folder.
"""

import os
import shutil
import signal
import subprocess
import sys
import time


def _listed(argv: list[str]) -> list[str]:
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    return sorted(set(done.stdout.split()))


def sweep(executable: str, label: str) -> bool:
    """Remove everything with the label; return whether there was anything."""
    chosen = ["--filter", f"label={label}"]
    containers = [] if executable.endswith("buildah") else _listed([executable, "ps", "-a", "-q", *chosen])
    images = _listed([executable, "images", "-a", "-q", *chosen])
    for gone, things in ((["rm", "-f", "-v"], containers), (["rmi", "-f"], images)):
        if things:
            subprocess.run(
                [executable, *gone, *things], stdin=subprocess.DEVNULL, capture_output=True, check=False
            )
    return bool(containers or images)


def _watch() -> tuple[set[int], list[str]]:
    """Read calls until the other end is closed; return those still in progress, and pulled images."""
    under_way: set[int] = set()
    pulled: list[str] = []
    for line in sys.stdin:
        if line[0] == "=":
            pulled.append(line[1:].rstrip("\n"))
        else:
            (under_way.add if line[0] == "+" else under_way.discard)(int(line[1:]))
    return under_way, pulled


def _leave(executable: str, images: list[str]) -> None:
    """Remove the names of images; one that a container uses stays."""
    if images:
        subprocess.run(
            [executable, "rmi", *images], stdin=subprocess.DEVNULL, capture_output=True, check=False
        )


def main() -> None:
    """Wait for the end of input, then clean up."""
    executable, label, folder = sys.argv[1:4]
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    interrupted, pulled = _watch()
    for pid in interrupted:
        try:
            os.killpg(pid, signal.SIGKILL)
        except OSError:
            continue
    while sweep(executable, label) or interrupted:
        # The engine's service may still be working for a killed call.
        time.sleep(0.5 if interrupted else 0)
        interrupted = set()
    _leave(executable, pulled)
    shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
