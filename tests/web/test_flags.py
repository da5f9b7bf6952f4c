"""OFREP: flags for whoever is signed in and for nobody else, in the protocol's own shapes.

Source: OpenFeature Remote Evaluation Protocol, service/openapi.yaml.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest
from werkzeug.test import TestResponse

from tests.launching.people import OFF, PAUSED, PILOT, agreed, changed, pilot
from tests.phone import CitizenPhone
from tests.web.refusals import assert_refused
from wallet.errors import Unavailable
from wallet.launching.audience import Audience, place_of
from wallet.sources.base import Ground
from wallet.wiring import Wallet

Make = Callable[..., CitizenPhone]
Unchanged = Callable[[], AbstractContextManager[None]]
ALL = "/ofrep/v1/evaluate/flags"
ONE = f"{ALL}/residence"


def evaluate(phone: CitizenPhone, path: str = ONE, body: Any = None, **options: Any) -> TestResponse:
    return phone.call("POST", path, json={"context": {}} if body is None else body, **options)


def flag(phone: CitizenPhone, **context: Any) -> dict[str, Any]:
    """Return the flag of residence, held to be the same alone and among all."""
    body = {"context": context}
    alone, whole = evaluate(phone, body=body), evaluate(phone, ALL, body)
    assert (alone.status_code, whole.status_code) == (200, 200), alone.text
    flags = {each["key"]: each for each in whole.json["flags"]}
    assert flags.keys() == {plugin.utility.code for plugin in phone.wallet.catalogue}
    assert flags["residence"] == alone.json
    return dict(alone.json)


def test_open_is_static_and_what_takes_nothing_is_disabled(wallet: Wallet, phone_of: Make) -> None:
    phone = phone_of("an")
    assert flag(phone) == {
        "key": "residence",
        "value": True,
        "reason": "STATIC",
        "variant": "on",
        "metadata": {"state": "open"},
    }
    for state in (PAUSED, OFF):
        changed(wallet, state)
        found = flag(phone)
        assert (found["value"], found["reason"], found["variant"]) == (False, "DISABLED", "off")
        assert found["metadata"] == {"state": str(state), "missing": str(state)}


def test_rules_are_targeting_and_the_share_is_a_split(wallet: Wallet, phone_of: Make) -> None:
    an = phone_of("an")
    pilot(wallet, provinces=frozenset({"01"}))
    assert (flag(an)["value"], flag(an)["reason"]) == (True, "TARGETING_MATCH")
    pilot(wallet, provinces=frozenset({"46"}))
    assert flag(an)["metadata"]["missing"] == "other_province"
    assert (flag(an)["value"], flag(an)["reason"]) == (False, "TARGETING_MATCH")
    with wallet.read() as work:
        holder_id = str(work.holders.find(an.persona.number))
    place = place_of("residence", holder_id)
    for permille, inside in ((place, False), (place + 1, True)):
        agreed(wallet, PILOT, audience=Audience(permille=permille))
        assert (flag(an)["value"], flag(an)["reason"]) == (inside, "SPLIT")
    pilot(wallet, permille=0, testers=frozenset({an.get("/v1/me").json["account_id"]}))
    assert (flag(an)["value"], flag(an)["reason"]) == (True, "TARGETING_MATCH")


def test_app_version_of_the_context_counts_where_no_header_says_it(wallet: Wallet, phone_of: Make) -> None:
    pilot(wallet, app_version="2.10")
    phone = phone_of("an")
    assert [flag(phone, appVersion=version)["value"] for version in ("2.9", "2.10", "nonsense")] == [False, True, False]
    answer = evaluate(phone, body={"context": {"appVersion": "9"}}, headers={"App-Version": "1"})
    assert answer.json["value"] is False, "the header is what a pilot decides on when a request is sent"


# --- for the caller alone ---------------------------------------------------------------------------------------


def test_id_of_somebody_else_is_refused_and_never_evaluated(
    wallet: Wallet, phone_of: Make, unchanged: Unchanged
) -> None:
    an, sau = phone_of("an"), phone_of("sau")
    own = an.get("/v1/me").json["account_id"]
    pilot(wallet, permille=0, testers=frozenset({own}))
    assert flag(an, targetingKey=own)["value"] is True
    with wallet.read() as work:
        holder_id = str(work.holders.find(an.persona.number))
    with unchanged():
        for key in (own, holder_id, an.persona.number, "", 5, None, ["x"]):
            for path in (ONE, ALL):
                refused = evaluate(sau, path, {"context": {"targetingKey": key}})
                assert refused.status_code == 400
                assert refused.json["errorCode"] == "INVALID_CONTEXT"
                assert "value" not in refused.text
    for told in ({"holder_id": holder_id}, {"account_id": own}, {"province": "01", "testers": [own]}):
        assert flag(sau, **told)["value"] is False, "what else the context says of somebody is nothing to us"


def test_nobody_is_evaluated_without_a_token(phone_of: Make, unchanged: Unchanged) -> None:
    client = phone_of("an").client
    with unchanged():
        for path in (ONE, ALL, f"{ALL}/no_such"):
            assert_refused(client.post(path, json={"context": {}}), 401, "missing_token")


# --- errors -----------------------------------------------------------------------------------------------------


def test_unknown_flag_is_not_found_in_the_shape_of_the_protocol(phone_of: Make) -> None:
    answer = evaluate(phone_of("an"), f"{ALL}/no_such")
    assert (answer.status_code, answer.mimetype) == (404, "application/json")
    assert answer.json == {"key": "no_such", "errorCode": "FLAG_NOT_FOUND", "errorDetails": answer.json["errorDetails"]}


NO_JSON = (b"", b"{", b"[]x", b'{"context": 1, "context": 2}', b'{"a": NaN}', b"\xff")
NO_CONTEXT = ([], 5, "text", {"context": 5}, {"context": []}, {"context": None})


def test_what_is_not_understood_is_a_parse_error(phone_of: Make, subtests: pytest.Subtests) -> None:
    phone = phone_of("an")
    for path in (ONE, ALL):
        answers = [
            phone.call("POST", path, data=data, headers={"Content-Type": "application/json"}) for data in NO_JSON
        ]
        answers += [evaluate(phone, path, body) for body in NO_CONTEXT]
        answers += [phone.call("POST", path, data=b"{}", headers={"Content-Type": "text/plain"})]
        for number, answer in enumerate(answers):
            with subtests.test(path=path, number=number):
                assert (answer.status_code, answer.json["errorCode"]) == (400, "PARSE_ERROR")
                assert answer.json.get("key", "residence") == "residence"
                assert ("key" in answer.json) is (path == ONE)


def test_version_that_is_no_short_text_is_an_invalid_context(phone_of: Make) -> None:
    for version in (5, ["1"], "9" * 33):
        answer = evaluate(phone_of("an"), body={"context": {"appVersion": version}})
        assert (answer.status_code, answer.json["errorCode"]) == (400, "INVALID_CONTEXT")


def test_register_that_is_down_is_a_failure_alone_and_one_flag_that_failed_among_all(
    wallet: Wallet, phone_of: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    pilot(wallet, provinces=frozenset({"01"}))
    phone = phone_of("an")

    class Down:
        code = "residence"

        def read(self, number: str, ground: Ground) -> Any:
            raise Unavailable("source_unavailable")

    monkeypatch.setitem(wallet.registers, "residence", Down())
    failed = {"key": "residence", "errorCode": "GENERAL", "errorDetails": "the residence register does not answer"}
    alone, whole = evaluate(phone), evaluate(phone, ALL)
    assert (alone.status_code, alone.mimetype, alone.json) == (400, "application/json", failed)
    assert whole.status_code == 200
    flags = {each["key"]: each for each in whole.json["flags"]}
    assert flags["residence"] == failed
    assert all("value" in each for key, each in flags.items() if key != "residence")
    own = next(row for row in phone.get("/v1/me/utilities").json["data"] if row["code"] == "residence")
    assert (own["available"], own["missing"]) == (False, "source_unavailable")


# --- not modified -----------------------------------------------------------------------------------------------


def test_what_the_client_has_is_not_sent_again(wallet: Wallet, phone_of: Make) -> None:
    phone = phone_of("an")
    first = evaluate(phone, ALL)
    tag = first.headers["ETag"]
    again = evaluate(phone, ALL, headers={"If-None-Match": tag})
    assert (again.status_code, again.data, again.headers["ETag"]) == (304, b"", tag)
    assert evaluate(phone, ALL, headers={"If-None-Match": '"other"'}).status_code == 200
    changed(wallet, PAUSED)
    stopped = evaluate(phone, ALL, headers={"If-None-Match": tag})
    assert stopped.status_code == 200
    assert stopped.headers["ETag"] != tag
    assert first.headers["Cache-Control"] == "private, no-cache"


def test_two_people_have_two_tags_where_they_have_two_answers(wallet: Wallet, phone_of: Make) -> None:
    an, sau = phone_of("an"), phone_of("sau")
    pilot(wallet, permille=0, testers=frozenset({an.get("/v1/me").json["account_id"]}))
    tag = evaluate(an, ALL).headers["ETag"]
    assert evaluate(sau, ALL, headers={"If-None-Match": tag}).status_code == 200
