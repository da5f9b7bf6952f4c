"""Signing in and out, stepping up, and who one is signed in as."""

from typing import Any

from flask import Response
from marshmallow import ValidationError, fields, validate, validates_schema

from wallet.identity.sessions import DPOP
from wallet.identity.signing_in import SignInOrder, StepUpOrder
from wallet.web.addresses import client_block
from wallet.web.answers import NO_STORE, answer
from wallet.web.auth import (
    DPOP_SCHEME,
    MAX_HEADER_CHARACTERS,
    current_actor,
    current_session,
    dpop_header,
    request_url,
)
from wallet.web.context import current_wallet, request_id
from wallet.web.operations import OWN_SESSION, Routes, operation
from wallet.web.schemas import Moment, StrictSchema
from wallet.web.session_answers import AssertionSchema, SessionSchema, session_answer

routes = Routes("sessions", __name__, url_prefix="/v1", description="Signing in with a device, and out")


def _token(**options: Any) -> fields.String:
    return _text(required=True, **options)


def _text(**options: Any) -> fields.String:
    return fields.String(validate=validate.Length(1, MAX_HEADER_CHARACTERS), **options)


class ChallengeOrderSchema(StrictSchema):
    """Which device asks."""

    device_id = fields.String(required=True, validate=validate.Regexp(r"^dev_[A-Za-z0-9_-]{1,60}\Z"))


class ChallengeSchema(StrictSchema):
    """What the device has to sign, and until when."""

    challenge = fields.String(required=True)
    expires_at = Moment(required=True)


class SignInSchema(StrictSchema):
    """A device's proof, and with it number and password, or neither."""

    proof = _token(metadata={"description": "Compact JWS of the type viso-device-proof+jwt"})
    number = fields.String(validate=validate.Regexp(r"^[0-9]{12}\Z"))
    password = fields.String(validate=validate.Length(1, 128))
    token_binding = fields.String(validate=validate.OneOf([DPOP]))

    @validates_schema
    def check_pair(self, data: dict[str, Any], **_: Any) -> None:
        """Number and password come together."""
        for given, missing in (("number", "password"), ("password", "number")):
            if given in data and missing not in data:
                raise ValidationError({missing: ["required"]})


class RefreshSchema(StrictSchema):
    refresh_token = _token()


class StepUpSchema(StrictSchema):
    """A passkey, or the device again with the passcode, a biometric proof, or both."""

    proof = _text()
    passcode = fields.String(validate=validate.Length(1, 64))
    biometric_proof = _text(metadata={"description": "Compact JWS of the type viso-biometric-proof+jwt"})
    passkey = fields.Nested(AssertionSchema)

    @validates_schema
    def check_way(self, data: dict[str, Any], **_: Any) -> None:
        """One way or the other, and a whole one."""
        if "passkey" in data:
            beside = data.keys() & {"proof", "passcode", "biometric_proof"}
            if beside:
                raise ValidationError({name: ["not_beside_passkey"] for name in sorted(beside)})
            return
        if "proof" not in data:
            raise ValidationError({"proof": ["required"]})
        if not data.keys() & {"passcode", "biometric_proof"}:
            raise ValidationError({"passcode": ["required"]})


class MyDeviceSchema(StrictSchema):
    id = fields.String(required=True)
    name = fields.String(required=True)
    bound_at = Moment(required=True)


class MySessionSchema(StrictSchema):
    id = fields.String(required=True)
    created_at = Moment(required=True)
    expires_at = Moment(required=True)


class MeSchema(StrictSchema):
    """The account of this session. The number is never shown whole."""

    account_id = fields.String(required=True)
    account_level = fields.Integer(required=True)
    auth_level = fields.Integer(required=True)
    state = fields.String(required=True, metadata={"x-extensible-enum": ["active"]})
    full_name = fields.String(required=True)
    number_masked = fields.String(required=True)
    birth_date = fields.String(required=True, metadata={"description": "YYYY-MM-DD, or YYYY"})
    device = fields.Nested(MyDeviceSchema, metadata={"description": "The device that the account is bound to"})
    session = fields.Nested(MySessionSchema, required=True)
    roles = fields.List(fields.String())


@operation(routes, "POST", "/device-challenges")
@routes.arguments(ChallengeOrderSchema)
@routes.response(201, ChallengeSchema)
def create_device_challenge(order: dict[str, str]) -> Response:
    """Get something for a device to sign. Nothing is stored, and an unknown device gets the same answer."""
    wallet = current_wallet()
    challenge = wallet.identity.challenges.mint(order["device_id"], wallet.clock.now())
    body = {"challenge": challenge.value, "expires_at": challenge.expires_at}
    return answer(ChallengeSchema(), body, 201, cache=NO_STORE)


@operation(routes, "POST", "/sessions")
@routes.arguments(SignInSchema)
@routes.response(201, SessionSchema)
def sign_in(order: dict[str, str]) -> Response:
    """Sign in: with number and password at level 2, with the device's key alone at level 1."""
    signing_in = current_wallet().signing_in
    return session_answer(signing_in.sign_in(SignInOrder(**order, block=client_block()), request_id()), 201)


@operation(routes, "POST", "/sessions/refresh")
@routes.arguments(RefreshSchema)
@routes.response(200, SessionSchema)
@routes.doc(parameters=[{"in": "header", "name": DPOP_SCHEME, "required": True, "schema": {"type": "string"}}])
def refresh_session(order: dict[str, str]) -> Response:
    """Exchange the refresh token for a new pair. The header DPoP proves the session's device (RFC 9449)."""
    signing_in = current_wallet().signing_in
    return session_answer(
        signing_in.refresh(
            order["refresh_token"], dpop_header(), method="POST", url=request_url(), request_id=request_id()
        )
    )


@operation(routes, "POST", "/sessions/current/step-up", **OWN_SESSION)
@routes.arguments(StepUpSchema)
@routes.response(200, SessionSchema)
def step_up(order: dict[str, Any]) -> Response:
    """Authenticate again: passcode or passkey make level 2, a biometric proof 3, passcode and biometric 4."""
    return session_answer(current_wallet().signing_in.step_up(current_actor(), StepUpOrder(**order)))


@operation(routes, "DELETE", "/sessions/current", **OWN_SESSION)
@routes.response(204)
def sign_out() -> Response:
    """End this session; every token of it stops at once."""
    actor = current_actor()
    with current_wallet().work() as work:
        work.sessions.end(current_session().id, "signed_out", actor)
    return Response(status=204, headers={"Cache-Control": NO_STORE})


@operation(routes, "GET", "/me", **OWN_SESSION)
@routes.response(200, MeSchema)
def read_me() -> Response:
    """Read who is signed in, on which device, in which session."""
    actor, session = current_actor(), current_session()
    with current_wallet().read() as work:
        account = work.accounts.find(actor.account_id)
        profile = work.accounts.profile(actor.account_id)
        device = work.accounts.device(actor.account_id)
    body = {
        "account_id": account.id,
        "account_level": int(account.level),
        "auth_level": int(actor.auth_level),
        "state": str(account.state),
        "full_name": profile.full_name,
        "number_masked": profile.number_masked,
        "birth_date": profile.birth_date,
        "device": device,
        "session": session,
        "roles": sorted(actor.roles) or None,
    }
    return answer(MeSchema(), body, cache=NO_STORE)
