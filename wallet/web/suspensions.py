"""Suspending a document and reinstating it, for admins and officers."""

from typing import Any

from flask import Response
from marshmallow import fields, validate

from wallet.documents.suspending import ReinstatementReason, SuspensionReason
from wallet.terms import StaffRole
from wallet.web.answers import answer
from wallet.web.auth import FRESH, current_actor
from wallet.web.launches import ADMIN
from wallet.web.once import once
from wallet.web.operations import Routes, operation
from wallet.web.schemas import Both, Moment, StrictSchema
from wallet.web.states import with_reason_text
from wallet.wiring import Work

routes = Routes("suspensions", __name__, url_prefix="/v1/admin", description="Suspension of documents, for staff")
STAFF: dict[str, Any] = ADMIN | {"role": frozenset({StaffRole.ADMIN, StaffRole.OFFICER})}


class SuspensionOrderSchema(StrictSchema):
    """Why a document is suspended. For `authority_order` an admin is needed."""

    reason = fields.String(required=True, validate=validate.OneOf([str(reason) for reason in SuspensionReason]))


class SuspensionSchema(StrictSchema):
    """A suspension. It lasts until the document is reinstated or revoked."""

    document_id = fields.String(required=True)
    reason = fields.String(required=True)
    reason_text = Both(required=True)
    suspended_at = Moment(required=True)


class ReinstatementOrderSchema(StrictSchema):
    """Why a suspension ends."""

    reason = fields.String(required=True, validate=validate.OneOf([str(reason) for reason in ReinstatementReason]))


class ReinstatementSchema(StrictSchema):
    """A suspension that ended."""

    document_id = fields.String(required=True)
    reason = fields.String(required=True)
    reason_text = Both(required=True)
    reinstated_at = Moment(required=True)


@operation(routes, "POST", "/documents/<document_id>/suspension", **STAFF, max_age=FRESH)
@routes.arguments(SuspensionOrderSchema)
@routes.response(201, SuspensionSchema)
@once
def suspend_document(work: Work, order: dict[str, str], document_id: str) -> Response:
    """Suspend a document. Seen online at once, in the published list within a minute; its holder is told."""
    made = work.suspending.suspend(document_id, SuspensionReason(order["reason"]), current_actor())
    return answer(SuspensionSchema(), with_reason_text("suspension_reasons", made), 201)


@operation(routes, "POST", "/documents/<document_id>/reinstatement", **STAFF, max_age=FRESH)
@routes.arguments(ReinstatementOrderSchema)
@routes.response(201, ReinstatementSchema)
@once
def reinstate_document(work: Work, order: dict[str, str], document_id: str) -> Response:
    """End the suspension of a document. A revoked one stays revoked."""
    made = work.suspending.reinstate(document_id, ReinstatementReason(order["reason"]), current_actor())
    return answer(ReinstatementSchema(), with_reason_text("reinstatement_reasons", made), 201)
