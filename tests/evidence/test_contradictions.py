from __future__ import annotations

from sample_manifests import COMPOSE, POD, by_name

from dockfix.evidence.contradictions import find_contradictions


def test_contradictions_are_reported_once_with_file_and_line() -> None:
    web = by_name("compose.yml", COMPOSE)["web"]
    pod = by_name("web.yaml", POD)["web"]
    found = find_contradictions(
        [web, pod, web], user="app", home="/home/app", written=("/srv/data", "/var/log/web")
    )
    assert [(one.code, one.message.split(" ")[0]) for one in found] == [
        ("manifest-user", "compose.yml:2"),
        ("manifest-mount", "compose.yml:10"),
        ("manifest-read-only", "compose.yml:15"),
        ("named-user", "web.yaml:7"),
        ("low-port", "web.yaml:12"),
        ("manifest-mount", "web.yaml:16"),
    ]


def test_a_numeric_user_passes_run_as_non_root() -> None:
    pod = by_name("web.yaml", POD)["web"]
    codes = [one.code for one in find_contradictions([pod], user="10001:10001", home="/home/app")]
    assert "named-user" not in codes
