"""Personas: a story, one outcome, and credentials that only the deployment can derive."""

import re
import unicodedata
from base64 import urlsafe_b64decode

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from wallet.demo.cast import CAST
from wallet.demo.credentials import SPECIAL, is_weak, public_jwk
from wallet.demo.nation import generate
from wallet.demo.personas import PERSONAS, Preparation, credentials, persona
from wallet.demo.phones import phone_of
from wallet.errors import ConfigurationError
from wallet.identity.contacts import normalised_phone
from wallet.terms import AccountLevel, StaffRole

SECRET = bytes(range(32))


def test_personas_are_people_of_every_nation() -> None:
    people = {person.number: person for household in generate(99, 400) for person in household.people}
    for each in PERSONAS:
        assert people[each.number].name.full == each.name
        assert people[each.number].birth == each.birth


def test_keys_and_numbers_are_unique_and_an_is_the_default() -> None:
    assert PERSONAS[0] is persona("an")
    assert len({each.key for each in PERSONAS}) == len({each.number for each in PERSONAS}) == len(PERSONAS)
    assert all(re.fullmatch(r"[a-z][a-z0-9]+", each.key) for each in PERSONAS)
    assert {each.key for each in PERSONAS} == set(CAST)


def test_stories_are_told_in_both_languages_and_names_are_marked_as_samples() -> None:
    for each in PERSONAS:
        for text in (each.story, each.outcome.text):
            assert text.keys() == {"vi", "en"}
            assert all(text.values())
        assert "Mẫu" in each.name or each.key == "dot"


@pytest.mark.parametrize(
    ("key", "code"),
    [
        ("an", "residence_issued"),
        ("binh", "level_too_low"),
        ("khuat", "person_deceased"),
        ("khoa", "account_locked"),
        ("vang", "not_in_register"),
        ("mai", "claims_rejected"),
        ("dot", "document_revoked"),
        ("han", "document_expired"),
        ("moi", "device_not_bound"),
        ("tich", "judicial_record_issued"),
        ("phat", "judicial_record_issued"),
        ("tuoi", "too_young"),
        ("lech", "health_book_mismatch"),
        ("giay", "old_paper"),
        ("noi", "birth_linked"),
        ("xuan", "due_after_tet"),
    ],
)
def test_outcomes_are_fixed(key: str, code: str) -> None:
    assert persona(key).outcome.code == code


def test_accounts_fit_the_outcomes() -> None:
    assert persona("binh").account_level is AccountLevel.ONE
    assert {each.key for each in PERSONAS if each.account_state == "locked"} == {"khuat", "khoa"}
    assert all((each.lock_ground is None) == (each.account_state == "active") for each in PERSONAS)
    assert persona("han").preparation is Preparation.ISSUED_LONG_AGO
    assert [each.key for each in PERSONAS if not each.has_device] == ["moi"]
    assert persona("nho").guardian


def test_two_administrators_work_at_two_agencies() -> None:
    admins = [each for each in PERSONAS if each.staff_role is StaffRole.ADMIN]
    assert [each.key for each in admins] == ["admin1", "admin2"]
    assert admins[0].agency != admins[1].agency
    assert admins[0].province != admins[1].province


def test_staff_have_an_agency_and_a_province_and_the_desks_differ() -> None:
    staff = {each.key: each for each in PERSONAS if each.staff_role}
    assert all(each.agency and len(each.agency) <= 80 and each.province for each in staff.values())
    roles = {key: (each.staff_role, each.province) for key, each in staff.items() if not key.startswith("admin")}
    assert roles == {
        "officer1": (StaffRole.OFFICER, "01"),
        "officer2": (StaffRole.OFFICER, "79"),
        "approver1": (StaffRole.APPROVER, "01"),
        "approver2": (StaffRole.APPROVER, "79"),
        "reviewer1": (StaffRole.REVIEWER, "*"),
        "reviewer2": (StaffRole.REVIEWER, "01"),
        "reviewer3": (StaffRole.REVIEWER, "01"),
        "reviewer4": (StaffRole.REVIEWER, "*"),
        "reviewer5": (StaffRole.REVIEWER, "01"),
        "reviewer6": (StaffRole.REVIEWER, "*"),
        "reviewer7": (StaffRole.REVIEWER, "*"),
        "auditor1": (StaffRole.AUDITOR, "01"),
    }
    assert "Quản lý xuất nhập cảnh" in (staff["officer2"].agency or "")
    assert "Quản lý xuất nhập cảnh" not in (staff["officer1"].agency or "")


def test_everybody_has_a_phone_of_their_own() -> None:
    phones = [phone_of(each.number) for each in PERSONAS]
    assert len(set(phones)) == len(phones)
    assert all(normalised_phone(phone) == phone for phone in phones)
    assert phone_of(persona("an").number) == phone_of(persona("an").number)


def test_one_name_has_every_letter_and_every_tone() -> None:
    marks = set(unicodedata.normalize("NFD", persona("xa").name.replace("Đ", "đ")))
    assert {"đ", "\u0302", "\u031b", "\u0300", "\u0301", "\u0303", "\u0309", "\u0323", "\u0306"} <= marks


def test_credentials_follow_the_rules() -> None:
    for each in PERSONAS:
        given = credentials(each, SECRET)
        assert 8 <= len(given.password) <= 20
        for kind in (r"[0-9]", r"[A-Z]", r"[a-z]", f"[{re.escape(SPECIAL)}]"):
            assert re.search(kind, given.password)
        assert re.fullmatch(rf"[A-Za-z0-9{re.escape(SPECIAL)}]+", given.password)
        assert re.fullmatch(r"[0-9]{6}", given.passcode)
        assert not is_weak(given.passcode, each.number, each.birth)
        assert re.fullmatch(r"dev_[0-9a-f]{32}", given.device_id)


@pytest.mark.parametrize("kind", ["device", "biometric"])
def test_private_key_is_the_one_in_the_jwk(kind: str) -> None:
    given = credentials(persona("an"), SECRET)
    jwk, key = getattr(given, f"{kind}_jwk"), getattr(given, f"{kind}_private_key")
    numbers = {name: int.from_bytes(urlsafe_b64decode(jwk[name] + "="), "big") for name in ("x", "y", "d")}
    assert jwk["kty"] == "EC"
    assert jwk["crv"] == "P-256"
    private = key.private_numbers()
    assert numbers == {"x": private.public_numbers.x, "y": private.public_numbers.y, "d": private.private_value}
    assert isinstance(key.curve, ec.SECP256R1)


def test_the_biometric_key_is_another_than_the_device_key() -> None:
    for each in PERSONAS:
        given = credentials(each, SECRET)
        assert given.biometric_jwk["d"] != given.device_jwk["d"]
        assert "d" not in public_jwk(given.biometric_jwk)


def test_credentials_repeat_themselves_for_one_secret_only() -> None:
    one, again = credentials(persona("an"), SECRET), credentials(persona("an"), SECRET)
    assert (one.password, one.passcode, one.device_id, one.device_jwk) == (
        again.password,
        again.passcode,
        again.device_id,
        again.device_jwk,
    )
    other = credentials(persona("an"), SECRET[::-1])
    assert one.password != other.password
    assert one.device_id != other.device_id
    assert len({credentials(each, SECRET).device_id for each in PERSONAS}) == len(PERSONAS)
    assert len({credentials(each, SECRET).password for each in PERSONAS}) == len(PERSONAS)


def test_credentials_are_not_printed() -> None:
    given = credentials(persona("an"), SECRET)
    assert given.password not in repr(given)
    assert given.device_jwk["d"] not in repr(given)
    assert given.biometric_jwk["d"] not in repr(given)


def test_short_secret_is_refused() -> None:
    with pytest.raises(ConfigurationError):
        credentials(persona("an"), b"short")


@pytest.mark.parametrize(
    "passcode",
    ["111111", "000123", "123456", "654321", "982345", "121212", "123123", "112211", "150690", "900615", "199006",
     "061990", "090000", "000001", "441990"],
)  # fmt: skip
def test_weak_passcodes_are_known(passcode: str) -> None:
    assert is_weak(passcode, "099090000001", "1990-06-15")


@pytest.mark.parametrize("passcode", ["159006", "061590", "901506", "890123", "112233"])
def test_what_the_wallet_would_refuse_is_never_derived(passcode: str) -> None:
    assert is_weak(passcode, "099090000001", "1990-06-15")


@pytest.mark.parametrize("passcode", ["631083", "947205", "204918"])
def test_ordinary_passcodes_are_not_weak(passcode: str) -> None:
    assert not is_weak(passcode, "099090000001", "1990-06-15")
    assert not is_weak(passcode, "099048000003", "1948")
