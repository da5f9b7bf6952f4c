"""Utilities as data, for admins: one proposes a definition, a second one agrees, every process has it in seconds."""

from typing import Any

from flask import Response
from marshmallow import fields, validate

from wallet.terms import AccountLevel, AuthLevel, StaffRole
from wallet.web.answers import answer
from wallet.web.auth import current_actor
from wallet.web.context import current_wallet
from wallet.web.once import once
from wallet.web.operations import Routes, operation
from wallet.web.schemas import Moment, PlainWords, StrictSchema
from wallet.wiring import Work

routes = Routes("definitions", __name__, url_prefix="/v1/admin", description="Utilities as data, for admins")
ADMIN: dict[str, Any] = {
    "account_level": AccountLevel.TWO,
    "auth_level": AuthLevel.TWO,
    "role": StaffRole.ADMIN,
}
STATES = ["awaiting", "approved", "refused"]


class DefinitionOrderSchema(StrictSchema):
    """A utility as data, and why. The shape of a definition is told in docs/utilities.md."""

    definition = fields.Dict(required=True, keys=fields.String(), values=fields.Raw(allow_none=True))
    comment = PlainWords(load_default="", validate=validate.Length(0, 500))


class UtilityDefinitionSummarySchema(StrictSchema):
    """One version of a definition. `approval`: what the second admin decides."""

    id = fields.String(required=True)
    code = fields.String(required=True)
    version = fields.Integer(required=True)
    state = fields.String(required=True, metadata={"x-extensible-enum": STATES})
    comment = fields.String()
    approval = fields.String(required=True)
    proposed_by = fields.String(required=True)
    proposed_at = Moment(required=True)
    decided_by = fields.String()
    decided_at = Moment()


class UtilityDefinitionSchema(UtilityDefinitionSummarySchema):
    """One version of a definition, whole. Its content never changes."""

    definition = fields.Dict(required=True)


class UtilityDefinitionsSchema(StrictSchema):
    data = fields.List(fields.Nested(UtilityDefinitionSummarySchema), required=True)


class DefinitionDecisionSchema(StrictSchema):
    """What the second admin says."""

    decision = fields.String(required=True, validate=validate.OneOf(["approve", "refuse"]))
    comment = PlainWords(load_default="", validate=validate.Length(0, 500))


@operation(routes, "POST", "/utility-definitions", **ADMIN, location=True)
@routes.arguments(DefinitionOrderSchema)
@routes.response(201, UtilityDefinitionSchema)
@once
def propose_definition(work: Work, order: dict[str, Any]) -> Response:
    """Propose a utility as data. Every fault is told at once; nothing is in force until a second admin agrees."""
    made = work.defining.propose(order["definition"], order["comment"], current_actor())
    location = {"Location": f"/v1/admin/utility-definitions/{made.id}"}
    return answer(UtilityDefinitionSchema(), _told(made), 201, location)


@operation(routes, "GET", "/utility-definitions", **ADMIN)
@routes.response(200, UtilityDefinitionsSchema)
def list_definitions() -> Response:
    """List every version that was ever proposed, newest first."""
    with current_wallet().read() as work:
        found = work.defining.list_all(current_actor())
    return answer(UtilityDefinitionsSchema(), {"data": [_told(each) for each in found]})


@operation(routes, "GET", "/utility-definitions/<definition_id>", **ADMIN)
@routes.response(200, UtilityDefinitionSchema)
def read_definition(definition_id: str) -> Response:
    """Read one version of a definition."""
    with current_wallet().read() as work:
        found = work.defining.read(definition_id, current_actor())
    return answer(UtilityDefinitionSchema(), _told(found))


@operation(routes, "POST", "/utility-definitions/<definition_id>/decision", **ADMIN)
@routes.arguments(DefinitionDecisionSchema)
@routes.response(200, UtilityDefinitionSchema)
@once
def decide_definition(work: Work, order: dict[str, str], definition_id: str) -> Response:
    """Agree to a definition that another admin proposed, or refuse it. It is off until it is launched."""
    agree = order["decision"] == "approve"
    decided = work.defining.decide(definition_id, agree=agree, actor=current_actor(), answer=order["comment"])
    return answer(UtilityDefinitionSchema(), _told(decided))


def _told(definition: Any) -> dict[str, Any]:
    body = {name: getattr(definition, name) for name in definition.__slots__}
    return body | {"comment": definition.comment or None}
