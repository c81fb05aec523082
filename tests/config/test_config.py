from __future__ import annotations

from pathlib import Path
from time import process_time
from types import SimpleNamespace

import pytest

from dockfix.config import ConfigError, Settings, find_config, forget_configs, open_settings
from dockfix.options import Chown, Install, Options


@pytest.fixture(autouse=True)
def _fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    forget_configs()
    names = [SimpleNamespace(name=name) for name in ("create-user", "set-user", "pip-user")]
    monkeypatch.setattr("dockfix.transforms.TRANSFORMS", tuple(names), raising=False)


def put(folder: Path, name: str, text: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text)


def test_every_key_arrives(tmp_path: Path) -> None:
    put(
        tmp_path,
        "dockfix.toml",
        """
        user = "app"
        uid = 2000
        gid = 2001
        numeric = true
        install = "venv"
        chown = "writable"
        select = ["create-user", "set-user"]
        ignore = ["pip-user"]
        unsafe = true
        base = "rhel"
        targets = ["web", "worker"]
        include = ["docker/*"]
        exclude = ["legacy/"]
        force-exclude = true
        accept = ["low-port"]
        [images."acme/python"]
        family = "debian"
        """,
    )
    assert Settings().options_of(str(tmp_path / "Dockerfile")) == Options(
        user="app",
        uid=2000,
        gid=2001,
        numeric=True,
        install=Install.VENV,
        chown=Chown.WRITABLE,
        select=frozenset({"create-user", "set-user"}),
        ignore=frozenset({"pip-user"}),
        unsafe=True,
        accept=frozenset({"low-port"}),
        base="rhel",
        targets=("web", "worker"),
        images={"acme/python": {"family": "debian"}},
    )
    config = find_config(str(tmp_path))
    assert (config.folder, config.include, config.exclude) == (str(tmp_path), ("docker/*",), ("legacy/",))
    assert config.force_exclude


def test_nearest_file_upwards_wins_whole(tmp_path: Path) -> None:
    put(tmp_path, "pyproject.toml", '[tool.dockfix]\nuser = "outer"\nuid = 2000\n')
    put(tmp_path / "a", "pyproject.toml", "[tool.other]\nx = 1\n")
    put(tmp_path / "b", "pyproject.toml", '[tool.dockfix]\nuser = "inner"\n')
    put(tmp_path / "c", "pyproject.toml", '[tool.dockfix]\nuser = "second"\n')
    put(tmp_path / "c", "dockfix.toml", 'user = "first"\n')
    put(tmp_path / "d", "pyproject.toml", "not [ toml at all\n")
    (tmp_path / "b" / "deep" / "er").mkdir(parents=True)
    names = ("a", "b", "b/deep/er", "c", "d")
    users = {name: Settings().options_of(str(tmp_path / name / "Dockerfile")) for name in names}
    assert {name: (options.user, options.uid) for name, options in users.items()} == {
        "a": ("outer", 2000),
        "b": ("inner", None),
        "b/deep/er": ("inner", None),
        "c": ("first", None),
        "d": ("outer", 2000),
    }


def test_command_line_comes_first(tmp_path: Path) -> None:
    put(tmp_path, "dockfix.toml", 'user = "app"\nnumeric = true\n')
    settings = open_settings({"user": "web", "numeric": False})
    assert settings.options_of(str(tmp_path / "Dockerfile")) == Options(user="web", numeric=False)


MISTAKES = {
    "unknown key": ('usr = "x"', "1: unknown key 'usr' (did you mean 'user'?)"),
    "unknown key far off": ("\n\nzzz = 1", "3: unknown key 'zzz' (known: user, uid, gid, numeric, "),
    "unknown table": ("user = 'a'\n[imges.x]\n", "2: unknown key 'imges' (did you mean 'images'?)"),
    "string for a number": ('uid = "5"', "1: uid must be a whole number, not '5'"),
    "switch for a number": ("uid = true", "1: uid must be a whole number, not true"),
    "number for a switch": ("user = 'a'\nnumeric = 1", "2: numeric must be true or false, not 1"),
    "string for a list": ('select = "set-user"', "1: select must be a list of strings, "),
    "numbers in a list": ("targets = [1]", "1: targets must be a list of strings, "),
    "no such choice": (
        'install = "conda"',
        '1: install must be one of "user", "venv", "system", not \'conda\'',
    ),
    "list for a choice": ("chown = []", '1: chown must be one of "all", "writable", "none", not a list'),
    "value for a table": ("images = 1", "1: images must be a table for each image, "),
    "illegal user": ('user = "Root"', "1: user: 'Root' is not a valid user name: "),
    "root's number": ("uid = 0", "1: uid: 0 is out of range: "),
    "unknown transform": (
        'ignore = ["pip-usr"]',
        "1: ignore: unknown transform 'pip-usr' (did you mean 'pip-user'?)",
    ),
    "unknown family": ('base = "debain"', "1: base: unknown base family 'debain' (did you mean 'debian'?)"),
    "unknown fact": (
        '[images."acme/x"]\nfamly = "debian"',
        "1: images: no such key for the image acme/x: famly (see ",
    ),
    "no TOML": ("user = 'a'\nuid = \n", "2: invalid TOML: "),
}


@pytest.mark.parametrize(("text", "message"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_reported_with_file_line_and_fix(tmp_path: Path, text: str, message: str) -> None:
    put(tmp_path, "dockfix.toml", text)
    with pytest.raises(ConfigError) as caught:
        find_config(str(tmp_path))
    assert str(caught.value).startswith(f"{tmp_path / 'dockfix.toml'}:{message}")
    assert "\n" not in str(caught.value)


def test_lines_are_counted_in_pyproject_too(tmp_path: Path) -> None:
    put(tmp_path, "pyproject.toml", '[project]\nuid = "no"\n\n[tool.dockfix]\nuser = "a"\nuid = "5"\n')
    with pytest.raises(ConfigError, match=r"pyproject\.toml:6: uid must be a whole number"):
        find_config(str(tmp_path))


def test_a_table_that_is_none(tmp_path: Path) -> None:
    put(tmp_path, "pyproject.toml", "[tool]\ndockfix = 1\n")
    with pytest.raises(ConfigError, match=r"tool\.dockfix is not a table"):
        find_config(str(tmp_path))


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({"user": "root"}, "--user: 'root' is not a valid user name: "),
        ({"uid": 0}, "--uid: 0 is out of range: "),
        (
            {"select": frozenset({"set-usr"})},
            "--select: unknown transform 'set-usr' (did you mean 'set-user'?)",
        ),
        ({"base": "win"}, "--base: unknown base family 'win' ("),
    ],
)
def test_a_mistake_on_the_command_line(overrides: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        open_settings(overrides)
    assert str(caught.value).startswith(message)


def test_key_of_two_words_and_its_flag_set_the_same_field(tmp_path: Path) -> None:
    put(tmp_path, "dockfix.toml", "any-uid = true\n")
    assert open_settings({}).options_of(str(tmp_path / "Dockerfile")) == Options(any_uid=True)
    assert open_settings({"any_uid": True}, isolated=True).options_of("/Dockerfile") == Options(any_uid=True)


@pytest.mark.parametrize(("text", "given"), [("any-uid = true", {"gid": 7}), ("any-uid = true\ngid = 7", {})])
def test_contradiction_of_two_settings_is_an_error_of_the_configuration(
    tmp_path: Path, text: str, given: dict[str, int]
) -> None:
    put(tmp_path, "dockfix.toml", text)
    with pytest.raises(ConfigError, match=r"dockfix\.toml: gid: 7 contradicts any-uid"):
        open_settings(given).options_of(str(tmp_path / "Dockerfile"))


def test_a_path_of_thousands_of_folders_takes_little_time(tmp_path: Path) -> None:
    (tmp_path / "dockfix.toml").write_text("numeric = true\n")
    started = process_time()
    assert find_config(f"{tmp_path}{'/a' * 5_000}").options == {"numeric": True}
    assert process_time() - started < 5
