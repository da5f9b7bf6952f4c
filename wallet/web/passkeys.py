"""Passkeys: adding one from the phone, signing in with one from a browser (Web Authentication Level 3)."""

from typing import Any

from flask import Response
from marshmallow import fields, validate

from wallet.identity.sessions import DPOP
from wallet.identity.signing_in import PasskeyOrder
from wallet.terms import AccountLevel, AuthLevel
from wallet.web.addresses import client_block
from wallet.web.answers import NO_STORE, answer
from wallet.web.auth import FRESH, current_actor
from wallet.web.context import current_wallet, request_id
from wallet.web.once import once
from wallet.web.operations import Routes, operation
from wallet.web.schemas import NAME, Moment, PublicKeySchema, StrictSchema
from wallet.web.session_answers import MAX_BINARY, AssertionSchema, SessionSchema, session_answer
from wallet.wiring import Work

routes = Routes("passkeys", __name__, url_prefix="/v1", description="A second way in, for browsers")
LEVELS: dict[str, Any] = {"account_level": AccountLevel.ONE, "auth_level": AuthLevel.TWO}


def _binary(longest: int = MAX_BINARY) -> fields.String:
    return fields.String(required=True, validate=validate.Length(1, longest))


class CreatedAnswerSchema(StrictSchema):
    """What an authenticator gave a page that asked it to make a credential, base64url."""

    clientDataJSON = _binary()  # noqa: N815 - of the standard
    attestationObject = _binary()  # noqa: N815
    transports = fields.List(fields.String(validate=validate.Length(1, 32)), validate=validate.Length(max=16))
    authenticatorData = fields.String()  # noqa: N815
    publicKey = fields.String()  # noqa: N815
    publicKeyAlgorithm = fields.Integer()  # noqa: N815


class CreatedCredentialSchema(StrictSchema):
    """`PublicKeyCredential.toJSON()` of `navigator.credentials.create`."""

    id = _binary()
    rawId = _binary()  # noqa: N815
    type = fields.String(required=True, validate=validate.Equal("public-key"))
    response = fields.Nested(CreatedAnswerSchema, required=True)
    authenticatorAttachment = fields.String()  # noqa: N815
    clientExtensionResults = fields.Dict()  # noqa: N815


class PasskeyOrderSchema(StrictSchema):
    """A credential that was just made, and what its holder calls it."""

    credential = fields.Nested(CreatedCredentialSchema, required=True)
    name = fields.String(required=True, validate=validate.Regexp(NAME))


class PasskeySchema(StrictSchema):
    """A passkey of the caller."""

    id = fields.String(required=True)
    name = fields.String(required=True)
    created_at = Moment(required=True)
    last_used_at = Moment()


class PasskeyListSchema(StrictSchema):
    """All of them: there are never more than a handful."""

    data = fields.List(fields.Nested(PasskeySchema), required=True)


class OptionsSchema(StrictSchema):
    """What the page hands to `PublicKeyCredential.parse...OptionsFromJSON`, and until when."""

    public_key = fields.Dict(required=True)
    expires_at = Moment(required=True)


class PasskeySignInSchema(StrictSchema):
    """An assertion over a challenge of `POST /v1/passkey-challenges`, and the key to refresh with."""

    assertion = fields.Nested(AssertionSchema, required=True)
    client_key = fields.Nested(PublicKeySchema, required=True)
    client_name = fields.String(validate=validate.Regexp(NAME))
    token_binding = fields.String(validate=validate.OneOf([DPOP]))


@operation(routes, "POST", "/me/passkeys/options", **LEVELS, max_age=FRESH, cooling_off=True, device=True)
@routes.response(201, OptionsSchema)
def create_passkey_options() -> Response:
    """Get what the browser needs to make a passkey. Nothing is stored."""
    wallet, actor = current_wallet(), current_actor()
    with wallet.read() as work:
        profile = work.accounts.profile(actor.account_id)
        known = [passkey.credential_id for passkey in work.passkeys.of_account(actor.account_id)]
    public_key, expires_at = wallet.identity.webauthn.creation_options(
        actor.account_id, profile.number_masked, profile.full_name, known, wallet.clock.now()
    )
    return answer(OptionsSchema(), {"public_key": public_key, "expires_at": expires_at}, 201)


@operation(routes, "POST", "/me/passkeys", **LEVELS, max_age=FRESH, cooling_off=True, device=True, location=True)
@routes.arguments(PasskeyOrderSchema)
@routes.response(201, PasskeySchema)
@once
def add_passkey(work: Work, order: dict[str, Any]) -> Response:
    """Add a passkey that the browser has just made. The holder is told."""
    wallet, actor = current_wallet(), current_actor()
    new = wallet.identity.webauthn.verify_creation(order["credential"], actor.account_id, wallet.clock.now())
    made = work.passkeys.add(actor.account_id, new, order["name"], actor)
    return answer(PasskeySchema(), made, 201, {"Location": f"/v1/me/passkeys/{made.id}"})


@operation(routes, "GET", "/me/passkeys", account_level=AccountLevel.ONE, auth_level=AuthLevel.ONE)
@routes.response(200, PasskeyListSchema)
def list_passkeys() -> Response:
    """List the caller's passkeys, oldest first."""
    actor = current_actor()
    with current_wallet().read() as work:
        rows = work.passkeys.of_account(actor.account_id)
    return answer(PasskeyListSchema(), {"data": rows})


@operation(routes, "DELETE", "/me/passkeys/<id:passkey_id>", **LEVELS, max_age=FRESH, device=True)
@routes.response(204)
def remove_passkey(passkey_id: str) -> Response:
    """Remove a passkey. Its sessions end at once, and the holder is told."""
    actor = current_actor()
    with current_wallet().work() as work:
        work.passkeys.remove(actor.account_id, passkey_id, actor)
    return Response(status=204, headers={"Cache-Control": NO_STORE})


@operation(routes, "POST", "/passkey-challenges")
@routes.response(201, OptionsSchema)
def create_passkey_challenge() -> Response:
    """Get what the browser needs to sign in with a passkey. Nothing is stored, and nobody has to say who they are."""
    wallet = current_wallet()
    public_key, expires_at = wallet.identity.webauthn.request_options(wallet.clock.now())
    return answer(OptionsSchema(), {"public_key": public_key, "expires_at": expires_at}, 201, cache=NO_STORE)


@operation(routes, "POST", "/sessions/passkey")
@routes.arguments(PasskeySignInSchema)
@routes.response(201, SessionSchema)
def sign_in_with_passkey(order: dict[str, Any]) -> Response:
    """Sign in from a browser, at level 2. Refreshing needs a DPoP proof by `client_key`."""
    signing_in = current_wallet().signing_in
    return session_answer(
        signing_in.sign_in_with_passkey(PasskeyOrder(**order, block=client_block()), request_id()), 201
    )
