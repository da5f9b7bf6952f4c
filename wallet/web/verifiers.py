"""Organisations that check, their purposes and their desks, for staff: let in by two, stopped by one.

A desk's key is in the answer that made it and in no other: the store of answers does not hold it.
"""

from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from typing import Any

from flask import Response, g, json
from marshmallow import fields, validate

from wallet.checks.desks import DECIDE, MANAGE, READ, DeskOrder, DeskView
from wallet.checks.purposes import MAX_PURPOSES
from wallet.checks.registering import StopReason, VerifierOrder, VerifierOrganisation, VerifierState, Wish
from wallet.checks.templates import TEMPLATES, purposes_of, title_of
from wallet.terms import AccountLevel, AuthLevel, StaffRole
from wallet.web.answers import PRIVATE, PageQuery, answer, page_answer, place_of
from wallet.web.auth import FRESH, current_actor
from wallet.web.context import current_wallet
from wallet.web.once import once
from wallet.web.operations import Routes, operation
from wallet.web.schemas import NAME, Both, Moment, PlainWords, StrictSchema
from wallet.web.verifier_desk import KINDS, PurposeSchema, QuotasSchema
from wallet.wiring import Work

routes = Routes(
    "verifiers", __name__, url_prefix="/v1/admin", description="Organisations that check, and their desks, for staff"
)


def _by(roles: frozenset[StaffRole]) -> dict[str, Any]:
    return {"account_level": AccountLevel.TWO, "auth_level": AuthLevel.TWO, "role": roles}


MANAGER, DECIDER, STOPPER, READER = _by(MANAGE), _by(DECIDE), _by(MANAGE | DECIDE), _by(READ)
CODE = r"^[a-z][a-z0-9_]{0,31}\Z"
_GROUND = validate.Length(3, 300)
_NAMES = fields.List(fields.String(validate=validate.Length(1, 64)), validate=validate.Length(0, 100))
_COMMENT = validate.Length(0, 500)
DESK_STATES = ["active", "revoked"]


class BothWordsSchema(StrictSchema):
    """A text in both languages."""

    vi = PlainWords(required=True, validate=validate.Length(1, 120))
    en = PlainWords(required=True, validate=validate.Length(1, 120))


class PurposeOrderSchema(StrictSchema):
    """What an organisation wants to look at, and why it may.

    `claims`: of each kind of document the claims, each by its name. `strict_ground`: the law that lets it ask for an
    address, a household, or what is of the strict class; required where it does. A `gate` may not ask for these at all.
    """

    code = fields.String(required=True, validate=validate.Regexp(CODE))
    kind = fields.String(required=True, validate=validate.OneOf(KINDS))
    title = fields.Nested(BothWordsSchema, required=True)
    legal_ground = PlainWords(required=True, validate=_GROUND)
    strict_ground = PlainWords(load_default="", validate=validate.Length(0, 300))
    claims = fields.Dict(
        keys=fields.String(validate=validate.Length(1, 64)),
        values=_NAMES,
        required=True,
        validate=validate.Length(0, 30),
        metadata={"additionalProperties": {"type": "array", "items": {"type": "string"}}},
    )
    portrait = fields.Boolean(load_default=False)
    quotas = fields.Nested(QuotasSchema, required=True)


def _purposes(**options: Any) -> fields.List:
    return fields.List(fields.Nested(PurposeOrderSchema), validate=validate.Length(1, MAX_PURPOSES), **options)


class VerifierOrderSchema(StrictSchema):
    """An organisation that wants to check. Without `purposes`: those of its template."""

    name = fields.Nested(BothWordsSchema, required=True)
    enterprise_code = fields.String(validate=validate.Regexp(r"^[0-9]{10}(-[0-9]{3})?\Z"))
    template = fields.String(validate=validate.OneOf(sorted(TEMPLATES)))
    legal_ground = PlainWords(required=True, validate=_GROUND)
    purposes = _purposes()
    comment = PlainWords(load_default="", validate=_COMMENT)


class PurposesOrderSchema(StrictSchema):
    """All the purposes that an organisation is to have, and why."""

    purposes = _purposes(required=True)
    comment = PlainWords(load_default="", validate=_COMMENT)


class VerifierDecisionSchema(StrictSchema):
    """What the second person says, to what they saw."""

    approval = fields.String(required=True, validate=validate.Regexp(r"^apr_[0-9a-f]{32}\Z"))
    decision = fields.String(required=True, validate=validate.OneOf(["approve", "refuse"]))
    comment = PlainWords(load_default="", validate=_COMMENT)


class VerifierStopSchema(StrictSchema):
    """Why an organisation is to stop."""

    reason = fields.String(required=True, validate=validate.OneOf([str(reason) for reason in StopReason]))


class VerifierResumptionSchema(StrictSchema):
    """Why an organisation may go on."""

    comment = PlainWords(load_default="", validate=_COMMENT)


class AwaitedChangeSchema(StrictSchema):
    """What waits for a second person; nothing of it is in force. `purposes`: those that there would be."""

    approval = fields.String(required=True)
    state = fields.String(required=True, metadata={"x-extensible-enum": ["awaiting_approval"]})
    wish = fields.String(required=True, metadata={"x-extensible-enum": [str(wish) for wish in Wish]})
    purposes = fields.List(fields.Nested(PurposeSchema))
    comment = fields.String()
    requested_by = fields.String(required=True)
    requested_at = Moment(required=True)
    expires_at = Moment(required=True)


class VerifierSchema(StrictSchema):
    """An organisation that checks. `purposes`: those in force."""

    id = fields.String(required=True)
    name = Both(required=True)
    enterprise_code = fields.String()
    template = fields.String()
    legal_ground = fields.String(required=True)
    purposes = fields.List(fields.Nested(PurposeSchema), required=True)
    state = fields.String(required=True, metadata={"x-extensible-enum": [str(state) for state in VerifierState]})
    reason = fields.String(metadata={"x-extensible-enum": [str(reason) for reason in StopReason]})
    test = fields.Boolean(required=True)
    version = fields.Integer(required=True)
    registered_by = fields.String(required=True)
    registered_at = Moment(required=True)
    changed_at = Moment(required=True)
    awaiting = fields.Nested(AwaitedChangeSchema)


class VerifierPageSchema(StrictSchema):
    data = fields.List(fields.Nested(VerifierSchema), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


class VerifierTemplateSchema(StrictSchema):
    """What a usual verifier looks at. A `legal_ground` that is empty has to be stated by whoever registers."""

    code = fields.String(required=True)
    title = Both(required=True)
    purposes = fields.List(fields.Nested(PurposeSchema), required=True)


class VerifierTemplatesSchema(StrictSchema):
    data = fields.List(fields.Nested(VerifierTemplateSchema), required=True)


class VerifierDeskOrderSchema(StrictSchema):
    """A desk that is to be. `gate_id`: what a code is shown to, where codes are shown to one gate alone."""

    name = PlainWords(required=True, validate=validate.Regexp(NAME))
    gate_id = fields.String(required=True, validate=validate.Regexp(r"^[A-Z0-9-]{1,16}\Z"))
    purposes = fields.List(
        fields.String(validate=validate.Regexp(CODE)), required=True, validate=validate.Length(1, MAX_PURPOSES)
    )


class KeyRotationSchema(StrictSchema):
    """For how long the key of now stays good beside the new one; by default it ends at once."""

    overlap_seconds = fields.Integer(load_default=0, strict=True, validate=validate.Range(0, 86400))


class VerifierDeskSchema(StrictSchema):
    """A desk. `former_until`: until then the key before this one is good too."""

    id = fields.String(required=True)
    verifier_id = fields.String(required=True)
    name = fields.String(required=True)
    gate_id = fields.String(required=True)
    purposes = fields.List(fields.String(), required=True)
    state = fields.String(required=True, metadata={"x-extensible-enum": DESK_STATES})
    former_until = Moment()
    created_by = fields.String(required=True)
    created_at = Moment(required=True)
    rotated_at = Moment()
    revoked_at = Moment()


class NewVerifierDeskSchema(VerifierDeskSchema):
    """A desk with its key. It is shown this once: a repeated call with the same Idempotency-Key comes without it."""

    key = fields.String(metadata={"description": "vsd_ or, in a demo, vsd_test_; the id and 32 bytes in hexadecimal"})


class VerifierDeskPageSchema(StrictSchema):
    data = fields.List(fields.Nested(VerifierDeskSchema), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


def _showing_key(view: Callable[..., Response]) -> Callable[..., Response]:
    """Add the key to an answer after the answer was kept: the store of answers must not hold it."""

    @wraps(view)
    def wrapped(*args: Any, **kwargs: Any) -> Response:
        response = view(*args, **kwargs)
        key = g.pop("desk_key", None)
        if key is not None:
            body = dict(response.json or {}) | {"key": key.shown}
            response.set_data(json.dumps(body, ensure_ascii=False))
        return response

    return wrapped


@operation(routes, "GET", "/verifier-templates", **READER)
@routes.response(200, VerifierTemplatesSchema)
def list_verifier_templates() -> Response:
    """List what the usual verifiers look at, as far as this deployment has such documents."""
    catalogue = current_wallet().catalogue
    rows = [
        {"code": each.code, "title": title_of(each), "purposes": purposes_of(each, catalogue)}
        for each in TEMPLATES.values()
    ]
    return answer(VerifierTemplatesSchema(), {"data": rows})


@operation(routes, "POST", "/verifiers", **MANAGER, location=True)
@routes.arguments(VerifierOrderSchema)
@routes.response(202, VerifierSchema)
@once
def register_verifier(work: Work, order: dict[str, Any]) -> Response:
    """Ask for an organisation to be let in. Nothing is in force until a second person agrees."""
    comment = order.pop("comment")
    made = work.verifiers.register(VerifierOrder(**order), comment, current_actor())
    return _verifier_answer(made, 202, {"Location": f"{routes.url_prefix}/verifiers/{made.id}"})


@operation(routes, "GET", "/verifiers", **READER)
@routes.arguments(PageQuery, location="query")
@routes.response(200, VerifierPageSchema)
def list_verifiers(query: dict[str, Any]) -> Response:
    """List the organisations that check, newest first."""
    place = place_of(query["cursor"], "verifiers")
    with current_wallet().read() as work:
        found, following = work.verifiers.page(query["limit"], place, current_actor())
    return page_answer(VerifierSchema(), [_told(each) for each in found], following, "verifiers", query["limit"])


@operation(routes, "GET", "/verifiers/<verifier_id>", **READER)
@routes.response(200, VerifierSchema)
def read_verifier(verifier_id: str) -> Response:
    """Read one organisation, with what waits for a second person."""
    with current_wallet().read() as work:
        return _verifier_answer(work.verifiers.get(verifier_id, current_actor()))


@operation(routes, "PUT", "/verifiers/<verifier_id>/purposes", **MANAGER)
@routes.arguments(PurposesOrderSchema)
@routes.response(200, VerifierSchema)
@routes.alt_response(202, schema=VerifierSchema)
@once
def change_verifier_purposes(work: Work, order: dict[str, Any], verifier_id: str) -> Response:
    """Replace the purposes: 200 where that only narrows them and holds at once, else 202 until a second one agrees."""
    changed, holds = work.verifiers.change_purposes(verifier_id, order["purposes"], order["comment"], current_actor())
    return _verifier_answer(changed, 200 if holds else 202)


@operation(routes, "POST", "/verifiers/<verifier_id>/decision", **DECIDER)
@routes.arguments(VerifierDecisionSchema)
@routes.response(200, VerifierSchema)
@once
def decide_verifier(work: Work, order: dict[str, str], verifier_id: str) -> Response:
    """Agree to what somebody else asked for, or refuse it."""
    agree = order["decision"] == "approve"
    return _verifier_answer(
        work.verifiers.decide(
            verifier_id, order["approval"], agree=agree, actor=current_actor(), answer=order["comment"]
        )
    )


@operation(routes, "POST", "/verifiers/<verifier_id>/suspension", **STOPPER)
@routes.arguments(VerifierStopSchema)
@routes.response(200, VerifierSchema)
@once
def suspend_verifier(work: Work, order: dict[str, str], verifier_id: str) -> Response:
    """Stop all desks of an organisation, at once. It goes on when two agree."""
    return _verifier_answer(work.verifiers.suspend(verifier_id, StopReason(order["reason"]), current_actor()))


@operation(routes, "POST", "/verifiers/<verifier_id>/resumption", **MANAGER)
@routes.arguments(VerifierResumptionSchema)
@routes.response(202, VerifierSchema)
@once
def resume_verifier(work: Work, order: dict[str, str], verifier_id: str) -> Response:
    """Ask for a suspended organisation to go on. Nothing is in force until a second person agrees."""
    return _verifier_answer(work.verifiers.resume(verifier_id, order["comment"], current_actor()), 202)


@operation(routes, "POST", "/verifiers/<verifier_id>/ending", **STOPPER)
@routes.arguments(VerifierStopSchema)
@routes.response(200, VerifierSchema)
@once
def end_verifier(work: Work, order: dict[str, str], verifier_id: str) -> Response:
    """End an organisation for good, with all its desks, at once."""
    return _verifier_answer(work.verifiers.end(verifier_id, StopReason(order["reason"]), current_actor()))


@operation(routes, "POST", "/verifiers/<verifier_id>/desks", **MANAGER, max_age=FRESH, location=True)
@routes.arguments(VerifierDeskOrderSchema)
@routes.response(201, NewVerifierDeskSchema)
@_showing_key
@once
def create_verifier_desk(work: Work, order: dict[str, Any], verifier_id: str) -> Response:
    """Give an organisation a desk. Its key is in this answer and in no other."""
    desk = DeskOrder(order["name"], order["gate_id"], tuple(order["purposes"]))
    view, g.desk_key = work.verifier_desks.create(verifier_id, desk, current_actor())
    return _desk_answer(view, 201, {"Location": f"{routes.url_prefix}/verifiers/{verifier_id}/desks/{view.id}"})


@operation(routes, "GET", "/verifiers/<verifier_id>/desks", **READER)
@routes.arguments(PageQuery, location="query")
@routes.response(200, VerifierDeskPageSchema)
def list_verifier_desks(query: dict[str, Any], verifier_id: str) -> Response:
    """List the desks of an organisation, newest first, revoked ones too."""
    purpose = f"verifier-desks:{verifier_id}"
    place = place_of(query["cursor"], purpose)
    with current_wallet().read() as work:
        rows, following = work.verifier_desks.page(verifier_id, query["limit"], place, current_actor())
    return page_answer(VerifierDeskSchema(), rows, following, purpose, query["limit"])


@operation(routes, "GET", "/verifiers/<verifier_id>/desks/<desk_id>", **READER)
@routes.response(200, VerifierDeskSchema)
def read_verifier_desk(verifier_id: str, desk_id: str) -> Response:
    """Read one desk, without its key."""
    with current_wallet().read() as work:
        return _desk_answer(work.verifier_desks.find(verifier_id, desk_id, current_actor()))


@operation(routes, "POST", "/verifiers/<verifier_id>/desks/<desk_id>/key", **MANAGER, max_age=FRESH)
@routes.arguments(KeyRotationSchema)
@routes.response(201, NewVerifierDeskSchema)
@_showing_key
@once
def rotate_verifier_desk_key(work: Work, order: dict[str, int], verifier_id: str, desk_id: str) -> Response:
    """Give a desk a new key. The one before ends at once, or after the overlap that was asked for."""
    overlap = timedelta(seconds=order["overlap_seconds"])
    view, g.desk_key = work.verifier_desks.rotate(verifier_id, desk_id, overlap, current_actor())
    return _desk_answer(view, 201)


@operation(routes, "DELETE", "/verifiers/<verifier_id>/desks/<desk_id>", **STOPPER)
@routes.response(204)
def revoke_verifier_desk(verifier_id: str, desk_id: str) -> Response:
    """Take the key of a desk back, for good and at once; the desk stays on the list."""
    with current_wallet().work() as work:
        work.verifier_desks.revoke(verifier_id, desk_id, current_actor())
    return Response(status=204, headers={"Cache-Control": PRIVATE})


def _verifier_answer(
    organisation: VerifierOrganisation, status: int = 200, headers: dict[str, str] | None = None
) -> Response:
    return answer(VerifierSchema(), _told(organisation), status, headers)


def _desk_answer(view: DeskView, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return answer(VerifierDeskSchema(), view, status, headers)


def _told(organisation: VerifierOrganisation) -> dict[str, Any]:
    body = {name: getattr(organisation, name) for name in organisation.__slots__}
    return body | {"purposes": [purpose.to_json() for purpose in organisation.purposes]}
