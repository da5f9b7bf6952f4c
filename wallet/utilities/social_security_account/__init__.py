"""Account for social-security payments (tài khoản an sinh xã hội): where benefits are paid to.

Reviewed, with a step at the bank: that an account exists and is in somebody's own name is known there alone, and money
paid into a wrong one does not come back. What the bank names is compared with the population register once more when
the confirmation is made.

Source: docs/domain.md, sections 1b (payment into the accounts of verified beneficiaries) and 4.6; Decree
69/2024/NĐ-CP for the account at level 2. Unconfirmed: the legal text on these accounts, which banks pay (so a bank is
written, not chosen), how many digits an account has (`account_digits`), and both terms.
"""

import re
from datetime import date, timedelta

from wallet.utilities.base import (
    REVIEWED,
    AccountLevel,
    AnswersRejected,
    Ask,
    Case,
    Claim,
    Claims,
    ClaimsRejected,
    Deadline,
    DocumentType,
    Field,
    Kind,
    Layout,
    Once,
    Paper,
    Rules,
    Section,
    Source,
    Step,
    Utility,
    unmarked,
)

REGISTER = Source.SOCIAL_SECURITY


def digits_of(account: str) -> str:
    """Return an account's number as it was typed, without the spaces, points and dashes between its groups."""
    return re.sub(r"[\s.-]", "", account)


def accept(case: Case) -> None:
    """Refuse an account that is no account, is somebody else's, or already is the one that is paid into."""
    wrong = look(case)
    account = digits_of(case.answers["account_number"])
    if account[-4:] == case.fact(REGISTER, "account_last4") and unmarked(case.answers["bank"]) == unmarked(
        case.fact(REGISTER, "account_bank", "")
    ):
        wrong.setdefault("account_number", "paid_there_already")
    if wrong:
        raise AnswersRejected(wrong)


def look(case: Case) -> dict[str, str]:
    """Return what is wrong with an account whatever registers state, as far as the answers can be read."""
    wrong = {}
    least, most = case.figures["account_digits"]
    account = digits_of(case.answers.get("account_number", "0" * least))
    if not re.fullmatch(rf"[0-9]{{{least},{most}}}", account):
        wrong["account_number"] = "no_account_number"
    if case.answers.get("own_name") is False:
        wrong["own_name"] = "not_own_name"
    return wrong


def derive(case: Case) -> Claims:
    """Add the account, of which only the last four digits are readable, and in whose name the bank keeps it."""
    account = digits_of(case.answers["account_number"])
    named = case.steps.get("bank_check", {}).get("account_name")
    return {
        "number_last4": case.claims["number"][-4:],
        "bank": case.answers["bank"],
        "account": "*" * (len(account) - 4) + account[-4:],
        **({"account_name": named} if named else {}),
    }


def check(claims: Claims, _today: date) -> None:
    """Refuse an account that the bank keeps in another name."""
    if unmarked(claims.get("account_name", "")) != unmarked(claims["full_name"]):
        raise ClaimsRejected(account_name="bank_names_another")


CONFIRMATION = DocumentType(
    code="social_security_account",
    title={
        "vi": "Xác nhận tài khoản nhận chi trả an sinh xã hội",
        "en": "Confirmation of an account for social-security payments",
    },
    validity=timedelta(days=365),
    # Not void when the register changes: that this account is entered there is what the request is for.
    supersedes=True,
    derive=derive,
    check=check,
    claims=(
        Claim(1, "full_name", source=Source.POPULATION, paper=Paper.REQUIRED),
        Claim(2, "number_last4", paper=Paper.REQUIRED, basis=Source.POPULATION),
        Claim(3, "number", source=Source.POPULATION),
        Claim(4, "insurance_number", source=REGISTER, required=False),
        Claim(5, "bank", paper=Paper.SHOWN),
        Claim(6, "account", paper=Paper.SHOWN),
        Claim(7, "account_name"),
        Claim(8, "decided_on", Kind.DAY, Source.REQUEST, required=False),
    ),
    views={"paying_office": ("full_name", "number", "insurance_number", "bank", "account", "decided_on")},
    layout=Layout(
        sections=(
            Section("beneficiary", ("full_name", "number", "insurance_number")),
            Section("account", ("bank", "account", "account_name", "decided_on")),
        ),
        number="{serial}/{year}/XN-ASXH",
        signatory="social_insurance",
    ),
)

utility = Utility(
    code="social_security_account",
    version=1,
    title={"vi": "Tài khoản an sinh xã hội", "en": "Account for social-security payments"},
    agency="social_insurance",
    minimum_level=AccountLevel.TWO,
    documents=(CONFIRMATION,),
    rules=(
        Rules(
            "2024-07",
            date(2024, 7, 1),
            "Nghị định 69/2024/NĐ-CP",
            deadline=Deadline(working_days=3),
            figures={"account_digits": (6, 19)},
        ),
    ),
    form=(
        Field("bank", size=(2, 100), pattern=r"[^\W_][\w .,&()/'-]*"),
        Field("account_number", size=(1, 40)),
        Field("own_name", Ask.BOOL),
    ),
    reads=(Source.RESIDENCE,),  # the residence says whose desk it is
    shows={REGISTER: ("benefits", "account_bank", "account_last4")},
    lifecycle=REVIEWED,
    steps=(Step("bank_check", "paying_bank", Deadline(working_days=1), finds=("account_name",)),),
    reasons=("no_such_account", "account_closed", "another_name", "account_unclear"),
    supplements=("account_unclear",),
    once=Once("account_number", lambda case: case.number),
    accept=accept,
    look=look,
)
