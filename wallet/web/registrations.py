"""Registering at home for an account of level 1: nobody is signed in yet, and nobody learns anything by asking."""

from typing import Any

from flask import Response
from marshmallow import fields, validate

from wallet.enrolment.registering import RegistrationOrder
from wallet.web.addresses import client_block
from wallet.web.answers import NO_STORE, answer
from wallet.web.context import current_wallet, request_id
from wallet.web.operations import Routes, operation
from wallet.web.schemas import Moment, PublicKeySchema, StrictSchema

routes = Routes("registrations", __name__, url_prefix="/v1", description="Registering at home for level 1")
MAX_BODY = 1 << 20
MAX_SAMPLE = 900_000
NUMBER = r"^[0-9]{12}\Z"


class RegistrationOrderSchema(StrictSchema):
    """What someone states of themselves, their own-name phone, and a face photo that was taken just now."""

    number = fields.String(required=True, validate=validate.Regexp(NUMBER))
    full_name = fields.String(required=True, validate=validate.Length(1, 200))
    birth_date = fields.String(
        required=True, validate=validate.Length(4, 10), metadata={"description": "YYYY-MM-DD, or YYYY"}
    )
    phone = fields.String(required=True, validate=validate.Length(1, 16))
    email = fields.Email(validate=validate.Length(3, 254), load_default=lambda: None)
    face_sample = fields.String(
        required=True, validate=validate.Length(1, MAX_SAMPLE), metadata={"description": "base64url, without padding"}
    )
    device_id = fields.String(required=True, validate=validate.Regexp(r"^dev_[A-Za-z0-9_-]{1,60}\Z"))
    public_key = fields.Nested(PublicKeySchema, required=True)
    consent = fields.Boolean(required=True, truthy={True}, falsy={False})
    consent_version = fields.String(required=True, validate=validate.Length(1, 16))


class RegistrationSchema(StrictSchema):
    """A registration. The outcome comes by message to the phone that was given, and only there."""

    registration_id = fields.String(required=True)
    state = fields.String(required=True, metadata={"x-extensible-enum": ["received", "answered"]})
    due_at = Moment(required=True)
    next_poll_after = Moment(required=True)


@operation(routes, "POST", "/registrations", max_body=MAX_BODY, location=True)
@routes.arguments(RegistrationOrderSchema)
@routes.response(202, RegistrationSchema)
def register_at_home(order: dict[str, Any]) -> Response:
    """Register for an account of level 1. Whatever is stated, the answer is the same; the outcome comes by message."""
    with current_wallet().work() as work:
        made = work.registrations.receive(RegistrationOrder(**order), client_block(), request_id())
    location = {"Location": f"/v1/registrations/{made.id}"}
    return answer(RegistrationSchema(), _body(made), 202, location, cache=NO_STORE)


@operation(routes, "GET", "/registrations/<registration_id>")
@routes.response(200, RegistrationSchema)
def read_registration(registration_id: str) -> Response:
    """Read whether a registration was answered; the answer itself went to the phone."""
    with current_wallet().read() as work:
        return answer(RegistrationSchema(), _body(work.registrations.get(registration_id)), cache=NO_STORE)


def _body(made: Any) -> dict[str, Any]:
    return {
        "registration_id": made.id,
        "state": made.state,
        "due_at": made.due_at,
        "next_poll_after": made.next_poll_after,
    }
