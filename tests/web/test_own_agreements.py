"""Whoever a request needs to agree decides nothing about it, asked or not; and readings of it are not told to them."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest

from tests.documents.people import admin_of
from tests.phone import CitizenPhone
from tests.web.refusals import assert_refused, field_errors
from tests.web.test_agreements import ask, asked, family, reply, seen
from tests.web.test_desk_reach import account_of, looks
from tests.web.test_review_desk import NOTE, claim, decide, opened
from wallet.identity.accounts import Grant
from wallet.terms import StaffRole
from wallet.wiring import Wallet

Unchanged = Callable[[], AbstractContextManager[None]]
Family = dict[str, CitizenPhone]

__all__ = ["family"]  # a fixture is found by its name

BIRTH = {"found": {"registration_number": "01/2026", "child_number": "099326000999"}}


def at_the_desk(phone: CitizenPhone, wallet: Wallet) -> None:
    """Let somebody review where births are registered, from now on."""
    with wallet.work() as work:
        work.accounts.grant(account_of(phone), Grant(StaffRole.REVIEWER, "commune_justice", "01"), admin_of(wallet))


@pytest.fixture(params=["asked", "named"])
def birth(request: pytest.FixtureRequest, family: Family) -> dict[str, Any]:
    """A birth on its way, whose father agreed in his account, or agreed on paper and was not asked."""
    if request.param == "named":
        return ask(family, ask_other_parent=None)
    made = ask(family)
    assert reply(family["father"], asked(family["father"])[0]["id"], "agree").status_code == 204
    return made


def test_an_officer_does_nothing_about_the_birth_of_their_own_child(
    family: Family, birth: dict[str, Any], wallet: Wallet, unchanged: Unchanged
) -> None:
    father, justice = family["father"], family["justice"]
    at_the_desk(father, wallet)
    path, etag = f"/v1/desk/requests/{birth['id']}", opened(justice, birth).headers["ETag"]
    with unchanged():
        assert_refused(opened(father, birth), 403, "not_for_oneself")
        assert_refused(claim(father, birth), 403, "not_for_oneself")
        assert_refused(father.call("DELETE", f"{path}/claim"), 403, "not_for_oneself")
        assert_refused(father.post(f"{path}/steps/birth_registration", BIRTH), 403, "not_for_oneself")
        for action in ("extend", "request_supplement", "reject"):
            word = {"reason": "notice_wrong", "note": NOTE}
            assert_refused(decide(father, birth, action, etag, **word), 403, "not_for_oneself")
    assert claim(justice, birth).status_code == 200
    with unchanged():
        given = justice.post(f"{path}/hand-over", {"officer": account_of(father)})
        assert field_errors(assert_refused(given, 422, "invalid_input")) == {"/officer": "not_of_this_desk"}
    assert justice.post(f"{path}/steps/birth_registration", BIRTH).status_code == 200


def test_what_a_colleague_reads_of_it_is_told_to_its_applicant_alone(
    family: Family, birth: dict[str, Any], wallet: Wallet
) -> None:
    mother, father, justice = family["mother"], family["father"], family["justice"]
    at_the_desk(father, wallet)
    assert opened(justice, birth).status_code == 200
    assert ("staff", "commune_justice", "request", "review") in looks(mother)
    assert [look for look in looks(father) if look[2] == "request"] == []


def test_whoever_declined_decides_nothing_either(family: Family, wallet: Wallet, unchanged: Unchanged) -> None:
    request = ask(family)
    father = family["father"]
    assert reply(father, asked(father)[0]["id"], "decline").status_code == 204
    at_the_desk(father, wallet)
    gone_on = family["mother"].post(f"/v1/requests/{request['id']}/moves", {"action": "supplement"})
    assert (gone_on.status_code, seen(family, request)["state"]) == (200, "in_steps"), gone_on.text
    with unchanged():
        assert_refused(opened(father, request), 403, "not_for_oneself")
        assert_refused(claim(father, request), 403, "not_for_oneself")


def test_somebody_else_of_that_desk_does_what_there_is_to_do(
    family: Family, birth: dict[str, Any], wallet: Wallet
) -> None:
    at_the_desk(family["stranger"], wallet)
    assert opened(family["stranger"], birth).status_code == 200
    assert claim(family["stranger"], birth).status_code == 200
