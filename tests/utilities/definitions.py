"""A definition that is sound, for tests to break."""

import copy
from typing import Any

BOTH = {"vi": "Tiếng Việt", "en": "English"}


def words(vi: str, en: str) -> dict[str, str]:
    return {"vi": vi, "en": en}


LIBRARY_CARD: dict[str, Any] = {
    "code": "library_card",
    "title": words("Cấp thẻ thư viện", "Library card"),
    "agency": {"code": "library", "name": words("Thư viện tỉnh", "Library of the province")},
    "minimum_account_level": 1,
    "minimum_auth_level": 2,
    "who": ["self", "guardian"],
    "lifecycle": "reviewed",
    "rules": [
        {"version": "1", "effective_from": "2026-01-01", "legal_basis": "Quyết định 1/2026 (ví dụ)", "working_days": 3},
        {
            "version": "2",
            "effective_from": "2026-07-01",
            "legal_basis": "Quyết định 2/2026 (ví dụ)",
            "working_days": 2,
            "fee": [
                {"code": "card", "label": words("Lệ phí thẻ", "Card fee"), "amount": 20000},
                {"code": "support", "label": words("Tỉnh hỗ trợ", "Paid by the province"), "amount": -5000},
            ],
        },
    ],
    "form": [
        {
            "name": "reader",
            "label": words("Bạn là", "You are"),
            "kind": "choice",
            "choices": [
                {"code": "pupil", "label": words("Học sinh", "A pupil")},
                {"code": "adult", "label": words("Người lớn", "An adult")},
            ],
        },
        {
            "name": "school",
            "label": words("Trường", "School"),
            "size": [2, 60],
            "only_if": {"field": "reader", "values": ["pupil"]},
        },
        {"name": "helper", "label": words("Số người giúp", "A helper's number"), "kind": "number", "required": False},
    ],
    "reasons": [{"code": "no_room", "label": words("Hết chỗ.", "There is no room.")}],
    "document": {
        "title": words("Thẻ thư viện", "Library card"),
        "validity_days": 365,
        "claims": [
            {
                "number": 1,
                "name": "full_name",
                "label": words("Họ và tên", "Full name"),
                "source": "population",
                "paper": "required",
            },
            {"number": 2, "name": "number", "label": words("Số định danh", "Personal number"), "source": "population"},
            {
                "number": 3,
                "name": "commune",
                "label": words("Xã", "Commune"),
                "source": "residence",
                "fact": "permanent_commune",
                "paper": "shown",
            },
            {
                "number": 4,
                "name": "school",
                "label": words("Trường", "School"),
                "source": "declared",
                "required": False,
            },
            {
                "number": 5,
                "name": "issued_on",
                "label": words("Ngày cấp", "Issued on"),
                "kind": "day",
                "source": "request",
                "required": False,
            },
        ],
        "views": [{"purpose": "reading_room", "label": words("Phòng đọc", "Reading room"), "claims": ["full_name"]}],
        "sections": [
            {"heading": words("Người đọc", "Reader"), "claims": ["full_name", "commune"]},
            {"claims": ["school", "issued_on"]},
        ],
        "void_when": ["residence"],
    },
}


def definition(**changes: Any) -> dict[str, Any]:
    """Return a sound definition with changes to its top level."""
    return copy.deepcopy(LIBRARY_CARD) | changes


def at_once(**changes: Any) -> dict[str, Any]:
    """Return the sound definition as one that is answered at once and asks one thing that nobody must answer."""
    made = definition(lifecycle="instant", reasons=[])
    made["rules"], made["form"] = made["rules"][:1], made["form"][2:]
    document = made["document"]
    document["claims"] = [claim for claim in document["claims"] if claim["name"] != "school"]
    document["sections"][1]["claims"] = ["issued_on"]
    return made | changes


def broken(pointer: str, value: Any) -> dict[str, Any]:
    """Return the sound definition with one thing in it changed; `...` takes it out."""
    made = definition()
    at: Any = made
    *way, last = pointer.strip("/").split("/")
    for step in way:
        at = at[int(step)] if isinstance(at, list) else at[step]
    key: Any = int(last) if isinstance(at, list) else last
    if value is ...:
        del at[key]
    elif isinstance(at, list) and key == len(at):
        at.append(value)
    else:
        at[key] = value
    return made
