"""A partner's register that is down, seen from outside: who needs it is told which; everybody else is served."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import stamina

from tests.phone import CitizenPhone
from tests.sources.partner import Partner, hangs_up, raw, says, serving, write_file
from wallet.sources.base import RegisterCode
from wallet.sources.http import PartnerRegister, partner_registers
from wallet.sources.partners import read_partners
from wallet.web.app import create_app
from wallet.wiring import Wallet

Make = Callable[..., CitizenPhone]
STATUS = "/v1/admin/sources"


@pytest.fixture
def partner() -> Iterator[Partner]:
    with serving() as partner, stamina.set_testing(True, attempts=2, cap=True):
        yield partner


@pytest.fixture
def connected(wallet: Wallet, partner: Partner, tmp_path: Path) -> Iterator[Wallet]:
    """A wallet whose residence register is a partner's, in front of the people of the embedded ones."""
    path = write_file(tmp_path, residence={"url": partner.url, "open_after": 2})
    partners = partner_registers(read_partners(path), wallet.clock, wallet.entropy)
    yield replace(wallet, registers={**wallet.registers, **partners})
    for register in partners.values():
        register.close()


@pytest.fixture
def citizen(connected: Wallet, phone_of: Make) -> CitizenPhone:
    phone = phone_of("an")
    phone.client = create_app(connected).test_client()
    return phone


@pytest.fixture
def admin(connected: Wallet, phone_of: Make) -> CitizenPhone:
    phone = phone_of("admin1")
    phone.client = create_app(connected).test_client()
    return phone


def test_who_needs_the_register_is_told_which_one_is_down(citizen: CitizenPhone, partner: Partner) -> None:
    partner.always = hangs_up
    for language, words in (("vi", "Cơ sở dữ liệu cư trú đang gián đoạn"), ("en", "The residence register is down")):
        response = citizen.post(
            "/v1/requests", {"utility": "residence", "answers": {}}, headers={"Accept-Language": language}
        )
        assert response.status_code == 503, response.text
        assert response.json["code"] == "source_unavailable"
        assert response.json["retryable"] is True
        assert words in response.json["detail"]
        assert int(response.headers["Retry-After"]) >= 1
    assert citizen.get("/v1/documents").json["data"] == []


def test_rest_of_the_wallet_works_meanwhile(citizen: CitizenPhone, partner: Partner) -> None:
    partner.always = raw(b"<html>", kind="text/html")
    assert citizen.post("/v1/requests", {"utility": "residence", "answers": {}}).status_code == 503
    for path in ("/health/ready", "/v1/documents", "/v1/notices"):
        assert citizen.get(path).status_code == 200, path


def test_answer_of_the_partner_is_what_is_issued_with_its_own_freshness(
    citizen: CitizenPhone, connected: Wallet, partner: Partner
) -> None:
    register = connected.registers[RegisterCode.RESIDENCE]
    assert isinstance(register, PartnerRegister)
    partner.always = says(
        {
            "permanent_address": "Số 1, Phường Ba Đình, Thành phố Hà Nội",
            "permanent_commune": "Phường Ba Đình",
            "permanent_commune_code": "00004",
            "permanent_province": "Thành phố Hà Nội",
            "permanent_province_code": "01",
            "permanent_since": "2015-06-10",
            "current_address": "Số 1, Phường Ba Đình, Thành phố Hà Nội",
            "current_commune": "Phường Ba Đình",
            "current_province": "Thành phố Hà Nội",
            "household_head_name": "Nguyễn Mẫu An",
            "household_head_number": citizen.persona.number,
            "relation_to_head": "Chủ hộ",
            "household_members": [],
        }
    )
    response = citizen.post("/v1/requests", {"utility": "residence", "answers": {}})
    assert response.status_code == 201, response.text
    question = partner.asked[0]
    assert question["SoDinhDanh"] == citizen.persona.number
    # The population register was read before: the partner can tell a mistyped number.
    assert (question["HoVaTen"], question["NgayThangNamSinh"]) == ("Nguyễn Mẫu An", "1990-06-15")
    assert register.status().outcomes["answered"] >= 1


def test_admin_sees_how_each_register_stands(admin: CitizenPhone, citizen: CitizenPhone, partner: Partner) -> None:
    before = {each["code"]: each for each in admin.get(STATUS).json["data"]}
    assert before["population"] == {"code": "population", "name": "dân cư", "kind": "embedded"}
    assert before["residence"] == {
        "code": "residence", "name": "cư trú", "kind": "partner", "place": partner.url.removesuffix("/v1/persons"),
        "state": "closed", "failures_in_a_row": 0, "outcomes": {},
    }  # fmt: skip
    assert set(before) == set(RegisterCode)
    partner.always = raw(b"", status=400)
    for _ in range(3):
        assert citizen.post("/v1/requests", {"utility": "residence", "answers": {}}).status_code == 503
    after = {each["code"]: each for each in admin.get(STATUS).json["data"]}["residence"]
    assert (after["state"], after["last_reason"]) == ("open", "http_400")
    assert after["outcomes"]["http_400"] == 2
    assert after["outcomes"]["left_alone"] >= 1
    assert "last_answer_at" not in after
    assert citizen.persona.number not in json.dumps(after)


def test_name_of_a_register_is_in_the_language_of_the_caller(admin: CitizenPhone) -> None:
    data = admin.get(STATUS, headers={"Accept-Language": "en"}).json["data"]
    assert {each["code"]: each["name"] for each in data}["residence"] == "residence"


def test_citizen_sees_no_register(citizen: CitizenPhone) -> None:
    response = citizen.get(STATUS)
    assert (response.status_code, response.json["code"]) == (403, "not_allowed")
