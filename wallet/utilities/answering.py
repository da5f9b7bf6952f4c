"""Answers to a form: parsed and checked, every fault at once, by JSON Pointer below `/answers`.

A form is data (`wallet.utilities.forms`); a marshmallow schema is built from it once.
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from functools import cache
from typing import Any

from marshmallow import Schema, ValidationError, fields, validate

from wallet.errors import InvalidInput
from wallet.places import communes, provinces
from wallet.strict import PlainWords, StrictSchema, pointers
from wallet.utilities.forms import Answers, Ask, Field

MOST_TEXT = 5000
FIRST_YEAR, LAST_YEAR = 1800, 2199
"""Years of a day or moment that is typed. Terms are counted from it, in the zone of Vietnam, and at the ends of the
calendar nothing can be; `YYYY` of a date of birth begins with the same year."""
PHONE = re.compile(r"(?:\+84|0)([35789][0-9]{8})\Z")
"""Source: docs/domain.md, section 3.3 (unconfirmed as a rule, safe in practice)."""


def parse(
    form: tuple[Field, ...],
    raw: Mapping[str, Any],
    *,
    held: frozenset[str] = frozenset(),
    partial: bool = False,
    prefix: str = "/answers",
) -> Answers:
    """Return what was typed as values (`wallet.utilities.forms.Answers`).

    held: fields that a register answers, which are not asked and must not come. partial: what is missing may come
    later, as in a draft. Raises InvalidInput with every fault.
    """
    answers, faults = read(form, raw, held=held, partial=partial, prefix=prefix)
    if faults:
        raise InvalidInput(faults)
    return answers


def read(
    form: tuple[Field, ...],
    raw: Mapping[str, Any],
    *,
    held: frozenset[str] | None = None,
    partial: bool = False,
    prefix: str = "/answers",
) -> tuple[Answers, dict[str, str]]:
    """Return what can be read as values, records at their places, and every fault, JSON Pointer to code.

    held: as `parse` has it; None while no register was asked, when nothing is said of the fields that one may answer.
    """
    faults: dict[str, str] = {}
    try:
        answers: Any = schema_of(form)().load(dict(raw), partial=True)
    except ValidationError as error:
        faults = dict(pointers(error.normalized_messages(), prefix))
        answers = _readable(form, raw, error)
    faults |= dict(_faults(form, raw, answers, held, partial=partial, prefix=prefix))
    return {name: _frozen(value) for name, value in answers.items() if f"{prefix}/{name}" not in faults}, faults


def read_again(
    form: tuple[Field, ...], raw: Mapping[str, Any], *, held: frozenset[str] | None = None
) -> tuple[Answers, dict[str, str]]:
    """Return what `read` would of answers that were taken before, by a form that may have been another one.

    What today's form does not ask is no fault of theirs: it is left out.
    """
    answers, faults = read(form, still_asked(form, raw), held=held)
    return answers, {pointer: code for pointer, code in faults.items() if code != "not_asked"}


def recall(form: tuple[Field, ...], raw: Mapping[str, Any]) -> Answers:
    """Return of answers that were taken before what can be read today: fields and records without a fault."""
    answers, faults = read_again(form, raw)
    faulty = {tuple(pointer.split("/")[2:4]) for pointer in faults}
    records = {field.name for field in form if field.kind is Ask.RECORDS}
    return {
        name: tuple(each for place, each in enumerate(value) if (name, str(place)) not in faulty)
        if name in records
        else value
        for name, value in answers.items()
    }


def still_asked(form: tuple[Field, ...], raw: Mapping[str, Any]) -> dict[str, Any]:
    """Return the answers, as they were typed, without the fields that the form does not have, also inside records."""
    fields = {field.name: field for field in form}
    return {name: _still_asked(fields[name], value) for name, value in raw.items() if name in fields}


def _still_asked(field: Field, value: Any) -> Any:
    if field.kind is not Ask.RECORDS or not isinstance(value, list):
        return value
    return [still_asked(field.fields, each) if isinstance(each, Mapping) else each for each in value]


def plain(value: Any) -> Any:
    """Return an answer as JSON: what `parse` takes again."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {name: plain(inner) for name, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(inner) for inner in value]
    return value


def asked(field: Field, answers: Mapping[str, Any]) -> bool:
    """Return whether a field is asked, given the answers to the others."""
    if field.only_if is None:
        return True
    name, values = field.only_if
    given = answers.get(name)
    return any(each in values for each in given) if isinstance(given, (list, tuple)) else given in values


@cache
def schema_of(form: tuple[Field, ...]) -> type[Schema]:
    """Return the schema of a form. It asks for nothing: what is missing depends on the other answers."""
    return StrictSchema.from_dict({field.name: _built(field) for field in form}, name="Answers")


def _faults(
    form: tuple[Field, ...],
    raw: Mapping[str, Any],
    answers: Mapping[str, Any],
    held: frozenset[str] | None,
    *,
    partial: bool,
    prefix: str,
) -> Iterator[tuple[str, str]]:
    """Yield what depends on more than one field, and what is missing, also inside records."""
    for field in form:
        pointer, given = f"{prefix}/{field.name}", field.name in raw
        if held is not None and field.name in held:
            if given:
                yield pointer, "already_held"
        elif not asked(field, answers):
            if given and not _undecided(field, raw, answers):
                yield pointer, "not_asked"
        elif not given:
            if field.required and not partial and not (held is None and field.held_by):
                yield pointer, "required"
        elif field.kind is Ask.RECORDS and isinstance(raw[field.name], list):
            read_so_far = answers.get(field.name, ())
            for place, record in enumerate(raw[field.name]):
                if isinstance(record, Mapping):
                    inner = read_so_far[place] if place < len(read_so_far) else {}
                    yield from _faults(
                        field.fields, record, inner, frozenset(), partial=partial, prefix=f"{pointer}/{place}"
                    )


def _undecided(field: Field, raw: Mapping[str, Any], answers: Mapping[str, Any]) -> bool:
    """Return whether the answer that decides if a field is asked is there and cannot be read: that is its own fault."""
    return field.only_if is not None and field.only_if[0] in raw and field.only_if[0] not in answers


def _readable(form: tuple[Field, ...], raw: Mapping[str, Any], error: ValidationError) -> dict[str, Any]:
    """Return what of some answers can be read. A record of which nothing can be read is an empty one at its place."""
    found = dict(error.valid_data) if isinstance(error.valid_data, dict) else {}
    for field in form:
        records = raw.get(field.name)
        if field.kind is Ask.RECORDS and isinstance(records, list):
            found[field.name] = [_record(field.fields, record) for record in records]
    return found


def _record(form: tuple[Field, ...], record: Any) -> dict[str, Any]:
    if not isinstance(record, Mapping):
        return {}
    try:
        read_whole: dict[str, Any] = schema_of(form)().load(dict(record), partial=True)
    except ValidationError as error:
        return _readable(form, record, error)
    return read_whole


def _built(field: Field) -> fields.Field[Any]:
    least, most = field.size
    match field.kind:
        case Ask.TEXT:
            checks: list[Any] = [validate.Length(least, most)]
            if field.pattern:
                checks.append(validate.Regexp(rf"(?:{field.pattern})\Z"))
            return _Line(validate=checks)
        case Ask.LINES:
            return PlainWords(validate=validate.Length(least, min(most, MOST_TEXT)))
        case Ask.DAY:
            return _Day()
        case Ask.BIRTH_DATE:
            return _BirthDate()
        case Ask.MOMENT:
            return _Moment()
        case Ask.INT:
            return fields.Integer(strict=True, validate=validate.Range(least, most))
        case Ask.BOOL:
            return fields.Boolean(truthy={True}, falsy={False})
        case Ask.CHOICE:
            return fields.String(validate=validate.OneOf(field.choices))
        case Ask.CHOICES:
            each = fields.String(validate=validate.OneOf(field.choices))
            return fields.List(each, validate=[validate.Length(least, most), _all_different])
        case Ask.NUMBER:
            return fields.String(validate=validate.Regexp(r"[0-9]{12}\Z"))
        case Ask.PHONE:
            return _Phone()
        case Ask.EMAIL:
            return fields.Email(validate=validate.Length(3, 254))
        case Ask.COMMUNE:
            return _Place(communes)
        case Ask.PROVINCE:
            return _Place(provinces)
        case Ask.FILES:
            each = fields.String(validate=validate.Regexp(r"evd_[0-9a-f]{32}\Z"))
            return fields.List(each, validate=[validate.Length(least, most), _all_different])
        case Ask.RECORDS:
            return fields.List(fields.Nested(schema_of(field.fields)), validate=validate.Length(least, most))


class _Line(PlainWords):
    """One line that a person typed; runs of spaces are one."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        text = super()._deserialize(value, attr, data, **kwargs)
        if "\n" in text:
            raise ValidationError("not_plain_text")
        return " ".join(text.split())


class _Day(fields.String):
    """`YYYY-MM-DD`."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        text = super()._deserialize(value, attr, data, **kwargs)
        if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
            raise ValidationError("invalid_format")
        try:
            found = date.fromisoformat(text)
        except ValueError as error:
            raise ValidationError("no_such_day") from error
        _assert_in_range(found)
        return found


class _BirthDate(_Day):
    """`YYYY-MM-DD`, or `YYYY`, which stays a text."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        if isinstance(value, str) and re.fullmatch(r"(?:18|19|20)[0-9]{2}", value):
            return value
        return super()._deserialize(value, attr, data, **kwargs)


class _Moment(fields.String):
    """RFC 3339 with an offset, whole seconds; in UTC afterwards."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        text = super()._deserialize(value, attr, data, **kwargs)
        if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:Z|[+-][0-9]{2}:[0-9]{2})", text):
            raise ValidationError("invalid_format")
        try:
            found = datetime.fromisoformat(text)
        except ValueError as error:
            raise ValidationError("no_such_day") from error
        _assert_in_range(found)
        return found.astimezone(UTC)


class _Phone(fields.String):
    """A Vietnamese mobile number, as E.164 afterwards."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        found = PHONE.match(super()._deserialize(value, attr, data, **kwargs))
        if found is None:
            raise ValidationError("invalid_phone")
        return f"+84{found[1]}"


class _Place(fields.String):
    """The code of a place in force."""

    def __init__(self, known: Any) -> None:
        super().__init__()
        self._known = known

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        code = unicodedata.normalize("NFC", super()._deserialize(value, attr, data, **kwargs))
        if code not in self._known():
            raise ValidationError("unknown_place")
        return code


def _assert_in_range(typed: date) -> None:
    if not FIRST_YEAR <= typed.year <= LAST_YEAR:
        raise ValidationError("out_of_range")


def _all_different(values: list[Any]) -> None:
    if len(set(values)) != len(values):
        raise ValidationError("repeated")


def _frozen(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(_frozen(inner) for inner in value)
    if isinstance(value, dict):
        return {name: _frozen(inner) for name, inner in value.items()}
    return value
