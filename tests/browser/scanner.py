"""The scanner as tests use it: a gate's server, a phone with the page, a phone whose camera sees a film."""

import json
import os
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.browser.gate import REVOKED, SUSPENDED, Codes, Server
from tests.conftest import Template
from tests.needs import need
from wallet.settings import Settings
from wallet.texts.catalogue import catalogue
from wallet.web import scan
from wallet.web.app import create_app
from wallet.web.front_assets import built
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
VI, EN = catalogue("vi")["scan"], catalogue("en")["scan"]


def need_pages() -> None:
    """Need the pages, for a whole module."""
    need(built(), "WALLET_REQUIRE_BROWSER", "the pages are not built: make front")


PROFILES = [
    {"code": "any", "title": {"vi": "Quầy chung", "en": "General desk"}},
    {
        "code": "adults",
        "title": {"vi": "Trên 18 tuổi", "en": "Over 18"},
        "utilities": ["residence"],
        "min_age": 18,
        "view": "answer",
    },
    {
        "code": "drivers",
        "title": {"vi": "Giao thông", "en": "Traffic"},
        "utilities": ["driving_licence"],
        "purpose": "roadside",
    },
    {
        "code": "of_age",
        "title": {"vi": "Trên 18 tuổi", "en": "Over 18"},
        "utilities": ["identity"],
        "live_only": True,
        "min_age": 18,
        "view": "answer",
    },
    {
        "code": "airline",
        "title": {"vi": "Cửa lên máy bay", "en": "Boarding gate"},
        "utilities": ["identity"],
        "needs": ["full_name", "birth_date"],
        "live_only": True,
    },
    {"code": "high", "title": {"vi": "Cửa", "en": "Gate"}, "high": True},
    {"code": "strict", "title": {"vi": "An ninh", "en": "Security"}, "high": True, "device_only": True},
]
SET_UP = "localStorage.setItem('viso-scan', JSON.stringify({profile: 'any', gate: 'CUA-3', installed: true}))"
"""Choices of a device on which a gate was chosen before."""
HIDDEN = """(hidden) => { Object.defineProperty(document, "hidden", {value: hidden, configurable: true});
  document.dispatchEvent(new Event("visibilitychange")); }"""
SERVICE_ERRORS = (
    "ERR_CONNECTION_REFUSED",
    "ERR_INTERNET_DISCONNECTED",
    "Failed to load resource",
    "A bad HTTP response code",
)


@dataclass
class Gate:
    """A running server, the codes of its deployment, and who answers in its place where a test says so."""

    wallet: Wallet
    server: Server
    codes: Codes

    @property
    def url(self) -> str:
        return self.server.url


@pytest.fixture(scope="module")
def gate(sqlite_template: Template, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gate]:
    directory = tmp_path_factory.mktemp("gate")
    urls = []
    for url in (sqlite_template.wallet_url, sqlite_template.nation_url):
        path = Path(url.removeprefix("sqlite:///"))
        shutil.copy(path, directory / path.name)
        urls.append(f"sqlite:///{directory / path.name}")
    server = Server(None)
    wallet = Wallet.build(
        Settings.from_environ(
            {
                "WALLET_KEYS_DIR": str(sqlite_template.keys_dir),
                "WALLET_ISSUER_URL": server.url,
                "WALLET_DATABASE_URL": urls[0],
                "WALLET_SOURCES_URL": urls[1],
                "WALLET_STATUS_LIST_BITS_LOG2_SIZE": "12",
                "WALLET_STATUS_SHARDS": "1",
                "WALLET_PUBLISH_SECONDS": "1",
                "WALLET_PUBLISHED_DIR": str(directory / "published"),
            }
        )
    )
    wallet.prepare()
    with wallet.work() as work:
        for index, value in ((REVOKED, 1), (SUSPENDED, 2)):
            work.documents.rows.set_status(1, index, value, datetime.now(UTC))
    server.app = create_app(wallet)
    server.start()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scan, "profiles", lambda: PROFILES)
        yield Gate(wallet, server, Codes(wallet))
    server.stop()
    wallet.close()


@dataclass
class Desk:
    """The page on one device, as it is used."""

    page: Page
    complaints: list[str]
    gate: Gate = field(repr=False)
    loses_service: bool = False
    """Whether the test takes its service away: a browser says of its own accord what a page asked for in vain."""

    def open(self, profile: str = "any", *, lang: str = "vi", theme: str = "auto", gate_id: str = "CUA-3") -> None:
        chosen = {"language": lang, "theme": theme, "profile": profile, "gate": gate_id, "sound": True}
        stored = json.dumps(chosen)
        self.page.add_init_script(
            f"if (!localStorage.getItem('viso-scan')) localStorage.setItem('viso-scan', {json.dumps(stored)})"
        )
        self.page.goto(self.gate.url + "/scan")
        self.page.wait_for_selector(".strip.fresh")

    def wedge(self, text: str) -> None:
        """Type as a hand-held reader does: as fast by its own clock, however slow this machine is."""
        self.page.evaluate(
            """(text) => { const begun = performance.now();
              for (const [place, key] of [...text, "Enter"].entries()) {
                const event = new KeyboardEvent("keydown", {key, bubbles: true, cancelable: true});
                Object.defineProperty(event, "timeStamp", {value: begun + place / 100});
                (document.activeElement ?? document.body).dispatchEvent(event);
              } }""",
            text,
        )

    def outcome(self, code: str) -> None:
        found = self.page.locator(".verdict")
        expect(found).to_be_visible()
        expect(found).to_have_attribute("data-outcome", code)

    def faults(self) -> list[str]:
        """Return what the page did that it should not."""
        expected = SERVICE_ERRORS if self.loses_service else ()
        return [said for said in self.complaints if not any(each in said for each in expected)]

    def next(self) -> None:
        self.page.click("button.next")
        self.page.wait_for_selector(".verdict", state="detached")

    def kept(self) -> str:
        """Return everything that this origin keeps in the browser, as one text."""
        return self.page.evaluate(
            """async () => {
              const parts = [JSON.stringify(localStorage), JSON.stringify(sessionStorage), document.cookie];
              for (const {name} of await indexedDB.databases()) {
                const db = await new Promise((done) => {
                  const asked = indexedDB.open(name); asked.onsuccess = () => done(asked.result); });
                for (const store of db.objectStoreNames) {
                  const all = db.transaction(store).objectStore(store);
                  for (const ask of [all.getAll(), all.getAllKeys()])
                    parts.push(JSON.stringify(await new Promise(
                      (done) => { ask.onsuccess = () => done(ask.result); })));
                }
                db.close();
              }
              for (const name of await caches.keys())
                for (const request of await (await caches.open(name)).keys()) parts.push(request.url);
              return parts.join("\\n");
            }"""
        )


def shot(page: Page, name: str) -> None:
    """Keep a picture where SCREENSHOTS names a folder."""
    if folder := os.environ.get("SCREENSHOTS"):
        Path(folder).mkdir(parents=True, exist_ok=True)
        page.screenshot(path=Path(folder) / f"{name}.png")


PATIENCE_SECONDS = 15
"""How long a page may take to become what a test expects: tests beside it slow it down manifold."""


def wait_until(page: Page, so: str | Callable[[], bool]) -> None:
    """Wait until it is so: here, or in the page, where it is an expression.

    Playwright's own way evaluates text in the page, which its policy forbids.
    """
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not (page.evaluate(so) if isinstance(so, str) else so()):
        assert time.monotonic() < deadline, so
        page.wait_for_timeout(50)


def watched(context: BrowserContext, gate: Gate) -> Desk:
    page, complaints = context.new_page(), []
    page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on(
        "request",
        lambda asked: None if asked.url.startswith((gate.url, "data:", "blob:")) else complaints.append(asked.url),
    )
    return Desk(page, complaints, gate)


@pytest.fixture
def desk(browser: Browser, gate: Gate) -> Iterator[Desk]:
    """A phone of 360 x 640 without a camera."""
    context = browser.new_context(viewport={"width": 360, "height": 640}, reduced_motion="reduce")
    desk = watched(context, gate)
    yield desk
    context.close()  # and what was still under way is said
    assert desk.faults() == []


@pytest.fixture
def filming(browser: Browser, gate: Gate, tmp_path: Path) -> Iterator[Callable[[], Desk]]:
    """A phone whose camera sees the film at `tmp_path / "film.y4m"`; it is read whenever the camera is opened."""
    more = [
        "--use-fake-ui-for-media-stream",
        "--use-fake-device-for-media-stream",
        f"--use-file-for-fake-video-capture={tmp_path / 'film.y4m'}",
    ]
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    filmed = browser.browser_type.launch(executable_path=path, args=ARGUMENTS + more)
    context = filmed.new_context(
        viewport={"width": 360, "height": 640}, permissions=["camera"], reduced_motion="reduce"
    )
    yield lambda: watched(context, gate)
    filmed.close()


def assert_fits(page: Page) -> None:
    """The verdict takes 40 % of the height and everything down to "next" is seen without scrolling."""
    sizes = page.evaluate(
        """() => { const box = (q) => document.querySelector(q).getBoundingClientRect();
          return { word: box(".word").height, next: box("button.next").bottom, high: innerHeight,
                   wide: document.documentElement.scrollWidth, all: document.documentElement.scrollHeight,
                   target: box("button.next").height }; }"""
    )
    assert sizes["word"] >= 0.4 * sizes["high"], sizes
    assert sizes["next"] <= sizes["high"], sizes
    assert sizes["target"] >= 64, sizes
    assert sizes["wide"] <= 360, sizes
    assert sizes["all"] <= sizes["high"], sizes


def assert_read_whole(page: Page, *parts: str) -> None:
    """Each part lies inside the window and above what stays at its foot, before anybody scrolls; it is there once."""
    foot = page.locator(".onward").bounding_box()
    window = page.viewport_size
    assert foot is not None
    assert window is not None
    assert page.evaluate("scrollY") == 0
    for part in parts:
        box = page.locator(part).bounding_box()
        assert box is not None, part
        assert box["x"] >= 0, part
        assert box["y"] >= 0, part
        assert box["x"] + box["width"] <= window["width"], part
        assert box["y"] + box["height"] <= foot["y"], (part, box, foot)
    assert foot["y"] + foot["height"] <= window["height"]
