"""Residence: the household as its adults see it, form CT07, and an answer to one question about it.

An account holder sees what the register states (`shows`); minors do not see the whole household, their parents and
guardians do. What is wrong there is corrected by its owner: a correction request of the profile goes to it.

Unconfirmed, and therefore figures or rules: what Law 118/2025/QH15 changed on 1 July 2026, that there is no fee.
Source: Residence Law 68/2020/QH14; Circular 55/2021/TT-BCA as amended by Circular 66/2023/TT-BCA: half a working day
where the data is in the database, which here is at once; up to 3 working days where it must be checked.
"""

from datetime import date

from wallet.utilities.base import (
    AccountLevel,
    Ask,
    AuthLevel,
    Capacity,
    Case,
    Deadline,
    Field,
    Rules,
    Utility,
    refuse,
)
from wallet.utilities.residence.confirmation import CT07
from wallet.utilities.residence.fact import FACTS, RESIDENCE_FACT, the_fact
from wallet.utilities.residence.register import beyond_the_law, contradictions, sees_household, wrong_head

WHOLE = "whole"
"""The scope of form CT07; also where no scope is answered."""

DEADLINE = Deadline(working_hours=4, extended_working_days=3)
FIGURES = {"temporary_years": 2}


def accept(case: Case) -> None:
    """Refuse what a register contradicts, and what is not so.

    Somebody whom the residence register does not know is refused when it is read for the document, not here.
    """
    answers = {}
    if case.answers.get("with_members") is True and not sees_household(case):
        answers["with_members"] = "adults_only"
    if "residence" not in case.facts:
        refuse(answers, {})
        return
    stated = {**case.facts.get("population", {}), **case.facts["residence"]}
    rejected = {
        **contradictions(stated, case.today),
        **wrong_head(stated, case.numbers),
    }
    for claim, reason in beyond_the_law(stated, case.figures["temporary_years"]).items():
        rejected.setdefault(claim, reason)
    refuse(answers, rejected)
    if picks_one(case):
        the_fact(case)


def picks_one(case: Case) -> bool:
    """Return whether one fact is asked for, and not the whole form."""
    return case.answers.get("scope", WHOLE) != WHOLE


def withheld(case: Case) -> frozenset[str]:
    """Return what a minor is not shown: who else lives there."""
    return frozenset() if sees_household(case) else frozenset({"household_members"})


def document_for(case: Case) -> str:
    """Return the kind of document: of one fact where one is picked."""
    return RESIDENCE_FACT.code if picks_one(case) else CT07.code


utility = Utility(
    code="residence",
    version=1,
    title={"vi": "Xác nhận thông tin về cư trú", "en": "Confirmation of residence"},
    agency="commune_police",
    minimum_level=AccountLevel.TWO,
    minimum_auth=AuthLevel.TWO,
    who=frozenset({Capacity.SELF, Capacity.GUARDIAN}),
    documents=(CT07, RESIDENCE_FACT),
    rules=(
        Rules(
            "2024-01",
            date(2024, 1, 1),
            "Luật Cư trú 68/2020/QH14; Thông tư 66/2023/TT-BCA (CT07)",
            DEADLINE,
            figures=FIGURES,
        ),
        Rules(
            "2026-07",
            date(2026, 7, 1),
            "Luật Cư trú 68/2020/QH14, sửa đổi theo Luật 118/2025/QH15; Thông tư 66/2023/TT-BCA (CT07)",
            DEADLINE,
            figures=FIGURES,
        ),
    ),
    form=(
        Field("scope", Ask.CHOICE, required=False, choices=(WHOLE, *FACTS)),
        Field("commune", Ask.COMMUNE, required=False, only_if=("scope", ("lives_in_commune", "stays_in_commune"))),
        Field("province", Ask.PROVINCE, required=False, only_if=("scope", ("lives_in_province",))),
        Field(
            "relation", Ask.CHOICE, choices=("spouse", "child", "parent"), only_if=("scope", ("household_relation",))
        ),
        Field("member_last4", size=(4, 4), pattern="[0-9]{4}", only_if=("scope", ("household_relation",))),
        Field("purpose", required=False, size=(1, 120), only_if=("scope", (WHOLE,))),
        Field("recipient", required=False, size=(1, 120), only_if=("scope", (WHOLE,))),
        Field("with_members", Ask.BOOL, required=False, only_if=("scope", (WHOLE,))),
        Field("with_earlier_places", Ask.BOOL, required=False, only_if=("scope", (WHOLE,))),
    ),
    codes={"kind": ("permanent", "temporary")},
    shows={
        "population": (
            "full_name",
            "number",
            "birth_date",
            "sex",
            "ethnicity",
            "religion",
            "nationality",
            "native_place",
        ),
        "residence": (
            "permanent_address",
            "permanent_old_address",
            "permanent_since",
            "temporary_address",
            "temporary_since",
            "temporary_until",
            "current_address",
            "household_head_name",
            "relation_to_head",
            "household_members",
            "residence_history",
        ),
    },
    accept=accept,
    withheld=withheld,
    document_for=document_for,
)
