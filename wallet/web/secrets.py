"""What the holder knows: a new password, a new passcode, and lifting one's own lock with the passcode."""

from typing import Any

from flask import Response
from marshmallow import fields, validate

from wallet.terms import AccountLevel, AuthLevel
from wallet.web.addresses import client_block
from wallet.web.answers import NO_STORE
from wallet.web.auth import FRESH, MAX_HEADER_CHARACTERS, current_actor
from wallet.web.context import current_wallet, request_id
from wallet.web.operations import Routes, operation
from wallet.web.schemas import StrictSchema

routes = Routes("secrets", __name__, url_prefix="/v1", description="Password and passcode")
HOLDER: dict[str, Any] = {
    "account_level": AccountLevel.ONE,
    "auth_level": AuthLevel.TWO,
    "max_age": FRESH,
    "device": True,
}


def _secret(longest: int) -> fields.String:
    return fields.String(required=True, validate=validate.Length(1, longest))


class PasswordChangeSchema(StrictSchema):
    """8 to 20 characters: digits, upper and lower case, and one of `!@#$^*()_`."""

    current_password = _secret(128)
    new_password = _secret(128)


class PasscodeChangeSchema(StrictSchema):
    """Six digits, not easy to guess."""

    current_passcode = _secret(64)
    new_passcode = _secret(64)


class UnlockSchema(StrictSchema):
    """The device's proof and the passcode."""

    proof = fields.String(required=True, validate=validate.Length(1, MAX_HEADER_CHARACTERS))
    passcode = fields.String(required=True, validate=validate.Length(1, 64))


@operation(routes, "PUT", "/me/password", **HOLDER)
@routes.arguments(PasswordChangeSchema)
@routes.response(204)
def change_password(order: dict[str, str]) -> Response:
    """Set a new password. The holder's other sessions end."""
    current_wallet().changing_secrets.change_password(current_actor(), order["current_password"], order["new_password"])
    return _done()


@operation(routes, "PUT", "/me/passcode", **HOLDER)
@routes.arguments(PasscodeChangeSchema)
@routes.response(204)
def change_passcode(order: dict[str, str]) -> Response:
    """Set a new passcode."""
    current_wallet().changing_secrets.change_passcode(current_actor(), order["current_passcode"], order["new_passcode"])
    return _done()


@operation(routes, "POST", "/unlocks")
@routes.arguments(UnlockSchema)
@routes.response(204)
def unlock_account(order: dict[str, str]) -> Response:
    """Lift the lock that one asked for oneself. Needs the bound device and the passcode, and no session."""
    current_wallet().signing_in.unlock(order["proof"], order["passcode"], block=client_block(), request_id=request_id())
    return _done()


def _done() -> Response:
    return Response(status=204, headers={"Cache-Control": NO_STORE})
