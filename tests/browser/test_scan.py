"""The scanner at a gate: every outcome on the screen, by camera and by reader, with the server and without it."""

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.browser.gate import (
    CLAIMS,
    GOOD,
    LAST4,
    LONG,
    NAME,
    REVOKED,
    SUSPENDED,
    YOUNG,
    Codes,
    Covered,
    film,
    picture,
)
from tests.browser.scanner import EN, VI, Desk, Gate, assert_fits, assert_read_whole, need_pages, shot
from wallet.formats.claims_set import StatusReference
from wallet.formats.live_code import GateChallenge, parse_gate_challenge
from wallet.terms import SAMPLE_MARK
from wallet.texts.catalogue import catalogue
from wallet.web import scan

need_pages()

LEVEL, OVER_18 = 8, 9
"""Numbers of claims of an identity."""

# --- every row of the table ---------------------------------------------------------------------------------------

LOOKS = {
    "valid": "good",
    "not_yet_valid": "wait",
    "expired": "bad",
    "card_expired": "bad",
    "revoked": "bad",
    "suspended": "bad",
    "bad_signature": "bad",
    "key_not_allowed": "bad",
    "device_mismatch": "bad",
    "live_too_old": "ask",
    "live_from_future": "ask",
    "wrong_gate": "ask",
    "unknown_issuer": "ask",
    "cannot_tell": "ask",
}


def test_each_outcome_has_its_screen(desk: Desk, gate: Gate, subtests: pytest.Subtests) -> None:
    made = gate.codes.outcomes()
    assert made.keys() == LOOKS.keys()
    desk.open()
    words = set()
    for code, look in LOOKS.items():
        with subtests.test(code=code):
            desk.wedge(made[code]())
            desk.outcome(code)
            assert look in (desk.page.get_attribute(".verdict", "class") or "").split()
            said = desk.page.inner_text(".word h2")
            assert said == VI[f"outcome.{code}"]
            assert desk.page.inner_text(".word .second") == EN[f"outcome.{code}"]
            assert desk.page.get_attribute(".word", "role") == "alert"
            expect(desk.page.locator(".word")).to_be_focused()
            assert desk.page.locator(".word svg.sign").count() == 1
            assert SAMPLE_MARK in desk.page.inner_text(".mark")
            assert_fits(desk.page)
            words.add(said)
            shot(desk.page, f"outcome-{code}")
            desk.next()
    assert len(words) == len(LOOKS)


def test_valid_shows_who_it_is_and_what_to_compare(desk: Desk, gate: Gate) -> None:
    desk.open()
    desk.wedge(gate.codes.live())
    desk.outcome("valid")
    page = desk.page
    name = page.locator(".fullName")
    assert name.inner_text() == NAME
    assert name.get_attribute("translate") == "no"  # a browser that translates pages makes another name of it
    assert float(name.evaluate("(it) => parseFloat(getComputedStyle(it).fontSize)")) >= 24
    assert "12/05/1990 · Nữ" in page.inner_text(".born")
    assert LAST4 not in page.inner_text("body")
    page.click("text=" + VI["fact.show_last4"])
    assert LAST4 in page.inner_text(".tail")
    assert page.inner_text(".todo") == VI["outcome.valid.name_and_birth"]
    assert "offline" in page.inner_text(".how")
    assert VI["holder.device"] in page.inner_text(".how")
    assert page.locator("img").count() == 0


@pytest.mark.parametrize(
    ("profile", "claims", "compare"),
    [
        ("any", {1: NAME, 4: 7436}, "name_and_birth"),
        ("any", {1: NAME, 5: "Nữ"}, "name"),
        ("any", {4: 7436}, "birth"),
        ("any", {5: "Nữ"}, "nothing"),
        ("adults", CLAIMS, "nothing"),
    ],
)
def test_nothing_is_to_be_compared_that_is_not_shown(
    desk: Desk, gate: Gate, profile: str, claims: dict[int, Any], compare: str
) -> None:
    desk.open(profile)
    desk.wedge(gate.codes.live(gate.codes.card(claims=claims)))
    desk.outcome("valid")
    assert desk.page.inner_text(".todo") == VI[f"outcome.valid.{compare}"]
    shot(desk.page, f"outcome-valid-{profile}-{compare}")


@pytest.mark.parametrize(("lang", "theme"), [("vi", "light"), ("en", "dark")])
@pytest.mark.parametrize("profile", ["any", "drivers"])
def test_long_name_and_birth_date_are_read_whole_below_every_word(
    desk: Desk, gate: Gate, lang: str, theme: str, profile: str, subtests: pytest.Subtests
) -> None:
    desk.open(profile, lang=lang, theme=theme)
    codes, now, hour = gate.codes, gate.codes.now(), timedelta(hours=1)
    named: dict[str, Any] = {"claims": CLAIMS | {1: LONG.upper()}}
    again = codes.live(codes.card(**named))
    made = {
        "valid": again,
        "live_replayed": again,
        "not_yet_valid": codes.live(codes.card(issued_at=now + 2 * hour, **named)),
        "card_expired": codes.live(codes.card(issued_at=now - 48 * hour, expires_at=now - 24 * hour, **named)),
        "expired": codes.paper(issued_at=now - 48 * hour, expires_at=now - 24 * hour, **named),
        "revoked": codes.live(codes.card(index=REVOKED, **named)),
        "suspended": codes.live(codes.card(index=SUSPENDED, **named)),
        "live_too_old": codes.live(codes.card(**named), ago=120),
        "live_from_future": codes.live(codes.card(**named), ago=-90),
        "wrong_gate": codes.live(codes.card(**named), challenge=GateChallenge("CUA-9", bytes(8))),
        "cannot_tell": codes.live(codes.card(status=StatusReference(GOOD, "https://vi.example.vn/none"), **named)),
    }
    for code, text in made.items():
        with subtests.test(code=code):
            desk.wedge(text)
            desk.outcome("not_accepted" if (profile, code) == ("drivers", "valid") else code)
            assert desk.page.inner_text(".fullName") == LONG.upper()
            shot(desk.page, f"long-{profile}-{code}-{lang}-{theme}")
            assert_read_whole(desk.page, ".word h2", ".fullName", ".born")
        desk.next()


@pytest.mark.parametrize("lang", ["vi", "en"])
def test_strip_and_issuer_are_read_whole_on_a_narrow_phone(desk: Desk, gate: Gate, lang: str) -> None:
    desk.open(lang=lang)
    later = time.time() + 23 * 3600
    desk.page.context.set_offline(True)
    desk.page.clock.set_fixed_time(later)
    desk.page.evaluate("window.dispatchEvent(new Event('offline'))")
    words = catalogue(lang)["scan"]
    expect(desk.page.locator(".strip")).to_contain_text(words["ago.hours"].format(hours=23))
    codes = Codes(gate.wallet)
    codes.now = lambda: datetime.fromtimestamp(later, UTC).replace(microsecond=0)  # type: ignore[method-assign]
    for code in (codes.paper(), codes.live()):
        desk.wedge(code)
        desk.outcome("valid")
        for part in (".strip > *", ".origin", ".how li"):
            cut = desk.page.locator(part).evaluate_all(
                """(all) => all.filter((each) => { const box = each.getBoundingClientRect();
                  const around = each.parentElement.getBoundingClientRect();
                  return each.scrollWidth > each.clientWidth + 1 && getComputedStyle(each).display !== "inline"
                    || box.right > around.right + 1 || box.bottom > around.bottom + 1; })
                  .map((each) => each.outerHTML)"""
            )
            assert cut == []
        issuer = getattr(gate.wallet.settings, f"issuer_name_{lang}")
        assert desk.page.inner_text(".origin").endswith(words["fact.issuer"].format(name=issuer))
        assert_fits(desk.page)
        shot(desk.page, f"narrow-{lang}-{code[:2]}")
        desk.next()
    desk.loses_service = True


def test_code_that_the_server_signed_says_so(desk: Desk, gate: Gate) -> None:
    desk.open()
    desk.wedge(gate.codes.by_server())
    desk.outcome("valid")
    assert VI["holder.server"] in desk.page.inner_text(".how .weaker")
    shot(desk.page, "outcome-valid-server")


def test_same_code_twice_says_when_and_where(desk: Desk, gate: Gate) -> None:
    code = gate.codes.live()
    desk.open()
    desk.wedge(code)
    desk.outcome("valid")
    desk.next()
    desk.page.reload()
    desk.page.wait_for_selector(".strip.fresh")
    desk.wedge(code)
    desk.outcome("live_replayed")
    said = desk.page.inner_text(".word h2")
    at = desk.page.evaluate("new Date().toLocaleTimeString('en-GB', {timeZone: 'Asia/Ho_Chi_Minh'}).slice(0, 3)")
    assert said.startswith("ĐÃ QUÉT LÚC " + at)
    assert said.endswith("CỬA CUA-3")
    assert_fits(desk.page)
    shot(desk.page, "outcome-live_replayed")


@pytest.mark.parametrize(
    ("text", "toast"),
    [("https://example.vn/khuyen-mai", "foreign"), ("VL1:ABC DEF 123", "damaged"), ("VG1:A0 12345", "challenge")],
)
def test_what_is_no_verdict_is_a_toast(desk: Desk, text: str, toast: str) -> None:
    desk.open()
    desk.wedge(text)
    expect(desk.page.locator(".toast b")).to_have_text(VI[f"toast.{toast}"])
    assert desk.page.locator(".verdict").count() == 0
    shot(desk.page, f"toast-{toast}")


def test_code_of_another_type_is_a_wrong_signature_and_not_called_damaged(
    desk: Desk, gate: Gate, subtests: pytest.Subtests
) -> None:
    desk.open()
    for name, text in gate.codes.of_another_type().items():
        with subtests.test(name):
            desk.wedge(text)
            desk.outcome("bad_signature")
            assert "bad" in (desk.page.get_attribute(".verdict", "class") or "").split()
            assert desk.page.inner_text(".word h2") == VI["outcome.bad_signature"]
            assert desk.page.locator(".toast b, .fullName").count() == 0
            desk.next()
    desk.page.click(f'button[aria-label="{VI["settings"]}"]')
    assert desk.page.locator(".tally dd").all_inner_texts() == ["0", "3", "0"]


def test_reader_that_is_faster_than_the_eye_has_each_code_judged(desk: Desk, gate: Gate) -> None:
    good, bad = gate.codes.live(), gate.codes.outcomes()["revoked"]()
    desk.open()
    desk.wedge(good)
    desk.wedge(good)  # it fired twice: nobody is told that they were here before
    desk.outcome("valid")
    desk.wedge(bad)
    desk.outcome("revoked")
    desk.wedge(good)
    desk.outcome("live_replayed")


# --- the profile of the gate --------------------------------------------------------------------------------------


def test_profile_that_asks_for_an_age_shows_only_yes_or_no(desk: Desk, gate: Gate) -> None:
    desk.open("adults")
    assert "Trên 18 tuổi · CUA-3" in desk.page.inner_text("header .gate")
    desk.wedge(gate.codes.live())
    desk.outcome("valid")
    assert desk.page.inner_text(".fullName") == VI["fact.over"].format(n=18)
    shot(desk.page, "profile-over18-yes")
    for hidden in (NAME, "1990", LAST4):
        assert hidden not in desk.page.content()
    desk.next()
    desk.wedge(gate.codes.live(gate.codes.card(claims=YOUNG)))
    desk.outcome("not_accepted")
    assert desk.page.inner_text(".todo") == VI["rule.age"].format(n=18)
    assert NAME not in desk.page.content()
    shot(desk.page, "profile-over18-no")


@pytest.mark.parametrize(
    ("claims", "outcome", "words"),
    [
        ({OVER_18: True}, "valid", VI["fact.over"]),
        ({OVER_18: False}, "not_accepted", VI["fact.under"]),
        ({LEVEL: 2}, "not_accepted", VI["rule.age_unknown"]),
    ],
)
def test_who_says_only_that_they_are_of_age_gives_no_birthday(
    desk: Desk, gate: Gate, claims: dict[int, Any], outcome: str, words: str
) -> None:
    """The view `age_18` of an identity, at the profile that is made for it."""
    desk.open("of_age")
    desk.wedge(gate.codes.live(gate.codes.card(utility="identity", claims=claims)))
    desk.outcome(outcome)
    assert desk.page.inner_text(".fullName") == words.format(n=18)


def test_genuine_document_of_another_kind_is_not_called_forged(desk: Desk, gate: Gate) -> None:
    desk.open("drivers")
    desk.wedge(gate.codes.live())
    desk.outcome("not_accepted")
    assert desk.page.inner_text(".word h2") == VI["outcome.not_accepted"]
    assert desk.page.inner_text(".todo") == VI["rule.utility"]
    assert_fits(desk.page)
    shot(desk.page, "profile-wrong-kind")


def test_strict_gate_takes_each_nonce_once(desk: Desk, gate: Gate) -> None:
    desk.open("strict")
    text = desk.page.get_attribute("svg.qr", "data-text") or ""
    challenge = parse_gate_challenge(text)
    assert challenge.gate_id == "CUA-3"
    shot(desk.page, "profile-strict")
    desk.wedge(gate.codes.live())
    desk.outcome("wrong_gate")
    desk.next()
    desk.wedge(gate.codes.live(challenge=challenge))
    desk.outcome("valid")
    desk.next()
    assert desk.page.get_attribute("svg.qr", "data-text") != text
    desk.wedge(gate.codes.live(challenge=challenge))
    desk.outcome("wrong_gate")


@pytest.mark.parametrize("nonce", [None, bytes(8)])
def test_strict_gate_takes_nobody_while_no_nonce_of_its_is_out(desk: Desk, gate: Gate, nonce: bytes | None) -> None:
    """While a verdict stands no challenge is shown; whoever names the gate alone has answered none."""
    desk.open("strict")
    challenge = parse_gate_challenge(desk.page.get_attribute("svg.qr", "data-text") or "")
    desk.wedge(gate.codes.live(challenge=challenge))
    desk.outcome("valid")
    time.sleep(1.3)  # a verdict stands for so long before another code may take its place
    desk.wedge(gate.codes.live(challenge=GateChallenge("CUA-3", nonce)))
    desk.outcome("wrong_gate")


def test_strict_gate_takes_no_print(desk: Desk, gate: Gate) -> None:
    desk.open("high")
    desk.wedge(gate.codes.paper())
    desk.outcome("not_accepted")
    assert desk.page.inner_text(".todo") == VI["rule.live"]


@pytest.mark.parametrize("lang", ["vi", "en"])
def test_each_gate_that_is_handed_out_can_be_chosen_on_a_small_phone(
    desk: Desk, gate: Gate, lang: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    gates = json.loads(files("wallet.web").joinpath("gate_profiles.json").read_text("utf-8"))
    monkeypatch.setattr(scan, "profiles", lambda: gates)
    page = desk.page
    page.goto(gate.url + f"/scan?lang={lang}")
    page.wait_for_selector("form.choose")
    if lang != "vi":
        page.click(f'header button[lang="{lang}"]')
    expect(page.locator("form.choose .option b")).to_have_text([each["title"][lang] for each in gates])
    shot(page, f"choose-all-{lang}")
    for each in gates:
        page.check(f'input[value="{each["code"]}"]')
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
        page.click("form.choose .start")
        expect(page.locator("header .gate")).to_have_text(f"{each['title'][lang]} · CUA-1")
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
        page.click(f'button[aria-label="{catalogue(lang)["scan"]["settings"]}"]')
        page.click("text=" + catalogue(lang)["scan"]["profile.change"])


def test_gate_is_chosen_once_and_by_keyboard_alone(desk: Desk, gate: Gate) -> None:
    page = desk.page
    page.goto(gate.url + "/scan")
    page.wait_for_selector("form.choose")
    shot(page, "choose")

    def tab_to(selector: str) -> None:
        for _ in range(25):
            page.keyboard.press("Tab")
            if page.evaluate("(it) => document.activeElement?.matches(it)", selector):
                return
        pytest.fail(f"no way to {selector} by Tab")

    tab_to("input[type=radio]")
    page.keyboard.press("ArrowDown")
    tab_to("#gate")
    page.keyboard.press("Control+A")
    page.keyboard.type("cửa!", delay=90)
    page.keyboard.press("Enter")
    expect(page.locator("#gate-wrong")).to_be_visible()
    page.keyboard.press("Control+A")
    page.keyboard.type("GATE-7", delay=90)
    page.keyboard.press("Enter")
    expect(page.locator("header .gate")).to_have_text("Trên 18 tuổi · GATE-7")
    tab_to(".tools button[aria-expanded]")
    page.keyboard.press("Enter")
    expect(page.locator("#code")).to_be_focused()
    page.keyboard.insert_text(gate.codes.live())
    tab_to(".manual button")
    page.keyboard.press("Enter")
    desk.outcome("valid")
    tab_to("button.next")
    page.keyboard.press("Enter")
    page.wait_for_selector(".verdict", state="detached")
    page.reload()
    expect(page.locator("header .gate")).to_have_text("Trên 18 tuổi · GATE-7")


# --- by camera, and with the server dead ----------------------------------------------------------------------------


def test_moving_code_is_judged_by_camera_also_with_the_server_dead(
    filming: Callable[[], Desk], gate: Gate, tmp_path: Path
) -> None:
    film(tmp_path / "film.y4m", gate.codes.live())
    desk = filming()
    desk.open()
    page = desk.page
    desk.outcome("valid")
    shot(page, "camera-valid")
    times = [int(page.get_attribute(".verdict", "data-milliseconds") or 0)]
    page.evaluate("navigator.serviceWorker.ready.then(() => true)")
    gate.server.stop()
    page.context.set_offline(True)
    try:
        for _ in range(3):
            film(tmp_path / "film.y4m", gate.codes.live())
            begun = time.monotonic()
            page.reload()
            shot(page, "dead")
            page.wait_for_selector(".strip.fresh", timeout=8000)
            assert VI["trust.offline"] in page.inner_text(".strip")
            desk.outcome("valid")
            seconds = time.monotonic() - begun
            times.append(int(page.get_attribute(".verdict", "data-milliseconds") or 0))
            print(f"reload to verdict without server: {seconds:.2f} s, reading and judging {times[-1]} ms")  # noqa: T201 - the figure is the result
        assert page.inner_text(".fullName") == NAME
        shot(page, "camera-valid-server-dead")
    finally:
        page.context.set_offline(False)
        gate.server.start()
    times.sort()
    print(f"picture to verdict: median {times[len(times) // 2]} ms of {times}")  # noqa: T201 - the figure is the result
    assert times[len(times) // 2] < 1000
    desk.loses_service = True
    assert desk.faults() == []


def test_whole_act_has_two_steps(filming: Callable[[], Desk], gate: Gate, tmp_path: Path) -> None:
    """Present and scan: what a visitor and an agent do until the verdict, counted and timed."""
    film(tmp_path / "film.y4m", None)
    desk = filming()
    desk.open()
    desk.page.wait_for_selector(".view.on")
    begun = time.monotonic()
    film(tmp_path / "film.y4m", gate.codes.live())  # 1: the visitor presents
    desk.page.reload()  # 2: the agent's camera opens on it
    desk.outcome("valid")
    print(f"the whole act: 2 steps (present, scan), {time.monotonic() - begun:.1f} s with drawing the film")  # noqa: T201 - the figure is the result
    assert desk.complaints == []


def test_covered_code_asks_to_hold_still(filming: Callable[[], Desk], gate: Gate, tmp_path: Path) -> None:
    film(tmp_path / "film.y4m", Covered(gate.codes.live()))
    desk = filming()
    desk.open()
    expect(desk.page.locator(".toast b")).to_have_text(VI["toast.damaged"])
    shot(desk.page, "toast-damaged-camera")
    assert desk.page.locator(".verdict").count() == 0


def test_picture_of_a_code_is_taken(desk: Desk, gate: Gate, tmp_path: Path) -> None:
    desk.open()
    picture(gate.codes.paper()).save(tmp_path / "code.png")
    desk.page.set_input_files("input[type=file]", tmp_path / "code.png")
    desk.outcome("valid")
    assert desk.page.inner_text(".todo") == VI["outcome.valid.paper"]
    desk.next()
    (tmp_path / "no.png").write_bytes(b"no picture")
    desk.page.set_input_files("input[type=file]", tmp_path / "no.png")
    expect(desk.page.locator(".scan > .warn")).to_have_text(VI["upload.none"])


# --- the camera that is not there -----------------------------------------------------------------------------------

BROKEN = {
    "denied": "navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('', 'NotAllowedError'))",
    "none": "navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('', 'NotFoundError'))",
    "busy": "navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('', 'NotReadableError'))",
    "unsupported": "Object.defineProperty(navigator, 'mediaDevices', {value: undefined})",
    "insecure": "Object.defineProperty(window, 'isSecureContext', {value: false})",
    "in_app": "Object.defineProperty(navigator, 'mediaDevices', {value: undefined});"
    "Object.defineProperty(navigator, 'userAgent', {value: 'Mozilla/5.0 Zalo/23.1'})",
}


@pytest.mark.parametrize("trouble", BROKEN)
def test_each_camera_problem_has_its_own_words_and_a_way_out(desk: Desk, gate: Gate, trouble: str) -> None:
    desk.page.add_init_script(BROKEN[trouble])
    desk.open()
    desk.page.click("button.start")
    expect(desk.page.locator(".trouble h2")).to_have_text(VI[f"camera.{trouble}"])
    shot(desk.page, f"camera-{trouble}")
    desk.wedge(gate.codes.live())
    desk.outcome("valid")


# --- nothing stays ------------------------------------------------------------------------------------------------


def test_nothing_of_a_visitor_is_kept(desk: Desk, gate: Gate) -> None:
    desk.open()
    code = gate.codes.live()
    desk.wedge(code)
    desk.outcome("valid")
    desk.page.evaluate("navigator.serviceWorker.ready.then(() => true)")
    kept = desk.kept()
    assert "replay" in kept
    assert "viso-scan" in kept
    for personal in (NAME, "PHƯỢNG", f'"{LAST4}"', "1990-05-12", "12/05/1990", code, code[4:28], code[-24:], "Nữ"):
        assert personal not in kept
    assert "receipt" not in kept  # there is no desk whose it would be
    desk.page.evaluate(
        """() => { Object.defineProperty(document, "hidden", {value: true, configurable: true});
                   document.dispatchEvent(new Event("visibilitychange")); }"""
    )
    desk.page.wait_for_selector(".verdict", state="detached")
    assert NAME not in desk.page.content()


def test_tally_counts_and_names_nobody(desk: Desk, gate: Gate) -> None:
    desk.open()
    for outcome in ("valid", "revoked", "live_too_old"):
        desk.wedge(gate.codes.outcomes()[outcome]())
        desk.outcome(outcome)
        desk.next()
    desk.page.click(f'button[aria-label="{VI["settings"]}"]')
    assert desk.page.locator(".tally dd").all_inner_texts() == ["1", "1", "1"]
    shot(desk.page, "settings")


# --- trust --------------------------------------------------------------------------------------------------------


def altered(desk: Desk, path: str, change: Callable[[Any], Any]) -> None:
    """Let the server say something else at a path."""

    def answer(route: Any) -> None:
        response = route.fetch()
        route.fulfill(response=response, body=change(response.text()))

    desk.page.route("**" + path, answer)


def test_bundle_that_is_not_signed_is_refused_and_the_held_one_stays(desk: Desk, gate: Gate) -> None:
    desk.open()
    altered(desk, "/v1/trust/bundle", lambda token: token[:-8] + "AAAAAAAA")
    desk.page.reload()
    expect(desk.page.locator(".notice.bad p")).to_have_text(VI["refused.signature"])
    assert desk.page.locator(".strip.fresh").count() == 1
    shot(desk.page, "trust-refused")
    desk.wedge(gate.codes.live())
    desk.outcome("valid")


def test_bundle_that_is_rolled_back_is_refused(desk: Desk, gate: Gate) -> None:
    old = desk.page.request.get(gate.url + "/v1/trust/bundle").text()
    with gate.wallet.work() as work:
        work.documents.rows.set_status(1, 200, 1, datetime.now(UTC))
    deadline = time.monotonic() + 20
    while desk.page.request.get(gate.url + "/v1/trust/bundle").text() == old and time.monotonic() < deadline:
        time.sleep(0.3)
    desk.open()
    altered(desk, "/v1/trust/bundle", lambda token: old)
    desk.page.reload()
    expect(desk.page.locator(".notice.bad p")).to_have_text(VI["refused.older"])


def test_changed_pin_is_not_used_without_the_paper(desk: Desk, gate: Gate) -> None:
    desk.open()
    other = "ab" * 32
    altered(desk, "/scan/config.json", lambda text: json.dumps(json.loads(text) | {"pins": [other]}))
    desk.page.reload()
    expect(desk.page.locator(".notice.bad h2")).to_have_text(VI["pin.changed_title"])
    shot(desk.page, "trust-pin")
    desk.page.fill("#pin", "ffffffff")
    desk.page.click("text=" + VI["pin.accept"])
    expect(desk.page.locator(".notice .warn")).to_have_text(VI["pin.differs"])
    assert other not in desk.kept().replace(f'"pins":["{other}"],"built_at"', "")
    desk.wedge(gate.codes.live())
    desk.outcome("valid")


@pytest.mark.parametrize(("hours", "level"), [(30, "usable"), (80, "stale")])
def test_old_list_is_told_and_never_says_valid_when_too_old(desk: Desk, gate: Gate, hours: int, level: str) -> None:
    desk.open()
    later = time.time() + hours * 3600
    desk.page.context.set_offline(True)
    desk.page.clock.set_fixed_time(later)
    desk.page.evaluate("window.dispatchEvent(new Event('offline'))")
    desk.page.wait_for_selector(f".strip.{level}", timeout=9000)
    assert VI[f"trust.{level}"] in desk.page.inner_text(".strip")
    shot(desk.page, f"trust-{level}")
    codes = Codes(gate.wallet)
    codes.now = lambda: datetime.fromtimestamp(later, UTC).replace(microsecond=0)  # type: ignore[method-assign]
    desk.wedge(codes.live())
    desk.outcome("valid" if level == "usable" else "cannot_tell")
    shot(desk.page, f"trust-{level}-verdict")
    desk.loses_service = True


def test_wrong_clock_is_told_and_decides_nothing(desk: Desk, gate: Gate) -> None:
    desk.page.clock.set_fixed_time(time.time() + 600)
    desk.open()
    expect(desk.page.locator(".notice h2")).to_have_text(VI["clock.title"])
    desk.wedge(gate.codes.live())
    desk.outcome("cannot_tell")
    assert desk.page.inner_text(".todo") == VI["outcome.cannot_tell.clock"]
    shot(desk.page, "trust-clock")


def test_data_that_the_browser_deleted_is_missed(desk: Desk, gate: Gate) -> None:
    desk.open()
    desk.page.evaluate(
        "(async () => { for (const {name} of await indexedDB.databases()) indexedDB.deleteDatabase(name);"
        " localStorage.clear(); })()"
    )
    desk.page.reload()
    expect(desk.page.locator(".notice h2").first).to_have_text(VI["lost.title"])
    shot(desk.page, "trust-lost")


# --- for everybody ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("lang", "theme"), [("vi", "light"), ("vi", "dark"), ("en", "light"), ("en", "dark")])
def test_axe_finds_nothing_on_any_screen(
    desk: Desk, gate: Gate, lang: str, theme: str, subtests: pytest.Subtests
) -> None:
    axe, page, made = Axe(), desk.page, gate.codes.outcomes()

    def clean(name: str) -> None:
        with subtests.test(screen=name):
            found = axe.run(page).response["violations"]
            assert [(each["id"], [node["html"][:90] for node in each["nodes"]]) for each in found] == []
            assert page.evaluate("document.documentElement.scrollWidth") <= 360
            shot(page, f"axe-{lang}-{theme}-{name}")

    desk.open(lang=lang, theme=theme)
    words = catalogue(lang)["scan"]
    clean("scan")
    for code in LOOKS:
        desk.wedge(made[code]())
        desk.outcome(code)
        clean(code)
        desk.next()
    desk.wedge("hello, not a code")
    page.wait_for_selector(".toast b")
    clean("toast")
    page.click(f'button[aria-label="{words["settings"]}"]')
    clean("settings")
    page.click("text=" + words["profile.change"])
    clean("choose")


def test_language_is_one_tap_away_and_remembered(desk: Desk) -> None:
    desk.open()
    desk.page.click('header button[lang="en"]')
    assert desk.page.get_attribute("html", "lang") == "en"
    desk.page.reload()
    expect(desk.page.locator("header .name")).to_have_text(EN["name"])
