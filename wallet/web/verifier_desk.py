"""What a verifier's desk is and may see, told to the desk itself: a scanner configures itself from it."""

from typing import Any

from flask import Response
from marshmallow import fields, validate

from wallet.checks.purposes import PurposeKind
from wallet.web.answers import answer
from wallet.web.operations import Routes
from wallet.web.schemas import Both, StrictSchema
from wallet.web.verifier_desk_auth import current_desk, desk_operation

routes = Routes(
    "verifier", __name__, url_prefix="/v1/verifier", description="What a verifier's desk does, with its key"
)
KINDS = [str(kind) for kind in PurposeKind]


class QuotasSchema(StrictSchema):
    """How much a purpose may look at: distinct citizens an hour of an organisation, checks a minute of a desk."""

    citizens_an_hour = fields.Integer(required=True, strict=True, validate=validate.Range(1, 100_000))
    checks_a_minute = fields.Integer(required=True, strict=True, validate=validate.Range(1, 10_000))


class PurposeSchema(StrictSchema):
    """A purpose in force. `claims`: of each kind of document, the claims that it may show."""

    code = fields.String(required=True)
    kind = fields.String(required=True, metadata={"x-extensible-enum": KINDS})
    title = Both(required=True)
    legal_ground = fields.String(required=True)
    strict_ground = fields.String()
    claims = fields.Dict(keys=fields.String(), values=fields.List(fields.String()), required=True)
    portrait = fields.Boolean(required=True)
    quotas = fields.Nested(QuotasSchema, required=True)


class VerifierNameSchema(StrictSchema):
    id = fields.String(required=True)
    name = Both(required=True)


class OwnDeskSchema(StrictSchema):
    """A desk as it sees itself. `test`: it stands in a demo, where everybody is invented."""

    id = fields.String(required=True)
    name = fields.String(required=True)
    gate_id = fields.String(required=True)
    organisation = fields.Nested(VerifierNameSchema, required=True)
    test = fields.Boolean(required=True)
    purposes = fields.List(fields.Nested(PurposeSchema), required=True)


@desk_operation(routes, "GET", "/desk")
@routes.response(200, OwnDeskSchema)
def read_own_desk() -> Response:
    """Tell a desk what it is: its organisation, its gate, and for each purpose which claims it may see."""
    desk = current_desk()
    body: dict[str, Any] = {
        "id": desk.desk_id,
        "name": desk.desk_name,
        "gate_id": desk.gate_id,
        "organisation": {"id": desk.organisation_id, "name": desk.organisation_name},
        "test": desk.test,
        "purposes": [purpose.to_json() for _, purpose in sorted(desk.purposes.items())],
    }
    return answer(OwnDeskSchema(), body)
