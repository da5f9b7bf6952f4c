"""What every way to sign in shares: a passkey's assertion as it comes in, a session with its tokens as it goes out."""

from flask import Response
from marshmallow import fields, validate

from wallet.identity.sessions import SignedIn
from wallet.web.answers import NO_STORE, answer
from wallet.web.auth import BEARER, DPOP_SCHEME, tokens_of
from wallet.web.schemas import Moment, StrictSchema

MAX_BINARY = 8192
"""Characters of one value that an authenticator gave, in base64url."""


class AuthenticatorAnswerSchema(StrictSchema):
    """What an authenticator gave a page, base64url (Web Authentication Level 3, section 5.1.8)."""

    clientDataJSON = fields.String(required=True, validate=validate.Length(1, MAX_BINARY))  # noqa: N815 - of the standard
    authenticatorData = fields.String(required=True, validate=validate.Length(1, MAX_BINARY))  # noqa: N815
    signature = fields.String(required=True, validate=validate.Length(1, MAX_BINARY))
    userHandle = fields.String(required=True, validate=validate.Length(1, 128))  # noqa: N815


class AssertionSchema(StrictSchema):
    """`PublicKeyCredential.toJSON()` of `navigator.credentials.get`."""

    id = fields.String(required=True, validate=validate.Length(1, MAX_BINARY))
    rawId = fields.String(required=True, validate=validate.Length(1, MAX_BINARY))  # noqa: N815
    type = fields.String(required=True, validate=validate.Equal("public-key"))
    response = fields.Nested(AuthenticatorAnswerSchema, required=True)
    authenticatorAttachment = fields.String()  # noqa: N815
    clientExtensionResults = fields.Dict()  # noqa: N815


class SessionSchema(StrictSchema):
    """A session and its tokens (RFC 6749, section 5.1)."""

    session_id = fields.String(required=True)
    access_token = fields.String(required=True)
    token_type = fields.String(required=True, metadata={"x-extensible-enum": [BEARER, DPOP_SCHEME]})
    expires_in = fields.Integer(required=True, metadata={"description": "Seconds"})
    refresh_token = fields.String(required=True)
    refresh_expires_at = Moment(required=True)
    account_level = fields.Integer(required=True)
    auth_level = fields.Integer(required=True)


def session_answer(signed_in: SignedIn, status: int = 200) -> Response:
    """Return a session with its tokens."""
    access_token, refresh_token = tokens_of(signed_in)
    body = {
        "session_id": signed_in.session.id,
        "access_token": access_token,
        "token_type": DPOP_SCHEME if signed_in.bound else BEARER,
        "expires_in": int((signed_in.access_expires_at - signed_in.issued_at).total_seconds()),
        "refresh_token": refresh_token,
        "refresh_expires_at": signed_in.session.expires_at,
        "account_level": int(signed_in.session.account_level),
        "auth_level": int(signed_in.session.auth_level),
    }
    return answer(SessionSchema(), body, status, cache=NO_STORE)
