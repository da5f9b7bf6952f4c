"""What the caller is asked to agree to in somebody else's request, and their answer."""

from typing import Any

from flask import Response
from marshmallow import fields, validate

from wallet.requests.agreements import AskedAgreement
from wallet.terms import AccountLevel, AuthLevel
from wallet.utilities.base import Ask
from wallet.utilities.plugin import Plugin
from wallet.web.answers import PRIVATE, answer
from wallet.web.auth import FRESH, current_actor
from wallet.web.context import current_wallet
from wallet.web.once import once
from wallet.web.operations import Routes, operation
from wallet.web.schemas import Both, Moment, Stated, StrictSchema
from wallet.web.states import word_of
from wallet.wiring import Work

routes = Routes("agreements", __name__, url_prefix="/v1/me/agreements", description="Agreeing to a request of another")
OWN: dict[str, Any] = {"account_level": AccountLevel.TWO, "auth_level": AuthLevel.TWO}


class ShownAnswerSchema(StrictSchema):
    """One thing that the applicant stated. value: in words, where it was chosen from a list."""

    name = fields.String(required=True)
    label = Both(required=True)
    value = Stated(required=True)
    value_name = Both()


class AskedAgreementSchema(StrictSchema):
    """What you are asked to agree to: whose request, for what, and what it states. expires_at: nobody waits longer."""

    id = fields.String(required=True)
    number = fields.String(required=True)
    utility = fields.String(required=True)
    title = Both(required=True)
    applicant = fields.String(required=True)
    asked_at = Moment(required=True)
    expires_at = Moment(required=True)
    shown = fields.List(fields.Nested(ShownAnswerSchema), required=True)


class AskedAgreementsSchema(StrictSchema):
    data = fields.List(fields.Nested(AskedAgreementSchema), required=True)


class AgreementAnswerSchema(StrictSchema):
    """Your answer; it is given once."""

    answer = fields.String(required=True, validate=validate.OneOf(["agree", "decline"]))


@operation(routes, "GET", "", **OWN)
@routes.response(200, AskedAgreementsSchema)
def list_agreements() -> Response:
    """List what you are asked to agree to and have not answered."""
    wallet = current_wallet()
    with wallet.read() as work:
        rows = work.request_services.agreements.asked(current_actor())
    return answer(
        AskedAgreementsSchema(), {"data": [_asked(wallet.catalogue.plugin(row.utility), row) for row in rows]}
    )


@operation(routes, "POST", "/<agreement_id>/answer", **OWN, max_age=FRESH, cooling_off=True)
@routes.arguments(AgreementAnswerSchema)
@routes.response(204)
@once
def answer_agreement(work: Work, order: dict[str, str], agreement_id: str) -> Response:
    """Agree to somebody's request, or decline. With your agreement it goes to the office; the applicant is told."""
    work.request_services.agreements.answer(agreement_id, agree=order["answer"] == "agree", actor=current_actor())
    return Response(status=204, headers={"Cache-Control": PRIVATE})


def _asked(plugin: Plugin, row: AskedAgreement) -> dict[str, Any]:
    names = ("id", "number", "utility", "applicant", "asked_at", "expires_at")
    chosen = {field.name for field in plugin.utility.form if field.kind is Ask.CHOICE}
    return {name: getattr(row, name) for name in names} | {
        "title": dict(plugin.utility.title),
        "shown": [
            {
                "name": name,
                "label": word_of(plugin, "fields", name),
                "value": value,
                "value_name": word_of(plugin, "choices", f"{name}.{value}") if name in chosen else None,
            }
            for name, value in row.shown.items()
        ],
    }
