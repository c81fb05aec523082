from __future__ import annotations

from typing import Any

import pytest

from dockfix.verify.surroundings import platform_flags


@pytest.mark.parametrize(
    ("config", "flags"),
    [
        ({"Cmd": ["/bin/sh", "-c", "exec gunicorn --bind :$PORT main:app"]}, ("--env", "PORT=8080")),
        ({"Entrypoint": ["sh", "-c"], "Cmd": ["uvicorn --port ${PORT} main:app"]}, ("--env", "PORT=8080")),
        ({"Cmd": ["/bin/sh", "-c", "gunicorn --bind :$PORT a:b"], "Env": ["PORT=80", "A=b"]}, ()),
        ({"Cmd": ["/bin/sh", "-c", "gunicorn --bind :${PORT:-8000} a:b"]}, ()),
        ({"Cmd": ["/bin/sh", "-c", "serve $PORTS"], "Env": None}, ()),
        ({"Cmd": None, "Entrypoint": None}, ()),
        ({}, ()),
    ],
)
def test_port_is_given_where_the_start_asks_for_it(config: dict[str, Any], flags: tuple[str, ...]) -> None:
    assert platform_flags(config) == flags
    assert platform_flags(config, {"PORT"}) == ()
