"""How old what the scanner judges by is, as its strip tells, and when it asks for newer."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Route, expect

from tests.browser.gate import film
from tests.browser.scanner import HIDDEN, SET_UP, VI, Desk, Gate, need_pages, shot, wait_until
from wallet.crypto.keystore import Role
from wallet.formats.status_list import StatusListToken, sign_status_jwt
from wallet.formats.trust_bundle import StatusListEntry, parse_bundle, sign_bundle

need_pages()


def with_lists_of(gate: Gate, token: str, hours: int) -> str:
    """Return a bundle of now whose lists were made so many hours ago."""
    content = parse_bundle(token).verify(frozenset({gate.wallet.trust.pin}))
    now = datetime.now(UTC).replace(microsecond=0)
    made = now - timedelta(hours=hours)
    uri, until = gate.wallet.trust.status_uri(1), made + timedelta(hours=72)
    found = StatusListToken(uri=uri, issued_at=made, expires_at=until, ttl_seconds=900, bits=2, entries=bytes(1024))
    entry = StatusListEntry(uri, sign_status_jwt(found, gate.wallet.keystore.signer(Role.STATUS)))
    made_anew = replace(content, seq=content.seq + 1000, prev=None, issued_at=now, status_lists=(entry,))
    return sign_bundle(made_anew, gate.wallet.keystore.signer(Role.BUNDLE_ROOT))


@pytest.mark.parametrize(("hours", "level", "outcome"), [(47, "fresh", "valid"), (80, "stale", "cannot_tell")])
def test_strip_tells_of_the_oldest_list_in_a_new_bundle(
    desk: Desk, gate: Gate, hours: int, level: str, outcome: str
) -> None:
    page = desk.page
    old = with_lists_of(gate, page.request.get(gate.url + "/v1/trust/bundle").text().strip(), hours)
    page.route("**/v1/trust/bundle", lambda route: route.fulfill(body=old, content_type="application/jwt"))
    page.add_init_script(SET_UP)
    page.goto(gate.url + "/scan")
    expect(page.locator(f".strip.{level}")).to_be_visible()
    age = VI["ago.hours"].format(hours=hours) if hours < 72 else VI["trust.too_old_to_date"]
    expect(page.locator(".strip")).to_contain_text(VI["trust.age"].format(moment=age))
    shot(page, f"lists-{hours}")
    desk.wedge(gate.codes.live())
    desk.outcome(outcome)


@pytest.mark.parametrize("comes", [True, False])
def test_code_that_is_shown_before_the_first_list_is_judged_once_it_came_or_did_not(
    desk: Desk, gate: Gate, comes: bool
) -> None:
    page, held = desk.page, list[Route]()
    page.route("**/v1/trust/bundle", lambda route: held.append(route))
    page.route("**/scan/config.json", lambda route: held.append(route))
    page.add_init_script(SET_UP)
    page.goto(gate.url + "/scan")
    expect(page.locator(".strip.none")).to_be_visible()  # no gate is known yet: the page stands at choosing one
    wait_until(page, lambda: len(held) >= 1)
    held[0].continue_()
    wait_until(page, lambda: len(held) >= 2)
    desk.wedge(gate.codes.live())
    page.wait_for_timeout(700)
    assert page.locator(".verdict").count() == 0
    if comes:
        held[1].continue_()
        desk.outcome("valid")
    else:
        desk.loses_service = True
        held[1].abort()
        desk.outcome("cannot_tell")
        expect(page.locator(".verdict")).to_contain_text(VI["outcome.cannot_tell.no_list"])


def test_camera_reads_nothing_before_the_first_list(filming: Callable[[], Desk], gate: Gate, tmp_path: Path) -> None:
    film(tmp_path / "film.y4m", gate.codes.live())
    desk, held = filming(), list[Route]()
    desk.page.route("**/v1/trust/bundle", lambda route: held.append(route))
    desk.page.add_init_script(SET_UP)
    desk.page.goto(gate.url + "/scan")
    expect(desk.page.locator(".view.on")).to_be_visible()
    desk.page.wait_for_timeout(1500)
    assert desk.page.locator(".verdict").count() == 0
    wait_until(desk.page, lambda: len(held) >= 1)
    held[0].continue_()
    desk.outcome("valid")


def test_page_that_was_asleep_asks_for_new_lists_at_once(desk: Desk) -> None:
    page = desk.page
    page.clock.install()
    desk.open()
    asked: list[str] = []
    page.on("request", lambda each: asked.append(each.url) if each.url.endswith("/bundle") else None)
    page.evaluate(HIDDEN, True)
    page.evaluate(HIDDEN, False)
    page.wait_for_timeout(200)
    assert asked == []  # a moment ago they were new
    page.evaluate(HIDDEN, True)
    page.clock.set_system_time(datetime.now(UTC) + timedelta(minutes=5))
    with page.expect_request("**/v1/trust/bundle"):
        page.evaluate(HIDDEN, False)
