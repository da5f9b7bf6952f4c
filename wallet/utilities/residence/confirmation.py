"""Form CT07, confirmation of residence: everything the register states, with the parts that were asked for.

Its exact layout is unconfirmed (docs/domain.md, section 4.1). The register's `religion` stays out: it is shown to the
holder, and no reader of this paper needs it (Law 91/2025/QH15: sensitive data).
Source: Circular 55/2021/TT-BCA as amended by 66/2023/TT-BCA: valid one year, void at once when the data changes.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from wallet.utilities.base import (
    Case,
    Claim,
    Claims,
    ClaimsRejected,
    DocumentType,
    Kind,
    Layout,
    Paper,
    Section,
    Source,
    stated_by,
    still_stated,
)
from wallet.utilities.residence.register import contradictions, number_of, temporary_over

MEMBER = ("full_name", "birth_date", "sex", "relation", "number_last4")
KINDS = {"permanent": "Thường trú", "temporary": "Tạm trú"}
"""The register's codes, as the paper has them."""
PLACE = ("from_day", "to_day", "kind", "address")


def derive(case: Case) -> Claims:
    """Add what follows from the registers, and the tables that were asked for."""
    stays = "temporary_address" in case.claims and not temporary_over(case.claims, case.today)
    kind = "Thường trú và tạm trú" if stays else "Thường trú"
    derived = {"number_last4": case.claims["number"][-4:], "registration_kind": kind}
    head = case.fact("residence", "household_head_number")
    if head:
        derived["household_head_last4"] = head[-4:]
    members, places = case.fact("residence", "household_members"), case.fact("residence", "residence_history")
    if case.answers.get("with_members") is True and members is not None:
        derived["household_members"] = members
    if case.answers.get("with_earlier_places") is True and places is not None:
        derived["earlier_places"] = tuple(_in_words(place) for place in places)
    return derived


def _in_words(place: Mapping[str, Any]) -> dict[str, Any]:
    """Return a place with the word for its kind of registration."""
    kind = place.get("kind")
    return {**place, "kind": KINDS.get(str(kind), kind)} if kind else dict(place)


def check(claims: Claims, today: date) -> None:
    """Refuse what contradicts itself; the register's owner must correct it first."""
    rejected = contradictions(claims, today)
    if rejected:
        raise ClaimsRejected(**rejected)


def void_if(stated: Claims, case: Case) -> bool:
    """Return whether the register states anything else now than the paper does, of the household too where it does.

    The kind is that of the day of issue, for a paper may outlive a stay whose last day it states; where what it follows
    from is stated otherwise, that is seen by itself.
    """
    if Source.RESIDENCE not in case.facts:
        return True
    known = stated_by(_STATED, case.facts)
    now = {**known, **derive(replace(case, claims={**known, "number": number_of(case)}))}
    return not still_stated(stated, [claim.name for claim in _STATED], now)


CT07 = DocumentType(
    code="residence",
    title={"vi": "Xác nhận thông tin về cư trú", "en": "Confirmation of residence"},
    validity=timedelta(days=365),
    void_when=frozenset({Source.RESIDENCE}),
    void_if=void_if,
    derive=derive,
    check=check,
    claims=(
        Claim(1, "full_name", source=Source.POPULATION, paper=Paper.REQUIRED),
        Claim(2, "number_last4", basis=Source.POPULATION, paper=Paper.REQUIRED),
        Claim(3, "number", source=Source.POPULATION),
        Claim(4, "birth_date", Kind.DAY, Source.POPULATION),
        Claim(5, "sex", source=Source.POPULATION),
        Claim(6, "registration_kind", basis=Source.RESIDENCE, paper=Paper.SHOWN),
        Claim(7, "permanent_commune", source=Source.RESIDENCE, paper=Paper.SHOWN),
        Claim(8, "permanent_province", source=Source.RESIDENCE, paper=Paper.SHOWN),
        Claim(9, "permanent_since", Kind.DAY, Source.RESIDENCE, Paper.SHOWN),
        Claim(10, "permanent_address", source=Source.RESIDENCE),
        Claim(11, "temporary_address", source=Source.RESIDENCE, required=False),
        Claim(12, "temporary_since", Kind.DAY, Source.RESIDENCE, required=False),
        Claim(13, "temporary_until", Kind.DAY, Source.RESIDENCE, required=False),
        Claim(14, "current_address", source=Source.RESIDENCE, required=False),
        Claim(15, "household_head_name", source=Source.RESIDENCE),
        Claim(16, "relation_to_head", source=Source.RESIDENCE),
        Claim(17, "household_members", Kind.RECORDS, basis=Source.RESIDENCE, required=False, parts=MEMBER),
        Claim(18, "nationality", source=Source.POPULATION, required=False),
        Claim(19, "permanent_old_address", source=Source.RESIDENCE, required=False),
        Claim(20, "permanent_commune_code", source=Source.RESIDENCE, required=False),
        Claim(21, "permanent_province_code", source=Source.RESIDENCE, required=False),
        Claim(22, "household_head_last4", basis=Source.RESIDENCE, required=False),
        Claim(23, "earlier_places", Kind.RECORDS, basis=Source.RESIDENCE, required=False, parts=PLACE),
        Claim(24, "ethnicity", source=Source.POPULATION, required=False),
        Claim(25, "native_place", source=Source.POPULATION, required=False),
        Claim(26, "purpose", source=Source.DECLARED, required=False),
        Claim(27, "recipient", source=Source.DECLARED, required=False),
    ),
    views={
        "bank": ("full_name", "number_last4", "birth_date", "permanent_address", "current_address"),
        "school": (
            "full_name",
            "birth_date",
            "permanent_commune",
            "permanent_province",
            "permanent_since",
            "household_head_name",
            "relation_to_head",
        ),
        "notary": (
            "full_name",
            "number",
            "birth_date",
            "permanent_address",
            "permanent_old_address",
            "household_head_name",
            "relation_to_head",
            "household_members",
        ),
        "land_office": ("full_name", "number", "birth_date", "permanent_address", "permanent_old_address"),
        "hospital": ("full_name", "number_last4", "birth_date", "permanent_commune", "permanent_province"),
    },
    layout=Layout(
        sections=(
            Section("person", ("full_name", "number", "birth_date", "sex", "ethnicity", "nationality", "native_place")),
            Section(
                "permanent",
                ("registration_kind", "permanent_address", "permanent_since", "permanent_old_address"),
            ),
            Section("elsewhere", ("temporary_address", "temporary_since", "temporary_until", "current_address")),
            Section("household", ("household_head_name", "relation_to_head", "household_members")),
            Section("earlier", ("earlier_places",)),
            Section("use", ("purpose", "recipient")),
        ),
        number="{serial}/{year}/XN-CT07",
        signatory="commune_police_head",
    ),
)
_STATED = tuple(
    claim for claim in CT07.claims if claim.register == Source.RESIDENCE and claim.name != "registration_kind"
)
