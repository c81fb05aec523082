from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from dockfix.config import open_settings
from dockfix.config.show import show_config

RULES = """\
user = "web"
accept = ["not-python"]
exclude = ["legacy/"]
[[overrides]]
paths = ["services/"]
numeric = true
[images."acme/python"]
family = "debian"
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "services" / "api").mkdir(parents=True)
    (tmp_path / "dockfix.toml").write_text(RULES)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def lines(text: str) -> dict[str, str]:
    """What stands behind each key: its value, and where that comes from."""
    rows = (line.partition(" = ") for line in text.splitlines() if " = " in line)
    return {key: " # ".join(part.strip() for part in rest.rsplit("  # ", 1)) for key, _, rest in rows}


@pytest.mark.usefixtures("folder")
def test_each_key_comes_with_what_sets_it() -> None:
    shown = lines(show_config(["services/api/Dockerfile"], open_settings({"uid": 7})))
    assert shown["user"] == '"web" # dockfix.toml:1'
    assert shown["accept"] == '["not-python"] # dockfix.toml:2'
    assert shown["numeric"] == "true # dockfix.toml:6, an override"
    assert shown["uid"] == "7 # --uid"
    assert shown["install"] == '"user" # default'
    assert shown["exclude"] == '["legacy/"] # dockfix.toml:3'
    assert shown["images"] == '{ "acme/python" = { "family" = "debian" } } # dockfix.toml:7'


@pytest.mark.usefixtures("folder")
def test_it_is_a_configuration_itself() -> None:
    text = show_config(["."], open_settings({}))
    assert text.startswith("# .: dockfix.toml\n")
    values = tomllib.loads(text)
    assert values["user"] == "web"
    assert values["numeric"] is False
    assert "\n# uid  " in text


def test_without_a_configuration_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    text = show_config(["a/Dockerfile", "b"], open_settings({}, isolated=True))
    assert text.startswith("# a/Dockerfile: no configuration\n")
    assert "\n\n# b: no configuration\n" in text
    assert {value.rpartition("# ")[2] for value in lines(text).values()} == {"default"}
