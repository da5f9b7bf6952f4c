"""A request for an organisation names it: its representative sends it, and everybody who reads it learns for whom."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest
from werkzeug.test import TestResponse

from tests.documents.people import actor_of, admin_of, officer_of
from tests.phone import CitizenPhone
from tests.requests.organisations import close, rename, take_over
from tests.web.refusals import assert_refused, field_errors
from tests.web.test_lodging import MOTHER, order, receipt, sent
from tests.web.test_wards import for_ward, register
from wallet.enrolment.organisations import OrganisationState
from wallet.identity.accounts import Grant
from wallet.requests.papers import Why
from wallet.terms import StaffRole
from wallet.wiring import Wallet

Make = Callable[..., CitizenPhone]
Unchanged = Callable[[], AbstractContextManager[None]]
Events = Callable[[str], list[dict[str, Any]]]
Organisation = Callable[..., str]

CODE, NAME = "0099000001", "Công ty trách nhiệm hữu hạn Mẫu An"
GUEST = {name: value for name, value in MOTHER.items() if name != "relation"}
HOTEL = {"declarant": "lodging_business", "place_kind": "tourist_lodging", "place_name": "Khách sạn Hoa Sen"}
UNKNOWN = "org_" + "0" * 32


def notice(organisation: str | None = None, **changes: Any) -> dict[str, Any]:
    """Return a hotel's notice as it is sent."""
    named = {} if organisation is None else {"organisation": organisation}
    return order(GUEST, **HOTEL) | {"capacity": "business"} | named | changes


def drafted(phone: CitizenPhone, organisation: str) -> str:
    made = phone.post("/v1/requests", notice(organisation, draft=True))
    assert made.status_code == 201, made.text
    return str(made.json["id"])


def submitted(phone: CitizenPhone, request_id: str) -> TestResponse:
    return phone.post(f"/v1/requests/{request_id}/moves", {"action": "submit"})


# --- What is refused --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("draft", [False, True])
@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({}, "required"),
        ({"organisation": None}, "required"),
        ({"organisation": UNKNOWN}, "not_represented"),
        ({"organisation": "org_x"}, "invalid_format"),
        ({"organisation": 7}, "invalid_type"),
        ({"organisation": UNKNOWN, "capacity": "self"}, "not_asked"),
    ],
)
def test_which_organisation_is_told_and_only_then(
    phone_of: Make, unchanged: Unchanged, events: Events, changes: dict[str, Any], code: str, draft: bool
) -> None:
    phone = phone_of("an")
    reads = len(events("source.read"))
    for language in ("vi", "en"):
        with unchanged():
            response = phone.post("/v1/requests", notice(**changes, draft=draft), headers={"Accept-Language": language})
            body = assert_refused(response, 422, "invalid_input", language=language)
        assert field_errors(body) == {"/organisation": code}
        assert body["errors"][0]["detail"]
    assert len(events("source.read")) == reads, "for nobody is a register asked"


@pytest.mark.parametrize("stands", [each for each in OrganisationState if each is not OrganisationState.ACTIVE])
def test_of_one_that_is_not_active_no_more_is_told_than_of_one_that_is_not_there(
    wallet: Wallet, phone_of: Make, organisation_of: Organisation, unchanged: Unchanged, stands: OrganisationState
) -> None:
    phone = phone_of("an")
    own = organisation_of(phone)
    close(wallet, own, stands)
    with unchanged():
        mine = assert_refused(phone.post("/v1/requests", notice(own)), 422, "invalid_input")
        nobodys = assert_refused(phone.post("/v1/requests", notice(UNKNOWN)), 422, "invalid_input")
    assert mine["errors"] == nobodys["errors"]


def test_somebody_elses_looks_like_one_that_is_not_there(
    phone_of: Make, organisation_of: Organisation, unchanged: Unchanged
) -> None:
    theirs, other = organisation_of(phone_of("an")), phone_of("sau")
    with unchanged():
        found = assert_refused(other.post("/v1/requests", notice(theirs)), 422, "invalid_input")
        nobodys = assert_refused(other.post("/v1/requests", notice(UNKNOWN)), 422, "invalid_input")
    assert found["errors"] == nobodys["errors"]
    assert {name for name in found if found[name] != nobodys[name]} <= {"request_id", "instance"}


def test_it_is_told_with_whatever_else_is_wrong(phone_of: Make, unchanged: Unchanged) -> None:
    phone = phone_of("an")
    wrong = notice(UNKNOWN) | {"about": {"number": "1"}}
    wrong["answers"] = wrong["answers"] | {"place_commune": "99999"}
    with unchanged():
        body = assert_refused(phone.post("/v1/requests", wrong), 422, "invalid_input")
    assert (
        field_errors(body).items()
        >= {
            "/organisation": "not_represented",
            "/answers/place_commune": "unknown_place",
            "/about/number": "invalid_format",
        }.items()
    )


def test_an_organisation_gives_notice_as_a_lodging_place_alone(
    phone_of: Make, organisation_of: Organisation, unchanged: Unchanged
) -> None:
    phone = phone_of("an")
    asked = notice(organisation_of(phone)) | {"answers": order()["answers"]}
    with unchanged():
        body = assert_refused(phone.post("/v1/requests", asked), 422, "answers_rejected")
    assert field_errors(body) == {"/answers/declarant": "acts_for_business"}


def test_for_a_ward_nobody_names_an_organisation(
    phone_of: Make, organisation_of: Organisation, unchanged: Unchanged
) -> None:
    phone = phone_of("an")
    organisation, ward = organisation_of(phone), register(phone)
    with unchanged():
        response = phone.post("/v1/requests", notice(organisation), **for_ward(ward))
        assert field_errors(assert_refused(response, 422, "invalid_input")) == {"/organisation": "not_asked"}


# --- What is settled by sending ---------------------------------------------------------------------------------------


def test_one_that_is_closed_after_the_draft_sends_nothing(
    wallet: Wallet, phone_of: Make, organisation_of: Organisation, unchanged: Unchanged
) -> None:
    phone = phone_of("an")
    organisation = organisation_of(phone)
    request_id = drafted(phone, organisation)
    close(wallet, organisation)
    with unchanged():
        looked = phone.get(f"/v1/requests/{request_id}/preview").json
        assert (looked["ready"], [each["pointer"] for each in looked["errors"]]) == (False, ["/organisation"])
        body = assert_refused(submitted(phone, request_id), 422, "invalid_input")
    assert field_errors(body) == {"/organisation": "not_represented"}
    close(wallet, organisation, OrganisationState.ACTIVE)
    assert submitted(phone, request_id).status_code == 200


def test_who_represents_it_no_more_sends_nothing_for_it(
    wallet: Wallet, phone_of: Make, organisation_of: Organisation, unchanged: Unchanged
) -> None:
    phone = phone_of("an")
    organisation = organisation_of(phone)
    request_id = drafted(phone, organisation)
    take_over(wallet, "sau")
    successor = phone_of("sau")
    with unchanged():
        body = assert_refused(submitted(phone, request_id), 422, "invalid_input")
        assert_refused(submitted(successor, request_id), 404, "not_found")
    assert field_errors(body) == {"/organisation": "not_represented"}


def test_what_was_sent_stays_what_it_was(wallet: Wallet, phone_of: Make, organisation_of: Organisation) -> None:
    """Whoever represented it then still ends the stay; a new name is the next notice's."""
    phone = phone_of("an")
    organisation = organisation_of(phone)
    first = sent(phone.post("/v1/requests", notice(organisation)))
    request_id = drafted(phone, organisation)
    rename(wallet, organisation, "Công ty Mẫu Mới")
    assert submitted(phone, request_id).json["organisation"]["name"] == "Công ty Mẫu Mới"
    close(wallet, organisation)
    assert phone.get(f"/v1/requests/{first['id']}").json["organisation"]["name"] == NAME
    assert receipt(phone, first)["claims"]["business_name"] == NAME
    ended = phone.post(f"/v1/requests/{first['id']}/moves", {"action": "end"})
    assert (ended.status_code, ended.json["state"]) == (200, "ended")


# --- Who learns for whom ----------------------------------------------------------------------------------------------


def test_the_request_the_receipt_and_the_history_name_it(
    phone_of: Make, organisation_of: Organisation, events: Events
) -> None:
    phone = phone_of("an")
    organisation = organisation_of(phone)
    found = sent(phone.post("/v1/requests", notice(organisation)))
    named = {"id": organisation, "enterprise_code": CODE, "name": NAME}
    assert (found["capacity"], found["organisation"]) == ("business", named)
    assert phone.get(f"/v1/requests/{found['id']}").json["organisation"] == named
    assert phone.get("/v1/requests").json["data"][0]["organisation"] == named
    document = receipt(phone, found)
    assert (document["claims"]["business_name"], document["claims"]["business_code"]) == (NAME, CODE)
    assert document["claims"]["place"].startswith("Khách sạn Hoa Sen"), "what the place is called is another thing"
    assert events("request.submit")[-1]["organisation"] == organisation
    looks = phone.get("/v1/me/access-history").json["data"]
    of_notice = [each for each in looks if each.get("procedure") == "lodging_notice"]
    assert of_notice
    assert all((each["who"], each["acted_for"]) == ("you", {"id": organisation, "name": NAME}) for each in of_notice)
    assert not any("acted_for" in each for each in looks if each not in of_notice)


def test_ones_own_notice_names_none(phone_of: Make, organisation_of: Organisation) -> None:
    phone = phone_of("an")
    organisation_of(phone)
    found = sent(phone.post("/v1/requests", notice(capacity="self")))
    assert "organisation" not in found
    assert "business_name" not in receipt(phone, found)["claims"]
    assert not any("acted_for" in each for each in phone.get("/v1/me/access-history").json["data"])


def test_the_desk_sees_it_in_the_queue_and_in_what_it_opens(
    wallet: Wallet, phone_of: Make, organisation_of: Organisation
) -> None:
    phone = phone_of("an")
    organisation = organisation_of(phone)
    found = sent(phone.post("/v1/requests", notice(organisation)))
    officer = officer_of(wallet, "officer1")
    with wallet.work() as work:
        work.accounts.grant(officer.account_id, Grant(StaffRole.REVIEWER, "commune_police", "01"), admin_of(wallet))
    police, named = phone_of("officer1"), {"id": organisation, "enterprise_code": CODE, "name": NAME}
    (lying,) = police.get("/v1/desk/requests").json["data"]
    assert (lying["id"], lying["organisation"]) == (found["id"], named)
    opened = police.get(f"/v1/desk/requests/{found['id']}?purpose=review")
    assert (opened.status_code, opened.json["organisation"]) == (200, named)


@pytest.mark.parametrize("kind", ["slip", "letter"])
def test_a_slip_and_a_letter_name_it_beside_whoever_applied(
    wallet: Wallet, phone_of: Make, organisation_of: Organisation, kind: str
) -> None:
    phone = phone_of("an")
    found = sent(phone.post("/v1/requests", notice(organisation_of(phone))))
    with wallet.work() as work:
        services, now = work.request_services, wallet.clock.now()
        row = services.rows.get(found["id"], lock=True)
        assert row is not None
        row.due_at = now
        utility = wallet.catalogue.get(row.utility)
        if kind == "slip":
            services.papers.slip(utility, row, now)
        else:
            services.papers.letter(utility, row, now, now, Why.OVERDUE)
    path = f"/v1/requests/{found['id']}/papers/{kind}-1"
    paper = phone.get(path).json
    assert (paper["organisation"], paper["applicant"]) == (NAME, "Nguyễn Mẫu An")
    assert phone.get(f"{path}/paper.pdf").status_code == 200
    with wallet.read() as work:
        stated = work.requests.paper(found["id"], f"{kind}-1", actor_of(wallet, "an")).stated
    assert {
        "label": {"vi": "Thay mặt tổ chức", "en": "For the organisation"},
        "values": [{"vi": NAME, "en": NAME}],
    } in (stated["lines"])


def test_with_the_account_it_is_forgotten_for_whom_somebody_asked(
    wallet: Wallet, phone_of: Make, organisation_of: Organisation
) -> None:
    """The name of a household's business is often a person's."""
    phone = phone_of("an")
    organisation = organisation_of(phone)
    found = sent(phone.post("/v1/requests", notice(organisation)))
    whole = ("organisation_id", "organisation_code", "organisation_name")
    with wallet.read() as work:
        row = work.request_services.rows.get(found["id"])
        assert [getattr(row, name) for name in whole] == [organisation, CODE, NAME]
    take_over(wallet, "sau")  # as long as it depends on somebody, they stay
    phone.step_up(4)
    closed = phone.post("/v1/me/closure", {"confirm": "close"})
    assert closed.status_code == 201, closed.text
    with wallet.read() as work:
        row = work.request_services.rows.get(found["id"])
        assert [getattr(row, name) for name in whole] == [None, None, None]
