"""A scanner with a desk's key, and the visitor before it."""

import json
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from playwright.sync_api import Request, Route, expect

from tests.browser.scanner import VI, Desk, Gate, wait_until
from tests.checks.verifier import Desk as Caller
from tests.checks.verifier import live_code, purpose_json
from tests.phone import CitizenPhone

BOARDING = purpose_json(portrait=True, claims={"residence": ["full_name", "birth_date"]})
TRAVELLING = purpose_json(portrait=True, claims={"identity": ["full_name", "birth_date"]})


@pytest.fixture(scope="module")
def phone(gate: Gate) -> CitizenPhone:
    found = CitizenPhone(gate.wallet, gate.server.app.test_client(), "an")
    found.sign_in()
    found.step_up(2)
    return found


@pytest.fixture(scope="module")
def residence(phone: CitizenPhone) -> str:
    return phone.issue_residence()


@pytest.fixture(scope="module")
def identity(phone: CitizenPhone) -> str:
    return str(phone.post("/v1/requests", {"utility": "identity"}).json["document_id"])


@pytest.fixture
def show(gate: Gate, desk: Desk, phone: CitizenPhone, residence: str) -> Iterator["Show"]:
    desk.loses_service = True
    yield Show(gate, desk, phone, residence)
    gate.server.stop()
    gate.server.start()


class Show:
    """A gate with a key, and a visitor with a phone."""

    newest = 0

    def __init__(self, gate: Gate, desk: Desk, phone: CitizenPhone, residence: str) -> None:
        self.gate, self.desk, self.page, self.phone, self.residence = gate, desk, desk.page, phone, residence

    def organisation(self, *purposes: dict[str, Any], at: str = "QUAY-7", of: str = "") -> Caller:
        client = self.gate.server.app.test_client()
        return Caller.open(self.gate.wallet, client, *(purposes or (BOARDING,)), gate=at, of=of)

    def settings(self, words: dict[str, str] = VI) -> None:
        self.page.click(f'button[aria-label="{words["settings"]}"]')

    def close(self, words: dict[str, str] = VI) -> None:
        self.page.click(f'button[aria-label="{words["close"]}"]')

    def enter(self, key: str, *, keep: bool = False) -> None:
        self.page.fill("#desk", key)
        if keep:
            self.page.check(".desk input[type=checkbox]")
        self.page.click(".desk form button")

    def use(self, caller: Caller, *, keep: bool = False) -> None:
        """Give the page this desk's key and go back to the camera."""
        self.settings()
        self.enter(caller.headers["X-Desk-Key"], keep=keep)
        expect(self.page.locator(".desk b")).to_be_visible()
        if keep:
            self.wait_until_kept(caller.headers["X-Desk-Key"])
        self.close()

    def code(self, document_id: str = "", **more: Any) -> str:
        """Return what the phone shows now: of one second there is one code, which is good once."""
        while time.time() < self.newest + 1:
            time.sleep(0.05)
        self.newest = int(time.time())
        return live_code(self.phone, document_id or self.residence, **more)

    def code_of_identity(self, document_id: str) -> str:
        """Return the code of a card of the view for check-in, which states the hash of the portrait."""
        return self.code(document_id, more={7: self.gate.wallet.portraits.of(self.phone.persona.number).sha256})

    def alter_photo(self, change: Callable[[dict[str, str]], None]) -> None:
        """Let the server send another photo than the one on file."""

        def answer(route: Route) -> None:
            response = route.fetch()
            told = response.json()
            if portrait := told.get("portrait"):
                change(portrait)
            route.fulfill(response=response, body=json.dumps(told))

        self.page.route("**/v1/verifier/shares/*", answer)

    def check_without_server(self, *codes: str) -> None:
        """Check codes while the server is away, and let it come back unheard."""
        self.gate.server.stop()
        for code in codes:
            self.desk.wedge(code)
            self.says("checked.unreachable")
            self.desk.next()
        self.gate.server.start()

    def reconnect(self) -> None:
        self.page.evaluate("dispatchEvent(new Event('offline')), dispatchEvent(new Event('online'))")

    def choose_purpose(self, code: str) -> None:
        """Choose a purpose and wait until the browser has stored it: a page that goes at once loses what it writes."""
        self.page.select_option("#purpose", code)
        self.wait_until_kept(f'"purpose":"{code}"')

    def wait_until_none_waits(self) -> None:
        self.wait_until_kept("rcp_", expected=False)

    def wait_until_kept(self, text: str, *, expected: bool = True) -> None:
        wait_until(self.page, lambda: (text in self.desk.kept()) is expected)

    def handed_in(self) -> list[Request]:
        """Return what the page hands in from now on, as it does so."""
        seen: list[Request] = []
        self.page.on("request", lambda each: seen.append(each) if each.url.endswith("/receipts") else None)
        return seen

    def history(self) -> list[dict[str, Any]]:
        """Return every look, the newest first: tests of a module share one visitor, with more looks than a page has."""
        page = self.phone.get("/v1/me/access-history?limit=100").json
        looks = list(page["data"])
        while page["next_cursor"] is not None:
            page = self.phone.get(f"/v1/me/access-history?limit=100&cursor={page['next_cursor']}").json
            looks += page["data"]
        return looks

    def offline_looks(self) -> int:
        """Return how many checks without network the visitor sees."""
        return sum(each.get("way") == "offline" for each in self.history())

    def decide(self, decision: str) -> None:
        asked = self.phone.get("/v1/me/shares").json["data"][0]
        assert asked["state"] == "awaiting"
        order: dict[str, Any] = {"decision": decision}
        if decision == "agree":
            order["fields"] = [each["name"] for each in asked["optional"]]
        answered = self.phone.post(f"/v1/me/shares/{asked['id']}/decision", order)
        assert answered.status_code == 200, answered.text

    def says(self, key: str) -> None:
        expect(self.page.locator(".how")).to_contain_text(VI[key])

    def let(self, caller: Caller, state: str) -> None:
        """Let the organisation of a desk be in this state."""
        with self.gate.wallet.work() as work:
            row = work.checks.rows.verifier(caller.organisation)
            assert row is not None
            assert work.checks.rows.change_verifier(row.id, row.version, state=state)

    def revoke(self, caller: Caller) -> None:
        with self.gate.wallet.work() as work:
            work.checks.rows.change_desk(caller.id, state="revoked", revoked_at=datetime.now(UTC))
