"""Judging what a partner answered: it is the answer to our question, about this person, in the shape it declared.

An answer: `{"MaYeuCau": ours, "ThoiDiemCapNhat": an aware moment, "DuLieu": {...}}`; DuLieu null for an unknown person.
Source of the names: docs/domain.md section 6.1; the envelope is ours.
"""

import base64
import binascii
import re
import unicodedata
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

from wallet.crypto.jws import json_object
from wallet.errors import Malformed
from wallet.sources.base import Fact, Facts, RegisterCode
from wallet.sources.shapes import FactKind, Shape

LONGEST_TEXT = 4000
MOST_RECORDS = 2000
FIRST_YEAR = 1900
AHEAD = timedelta(minutes=5)
"""How far a partner's clock may be before ours."""

POPULATION_FIELDS: Mapping[str, str] = {
    "number": "SoDinhDanh",
    "former_numbers": "SoDinhDanhCu",
    "cmnd": "SoCMND",
    "full_name": "HoVaTen",
    "family_name": "Ho",
    "middle_name": "ChuDem",
    "given_name": "Ten",
    "birth_date": "NgayThangNamSinh",
}
"""What the population database calls some facts; `number` and `former_numbers` are called so by every register."""

_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_YEAR = re.compile(r"(18|19|20|21)[0-9]{2}")


class Lying(Exception):
    """An answer that must not be believed. reason: a code. fact: which one is wrong; never its value."""

    def __init__(self, reason: str, fact: str = "") -> None:
        super().__init__(reason)
        self.reason, self.fact = reason, fact


class Unknown(Exception):
    """The register does not know whom it was asked for, and says so in an answer to our question."""


def parse(body: bytes) -> Mapping[str, Any]:
    """Return the object that these bytes are. Raises Lying("not_json")."""
    try:
        return json_object(body)
    except Malformed as error:
        raise Lying("not_json") from error


def judge(
    answer: Mapping[str, Any],
    *,
    register: str,
    asked: str,
    call_id: str,
    fields: Mapping[str, str],
    shape: Shape,
    required: frozenset[str],
    now: datetime,
) -> Facts:
    """Return the facts of an answer.

    asked: the number that was asked for. fields: fact name to what the partner calls it (`a.b` inside records), where
    that differs. Raises Unknown, Lying.
    """
    require_ours(answer, call_id)
    if "DuLieu" not in answer:
        raise Lying("no_data")
    data = answer["DuLieu"]
    if data is None:
        raise Unknown
    if not isinstance(data, dict):
        raise Lying("no_data")
    _require_person(data, register, asked, fields)
    names = {**(POPULATION_FIELDS if register == RegisterCode.POPULATION else {}), **fields}
    values = _facts(data, shape, names, "", required)
    if register == RegisterCode.POPULATION:
        parts = [str(values[part]) for part in ("family_name", "middle_name", "given_name") if part in values]
        if parts and "full_name" not in values:
            values["full_name"] = " ".join(parts)
    missing = sorted(name for name in required - values.keys() if "." not in name)
    if missing:
        raise Lying("fact_missing", missing[0])
    return Facts(register, values, as_of(answer, now))


def is_unknown(answer: Mapping[str, Any], call_id: str) -> bool:
    """Tell whether a 404 is the register's word about a person, and not a wrong address. Raises Lying."""
    require_ours(answer, call_id)
    return "DuLieu" in answer and answer["DuLieu"] is None


def require_ours(answer: Mapping[str, Any], call_id: str) -> None:
    """Check that an answer is that to our question. Raises Lying."""
    if answer.get("MaYeuCau") != call_id:
        raise Lying("another_answer")


def _require_person(data: Mapping[str, Any], register: str, asked: str, fields: Mapping[str, str]) -> None:
    """Check whom the answer is about: the number that was asked for, or one that replaced it."""
    if register == RegisterCode.BUSINESSES:
        same = data.get(fields.get("enterprise_code", "enterprise_code")) == asked
    else:
        former = data.get(fields.get("former_numbers", POPULATION_FIELDS["former_numbers"]), [])
        known = [data.get(fields.get("number", POPULATION_FIELDS["number"]))]
        known += former if isinstance(former, list) else []
        if len(asked) == 9:
            known.append(data.get(fields.get("cmnd", POPULATION_FIELDS["cmnd"])))
        same = asked in known
    if not same:
        raise Lying("another_person")


def _facts(
    data: Mapping[str, Any], shape: Shape, names: Mapping[str, str], place: str, required: frozenset[str]
) -> dict[str, Fact]:
    """Return what the shape names; anything else is left where it is. null counts as not stated."""
    found: dict[str, Fact] = {}
    for name, kind in shape.items():
        path = f"{place}{name}"
        value = data.get(names.get(path, name))
        if value is None:
            continue
        if isinstance(kind, Mapping):
            found[name] = _records(value, kind, names, path, required)
        else:
            found[name] = _fact(value, kind, path)
    return found


def _records(
    value: Any, shape: Shape, names: Mapping[str, str], path: str, required: frozenset[str]
) -> tuple[Mapping[str, Fact], ...]:
    if not isinstance(value, list) or len(value) > MOST_RECORDS or not all(isinstance(each, dict) for each in value):
        raise Lying("fact_type", path)
    records = tuple(_facts(each, shape, names, f"{path}.", required) for each in value)
    parts = sorted(part for part in shape if f"{path}.{part}" in required)
    for part in parts:
        if any(part not in record for record in records):
            raise Lying("fact_missing", f"{path}.{part}")
    return records


def _fact(value: Any, kind: FactKind, path: str) -> Fact:
    if kind is FactKind.BOOL and isinstance(value, bool):
        return value
    if kind is FactKind.INT and isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**53:
        return value
    if kind is FactKind.TEXTS and isinstance(value, list) and len(value) <= MOST_RECORDS:
        return tuple(_text(each, path) for each in value)
    if kind in (FactKind.TEXT, FactKind.DAY, FactKind.BIRTH, FactKind.BYTES):
        return _from_text(value, kind, path)
    raise Lying("fact_type", path)


def _from_text(value: Any, kind: FactKind, path: str) -> Fact:
    if kind is FactKind.BYTES:
        try:
            return base64.b64decode(value, validate=True) if isinstance(value, str) else _wrong(path)
        except (binascii.Error, ValueError) as error:
            raise Lying("fact_type", path) from error
    text = _text(value, path)
    if kind is FactKind.TEXT:
        return text
    if kind is FactKind.BIRTH and _YEAR.fullmatch(text):
        return text
    try:
        return date.fromisoformat(text) if _DAY.fullmatch(text) else _wrong(path)
    except ValueError as error:
        raise Lying("fact_type", path) from error


def _text(value: Any, path: str) -> str:
    if not isinstance(value, str) or len(value) > LONGEST_TEXT:
        raise Lying("fact_type", path)
    if any(unicodedata.category(letter) in ("Cc", "Cs") and letter != "\n" for letter in value):
        raise Lying("fact_type", path)
    return unicodedata.normalize("NFC", value)


def _wrong(path: str) -> Any:
    raise Lying("fact_type", path)


def as_of(answer: Mapping[str, Any], now: datetime) -> datetime:
    """Return when the register last changed what it states: from the answer, for only the register knows.

    Raises Lying("freshness").
    """
    try:
        moment = datetime.fromisoformat(answer["ThoiDiemCapNhat"])
    except (KeyError, TypeError, ValueError) as error:
        raise Lying("freshness") from error
    # A year that no register has seen: its zone could lead out of the calendar.
    if moment.tzinfo is None or moment.year < FIRST_YEAR or moment > now + AHEAD:
        raise Lying("freshness")
    return moment.astimezone(UTC)
