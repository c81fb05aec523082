from __future__ import annotations

import pytest

from dockfix.verify.build_log import (
    cached_installs,
    failed_step,
    lacks_image,
    lacks_network,
    read_warnings,
    tail,
)

BUILDKIT = """\
#1 [internal] load build definition from Dockerfile
#6 [2/5] RUN pip install --upgrade pip
#6 1.2 WARNING: Running pip as the 'root' user can result in broken permissions
#7 [3/5] RUN pip install --user flask
#7 0.9 Defaulting to user installation because normal site-packages is not writeable
#7 1.4   WARNING: The script flask is installed in '/home/u/.local/bin' which is not on PATH.
#7 DONE 1.5s
"""

BUILDAH = """\
STEP 2/3: RUN pip install flask
WARNING: '/r/pip' or its parent directory is not owned or is not writable by the current user.
STEP 3/3: RUN pip install gunicorn
WARNING: Running pip as root will break packages and permissions.
"""


@pytest.mark.parametrize(
    ("log", "path", "warnings"),
    [
        ("", (), ()),
        ("#5 [2/2] RUN pip install flask\n#5 CACHED\n", (), ()),
        (
            BUILDKIT,
            (),
            (
                "not-on-path: RUN pip install --user flask",
                "pip-as-root: RUN pip install --upgrade pip",
                "user-by-default: RUN pip install --user flask",
            ),
        ),
        (
            BUILDKIT,
            ("/usr/bin", "/home/u/.local/bin"),
            (
                "pip-as-root: RUN pip install --upgrade pip",
                "user-by-default: RUN pip install --user flask",
            ),
        ),
        (
            BUILDAH,
            (),
            ("cache-not-writable: RUN pip install flask", "pip-as-root: RUN pip install gunicorn"),
        ),
    ],
)
def test_warnings_are_read_with_their_steps(
    log: str, path: tuple[str, ...], warnings: tuple[str, ...]
) -> None:
    assert read_warnings(log, path) == warnings


def test_interleaved_steps_keep_their_warnings() -> None:
    log = (
        "#6 [a 1/1] RUN pip install one\n"
        "#7 [b 1/1] RUN pip install two\n"
        "#6 1.0 WARNING: Running pip as the 'root' user can\n"
    )
    assert read_warnings(log) == ("pip-as-root: RUN pip install one",)


@pytest.mark.parametrize(
    ("log", "step"),
    [
        (
            "Dockerfile:3\n---\n   2 |     USER x\n   3 | >>> RUN false\n---\nERROR: failed to build\n",
            "RUN false",
        ),
        (
            'Error: building at STEP "RUN false": exit status 1\n',
            'building at STEP "RUN false": exit status 1',
        ),
        ("nothing said\n", ""),
    ],
)
def test_failed_step_is_named(log: str, step: str) -> None:
    assert failed_step(log) == step


def test_tail_skips_empty_lines() -> None:
    assert tail("a\n\nb  \n\nc\n\n", 2) == ("b", "c")


def test_a_line_of_any_length_can_be_shown() -> None:
    assert [len(line) for line in tail("x" * 10**6 + "\nend")] == [1000, 3]


def test_installs_from_the_cache_are_known_to_have_printed_nothing() -> None:
    log = BUILDKIT + "#8 [4/5] RUN pip install gunicorn\n#8 CACHED\n#9 [5/5] COPY . .\n#9 CACHED\n"
    assert cached_installs(BUILDKIT) == ()
    assert cached_installs(log) == ("RUN pip install gunicorn",)


@pytest.mark.parametrize(
    ("log", "is_lacking"),
    [
        ("#5 1.2 W: Failed to fetch: Temporary failure resolving 'example.org'", True),
        ("#5 1.2 [Errno -3] Temporary failure in name resolution", True),
        ("#5 1.2 curl: (6) Could not resolve host: example.org", True),
        ("#5 npm error code EAI_AGAIN", True),
        ("#5 ERROR: process ... did not complete successfully: network bridge not found", True),
        ('Error: plugin type="bridge" failed (add): failed to find plugin "bridge"', True),
        ("#5 ERROR: No matching distribution found for flask==99", False),
    ],
)
def test_a_build_without_a_network_is_recognized(log: str, is_lacking: bool) -> None:
    assert lacks_network(log) is is_lacking


def test_an_image_that_cannot_be_pulled_is_no_step_without_a_network() -> None:
    log = "ERROR: failed to solve: a:1: failed to resolve source metadata for a:1: dial tcp: lookup a"
    assert lacks_image(log)
    assert lacks_image("Error: creating build container: initializing source docker://a:1: pinging: refused")
    assert not lacks_image("#5 ERROR: network bridge not found")
