"""What is only played in a deployment without partners: the outcome of a payment."""

from flask import Response
from marshmallow import fields, validate

from wallet.errors import NotFound
from wallet.payments.paying import Outcome
from wallet.payments.provider import EmbeddedPayments
from wallet.terms import Actor
from wallet.web.answers import NO_STORE, answer
from wallet.web.context import current_wallet, request_id
from wallet.web.operations import Routes, operation
from wallet.web.schemas import StrictSchema

routes = Routes("sandbox", __name__, url_prefix="/v1/sandbox", description="What is played for want of a partner")


class OutcomeSchema(StrictSchema):
    """What happens to a payment. Nothing at all is a timeout; `success` after that is a late call of the provider."""

    outcome = fields.String(required=True, validate=validate.OneOf([str(each) for each in Outcome]))
    amount = fields.Integer(required=True, strict=True, validate=validate.Range(1, 10**12))


class SettledSchema(StrictSchema):
    """What came of it."""

    state = fields.String(required=True)


@operation(routes, "POST", "/payments/<reference>")
@routes.arguments(OutcomeSchema)
@routes.response(200, SettledSchema)
def settle_sandbox_payment(order: dict[str, object], reference: str) -> Response:
    """Play the provider: tell the outcome of a payment, once or as often as you like."""
    wallet = current_wallet()
    if not isinstance(wallet.payments, EmbeddedPayments):
        raise NotFound("not_found")
    provider = Actor("payments", request_id=request_id())
    for trying in wallet.tries():
        with trying as work:
            request = work.paying.settle(reference, Outcome(str(order["outcome"])), int(str(order["amount"])), provider)
            if request is not None:
                work.requests.paid(request, provider)
            state = work.paying.state_of(reference)
    return answer(SettledSchema(), {"state": str(state)}, cache=NO_STORE)
