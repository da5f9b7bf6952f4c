"""What admins do: revoke a document, stop or open a utility, agree as the second person."""

from typing import Any

from flask import Response
from marshmallow import fields, validate

from wallet.documents.revoking import RevocationReason
from wallet.errors import NotFound
from wallet.launching.rollout import Launch, LaunchState, PendingChange
from wallet.terms import AccountLevel, AuthLevel, StaffRole
from wallet.web.answers import answer, expected_version, version_etag
from wallet.web.auth import FRESH, current_actor
from wallet.web.context import current_wallet
from wallet.web.once import once
from wallet.web.operations import Routes, operation
from wallet.web.schemas import Moment, StrictSchema
from wallet.wiring import Work

routes = Routes("admin", __name__, url_prefix="/v1/admin", description="Revocation and launching, for admins")
ADMIN: dict[str, Any] = {
    "account_level": AccountLevel.TWO,
    "auth_level": AuthLevel.TWO,
    "role": StaffRole.ADMIN,
}


class RevocationOrderSchema(StrictSchema):
    """Why a document is revoked."""

    reason = fields.String(required=True, validate=validate.OneOf([str(reason) for reason in RevocationReason]))


class RevocationSchema(StrictSchema):
    """A revocation. It is final."""

    document_id = fields.String(required=True)
    reason = fields.String(required=True)
    revoked_at = Moment(required=True)


class LaunchChangeSchema(StrictSchema):
    """The state a utility is to have, and why."""

    state = fields.String(required=True, validate=validate.OneOf([str(state) for state in LaunchState]))
    reason = fields.String(required=True, validate=validate.Length(3, 500))


class LaunchSchema(StrictSchema):
    """The state of a utility. `awaiting_approval`: the change that waits for a second admin."""

    code = fields.String(required=True)
    state = fields.String(required=True, metadata={"x-extensible-enum": ["off", "open", "paused"]})
    version = fields.Integer(required=True)
    reason = fields.String()
    changed_by = fields.String()
    changed_at = Moment()
    awaiting_approval = fields.String()


class ApprovalSchema(StrictSchema):
    """A change that is not in force until a second admin agrees."""

    id = fields.String(required=True)
    status = fields.String(required=True, metadata={"x-extensible-enum": ["awaiting_approval"]})
    utility = fields.String(required=True)
    target = fields.String(required=True)
    reason = fields.String(required=True)
    requested_by = fields.String(required=True)
    requested_at = Moment(required=True)


class ApprovalsSchema(StrictSchema):
    data = fields.List(fields.Nested(ApprovalSchema), required=True)


class DecisionSchema(StrictSchema):
    """What the second admin says."""

    decision = fields.String(required=True, validate=validate.OneOf(["approve", "refuse"]))


@operation(routes, "POST", "/documents/<document_id>/revocation", **ADMIN, max_age=FRESH)
@routes.arguments(RevocationOrderSchema)
@routes.response(201, RevocationSchema)
@once
def revoke_document(work: Work, order: dict[str, str], document_id: str) -> Response:
    """Revoke a document for good. Seen online at once, in the published list within a minute."""
    made = work.revoking.revoke(document_id, RevocationReason(order["reason"]), current_actor())
    return answer(RevocationSchema(), made, 201)


@operation(routes, "GET", "/utilities/<code>", **ADMIN, versioned=True)
@routes.response(200, LaunchSchema)
def read_launch(code: str) -> Response:
    """Read the state of a utility; its ETag goes into If-Match of the next change."""
    with current_wallet().read() as work:
        return _launch_answer(work.rollout.launch(code))


@operation(routes, "PATCH", "/utilities/<code>", **ADMIN, if_match=True, location=True)
@routes.arguments(LaunchChangeSchema)
@routes.response(200, LaunchSchema)
@routes.alt_response(202, schema=ApprovalSchema)
def change_launch(order: dict[str, str], code: str) -> Response:
    """Stop or pause a utility at once, or ask to open it: then the answer is 202 and nothing is in force yet."""
    version = expected_version()
    with current_wallet().work() as work:
        outcome = work.rollout.change(code, LaunchState(order["state"]), order["reason"], version, current_actor())
    if isinstance(outcome, PendingChange):
        location = {"Location": f"/v1/admin/approvals/{outcome.id}"}
        return answer(ApprovalSchema(), _approval(outcome), 202, location)
    return _launch_answer(outcome)


@operation(routes, "GET", "/approvals", **ADMIN)
@routes.response(200, ApprovalsSchema)
def list_approvals() -> Response:
    """List what waits for a second admin, oldest first."""
    with current_wallet().read() as work:
        return answer(ApprovalsSchema(), {"data": [_approval(pending) for pending in work.rollout.pending()]})


@operation(routes, "GET", "/approvals/<approval_id>", **ADMIN)
@routes.response(200, ApprovalSchema)
def read_approval(approval_id: str) -> Response:
    """Read one change that waits for a second admin; once it is decided it is not found."""
    with current_wallet().read() as work:
        found = next((pending for pending in work.rollout.pending() if pending.id == approval_id), None)
    if found is None:
        raise NotFound("not_found")
    return answer(ApprovalSchema(), _approval(found))


@operation(routes, "POST", "/approvals/<approval_id>/decision", **ADMIN)
@routes.arguments(DecisionSchema)
@routes.response(200, LaunchSchema)
@once
def decide_approval(work: Work, order: dict[str, str], approval_id: str) -> Response:
    """Agree to a change that another admin asked for, or refuse it."""
    return _launch_answer(work.rollout.decide(approval_id, agree=order["decision"] == "approve", actor=current_actor()))


def _launch_answer(launch: Launch) -> Response:
    body = {name: getattr(launch, name) for name in launch.__slots__} | {"awaiting_approval": launch.awaiting}
    body |= {"state": str(launch.state), "reason": launch.reason or None, "changed_by": launch.changed_by or None}
    response = answer(LaunchSchema(), body)
    response.headers["ETag"] = version_etag(launch.version)
    return response


def _approval(pending: PendingChange) -> dict[str, Any]:
    return {
        "id": pending.id,
        "status": "awaiting_approval",
        "utility": pending.code,
        "target": str(pending.target),
        "reason": pending.reason,
        "requested_by": pending.requested_by,
        "requested_at": pending.requested_at,
    }
