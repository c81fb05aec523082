"""The MCP tool `verify`, on a real engine."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import pytest
from applications import engine, has_image
from mcp import Client, StdioServerParameters

pytestmark = pytest.mark.engine
IMAGE = "python:3.12-slim-bookworm"

DOCKERFILE = f'FROM {IMAGE}\nWORKDIR /app\nCOPY app.py .\nEXPOSE 8000\nCMD ["python", "app.py"]\n'
SERVER = "import http.server as s\ns.test(HandlerClass=s.SimpleHTTPRequestHandler, port=8000)\n"


def test_a_change_is_proven(tmp_path: Path) -> None:
    engine()
    if not has_image(IMAGE):
        pytest.skip(f"no image {IMAGE} on this engine")
    (tmp_path / "Dockerfile").write_text(DOCKERFILE)
    (tmp_path / "app.py").write_text(SERVER)
    argv = ["-m", "dockfix", "--mcp"]
    server = StdioServerParameters(command=sys.executable, args=argv, cwd=tmp_path, env=dict(os.environ))

    async def body() -> None:
        async with Client(server) as client:
            given = {"path": "Dockerfile", "build_network": "none"}
            found = (await client.call_tool("verify", given)).structured_content
            assert found is not None
            assert (found["summary"], found["verdict"]["kind"]) == ("proven", "proven")
            assert found["verdict"]["details"]["ground"] == "answers"
            assert found["verdict"]["details"]["after"]["user"] == "appuser"

    asyncio.run(body())
    assert (tmp_path / "Dockerfile").read_text() == DOCKERFILE
