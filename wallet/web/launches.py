"""How utilities are launched, for admins: change, preview, pause, agree, explain."""

from typing import Any

from flask import Response

from wallet.errors import NotFound
from wallet.launching.estimating import Count, Moved
from wallet.launching.judging import Availability
from wallet.launching.orders import PendingChange
from wallet.launching.preview import Preview
from wallet.launching.schedule import Launch, Scheduled
from wallet.launching.stop_rule import StopRule
from wallet.places import provinces
from wallet.terms import AccountLevel, AuthLevel, StaffRole
from wallet.web.answers import answer, expected_version, version_etag
from wallet.web.auth import current_actor
from wallet.web.context import current_wallet
from wallet.web.launch_schemas import (
    ApprovalSchema,
    ApprovalsSchema,
    DecisionSchema,
    ExplanationOrderSchema,
    ExplanationSchema,
    LaunchChangeSchema,
    LaunchesSchema,
    LaunchPlanSchema,
    LaunchPreviewSchema,
    LaunchSchema,
    PauseOrderSchema,
    order_of,
)
from wallet.web.launch_words import missing_in_both, percent, plan_body
from wallet.web.once import once
from wallet.web.operations import Routes, operation
from wallet.wiring import Work

routes = Routes("launches", __name__, url_prefix="/v1/admin", description="Launching utilities, for admins")
ADMIN: dict[str, Any] = {
    "account_level": AccountLevel.TWO,
    "auth_level": AuthLevel.TWO,
    "role": StaffRole.ADMIN,
}


@operation(routes, "GET", "/utilities", **ADMIN)
@routes.response(200, LaunchesSchema)
def list_launches() -> Response:
    """List how far each utility is launched."""
    with current_wallet().read() as work:
        launches = work.rollout.launches().values()
    return answer(LaunchesSchema(), {"data": [_launch(launch) for launch in launches]})


@operation(routes, "GET", "/utilities/<code>", **ADMIN, versioned=True)
@routes.response(200, LaunchSchema)
def read_launch(code: str) -> Response:
    """Read how far a utility is launched; its ETag goes into If-Match of the next change."""
    with current_wallet().read() as work:
        return _launch_answer(work.rollout.launch(code))


@operation(routes, "PATCH", "/utilities/<code>", **ADMIN, if_match=True, location=True)
@routes.arguments(LaunchChangeSchema)
@routes.response(200, LaunchSchema)
@routes.alt_response(202, schema=ApprovalSchema)
def change_launch(order: dict[str, Any], code: str) -> Response:
    """Narrow, stop or reword at once, or ask to widen or retire: then it is 202, and a second admin has to agree."""
    version = expected_version()
    with current_wallet().work() as work:
        outcome = work.launching.change(code, order_of(order), version, current_actor())
    return _outcome(outcome)


@operation(routes, "POST", "/utilities/<code>/pause", **ADMIN)
@routes.arguments(PauseOrderSchema)
@routes.response(200, LaunchSchema)
@once
def pause_utility(work: Work, order: dict[str, Any], code: str) -> Response:
    """Stop everything new at once, whichever version is in force: the next request of anybody is refused."""
    return _launch_answer(work.launching.pause(code, order["reason"], order["pause_text"], current_actor()))


@operation(routes, "DELETE", "/utilities/<code>/schedule/<change_id>", **ADMIN, if_match=True, location=True)
@routes.response(200, LaunchSchema)
@routes.alt_response(202, schema=ApprovalSchema)
def cancel_scheduled_change(code: str, change_id: str) -> Response:
    """Take a change back that has not taken effect. Where anybody gets in without it, it is 202, as for any widening.

    A second admin then has to agree before the change takes effect.
    """
    version = expected_version()
    with current_wallet().work() as work:
        outcome = work.launching.cancel(code, change_id, version, current_actor())
    return _outcome(outcome)


@operation(routes, "POST", "/utilities/<code>/launch/preview", **ADMIN)
@routes.arguments(LaunchPlanSchema)
@routes.response(200, LaunchPreviewSchema)
def preview_launch(order: dict[str, Any], code: str) -> Response:
    """See what a change would do before it is asked for: who gains and who loses, in numbers. Nothing is changed."""
    actor = current_actor()
    with current_wallet().work() as work:  # that the register counted is on record
        found = work.previewing(actor, code).preview(code, order_of(order), actor)
    return answer(LaunchPreviewSchema(), _preview(found))


@operation(routes, "POST", "/utilities/<code>/launch/explanations", **ADMIN)
@routes.arguments(ExplanationOrderSchema)
@routes.response(200, ExplanationSchema)
def explain_launch(order: dict[str, Any], code: str) -> Response:
    """See why a citizen is in or out, rule by rule. It is recorded, and told in the citizen's own history."""
    actor = current_actor()
    for trying in current_wallet().tries():
        with trying as work:
            holder_id = work.accounts.find(order["account_id"]).holder_id
            visitor = work.launches.visitor_as(
                code, order["account_id"], holder_id, actor, "explain_launch", app_version=order["app_version"]
            )
            launch, found = work.rollout.explain(code, visitor, order["purpose"], actor)
    body = {
        "account_id": order["account_id"],
        "utility": code,
        "state": str(launch.state),
        "available": found.availability.available,
        "decided_by": str(found.availability.decided_by),
        "missing": found.availability.missing or None,
        "words": _missing(found.availability),
        "rules": [{"rule": str(line.rule), "applies": line.applies, "holds": line.holds} for line in found.lines],
        "seen_from_percent": percent(found.seen_from),
    }
    return answer(ExplanationSchema(), body)


@operation(routes, "GET", "/approvals", **ADMIN)
@routes.response(200, ApprovalsSchema)
def list_approvals() -> Response:
    """List what waits for a second admin, oldest first."""
    with current_wallet().read() as work:
        return answer(ApprovalsSchema(), {"data": [_approval(pending) for pending in work.launching.pending()]})


@operation(routes, "GET", "/approvals/<approval_id>", **ADMIN)
@routes.response(200, ApprovalSchema)
def read_approval(approval_id: str) -> Response:
    """Read one change that waits for a second admin; once it is decided it is not found."""
    with current_wallet().read() as work:
        found = next((pending for pending in work.launching.pending() if pending.id == approval_id), None)
    if found is None:
        raise NotFound("not_found")
    return answer(ApprovalSchema(), _approval(found))


@operation(routes, "POST", "/approvals/<approval_id>/decision", **ADMIN)
@routes.arguments(DecisionSchema)
@routes.response(200, LaunchSchema)
@once
def decide_approval(work: Work, order: dict[str, str], approval_id: str) -> Response:
    """Agree to a change that another admin asked for, or refuse it."""
    agree = order["decision"] == "approve"
    return _launch_answer(
        work.launching.decide(approval_id, agree=agree, actor=current_actor(), answer=order["comment"])
    )


def _missing(availability: Availability) -> dict[str, str] | None:
    return missing_in_both(availability.missing, availability.values) if availability.missing else None


def _outcome(outcome: Launch | PendingChange) -> Response:
    if isinstance(outcome, PendingChange):
        location = {"Location": f"/v1/admin/approvals/{outcome.id}"}
        return answer(ApprovalSchema(), _approval(outcome), 202, location)
    return _launch_answer(outcome)


def _launch_answer(launch: Launch) -> Response:
    response = answer(LaunchSchema(), _launch(launch))
    response.headers["ETag"] = version_etag(launch.version)
    return response


def _launch(launch: Launch) -> dict[str, Any]:
    return plan_body(launch.plan) | {
        "code": launch.code,
        "version": launch.version,
        "reason": launch.reason or None,
        "changed_by": launch.changed_by or None,
        "changed_at": launch.changed_at,
        "pause_text": dict(launch.pause_text) or None,
        "stop_rule": _stop_rule(launch.stop_rule),
        "schedule": [_scheduled(entry) for entry in launch.schedule] or None,
        "awaiting_approval": launch.awaiting,
    }


def _stop_rule(rule: StopRule) -> dict[str, Any] | None:
    if not rule.is_on:
        return None
    return {"over": percent(rule.over), "minutes": rule.minutes, "least": rule.least}


def _scheduled(entry: Scheduled) -> dict[str, Any]:
    return plan_body(entry.plan) | {
        "id": entry.id,
        "effective_at": entry.at,
        "reason": entry.reason,
        "requested_by": entry.requested_by,
        "agreed_by": entry.agreed_by or None,
    }


def _approval(pending: PendingChange) -> dict[str, Any]:
    return {
        "id": pending.id,
        "status": "awaiting_approval",
        "utility": pending.code,
        "target": str(pending.target),
        "before": plan_body(pending.before),
        "after": plan_body(pending.after),
        "pause_text": dict(pending.pause_text) or None,
        "stop_rule": _stop_rule(pending.stop_rule),
        "effective_at": pending.effective_at,
        "takes_back": pending.takes_back or None,
        "reason": pending.reason,
        "comment": pending.comment or None,
        "requested_by": pending.requested_by,
        "requested_at": pending.requested_at,
        "expires_at": pending.expires_at,
    }


def _preview(found: Preview) -> dict[str, Any]:
    by_province = None
    if found.by_province is not None:
        by_province = [
            {"province": code, "name": provinces().get(code, code)} | _moved(moved)
            for code, moved in found.by_province.items()
        ]
    return (_moved(found.whole) if found.whole is not None else {}) | {
        "before": plan_body(found.before),
        "after": plan_body(found.after),
        "effective_at": found.effective_at,
        "needs_approval": found.needs_second,
        "accounts": found.accounts,
        "counted": found.counted,
        "by_province": by_province,
        "placed": found.placed,
        "gains_below_level": None if found.below_level is None else _count(found.below_level),
        "minimum_account_level": int(found.minimum_account_level),
        "minimum_auth_level": int(found.minimum_auth_level),
        "open_requests": None if found.open_requests is None else _count(found.open_requests),
    }


def _moved(moved: Moved) -> dict[str, Any]:
    return {"gains": _count(moved.gains), "loses": _count(moved.loses)}


def _count(count: Count) -> dict[str, int]:
    if count.number is None:
        return {"fewer_than": count.high}
    return {"count": count.number} | ({} if count.exact else {"from": count.low, "to": count.high})
