"""Headless Chromium from Debian, driven by Playwright; axe-core comes from npm's folder in NODE_PATH."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from playwright.sync_api import Browser, Dialog, Page, Request, ViewportSize, sync_playwright

_ARGUMENTS: Final = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-sync",
    "--disable-component-update",
    "--disable-background-networking",
    "--no-first-run",
)
DESK: Final[ViewportSize] = {"width": 1380, "height": 900}
PHONE: Final[ViewportSize] = {"width": 390, "height": 844}


@contextmanager
def start_browser() -> Iterator[Browser]:
    """A browser for the duration of the block."""
    program = shutil.which("chromium")
    assert program is not None, "chromium is not on PATH: .ci/integration-packages names what to install"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=list(_ARGUMENTS))
        yield browser
        browser.close()


@contextmanager
def open_page(browser: Browser, file: Path, hash: str = "", **options: Any) -> Iterator[Page]:
    """A new page on a file; fails on errors, dialogs, and requests for anything but the file."""
    context = browser.new_context(**{"viewport": DESK, **options})
    page = context.new_page()
    wrong: list[str] = []
    page.on("console", lambda message: wrong.append(message.text))
    page.on("pageerror", lambda error: wrong.append(str(error)))

    def dismiss(dialog: Dialog) -> None:
        wrong.append(dialog.message)
        dialog.dismiss()

    def check(request: Request) -> None:
        if request.url.partition("#")[0] != file.as_uri():
            wrong.append(request.url)

    page.on("dialog", dismiss)
    page.on("request", check)
    page.goto(file.as_uri() + hash)
    yield page
    context.close()
    assert wrong == []


def find_violations(page: Page) -> list[tuple[str, str, list[str]]]:
    """The violations axe-core finds: impact, rule, elements. The browser context must bypass the CSP."""
    for folder in os.environ.get("NODE_PATH", "").split(os.pathsep):
        script = Path(folder) / "axe-core" / "axe.min.js"
        if folder and script.is_file():
            page.evaluate(script.read_text(encoding="utf-8"))
            found = page.evaluate("axe.run()")
            assert len(found["passes"]) > 10
            return [
                (one["impact"], one["id"], [str(node["target"]) for node in one["nodes"]])
                for one in found["violations"]
            ]
    raise AssertionError("no axe-core in NODE_PATH: .ci/integration-packages names what to install")
