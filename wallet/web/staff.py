"""How the first members of staff get in: a token from the server's shell, and the device that it is used on."""

from typing import Any

from flask import Response
from marshmallow import fields, validate

from wallet.identity.staffing import EnrolmentOrder
from wallet.web.answers import answer
from wallet.web.auth import MAX_HEADER_CHARACTERS
from wallet.web.context import current_wallet, request_id
from wallet.web.operations import Routes, operation
from wallet.web.schemas import NAME, PublicKeySchema, StrictSchema

routes = Routes("staff", __name__, url_prefix="/v1", description="How staff get in")


class StaffEnrolmentSchema(StrictSchema):
    """The token, the device that is to be bound, and the secrets that its owner chose."""

    token = fields.String(required=True, validate=validate.Regexp(r"^vse_[0-9a-f]{32}\Z"))
    device_id = fields.String(required=True, validate=validate.Regexp(r"^dev_[A-Za-z0-9_-]{1,60}\Z"))
    public_key = fields.Nested(PublicKeySchema, required=True)
    biometric_key = fields.Nested(PublicKeySchema)
    device_name = fields.String(required=True, validate=validate.Regexp(NAME))
    proof = fields.String(
        required=True,
        validate=validate.Length(1, MAX_HEADER_CHARACTERS),
        metadata={"description": "Compact JWS of the type viso-device-proof+jwt, by the new key"},
    )
    password = fields.String(required=True, validate=validate.Length(1, 128))
    passcode = fields.String(required=True, validate=validate.Length(1, 64))


class EnrolledSchema(StrictSchema):
    """The account that is active now; the device signs in as any other."""

    account_id = fields.String(required=True)
    device_id = fields.String(required=True)


@operation(routes, "POST", "/staff-enrolments")
@routes.arguments(StaffEnrolmentSchema)
@routes.response(201, EnrolledSchema)
def enrol_staff(order: dict[str, Any]) -> Response:
    """Bind a first device with the token that `wallet staff add` printed, and activate the account."""
    account_id = current_wallet().staff_enrolling.enrol(EnrolmentOrder(**order), request_id())
    return answer(EnrolledSchema(), {"account_id": account_id, "device_id": order["device_id"]}, 201)
