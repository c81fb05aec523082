from __future__ import annotations

import pytest
from plans import read_plan

from dockfix.model.copies import Copy, find_volumes


def read_copy(instruction: str, workdir: str = "/app") -> Copy:
    (copy,) = read_plan(f"ARG TREE=src\nWORKDIR {workdir}\n{instruction}\n").copies
    return copy


@pytest.mark.parametrize(
    ("instruction", "sources", "destination"),
    [
        ("COPY a b", ("a",), "/app/b"),
        ("COPY a b /srv/", ("a", "b"), "/srv"),
        ('COPY ["a b", "c", "./"]', ("a b", "c"), "/app"),
        ("COPY --chown=1:1 --link $TREE /srv/$TREE", ("src",), "/srv/src"),
        ("COPY . .", (".",), "/app"),
        ("COPY a ../b", ("a",), "/b"),
        ("COPY <<EOF conf\nx\nEOF", (), "/app/conf"),
        ("COPY a <<EOF /srv/\nx\nEOF", ("a",), "/srv"),
    ],
)
def test_operands_are_read_after_substitution(
    instruction: str, sources: tuple[str, ...], destination: str
) -> None:
    copy = read_copy(instruction)
    assert (copy.sources, copy.destination) == (sources, destination)


@pytest.mark.parametrize(
    ("instruction", "directory", "relative", "landed"),
    [
        ("COPY a.py main.py", False, True, ("/app/main.py",)),
        ("COPY a.py ./", True, True, ("/app/a.py",)),
        ("COPY a.py b.py /srv/", True, False, ("/srv/a.py", "/srv/b.py")),
        ("COPY src/ .", True, True, ("/app/*",)),
        ("COPY . /srv", True, False, ("/srv/*",)),
        ("COPY src a.py /srv/", True, False, ("/srv/a.py", "/srv/*")),
        ("COPY *.py /srv", False, False, ("/srv/*",)),
        ("COPY src /srv", False, False, ("/srv",)),
        ("COPY <<a <<b /srv/\nx\na\ny\nb", True, False, ("/srv/a", "/srv/b")),
        ("COPY <<a /srv/conf\nx\na", False, False, ("/srv/conf",)),
    ],
)
def test_where_sources_land(
    instruction: str, directory: bool, relative: bool, landed: tuple[str, ...]
) -> None:
    copy = read_copy(instruction)
    assert (copy.is_directory, copy.is_relative, copy.landed()) == (directory, relative, landed)


@pytest.mark.parametrize(
    ("instruction", "stage", "owned", "linked", "download"),
    [
        ("COPY a b", None, False, False, False),
        ("COPY --from=build a b", "build", False, False, False),
        ("COPY --from=$TREE a b", "src", False, False, False),
        ("COPY --chown=app a b", None, True, False, False),
        ("COPY --link a b", None, False, True, False),
        ("COPY --link=false a b", None, False, False, False),
        ("ADD https://example.org/a.gz b", None, False, False, True),
        ("ADD a.tar b", None, False, False, False),
        ("COPY https://example.org/a.gz b", None, False, False, False),
    ],
)
def test_flags_say_where_from_and_whose(
    instruction: str, stage: str | None, owned: bool, linked: bool, download: bool
) -> None:
    copy = read_copy(instruction)
    assert (copy.stage, copy.has_owner, copy.is_linked, copy.is_download) == (stage, owned, linked, download)


@pytest.mark.parametrize(
    ("flags", "is_settled"),
    [
        ("--chown=root:root --chmod=770", False),
        ("--chmod=700 --chown=0", False),
        ("--chown=root:www --chmod=0774", False),
        ("--chown=root:root --chmod=755", True),
        ("--chown=root:root --chmod=644", True),
        ("--chown=root:root --chmod=640", False),
        ("--chown=root:root --chmod=u=rwX,go=", True),
        ("--chown=root:root", True),
        ("--chown=app --chmod=770", True),
        ("--chmod=770", False),
    ],
)
def test_root_as_the_owner_is_not_settled_where_the_mode_keeps_others_out(
    flags: str, is_settled: bool
) -> None:
    assert read_copy(f"COPY {flags} a /app/a").has_owner == is_settled


def test_documents_are_the_files_of_heredocs() -> None:
    copy = read_copy("COPY <<a.sh <<b.txt /srv/\nexec x\na.sh\ny\nb.txt")
    assert copy.documents() == (("/srv/a.sh", "exec x\n"), ("/srv/b.txt", "y\n"))
    assert read_copy("COPY <<EOF conf\nx\nEOF").documents() == (("/app/conf", "x\n"),)


@pytest.mark.parametrize(
    ("instruction", "paths"),
    [
        ("VOLUME /data", ["/data"]),
        ("VOLUME /data /logs/", ["/data", "/logs"]),
        ('VOLUME ["/data", "cache"]', ["/data", "/cache"]),
        ("VOLUME $PLACE", ["/srv/data"]),
        ("VOLUME /etc/app/config.yaml", []),
    ],
)
def test_volumes_are_absolute_directories(instruction: str, paths: list[str]) -> None:
    plan = read_plan(f"ENV PLACE=/srv/data\nWORKDIR /app\n{instruction}\n")
    assert [path for _, path in find_volumes(plan.lineage)] == paths
