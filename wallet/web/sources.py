"""How the registers stand: which are a partner's API, whether it answers, and what came of the questions."""

from typing import Any

from flask import Response
from marshmallow import fields

from wallet.sources.http import PartnerRegister, SourceStatus
from wallet.texts.catalogue import catalogue
from wallet.web.admin import ADMIN
from wallet.web.answers import answer
from wallet.web.context import current_wallet
from wallet.web.language import caller_language
from wallet.web.operations import Routes, operation
from wallet.web.schemas import Moment, StrictSchema

routes = Routes("sources", __name__, url_prefix="/v1/admin", description="How the registers stand, for admins")


class SourceSchema(StrictSchema):
    """One register. Only a partner's has more than code, name and kind; its counts are those of this process.

    state: `closed` is asked as usual, `open` is left alone after failures, `half_open` is asked once to see.
    outcomes: questions by what came of them.
    """

    code = fields.String(required=True)
    name = fields.String(required=True)
    kind = fields.String(required=True, metadata={"x-extensible-enum": ["embedded", "partner"]})
    place = fields.String()
    state = fields.String(metadata={"x-extensible-enum": ["closed", "open", "half_open"]})
    failures_in_a_row = fields.Integer()
    last_answer_at = Moment()
    last_failure_at = Moment()
    last_reason = fields.String()
    outcomes = fields.Dict(keys=fields.String(), values=fields.Integer())


class SourcesSchema(StrictSchema):
    data = fields.List(fields.Nested(SourceSchema), required=True)


@operation(routes, "GET", "/sources", **ADMIN)
@routes.response(200, SourcesSchema)
def list_sources() -> Response:
    """List the registers and how each stands. Nobody is asked for it."""
    words = catalogue(caller_language())["registers"]
    data: list[dict[str, Any]] = []
    for code, register in sorted(current_wallet().registers.items()):
        if isinstance(register, PartnerRegister):
            name = register.partner.names.get(caller_language()) or words.get(code, code)
            data.append({"code": code, "name": name, "kind": "partner"} | _standing(register.status()))
        else:
            data.append({"code": code, "name": words.get(code, code), "kind": "embedded"})
    return answer(SourcesSchema(), {"data": data})


def _standing(status: SourceStatus) -> dict[str, Any]:
    stated = {name: getattr(status, name) for name in SourceStatus.__slots__ if name != "code"}
    stated |= {"state": str(status.state), "last_reason": status.last_reason or None}
    return {name: value for name, value in stated.items() if value is not None}
