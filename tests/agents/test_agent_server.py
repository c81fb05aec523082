"""The MCP server from the outside: started by `dockfix --mcp` and called by the SDK's own client."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import pytest
from git_repository import Repository, lay_out_monorepo
from jsonschema import validate
from mcp import Client, StdioServerParameters
from mcp.types import CallToolResult, TextContent

pytestmark = pytest.mark.integration

ROOT: Final = "FROM python:3.12-slim\nWORKDIR /app\nCOPY app.py .\nCMD python app.py\n"
SECRET: Final = "nobody may see this"
READING: Final = {"analyse", "diff", "explain"}


@asynccontextmanager
async def connected(folder: Path, *options: str) -> AsyncIterator[Client]:
    """A client of a server that was started in a folder."""
    environment = {name: value for name, value in os.environ.items() if name.isupper()}
    server = StdioServerParameters(
        command=sys.executable, args=["-m", "dockfix", "--mcp", *options], cwd=folder, env=environment
    )
    async with Client(server) as client:
        yield client


def ask(folder: Path, body: Callable[[Client], Coroutine[Any, Any, None]], *options: str) -> None:
    async def run() -> None:
        async with connected(folder, *options) as client:
            await body(client)

    asyncio.run(run())


def answer(result: CallToolResult) -> Any:
    assert not result.is_error, text(result)
    assert result.structured_content is not None
    return result.structured_content


def text(result: CallToolResult) -> str:
    return "\n".join(part.text for part in result.content if isinstance(part, TextContent))


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """The sample monorepo, in git, with a folder beside it that must stay private."""
    folder = lay_out_monorepo(tmp_path / "shop")
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "Dockerfile").write_text(f"{ROOT}# {SECRET}\n")
    (outside / "app.py").write_text(f"open('/{SECRET}', 'w')\n")
    return folder


def test_the_tools_have_schemas_and_say_what_they_do(shop: Path) -> None:
    async def body(client: Client) -> None:
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
        assert set(tools) == {*READING, "verify"}
        for name, tool in tools.items():
            assert tool.description
            assert tool.input_schema["properties"]
            assert tool.output_schema
            assert tool.annotations is not None
            assert tool.annotations.read_only_hint == (name in READING)
            assert all("description" in one for one in tool.input_schema["properties"].values())

    ask(shop, body)


def test_analysing_is_a_run_over_the_folder(shop: Path) -> None:
    async def body(client: Client) -> None:
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
        found = answer(await client.call_tool("analyse"))
        validate(found, tools["analyse"].output_schema or {})
        assert found["counts"] == {
            "changed": 8, "fixed": 0, "needs-review": 1, "unchanged": 1, "skipped": 4, "failed": 0,
        }  # fmt: skip
        files = {file["path"]: file for file in found["files"]}
        assert len(files) == 14
        (review,) = [
            one for one in files["services/gateway/Dockerfile"]["findings"] if one["kind"] == "review"
        ]
        assert (review["code"], review["line"]) == ("low-port", 4)
        few = answer(await client.call_tool("analyse", {"paths": ["services"], "limit": 2}))
        assert (len(few["files"]), few["left_out"]) == (2, 10)

    ask(shop, body)


def test_a_diff_is_the_patch_of_the_command_line(shop: Path) -> None:
    name = "services/search/Dockerfile"
    argv = [sys.executable, "-m", "dockfix", "--diff", name]
    wanted = subprocess.run(argv, cwd=shop, capture_output=True, text=True, check=True).stdout
    assert wanted.startswith("--- a/services/search/Dockerfile\n")

    async def body(client: Client) -> None:
        assert answer(await client.call_tool("diff", {"path": name}))["patch"] == wanted
        held = answer(await client.call_tool("diff", {"path": "services/gateway/Dockerfile"}))
        assert (held["file"]["outcome"], held["patch"]) == ("needs-review", "")
        made = answer(await client.call_tool("diff", {"path": "services/gateway/Dockerfile", "unsafe": True}))
        assert "+USER appuser\n" in made["patch"]

    ask(shop, body)


def test_explaining_a_code(shop: Path) -> None:
    async def body(client: Client) -> None:
        found = answer(await client.call_tool("explain", {"name": "low-port"}))
        assert found["result"].startswith("low-port (review")
        wrong = await client.call_tool("explain", {"name": "low-prot"})
        assert wrong.is_error
        assert "did you mean 'low-port'?" in text(wrong)

    ask(shop, body)


def test_nothing_is_written_without_write(shop: Path) -> None:
    async def body(client: Client) -> None:
        await client.call_tool("analyse")
        assert (await client.call_tool("write", {"paths": ["."]})).is_error

    ask(shop, body)
    assert Repository(shop).git("status", "--porcelain") == ""


def test_writing_is_a_run_that_can_be_undone(shop: Path) -> None:
    async def body(client: Client) -> None:
        found = answer(await client.call_tool("write", {"paths": ["services/search", "services/pricing"]}))
        assert (found["counts"]["fixed"], found["counts"]["changed"]) == (2, 0)

    ask(shop, body, "--write")
    repository = Repository(shop)
    changed = [f"services/{name}/Dockerfile" for name in ("pricing", "search")]
    assert repository.git("diff", "--name-only").split() == changed
    undone = subprocess.run([sys.executable, "-m", "dockfix", "--undo", "."], cwd=shop, check=False)
    assert undone.returncode == 0
    assert repository.git("status", "--porcelain") == ""


def test_uncommitted_work_is_left_alone(shop: Path) -> None:
    place = shop / "services" / "search" / "Dockerfile"
    place.write_text(place.read_text() + "# mine\n")
    before = place.read_text()

    async def body(client: Client) -> None:
        (file,) = answer(await client.call_tool("write", {"paths": ["services/search"]}))["files"]
        assert (file["outcome"], file["findings"][0]["code"]) == ("failed", "uncommitted")

    ask(shop, body, "--write")
    assert place.read_text() == before


def outside(shop: Path) -> list[str]:
    """Paths that lead out of the folder: relative, absolute, through links to a file and to a folder."""
    (shop / "linked.Dockerfile").symlink_to("../outside/Dockerfile")
    (shop / "linked").symlink_to("../outside")
    return ["../outside", "../outside/Dockerfile", str(shop.parent / "outside"), "linked.Dockerfile",
            "linked/Dockerfile", "linked", "services/../../outside/Dockerfile", "/etc"]  # fmt: skip


def test_no_path_leads_out_of_the_folder(shop: Path) -> None:
    before = (shop.parent / "outside" / "Dockerfile").read_text()
    paths = outside(shop)

    async def body(client: Client) -> None:
        for path in paths:
            for tool, given in (
                ("analyse", {"paths": [path]}),
                ("diff", {"path": path}),
                ("verify", {"path": path}),
                ("write", {"paths": [path], "unsafe": True}),
            ):
                found = await client.call_tool(tool, given)
                assert found.is_error, (tool, path)
                assert "is outside of" in text(found), (tool, path)
        whole = answer(await client.call_tool("analyse", {"limit": 1000}))
        linked = [file for file in whole["files"] if "linked" in file["path"]]
        assert [(file["path"], file["outcome"]) for file in linked] == [("linked.Dockerfile", "skipped")]
        assert SECRET not in str(whole)

    ask(shop, body, "--write")
    assert (shop.parent / "outside" / "Dockerfile").read_text() == before


def test_no_build_context_or_manifest_leads_out_of_the_folder(shop: Path) -> None:
    """A compose file may name any context: sources outside of the folder stay unread."""
    inner = shop / "inner"
    inner.mkdir()
    (inner / "Dockerfile").write_text(ROOT)
    context = shop.parent / "outside"
    (shop / "compose.yaml").write_text(
        f"services:\n  a: {{build: {{context: ../outside, dockerfile: {inner}/Dockerfile}}}}\n"
        f"  b: {{build: {{context: {context}, dockerfile: ../shop/inner/Dockerfile}}}}\n"
    )
    (inner / "app.py").symlink_to(context / "app.py")

    async def body(client: Client) -> None:
        found = answer(await client.call_tool("diff", {"path": "inner/Dockerfile"}))
        assert found["file"]["outcome"] in ("changed", "needs-review")
        assert SECRET not in str(found)

    ask(shop, body)


def test_a_server_in_a_part_of_a_repository_stays_there(shop: Path) -> None:
    (shop / "dockfix.toml").write_text("user = 'above'\n")

    async def body(client: Client) -> None:
        found = answer(await client.call_tool("analyse"))
        assert sum(found["counts"].values()) == 12
        made = answer(await client.call_tool("diff", {"path": "orders/Dockerfile"}))
        assert "USER" in made["patch"]
        refused = await client.call_tool("verify", {"path": "orders/Dockerfile"})
        assert refused.is_error
        assert "start the server there to verify" in text(refused)

    ask(shop / "services", body)


def test_wrong_arguments_are_answered(shop: Path) -> None:
    async def body(client: Client) -> None:
        wrong: list[dict[str, Any]] = [
            {"paths": []},
            {"limit": -1},
            {"paths": ["no/such"]},
            {"paths": ["a\0b"]},
        ]
        for given in wrong:
            assert (await client.call_tool("analyse", given)).is_error
        several = await client.call_tool("diff", {"path": "services"})
        assert "holds 12 Dockerfiles" in text(several)
        (shop / "dockfix.toml").write_text("nonsense = 1\n")
        assert "unknown key 'nonsense'" in text(await client.call_tool("analyse"))
        (shop / "dockfix.toml").unlink()
        assert not (await client.call_tool("analyse")).is_error

    ask(shop, body)
