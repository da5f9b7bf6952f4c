"""The pages as a person sees them, in a real browser with the network cut; screenshots are left in the test's folder.

Chromium comes from the system. Where there is none the tests are skipped aloud, and fail where
WALLET_REQUIRE_BROWSER is set.
"""

import os
import shutil
import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright
from werkzeug.serving import make_server

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

    url: str
    page: Page
    complaints: list[str]

    def open(self, path: str) -> None:
        self.page.goto(self.url + path, wait_until="networkidle")


@pytest.fixture
def site(deployment: Settings, browser: Browser) -> Iterator[Site]:
    wallet = Wallet.build(deployment)
    server = make_server("127.0.0.1", 0, create_app(wallet), threaded=True)
    url = f"http://127.0.0.1:{server.server_port}"
    wallet.settings = replace(wallet.settings, issuer_url=url)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    context = browser.new_context(viewport={"width": 360, "height": 640})
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda asked: None if asked.url.startswith((url, "data:")) else complaints.append(asked.url))
    yield Site(url, page, complaints)
    context.close()
    server.shutdown()
    thread.join()
    server.server_close()
    wallet.close()


@pytest.mark.parametrize(("language", "heading"), [("vi", "Giấy tờ số"), ("en", "Digital documents")])
def test_front_door_fits_a_phone_in_both_languages(site: Site, language: str, heading: str, tmp_path: Path) -> None:
    site.open(f"/?lang={language}")
    assert heading in site.page.inner_text("h1")
    assert site.page.get_attribute("html", "lang") == language
    assert "KHÔNG CÓ GIÁ TRỊ PHÁP LÝ" in site.page.inner_text(".mark")
    assert site.page.evaluate("document.documentElement.scrollWidth") <= 360
    site.page.screenshot(path=tmp_path / "home.png")
    assert site.complaints == []


def test_documentation_shows_every_operation_with_the_network_cut(site: Site, tmp_path: Path) -> None:
    site.open("/docs")
    site.page.wait_for_selector(".opblock")
    shown = site.page.locator(".opblock").count()
    document = site.page.request.get(site.url + "/openapi.json").json()
    methods = {"get", "post", "patch", "put", "delete"}
    assert shown == sum(len(item.keys() & methods) for item in document["paths"].values())
    site.page.screenshot(path=tmp_path / "docs.png", full_page=True)
    assert site.complaints == []


def test_problem_page_explains_a_code_in_both_languages(site: Site) -> None:
    site.open("/problems/utility_disabled")
    text = site.page.inner_text("main")
    assert "Tiện ích đang không mở" in text
    assert "The utility is not open" in text
    assert site.complaints == []
