"""dockfix.facts.toml: what it keeps, and what it must not do."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import jsonschema
import pytest
from base_facts import DIGEST, debian, image
from git_repository import Repository
from hypothesis import given
from hypothesis import strategies as st

from dockfix.config import ConfigError, Settings, forget_configs, open_settings
from dockfix.config.facts_file import Kept, by_key, format_facts, parse_facts, read_facts, show_entry
from dockfix.config.facts_keys import MAX_SCRIPT, read_mode
from dockfix.config.facts_schema import make_facts_schema
from dockfix.config.reading import FACTS_FILE
from dockfix.image_facts import Entry, Group, ImageFacts, Interpreter, Login
from dockfix.learned import Learned

NAME = "registry.example.org/acme/python:3"
TEXT = f"""\
# What the base images of this repository contain, recorded by `dockfix --inspect --write`.
# `dockfix --inspect --check` fails once an image has changed. Sorted, so that changes show in a review.
version = 1

[images."registry.example.org/acme/python:3"]
digest = "{DIGEST}"
source = "image"
entrypoint = ["/entrypoint.sh"]
system = "debian"
version = "12"
codename = "bookworm"
accounts = ["root:0:0:/root:/bin/bash", "app:1000:1000:/home/app:"]
groups = ["root:0:", "data:2000:app,root"]
pythons = [{{ path = "/usr/bin/python3", owner = "image", version = "3.12", pip = "25", managed = true }}]

[images."registry.example.org/acme/python:3".env]
PATH = "/usr/bin"

[images."registry.example.org/acme/python:3".commands]
sh = "/usr/bin/dash"

[images."registry.example.org/acme/python:3".paths]
"/" = "drwxr-xr-x 0:0 listed"
"/bin" = "lrwxrwxrwx 0:0 -> usr/bin"
"/srv" = "absent"
"/tmp" = "drwxrwxrwt 0:0"

[images."registry.example.org/acme/python:3".scripts]
"/entrypoint.sh" = '''
#!/bin/sh
exec "$@"
'''
"""
FACTS = image(
    debian(
        accounts=(Login("root", 0, 0, "/root", "/bin/bash"), Login("app", 1000, 1000, "/home/app")),
        groups=(Group("root", 0), Group("data", 2000, ("app", "root"))),
        commands={"sh": "/usr/bin/dash"},
        pythons=(Interpreter("/usr/bin/python3", "image", "3.12", "25", is_managed=True),),
        paths={
            "/": Entry("directory", 0o755, is_listed=True),
            "/bin": Entry("link", 0o777, target="usr/bin"),
            "/srv": Entry("absent"),
            "/tmp": Entry("directory", 0o1777),
        },
        scripts={"/entrypoint.sh": '#!/bin/sh\nexec "$@"\n'},
    ),
    entrypoint=("/entrypoint.sh",),
    env={"PATH": "/usr/bin"},
)


def parse(text: str) -> dict[str, ImageFacts]:
    return parse_facts("f", text).images


def parse_image(lines: str) -> ImageFacts:
    return parse(f'version = 1\n[images.x]\ndigest = "{DIGEST}"\nsource = "image"\n{lines}')["x"]


def test_the_file_is_text_for_people() -> None:
    assert format_facts({NAME: FACTS}) == TEXT


def test_what_is_written_is_read_again() -> None:
    assert parse(TEXT) == {NAME: FACTS}


def test_a_registry_shows_only_the_configuration() -> None:
    facts = image(user="app", ports=("80/tcp",))
    assert 'source = "registry"' in format_facts({"x": facts})
    assert parse(format_facts({"x": facts})) == {"x": facts}


LEARNED = Learned(("/data/", "/srv/db"), ("RUN make /x",), ("~/.cache/torch",))


def test_what_a_proof_has_shown_is_kept_beside_the_images() -> None:
    text = format_facts({}, {"web/Dockerfile": LEARNED, "a b": Learned(root_steps=('RUN "x"',))})
    assert text.partition("version = 1\n")[2] == (
        "\n# What proofs have shown of its Dockerfiles, recorded by `dockfix --verify --write`.\n"
        '\n[files."a b"]\nroot_steps = ["RUN \\"x\\""]\n'
        '\n[files."web/Dockerfile"]\nwrites = ["/data/", "/srv/db"]\n'
        'root_steps = ["RUN make /x"]\nreads = ["~/.cache/torch"]\n'
    )
    assert parse_facts("f", text).files["web/Dockerfile"] == LEARNED
    jsonschema.validate(tomllib.loads(text), SCHEMA)


@pytest.mark.parametrize(
    ("name", "line", "message"),
    [
        ("web", 'writes = ["data"]', "writes must be a list of absolute paths"),
        ("web", 'writes = ["/a/../etc"]', "writes must be"),
        ("web", 'reads = ["/root/.x"]', "reads must be a list of paths that start with ~/"),
        ("web", 'reads = ["~/../etc"]', "reads must be"),
        ("web", "root_steps = [1]", "root_steps must be"),
        ("web", 'user = "a"', "unknown key 'user'"),
        ("../web", 'writes = ["/a"]', "not the path of a file below this one"),
        ("/web", 'writes = ["/a"]', "not the path of a file below this one"),
    ],
)
def test_what_no_proof_shows_is_refused(name: str, line: str, message: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(message)):
        parse_facts("f", f'version = 1\n[files."{name}"]\n{line}\n')


def test_what_is_kept_applies_to_its_file_alone(
    dockfix: Callable[..., tuple[int, str, str]],
) -> None:
    repository = Repository(Path.cwd())
    repository.git("init", "--quiet")
    for name in ("a", "b"):
        (repository.folder / name).mkdir()
        (repository.folder / name / "Dockerfile").write_text(
            "FROM python:3.12-slim\nWORKDIR /app\nCOPY . .\nRUN make\nRUN make /x\nCMD python app.py\n"
        )
        (repository.folder / name / "app.py").write_text("print(1)\n")
    repository.commit()
    own = Learned(("/data/",), ("RUN make /x",))
    (repository.folder / FACTS_FILE).write_text(format_facts({}, {"a/Dockerfile": own}))
    patches = {name: dockfix("--diff", f"{name}/Dockerfile")[1] for name in ("a", "b")}
    assert "chown appuser:appuser /app /data\n" in patches["a"]
    assert "/data" not in patches["b"]
    assert "/data" not in dockfix("--diff", "--isolated", "a/Dockerfile")[1]


def test_images_are_sorted() -> None:
    text = format_facts({name: image() for name in ("b", "a", "c")})
    assert [line for line in text.splitlines() if line.startswith("[")] == [
        '[images."a"]', '[images."b"]', '[images."c"]',
    ]  # fmt: skip


TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=40)


@given(TEXTS, TEXTS, TEXTS)
def test_any_text_of_an_image_survives(name: str, value: str, script: str) -> None:
    env = {name: value} if name and name.isprintable() else {"A": value}
    facts = image(debian(scripts={"/s": script}), env=env, command=(value,))
    assert parse(format_facts({"x": facts})) == {"x": facts}


@given(st.integers(0, 0o7777))
def test_every_mode_survives(mode: int) -> None:
    assert read_mode(show_entry(Entry("file", mode)).split()[0][1:]) == mode


def test_facts_are_found_by_name_and_by_digest() -> None:
    assert by_key({"docker.io/library/x": FACTS}) == {"x:latest": FACTS, DIGEST: FACTS}


# -- what a hostile file may not do -------------------------------------------------------------------

WRONG: dict[str, str] = {
    'user = "a\\nb"': "user must be a string of one line",
    'user = 1': "user must be",
    'digest = "sha256:1"': "Cannot overwrite",
    'paths = { "etc" = "absent" }': "paths must be",
    'paths = { "/a/../b" = "absent" }': "paths must be",
    'paths = { "/a" = "drwxr-xr-x 0:4294967295" }': "paths must be",
    'paths = { "/a" = "lrwxrwxrwx 0:0" }': "paths must be",
    'paths = { "/a" = "-rwxr-xr-x 0:0 listed" }': "paths must be",
    'paths = { "/a" = "drwxr-xr-x root:root" }': "paths must be",
    'accounts = ["a:b:1:/:"]': "accounts must be",
    'accounts = ["a:1:1"]': "accounts must be",
    'groups = "a"': "groups must be",
    'pythons = [{ path = "/p" }]': "pythons must be",
    'pythons = [{ path = "/p", owner = "me" }]': "pythons must be",
    'pythons = [{ path = "/p", owner = "image", run = "x" }]': "pythons must be",
    'pythons = [{ path = "/p", owner = "image", managed = 1 }]': "pythons must be",
    'commands = { sh = "busybox" }': "commands must be",
    f'scripts = {{ "/s" = "{"x" * (MAX_SCRIPT + 1)}" }}': "scripts must be",
    "ports = [" + '"1", ' * 2001 + "]": "ports must be",
    'volumes = ["data"]': "volumes must be",
    'rootfs = "x"': "unknown key 'rootfs'",
}  # fmt: skip


@pytest.mark.parametrize("line", WRONG)
def test_a_value_that_no_image_has_is_refused_with_its_place(line: str) -> None:
    with pytest.raises(ConfigError, match=WRONG[line]):
        parse_image(line)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("images = {}", "version must be 1"),
        ("version = 2", "version must be 1"),
        ("version = 1\nimages = 1", "images must be a table"),
        ("version = 1\nimages.x = 1", 'images."x": must be a table'),
        ('version = 1\n[images."\\u001b[31m"]', "not the name of an image"),
        ("version = 1\nimage.x = 1", "unknown key 'image'"),
        ("version = 1\n[images.x]", "has no digest"),
        (f'version = 1\n[images.x]\ndigest = "{DIGEST}"', "has no source"),
        (
            f'version = 1\n[images.x]\ndigest = "{DIGEST}"\nsource = "registry"\nsystem = "a"',
            "a registry does not show system",
        ),
        ("version = 1\n" + "".join(f"images.i{number} = {{}}\n" for number in range(1001)), "up to 1000"),
        ("version = 1\n[", "invalid TOML"),
        ("version = 1\nimages." + "a." * 5000 + "b = 1", "nested too deeply|invalid|must be|has no|unknown"),
    ],
)
def test_a_file_that_is_not_of_facts_is_refused(text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        parse(text)


# -- where it stands ------------------------------------------------------------------------------------


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    (tmp_path / ".git").mkdir()
    (tmp_path / "service").mkdir()
    (tmp_path / "dockfix.facts.toml").write_text(TEXT)
    forget_configs()
    return tmp_path


def facts_of(folder: Path, settings: Settings | None = None) -> Any:
    return (settings or Settings()).options_of(str(folder / "Dockerfile")).facts


def test_the_file_at_the_top_applies_to_the_whole_repository(repository: Path) -> None:
    assert facts_of(repository / "service")[DIGEST] == FACTS
    assert facts_of(repository) is facts_of(repository / "service")


def test_a_run_without_configuration_uses_no_facts(repository: Path) -> None:
    assert facts_of(repository, open_settings({}, isolated=True)) == {}


def test_another_repository_has_other_facts(repository: Path, tmp_path: Path) -> None:
    other = tmp_path / "service" / "vendored"
    (other / ".git").mkdir(parents=True)
    assert facts_of(other) == {}


def test_a_link_out_of_the_repository_is_refused(
    repository: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    outside = tmp_path_factory.mktemp("outside") / "facts.toml"
    outside.write_text(TEXT)
    (repository / "dockfix.facts.toml").unlink()
    (repository / "dockfix.facts.toml").symlink_to(outside)
    with pytest.raises(ConfigError, match="leads out of"):
        read_facts(str(repository))


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "dockfix.facts.toml")
    assert read_facts(str(tmp_path)) == Kept({}, {})


# -- the schema ---------------------------------------------------------------------------------------

SCHEMA: Final = make_facts_schema()
ONLY_DOCKFIX: Final = ("..", "4294967295", "listed", "lrwxrwxrwx 0:0", '"data"', "sh = ", 'user = "a')
"""Marks of what a schema cannot express."""


def test_it_is_a_schema_of_draft_7() -> None:
    jsonschema.Draft7Validator.check_schema(SCHEMA)


@pytest.mark.parametrize(
    "text", [TEXT, format_facts({"x": image(user="a"), "y": image(debian())}), "version = 1"]
)
def test_it_takes_what_dockfix_writes(text: str) -> None:
    jsonschema.validate(tomllib.loads(text), SCHEMA)


@pytest.mark.parametrize(
    "line", [one for one in WRONG if "digest" not in one and not any(mark in one for mark in ONLY_DOCKFIX)]
)
def test_it_refuses_values_that_no_image_has(line: str) -> None:
    text = f'version = 1\n[images.x]\ndigest = "{DIGEST}"\nsource = "image"\n{line}'
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(tomllib.loads(text), SCHEMA)


def test_a_registry_has_no_files() -> None:
    text = f'version = 1\n[images.x]\ndigest = "{DIGEST}"\nsource = "registry"\nsystem = "a"\n'
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(tomllib.loads(text), SCHEMA)
