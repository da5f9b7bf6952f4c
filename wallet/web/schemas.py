"""What every schema and every parsed request shares: strict fields, stable codes, strict JSON.

Unknown fields are refused. Each field error is a code; all of them come back at once, by JSON Pointer.
"""

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from math import isfinite
from typing import Any, NoReturn

from flask import Request, request
from marshmallow import RAISE, Schema, ValidationError, fields, validate
from webargs.flaskparser import FlaskParser
from webargs.multidictproxy import MultiDictProxy
from werkzeug.exceptions import RequestEntityTooLarge, UnsupportedMediaType

from wallet.errors import BadRequest, InvalidInput
from wallet.strict import PlainWords, StrictSchema, pointers

__all__ = ["PlainWords", "StrictSchema"]

JSON = "application/json"
MERGE_PATCH = "application/merge-patch+json"
NAME = r"^[^\x00-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]{1,80}\Z"
"""A line that a person reads: nothing that is invisible or turns its direction."""

MAX_DEPTH = 32
MAX_DIGITS = 128


class Moment(fields.Field[datetime]):
    """RFC 3339 in UTC with `Z`, whole seconds."""

    def _serialize(self, value: datetime | None, attr: str | None, obj: Any, **kwargs: Any) -> str | None:
        return None if value is None else value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class Both(fields.Field[Mapping[str, str]]):
    """A text in both languages: `{"vi": ..., "en": ...}`."""

    def __init__(self, **options: Any) -> None:
        text = {"type": "string"}
        super().__init__(**options, metadata={"properties": {"vi": text, "en": text}, "required": ["vi", "en"]})

    def _serialize(self, value: Mapping[str, str] | None, attr: str | None, obj: Any, **kwargs: Any) -> Any:
        return None if value is None else {"vi": value["vi"], "en": value["en"]}


class PublicKeySchema(StrictSchema):
    """The public half of a P-256 key as a JWK (RFC 7518, section 6.2.1)."""

    kty = fields.String(required=True, validate=validate.OneOf(["EC"]))
    crv = fields.String(required=True, validate=validate.OneOf(["P-256"]))
    x = fields.String(required=True, validate=validate.Length(equal=43))
    y = fields.String(required=True, validate=validate.Length(equal=43))


LEGAL_REF = (
    validate.Length(3, 60),
    validate.Regexp(r"^[A-ZĐƯ./-]*[0-9]{1,8}(?:[A-ZĐƯ./-]+[0-9]{1,8})*[A-ZĐƯ./-]*\Z"),
)
"""The symbol of a document that an act rests on, as `123/QĐ-CAHN` or `TK03-2026/15`. It is kept where nothing is
erased, so neither words nor nine digits in a row fit: no name, no phone, no number of a person."""


class Count(fields.Integer):
    """A small whole number in a query, written in plain digits: `int()` alone also takes ` 5`, `1_0` and `٥`."""

    def _validated(self, value: Any) -> int:
        if not (isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 10):
            raise self.make_error("invalid", input=value)
        return int(value)


class StrictParser(FlaskParser):
    """Reads a request as this API promises to: JSON that means one thing, parameters that are known and single.

    What is wrong with a query is a bad request, unless its schema is `stated`: what somebody states of what they do is
    told field by field, wherever it stands.
    """

    DEFAULT_UNKNOWN_BY_LOCATION = {"json": RAISE, "query": RAISE}  # noqa: RUF012 - webargs' own shape

    def load_json(self, req: Request, schema: Schema) -> Any:
        if req.mimetype not in (JSON, MERGE_PATCH if req.method == "PATCH" else JSON):
            raise UnsupportedMediaType
        return parse_json(read_body(req))

    def load_querystring(self, req: Request, schema: Schema) -> Any:
        _refuse_repeated(req)
        return MultiDictProxy(req.args, schema)

    def handle_error(
        self, error: ValidationError, req: Request, schema: Schema, *, error_status_code: Any, error_headers: Any
    ) -> NoReturn:
        location, messages = next(iter(error.normalized_messages().items()))
        flat = dict(pointers(messages))
        if location == "query":
            names = {pointer.split("/")[1] for pointer in flat if pointer}
            unknown = {name for name in names if flat.get(f"/{name}") == "unknown_field"}
            if unknown or not getattr(schema, "stated", False):
                code = "unknown_parameter" if unknown else "invalid_parameter"
                raise BadRequest(code, name=", ".join(sorted(name[:64] for name in unknown or names))) from error
        raise InvalidInput(flat) from error


def refuse_parameters() -> None:
    """Refuse a query where none is read: an unknown parameter is an error, not silence. Raises BadRequest."""
    _refuse_repeated(request)
    if request.args:
        raise BadRequest("unknown_parameter", name=", ".join(sorted(name[:64] for name in request.args)))


def _refuse_repeated(req: Request) -> None:
    repeated = next((name for name, values in req.args.lists() if len(values) > 1), None)
    if repeated is not None:
        raise BadRequest("repeated_parameter", name=repeated[:64])


def read_body(req: Request) -> bytes:
    """Return the body. Raises RequestEntityTooLarge.

    A body that comes in chunks names no length; Werkzeug then stops at the limit and hands out what fitted.
    """
    body = req.get_data(cache=True)
    limit = req.max_content_length
    if req.content_length is None and limit is not None and len(body) >= limit and req.environ["wsgi.input"].read(1):
        raise RequestEntityTooLarge
    return body


def parse_json(body: bytes) -> Any:
    """Return the value of a JSON text (RFC 8259) that means one thing.

    Raises BadRequest for duplicate names, NaN and its kin, nesting deeper than 32, NUL and lone surrogates;
    its `reason` is a code of the catalogue's section `malformed`.
    """
    try:
        text = body.decode("utf-8")
    except ValueError as error:
        raise _unread("not_utf8") from error
    try:
        value = _DECODER.decode(text)
    except RecursionError as error:
        raise _unread("nested_too_deeply") from error
    except ValueError as error:
        raise _unread("not_json") from error
    _assert_plain(value, 0)
    return value


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    names = dict(pairs)
    if len(names) != len(pairs):
        raise _unread("duplicate_name")
    return names


def _no_constant(_name: str) -> NoReturn:
    raise _unread("not_a_number")


def _finite(digits: str) -> float:
    number = float(digits)
    if not isfinite(number):
        raise _unread("number_too_long")
    return number


def _whole_number(digits: str) -> int:
    if len(digits) > MAX_DIGITS:
        raise _unread("number_too_long")
    return int(digits)


def _unread(reason: str) -> BadRequest:
    return BadRequest("malformed_request", reason=reason)


def _assert_plain(value: Any, depth: int) -> None:
    if depth > MAX_DEPTH:
        raise _unread("nested_too_deeply")
    if isinstance(value, str):
        if _NO_CHARACTER.search(value):
            raise _unread("not_a_character")
    elif isinstance(value, dict):
        for name, inner in value.items():
            _assert_plain(name, depth + 1)
            _assert_plain(inner, depth + 1)
    elif isinstance(value, list):
        for inner in value:
            _assert_plain(inner, depth + 1)


_NO_CHARACTER = re.compile("[\0\ud800-\udfff]")
# Built once: json.loads builds a decoder for each call that has a hook.
_DECODER = json.JSONDecoder(
    object_pairs_hook=_once_each, parse_constant=_no_constant, parse_float=_finite, parse_int=_whole_number
)


class ValueCodeSchema(StrictSchema):
    """The words for a value that is a code. name: of what it is the value of; within records, the name there."""

    name = fields.String(required=True)
    code = fields.String(required=True)
    label = Both(required=True)


class Stated(fields.Raw):
    """A value of a register as JSON: a text, a number, a day, a list, records."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options, metadata={"type": ["string", "integer", "boolean", "array", "object"]})
