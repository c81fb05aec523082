"""Where cp, mv, install and ln put files."""

from __future__ import annotations

import pytest

from dockfix.model.placements import find_placements, may_place
from dockfix.model.runs import walk_script
from dockfix.syntax.shell import parse_script


@pytest.mark.parametrize(
    ("script", "path", "sources"),
    [
        ("cp a.sh /opt/b.sh", "/opt/b.sh", ["/src/a.sh"]),
        ("cp a.sh /opt", "/opt/a.sh", ["/src/a.sh", "/src/a.sh/a.sh"]),
        ("cp a.sh b.sh /opt/", "/opt/b.sh", ["/src/b.sh"]),
        ("cp -a conf/. /opt/conf", "/opt/conf/x/y", ["/src/conf/x/y"]),
        ("mv /src/app /opt/app", "/opt/app/x.py", ["/src/app/x.py"]),
        ("mv /src/app/*.py /opt/", "/opt/x.py", ["/src/app/x.py"]),
        ("mv /src/app/*.py /opt/", "/opt/x.sh", []),
        ("install -m 755 run.sh /usr/local/bin/run", "/usr/local/bin/run", ["/src/run.sh"]),
        ("ln -s ../src/run.sh /bin/run", "/bin/run", ["/src/run.sh"]),
        ("cd sub && ln -s $PWD/x /bin/x", "/bin/x", []),
        ("rm a.sh", "/src/a.sh", []),
    ],
)
def test_source_of_a_path(script: str, path: str, sources: list[str]) -> None:
    found = find_placements(walk_script(parse_script(script), "/src", {}), "/root")
    assert sorted(one for each in found if (one := each.source_of(path)) is not None) == sources


def test_scripts_that_place_nothing_are_not_read() -> None:
    assert may_place("apt-get update && cp a b")
    assert not may_place("scp-like copying")
