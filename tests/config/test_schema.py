"""The schema of a configuration: it takes what dockfix takes, and refuses what dockfix refuses."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any, Final

import jsonschema
import pytest

from dockfix.config import ConfigError, find_config
from dockfix.config.keys import KEYS, OPTIONS, OVERRIDES
from dockfix.config.schema import describe, make_schema
from dockfix.knowledge import read_table

SCHEMA: Final = make_schema()


def test_it_is_a_schema_of_draft_7_as_schemastore_wants_it() -> None:
    jsonschema.Draft7Validator.check_schema(SCHEMA)
    assert SCHEMA["$schema"] == "http://json-schema.org/draft-07/schema#"
    assert SCHEMA["$id"].startswith("https://json.schemastore.org/")
    assert SCHEMA["additionalProperties"] is False


def test_it_has_every_key_with_its_description() -> None:
    properties = SCHEMA["properties"]
    assert set(properties) == {*KEYS, OVERRIDES}
    assert all(properties[key]["description"] == describe(KEYS[key]) for key in KEYS)
    assert set(properties[OVERRIDES]["items"]["properties"]) == {*OPTIONS, "paths"}


def test_defaults_keep_to_it() -> None:
    defaults = {key: one["default"] for key, one in SCHEMA["properties"].items() if "default" in one}
    assert len(defaults) > 10
    jsonschema.validate(defaults, SCHEMA)


GOOD: Final = {
    "nothing": "",
    "every kind of value": 'user = "a"\nuid = 5\nnumeric = true\ninstall = "venv"\ntargets = ["web"]\n',
    "names": 'accept = ["low-port"]\nignore = ["pip-user"]\nselect = []\nbase = "debian"\n',
    "overrides": '[[overrides]]\npaths = ["a/"]\nuser = "b"\n',
    "images": '[images."acme/python"]\nlike = "python:{tag}"\nuser = "root"\nports = [80]\n'
    'accounts = [{ name = "svc", uid = 5 }]\nenv = { HOME = "/x" }\n',
    "of a run": 'include = ["x"]\nexclude = ["y/"]\nforce-exclude = true\n',
}
BAD: Final = {
    "unknown key": 'usr = "a"',
    "unknown key of an override": '[[overrides]]\npaths = ["a"]\nusr = "b"',
    "override without paths": '[[overrides]]\nuser = "b"',
    "number for a switch": "numeric = 1",
    "string for a number": 'uid = "5"',
    "number of root": "uid = 0",
    "number out of range": "gid = 2147483648",
    "illegal user": 'user = "Root"',
    "no such choice": 'install = "conda"',
    "unknown review": 'accept = ["low-prot"]',
    "unknown transform": 'ignore = ["low-port"]',
    "unknown family": 'base = "dos"',
    "unknown fact": '[images."a"]\nfamly = "debian"',
    "numbers in a list": "targets = [1]",
}


def read(folder: Path, text: str) -> Any:
    """What the text holds; raises ConfigError if dockfix refuses it."""
    (folder / "dockfix.toml").write_text(text)
    find_config(str(folder))
    return tomllib.loads(text)


@pytest.mark.parametrize("text", GOOD.values(), ids=GOOD)
def test_it_takes_what_dockfix_takes(tmp_path: Path, text: str) -> None:
    jsonschema.validate(read(tmp_path, text), SCHEMA)


@pytest.mark.parametrize("text", BAD.values(), ids=BAD)
def test_it_refuses_what_dockfix_refuses(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigError):
        read(tmp_path, text)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(tomllib.loads(text), SCHEMA)


def test_facts_about_images_keep_to_it() -> None:
    rows = [dict(row) for row in read_table("bases")["image"]]
    images = {str(row.pop("images")): row for row in rows}
    assert len(images) > 50
    jsonschema.validate({"images": json.loads(json.dumps(images))}, SCHEMA)
