"""What is only there to be tried: the outcome of a payment where no partner is, codes for every outcome of a gate."""

from typing import Any

from flask import Response
from marshmallow import fields, post_dump, validate

from wallet.demo.sample_codes import SampleCode, sample_codes
from wallet.errors import NotFound
from wallet.payments.paying import Outcome
from wallet.payments.provider import EmbeddedPayments
from wallet.terms import Actor
from wallet.verifier.outcomes import Outcome as GateOutcome
from wallet.verifier.reasons import REASONS, Verdict
from wallet.web.answers import NO_STORE, answer
from wallet.web.context import current_wallet, request_id
from wallet.web.operations import Routes, operation
from wallet.web.schemas import Both, Moment, StrictSchema

routes = Routes("sandbox", __name__, url_prefix="/v1/sandbox", description="What is played for want of a partner")


class OutcomeSchema(StrictSchema):
    """What happens to a payment. Nothing at all is a timeout; `success` after that is a late call of the provider."""

    outcome = fields.String(required=True, validate=validate.OneOf([str(each) for each in Outcome]))
    amount = fields.Integer(required=True, strict=True, validate=validate.Range(1, 10**12))


class SettledSchema(StrictSchema):
    """What came of it."""

    state = fields.String(required=True)


class TestCodeSchema(StrictSchema):
    """One code, and what a verifier without demands says of it. `times`: how often it is to be shown to the same gate
    before it says so. `usable_until`: when a live code grows too old; absent for what lasts."""

    key = fields.String(required=True)
    code = fields.String(required=True)
    verdict = fields.String(required=True, metadata={"x-extensible-enum": [str(each) for each in Verdict]})
    reasons = fields.List(fields.String(metadata={"x-extensible-enum": ["ok", *REASONS]}), required=True)
    accepted = fields.Boolean(required=True)
    outcome = fields.String(required=True, metadata={"x-extensible-enum": [str(each) for each in GateOutcome]})
    title = Both(required=True)
    times = fields.Integer(required=True)
    usable_until = Moment()

    @post_dump
    def leave_out(self, found: dict[str, Any], **_: Any) -> dict[str, Any]:
        """Leave out what is absent."""
        return {name: value for name, value in found.items() if value is not None}


class TestCodesSchema(StrictSchema):
    """Codes for every outcome of a gate."""

    data = fields.List(fields.Nested(TestCodeSchema), required=True)


@operation(routes, "GET", "/test-codes")
@routes.response(200, TestCodesSchema)
def list_test_codes() -> Response:
    """Fetch codes to try a verifier with, one for every outcome of a gate; in a sandbox alone."""
    wallet = current_wallet()
    if wallet.settings.production:
        raise NotFound("not_found")
    codes: list[SampleCode] = sample_codes(wallet, wallet.clock.now())
    return answer(TestCodesSchema(), {"data": codes}, cache=NO_STORE)


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
