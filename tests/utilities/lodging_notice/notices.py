"""Notices for tests: answers as they are typed, parsed by the form, in the case that the plug-in sees."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from wallet.places import communes
from wallet.utilities.answering import parse
from wallet.utilities.base import Capacity, Case
from wallet.utilities.lodging_notice import utility
from wallet.working_days import vietnamese_day

CAU_GIAY, NHA_TRANG = "00167", "22366"
NOW = datetime(2026, 11, 20, 13, 45, tzinfo=UTC)
"""20:45 in Hà Nội."""

FACTS: Mapping[str, Mapping[str, Any]] = {
    "population": {
        "full_name": "Nguyễn Văn An",
        "birth_date": datetime(1990, 5, 12, tzinfo=UTC).date(),
        "sex": "Nam",
        "nationality": "Việt Nam",
    },
    "residence": {"permanent_address": "Số 12, ngõ 34, đường Nguyễn Khang, Phường Cầu Giấy, Thành phố Hà Nội"},
}


def guest(*without: str, **changes: Any) -> dict[str, Any]:
    """Return a guest as typed, less some fields."""
    typed = {
        "full_name": "Lê Thị Hoà",
        "document_kind": "number",
        "document_number": "099155000123",
        "birth_date": "1955-08-20",
        "sex": "female",
        "nationality": "Việt Nam",
        "address": "Thôn 3, Xã Bát Tràng, Thành phố Hà Nội",
        "reason": "Thăm con cháu",
        "arrived_at": "2026-11-20T20:30:00+07:00",
        "leaves_on": "2026-11-23",
        "relation": "parent",
        **changes,
    }
    return {name: value for name, value in typed.items() if name not in without}


def myself(**changes: Any) -> dict[str, Any]:
    """Return the declarant as guest, as typed."""
    typed = {"reason": "Thăm bạn", "arrived_at": "2026-11-20T20:30:00+07:00", "leaves_on": "2026-11-21"}
    return {"is_declarant": True, **typed, **changes}


def answers(*guests: Mapping[str, Any], **changes: Any) -> dict[str, Any]:
    """Return the answers of a household's notice as typed."""
    return {
        "declarant": "household_member",
        "place_kind": "household",
        "place_address": "Số 12, ngõ 34, đường Nguyễn Khang",
        "place_commune": CAU_GIAY,
        "guests": list(guests) or [guest()],
        **changes,
    }


def hotel(*guests: Mapping[str, Any], **changes: Any) -> dict[str, Any]:
    """Return the answers of a hotel's notice as typed."""
    place = {"place_name": "Khách sạn Hoa Sen", "place_address": "45 Trần Phú", "place_commune": NHA_TRANG}
    typed = guests or [guest("relation")]
    return answers(*typed, **{"declarant": "lodging_business", "place_kind": "tourist_lodging", **place, **changes})


def case(
    typed: Mapping[str, Any] | None = None,
    *,
    now: datetime = NOW,
    facts: Mapping[str, Any] = FACTS,
    capacity: Capacity = Capacity.SELF,
    number: str = "099090123456",
) -> Case:
    """Return a notice as the plug-in sees it, sent now. typed: as `answers` returns it."""
    raw = answers() if typed is None else typed
    place = communes()[raw["place_commune"]]
    named = {"commune": place.name, "province": place.province, "province_code": place.province_code}
    today = vietnamese_day(now)
    return Case(
        now=now,
        today=today,
        answers=parse(utility.form, raw),
        facts=facts,
        number=number,
        capacity=capacity,
        submitted_at=now,
        figures=utility.rules_on(today).figures,
        places={place.code: named},
    )
