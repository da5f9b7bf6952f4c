"""Birth registration, permanent residence and health-insurance card of a child under six: one request, three agencies.

A parent asks out of their own account. The hospital's signed notice of birth stands in the civil-status register, so
day, place, sex and parents are not asked. Each agency has a step with a clock of its own; the document comes with the
last one and states what each entered.

Source: Decree 63/2024/NĐ-CP, articles 6 and 7 (three working days, five where something must be checked, what comes
after 15:00 counts from the next working day), as in docs/domain.md, sections 4.0 and 4.6. Unconfirmed: how the days are
shared among the three, the day the decree came into force, how many words a name may have (`most_words`), and whether
the other parent must sign. The applicant may have them asked, and then they agree in their own account; or their
written agreement comes with the request, the way of whoever has no account; the justice officer asks for either as a
supplement where it must. Any of the three agencies may say that it has to check something: then the longer term counts.
"""

from datetime import date, time, timedelta
from typing import Any

from wallet.utilities.base import (
    LINKED,
    AccountLevel,
    Agreement,
    AnswersRejected,
    Ask,
    Case,
    Claim,
    Claims,
    ClaimsRejected,
    Deadline,
    DocumentType,
    Field,
    InvalidInput,
    Kind,
    Layout,
    Once,
    Paper,
    Rules,
    Section,
    Source,
    Step,
    Utility,
    age_on,
    clean_name,
)

NOTICE_OF_BIRTH = Field("notice_id", size=(1, 40), one_of=(Source.CIVIL_STATUS, "births", "notice_id"))
NOTIFIED, REGISTERED = "notified", "registered"
"""States of a notice of birth. In the first alone it waits to be registered: of any other nothing is made here."""
PARENTS = {"mother": "mother_number", "father": "father_number"}
DAY = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
NOTICED = {
    "child_born_on": "born_on",
    "child_sex": "sex",
    "born_at_place": "born_at_place",
    "hospital": "hospital",
}
"""Claim to what the notice of birth calls it."""

ENTERED = {
    "birth_registration": ("registration_number", "child_number"),
    "permanent_residence": ("residence_address", "residence_registered_on"),
    "health_insurance": ("card_number",),
}
"""Step to what it finds: claims of the document under the same names."""


def accept(case: Case) -> None:
    """Refuse a birth that was not told, is registered, is not the applicant's child's or lies six years back."""
    notice = case.chosen(NOTICE_OF_BIRTH)
    if notice is None:
        raise AnswersRejected({"notice_id": "no_notice", **look(case)})
    wrong = _wrong_birth(case, notice)
    wrong |= _wrong_name(case, notice) | _wrong_residence(case, notice)
    if case.answers.get("ask_other_parent") and not other_parent(case):
        wrong["ask_other_parent"] = "no_other_parent"
    if wrong:
        raise AnswersRejected(wrong)


def look(case: Case) -> dict[str, str]:
    """Return what is wrong with the child's name as the parent writes it."""
    return _wrong_name(case, {}) if "child_name" in case.answers else {}


def _wrong_birth(case: Case, notice: Claims) -> dict[str, str]:
    if case.numbers.isdisjoint(notice.get(name) for name in PARENTS.values()):
        return {"notice_id": "not_a_parent"}
    if "birth_registration" in case.steps:  # a supplement: this very request had this birth registered, and time passed
        return {}
    if notice["state"] != NOTIFIED:
        return {"notice_id": "registered_already" if notice["state"] == REGISTERED else "state_unknown"}
    if notice["born_on"] > case.today:
        return {"notice_id": "in_future"}
    if age_on(notice["born_on"], case.today) >= case.figures["age_limit"]:
        return {"notice_id": "too_old"}
    return {}


def name_of(case: Case, notice: Claims) -> str:
    """Return what the child is to be called: as the parent writes it, else as the hospital was told; "" for neither."""
    name: str = case.answers.get("child_name") or notice.get("child_name", "")
    return name


def _wrong_name(case: Case, notice: Claims) -> dict[str, str]:
    name = name_of(case, notice)
    if not name:
        return {"child_name": "name_needed"}
    try:
        words = clean_name(name).split()
    except InvalidInput:
        return {"child_name": "no_name"}
    return {"child_name": "too_many_words"} if len(words) > case.figures["most_words"] else {}


def _wrong_residence(case: Case, notice: Claims) -> dict[str, str]:
    """Return what is wrong with whose residence it shares: a parent on the notice, who has a permanent residence."""
    parent = notice.get(PARENTS[case.answers["residence_with"]])
    if parent is None:
        return {"residence_with": "no_such_parent"}
    if parent in case.numbers and "permanent_address" not in case.facts.get(Source.RESIDENCE, {}):
        return {"residence_with": "no_permanent_residence"}
    return {}


def other_parent(case: Case) -> str:
    """Return the number of the other parent on the notice of birth, "" where it names one alone."""
    notice = case.chosen(NOTICE_OF_BIRTH) or {}
    parents = [str(notice.get(name) or "") for name in PARENTS.values()]
    return next((number for number in parents if number not in ("", *case.numbers)), "")


def derive(case: Case) -> Claims:
    """Add the child, as the notice of birth and the parent name it, and what each of the three agencies entered."""
    notice = case.chosen(NOTICE_OF_BIRTH) or {}
    claims: dict[str, Any] = {name: notice[fact] for name, fact in NOTICED.items() if fact in notice}
    if name_of(case, notice):
        claims["child_name"] = clean_name(name_of(case, notice))
    claims["number_last4"] = case.claims["number"][-4:]
    claims["first_care_facility"] = case.answers["first_care_facility"]
    for step, names in ENTERED.items():
        claims |= {name: case.steps[step][name] for name in names if name in case.steps.get(step, {})}
    if isinstance(claims.get("residence_registered_on"), str):
        claims["residence_registered_on"] = _day(claims["residence_registered_on"])
    return claims


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ClaimsRejected(residence_registered_on="no_such_day") from None


def look_at_residence(case: Case) -> Claims:
    """Return what of the commune police's report cannot be, while it is theirs to mend."""
    entered = case.steps["permanent_residence"]["residence_registered_on"]
    born_on = (case.chosen(NOTICE_OF_BIRTH) or {}).get("born_on", date.min)
    try:
        check({"child_born_on": born_on, "residence_registered_on": _day(entered)}, case.today)
    except ClaimsRejected as refused:
        return {pointer.rpartition("/")[2]: code for pointer, code in refused.fields.items()}
    return {}


def check(claims: Claims, today: date) -> None:
    """Refuse what the agencies entered and cannot be: a residence before birth or of the future."""
    since = claims.get("residence_registered_on")
    if since is not None and not claims["child_born_on"] <= since <= today:
        raise ClaimsRejected(residence_registered_on="not_since_then")


RESULT = DocumentType(
    code="birth_linked",
    title={
        "vi": "Kết quả đăng ký khai sinh, đăng ký thường trú, cấp thẻ bảo hiểm y tế cho trẻ em dưới 6 tuổi",
        "en": "Result: birth registration, permanent residence and health insurance of a child under six",
    },
    validity=timedelta(days=365),
    # Not void when the civil-status register changes: that the birth is entered there is what the request is for.
    derive=derive,
    check=check,
    claims=(
        Claim(1, "full_name", source=Source.POPULATION, paper=Paper.REQUIRED),
        Claim(2, "number_last4", paper=Paper.REQUIRED, basis=Source.POPULATION),
        Claim(3, "number", source=Source.POPULATION),
        Claim(4, "child_name", paper=Paper.REQUIRED),
        Claim(5, "child_number"),
        Claim(6, "child_born_on", Kind.DAY, basis=Source.CIVIL_STATUS, paper=Paper.SHOWN),
        Claim(7, "child_sex", basis=Source.CIVIL_STATUS),
        Claim(8, "born_at_place", basis=Source.CIVIL_STATUS),
        Claim(9, "hospital", basis=Source.CIVIL_STATUS),
        Claim(10, "registration_number", paper=Paper.SHOWN),
        Claim(11, "residence_address"),
        Claim(12, "residence_registered_on", Kind.DAY),
        Claim(13, "card_number"),
        Claim(14, "first_care_facility"),
    ),
    views={
        "hospital": ("child_name", "child_born_on", "child_sex", "card_number", "first_care_facility"),
        "school": ("child_name", "child_born_on", "child_sex", "registration_number", "residence_address"),
    },
    layout=Layout(
        sections=(
            Section("applicant", ("full_name", "number")),
            Section("child", ("child_name", "child_number", "child_born_on", "child_sex", "born_at_place", "hospital")),
            Section("birth", ("registration_number",)),
            Section("residence", ("residence_address", "residence_registered_on")),
            Section("insurance", ("card_number", "first_care_facility")),
        ),
        number="{serial}/{year}/KQ-LT",
        signatory="commune_justice",
    ),
)

utility = Utility(
    code="birth_linked",
    version=1,
    title={
        "vi": "Liên thông đăng ký khai sinh, đăng ký thường trú, cấp thẻ bảo hiểm y tế cho trẻ em dưới 6 tuổi",
        "en": "Birth registration, permanent residence and health insurance of a child under six, linked",
    },
    agency="commune_justice",
    minimum_level=AccountLevel.TWO,
    documents=(RESULT,),
    rules=(
        Rules(
            "2024-07",
            date(2024, 7, 1),
            "Nghị định 63/2024/NĐ-CP",
            deadline=Deadline(working_days=3, extended_working_days=5, cutoff=time(15)),
            figures={"age_limit": 6, "most_words": 10},
        ),
    ),
    form=(
        NOTICE_OF_BIRTH,
        Field("child_name", required=False, size=(1, 100)),
        Field("residence_with", Ask.CHOICE, choices=tuple(PARENTS)),
        Field("first_care_facility", size=(2, 200)),
        Field("ask_other_parent", Ask.BOOL, required=False),
        Field("agreement", Ask.FILES, required=False, size=(1, 3)),
    ),
    reads=(Source.RESIDENCE,),
    codes={"state": (NOTIFIED, REGISTERED)},
    shows={Source.CIVIL_STATUS: ("births",)},
    lifecycle=LINKED,
    steps=(
        Step(
            "birth_registration",
            "commune_justice",
            Deadline(working_days=1, extended_working_days=2, cutoff=time(15)),
            finds=ENTERED["birth_registration"],
            patterns={"child_number": "[0-9]{12}"},
            over=("notice_id", "child_name"),
        ),
        Step(
            "permanent_residence",
            "commune_police",
            Deadline(working_days=1, extended_working_days=2),
            after=("birth_registration",),
            finds=ENTERED["permanent_residence"],
            patterns={"residence_registered_on": DAY},
            check=look_at_residence,
            over=("notice_id", "child_name", "residence_with"),
        ),
        Step(
            "health_insurance",
            "social_insurance",
            Deadline(working_days=1),
            after=("permanent_residence",),
            finds=ENTERED["health_insurance"],
            patterns={"card_number": "[A-Z]{2}[1-5][0-9]{12}|[0-9]{10}"},
            over=("notice_id", "child_name", "first_care_facility"),
        ),
    ),
    reasons=("notice_wrong", "name_not_accepted", "parents_disagree", "other_parent_unsigned", "residence_unproven"),
    supplements=("other_parent_unsigned", "residence_unproven"),
    agreement=Agreement("ask_other_parent", other_parent, shows=("child_name", "residence_with")),
    once=Once("notice_id", lambda case: str(case.answers["notice_id"]), kept=True),
    accept=accept,
    look=look,
)
