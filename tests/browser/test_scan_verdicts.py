"""What a verdict at the scanner stands for: whom it names, what is graver than a clock, and for how long it stands."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.browser.gate import CLAIMS, LONG, NAME, REVOKED, Covered, film
from tests.browser.scanner import EN, VI, Desk, Gate, assert_fits, assert_read_whole, need_pages, shot

need_pages()

IDENTITY_LEVEL, IDENTITY_OVER_18 = 8, 9
ON_ITS_OWN_TWICE = "VL1:" + "6BF" * 20 + "AA9" + "C8D" * 20
TELEX = """(text) => {
  const send = (key) => (document.activeElement ?? document.body).dispatchEvent(
    new KeyboardEvent("keydown", {key, bubbles: true, cancelable: true}));
  const field = document.activeElement.tagName === "TEXTAREA" ? document.activeElement : {value: ""};
  const marked = {AA: "Â", EE: "Ê", OO: "Ô", DD: "Đ"};
  let last = "";
  for (const letter of text) {
    const mark = marked[last + letter];
    for (const key of mark ? ["Backspace", mark] : [letter]) {
      send(key);
      field.value = key === "Backspace" ? field.value.slice(0, -1) : field.value + key;
    }
    last = mark ? "" : letter;
  }
  send("Enter");
}"""
"""What the input method of a Vietnamese computer makes of what a reader types: of two equal letters one with a mark."""


# --- whom it names ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("lang", "theme"), [("vi", "light"), ("en", "dark")])
@pytest.mark.parametrize(
    ("claims", "is_taken"),
    [
        ({IDENTITY_OVER_18: True}, False),
        ({IDENTITY_LEVEL: 2}, False),
        ({1: LONG.upper(), 5: "Nữ"}, False),
        (CLAIMS, True),
    ],
    ids=["age", "level", "long-name", "name-and-birth-date"],
)
def test_gate_that_compares_a_person_takes_no_code_that_does_not_name_them(
    desk: Desk, gate: Gate, claims: dict[int, Any], is_taken: bool, lang: str, theme: str
) -> None:
    words = {"vi": VI, "en": EN}[lang]
    desk.open("airline", lang=lang, theme=theme)
    desk.wedge(gate.codes.live(gate.codes.card(utility="identity", claims=claims)))
    desk.outcome("valid" if is_taken else "not_accepted")
    assert desk.page.inner_text(".todo") == words["outcome.valid.name_and_birth" if is_taken else "rule.needs"]
    if 1 in claims:
        assert_read_whole(desk.page, ".word h2", ".fullName", ".born")
    else:
        assert_fits(desk.page)
    shot(desk.page, f"needs-{len(claims)}-{min(claims)}-{lang}-{theme}")


def test_verdict_on_nobodys_age_says_nothing_of_an_age(desk: Desk, gate: Gate) -> None:
    page, codes = desk.page, gate.codes
    desk.open("of_age")
    made = {
        "revoked": codes.live(codes.card(index=REVOKED, utility="identity", claims=CLAIMS)),
        "live_too_old": codes.live(codes.card(utility="identity", claims=CLAIMS), ago=120),
    }
    for outcome, code in made.items():
        desk.wedge(code)
        desk.outcome(outcome)
        assert page.locator(".fullName").count() == 0
        for hidden in (VI["rule.age_unknown"], NAME, "1990"):
            assert hidden not in page.content()
        assert_fits(page)
        assert Axe().run(page).response["violations"] == []
        shot(page, f"age-{outcome}")
        desk.next()


# --- what is graver than a clock -----------------------------------------------------------------------------------


@pytest.mark.parametrize("outcome", ["revoked", "suspended", "bad_signature", "key_not_allowed", "device_mismatch"])
def test_wrong_clock_makes_nothing_less_grave_that_no_clock_decides(desk: Desk, gate: Gate, outcome: str) -> None:
    desk.page.add_init_script("{ const now = Date.now; Date.now = () => now() + 65000; }")
    desk.open()
    expect(desk.page.locator(".notice h2")).to_have_text(VI["clock.title"])
    desk.wedge(gate.codes.outcomes()[outcome]())
    desk.outcome(outcome)


# --- for how long it stands ----------------------------------------------------------------------------------------


def test_green_stands_for_no_code_of_the_next_visitor_that_cannot_be_read(
    filming: Callable[[], Desk], gate: Gate, tmp_path: Path
) -> None:
    first, broken = gate.codes.live(), Covered(gate.codes.live())
    film(tmp_path / "film.y4m", first, first, *[broken] * 6, rounds=1)
    desk = filming()
    desk.open()
    desk.outcome("valid")
    expect(desk.page.locator(".toast b")).to_have_text(VI["toast.damaged"])
    assert desk.page.locator(".verdict").count() == 0
    assert desk.complaints == []


def test_verdict_stands_while_its_own_code_moves_and_is_covered_now_and_then(
    filming: Callable[[], Desk], gate: Gate, tmp_path: Path
) -> None:
    code = gate.codes.live()
    film(tmp_path / "film.y4m", code, Covered(code), rounds=1)
    desk = filming()
    desk.page.add_init_script(
        """addEventListener("DOMContentLoaded", () => new MutationObserver(() => {
             const said = document.querySelector(".verdict")?.dataset.outcome;
             if ((window.stood ??= said) !== said) window.gap = said ?? "nothing";
           }).observe(document, {subtree: true, childList: true, attributes: true}))"""
    )
    desk.open()
    desk.outcome("valid")
    desk.page.wait_for_timeout(5000)
    assert desk.page.evaluate("window.gap") is None
    desk.outcome("valid")


# --- a reader at a Vietnamese keyboard -------------------------------------------------------------------------------


@pytest.mark.parametrize(("lang", "theme"), [("vi", "light"), ("en", "dark")])
def test_input_method_that_changes_what_a_reader_types_is_named(desk: Desk, gate: Gate, lang: str, theme: str) -> None:
    page, words = desk.page, {"vi": VI, "en": EN}[lang]
    desk.open(lang=lang, theme=theme)
    desk.wedge(gate.codes.live())
    desk.outcome("valid")
    page.evaluate(TELEX, ON_ITS_OWN_TWICE)
    expect(page.locator(".toast b")).to_have_text(words["toast.keyboard"])
    assert page.locator(".verdict").count() == 0  # it is not on whoever showed this one
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    assert Axe().run(page).response["violations"] == []
    shot(page, f"toast-keyboard-{lang}-{theme}")
    desk.wedge(gate.codes.live())
    desk.outcome("valid")


def test_what_an_input_method_typed_into_the_field_is_taken_back(desk: Desk) -> None:
    desk.open()
    desk.page.click(".tools button[aria-expanded]")
    expect(desk.page.locator("#code")).to_be_focused()
    desk.page.evaluate(TELEX, ON_ITS_OWN_TWICE)
    expect(desk.page.locator(".toast b")).to_have_text(VI["toast.keyboard"])
    expect(desk.page.locator("#code")).to_have_value("")


def test_person_who_corrects_a_code_in_the_field_is_no_input_method(desk: Desk) -> None:
    page = desk.page
    desk.open()
    page.click(".tools button[aria-expanded]")
    expect(page.locator("#code")).to_be_focused()
    page.keyboard.type("VL1:AB", delay=90)
    page.wait_for_timeout(150)
    page.keyboard.press("Backspace")
    page.keyboard.type("CDEF", delay=90)
    page.keyboard.press("Enter")
    expect(page.locator("#code")).to_have_value("VL1:ACDEF\n")
    assert page.locator(".toast b").count() == 0
