"""A real browser, and a server of one's own for it.

Chromium comes from the system. Where there is none the tests are skipped aloud, and fail where
WALLET_REQUIRE_BROWSER is set.
"""

import os
import shutil
import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest
from playwright.sync_api import Browser, Page, sync_playwright
from werkzeug.serving import make_server

from tests.durability.server import free_port
from wallet.settings import Settings
from wallet.web.app import create_app
from wallet.wiring import Wallet

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        if os.environ.get("WALLET_REQUIRE_BROWSER"):
            pytest.fail("Chromium is required here: apt-get install chromium")
        pytest.skip("no Chromium on this machine: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        yield browser
        browser.close()


@dataclass
class Site:
    """A running server, and everything a page did that it should not."""

    wallet: Wallet
    url: str
    page: Page
    complaints: list[str]

    def open(self, path: str) -> None:
        self.page.goto(self.url + path, wait_until="networkidle")


@pytest.fixture
def site(deployment: Settings, browser: Browser) -> Iterator[Site]:
    port = free_port()
    url = f"http://localhost:{port}"  # by name: a passkey belongs to a host that has one
    wallet = Wallet.build(replace(deployment, issuer_url=url))
    server = make_server("localhost", port, create_app(wallet), threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    context = browser.new_context(viewport={"width": 360, "height": 640})
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda asked: None if asked.url.startswith((url, "data:")) else complaints.append(asked.url))
    yield Site(wallet, url, page, complaints)
    context.close()
    server.shutdown()
    thread.join()
    server.server_close()
    wallet.close()
