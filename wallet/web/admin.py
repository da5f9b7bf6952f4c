"""What admins do with documents: revoke one for good. How utilities are launched: `wallet/web/launches.py`."""

from flask import Response
from marshmallow import fields, validate

from wallet.documents.revoking import RevocationReason
from wallet.web.answers import answer
from wallet.web.auth import FRESH, current_actor
from wallet.web.launches import ADMIN
from wallet.web.once import once
from wallet.web.operations import Routes, operation
from wallet.web.schemas import Both, Moment, StrictSchema
from wallet.web.states import with_reason_text
from wallet.wiring import Work

routes = Routes("admin", __name__, url_prefix="/v1/admin", description="Revocation, for admins")


class RevocationOrderSchema(StrictSchema):
    """Why a document is revoked."""

    reason = fields.String(required=True, validate=validate.OneOf([str(reason) for reason in RevocationReason]))


class RevocationSchema(StrictSchema):
    """A revocation. It is final."""

    document_id = fields.String(required=True)
    reason = fields.String(required=True)
    reason_text = Both(required=True)
    revoked_at = Moment(required=True)


@operation(routes, "POST", "/documents/<document_id>/revocation", **ADMIN, max_age=FRESH)
@routes.arguments(RevocationOrderSchema)
@routes.response(201, RevocationSchema)
@once
def revoke_document(work: Work, order: dict[str, str], document_id: str) -> Response:
    """Revoke a document for good. Seen online at once, in the published list within a minute."""
    made = work.revoking.revoke(document_id, RevocationReason(order["reason"]), current_actor())
    return answer(RevocationSchema(), with_reason_text("revocation_reasons", made), 201)
