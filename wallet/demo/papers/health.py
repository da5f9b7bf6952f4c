"""Invented health-insurance cards and records of care. Diagnoses carry their ICD-10 code."""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

from wallet.demo.draw import Draw, Shares
from wallet.demo.papers.common import Row, Subject, day_between, insurance_number, unmarked
from wallet.sources.ministry_models import HealthInsurance, HealthRecord
from wallet.sources.tables import packed

_INSURED = 0.9
_UNMARKED = 0.05
_EXPIRED = 0.04
_WITH_RECORDS = 0.55
_MISMATCHING = 0.01
_BLOOD = Shares({"O+": 42.0, "B+": 30, "A+": 21, "AB+": 5, "": 12, "O-": 0.1, "B-": 0.1})
_LAST_DAYS = (date(2027, 12, 31), date(2028, 12, 31), date(2029, 12, 31), date(2030, 12, 31))

HYPERTENSION = ("Tăng huyết áp nguyên phát", "I10")
ASTHMA = ("Hen phế quản", "J45")
_CHRONIC = (
    HYPERTENSION, ("Đái tháo đường týp 2", "E11"), ASTHMA, ("Viêm dạ dày mạn tính", "K29.5"),
    ("Thoái hóa khớp gối", "M17"), ("Rối loạn chuyển hóa lipid máu", "E78"),
)  # fmt: skip
_ACUTE = (
    ("Viêm họng cấp", "J02", "Amoxicilin 500 mg, ngày uống 2 viên chia 2 lần, 14 viên"),
    ("Viêm phế quản cấp", "J20", "Ambroxol 30 mg, ngày uống 2 viên chia 2 lần, 10 viên"),
    ("Sốt xuất huyết Dengue", "A97", "Paracetamol 500 mg, uống 1 viên khi sốt trên 38,5 độ, 10 viên"),
    ("Viêm dạ dày cấp", "K29.1", "Omeprazol 20 mg, uống 1 viên trước bữa sáng, 14 viên"),
    ("Gãy kín đầu dưới xương quay", "S52.5", "Paracetamol 500 mg, ngày uống 3 viên chia 3 lần, 15 viên"),
)  # fmt: skip
_ALLERGIES = (
    {"substance": "Penicilin", "reaction": "Nổi mày đay, khó thở", "severity": "severe"},
    {"substance": "Tôm, cua", "reaction": "Phát ban", "severity": "moderate"},
    {"substance": "Aspirin", "reaction": "Co thắt phế quản", "severity": "severe"},
    {"substance": "Phấn hoa", "reaction": "Viêm mũi", "severity": "mild"},
)
PENICILLIN = _ALLERGIES[0]
_VACCINES = ("Vắc xin phòng COVID-19", "Vắc xin phòng uốn ván", "Vắc xin phòng viêm gan B", "Vắc xin phòng cúm")
_DOCTORS = ("BS. Nguyễn Mẫu Tâm", "BS. Trần Thị Mẫu Đức", "BSCKI. Lê Mẫu Nhân", "BS. Phạm Thị Mẫu Ái")


def insurance(subject: Subject, **changes: Any) -> Row:
    """Return a card in order. Its group follows the age: TE under six, HS at school age, HT for the old, else GD."""
    group, level = _group(subject.age)
    held = {
        **subject.named,
        "sex": subject.person.sex,
        "benefit_level": level,
        "insurance_number": insurance_number(subject.serial),
        "valid_from": date(2026, 1, 1),
        "valid_until": _LAST_DAYS[-1],
        "first_care_facility": f"Trạm y tế mẫu, {subject.address.commune}",
        **changes,
    }
    return HealthInsurance, held | {"card_number": f"{group}{held['benefit_level']}99{held['insurance_number']}"}


def records(subject: Subject, *, groups: dict[str, list[dict[str, Any]]] | None = None, **changes: Any) -> Row:
    """Return what facilities sent. groups: `diseases`, `allergies`, `vaccinations`, `visits`, and papers."""
    return HealthRecord, {
        **subject.named,
        "insurance_number": insurance_number(subject.serial),
        "blood_type": None,
        "groups_packed": packed(groups or {}),
        **changes,
    }


def visit(subject: Subject, day: date, diagnosis: str, code: str, medicine: str, **more: Any) -> dict[str, Any]:
    """Return one visit of one day at the hospital of the province; `more` adds what else happened."""
    return {
        "visit_id": f"099KB{subject.serial:07d}{_stamp(day)}",
        "facility": hospital(subject),
        "admitted_on": day,
        "diagnosis": diagnosis,
        "diagnosis_code": code,
        "tests": "Công thức máu: trong giới hạn bình thường",
        "procedures": "Không",
        "surgery": "Không",
        "course": "Tỉnh, tiếp xúc tốt, triệu chứng giảm sau điều trị",
        "treatment": "Điều trị ngoại trú",
        "prescriptions": [medicine],
        "doctor": _DOCTORS[subject.serial % len(_DOCTORS)],
        **more,
    }


def hospital(subject: Subject) -> str:
    """Return the general hospital of the province, which does not exist."""
    return f"Bệnh viện đa khoa mẫu {subject.province}"


def referral(subject: Subject, issued_on: date, diagnosis: str, reason: str) -> dict[str, Any]:
    """Return a referral slip of ten working days (giấy chuyển tuyến)."""
    return {
        "referral_id": f"099CT{subject.serial:07d}{_stamp(issued_on)}",
        "from_facility": f"Trạm y tế mẫu, {subject.address.commune}",
        "to_facility": hospital(subject),
        "diagnosis": diagnosis,
        "reason": reason,
        "issued_on": issued_on,
        "valid_until": issued_on + timedelta(days=365),
        "doctor": _DOCTORS[subject.serial % len(_DOCTORS)],
    }


def appointment(subject: Subject, issued_on: date, on_day: date, reason: str) -> dict[str, Any]:
    """Return an appointment slip (giấy hẹn khám lại)."""
    return {
        "appointment_id": f"099HK{subject.serial:07d}{_stamp(issued_on)}",
        "facility": hospital(subject),
        "department": "Khoa Khám bệnh",
        "on_day": on_day,
        "reason": reason,
        "doctor": _DOCTORS[subject.serial % len(_DOCTORS)],
        "issued_on": issued_on,
    }


def vaccination(subject: Subject, vaccine: str, dose: int, on_day: date) -> dict[str, Any]:
    """Return one dose, given at the commune's health station."""
    place = f"Trạm y tế mẫu, {subject.address.commune}"
    return {"vaccine": vaccine, "dose": dose, "on_day": on_day, "place": place}


def drawn(draw: Draw, subject: Subject) -> Iterator[Row]:
    """Yield the card and the records of one person: nine in ten have the one, half have the other."""
    if not draw.chance(_INSURED):
        return
    changes: dict[str, Any] = {"valid_until": draw.one(_LAST_DAYS)}
    if draw.chance(_UNMARKED):
        changes["full_name"] = unmarked(subject.person.name.full)
    if draw.chance(_EXPIRED):
        changes |= {"valid_from": date(2025, 1, 1), "valid_until": date(2025, 12, 31)}
    yield insurance(subject, **changes)
    if draw.chance(_WITH_RECORDS):
        yield _drawn_records(draw, subject)


def _drawn_records(draw: Draw, subject: Subject) -> Row:
    groups: dict[str, list[dict[str, Any]]] = {}
    lately = max(subject.born + timedelta(days=1), date(2023, 1, 2))
    if draw.chance(min(0.6, subject.age / 120)):
        name, code = draw.one(_CHRONIC)
        groups["diseases"] = [{"name": name, "code": code, "since": day_between(draw, lately)}]
    if draw.chance(0.08):
        groups["allergies"] = [draw.one(_ALLERGIES)]
    if draw.chance(0.7):
        groups["vaccinations"] = [
            vaccination(subject, draw.one(_VACCINES), dose + 1, day_between(draw, lately))
            for dose in range(draw.between(1, 2))
        ]
    days = sorted({day_between(draw, lately) for _ in range(draw.between(0, 2))})
    groups["visits"] = [visit(subject, day, *draw.one(_ACUTE)) for day in days]
    if days and draw.chance(0.15):
        groups["appointments"] = [appointment(subject, days[-1], days[-1] + timedelta(days=30), "Khám lại")]
    if days and draw.chance(0.1):
        groups["referrals"] = [
            referral(subject, days[-1], groups["visits"][-1]["diagnosis"], "Vượt quá khả năng chuyên môn")
        ]
    changes: dict[str, Any] = {"blood_type": draw.of(_BLOOD) or None}
    if draw.chance(_MISMATCHING):
        changes["birth_date"] = (subject.born + timedelta(days=9)).isoformat()
    return records(subject, groups=groups, **changes)


def _group(age: int) -> tuple[str, int]:
    if age < 6:
        return "TE", 1
    if age < 18:
        return "HS", 4
    return ("HT", 3) if age >= 60 else ("GD", 4)


def _stamp(day: date) -> str:
    return day.isoformat()[2:].replace("-", "")
