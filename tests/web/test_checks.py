"""The online check: no credential, a verdict for every text, and only what the code itself says."""

import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.phone import CitizenPhone
from tests.support import FixedClock
from tests.web.refusals import assert_refused, field_errors
from wallet.verifier import REASONS
from wallet.wiring import Wallet

Make = Callable[..., CitizenPhone]
Unchanged = Callable[[], AbstractContextManager[None]]

BASE45 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"


def verdict(client: FlaskClient, code: str) -> dict[str, Any]:
    response = client.post("/v1/checks", json={"code": code})
    assert response.status_code == 200, response.text
    assert response.headers["Cache-Control"] == "no-store"
    return dict(response.json or {})


@pytest.fixture
def code(phone_of: Make) -> str:
    citizen = phone_of("an")
    return citizen.code_of(citizen.issue_residence())


def test_valid_code_tells_what_stands_on_it_and_no_more(
    client: FlaskClient, code: str, phone_of: Make, unchanged: Unchanged
) -> None:
    with unchanged():
        found = verdict(client, code)
    assert (found["verdict"], found["reasons"], found["accepted"]) == ("valid", ["ok"], True)
    assert found["holder_binding"] == "none"
    assert found["sample_mark"] == "MẪU - KHÔNG CÓ GIÁ TRỊ PHÁP LÝ"
    names = {claim["name"] for claim in found["document"]["claims"]}
    assert {"full_name", "number_last4"} <= names
    assert not names & {"number", "birth_date", "sex", "permanent_address", "household_members"}
    assert phone_of("an").persona.number not in str(found)


def test_claim_is_named_in_both_languages(client: FlaskClient, code: str) -> None:
    for claim in verdict(client, code)["document"]["claims"]:
        assert claim["label"]["vi"] != claim["label"]["en"]


def test_revoked_document_is_seen_within_two_seconds(client: FlaskClient, phone_of: Make, clock: FixedClock) -> None:
    citizen, admin = phone_of("an"), phone_of("admin1")
    document = citizen.issue_residence()
    code = citizen.code_of(document)
    assert verdict(client, code)["verdict"] == "valid"
    admin.post(f"/v1/admin/documents/{document}/revocation", {"reason": "fraud"})
    clock.advance(seconds=2)
    found = verdict(client, code)
    assert (found["verdict"], found["reasons"], found["accepted"]) == ("invalid", ["revoked"], False)
    assert "fraud" not in str(found), "why it was revoked is nobody's business at a gate"


def test_expired_document_is_refused(client: FlaskClient, code: str, clock: FixedClock) -> None:
    clock.advance(days=366)
    found = verdict(client, code)
    assert (found["verdict"], found["reasons"]) == ("invalid", ["expired"])


HOSTILE: dict[str, str] = {
    "empty": "",
    "blank": "   ",
    "prefix alone": "VD1:",
    "another prefix": "HC1:6BF+70790T9WJWG",
    "lower case": "vd1:6bf+70790t9wjwg",
    "a web address": "https://vi.example.vn/v1/documents/doc_1",
    "one letter": "V",
    "a citizen's number": "099090000001",
    "outside the alphabet": "VD1:ñ",
    "odd tail": "VD1:A",
    "too large a triple": "VD1::::",
    "long": "VD1:" + "A" * 60_000,
    "long without prefix": "A" * 60_000,
    "all letters": "VD1:" + BASE45 * 20,
    "emoji": "😀" * 100,
    "right to left": "\u202eVD1:6BF",
    "zero width": "VD1:\u200b6BF",
    "full width": "ＶＤ１：６ＢＦ",
    "newline": "VD1:6BF\n",
    "leading blank": " VD1:6BF",
    "markup": "<script>alert(1)</script>",
    "sql": "' OR 1=1 --",
    "format": "{0.__class__} %s %n",
}


def test_hostile_text_gets_a_verdict(client: FlaskClient, unchanged: Unchanged, subtests: pytest.Subtests) -> None:
    with unchanged():
        for name, text in HOSTILE.items():
            with subtests.test(name):
                found = verdict(client, text)
                assert (found["verdict"], found["accepted"]) == ("invalid", False)
                assert set(found["reasons"]) <= {"not_a_code", "malformed"}
                assert "document" not in found
                assert len(text) < 8 or text not in str(found), "a verdict does not repeat what it was given"


WITHOUT_PREFIX = (
    "empty",
    "a web address",
    "a citizen's number",
    "lower case",
    "emoji",
    "markup",
)


def test_text_without_the_prefix_is_not_a_code(client: FlaskClient, subtests: pytest.Subtests) -> None:
    for name in WITHOUT_PREFIX:
        with subtests.test(name=name):
            assert verdict(client, HOSTILE[name])["reasons"] == ["not_a_code"]


def test_one_changed_letter_is_never_valid(client: FlaskClient, code: str, subtests: pytest.Subtests) -> None:
    for place in range(0, len(code), 7):
        other = "B" if code[place] == "A" else "A"
        with subtests.test(place=place):
            found = verdict(client, code[:place] + other + code[place + 1 :])
            assert found["accepted"] is False
            assert set(found["reasons"]) <= set(REASONS)
            assert found["verdict"] in ("invalid", "cannot_tell")


def test_cut_and_lengthened_codes_are_never_valid(client: FlaskClient, code: str) -> None:
    for text in (code[:-1], code[:-3], code[: len(code) // 2], code + "0", code + code, "VD1:" + code, code[0] + code):
        assert verdict(client, text)["accepted"] is False
    # White space around a code is what a clipboard adds; a code never starts or ends with it (docs/wire.md, section 1).
    assert verdict(client, f" {code}\r\n")["accepted"] is True


OTHER_SHAPES = (
    ({}, {"/code": "required"}),
    ({"code": 7}, {"/code": "invalid_type"}),
    ({"code": None}, {"/code": "invalid_type"}),
    ({"code": ["VD1:"]}, {"/code": "invalid_type"}),
    ({"code": {"a": 1}}, {"/code": "invalid_type"}),
    ({"code": "x", "gate": "A1"}, {"/gate": "unknown_field"}),
    ({"Code": "x"}, {"/Code": "unknown_field", "/code": "required"}),
    ({"a/b~c": 1}, {"/a~1b~0c": "unknown_field", "/code": "required"}),
    ([], {"": "invalid_type"}),
    ("VD1:", {"": "invalid_type"}),
    (None, {"": "invalid_type"}),
)


def test_body_of_another_shape_is_refused(client: FlaskClient, subtests: pytest.Subtests) -> None:
    for body, pointers in OTHER_SHAPES:
        with subtests.test(body=body):
            response = client.post("/v1/checks", data=json.dumps(body), content_type="application/json")
            assert field_errors(assert_refused(response, 422, "invalid_input")) == pointers


def test_check_takes_no_credential_and_minds_none(client: FlaskClient, code: str, phone_of: Make) -> None:
    plain = verdict(client, code)
    for headers in ({"Authorization": "Bearer nonsense"}, phone_of("sau").headers, {"Cookie": "a=b"}):
        response = client.post("/v1/checks", json={"code": code}, headers=headers)
        assert response.json == plain


def test_both_lanes_answer_alike(client: FlaskClient, code: str, subtests: pytest.Subtests) -> None:
    """A plain request takes the lean lane; one that names its charset goes through Flask. Nobody can tell."""
    for name, text in {"valid": code, "cut": code[:-1], **HOSTILE}.items():
        with subtests.test(name):
            answers = []
            for content_type in ("application/json", "application/json; charset=utf-8"):
                body = json.dumps({"code": text}).encode()
                response = client.post(
                    "/v1/checks", data=body, content_type=content_type, headers={"X-Request-ID": "same-for-both"}
                )
                answers.append((response.status_code, response.data, sorted(response.headers)))
            assert answers[0] == answers[1]
            assert answers[0][0] == 200


def test_lean_lane_leaves_every_refusal_to_flask(client: FlaskClient, subtests: pytest.Subtests) -> None:
    for body in (b"", b"{", b"[]", b"{}", b'{"code":1}', b'{"code":"x","gate":"y"}', b'{"code":"x","code":"x"}'):
        with subtests.test(body=body):
            refusals = []
            for content_type in ("application/json", "application/json; charset=utf-8"):
                response = client.post(
                    "/v1/checks", data=body, content_type=content_type, headers={"X-Request-ID": "same-for-both"}
                )
                refusals.append((response.status_code, response.data, sorted(response.headers)))
            assert refusals[0] == refusals[1]
            assert refusals[0][0] in (400, 422)


def test_length_that_is_none_is_no_failure(client: FlaskClient, subtests: pytest.Subtests) -> None:
    for length in ("-1", "1.5", "x", "٢", "9" * 5000, " 11", "+11"):
        with subtests.test(length=length):
            response = client.post(
                "/v1/checks",
                data=b'{"code":"x"}',
                content_type="application/json",
                environ_overrides={"CONTENT_LENGTH": length},
            )
            assert response.status_code in (200, 400, 413)
            assert response.mimetype in ("application/json", "application/problem+json")


def test_failure_of_a_check_says_nothing_in_either_lane(client: FlaskClient, wallet: Wallet) -> None:
    class Broken:
        def check(self, code: str) -> None:
            raise ValueError(f"not for your eyes: {code}")

    vars(wallet)["checking"] = Broken()
    for content_type in ("application/json", "application/json; charset=utf-8"):
        response = client.post("/v1/checks", data=b'{"code":"secret"}', content_type=content_type)
        assert_refused(response, 500, "internal_error")
        assert "secret" not in response.text


def test_check_goes_on_while_the_database_is_gone(
    client: FlaskClient, code: str, clock: FixedClock, gone: Callable[[], AbstractContextManager[None]]
) -> None:
    assert verdict(client, code)["verdict"] == "valid"
    with gone():
        clock.advance(seconds=30)
        found = verdict(client, code)
        assert found["verdict"] == "valid"
        assert found["status_age_seconds"] == 30, "it says how old its knowledge is"
        clock.advance(hours=72)
        found = verdict(client, code)
        assert (found["verdict"], found["accepted"]) == ("cannot_tell", False)
