from __future__ import annotations

from dockfix.verify.build_log import cached_installs, read_warnings
from dockfix.verify.step_logs import complete

RAN = """\
#5 [base 1/3] FROM docker.io/library/python:3.12-slim
#6 [base 2/3] WORKDIR /app
#7 [base 3/3] RUN pip install flask
#7 0.9 Collecting flask
#7 1.4 WARNING: Running pip as the 'root' user can result in broken permissions
#7 DONE 1.5s
"""
CACHED = """\
#5 [base 1/3] FROM docker.io/library/python:3.12-slim
#6 [base 2/3] WORKDIR /app
#6 CACHED
#7 [base 3/3] RUN pip install flask
#7 CACHED
#8 [stage-1 2/2] COPY . .
#8 DONE 0.1s
"""
WARNING = "pip-as-root: RUN pip install flask"
PODMAN = "STEP 1/2: FROM a\nSTEP 2/2: RUN pip install flask\n{}\nCOMMIT x\n"


def test_a_cached_step_keeps_what_it_printed_when_it_ran() -> None:
    kept: dict[str, str] = {}
    assert read_warnings(complete(CACHED, "a", kept)) == ()
    assert cached_installs(complete(CACHED, "a", kept)) == ("RUN pip install flask",)
    assert read_warnings(complete(RAN, "a", kept)) == (WARNING,)
    again = complete(CACHED, "a", kept)
    assert read_warnings(again) == (WARNING,)
    assert cached_installs(again) == ()


def test_a_step_of_another_user_is_another_step() -> None:
    kept: dict[str, str] = {}
    complete(RAN, "a", kept)
    assert read_warnings(complete(CACHED, "USER u", kept)) == ()
    assert cached_installs(complete(CACHED, "USER u", kept)) == ("RUN pip install flask",)


def test_only_lines_with_warnings_are_kept() -> None:
    kept: dict[str, str] = {}
    complete(RAN, "a", kept)
    assert "Collecting" not in "".join(kept.values())


def test_logs_of_podman_are_kept_as_well() -> None:
    kept: dict[str, str] = {}
    ran = PODMAN.format("WARNING: Running pip as the 'root' user can result in trouble")
    cached = PODMAN.format("--> Using cache 0123abcd")
    assert cached_installs(cached) == ("RUN pip install flask",)
    complete(ran, "a", kept)
    assert read_warnings(complete(cached, "a", kept)) == (WARNING,)
    assert cached_installs(complete(cached, "a", kept)) == ()
