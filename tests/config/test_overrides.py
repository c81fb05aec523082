"""Options that differ from path to path, and which configuration applies."""

from __future__ import annotations

from pathlib import Path

import pytest

from dockfix.config import ConfigError, Settings, find_config, open_settings
from dockfix.options import Options


def put(folder: Path, name: str, text: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text)


RULES = """
user = "web"
accept = ["not-python"]

[[overrides]]
paths = ["services/", "*.edge.Dockerfile"]
accept = ["low-port"]
numeric = true

[[overrides]]
paths = ["services/legacy/**"]
accept = []
user = "old"
"""
EXPECTED = {
    "Dockerfile": Options(user="web", accept=frozenset({"not-python"})),
    "tools/a.edge.Dockerfile": Options(user="web", accept=frozenset({"low-port"}), numeric=True),
    "services/api/Dockerfile": Options(user="web", accept=frozenset({"low-port"}), numeric=True),
    "services/legacy/cron/Dockerfile": Options(user="old", numeric=True),
}


@pytest.mark.parametrize("path", EXPECTED)
@pytest.mark.parametrize("name", ["dockfix.toml", "pyproject.toml"])
def test_the_last_override_that_matches_wins_key_by_key(tmp_path: Path, name: str, path: str) -> None:
    rules = RULES
    if name == "pyproject.toml":
        rules = "[tool.dockfix]" + RULES.replace("[[overrides]]", "[[tool.dockfix.overrides]]")
    put(tmp_path, name, rules)
    assert Settings().options_of(str(tmp_path / path)) == EXPECTED[path]


def test_the_command_line_wins_over_overrides(tmp_path: Path) -> None:
    put(tmp_path, "dockfix.toml", RULES)
    settings = open_settings({"user": "mine"})
    options = settings.options_of(str(tmp_path / "services" / "legacy" / "Dockerfile"))
    assert (options.user, options.numeric) == ("mine", True)


def test_files_of_the_same_overrides_share_their_options(tmp_path: Path) -> None:
    put(tmp_path, "dockfix.toml", RULES)
    settings = Settings()
    one, other = (settings.options_of(str(tmp_path / "services" / name)) for name in ("a", "b"))
    assert one is other


MISTAKES = {
    "no paths": ('[[overrides]]\nuser = "a"\n', "1: an override needs paths, a list of patterns as in "),
    "unknown key": (
        'user = "b"\n\n[[overrides]]\npaths = ["a"]\nusr = "a"\n',
        "5: unknown key 'usr' (did you mean 'user'?)",
    ),
    "key of a run": (
        '[[overrides]]\npaths = ["a"]\n[[overrides]]\npaths = ["b"]\nexclude = ["c"]\n',
        "5: unknown key 'exclude' (known: paths, user, ",
    ),
    "wrong value": ('[[overrides]]\npaths = ["a"]\nuid = "5"\n', "3: uid must be a whole number, not '5'"),
    "unknown review": (
        '[[overrides]]\npaths = ["a"]\naccept = ["low-prot"]\n',
        "3: accept: unknown review 'low-prot' (did you mean 'low-port'?)",
    ),
    "paths as a string": ('[[overrides]]\npaths = "a"\n', "2: paths must be a list of strings, "),
    "one table": (
        '[overrides]\npaths = ["a"]\n',
        "1: overrides must be a list of tables, like [[",
    ),
}


@pytest.mark.parametrize(("text", "message"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_in_an_override_is_reported_with_its_line(tmp_path: Path, text: str, message: str) -> None:
    put(tmp_path, "dockfix.toml", text)
    with pytest.raises(ConfigError) as caught:
        find_config(str(tmp_path))
    assert str(caught.value).startswith(f"{tmp_path / 'dockfix.toml'}:{message}")


def test_one_file_for_all_takes_its_patterns_from_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tmp_path / "shared", "rules.toml", RULES)
    put(tmp_path / "work" / "services", "dockfix.toml", 'user = "ignored"\n')
    monkeypatch.chdir(tmp_path / "work")
    settings = open_settings({}, "../shared/rules.toml")
    options = settings.options_of(str(tmp_path / "work" / "services" / "Dockerfile"))
    assert (options.user, options.accept) == ("web", frozenset({"low-port"}))


def test_a_pyproject_that_says_nothing_of_dockfix_cannot_be_the_configuration(tmp_path: Path) -> None:
    put(tmp_path, "pyproject.toml", "[project]\nname = 'dockfix'\n")
    with pytest.raises(ConfigError, match=r"pyproject\.toml: has no table \[tool\.dockfix\]"):
        open_settings({}, str(tmp_path / "pyproject.toml"))


def test_an_isolated_run_has_no_configuration(tmp_path: Path) -> None:
    put(tmp_path, "dockfix.toml", RULES)
    settings = open_settings({"uid": 5}, isolated=True)
    assert settings.options_of(str(tmp_path / "services" / "Dockerfile")) == Options(uid=5)
