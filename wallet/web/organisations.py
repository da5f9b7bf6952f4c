"""Organisations: registered by their legal representative, decided by staff where no register knows them."""

from typing import Any

from flask import Response
from marshmallow import fields, validate

from wallet.enrolment.organisations import OrganisationOrder, OrganisationState, RefusalReason
from wallet.terms import AccountLevel, AuthLevel
from wallet.web.answers import PageQuery, answer, page_answer, place_of
from wallet.web.auth import FRESH, current_actor
from wallet.web.context import current_wallet
from wallet.web.desks import APPROVER
from wallet.web.documents import PageSchema
from wallet.web.once import once
from wallet.web.operations import Routes, operation
from wallet.web.schemas import Moment, StrictSchema
from wallet.wiring import Work

routes = Routes("organisations", __name__, url_prefix="/v1", description="Accounts of organisations")


class OrganisationOrderSchema(StrictSchema):
    """The organisation's code; the rest counts only, and is asked for, where the business register does not know it."""

    enterprise_code = fields.String(required=True, validate=validate.Regexp(r"^[0-9]{10}(-[0-9]{3})?\Z"))
    name = fields.String(validate=validate.Length(2, 200))
    tax_code = fields.String(validate=validate.Regexp(r"^[0-9]{10}([0-9]{2}|-[0-9]{3})?\Z"))
    head_office = fields.String(validate=validate.Length(5, 300))
    founded_on = fields.Date()


class OrganisationSchema(StrictSchema):
    """An organisation's account. It has no level. reason: of a refusal."""

    id = fields.String(required=True)
    enterprise_code = fields.String(required=True)
    tax_code = fields.String(required=True)
    name = fields.String(required=True)
    head_office = fields.String(required=True)
    founded_on = fields.Date()
    state = fields.String(required=True, metadata={"x-extensible-enum": [str(state) for state in OrganisationState]})
    reason = fields.String(metadata={"x-extensible-enum": [str(reason) for reason in RefusalReason]})
    received_at = Moment(required=True)
    due_at = Moment(required=True)
    decided_at = Moment()


class OrganisationsSchema(StrictSchema):
    data = fields.List(fields.Nested(OrganisationSchema), required=True)


class OrganisationCaseSchema(OrganisationSchema):
    """An organisation as staff sees it. overdue: it should have been decided."""

    representative_account_id = fields.String(required=True)
    overdue = fields.Boolean(required=True)


class OrganisationCasePageSchema(PageSchema):
    data = fields.List(fields.Nested(OrganisationCaseSchema), required=True)


class OrganisationQuery(PageQuery):
    """Which organisations."""

    state = fields.String(
        load_default=str(OrganisationState.PENDING),
        validate=validate.OneOf([str(state) for state in OrganisationState]),
    )


class OrganisationDecisionSchema(StrictSchema):
    """What an approver decides; a refusal needs its reason."""

    decision = fields.String(required=True, validate=validate.OneOf(["approve", "refuse"]))
    reason = fields.String(validate=validate.OneOf([str(reason) for reason in RefusalReason]))


@operation(
    routes,
    "POST",
    "/me/organisations",
    account_level=AccountLevel.TWO,
    auth_level=AuthLevel.TWO,
    max_age=FRESH,
    cooling_off=True,
)
@routes.arguments(OrganisationOrderSchema)
@routes.response(201, OrganisationSchema)
@once
def register_organisation(work: Work, order: dict[str, Any]) -> Response:
    """Register an organisation that you represent by law. Approved at once where the business register says so."""
    return answer(OrganisationSchema(), work.organisations.register(OrganisationOrder(**order), current_actor()), 201)


@operation(routes, "GET", "/me/organisations", account_level=AccountLevel.TWO, auth_level=AuthLevel.ONE)
@routes.response(200, OrganisationsSchema)
def list_organisations() -> Response:
    """List the organisations that you represent, and those you asked for."""
    with current_wallet().read() as work:
        body: dict[str, Any] = {"data": work.organisations.all_of(current_actor())}
    return answer(OrganisationsSchema(), body)


@operation(routes, "GET", "/desk/organisations", **APPROVER)
@routes.arguments(OrganisationQuery, location="query")
@routes.response(200, OrganisationCasePageSchema)
def list_organisation_cases(query: dict[str, Any]) -> Response:
    """List organisations in a state, what is due first."""
    purpose, limit, state = f"organisations:{query['state']}", query["limit"], OrganisationState(query["state"])
    with current_wallet().read() as work:
        rows, following = work.organisations.page(state, limit, place_of(query["cursor"], purpose))
    return page_answer(OrganisationCaseSchema(), rows, following, purpose, limit)


@operation(routes, "POST", "/desk/organisations/<organisation_id>/decision", **APPROVER, max_age=FRESH)
@routes.arguments(OrganisationDecisionSchema)
@routes.response(201, OrganisationCaseSchema)
@once
def decide_organisation(work: Work, order: dict[str, str], organisation_id: str) -> Response:
    """Approve an organisation that no register knows, or refuse it."""
    reason = RefusalReason(order["reason"]) if "reason" in order else None
    made = work.organisations.decide(
        organisation_id, approve=order["decision"] == "approve", reason=reason, actor=current_actor()
    )
    return answer(OrganisationCaseSchema(), made, 201)
