"""Invented driving licences and vehicles. Numbers begin with 099 and plates with 09, which no province has."""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

from wallet.demo.draw import Draw
from wallet.demo.papers.common import Row, Subject, day_between
from wallet.sources.ministry_models import DrivingLicence, Vehicle

_LICENSED = 0.4
_OWNING = 0.6
_CARS = 0.2
_FULL_POINTS = 12
_LETTERS = "ABCDEFGHKLMNPSTUVXY"
_FIRST_PLATE = 8000
"""Serials below this belong to the people who are in every nation; their plates have the letter Z."""

_BRANDS = {
    "motorcycle": (("Honda", "Wave Alpha"), ("Honda", "Vision"), ("Yamaha", "Sirius"), ("VinFast", "Evo 200")),
    "car": (("Toyota", "Vios"), ("Hyundai", "Accent"), ("VinFast", "VF 5"), ("Mazda", "CX-5")),
}
_COLOURS = ("Trắng", "Đen", "Đỏ", "Xanh", "Bạc")


def licence(subject: Subject, issued_on: date, classes: str = "A1", *, state: str = "valid", **changes: Any) -> Row:
    """Return one licence. classes: with blanks between them; those of motorcycles alone never expire."""
    kept = all(each.startswith("A") for each in classes.split())
    return DrivingLicence, {
        **subject.named,
        "licence_number": f"099{issued_on:%y}{subject.serial % 10**7:07d}",
        "classes": classes,
        "issued_on": issued_on,
        "expires_on": None if kept else date(issued_on.year + 10, issued_on.month, min(issued_on.day, 28)),
        "issued_by": f"Sở Giao thông vận tải mẫu {subject.province}"
        if issued_on < date(2025, 3, 1)
        else f"Phòng Cảnh sát giao thông mẫu, Công an {subject.address.province}",
        "points": _FULL_POINTS,
        "state": state,
        **changes,
    }


def vehicle(subject: Subject, kind: str, registered_on: date, *, state: str = "valid", **changes: Any) -> Row:
    """Return one vehicle. kind: `car` or `motorcycle`. Cars are registered until their inspection falls due."""
    brands = _BRANDS[kind]
    brand, model = brands[subject.serial % len(brands)]
    return Vehicle, {
        **subject.named,
        "plate": plate(kind, subject.serial),
        "kind": kind,
        "brand": brand,
        "model": model,
        "colour": _COLOURS[subject.serial % len(_COLOURS)],
        "chassis_number": f"RL099{kind[0].upper()}{subject.serial:09d}",
        "engine_number": f"099{kind[0].upper()}{subject.serial:08d}",
        "registered_on": registered_on,
        "registered_by": f"Phòng Cảnh sát giao thông mẫu, Công an {subject.address.province}",
        "expires_on": None,
        "state": state,
        **changes,
    }


def plate(kind: str, serial: int) -> str:
    """Return a plate that no vehicle has: `09A-123.45` for a car, `09-B1 123.45` for a motorcycle."""
    fixed = serial < _FIRST_PLATE
    series, digits = divmod(serial if fixed else serial - _FIRST_PLATE, 10**5)
    shown = f"{digits // 100:03d}.{digits % 100:02d}"
    letter = "Z" if fixed else _LETTERS[series % len(_LETTERS)]
    return f"09{letter}-{shown}" if kind == "car" else f"09-{letter}{series // len(_LETTERS) % 9 + 1} {shown}"


def drawn(draw: Draw, subject: Subject) -> Iterator[Row]:
    """Yield what one adult drives and owns."""
    if subject.age < 18:
        return
    grown = max(subject.born + timedelta(days=18 * 366), date(2005, 1, 3))
    if draw.chance(_LICENSED):
        issued_on = day_between(draw, grown)
        old = issued_on < date(2012, 7, 1) and draw.chance(0.3)
        state = "old_paper" if old else "revoked" if draw.chance(0.01) else "held" if draw.chance(0.02) else "valid"
        points = _FULL_POINTS if draw.chance(0.9) else draw.between(1, 11)
        classes = "A1 B2" if issued_on < date(2025, 1, 1) else "A1 B"
        yield licence(
            subject, issued_on, classes if draw.chance(0.3) else "A1", state=state, points=0 if old else points
        )
    if draw.chance(_OWNING):
        state = "held" if draw.chance(0.02) else "cancelled" if draw.chance(0.02) else "valid"
        kind = "car" if draw.chance(_CARS) else "motorcycle"
        yield vehicle(subject, kind, day_between(draw, max(grown, date(2012, 1, 2))), state=state)
