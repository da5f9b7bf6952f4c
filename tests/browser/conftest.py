"""A real browser, and a server of one's own for it.

Chromium comes from the system.
"""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.browser.scanner import ARGUMENTS, PATIENCE_SECONDS, desk, filming, gate
from tests.browser.showing import identity, phone, residence, show
from tests.durability.server import free_port
from tests.needs import need
from tests.served import served
from wallet.settings import Settings
from wallet.web.app import create_app
from wallet.wiring import Wallet

__all__ = ["desk", "filming", "gate", "identity", "phone", "residence", "show"]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    need(chromium, "WALLET_REQUIRE_BROWSER", "no Chromium on this machine: apt-get install chromium")
    expect.set_options(timeout=PATIENCE_SECONDS * 1000)
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
    wallet.prepare()
    context = browser.new_context(viewport={"width": 360, "height": 640})
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda asked: None if asked.url.startswith((url, "data:")) else complaints.append(asked.url))
    with served(create_app(wallet), host="localhost", port=port):
        yield Site(wallet, url, page, complaints)
        context.close()
    wallet.close()
