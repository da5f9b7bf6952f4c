"""What is shown at a gate: cards for a phone, and live codes for whoever has none."""

from typing import Any

from flask import Response
from marshmallow import fields, validate

from wallet.crypto.jws import b64url_encode
from wallet.errors import InvalidInput, Malformed
from wallet.formats.live_code import CHALLENGE_PREFIX, GateChallenge, parse_gate_challenge
from wallet.terms import AccountLevel, AuthLevel
from wallet.web.answers import answer
from wallet.web.auth import assert_fresh, current_actor
from wallet.web.context import current_wallet
from wallet.web.copies import MOST_COPIES, assert_may_copy, device_key
from wallet.web.once import once_and
from wallet.web.operations import Routes, operation
from wallet.web.schemas import Moment, StrictSchema
from wallet.wiring import Work

routes = Routes("cards", __name__, url_prefix="/v1", description="Cards and live codes")
MOST_CHALLENGE = 100
_VIEW: dict[str, Any] = {
    "load_default": "",
    "validate": validate.Length(max=64),
    "metadata": {"description": "Purpose, of those of the document's kind; without it, what every paper shows"},
}


class CardsOrderSchema(StrictSchema):
    """Cards of one view of a document."""

    view = fields.String(**_VIEW)
    count = fields.Integer(load_default=1, strict=True, validate=validate.Range(1, MOST_COPIES))


class GateCardSchema(StrictSchema):
    """A card: what a phone signs live codes from, also without network."""

    id = fields.String(required=True)
    card = fields.String(required=True, metadata={"description": "The inner COSE_Sign1 of docs/wire.md, 2; base64url"})
    view = fields.String(required=True)
    issued_at = Moment(required=True)
    expires_at = Moment(required=True)


class CardsSchema(StrictSchema):
    """A batch of cards, each to be shown at one gate."""

    data = fields.List(fields.Nested(GateCardSchema), required=True)


def _with_cards(begun: Response, *_: Any, **__: Any) -> Response:
    """Tell the cards that were promised, signed by now. Raises Conflict("copy_over") for what ended meanwhile."""
    promised, actor = begun.get_json(), current_actor()
    cards = [current_wallet().copying.read(promised["document_id"], copy_id, actor) for copy_id in promised["cards"]]
    told = [
        {
            "id": each.id,
            "card": b64url_encode(each.content).decode("ascii"),
            "view": each.view,
            "issued_at": each.issued_at,
            "expires_at": each.expires_at,
        }
        for each in cards
    ]
    return answer(CardsSchema(), {"data": told}, begun.status_code)


class _PromisedSchema(StrictSchema):
    """What is kept of a batch: which cards it has."""

    document_id = fields.String(required=True)
    cards = fields.List(fields.String(), required=True)


@operation(
    routes,
    "POST",
    "/documents/<document_id>/cards",
    account_level=AccountLevel.ONE,
    auth_level=AuthLevel.TWO,
    for_wards=True,
)
@routes.arguments(CardsOrderSchema)
@routes.response(201, CardsSchema)
@once_and(_with_cards)
def make_cards(work: Work, order: dict[str, Any], document_id: str) -> Response:
    """Have up to 20 cards of one of your documents made for this phone, to show each at one gate.

    A card shows one view, lives a day, and works with the key of this phone alone; it ends with the phone and with the
    document, and is suspended while an account is locked. What is sensitive needs a fresh authentication. A purpose
    that the document has no view for, or whose card no screen can show, is 422 (`unknown_view`, `card_too_large`).
    24 batches of a document a day.
    """
    actor = current_actor()
    if work.copies.is_sensitive(document_id, actor):
        assert_fresh(AuthLevel.TWO)
    made = work.copies.reserve_cards(document_id, order["view"], order["count"], device_key(work), actor)
    return answer(_PromisedSchema(), {"document_id": document_id, "cards": [card.id for card in made]}, 201)


class LiveCodeOrderSchema(StrictSchema):
    """A live code for whoever has no phone. challenge: what a gate shows."""

    view = fields.String(**_VIEW)
    challenge = fields.String(
        load_default="",
        validate=validate.Length(max=MOST_CHALLENGE),
        metadata={"description": f"The text that a gate shows, `{CHALLENGE_PREFIX}...`"},
    )


class LiveCodeSchema(StrictSchema):
    """A live code, for about a minute."""

    code = fields.String(required=True)
    expires_at = Moment(required=True)
    signed_by = fields.String(required=True, validate=validate.OneOf(["server"]))


@operation(
    routes,
    "POST",
    "/documents/<document_id>/live-codes",
    account_level=AccountLevel.ONE,
    auth_level=AuthLevel.TWO,
    for_wards=True,
)
@routes.arguments(LiveCodeOrderSchema)
@routes.response(200, LiveCodeSchema)
def make_live_code(order: dict[str, Any], document_id: str) -> Response:
    """Have a live code of one of your documents signed here, for a screen without a phone's key.

    A gate is told so (`device` is `server`): it proves that somebody is signed in, not that a phone is there. Ask for
    the next one every 30 seconds. With `challenge` it answers the gate that showed it, and no other.
    """
    assert_may_copy(document_id)
    challenge = _challenge(order["challenge"])
    made = current_wallet().copying.live_code(document_id, order["view"], challenge, current_actor())
    return answer(LiveCodeSchema(), {"code": made.text, "expires_at": made.expires_at, "signed_by": "server"})


def _challenge(text: str) -> GateChallenge | None:
    if not text:
        return None
    try:
        return parse_gate_challenge(text)
    except Malformed as error:
        raise InvalidInput({"/challenge": "invalid_format"}) from error
