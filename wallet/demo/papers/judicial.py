"""Invented convictions and bans. Offences and articles: Penal Code 100/2015/QH13, the everyday ones."""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

from wallet.demo.draw import Draw
from wallet.demo.papers.common import Row, Subject, day_between
from wallet.demo.records import REFERENCE_DAY
from wallet.sources.ministry_models import Conviction, PostBan

_CONVICTED = 0.03
_EXPUNGED = 0.6
_BANNED = 0.001
_TWO_YEARS = timedelta(days=730)

_OFFENCES = (
    ("Trộm cắp tài sản (Điều 173)", "9 tháng tù, cho hưởng án treo", "Bồi thường 4.500.000 đồng, đã thi hành xong"),
    ("Đánh bạc (Điều 321)", "Phạt tiền 20.000.000 đồng", "Không có"),
    ("Cố ý gây thương tích (Điều 134)", "12 tháng tù", "Bồi thường 18.000.000 đồng, đã thi hành xong"),
    ("Vi phạm quy định về tham gia giao thông đường bộ (Điều 260)", "18 tháng tù, cho hưởng án treo",
     "Bồi thường 60.000.000 đồng, đã thi hành xong"),
    ("Gây rối trật tự công cộng (Điều 318)", "Cải tạo không giam giữ 12 tháng", "Không có"),
)  # fmt: skip


def conviction(subject: Subject, judged_on: date, expunged_on: date | None, **changes: Any) -> Row:
    """Return one conviction, of a theft unless `changes` name another offence."""
    offence, penalty, duties = _OFFENCES[0]
    return Conviction, {
        **subject.base,
        "judgment_number": f"{subject.serial % 900 + 99}/{judged_on.year}/HS-ST",
        "judged_on": judged_on,
        "court": f"Tòa án nhân dân mẫu, {subject.address.province}",
        "offence": offence,
        "penalty": penalty,
        "civil_duties": duties,
        "court_fees": "200.000 đồng, đã nộp",
        "execution": "Đã chấp hành xong" if expunged_on else "Đang chấp hành",
        "expunged_on": expunged_on,
        **changes,
    }


def ban(subject: Subject, decided_on: date, *, years: int = 3) -> Row:
    """Return a ban on founding and running enterprises. Source: Bankruptcy Law 51/2014/QH13, article 130."""
    return PostBan, {
        **subject.base,
        "decision_number": f"{subject.serial % 90 + 9}/{decided_on.year}/QĐ-TBPS",
        "decided_on": decided_on,
        "court": f"Tòa án nhân dân mẫu, {subject.address.province}",
        "posts": "Thành lập doanh nghiệp, làm người quản lý doanh nghiệp",
        "from_day": decided_on,
        "until_day": date(decided_on.year + years, decided_on.month, decided_on.day),
    }


def drawn(draw: Draw, subject: Subject) -> Iterator[Row]:
    """Yield what one adult has: nothing for most."""
    if subject.age >= 18 and draw.chance(_CONVICTED):
        grown = subject.born + timedelta(days=18 * 366)
        judged_on = day_between(draw, max(grown, date(1995, 1, 9)))
        offence, penalty, duties = draw.one(_OFFENCES)
        served = judged_on + _TWO_YEARS + timedelta(days=draw.between(0, 900))
        expunged_on = served if served < REFERENCE_DAY and draw.chance(_EXPUNGED) else None
        yield conviction(
            subject, judged_on, expunged_on, offence=offence, penalty=penalty, civil_duties=duties,
            execution="Đã chấp hành xong" if served < REFERENCE_DAY else "Đang chấp hành",
        )  # fmt: skip
    if 30 <= subject.age < 75 and draw.chance(_BANNED):
        yield ban(subject, date(draw.between(2022, 2025), draw.between(1, 12), draw.between(1, 28)))
