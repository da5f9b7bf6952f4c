"""One invented person with a full health book, as registers state it."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

from wallet.utilities.base import Case, Claims, DocumentType, Source
from wallet.utilities.health_book import utility

TODAY = date(2026, 11, 20)
HOSPITAL = "Bệnh viện đa khoa mẫu Hà Nội"
POPULATION = {
    "number": "099190000123",
    "full_name": "Nguyễn Thị Hạnh",
    "birth_date": date(1990, 5, 12),
    "sex": "Nữ",
}
INSURANCE = {
    "card_number": "GD4990123456789",
    "insurance_number": "0123456789",
    "benefit_level": 4,
    "valid_from": date(2026, 1, 1),
    "valid_until": date(2026, 12, 31),
    "first_care_facility": "Trạm y tế mẫu, Phường Cầu Giấy",
    "full_name": "NGUYEN THI HANH",
    "birth_date": date(1990, 5, 12),
}
STAY = {
    "visit_id": "099KB0000123260302",
    "facility": HOSPITAL,
    "admitted_on": date(2026, 3, 2),
    "discharged_on": date(2026, 3, 6),
    "diagnosis": "Cơn hen phế quản cấp",
    "diagnosis_code": "J46",
    "tests": "Công thức máu: bạch cầu 11,2 G/L",
    "procedures": "Khí dung",
    "surgery": "Không",
    "course": "Đỡ khó thở sau 24 giờ",
    "treatment": "Giãn phế quản, corticoid",
    "prescriptions": ("Salbutamol 100 mcg, xịt khi khó thở", "Budesonid 200 mcg, ngày 2 lần"),
    "follow_up_on": date(2026, 4, 6),
    "doctor": "BS. Nguyễn Mẫu Tâm",
}
OPEN_STAY = {
    "visit_id": "099KB0000123261118",
    "facility": HOSPITAL,
    "admitted_on": date(2026, 11, 18),
    "diagnosis": "Theo dõi viêm phổi",
    "diagnosis_code": "J18",
    "treatment": "Kháng sinh",
    "prescriptions": (),
}
DAY_VISIT = {
    "visit_id": "099KB0000123261005",
    "facility": HOSPITAL,
    "admitted_on": date(2026, 10, 5),
    "diagnosis": "Viêm họng cấp",
    "diagnosis_code": "J02",
    "procedures": "Soi họng",
    "course": "Hết sốt sau 2 ngày",
    "treatment": "Điều trị ngoại trú",
    "prescriptions": ("Paracetamol 500 mg, uống 1 viên khi sốt, 10 viên",),
}
REFERRAL = {
    "referral_id": "099CT0000123261110",
    "from_facility": "Trạm y tế mẫu, Phường Cầu Giấy",
    "to_facility": HOSPITAL,
    "diagnosis": "Hen phế quản khó kiểm soát",
    "reason": "Vượt quá khả năng chuyên môn",
    "issued_on": date(2026, 11, 10),
    "valid_until": date(2026, 12, 31),
    "doctor": "BS. Nguyễn Mẫu Tâm",
}
APPOINTMENT = {
    "appointment_id": "099HK0000123261110",
    "facility": HOSPITAL,
    "department": "Khoa Khám bệnh",
    "on_day": date(2026, 12, 10),
    "reason": "Đánh giá kiểm soát hen",
    "doctor": "BS. Nguyễn Mẫu Tâm",
    "issued_on": date(2026, 11, 10),
}
BOOK = {
    "full_name": "NGUYEN THI HANH",
    "birth_date": date(1990, 5, 12),
    "insurance_number": "0123456789",
    "blood_type": "O+",
    "diseases": (
        {"name": "Hen phế quản", "code": "J45", "since": date(2015, 9, 1)},
        {"name": "Viêm mũi dị ứng", "code": "J30", "since": date(2018, 4, 1)},
    ),
    "allergies": (
        {"substance": "Tôm, cua", "reaction": "Phát ban", "severity": "moderate"},
        {"substance": "Penicilin", "reaction": "Nổi mày đay, khó thở", "severity": "severe"},
    ),
    "vaccinations": (
        {
            "vaccine": "Vắc xin phòng viêm gan B",
            "dose": 3,
            "on_day": date(2021, 11, 12),
            "place": "Trạm y tế mẫu, Phường Cầu Giấy",
        },
    ),
    "visits": (STAY, OPEN_STAY),
    "referrals": (REFERRAL,),
    "appointments": (APPOINTMENT,),
}
RESIDENCE = {"permanent_address": "Số 12, ngõ 34, đường Nguyễn Khang, Phường Cầu Giấy, Thành phố Hà Nội"}


def facts(*, book: Mapping[str, Any] | None = None, insurance: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return what the registers state, with some of it changed."""
    return {
        Source.POPULATION: POPULATION,
        Source.RESIDENCE: RESIDENCE,
        Source.HEALTH_INSURANCE: {**INSURANCE, **(insurance or {})},
        Source.HEALTH_RECORDS: {**BOOK, **(book or {})},
    }


def case(answers: Mapping[str, Any], stated: Mapping[str, Any] | None = None, today: date = TODAY) -> Case:
    return Case(
        now=datetime(today.year, today.month, today.day, 5, tzinfo=UTC),
        today=today,
        answers=answers,
        facts=facts() if stated is None else stated,
        number=POPULATION["number"],  # type: ignore[arg-type]
        figures=utility.rules_on(today).figures,
    )


def summary(purpose: str, *groups: str, stated: Mapping[str, Any] | None = None, today: date = TODAY) -> Case:
    return case({"paper": "health_summary", "purpose": purpose, "groups": groups}, stated, today)


def made(asked: Case) -> tuple[DocumentType, Claims]:
    """Return the kind of document and its claims as issuing makes them, once `accept` lets the case through."""
    utility.accept(asked)
    kind = utility.document_of(asked)
    claims = {
        claim.name: asked.facts[claim.source][claim.stated_as]
        for claim in kind.claims
        if claim.from_register and claim.stated_as in asked.facts.get(claim.source, {})
    }
    claims |= kind.derive(replace(asked, claims=claims))
    assert set(claims) <= set(kind.names)
    assert [claim.name for claim in kind.claims if claim.required and claim.name not in claims] == []
    return kind, claims
