"""The scanner with a desk's key: the server is asked too, the photo is shared, the key ends, the server dies."""

import base64
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.browser.gate import LONG
from tests.browser.scanner import (
    EN,
    VI,
    assert_fits,
    assert_read_whole,
    need_pages,
    shot,
)
from tests.browser.showing import BOARDING, TRAVELLING, Show
from tests.checks.verifier import purpose_json
from wallet.formats.live_code import parse_gate_challenge
from wallet.texts.catalogue import catalogue

need_pages()

ORGANISATION = "Hãng bay Sao Mai"
IMPOSTOR = base64.b64encode(
    b'<svg xmlns="http://www.w3.org/2000/svg" width="96" height="128"><rect width="96" height="128" fill="red"/></svg>'
).decode()
NOBODYS = "vsd_test_" + "0" * 32 + "_" + "0" * 64


def test_whole_act_with_a_key_from_the_wrong_one_to_the_photo_to_the_end_of_the_key(show: Show) -> None:
    page, desk, caller = show.page, show.desk, show.organisation()
    desk.open()
    show.settings()
    show.enter(NOBODYS)
    expect(page.locator("#desk-wrong")).to_have_text(VI["set.desk_refused"])
    expect(page.locator("#desk")).to_be_focused()
    assert NOBODYS not in desk.kept()
    shot(page, "desk-1-wrong-key")
    show.enter(caller.headers["X-Desk-Key"], keep=True)
    expect(page.locator(".desk b")).to_have_text(f"{ORGANISATION} · QUAY-7")
    expect(page.locator(".desk")).to_be_focused()
    assert caller.headers["X-Desk-Key"] in desk.kept()
    page.locator(".desk").scroll_into_view_if_needed()
    shot(page, "desk-2-key-in-use")
    show.close()
    expect(page.locator("header .gate")).to_have_text("Quầy chung · QUAY-7")
    expect(page.locator(".strip")).to_contain_text(VI["trust.asking"])
    shot(page, "desk-3-scan")

    desk.wedge(show.code())
    desk.outcome("valid")
    show.says("fact.photo_wait")
    assert page.locator("img.photo").count() == 0
    assert page.locator(".next small", has_text="tự động").count() == 0
    assert_fits(page)
    shot(page, "desk-4-waiting")
    show.decide("agree")
    expect(page.locator("img.photo")).to_be_visible()
    assert page.evaluate("document.querySelector('img.photo').naturalWidth") > 0
    assert page.evaluate("document.querySelector('img.photo').getBoundingClientRect().width") >= 96
    assert page.inner_text(".todo") == VI["outcome.valid.next"]
    assert_fits(page)
    shot(page, "desk-5-photo")
    seen = show.phone.get("/v1/me/access-history").json["data"]
    assert [each["way"] for each in seen[:2]] == ["share", "online"]
    assert [field["name"] for field in seen[0]["fields_told"]] == ["portrait"]
    assert {field["name"] for field in seen[1]["fields_told"]} == {"full_name"}

    desk.next()
    assert page.locator("img").count() == 0
    desk.wedge(show.code())
    show.says("fact.photo_wait")
    show.revoke(caller)
    show.says("checked.key")
    desk.outcome("valid")
    assert page.locator("img.photo").count() == 0
    shot(page, "desk-6-key-revoked")
    desk.next()
    expect(page.locator(".notice h2")).to_have_text(VI["desk.lost_title"])
    expect(page.locator(".strip")).to_contain_text(VI["trust.online"])
    assert caller.headers["X-Desk-Key"] not in desk.kept()
    shot(page, "desk-7-back-to-offline")
    desk.wedge(show.code())
    desk.outcome("valid")
    show.says("holder.device")
    assert page.locator(".how .weaker").count() == 0


def test_key_that_ended_overnight_is_told_before_anybody_is_checked(show: Show) -> None:
    caller = show.organisation()
    show.desk.open()
    show.use(caller, keep=True)
    show.revoke(caller)
    show.page.reload()
    expect(show.page.locator(".notice h2")).to_have_text(VI["desk.lost_title"])
    show.wait_until_kept(caller.headers["X-Desk-Key"], expected=False)


@pytest.mark.parametrize(("lang", "theme"), [("vi", "light"), ("en", "dark")])
def test_key_waits_for_a_suspended_organisation_and_counts_again_by_itself(show: Show, lang: str, theme: str) -> None:
    page, words, caller = show.page, {"vi": VI, "en": EN}[lang], show.organisation(BOARDING | {"portrait": False})
    key, before = caller.headers["X-Desk-Key"], show.offline_looks()
    show.desk.open(lang=lang, theme=theme)
    show.settings(words)
    show.enter(key, keep=True)
    expect(page.locator(".desk b")).to_be_visible()
    show.close(words)
    show.let(caller, "suspended")
    show.desk.wedge(show.code())
    expect(page.locator(".how .weaker")).to_have_text(words["checked.suspended"])
    show.desk.outcome("valid")
    shot(page, f"suspended-verdict-{lang}-{theme}")
    show.desk.next()
    expect(page.locator(".notice h2")).to_have_text(words["desk.paused_title"])
    expect(page.locator(".strip")).to_contain_text(words["trust.online"])
    assert Axe().run(page).response["violations"] == []
    shot(page, f"suspended-{lang}-{theme}")
    page.reload()
    expect(page.locator(".notice h2")).to_have_text(words["desk.paused_title"])
    assert key in show.desk.kept()
    assert "rcp_" in show.desk.kept()
    show.let(caller, "active")
    show.desk.wedge(show.code())
    expect(page.locator(".how")).to_contain_text(words["checked.online"].split("{")[0])
    show.desk.next()
    expect(page.locator(".notice")).to_have_count(0)
    expect(page.locator(".strip")).to_contain_text(words["trust.asking"])
    show.reconnect()
    show.wait_until_none_waits()
    assert show.offline_looks() == before + 1


@pytest.mark.parametrize("how", ["ended", "revoked"])
def test_key_that_ends_while_its_organisation_is_suspended_is_forgotten(show: Show, how: str) -> None:
    page, caller = show.page, show.organisation()
    show.desk.open()
    show.use(caller, keep=True)
    show.let(caller, "suspended")
    page.reload()
    expect(page.locator(".notice h2")).to_have_text(VI["desk.paused_title"])
    if how == "revoked":
        show.revoke(caller)
    else:
        show.let(caller, "ended")
    show.desk.wedge(show.code())
    show.says("checked.key")
    show.desk.next()
    expect(page.locator(".notice h2")).to_have_text([VI["desk.lost_title"]])
    assert caller.headers["X-Desk-Key"] not in show.desk.kept()


def test_key_of_a_suspended_organisation_is_not_called_wrong(show: Show) -> None:
    caller = show.organisation()
    show.let(caller, "suspended")
    show.desk.open()
    show.settings()
    show.enter(caller.headers["X-Desk-Key"], keep=True)
    expect(show.page.locator("#desk-wrong")).to_have_text(VI["set.desk_paused"])
    assert caller.headers["X-Desk-Key"] not in show.desk.kept()


@pytest.mark.parametrize("answer", [{"content_type": "text/html", "body": "<h1>Wi-Fi</h1>"}, {"body": ""}])
def test_key_outlives_whoever_on_the_way_says_401(show: Show, answer: dict[str, str]) -> None:
    caller = show.organisation()
    show.desk.open()
    show.use(caller, keep=True)
    show.page.route("**/v1/verifier/checks", lambda route: route.fulfill(status=401, **answer))
    show.desk.wedge(show.code())
    show.says("checked.failed")
    show.desk.outcome("valid")
    assert caller.headers["X-Desk-Key"] in show.desk.kept()


def test_photo_that_stands_there_goes_with_the_verdict_and_never_comes_back(show: Show) -> None:
    show.desk.open()
    show.use(show.organisation())
    show.desk.wedge(show.code())
    show.says("fact.photo_wait")
    show.decide("agree")
    expect(show.page.locator("img.photo")).to_be_visible()
    show.page.evaluate(
        """() => { Object.defineProperty(document, "hidden", {value: true, configurable: true});
                   document.dispatchEvent(new Event("visibilitychange")); }"""
    )
    show.page.wait_for_selector(".verdict", state="detached")
    assert show.page.locator("img").count() == 0
    assert "base64" not in show.desk.kept()


def test_photo_that_was_signed_is_shown_and_needs_no_warning(show: Show, identity: str) -> None:
    show.desk.open()
    show.use(show.organisation(TRAVELLING))
    show.desk.wedge(show.code_of_identity(identity))
    show.says("fact.photo_wait")
    show.decide("agree")
    expect(show.page.locator("img.photo")).to_be_visible()
    show.desk.outcome("valid")
    assert show.page.inner_text(".todo") == VI["outcome.valid.next"]
    assert show.page.locator(".how .weaker, .unsigned").count() == 0
    assert_fits(show.page)
    shot(show.page, "photo-signed")


FOUR_LINES = "NGHIÊNG PHƯƠNG THƯƠNG TRƯỜNG"
"""The longest name that is written large everywhere; beside a photo no two of its words share a line."""


@pytest.mark.parametrize("name", [LONG, LONG.upper(), FOUR_LINES], ids=["letters", "capitals", "four-lines"])
@pytest.mark.parametrize("size", [(360, 640), (390, 844), (1280, 800)])
@pytest.mark.parametrize(("lang", "theme"), [("vi", "light"), ("en", "dark")])
def test_long_name_and_birth_date_are_read_whole_beside_a_photo(
    show: Show, identity: str, lang: str, theme: str, size: tuple[int, int], name: str
) -> None:
    """Beside such a name a card has no room for the hash of the portrait: that is said where it is read first."""
    page, words = show.page, {"vi": VI, "en": EN}[lang]
    page.set_viewport_size({"width": size[0], "height": size[1]})
    show.desk.open(lang=lang, theme=theme)
    show.settings(words)
    show.enter(show.organisation(TRAVELLING).headers["X-Desk-Key"])
    expect(page.locator(".desk b")).to_be_visible()
    show.close(words)
    show.desk.wedge(show.code(identity, claims=(2,), more={1: name, 4: 7436}))
    expect(page.locator(".how")).to_contain_text(words["fact.photo_wait"])
    assert_read_whole(page, ".word h2", ".fullName", ".born")
    show.decide("agree")
    expect(page.locator("img.photo")).to_be_visible()
    assert page.inner_text(".fullName") == name
    assert "12/05/1990" in page.inner_text(".born")
    shot(page, f"photo-long-{lang}-{theme}-{size[0]}-{name[:4]}")
    assert_read_whole(page, ".word h2", ".unsigned", "img.photo", ".fullName", ".born")
    assert page.locator("img.photo").evaluate("(it) => it.getBoundingClientRect().width") >= 96
    pixels = float(page.locator(".fullName").evaluate("(it) => parseFloat(getComputedStyle(it).fontSize)"))
    assert pixels == (20 if size == (360, 640) and len(name) > 28 else 24)


def another(portrait: dict[str, str]) -> None:
    portrait |= {"media_type": "image/svg+xml", "content": IMPOSTOR}


def two_in_one(portrait: dict[str, str]) -> None:
    """An address in which a browser reads the first picture, before what was signed."""
    portrait["media_type"] = f"image/svg+xml;base64,{IMPOSTOR}#"


def broken(portrait: dict[str, str]) -> None:
    portrait["content"] = "-"


@pytest.mark.parametrize("change", [another, two_in_one, broken])
@pytest.mark.parametrize(("lang", "theme"), [("vi", "light"), ("en", "dark")])
def test_photo_that_was_not_signed_is_not_shown_and_lets_nobody_in(
    show: Show, identity: str, change: Callable[[dict[str, str]], None], lang: str, theme: str
) -> None:
    page, words = show.page, {"vi": VI, "en": EN}[lang]
    show.desk.open(lang=lang, theme=theme)
    show.settings(words)
    show.enter(show.organisation(TRAVELLING).headers["X-Desk-Key"])
    expect(page.locator(".desk b")).to_be_visible()
    show.close(words)
    show.alter_photo(change)
    show.desk.wedge(show.code_of_identity(identity))
    expect(page.locator(".how")).to_contain_text(words["fact.photo_wait"])
    show.decide("agree")
    show.desk.outcome("cannot_tell")
    assert "ask" in (page.get_attribute(".verdict", "class") or "").split()
    assert page.inner_text(".todo") == words["outcome.cannot_tell.photo"]
    assert page.locator("img.photo").count() == 0
    assert_fits(page)
    shot(page, f"photo-differs-{change.__name__}-{lang}-{theme}")
    page.click("button.next")
    show.settings(words)
    assert page.locator(".tally dd").all_inner_texts() == ["0", "0", "1"]


def test_photo_whose_hash_had_no_room_is_the_servers_word_alone(show: Show) -> None:
    show.desk.open()
    show.use(show.organisation())
    show.desk.wedge(show.code())
    show.says("fact.photo_wait")
    show.decide("agree")
    expect(show.page.locator("img.photo")).to_be_visible()
    expect(show.page.locator(".unsigned")).to_have_text(VI["fact.photo_unsigned"])
    show.desk.outcome("valid")
    assert_fits(show.page)
    shot(show.page, "photo-unsigned")


def test_visitor_who_refuses_is_told_and_the_verdict_stands(show: Show) -> None:
    show.desk.open()
    show.use(show.organisation())
    show.desk.wedge(show.code())
    show.says("fact.photo_wait")
    show.decide("refuse")
    show.says("fact.photo_refused")
    show.desk.outcome("valid")
    assert show.page.locator("img.photo").count() == 0
    shot(show.page, "desk-refused")


@pytest.mark.parametrize("typed", ["khóa của tôi", "vsd_test_1", NOBODYS])
def test_what_is_no_key_is_not_called_a_dead_network(show: Show, typed: str) -> None:
    show.desk.open()
    show.settings()
    show.enter(typed)
    expect(show.page.locator("#desk-wrong")).to_have_text(VI["set.desk_refused"])
    expect(show.page.locator(".strip")).to_contain_text(VI["trust.online"])


def test_key_is_not_taken_without_network(show: Show) -> None:
    show.desk.open()
    show.settings()
    show.gate.server.stop()
    show.enter(NOBODYS)
    expect(show.page.locator("#desk-wrong")).to_have_text(VI["set.desk_unreachable"])
    expect(show.page.locator(".strip")).to_contain_text(VI["trust.offline"])
    assert NOBODYS not in show.desk.kept()


def test_desk_over_its_quota_goes_on_offline_and_says_so(show: Show) -> None:
    one = BOARDING | {"portrait": False, "quotas": {"citizens_an_hour": 1000, "checks_a_minute": 1}}
    show.desk.open()
    show.use(show.organisation(one))
    show.desk.wedge(show.code())
    expect(show.page.locator(".how")).to_contain_text("đã hỏi máy chủ")
    show.desk.next()
    show.desk.wedge(show.code())
    show.desk.outcome("valid")
    show.says("checked.quota")
    assert_fits(show.page)
    shot(show.page, "desk-quota")


def test_server_that_dies_in_the_middle_ends_the_waiting_and_no_verdict(show: Show) -> None:
    page, desk = show.page, show.desk
    desk.open()
    show.use(show.organisation())
    desk.wedge(show.code())
    show.says("fact.photo_wait")
    show.gate.server.stop()
    show.says("checked.unreachable")
    desk.outcome("valid")
    expect(page.locator(".strip")).to_contain_text(VI["trust.offline"])
    expect(page.locator(".next")).to_contain_text(VI["next.auto"].format(n=8))
    assert_fits(page)
    shot(page, "desk-server-dead")
    desk.next()
    desk.wedge(show.code())
    desk.outcome("valid")
    show.says("checked.unreachable")
    desk.next()
    show.gate.server.start()
    desk.wedge(show.code())
    show.says("fact.photo_wait")
    expect(page.locator(".strip")).to_contain_text(VI["trust.asking"])
    assert page.locator(".how .weaker").count() == 0


def test_server_that_comes_back_shows_the_photo_all_the_same(show: Show) -> None:
    show.desk.open()
    show.use(show.organisation())
    show.desk.wedge(show.code())
    show.says("fact.photo_wait")
    show.gate.server.stop()
    show.says("checked.unreachable")
    show.page.click("button.hold")
    show.gate.server.start()
    show.decide("agree")
    expect(show.page.locator("img.photo")).to_be_visible()
    assert show.page.locator(".how .weaker").count() == 0
    assert show.page.locator("button.hold").count() == 0


def test_code_that_another_gate_took_is_not_said_to_be_seen_here(show: Show) -> None:
    one, code = show.organisation(), show.code()
    first = show.organisation(at="QUAY-8", of=one.organisation).checked(code)
    assert first["accepted"]
    show.desk.open()
    show.use(one)
    show.desk.wedge(code)
    show.desk.outcome("live_replayed_at")
    there = datetime.fromisoformat(first["checked_at"]) + timedelta(hours=7)
    assert show.page.inner_text(".word h2") == VI["outcome.live_replayed_at"].replace("{moment}", f"{there:%H:%M}")
    assert show.page.locator(".fullName").count() == 1
    assert_fits(show.page)
    shot(show.page, "desk-replayed-elsewhere")
    show.desk.next()
    show.settings()
    assert show.page.locator(".tally dd").all_inner_texts() == ["0", "0", "1"]


def test_server_sees_no_more_than_the_purpose_and_makes_nothing_better(show: Show) -> None:
    """Of this purpose the server tells no birth date: the verdict of the device does not fall for that."""
    show.desk.open("adults")
    show.use(show.organisation(BOARDING | {"claims": {"residence": ["full_name"]}, "portrait": False}))
    code = show.gate.codes.live()
    show.desk.wedge(code)
    show.desk.outcome("valid")
    expect(show.page.locator(".how")).to_contain_text("đã hỏi máy chủ")
    show.desk.outcome("valid")


def test_visitor_is_asked_for_nothing_that_their_code_does_not_state(show: Show) -> None:
    show.desk.open()
    more = {"claims": {"residence": ["permanent_address", "birth_date"]}, "portrait": False}
    show.use(show.organisation(BOARDING | more))
    before = len(show.phone.get("/v1/me/shares").json["data"])
    show.desk.wedge(show.code(claims=(1,)))
    show.desk.outcome("valid")
    expect(show.page.locator(".how")).to_contain_text("đã hỏi máy chủ")
    assert len(show.phone.get("/v1/me/shares").json["data"]) == before
    assert show.phone.get("/v1/me/access-history").json["data"][0]["fields_told"] == []


def test_whoever_is_not_taken_here_is_asked_for_no_photo(show: Show) -> None:
    show.desk.open("of_age")
    show.use(show.organisation())
    before = len(show.phone.get("/v1/me/shares").json["data"])
    show.desk.wedge(show.code())
    show.desk.outcome("not_accepted")
    expect(show.page.locator(".how")).to_contain_text("đã hỏi máy chủ")
    assert len(show.phone.get("/v1/me/shares").json["data"]) == before


def test_purpose_that_was_narrowed_asks_for_what_is_left_of_it(show: Show) -> None:
    show.desk.open()
    caller = show.organisation(BOARDING | {"portrait": False})
    show.use(caller)
    with show.gate.wallet.work() as work:
        left = [purpose_json(claims={"residence": ["full_name"]})]
        assert work.checks.rows.change_verifier(caller.organisation, 1, purposes=left)
    show.desk.wedge(show.code())
    show.desk.outcome("valid")
    expect(show.page.locator(".how")).to_contain_text("đã hỏi máy chủ")
    seen = show.phone.get("/v1/me/access-history").json["data"][0]
    assert (seen["way"], [field["name"] for field in seen["fields_told"]]) == ("online", ["full_name"])


def test_one_of_several_purposes_is_chosen_before_anybody_is_asked_about(show: Show) -> None:
    page = show.page
    show.desk.open()
    caller = show.organisation(BOARDING, purpose_json("lounge", title={"vi": "Phòng chờ", "en": "Lounge"}))
    asked: list[str] = []
    page.on("request", lambda each: asked.append(each.url) if each.url.endswith("/checks") else None)
    show.use(caller, keep=True)
    expect(page.locator(".strip .lacking")).to_have_text(VI["trust.no_purpose"])
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    shot(page, "desk-no-purpose")
    show.desk.wedge(show.code())
    show.desk.outcome("valid")
    assert asked == []
    show.desk.next()
    show.settings()
    expect(page.locator(".desk .warn")).to_have_text(VI["set.desk_no_purpose"])
    shot(page, "desk-purposes")
    show.choose_purpose("boarding")
    expect(page.locator(".desk .warn")).to_have_count(0)
    page.reload()
    expect(page.locator(".strip")).to_contain_text(VI["trust.asking"])
    show.desk.wedge(show.code())
    show.says("fact.photo_wait")


def test_gate_that_was_chosen_names_the_purpose_that_its_key_has(show: Show) -> None:
    page = show.page
    show.desk.open("drivers")
    roadside = purpose_json("roadside", title={"vi": "Kiểm tra xe", "en": "Roadside"})
    show.use(show.organisation(BOARDING, roadside), keep=True)
    expect(page.locator(".strip")).to_contain_text(VI["trust.asking"])
    show.settings()
    expect(page.locator("#purpose")).to_have_value("roadside")
    show.choose_purpose("boarding")
    page.reload()
    show.settings()
    expect(page.locator("#purpose")).to_have_value("boarding")  # what somebody chose stays
    page.click(f'button:has-text("{VI["profile.change"]}")')
    page.check("input[value=drivers]")
    page.click("button.start")
    show.settings()
    expect(page.locator("#purpose")).to_have_value("roadside")


def test_challenge_names_the_gate_of_the_key(show: Show) -> None:
    show.desk.open("strict")
    show.use(show.organisation(BOARDING | {"portrait": False}))
    challenge = parse_gate_challenge(show.page.get_attribute("svg.qr", "data-text") or "")
    assert challenge.gate_id == "QUAY-7"
    show.desk.wedge(show.code(challenge=challenge))
    show.desk.outcome("valid")
    expect(show.page.locator(".how")).to_contain_text("đã hỏi máy chủ")
    show.desk.outcome("valid")
    show.desk.next()
    show.settings()
    show.page.click("text=" + VI["profile.change"])
    expect(show.page.locator("#gate")).to_have_value("QUAY-7")
    assert show.page.locator("#gate").get_attribute("readonly") is not None


def test_keyboard_alone_enters_the_key_and_sees_the_share_through(show: Show) -> None:
    page, desk = show.page, show.desk
    caller = show.organisation(BOARDING, purpose_json("lounge", title={"vi": "Phòng chờ", "en": "Lounge"}))
    desk.open()

    def tab_to(selector: str) -> None:
        for _ in range(40):
            page.keyboard.press("Tab")
            if page.evaluate("(it) => document.activeElement?.matches(it)", selector):
                return
        pytest.fail(f"no way to {selector} by Tab")

    tab_to(f'button[aria-label="{VI["settings"]}"]')
    page.keyboard.press("Enter")
    tab_to("#desk")
    page.keyboard.insert_text(NOBODYS)
    page.keyboard.press("Enter")
    expect(page.locator("#desk-wrong")).to_be_visible()
    page.keyboard.press("Control+A")
    page.keyboard.insert_text(caller.headers["X-Desk-Key"])
    page.keyboard.press("Enter")
    expect(page.locator(".desk")).to_be_focused()
    tab_to("#purpose")
    page.keyboard.press("ArrowDown")
    expect(page.locator(".desk .warn")).to_have_count(0)
    tab_to(f'button[aria-label="{VI["close"]}"]')
    page.keyboard.press("Enter")
    tab_to(".tools button[aria-expanded]")
    page.keyboard.press("Enter")
    expect(page.locator("#code")).to_be_focused()
    page.keyboard.insert_text(show.code())
    tab_to(".manual button")
    page.keyboard.press("Enter")
    show.says("fact.photo_wait")
    show.decide("agree")
    expect(page.locator("img.photo")).to_be_visible()
    tab_to("button.next")
    page.keyboard.press("Enter")
    page.wait_for_selector(".verdict", state="detached")


@pytest.mark.parametrize(("lang", "theme"), [("vi", "light"), ("vi", "dark"), ("en", "light"), ("en", "dark")])
def test_axe_finds_nothing_on_any_screen_of_a_desk(
    show: Show, lang: str, theme: str, subtests: pytest.Subtests
) -> None:
    axe, page, desk, words = Axe(), show.page, show.desk, {"vi": VI, "en": EN}[lang]
    caller = show.organisation(BOARDING, purpose_json("lounge", title={"vi": "Phòng chờ", "en": "Lounge"}))

    def clean(name: str) -> None:
        with subtests.test(screen=name):
            found = axe.run(page).response["violations"]
            assert [(each["id"], [node["html"][:90] for node in each["nodes"]]) for each in found] == []
            assert page.evaluate("document.documentElement.scrollWidth") <= 360
            shot(page, f"axe-{lang}-{theme}-desk-{name}")

    def says(key: str) -> None:
        expect(page.locator(".how")).to_contain_text(words[key])

    desk.open(lang=lang, theme=theme)
    show.settings(words)
    show.enter(NOBODYS)
    expect(page.locator("#desk-wrong")).to_be_visible()
    clean("wrong")
    show.enter(caller.headers["X-Desk-Key"])
    expect(page.locator(".desk .warn")).to_be_visible()
    clean("purpose")
    page.select_option("#purpose", "boarding")
    page.click("text=" + words["profile.change"])
    clean("choose")
    page.click("form.choose button.start")
    desk.wedge(show.code())
    says("fact.photo_wait")
    clean("waiting")
    show.decide("agree")
    expect(page.locator("img.photo")).to_be_visible()
    clean("photo")
    desk.next()
    show.gate.server.stop()
    desk.wedge(show.code())
    says("checked.unreachable")
    clean("unreachable")
    desk.next()
    show.gate.server.start()
    show.revoke(caller)
    desk.wedge(show.code())
    says("checked.key")
    clean("revoked")
    desk.next()
    clean("lost")
    assert catalogue(lang)["scan"]["desk.lost_title"] in page.inner_text(".notice")
