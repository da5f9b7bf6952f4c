"""Every notice has its words, in both languages, and every text message is one."""

import ast
import re
from pathlib import Path

import pytest

import wallet
from wallet.ceremonies.kinds import CeremonyKind
from wallet.messages.notices import NOTICES
from wallet.texts.catalogue import LANGUAGES, catalogue, notice, sms
from wallet.utilities.catalogue import Catalogue

PLUGINS = list(Catalogue.discover())
ROOT = Path(wallet.__file__).parent
LONGEST = 160
OTP = "one_time_code"
PURPOSES = tuple(catalogue("vi")["sms_purposes"])


def placeholders(text: str) -> set[str]:
    return set(re.findall(r"\{(\w*)\}", text))


def told() -> dict[str, list[set[str]]]:
    """Return each kind that is told anywhere, with the values that each call gives."""
    found: dict[str, list[set[str]]] = {}
    for path in ROOT.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute) or node.func.attr != "tell":
                continue
            for argument in node.args[1:2]:
                choices = [argument.body, argument.orelse] if isinstance(argument, ast.IfExp) else [argument]
                for choice in choices:
                    if isinstance(choice, ast.Constant) and isinstance(choice.value, str):
                        values = {keyword.arg for keyword in node.keywords if keyword.arg}
                        found.setdefault(choice.value, []).append(values)
    return found


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_kind_has_its_texts_and_no_other_has(language: str) -> None:
    texts = catalogue(language)
    assert texts["notices"].keys() == NOTICES.keys() | {"unknown"}
    assert all(entry.keys() == {"title", "body"} for entry in texts["notices"].values())
    kinds = {code for code, kind in NOTICES.items() if kind.sms}
    assert texts["sms"].keys() >= kinds | {OTP}
    # The rest goes to a phone alone, for who has no inbox yet; nothing stale is kept.
    source = "".join(path.read_text(encoding="utf-8") for path in ROOT.rglob("*.py"))
    assert [code for code in texts["sms"].keys() - kinds if f'"{code}"' not in source] == []


def test_whatever_is_told_is_a_kind_and_every_value_of_its_texts_is_given() -> None:
    calls = told()
    assert len(calls) > 5
    assert calls.keys() <= NOTICES.keys()
    for code, given in calls.items():
        for language in LANGUAGES:
            texts = catalogue(language)
            needed = placeholders("".join(texts["notices"][code].values())) | placeholders(texts["sms"].get(code, ""))
            assert all(needed <= values for values in given), (code, language)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("purpose", PURPOSES)
def test_one_time_code_says_what_it_is_for_and_warns(purpose: str, language: str) -> None:
    text = sms(OTP, language, code="123456", minutes=3, purpose=purpose)
    assert len(text) <= LONGEST
    assert text.isascii()
    assert "{" not in text
    assert "123456" in text
    assert catalogue(language)["sms_purposes"][purpose] in text
    assert ("Khong dua ma cho bat ky ai" if language == "vi" else "Never give it to anybody") in text
    assert ("ban MAU, khong phai VNeID" if language == "vi" else "SAMPLE, not the official VNeID") in text


def test_every_ceremony_is_a_purpose() -> None:
    assert {str(kind) for kind in CeremonyKind} == set(PURPOSES)


def test_a_purpose_without_words_is_a_defect() -> None:
    with pytest.raises(KeyError):
        sms(OTP, "vi", code="123456", minutes=3, purpose="no_such_purpose")


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_text_message_is_ascii_fits_one_message_and_says_that_it_is_a_sample(language: str) -> None:
    for code, text in catalogue(language)["sms"].items():
        filled = text.replace("{code}", "123456").replace("{minutes}", "3").replace("{number}", "HS-7D1E-3F5A-9C2B")
        filled = filled.replace("{name}", max((plugin.utility.code for plugin in PLUGINS), key=len))
        filled = filled.replace("{purpose}", max(catalogue(language)["sms_purposes"].values(), key=len))
        assert "{" not in filled, code
        assert filled.isascii(), code
        assert len(filled) <= LONGEST, code
        assert ("MAU" if language == "vi" else "SAMPLE") in filled, code


def test_a_notice_of_a_kind_that_is_no_more_still_has_words() -> None:
    for language in LANGUAGES:
        assert notice("retired_kind", language) == notice("unknown", language)
