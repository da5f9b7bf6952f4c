"""One fact about somebody's residence, for a reader who needs no more than that: "lives in commune X".

The holder picks the fact; where they name a place or a relation that the register does not have, nothing is issued.
Places are compared by code, never by name: the card prints the old one (docs/domain.md, section 4.1).
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import date, timedelta
from types import MappingProxyType
from typing import Any

from wallet.utilities.base import (
    AnswersRejected,
    Case,
    Claim,
    Claims,
    DocumentType,
    Kind,
    Layout,
    Paper,
    Section,
    Source,
    same_name,
    still_stated,
)
from wallet.utilities.residence.register import (
    CHILD,
    HEAD,
    PARENTS,
    SPOUSES,
    number_of,
    old_commune,
    old_province,
    temporary_over,
    temporary_place,
)

VALID = timedelta(days=365)


def the_fact(case: Case) -> dict[str, Any]:
    """Return the claims that state the fact that was picked, and no other. Raises AnswersRejected when it is not so."""
    return FACTS[case.answers["scope"]](case)


def derive(case: Case) -> Claims:
    """Return the fact and the last four digits."""
    return {"number_last4": number_of(case)[-4:], **the_fact(case)}


def until(case: Case) -> date | None:
    """Return the day a temporary residence ends, for an answer about it that would outlive it."""
    ends = case.fact("residence", "temporary_until")
    if case.answers["scope"] == "stays_in_commune" and ends is not None and ends < case.today + VALID:
        return date(ends.year, ends.month, ends.day)
    return None


def _lives_in_commune(case: Case) -> dict[str, Any]:
    code = case.fact("residence", "permanent_commune_code")
    commune, province = case.fact("residence", "permanent_commune"), case.fact("residence", "permanent_province")
    if not commune or not province or case.answers.get("commune", code) != code:
        raise _not_so("commune" if "commune" in case.answers else "scope")
    where = f"{commune}, {province}"
    return _known(
        statement=f"Thường trú tại {where}", commune=where, commune_code=code, commune_before=old_commune(case)
    )


def _lives_in_province(case: Case) -> dict[str, Any]:
    code, province = case.fact("residence", "permanent_province_code"), case.fact("residence", "permanent_province")
    if not province or case.answers.get("province", code) != code:
        raise _not_so("province" if "province" in case.answers else "scope")
    return _known(
        statement=f"Thường trú tại {province}",
        province=province,
        province_code=code,
        province_before=old_province(case),
    )


def _stays_in_commune(case: Case) -> dict[str, Any]:
    where, code = temporary_place(case), case.fact("residence", "temporary_commune_code")
    if not where or case.answers.get("commune", code) != code:
        raise _not_so("commune" if "commune" in case.answers else "scope")
    if temporary_over(case.facts["residence"], case.today):
        raise AnswersRejected({"scope": "temporary_over"})
    return _known(statement=f"Tạm trú tại {where}", temporary_commune=where, commune_code=code)


def _registered_since(case: Case) -> dict[str, Any]:
    since = case.fact("residence", "permanent_since")
    if not since:
        raise _not_so("scope")
    day = f"ngày {since:%d/%m/%Y}" if isinstance(since, date) else f"năm {since}"
    return {"statement": f"Đăng ký thường trú từ {day}", "registered_since": since}


def _head_of_household(case: Case) -> dict[str, Any]:
    if case.fact("residence", "relation_to_head") != HEAD:
        raise _not_so("scope")
    return {"statement": "Là chủ hộ", "head_of_household": True}


def _household_relation(case: Case) -> dict[str, Any]:
    relation, last4 = case.answers["relation"], case.answers["member_last4"]
    members = [member for member in _others(case) if member.get("number_last4") == last4]
    if not members:
        raise AnswersRejected({"member_last4": "no_such_member"})
    so = [member for member in members if _is(relation, case, member)]
    if len(so) != 1:
        raise _not_so("relation")
    name = so[0]["full_name"]
    return {
        "statement": f"Là {_RELATIONS[relation]} của {name}, thành viên cùng hộ",
        "relation": _RELATIONS[relation],
        "member_name": name,
        "member_last4": last4,
    }


_RELATIONS = {"spouse": "vợ hoặc chồng", "child": "con", "parent": "cha hoặc mẹ"}

FACTS: Mapping[str, Callable[[Case], dict[str, Any]]] = MappingProxyType(
    {
        "lives_in_commune": _lives_in_commune,
        "lives_in_province": _lives_in_province,
        "stays_in_commune": _stays_in_commune,
        "registered_since": _registered_since,
        "head_of_household": _head_of_household,
        "household_relation": _household_relation,
    }
)
"""What may be picked, and how each is stated."""


def _others(case: Case) -> Iterator[Mapping[str, Any]]:
    """Yield the members of the household beside the person."""
    own = (number_of(case)[-4:], case.fact("population", "full_name"))
    for member in case.fact("residence", "household_members", ()):
        if (member.get("number_last4"), member.get("full_name")) != own:
            yield member


def _is(relation: str, case: Case, member: Mapping[str, Any]) -> bool:
    """Return whether the person is the spouse, child or parent of a member, as either register has it.

    The residence register knows relations to the head alone; of two who are not the head it says nothing, and the
    population register names parents and spouse.
    """
    own, theirs = case.fact("residence", "relation_to_head"), member.get("relation")
    if relation == "spouse":
        by_head = (own == HEAD and theirs in SPOUSES) or (own in SPOUSES and theirs == HEAD)
        return by_head or _names(case, member, "spouse")
    if relation == "child":
        by_head = (own == CHILD and theirs == HEAD) or (own == HEAD and theirs in PARENTS)
        return by_head or _names(case, member, "father") or _names(case, member, "mother")
    return (own == HEAD and theirs == CHILD) or (own in PARENTS and theirs == HEAD)


def _names(case: Case, member: Mapping[str, Any], as_what: str) -> bool:
    """Return whether the population register names this member as father, mother or spouse, by number and name."""
    number = case.fact("population", f"{as_what}_number", "")
    theirs = str(member.get("full_name", ""))
    name = case.fact("population", f"{as_what}_name", theirs)
    return bool(number) and number[-4:] == member.get("number_last4") and same_name(name, theirs)


def _known(**claims: Any) -> dict[str, Any]:
    return {name: value for name, value in claims.items() if value}


def _not_so(field: str) -> AnswersRejected:
    return AnswersRejected({field: "not_so"})


def void_if(stated: Claims, case: Case) -> bool:
    """Return whether the fact is not so any more, or not as it is stated; whatever else changed does not matter."""
    try:
        now = the_fact(case)
    except AnswersRejected:
        return True
    return not still_stated(stated, _STATED, now)


RESIDENCE_FACT = DocumentType(
    code="residence_fact",
    title={"vi": "Xác nhận một thông tin về cư trú", "en": "Confirmation of one fact of residence"},
    validity=VALID,
    until=until,
    void_when=frozenset({Source.RESIDENCE}),
    void_if=void_if,
    derive=derive,
    claims=(
        Claim(1, "full_name", source=Source.POPULATION, paper=Paper.REQUIRED),
        Claim(2, "number_last4", basis=Source.POPULATION, paper=Paper.REQUIRED),
        Claim(3, "statement", basis=Source.RESIDENCE, paper=Paper.REQUIRED),
        Claim(4, "commune", basis=Source.RESIDENCE, required=False),
        Claim(5, "commune_code", basis=Source.RESIDENCE, required=False),
        Claim(6, "commune_before", basis=Source.RESIDENCE, required=False),
        Claim(7, "province", basis=Source.RESIDENCE, required=False),
        Claim(8, "province_code", basis=Source.RESIDENCE, required=False),
        Claim(9, "province_before", basis=Source.RESIDENCE, required=False),
        Claim(10, "temporary_commune", basis=Source.RESIDENCE, required=False),
        Claim(11, "registered_since", Kind.DAY, basis=Source.RESIDENCE, required=False),
        Claim(12, "head_of_household", Kind.BOOL, basis=Source.RESIDENCE, required=False),
        Claim(13, "relation", basis=Source.RESIDENCE, required=False),
        Claim(14, "member_name", basis=Source.RESIDENCE, required=False),
        Claim(15, "member_last4", basis=Source.RESIDENCE, required=False),
    ),
    layout=Layout(
        sections=(Section("person", ("full_name", "number_last4")), Section("fact", ("statement", "commune_before"))),
        number="{serial}/{year}/XN-CT",
        signatory="commune_police_head",
    ),
)
_STATED = tuple(claim.name for claim in RESIDENCE_FACT.claims if claim.register == Source.RESIDENCE)
