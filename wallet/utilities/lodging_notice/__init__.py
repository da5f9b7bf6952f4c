"""Lodging notice (thông báo lưu trú): who stays the night away from home, told to the police of the place.

Source: Residence Law 68/2020/QH14, articles 2 (6) and 30; Circular 55/2021/TT-BCA, article 15; for foreigners Law
47/2014/QH13, article 33 (form NA17). What Law 118/2025/QH15 changed in it on 1 July 2026 is unconfirmed. The
shape of a passport's number is unconfirmed too; both are figures of the rules, not of this code.

Late is accepted and said on the receipt: whether there is a fine is for the police (`deadlines.py`: when it is late).
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from wallet.utilities.base import (
    NOTICE,
    AccountLevel,
    AnswersRejected,
    Ask,
    AuthLevel,
    Capacity,
    Case,
    Claim,
    Claims,
    DocumentType,
    Field,
    InvalidInput,
    Kind,
    Layout,
    Paper,
    Rules,
    Section,
    Source,
    Utility,
    clean_name,
    unlike_number,
)
from wallet.utilities.lodging_notice.deadlines import in_vietnam, notify_before
from wallet.utilities.lodging_notice.guests import STATED, Guest, guest_of, is_vietnamese, papers_of, same_person

FIGURES: Mapping[str, Any] = {
    # Article 30 (4): before 23:00 of the day on which the stay begins; who comes later, before 08:00 of the next.
    "evening_hour": 23,
    "morning_hour": 8,
    # Article 2 (6): lodging lasts less than 30 days; from 30 on it is temporary residence, which is registered.
    "under_days": 30,
    # Ours, not the law's: earlier than this, a stay is more likely a slip of the keyboard than a plan.
    "ahead_days": 30,
    "oldest_years": 130,
    # Law 47/2014/QH13, article 33: hours that a place has to declare a foreigner; in remote areas the longer.
    "foreigner_hours": 12,
    "foreigner_remote_hours": 24,
    # Article 30 (4): for these a household gives notice once.
    "close_relatives": ("grandparent", "parent", "spouse", "child", "grandchild", "sibling"),
    # Article 30 (1): the place gives notice; a guest only where nobody of the household is at home.
    "declarants": {
        "tourist_lodging": ("lodging_business",),
        "student_dormitory": ("lodging_business",),
        "medical_facility": ("lodging_business",),
        "household": ("household_member", "guest"),
        "rented_rooms": ("household_member", "lodging_business", "guest"),
        "other": ("household_member", "lodging_business", "guest"),
    },
    "number_pattern": "[0-9]{12}",
    "cmnd_pattern": "[0-9]{9}",
    "passport_pattern": "[A-Z][0-9]{7,8}",
}

PLACES = tuple(FIGURES["declarants"])
NAMED_PLACES = ("tourist_lodging", "student_dormitory", "medical_facility", "other")
RELATIONS = (*FIGURES["close_relatives"], "other_relative", "none")
OWN_REQUESTS = "own_requests"
NOTIFIED = frozenset({"sent", "received", "ended"})
"""States of an earlier notice that counts. One that was cancelled or sent back has told nobody anything."""

PLACE_WORDS = {
    "tourist_lodging": "Cơ sở lưu trú du lịch",
    "student_dormitory": "Ký túc xá sinh viên",
    "medical_facility": "Cơ sở khám chữa bệnh",
    "household": "Hộ gia đình",
    "rented_rooms": "Nhà ngăn phòng cho thuê",
    "other": "Cơ sở khác",
}
DECLARANT_WORDS = {
    "household_member": "Thành viên hộ gia đình",
    "lodging_business": "Đại diện cơ sở lưu trú",
    "guest": "Người đến lưu trú",
}
ON_TIME, LATE = "Đúng hạn", "Quá hạn"

_NOT_THE_DECLARANT = ("is_declarant", (None, False))

GUEST = (
    Field("is_declarant", Ask.BOOL, required=False),
    Field("full_name", size=(1, 100), only_if=_NOT_THE_DECLARANT),
    Field("document_kind", Ask.CHOICE, choices=("number", "cmnd", "passport"), only_if=_NOT_THE_DECLARANT),
    Field("document_number", size=(5, 20), only_if=_NOT_THE_DECLARANT),
    Field("birth_date", Ask.BIRTH_DATE, only_if=_NOT_THE_DECLARANT),
    Field("sex", Ask.CHOICE, choices=("male", "female"), only_if=_NOT_THE_DECLARANT),
    Field("nationality", size=(2, 60), only_if=_NOT_THE_DECLARANT),
    Field("address", size=(1, 200), only_if=_NOT_THE_DECLARANT),
    Field("reason", size=(2, 200)),
    Field("arrived_at", Ask.MOMENT),
    Field("leaves_on", Ask.DAY),
    Field("room", required=False, size=(1, 30)),
    Field("relation", Ask.CHOICE, required=False, choices=RELATIONS, only_if=_NOT_THE_DECLARANT),
)

FORM = (
    Field("declarant", Ask.CHOICE, choices=tuple(DECLARANT_WORDS)),
    Field("place_kind", Ask.CHOICE, choices=PLACES),
    Field("place_name", size=(2, 80), only_if=("place_kind", NAMED_PLACES)),
    Field("place_address", size=(2, 120)),
    Field("place_commune", Ask.COMMUNE),
    Field("notify_again", Ask.BOOL, required=False, only_if=("declarant", ("household_member",))),
    Field("guests", Ask.RECORDS, size=(1, 200), fields=GUEST, importable=True),
)


def accept(case: Case) -> None:
    """Raise AnswersRejected with everything that makes this no notice; being late does not."""
    rejected = look(case)
    guests = [guest_of(case, record) for record in case.answers["guests"]]
    known = list(_already_notified(case)) if _household_asks_once(case) else []
    for index, guest in enumerate(guests):
        for name, code in _faults_of_guest(guest, known):
            rejected.setdefault(f"guests/{index}/{name}", code)
    if case.answers["declarant"] == "guest" and not any(guest.is_declarant for guest in guests):
        rejected.setdefault("guests", "declarant_missing")
    if rejected:
        raise AnswersRejected(rejected)


def look(case: Case) -> dict[str, str]:
    """Return what is wrong with a notice whatever registers state, as far as it can be read."""
    rejected = dict(_faults_of_place(case))
    seen: list[tuple[str, str]] = []
    for index, record in enumerate(case.answers.get("guests", ())):
        faults = dict(_faults_of_record(case, record))
        papers = ("number", case.number) if record.get("is_declarant", False) else papers_of(record)
        if papers[1] and papers in seen:
            faults.setdefault(
                "is_declarant" if record.get("is_declarant", False) else "document_number", "double_guest"
            )
        seen.append(papers)
        rejected |= {f"guests/{index}/{name}": code for name, code in faults.items()}
    return rejected


def _figures(case: Case) -> Mapping[str, Any]:
    return {**FIGURES, **case.figures}


def _faults_of_place(case: Case) -> Iterator[tuple[str, str]]:
    declarant, place = case.answers.get("declarant"), case.answers.get("place_kind")
    if declarant is None:
        return
    if case.capacity is Capacity.BUSINESS and declarant != "lodging_business":
        yield "declarant", "acts_for_business"
    elif place is not None and declarant not in _figures(case)["declarants"][place]:
        yield "declarant", "place_notifies" if declarant == "guest" else "wrong_declarant"


def _faults_of_guest(guest: Guest, known: Sequence[tuple[str, Guest]]) -> Iterator[tuple[str, str]]:
    """Yield name of a field and code, of what registers and earlier notices say of a guest."""
    if guest.is_declarant and not guest.full_name:
        yield "is_declarant", "declarant_unknown"
    elif not is_vietnamese(guest.nationality):
        yield "nationality", "foreigner_na17"
    if any(relation == guest.relation and same_person(guest, other) for relation, other in known):
        yield "relation", "relative_notified"


def _faults_of_record(case: Case, record: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield name of a field and code, of a guest as far as the record of them can be read."""
    figures = _figures(case)
    if not record.get("is_declarant", False):
        if "nationality" in record and not is_vietnamese(record["nationality"]):
            yield "nationality", "foreigner_na17"
        yield from _faults_of_papers(case, record, figures)
    if "arrived_at" not in record:
        return
    arrived, leaves = in_vietnam(record["arrived_at"]).date(), record.get("leaves_on")
    if arrived > case.today + timedelta(days=figures["ahead_days"]):
        yield "arrived_at", "too_far_ahead"
    if leaves is not None and leaves < arrived:
        yield "leaves_on", "leaves_before_arrival"
    elif leaves is not None and leaves - arrived >= timedelta(days=figures["under_days"]):
        yield "leaves_on", "stay_too_long"


def _faults_of_papers(case: Case, record: Mapping[str, Any], figures: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    if "full_name" in record:
        try:
            clean_name(record["full_name"])
        except InvalidInput as error:
            yield from (("full_name", code) for code in error.fields.values())
    kind, number = papers_of(record)
    if kind and number:
        if kind == "number" and re.fullmatch("[0-9]{9,11}", number):
            yield "document_number", "number_lost_digits"
        elif not re.fullmatch(figures[f"{kind}_pattern"], number) or not _can_be_given(kind, number, case.today):
            yield "document_number", f"impossible_{kind}"
    born = record.get("birth_date")
    if born is None:
        return
    year = int(born[:4]) if isinstance(born, str) else born.year
    if year > case.today.year or (isinstance(born, date) and born > case.today):
        yield "birth_date", "born_in_future"
    elif year < case.today.year - figures["oldest_years"]:
        yield "birth_date", "born_too_long_ago"


def _can_be_given(kind: str, number: str, today: date) -> bool:
    """Return whether a number of this shape can have been given to somebody by today.

    Of a personal number, given at birth, digit 4 says century and sex, digits 5 and 6 the year; 000 is nobody's prefix.
    That they differ from the date of birth is no fault: dates and sex are corrected, numbers are not (docs/domain.md,
    section 3.1).
    """
    if kind != "number":
        return bool(number.strip("0"))
    return not number.startswith("000") and 1900 + int(number[3]) // 2 * 100 + int(number[4:6]) <= today.year


def warn(case: Case) -> dict[str, str]:
    """Tell of every guest whose number says another year of birth or another sex than was typed."""
    found: dict[str, str] = {}
    for index, record in enumerate(case.answers["guests"]):
        guest = guest_of(case, record)
        if not guest.is_declarant and guest.documents[0] == "number":
            differs = unlike_number(guest.documents[1], birth_date=guest.birth_date, sex=guest.sex)
            found |= {f"guests/{index}/{name}": code for name, code in differs.items()}
    return found


def _household_asks_once(case: Case) -> bool:
    return case.answers["declarant"] == "household_member" and not case.answers.get("notify_again", False)


def _already_notified(case: Case) -> Iterator[tuple[str, Guest]]:
    """Yield relation and person of every close relative whom the same declarant has told the same police office of."""
    for earlier in case.fact(OWN_REQUESTS, "lodging_notice", ()):
        answers = earlier["answers"]
        if earlier["state"] not in NOTIFIED or answers.get("declarant") != "household_member":
            continue
        if answers.get("place_commune") != case.answers["place_commune"]:
            continue
        for record in answers.get("guests", ()):
            if record.get("relation") in _figures(case)["close_relatives"]:
                yield record["relation"], guest_of(case, record)


def derive(case: Case) -> Claims:
    """Return what the receipt states: where, how many, from when to when, in time or not, and who."""
    answers, figures = case.answers, _figures(case)
    sent = case.submitted_at or case.now
    guests = [guest_of(case, record) for record in answers["guests"]]
    due = [notify_before(guest.arrived_at, figures) for guest in guests]
    late = sum(sent >= moment for moment in due)
    place = case.places.get(answers["place_commune"], {})
    named = [answers[name] for name in ("place_name", "place_address") if name in answers]
    return {
        "number_last4": case.number[-4:],
        "declarant_kind": DECLARANT_WORDS[answers["declarant"]],
        "place_type": PLACE_WORDS[answers["place_kind"]],
        "place": ", ".join(named),
        "commune": place.get("commune", answers["place_commune"]),
        "province": place.get("province", ""),
        "guest_count": len(guests),
        "stay_from": min(in_vietnam(guest.arrived_at).date() for guest in guests),
        "stay_until": max(guest.leaves_on for guest in guests),
        "notify_before": min(due),
        "timeliness": LATE if late else ON_TIME,
        "late_guests": late,
        "guest_list": tuple(
            {**guest.stated(), "timeliness": LATE if sent >= moment else ON_TIME}
            for guest, moment in zip(guests, due, strict=True)
        ),
    }


def until(case: Case) -> date:
    """Return the last day of the stay; of a stay that was told when it was over, the day on which it was told."""
    return max(case.today, *(record["leaves_on"] for record in case.answers["guests"]))


def province_of(case: Case) -> str:
    """Return the province of the place: its police get the notice, wherever the declarant is registered."""
    return case.places.get(case.answers["place_commune"], {}).get("province_code", "")


RECEIPT = DocumentType(
    code="lodging_receipt",
    version=2,
    title={"vi": "Giấy xác nhận đã thông báo lưu trú", "en": "Receipt of a lodging notice"},
    validity=timedelta(days=1),
    until=until,
    derive=derive,
    views={
        "night_check": ("place_type", "place", "commune", "province", "guest_count", "submitted_at", "timeliness"),
        "police_inspection": (
            "full_name",
            "declarant_kind",
            "business_name",
            "business_code",
            "place_type",
            "place",
            "commune",
            "province",
            "guest_count",
            "guest_list",
            "stay_from",
            "stay_until",
            "submitted_at",
            "notify_before",
            "timeliness",
            "late_guests",
            "request_number",
        ),
    },
    layout=Layout(
        sections=(
            Section("declarant", ("full_name", "declarant_kind", "business_name", "business_code")),
            Section("place", ("place_type", "place", "commune", "province")),
            Section("stay", ("guest_count", "stay_from", "stay_until", "guest_list")),
            Section("notice", ("request_number", "submitted_at", "notify_before", "timeliness", "late_guests")),
        ),
        number="{serial}/{year}/TBLT",
        bilingual=True,
    ),
    claims=(
        Claim(1, "full_name", source=Source.POPULATION, paper=Paper.REQUIRED),
        Claim(2, "number_last4"),
        Claim(3, "declarant_kind"),
        Claim(4, "place_type", paper=Paper.SHOWN),
        Claim(5, "place_name", source=Source.DECLARED, required=False),
        Claim(6, "place_address", source=Source.DECLARED),
        Claim(7, "place", paper=Paper.SHOWN),
        Claim(8, "commune", paper=Paper.REQUIRED),
        Claim(9, "province", paper=Paper.REQUIRED),
        Claim(10, "guest_count", Kind.INT, paper=Paper.REQUIRED),
        Claim(11, "stay_from", Kind.DAY, paper=Paper.SHOWN),
        Claim(12, "stay_until", Kind.DAY, paper=Paper.SHOWN),
        Claim(13, "submitted_at", Kind.TIME, Source.REQUEST, Paper.REQUIRED),
        Claim(14, "notify_before", Kind.TIME),
        Claim(15, "timeliness", paper=Paper.REQUIRED),
        Claim(16, "late_guests", Kind.INT),
        Claim(17, "request_number", source=Source.REQUEST, paper=Paper.SHOWN),
        Claim(18, "guest_list", Kind.RECORDS, parts=(*STATED, "timeliness")),
        Claim(19, "business_name", source=Source.REQUEST, fact="organisation", paper=Paper.SHOWN, required=False),
        Claim(20, "business_code", source=Source.REQUEST, fact="organisation_code", required=False),
    ),
)

utility = Utility(
    code="lodging_notice",
    version=1,
    title={"vi": "Thông báo lưu trú", "en": "Lodging notice"},
    agency="commune_police",
    minimum_level=AccountLevel.ONE,
    minimum_auth=AuthLevel.TWO,
    who=frozenset({Capacity.SELF, Capacity.GUARDIAN, Capacity.BUSINESS}),
    form=FORM,
    reads=(Source.POPULATION, Source.RESIDENCE, OWN_REQUESTS),
    lifecycle=NOTICE,
    reasons=("wrong_office", "place_not_found", "guest_unclear", "not_lodging"),
    province_of=province_of,
    accept=accept,
    look=look,
    warn=warn,
    previews=("stay_from", "stay_until", "guest_count", "notify_before", "timeliness", "late_guests"),
    documents=(RECEIPT,),
    rules=(
        Rules(
            "2021-07",
            date(2021, 7, 1),
            "Luật Cư trú 68/2020/QH14, Điều 2 khoản 6 và Điều 30; Thông tư 55/2021/TT-BCA, Điều 15",
            figures=FIGURES,
        ),
        Rules(
            "2026-07",
            date(2026, 7, 1),
            "Luật Cư trú 68/2020/QH14, Điều 2 khoản 6 và Điều 30, sửa đổi theo Luật 118/2025/QH15; "
            "Thông tư 55/2021/TT-BCA, Điều 15",
            figures=FIGURES,
        ),
    ),
)
