"""How answers are made: JSON by a schema, strong ETags, pages with signed cursors."""

import json
from collections.abc import Sequence
from hashlib import sha256
from typing import Any

from flask import Response, current_app, request
from itsdangerous import BadSignature, URLSafeSerializer
from marshmallow import Schema, fields, validate

from wallet.crypto.keystore import Secret
from wallet.errors import BadRequest, PreconditionFailed, PreconditionRequired
from wallet.web.context import current_wallet
from wallet.web.schemas import Count, StrictSchema

PRIVATE = "private, no-store"
NO_STORE = "no-store"


class PageQuery(StrictSchema):
    """How much of a list, and from where."""

    limit = Count(load_default=20, validate=validate.Range(1, 100))
    # A callable, so that the API's description does not offer null as a value.
    cursor = fields.String(load_default=lambda: None)


def answer(
    schema: Schema, value: Any, status: int = 200, headers: dict[str, str] | None = None, *, cache: str = PRIVATE
) -> Response:
    """Return `value` through `schema`; what is None is left out."""
    return json_answer(without_none(schema.dump(value)), status, headers, cache=cache)


def json_answer(
    body: Any, status: int = 200, headers: dict[str, str] | None = None, *, cache: str = PRIVATE
) -> Response:
    """Return a JSON body."""
    response = current_app.response_class(_dumps(body), status, mimetype="application/json")
    response.headers["Cache-Control"] = cache
    response.headers.update(headers or {})
    return response


def with_etag(response: Response) -> Response:
    """Add a strong ETag over the body, and answer 304 to a caller who has it."""
    response.set_etag(sha256(response.get_data()).hexdigest()[:32])
    return conditional(response)


def conditional(response: Response) -> Response:
    """Weigh the caller's conditions (RFC 9110, section 13). Raises PreconditionFailed, for If-Match on a read too."""
    response.make_conditional(request)
    if response.status_code == 412:
        raise PreconditionFailed("version_changed")
    return response


def version_etag(version: int) -> str:
    """Return the ETag of something whose edits are counted."""
    return f'"v{version}"'


def expected_version_if_any() -> int | None:
    """Return the version that If-Match names, None where it names none. Raises PreconditionFailed as that one does."""
    return expected_version() if request.headers.get("If-Match") else None


def expected_version() -> int:
    """Return the version that If-Match names. Raises PreconditionRequired, PreconditionFailed for anything else."""
    given = request.headers.get("If-Match", "")
    if not given:
        raise PreconditionRequired("if_match_required")
    if not (given.startswith('"v') and given.endswith('"') and given[2:-1].isascii() and given[2:-1].isdigit()):
        raise PreconditionFailed("version_changed")
    return int(given[2:-1][:9])


def page_answer(
    schema: Schema, rows: Sequence[Any], following: str | None, purpose: str, limit: int, **more: Any
) -> Response:
    """Return one page: `data`, and `next_cursor`, which is null at the end. more: what the answer says beside them."""
    cursor = None if following is None else _serializer(purpose).dumps(following)
    body = {"data": [without_none(schema.dump(row)) for row in rows], "next_cursor": cursor, **more}
    headers = {}
    if cursor is not None:
        # Our own address and the limit as understood: neither Host nor the raw query gets into a header.
        address = f"{current_wallet().settings.issuer_url}{request.path}?limit={limit}&cursor={cursor}"
        headers["Link"] = f'<{address}>; rel="next"'
    return json_answer(body, headers=headers)


def place_of(cursor: str | None, purpose: str) -> str | None:
    """Return the place that a cursor of ours names. Raises BadRequest for any other text.

    purpose: the list and whose it is; a cursor is good for that one alone.
    """
    if cursor is None:
        return None
    try:
        place: str = _serializer(purpose).loads(cursor)
    except BadSignature as error:
        raise BadRequest("invalid_cursor") from error
    return place


def without_none(value: Any) -> Any:
    """Return JSON in which absent things are absent, never null."""
    if isinstance(value, dict):
        return {name: without_none(inner) for name, inner in value.items() if inner is not None}
    return [without_none(inner) for inner in value] if isinstance(value, list) else value


def _serializer(purpose: str) -> URLSafeSerializer:
    return URLSafeSerializer(current_wallet().keystore.secret(Secret.CURSORS), salt=purpose)


def _dumps(body: Any) -> str:
    return json.dumps(body, ensure_ascii=False, separators=(",", ":"))
