"""A guest: as typed, or, where the declarant stays, as the registers state them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from wallet.utilities.base import Case, same_name, unmarked
from wallet.utilities.lodging_notice.deadlines import in_vietnam

VIETNAMESE = frozenset({"viet nam", "vietnam", "vn", "vnm", "nuoc viet nam", "viet nam (vnm)", "vietnamese"})
SEX_WORDS = {"male": "Nam", "female": "Nữ"}
DOCUMENT_WORDS = {"number": "Số định danh cá nhân", "cmnd": "Chứng minh nhân dân", "passport": "Hộ chiếu"}
RELATION_WORDS = {
    "grandparent": "Ông, bà",
    "parent": "Cha, mẹ",
    "spouse": "Vợ, chồng",
    "child": "Con",
    "grandchild": "Cháu",
    "sibling": "Anh, chị, em ruột",
    "other_relative": "Người thân khác",
    "none": "Không có quan hệ",
}


STATED = (
    "full_name",
    "document_kind",
    "document_number",
    "birth_date",
    "sex",
    "nationality",
    "address",
    "reason",
    "arrived_at",
    "leaves_on",
    "room",
    "relation",
)
"""What the receipt states of a guest, in this order."""


@dataclass(frozen=True, slots=True)
class Guest:
    """One guest. documents: kind and number, without the spaces and in capitals. A name of "" is not known."""

    is_declarant: bool
    full_name: str
    documents: tuple[str, str]
    birth_date: date | str
    sex: str
    nationality: str
    address: str
    reason: str
    arrived_at: datetime
    leaves_on: date
    room: str
    relation: str

    def stated(self) -> dict[str, Any]:
        """Return the guest as a record of the receipt, in the words of the paper; what is not known is left out."""
        record: dict[str, Any] = {
            "full_name": self.full_name,
            "document_kind": DOCUMENT_WORDS[self.documents[0]],
            "document_number": self.documents[1],
            "birth_date": self.birth_date,
            "sex": self.sex,
            "nationality": self.nationality,
            "address": self.address,
            "reason": self.reason,
            "arrived_at": in_vietnam(self.arrived_at).strftime("%d/%m/%Y %H:%M"),
            "leaves_on": self.leaves_on,
            "room": self.room,
            "relation": RELATION_WORDS.get(self.relation, ""),
        }
        return {name: record[name] for name in STATED if record[name] != ""}


def guest_of(case: Case, record: Mapping[str, Any]) -> Guest:
    """Return the guest that a record of the form names. Where it is the declarant, the registers say who they are."""
    stay = {
        "reason": record["reason"],
        "arrived_at": record["arrived_at"],
        "leaves_on": record["leaves_on"],
        "room": record.get("room", ""),
    }
    if record.get("is_declarant", False):
        return Guest(
            is_declarant=True,
            full_name=case.fact("population", "full_name", ""),
            documents=("number", case.number),
            birth_date=case.fact("population", "birth_date", ""),
            sex=case.fact("population", "sex", ""),
            nationality=case.fact("population", "nationality", "Việt Nam"),
            address=case.fact("residence", "permanent_address", case.fact("residence", "current_address", "")),
            relation="",
            **stay,
        )
    return Guest(
        is_declarant=False,
        full_name=record["full_name"],
        documents=papers_of(record),
        birth_date=record["birth_date"],
        sex=SEX_WORDS[record["sex"]],
        nationality="Việt Nam" if is_vietnamese(record["nationality"]) else record["nationality"],
        address=record["address"],
        relation=record.get("relation", ""),
        **stay,
    )


def papers_of(record: Mapping[str, Any]) -> tuple[str, str]:
    """Return kind and number of a guest's document, without spaces and in capitals; "" for what cannot be read."""
    return record.get("document_kind", ""), "".join(record.get("document_number", "").split()).upper()


def is_vietnamese(nationality: str) -> bool:
    """Return whether this is how people write that somebody is Vietnamese."""
    return unmarked(nationality) in VIETNAMESE


def same_person(one: Guest, other: Guest) -> bool:
    """Return whether two notices name one person: by the same document, or by name and date of birth.

    A name is compared with its marks: Hà and Hạ are two people. An old identity card and the number of today are two
    documents of one person, which is why the document alone does not decide.
    """
    if one.documents == other.documents:
        return True
    return str(one.birth_date) == str(other.birth_date) and same_name(one.full_name, other.full_name)
