"""A partner's register over HTTP, against a small real server: what is asked, what is believed, what is asked again."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from structlog.testing import capture_logs

from tests.sources.partner import KEY, Partner, drips, hangs_up, raw, says, silent
from tests.support import NOON, FixedClock
from wallet.errors import NotFound, Unavailable
from wallet.sources.base import Ground, RegisterCode
from wallet.sources.breaker import BreakerState
from wallet.sources.http import PartnerRegister
from wallet.terms import Actor

NUMBER = "099090000001"
ACTOR = Actor("acc_00112233445566778899aabbccddeeff", request_id="req_of_the_caller")
GROUND = Ground("issue_document", "residence", ACTOR)
PERSON = {
    "SoCMND": "990000001",
    "Ho": "Nguyễn",
    "ChuDem": "Mẫu",
    "Ten": "An",
    "NgayThangNamSinh": "1990-06-15",
    "sex": "Nam",
    "nationality": "Việt Nam",
    "alive": True,
}
CRIMINAL: dict[str, Any] = {"convictions": [], "bans": []}

Ask = Callable[..., PartnerRegister]


def refused(register: PartnerRegister, number: str = NUMBER) -> str:
    """Ask, be refused as for a register that is down, and return the reason that was noted."""
    with pytest.raises(Unavailable) as refusal:
        register.read(number, GROUND)
    assert refusal.value.code == "source_unavailable"
    assert refusal.value.values["register"] == register.code
    assert refusal.value.retry_after >= 1
    return register.status().last_reason


def test_question_says_who_asks_for_which_procedure_about_whom(partner: Partner, register: Ask) -> None:
    partner.always = says(PERSON)
    register(procedures={"residence": "1.004222"}).read(NUMBER, replace(GROUND, full_name="An", birth_date="1990"))
    (question,) = partner.asked
    assert question == {
        "MaYeuCau": question["MaYeuCau"],
        "MaDVC": "1.004222",
        "MaTichHop": "VISO-01",
        "MaDonVi": "G01.899.108",
        "MaCanBo": "66778899aabbccddeeff",
        "SoDinhDanh": NUMBER,
        "HoVaTen": "An",
        "NgayThangNamSinh": "1990",
    }
    assert len(question["MaYeuCau"]) <= 40
    assert partner.headers[0]["Authorization"] == f"Bearer {KEY}"
    assert partner.headers[0]["X-Request-Id"] == "req_of_the_caller"
    assert partner.headers[0]["X-Purpose"] == "issue_document"


def test_no_field_is_longer_than_the_partner_takes(partner: Partner, register: Ask) -> None:
    partner.always = says(PERSON)
    long = Ground("p" * 200, "a_procedure_with_a_long_code", ACTOR, full_name="Ấ" * 300)
    register().read(NUMBER, long)
    (question,) = partner.asked
    limits = {"MaYeuCau": 40, "MaDVC": 20, "MaTichHop": 20, "MaDonVi": 35, "MaCanBo": 20, "HoVaTen": 100}
    assert all(len(question[name]) <= most for name, most in limits.items())
    assert "NgayThangNamSinh" not in question
    assert len(partner.headers[0]["X-Purpose"]) == 64


def test_header_cannot_be_broken_by_what_a_caller_named(partner: Partner, register: Ask) -> None:
    partner.always = says(PERSON)
    actor = replace(ACTOR, request_id="req\r\nX-Admin: yes Đ")
    register().read(NUMBER, replace(GROUND, actor=actor))
    assert partner.headers[0]["X-Request-Id"] == "reqX-Admin:yes"
    assert "X-Admin" not in partner.headers[0]


def test_answer_becomes_facts_with_the_name_in_its_parts(partner: Partner, register: Ask) -> None:
    partner.always = says(
        {**PERSON, "SoDinhDanhCu": ["099190000009"], "secret_of_another_agency": "x", "religion": None}
    )
    facts = register().read(NUMBER, GROUND)
    assert facts.register == RegisterCode.POPULATION
    assert facts.as_of == datetime(2026, 2, 27, 2, 30, tzinfo=UTC)
    assert facts.values == {
        "number": NUMBER,
        "former_numbers": ("099190000009",),
        "cmnd": "990000001",
        "full_name": "Nguyễn Mẫu An",
        "family_name": "Nguyễn",
        "middle_name": "Mẫu",
        "given_name": "An",
        "birth_date": date(1990, 6, 15),
        "sex": "Nam",
        "nationality": "Việt Nam",
        "alive": True,
    }


def test_birth_year_alone_is_legal_and_stays_a_year(partner: Partner, register: Ask) -> None:
    partner.always = says({**PERSON, "NgayThangNamSinh": "1948"})
    assert register().read(NUMBER, GROUND).values["birth_date"] == "1948"


def test_letters_that_come_apart_are_put_together(partner: Partner, register: Ask) -> None:
    partner.always = says({**PERSON, "Ho": "Nguye\u0302\u0303n"})
    assert register().read(NUMBER, GROUND).values["family_name"] == "Nguyễn"


def test_partner_may_call_facts_otherwise(partner: Partner, register: Ask) -> None:
    conviction = {"SoBanAn": "99/2009/HS-ST", "judged_on": "2009-03-02"}
    partner.always = says({"AnTich": [conviction], "bans": [], "SoCuaNguoi": NUMBER})
    names = {"convictions": "AnTich", "convictions.judgment_number": "SoBanAn", "number": "SoCuaNguoi"}
    values = register("criminal_records", facts=names).read(NUMBER, GROUND).values
    stated = {"judgment_number": "99/2009/HS-ST", "judged_on": date(2009, 3, 2)}
    assert values == {"convictions": (stated,), "bans": ()}


def test_register_of_a_third_party_states_what_its_file_declares(partner: Partner, register: Ask) -> None:
    partner.always = says({"rank": "A", "since": "2024-02-29", "stays": [{"ward": 3}], "more": "not declared"})
    stated = {
        "name": {"vi": "hội viên", "en": "member"},
        "shape": {"rank": "text", "since": "day", "stays": {"ward": "int"}},
    }
    values = register("club_members", **stated).read(NUMBER, GROUND).values
    assert values == {"rank": "A", "since": date(2024, 2, 29), "stays": ({"ward": 3},)}
    partner.always = says({"rank": 7})
    with pytest.raises(Unavailable) as refusal:
        register("club_members", **stated).read(NUMBER, GROUND)
    assert refusal.value.values["register_names"] == {"vi": "hội viên", "en": "member"}


def test_former_number_is_answered_with_the_current_one(partner: Partner, register: Ask) -> None:
    partner.always = says({**PERSON, "SoDinhDanh": "099190000009", "SoDinhDanhCu": [NUMBER]})
    assert register().read(NUMBER, GROUND).values["number"] == "099190000009"


def test_old_card_number_is_a_field_of_its_own_and_only_the_populations(partner: Partner, register: Ask) -> None:
    partner.always = says({**PERSON, "SoDinhDanh": NUMBER})
    assert register().read("990000001", GROUND).values["number"] == NUMBER
    assert partner.asked[0]["SoCMND"] == "990000001"
    assert "SoDinhDanh" not in partner.asked[0]
    assert refused(register(), "990000002") == "lying_another_person"
    with pytest.raises(NotFound):
        register("residence").read("990000001", GROUND)
    assert partner.calls == 2


def test_enterprise_is_asked_by_its_code(partner: Partner, register: Ask) -> None:
    firm = {"enterprise_code": "0099000001", "name": "Mẫu", "representative_number": NUMBER, "state": "active"}
    partner.always = says(firm)
    assert register("businesses").read("0099000001", GROUND).values["name"] == "Mẫu"
    assert partner.asked[0]["MaSoDoanhNghiep"] == "0099000001"
    assert refused(register("businesses"), "0099000002") == "lying_another_person"


@pytest.mark.parametrize("number", ["", "099", "0990900000011", "٠٩٩٠٩٠٠٠٠٠٠١", "099090000001\n", "'--", "9" * 9999])
def test_what_is_nobodys_number_is_not_asked(partner: Partner, register: Ask, number: str) -> None:
    for code in ("population", "residence", "businesses"):
        with pytest.raises(NotFound) as refusal:
            register(code).read(number, GROUND)
        assert refusal.value.code == "person_unknown"
    assert partner.calls == 0


@pytest.mark.parametrize("status", [200, 404])
def test_unknown_person_is_not_found_and_no_failure(partner: Partner, register: Ask, status: int) -> None:
    partner.always = says(None, status=status)
    asked = register(open_after=1)
    for _ in range(3):
        with pytest.raises(NotFound) as refusal:
            asked.read(NUMBER, GROUND)
        assert refusal.value.code == "person_unknown"
    assert asked.status().state is BreakerState.CLOSED
    assert asked.status().outcomes == {"unknown": 3}


LIES: dict[str, tuple[Any, str]] = {
    "redirect": (raw(b"", status=302, headers={"Location": "http://127.0.0.1:1/"}), "lying_redirect"),
    "permanent redirect": (raw(b"", status=308, headers={"Location": "/v1/persons"}), "lying_redirect"),
    "page of a proxy": (raw(b"<html>", kind="text/html"), "lying_content_type"),
    "no type": (raw(b"{}", kind=""), "lying_content_type"),
    "compressed": (raw(b"{}", headers={"Content-Encoding": "gzip"}), "lying_content_type"),
    "wrong address": (raw(b'{"error": "no such route"}', status=404), "lying_another_answer"),
    "404 with a person": (says(PERSON, status=404), "lying_not_found"),
    "nothing": (raw(b""), "lying_not_json"),
    "half": (raw(b'{"MaYeuCau": "'), "lying_not_json"),
    "no UTF-8": (raw(b'{"a": "\xff"}'), "lying_not_json"),
    "NaN": (raw(b'{"a": NaN}'), "lying_not_json"),
    "twice": (raw(b'{"a": 1, "a": 2}'), "lying_not_json"),
    "list": (raw(b"[]"), "lying_not_json"),
    "deep": (raw(b"[" * 100_000), "lying_not_json"),
    "too large": (says({**PERSON, "padding": "x" * (1 << 20)}), "lying_too_large"),
    "another answer": (says(PERSON, MaYeuCau="src_of_somebody_else"), "lying_another_answer"),
    "no id": (says(PERSON, MaYeuCau="left out"), "lying_another_answer"),
    "no data": (says(PERSON, DuLieu="left out"), "lying_no_data"),
    "data of another kind": (says([PERSON]), "lying_no_data"),
    "another person": (says({**PERSON, "SoDinhDanh": "099090000002"}), "lying_another_person"),
    "nobody": (says({**PERSON, "SoDinhDanh": None}), "lying_another_person"),
    "number as a number": (says({**PERSON, "SoDinhDanh": int(NUMBER)}), "lying_another_person"),
    "former numbers of no list": (says({**PERSON, "SoDinhDanh": "1", "SoDinhDanhCu": NUMBER}), "lying_another_person"),
    "text for a truth": (says({**PERSON, "alive": "true"}), "lying_fact_type"),
    "number for a truth": (says({**PERSON, "alive": 1}), "lying_fact_type"),
    "number for a text": (says({**PERSON, "Ten": 7}), "lying_fact_type"),
    "list for a text": (says({**PERSON, "Ten": ["An"]}), "lying_fact_type"),
    "control characters": (says({**PERSON, "Ten": "An\x00"}), "lying_fact_type"),
    "half a letter": (says({**PERSON, "Ten": "\ud800"}), "lying_fact_type"),
    "long text": (says({**PERSON, "Ten": "x" * 4001}), "lying_fact_type"),
    "day that is none": (says({**PERSON, "NgayThangNamSinh": "1990-02-30"}), "lying_fact_type"),
    "day the other way round": (says({**PERSON, "NgayThangNamSinh": "15/06/1990"}), "lying_fact_type"),
    "year of no century": (says({**PERSON, "NgayThangNamSinh": "0090"}), "lying_fact_type"),
    "no name": (says({**PERSON, "Ho": None, "ChuDem": None, "Ten": None}), "lying_fact_missing"),
    "no word of life": (says({**PERSON, "alive": None}), "lying_fact_missing"),
    "no freshness": (says(PERSON, ThoiDiemCapNhat="left out"), "lying_freshness"),
    "freshness of no zone": (says(PERSON, ThoiDiemCapNhat="2026-02-27T09:30:00"), "lying_freshness"),
    "freshness of another kind": (says(PERSON, ThoiDiemCapNhat=1772159400), "lying_freshness"),
    "freshness of no time": (says(PERSON, ThoiDiemCapNhat="0001-01-01T00:00:00+14:00"), "lying_freshness"),
    "freshness to come": (says(PERSON, ThoiDiemCapNhat="2026-03-02T05:05:01Z"), "lying_freshness"),
}  # fmt: skip


@pytest.mark.parametrize("lie", LIES)
def test_answer_that_is_not_to_be_believed_is_refused_and_asked_once(partner: Partner, register: Ask, lie: str) -> None:
    partner.always, reason = LIES[lie]
    asked = register()
    assert refused(asked) == reason
    assert partner.calls == 1
    assert asked.status().outcomes == {reason: 1}
    assert asked.status().last_answer_at is None


@pytest.mark.parametrize(
    "data",
    [
        {"convictions": None, "bans": []},
        {"bans": []},
        {"convictions": {}, "bans": []},
        {"convictions": ["none"], "bans": []},
        {"convictions": "Không có án tích", "bans": []},
        {"convictions": [{"judged_on": "2009"}], "bans": []},
        {"convictions": [{}] * 2001, "bans": []},
    ],
)
def test_record_without_its_list_is_never_read_as_a_clean_one(partner: Partner, register: Ask, data: Any) -> None:
    partner.always = says(data)
    assert refused(register("criminal_records")) in ("lying_fact_missing", "lying_fact_type")
    partner.always = says(CRIMINAL)
    assert register("criminal_records").read(NUMBER, GROUND).values == {"convictions": (), "bans": ()}


def test_template_that_is_no_base64_is_refused(partner: Partner, register: Ask) -> None:
    partner.always = says({"face": "AAEC", "finger": "/w=="})
    assert register("biometrics").read(NUMBER, GROUND).values == {"face": b"\x00\x01\x02", "finger": b"\xff"}
    for wrong in ("AAE", "!!!!", "Ấ", 7):
        partner.always = says({"face": wrong, "finger": "/w=="})
        assert refused(register("biometrics")) == "lying_fact_type"


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_partner_that_is_busy_is_asked_again_with_the_same_id(partner: Partner, register: Ask, status: int) -> None:
    partner.next = [raw(b"{}", status=status), raw(b"{}", status=status)]
    partner.always = says(PERSON)
    assert register().read(NUMBER, GROUND).values["given_name"] == "An"
    assert partner.calls == 3
    assert len({question["MaYeuCau"] for question in partner.asked}) == 1


def test_partner_that_stays_busy_is_asked_as_often_as_its_file_says(partner: Partner, register: Ask) -> None:
    partner.always = raw(b"{}", status=503)
    assert refused(register(attempts=2)) == "http_503"
    assert partner.calls == 2


@pytest.mark.parametrize(
    ("status", "reason"),
    [(401, "key_refused"), (403, "key_refused"), (400, "http_400"), (501, "http_501"), (204, "http_204")],
)
def test_refusal_is_not_asked_again(partner: Partner, register: Ask, status: int, reason: str) -> None:
    partner.always = raw(b"", status=status)
    assert refused(register()) == reason
    assert partner.calls == 1


def test_connection_that_ends_without_a_word_is_tried_again(partner: Partner, register: Ask) -> None:
    partner.next = [hangs_up]
    partner.always = says(PERSON)
    register().read(NUMBER, GROUND)
    assert partner.calls == 2


def test_partner_that_keeps_silent_is_given_up(partner: Partner, register: Ask) -> None:
    partner.always = silent
    assert refused(register(read_seconds=0.1, budget_seconds=20, attempts=2)) == "timeout"
    assert partner.calls == 2


@pytest.mark.parametrize(
    "start",
    [
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 5000\r\n\r\n{",
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nX-Endless:",
        b"HTTP",
    ],
)
def test_partner_that_drips_cannot_keep_a_question_beyond_its_budget(
    partner: Partner, register: Ask, start: bytes
) -> None:
    # Every byte comes long before the limit of a read: only the budget ends it, and leaves no time for another try.
    partner.always = drips(start)
    assert refused(register(read_seconds=5, connect_seconds=0.2, budget_seconds=0.4)) == "timeout"
    assert partner.calls == 1


def test_partner_that_is_not_there(register: Ask, partner: Partner) -> None:
    assert refused(register(url="http://127.0.0.1:1/v1", attempts=1)) == "no_connection"
    assert partner.calls == 0


def test_who_fails_again_and_again_is_left_alone_then_asked_once(
    partner: Partner, register: Ask, clock: FixedClock
) -> None:
    partner.always = raw(b"", status=400)
    asked = register(open_after=3, rest_seconds=30)
    for _ in range(3):
        assert asked.status().state is BreakerState.CLOSED
        refused(asked)
    assert asked.status().state is BreakerState.OPEN
    clock.advance(seconds=12)
    with pytest.raises(Unavailable) as refusal:
        asked.read(NUMBER, GROUND)
    assert refusal.value.retry_after == 18
    assert partner.calls == 3
    clock.advance(seconds=18)
    assert asked.status().state is BreakerState.HALF_OPEN
    refused(asked)
    assert partner.calls == 4
    assert asked.status().state is BreakerState.OPEN
    clock.advance(seconds=30)
    partner.always = says(PERSON)
    asked.read(NUMBER, GROUND)
    assert asked.status().state is BreakerState.CLOSED
    assert asked.status().failures_in_a_row == 0
    assert asked.status().outcomes == {"http_400": 4, "left_alone": 1, "answered": 1}


def test_status_tells_when_it_answered_and_when_it_failed(partner: Partner, register: Ask, clock: FixedClock) -> None:
    partner.next = [says(PERSON), raw(b"", status=400)]
    asked = register()
    asked.read(NUMBER, GROUND)
    clock.advance(seconds=60)
    refused(asked)
    status = asked.status()
    assert (status.last_answer_at, status.last_failure_at) == (NOON, NOON + timedelta(seconds=60))
    assert status.place == partner.url.removesuffix("/v1/persons")


def test_neither_log_nor_refusal_says_anything_about_the_person(partner: Partner, register: Ask) -> None:
    partner.always = says({**PERSON, "Ten": "An\x00", "alive": "Nguyễn Mẫu An"})
    asked = register()
    with capture_logs() as logs, pytest.raises(Unavailable) as refusal:
        asked.read(NUMBER, replace(GROUND, full_name="Nguyễn Mẫu An", birth_date="1990-06-15"))
    told = json.dumps([logs, refusal.value.values, str(refusal.value), repr(asked)], ensure_ascii=False, default=str)
    assert [(entry["event"], entry["source"], entry["reason"]) for entry in logs] == [
        ("source_failed", "population", "lying_fact_type")
    ]
    assert logs[0]["request_id"] == "req_of_the_caller"
    assert logs[0]["call_id"] == partner.asked[0]["MaYeuCau"]
    for secret in (NUMBER, "Nguyễn", "1990", KEY):
        assert secret not in told
