"""The way in for a payment provider: it tells the outcome of a payment, in a call that it signs."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from flask import Response, g, request
from marshmallow import fields, validate

from wallet.errors import NotFound
from wallet.messages.signing import SignedCall, judge_signed
from wallet.payments.paying import Outcome
from wallet.payments.remote import RemotePayments
from wallet.terms import Actor
from wallet.web.answers import NO_STORE, answer
from wallet.web.context import current_wallet, request_id
from wallet.web.operations import Routes, operation
from wallet.web.schemas import StrictSchema

routes = Routes("payments", __name__, url_prefix="/v1/payments", description="What payment providers tell")


class PaymentOutcomeSchema(StrictSchema):
    """What became of a payment. `reference`: what the provider called it when it opened it. `amount`: đồng."""

    reference = fields.String(required=True, validate=validate.Length(1, 64))
    outcome = fields.String(required=True, validate=validate.OneOf([str(each) for each in Outcome]))
    amount = fields.Integer(required=True, strict=True, validate=validate.Range(1, 10**12))


class PaymentSettledSchema(StrictSchema):
    """Where the payment stands. `repeated`: this call was taken before, and nothing was done again."""

    state = fields.String(required=True)
    repeated = fields.Boolean(required=True)


def signed(view: Callable[..., Response]) -> Callable[..., Response]:
    """Judge the signature over the body as it came, before anything of it is read."""

    @wraps(view)
    def wrapped(*args: Any, **kwargs: Any) -> Response:
        wallet = current_wallet()
        if not isinstance(wallet.payments, RemotePayments):
            raise NotFound("not_found")
        body = request.get_data(cache=True)
        headers = {name.lower(): value for name, value in request.headers.items()}
        g.signed_call = judge_signed(wallet.payments.secrets, headers, body, wallet.clock.now())
        return view(*args, **kwargs)

    return wrapped


@operation(routes, "POST", "/callbacks")
@signed
@routes.arguments(PaymentOutcomeSchema)
@routes.response(200, PaymentSettledSchema)
def take_payment_outcome(order: dict[str, Any]) -> Response:
    """Tell the outcome of a payment (Standard Webhooks: `webhook-id`, `webhook-timestamp`, `webhook-signature`).

    The same call may come again, until it was answered: it is done once. 404, 409 and 422 will not change; 503 will.
    """
    call: SignedCall = g.signed_call
    provider = Actor("payments", request_id=request_id())
    for trying in current_wallet().tries():
        with trying as work:
            first = work.paying.first_told(call, request.get_data(cache=True))
            if first:
                paid = work.paying.settle(order["reference"], Outcome(order["outcome"]), order["amount"], provider)
                if paid is not None:
                    work.requests.paid(paid, provider)
            state = work.paying.state_of(order["reference"])
    return answer(PaymentSettledSchema(), {"state": str(state), "repeated": not first}, cache=NO_STORE)
