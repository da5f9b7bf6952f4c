"""Account for social-security payments: which account, what the bank says of it, what is readable afterwards."""

from datetime import date
from typing import Any

import pytest

from tests.utilities.asking import MAI, case_of, claims_of, faults_of, view
from wallet.errors import InvalidInput
from wallet.utilities.answering import parse
from wallet.utilities.base import REVIEWED, Case, Source
from wallet.utilities.paper import full_claims
from wallet.utilities.social_security_account import CONFIRMATION, utility

RECORD = {
    "full_name": "TRAN THI MAI",
    "birth_date": MAI["birth_date"],
    "insurance_number": "0111222333",
    "benefits": ({"kind": "Trợ cấp thất nghiệp", "amount": 3_500_000, "since": date(2026, 9, 1)},),
    "account_bank": "Ngân hàng Mẫu Hà Nội",
    "account_last4": "6789",
}
NAMED = {"bank_check": {"account_name": "TRAN THI MAI"}}
TYPED = {"bank": "Ngân hàng Mẫu Sài Gòn", "account_number": "1903 4567 8901 23", "own_name": True}


def case(*, steps: Any = NAMED, record: Any = RECORD, **changes: Any) -> Case:
    facts = {Source.SOCIAL_SECURITY: record} if record else {}
    return case_of(utility, {**TYPED, **changes}, facts, person=MAI, steps=steps)


def test_only_the_last_four_digits_are_readable() -> None:
    claims = claims_of(utility, case())
    assert claims["account"] == "**********0123"
    assert "19034567" not in str(full_claims(CONFIRMATION, claims))


@pytest.mark.parametrize(
    "account", ["12345", "1" * 20, "19034567890A", "VN19034567", "1903_4567_8901", "19034567 (VND)", "１２３４５６７８"]
)
def test_what_is_no_account_number_is_refused(account: str) -> None:
    assert faults_of(utility, case(account_number=account)) == {"/answers/account_number": "no_account_number"}


@pytest.mark.parametrize("account", ["123456", "1" * 19, "1903.4567-8901 23"])
def test_groups_may_be_parted(account: str) -> None:
    assert faults_of(utility, case(account_number=account)) == {}


@pytest.mark.parametrize("bank", ["Ngân hàng Mẫu Hà Nội", "NGAN HANG MAU  HA NOI"])
def test_the_account_that_is_paid_into_already_is_refused(bank: str) -> None:
    why = {"/answers/account_number": "paid_there_already"}
    assert faults_of(utility, case(bank=bank, account_number="19034567896789")) == why


def test_the_same_digits_at_another_bank_or_others_at_the_same_are_another_account() -> None:
    assert faults_of(utility, case(account_number="19034567896789")) == {}
    assert faults_of(utility, case(bank="Ngân hàng Mẫu Hà Nội")) == {}


def test_an_account_in_another_name_is_refused_with_every_fault() -> None:
    assert faults_of(utility, case(own_name=False, account_number="x")) == {
        "/answers/own_name": "not_own_name",
        "/answers/account_number": "no_account_number",
    }


@pytest.mark.parametrize("name", ["TRAN THI MAY", "TRAN MAI", "MAI TRAN THI"])
def test_nothing_is_confirmed_when_the_bank_names_another(name: str) -> None:
    why = {"/claims/account_name": "bank_names_another"}
    assert faults_of(utility, case(steps={"bank_check": {"account_name": name}})) == why


def test_nothing_is_derived_that_no_bank_said() -> None:
    claims = {"number": MAI["number"], "full_name": MAI["full_name"]}
    derived = CONFIRMATION.derive(case_of(utility, TYPED, {}, person=MAI, claims=claims))
    assert "account_name" not in derived


def test_the_bank_has_to_name_the_holder() -> None:
    (step,) = utility.steps
    assert step.faults({}) == {"account_name": "required"}
    assert step.faults({"account_name": "TRAN THI MAI", "balance": "1"}) == {"balance": "unknown_field"}
    assert utility.lifecycle is REVIEWED
    assert step.deadline.working_days == 1


def test_whoever_is_not_known_to_social_security_may_name_an_account_too() -> None:
    claims = claims_of(utility, case(record=None))
    assert "insurance_number" not in claims


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"bank": "A"}, "bank"),
        ({"bank": "<script>"}, "bank"),
        ({"bank": "=HYPERLINK(1)"}, "bank"),
        ({"account_number": "1" * 41}, "account_number"),
        ({"account_number": 190345678}, "account_number"),
        ({"own_name": None}, "own_name"),
    ],
)
def test_a_form_with_a_fault_is_refused_there(changes: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse(utility.form, {**TYPED, **changes})
    assert list(caught.value.fields) == [f"/answers/{field}"]


def test_a_paying_office_sees_the_number_and_a_masked_account() -> None:
    seen = view(utility, claims_of(utility, case()), "paying_office")
    assert seen["number"] == MAI["number"]
    assert seen["account"].startswith("*")


def test_a_change_of_the_register_ends_no_confirmation_and_a_newer_one_does() -> None:
    """That the account is entered there is what was asked for."""
    assert not CONFIRMATION.void_when
    assert CONFIRMATION.supersedes


def test_a_reason_asks_for_more_or_refuses_and_never_both() -> None:
    asking, refusing = utility.reasons_for("request_supplement"), utility.reasons_for("reject")
    assert set(asking) == {"account_unclear"}
    assert not set(asking) & set(refusing)
