"""The check, for anyone: a code in, a verdict out. A plain view, for it is the hot path."""

import json
from typing import Any

from flask import Blueprint, Response, current_app, request
from werkzeug.exceptions import UnsupportedMediaType

from wallet.errors import InvalidInput, pointer_step
from wallet.web.context import current_wallet
from wallet.web.schemas import parse_json, read_body, refuse_parameters

PATH = "/v1/checks"
CONTENT_TYPE = "application/json"
HEADERS = (("Content-Type", CONTENT_TYPE), ("Cache-Control", "no-store"))
_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), check_circular=False)

routes = Blueprint("checks", __name__)
routes.before_request(refuse_parameters)


@routes.post(PATH)
def check_code() -> Response:
    """Check a code. A text that is no code is a verdict too; only a body of another shape is an error."""
    if request.mimetype != CONTENT_TYPE:
        raise UnsupportedMediaType
    body = parse_json(read_body(request))
    answer = current_wallet().checking.check(_code_in(body))
    return current_app.response_class(encoded(answer), headers=HEADERS)


def encoded(answer: dict[str, Any]) -> bytes:
    """Return an answer as both lanes send it."""
    return _ENCODER.encode(answer).encode()


def _code_in(body: Any) -> str:
    if not isinstance(body, dict):
        raise InvalidInput({"": "invalid_type"})
    wrong = {pointer_step(name): "unknown_field" for name in body if name != "code"}
    if "code" not in body:
        wrong["/code"] = "required"
    elif not isinstance(body["code"], str):
        wrong["/code"] = "invalid_type"
    if wrong:
        raise InvalidInput(wrong)
    code: str = body["code"]
    return code
