"""Which papers the people have who are in every nation: what the stories of personas and edge cases need, and no more.

All of them are insured, unless a story says otherwise; nobody has a conviction, a licence, a vehicle or a
security report that is not here.
"""

from collections.abc import Callable, Iterator
from datetime import date

from wallet.demo.cast import CAST, FOREIGNERS
from wallet.demo.edge_cases import EDGE_CASES
from wallet.demo.numbers import MALE, fixed_number
from wallet.demo.papers import civil, health, judicial, security, traffic
from wallet.demo.papers.common import Row, Subject, unmarked
from wallet.demo.papers.kinship import former

SON_OF_AN = fixed_number(MALE, 2016, 71)
_UNINSURED = {FOREIGNERS["new_here"].number, FOREIGNERS["permit_over"].number, CAST["vang"].number}


def told(subject: Subject) -> Iterator[Row]:
    """Yield the papers of one person."""
    number = subject.person.number
    if number not in _UNINSURED and number not in _OWN_CARD:
        yield health.insurance(subject)
    if number in _PAPERS:
        yield from _PAPERS[number](subject)


def _an(subject: Subject) -> Iterator[Row]:
    yield health.records(
        subject,
        blood_type="O+",
        groups={
            "diseases": [{"name": health.HYPERTENSION[0], "code": health.HYPERTENSION[1], "since": date(2023, 4, 12)}],
            "allergies": [dict(health.PENICILLIN)],
            "vaccinations": [
                health.vaccination(subject, "Vắc xin phòng COVID-19", 1, date(2021, 8, 16)),
                health.vaccination(subject, "Vắc xin phòng COVID-19", 2, date(2021, 10, 4)),
                health.vaccination(subject, "Vắc xin phòng cúm", 1, date(2025, 10, 20)),
            ],
            "visits": [
                health.visit(
                    subject, date(2025, 3, 18), "Viêm phế quản cấp", "J20",
                    "Ambroxol 30 mg, ngày uống 2 viên chia 2 lần, 10 viên",
                ),
                health.visit(
                    subject, date(2025, 11, 4), "Viêm ruột thừa cấp", "K35",
                    "Paracetamol 500 mg, ngày uống 3 viên chia 3 lần, 9 viên",
                    discharged_on=date(2025, 11, 8), tests="Siêu âm bụng: ruột thừa kích thước 9 mm",
                    procedures="Gây mê nội khí quản", surgery="Phẫu thuật nội soi cắt ruột thừa",
                    treatment="Điều trị nội trú, kháng sinh không thuộc nhóm penicilin",
                    follow_up_on=date(2025, 12, 4),
                ),
                health.visit(
                    subject, date(2026, 2, 9), *health.HYPERTENSION,
                    "Amlodipin 5 mg, uống 1 viên buổi sáng, 30 viên", follow_up_on=date(2026, 3, 11),
                ),
            ],
            "referrals": [
                health.referral(
                    subject, date(2026, 2, 9), health.HYPERTENSION[0], "Cần khám chuyên khoa tim mạch",
                )
            ],
            "appointments": [
                health.appointment(subject, date(2026, 2, 9), date(2026, 3, 11), "Khám lại, đo huyết áp")
            ],
        },
    )  # fmt: skip
    yield traffic.licence(subject, date(2019, 5, 20), "A1 B2")
    yield traffic.vehicle(subject, "motorcycle", date(2017, 3, 6), brand="Honda", model="Vision", colour="Đen")
    yield traffic.vehicle(subject, "car", date(2022, 9, 14), brand="Toyota", model="Vios", colour="Trắng")
    yield security.cases(
        subject, (date(2025, 8, 6), "traffic", "closed"), (date(2025, 12, 22), "online_scam", "referred"),
        (date(2026, 2, 24), "disorder", "assigned"),
    )  # fmt: skip
    yield former(subject, date(1990, 7, 5), date(2008, 9, 1), "Xóm 4, Xã Nam Mẫu, Huyện Nam Trực, Tỉnh Nam Định")
    yield former(subject, date(2008, 9, 1), date(2012, 8, 30), "Ký túc xá Mẫu, Quận Đống Đa, Hà Nội", "temporary")
    yield former(subject, date(2012, 8, 30), date(2015, 6, 10), "Số 6, ngõ 91, đường Láng, Quận Đống Đa, Hà Nội")


def _minh(subject: Subject) -> Iterator[Row]:
    yield health.records(
        subject,
        full_name=unmarked(subject.person.name.full),
        groups={
            "allergies": [{"substance": "Đậu phộng", "reaction": "Sưng môi, khó thở", "severity": "severe"}],
            "vaccinations": [
                health.vaccination(subject, "Vắc xin phòng sởi - rubella", 1, date(2018, 3, 12)),
                health.vaccination(subject, "Vắc xin phòng viêm gan B", 3, date(2017, 1, 16)),
            ],
        },
    )


def _sau(subject: Subject) -> Iterator[Row]:
    yield civil.social_security(subject, ("Trợ cấp hưu trí xã hội", 500_000, date(2025, 7, 1)))
    yield health.records(
        subject,
        blood_type="B+",
        groups={"diseases": [{"name": "Thoái hóa khớp gối", "code": "M17", "since": date(2019, 2, 25)}]},
    )


def _khoa(subject: Subject) -> Iterator[Row]:
    yield judicial.ban(subject, date(2025, 5, 12))
    yield traffic.licence(subject, date(2010, 6, 7), "A1", state="revoked", points=0)


def _marie(subject: Subject) -> Iterator[Row]:
    yield traffic.licence(subject, date(2023, 4, 17), "A1 B2")


def _dot(subject: Subject) -> Iterator[Row]:
    yield former(subject, date(1988, 12, 21), date(2026, 1, 15), "Làng Mẫu, Xã Mẫu, Huyện Mẫu, Tỉnh Kon Tum")


def _tich(subject: Subject) -> Iterator[Row]:
    yield judicial.conviction(subject, date(2009, 10, 14), date(2014, 3, 20))
    yield former(subject, date(1982, 5, 31), date(2015, 6, 10), "Xóm 2, Xã Mẫu, Huyện Mẫu, Tỉnh Hà Tĩnh")


def _phat(subject: Subject) -> Iterator[Row]:
    yield judicial.conviction(
        subject,
        date(2025, 2, 26),
        None,
        offence="Cố ý gây thương tích (Điều 134)",
        penalty="18 tháng tù, cho hưởng án treo, thời gian thử thách 36 tháng",
        civil_duties="Bồi thường 18.000.000 đồng, đã thi hành 6.000.000 đồng",
    )


def _lech(subject: Subject) -> Iterator[Row]:
    # The facilities typed the day of birth wrong, so the book cannot be matched with him.
    yield health.records(
        subject,
        birth_date="1971-09-18",
        groups={"diseases": [{"name": health.ASTHMA[0], "code": health.ASTHMA[1], "since": date(2016, 7, 4)}]},
    )
    # Fined for what he reported; a year from the day on which he paid.
    yield security.cases(subject, (date(2026, 1, 9), "theft", "closed"), barred_until=date(2027, 2, 24))


def _giay(subject: Subject) -> Iterator[Row]:
    yield traffic.licence(
        subject, date(1998, 4, 20), "A1", state="old_paper", points=0,
        full_name=unmarked(subject.person.name.full), birth_date="1965",
    )  # fmt: skip
    yield traffic.vehicle(subject, "motorcycle", date(2009, 2, 2), state="cancelled")
    yield security.cases(subject, *((date(2026, 2, day), "black_credit", "received") for day in (12, 13, 20, 23, 27)))


def _noi(subject: Subject) -> Iterator[Row]:
    yield civil.newborn(subject, date(2026, 2, 20), "Nữ", father=subject.person.spouse)
    yield health.records(subject, blood_type="A+", groups={"vaccinations": [
        health.vaccination(subject, "Vắc xin phòng uốn ván", 2, date(2025, 12, 8))
    ]})  # fmt: skip


def _held(subject: Subject) -> Iterator[Row]:
    yield traffic.licence(subject, date(2016, 8, 1), "A1 B2", state="held", points=2)
    yield traffic.vehicle(subject, "car", date(2020, 12, 7), state="held")


def _xa(subject: Subject) -> Iterator[Row]:
    yield health.insurance(subject, full_name=unmarked(subject.person.name.full))
    yield health.records(subject, full_name=unmarked(subject.person.name.full))


def _han(subject: Subject) -> Iterator[Row]:
    yield health.insurance(subject, valid_from=date(2025, 1, 1), valid_until=date(2025, 12, 31))


_OWN_CARD = {CAST["xa"].number, CAST["han"].number}

_PAPERS: dict[str, Callable[[Subject], Iterator[Row]]] = {
    CAST["an"].number: _an,
    SON_OF_AN: _minh,
    CAST["sau"].number: _sau,
    CAST["khoa"].number: _khoa,
    CAST["xa"].number: _xa,
    CAST["marie"].number: _marie,
    CAST["dot"].number: _dot,
    CAST["han"].number: _han,
    CAST["tich"].number: _tich,
    CAST["phat"].number: _phat,
    CAST["lech"].number: _lech,
    CAST["giay"].number: _giay,
    CAST["noi"].number: _noi,
    EDGE_CASES["licence_held"].number: _held,
}
"""By number."""
