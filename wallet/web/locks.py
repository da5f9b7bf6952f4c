"""Locking and unlocking: by the holder, at a desk, and by an authority's order in two steps."""

from typing import Any

from flask import Response, request
from marshmallow import ValidationError, fields, validate, validates_schema

from wallet.enrolment.unlocking import UnlockForm
from wallet.errors import InvalidInput, pointer_step
from wallet.identity.account_states import LockGround
from wallet.identity.lock_orders import OrderKind, OrderState
from wallet.identity.locking import DESK_GROUNDS
from wallet.terms import AccountLevel, AuthLevel
from wallet.web.answers import PRIVATE, PageQuery, answer, page_answer, place_of
from wallet.web.auth import FRESH, current_actor
from wallet.web.context import current_wallet
from wallet.web.desks import APPROVER, EITHER, OFFICER
from wallet.web.documents import PageSchema
from wallet.web.once import once
from wallet.web.operations import Routes, operation
from wallet.web.schemas import LEGAL_REF, Moment, StrictSchema, parse_json, read_body
from wallet.wiring import Work

routes = Routes("locks", __name__, url_prefix="/v1", description="Locking and unlocking accounts")
NUMBER = r"^[0-9]{12}\Z"


class WhoseSchema(StrictSchema):
    """Whose account: by number or by id, one of the two."""

    number = fields.String(validate=validate.Regexp(NUMBER))
    account_id = fields.String(validate=validate.Regexp(r"^acc_[0-9a-f]{32}\Z"))

    @validates_schema
    def check_one(self, data: dict[str, Any], **_: Any) -> None:
        """One of the two, not both."""
        if ("number" in data) == ("account_id" in data):
            raise ValidationError({"number": ["required" if "number" not in data else "invalid"]})


class DeskLockSchema(WhoseSchema):
    """A lock that an officer sets."""

    ground = fields.String(required=True, validate=validate.OneOf([str(ground) for ground in DESK_GROUNDS]))
    legal_ref = fields.String(required=True, validate=LEGAL_REF)


class UnlockFormSchema(StrictSchema):
    """What form TK03 states of the holder, beside the number."""

    full_name = fields.String(required=True, validate=validate.Length(1, 120))
    birth_date = fields.String(required=True, validate=validate.Regexp(r"^[0-9]{4}(-[0-9]{2}-[0-9]{2})?\Z"))


class DeskUnlockSchema(StrictSchema):
    """Form TK03, as the holder handed it in."""

    number = fields.String(required=True, validate=validate.Regexp(NUMBER))
    form = fields.Nested(UnlockFormSchema, required=True)
    # A callable, so that the API's description does not offer as a value what is too short for one.
    legal_ref = fields.String(load_default=lambda: "", validate=LEGAL_REF)


class AccountStandingSchema(StrictSchema):
    """How an account stands now. ground: the heaviest of those that stand."""

    account_id = fields.String(required=True)
    state = fields.String(required=True, metadata={"x-extensible-enum": ["approved", "active", "locked"]})
    ground = fields.String(metadata={"x-extensible-enum": [str(ground) for ground in LockGround]})
    legal_ref = fields.String()
    locked_at = Moment()


class LockOrderReceiptSchema(WhoseSchema):
    """What an authority asks for."""

    kind = fields.String(required=True, validate=validate.OneOf([str(kind) for kind in OrderKind]))
    authority = fields.String(required=True, validate=validate.Length(3, 200))
    legal_ref = fields.String(required=True, validate=LEGAL_REF)


class LockOrderSchema(StrictSchema):
    """An authority's order. overdue: its present step should have been over."""

    id = fields.String(required=True)
    account_id = fields.String(required=True)
    kind = fields.String(required=True, metadata={"x-extensible-enum": [str(kind) for kind in OrderKind]})
    ground = fields.String(required=True)
    authority = fields.String(required=True)
    legal_ref = fields.String(required=True)
    state = fields.String(required=True, metadata={"x-extensible-enum": [str(state) for state in OrderState]})
    overdue = fields.Boolean(required=True)
    received_by = fields.String(required=True)
    received_at = Moment(required=True)
    forward_due_at = Moment(required=True)
    forwarded_by = fields.String()
    forwarded_at = Moment()
    decision_due_at = Moment()
    decided_by = fields.String()
    decided_at = Moment()
    written_reason = fields.String()


class LockOrderPageSchema(PageSchema):
    data = fields.List(fields.Nested(LockOrderSchema), required=True)


class LockOrderQuery(PageQuery):
    """Which orders."""

    state = fields.String(
        load_default=str(OrderState.RECEIVED), validate=validate.OneOf([str(state) for state in OrderState])
    )


class LockDecisionSchema(StrictSchema):
    """What the head of the identity authority decides. A refusal needs its reasons in writing."""

    decision = fields.String(required=True, validate=validate.OneOf(["grant", "refuse"]))
    written_reason = fields.String(validate=validate.Length(3, 1000))


@operation(routes, "POST", "/me/lock", account_level=AccountLevel.ONE, auth_level=AuthLevel.TWO)
@routes.response(204)
def lock_own_account() -> Response:
    """Lock your own account, at once: every session ends. Unlock with device and passcode, or at a desk."""
    _assert_no_fields()
    with current_wallet().work() as work:
        work.locking.lock_own(current_actor())
    return Response(status=204, headers={"Cache-Control": PRIVATE})


@operation(routes, "POST", "/desk/locks", **OFFICER, max_age=FRESH)
@routes.arguments(DeskLockSchema)
@routes.response(201, AccountStandingSchema)
@once
def lock_at_desk(work: Work, order: dict[str, str]) -> Response:
    """Lock somebody's account on a ground that an officer may set."""
    account_id = _account(work, order)
    work.locking.lock(account_id, LockGround(order["ground"]), current_actor(), order["legal_ref"])
    return _standing(work, account_id)


@operation(routes, "POST", "/desk/unlocks", **OFFICER, max_age=FRESH)
@routes.arguments(DeskUnlockSchema)
@routes.response(201, AccountStandingSchema)
@once
def unlock_at_desk(work: Work, order: dict[str, Any]) -> Response:
    """Unlock for a holder with form TK03: at once where they had asked for the lock, else when its ground is gone.

    The account stays locked while another ground stands: the answer says which.
    """
    account_id = _account(work, order)
    work.unlocking.unlock(account_id, UnlockForm(**order["form"]), current_actor(), order["legal_ref"])
    return _standing(work, account_id)


@operation(routes, "POST", "/desk/lock-orders", **OFFICER, max_age=FRESH, location=True)
@routes.arguments(LockOrderReceiptSchema)
@routes.response(201, LockOrderSchema)
@once
def receive_lock_order(work: Work, order: dict[str, str]) -> Response:
    """Take down that a competent authority asks for a lock, or for its end. Forward it within one working day."""
    account_id = _account(work, order)
    made = work.lock_orders.receive(
        account_id, OrderKind(order["kind"]), order["authority"], order["legal_ref"], current_actor()
    )
    return answer(LockOrderSchema(), made, 201, {"Location": f"/v1/desk/lock-orders/{made.id}"})


@operation(routes, "GET", "/desk/lock-orders", **EITHER)
@routes.arguments(LockOrderQuery, location="query")
@routes.response(200, LockOrderPageSchema)
def list_lock_orders(query: dict[str, Any]) -> Response:
    """List the orders in a state, oldest first; `overdue` marks those whose step should have been over."""
    purpose, limit = f"lock-orders:{query['state']}", query["limit"]
    with current_wallet().read() as work:
        rows, following = work.lock_orders.page(OrderState(query["state"]), limit, place_of(query["cursor"], purpose))
    return page_answer(LockOrderSchema(), rows, following, purpose, limit)


@operation(routes, "GET", "/desk/lock-orders/<order_id>", **EITHER)
@routes.response(200, LockOrderSchema)
def read_lock_order(order_id: str) -> Response:
    """Read one order."""
    with current_wallet().read() as work:
        return answer(LockOrderSchema(), work.lock_orders.get(order_id))


@operation(routes, "POST", "/desk/lock-orders/<order_id>/forwarding", **OFFICER, max_age=FRESH)
@routes.response(201, LockOrderSchema)
@once
def forward_lock_order(work: Work, order_id: str) -> Response:
    """Forward an order to whoever decides; from here they have two working days."""
    _assert_no_fields()
    return answer(LockOrderSchema(), work.lock_orders.forward(order_id, current_actor()), 201)


@operation(routes, "POST", "/desk/lock-orders/<order_id>/decision", **APPROVER, max_age=FRESH)
@routes.arguments(LockDecisionSchema)
@routes.response(201, LockOrderSchema)
@once
def decide_lock_order(work: Work, order: dict[str, str], order_id: str) -> Response:
    """Grant an order, which is carried out at once, or refuse it. Not by whoever received or forwarded it."""
    grant, reason = order["decision"] == "grant", order.get("written_reason")
    made = work.lock_orders.decide(order_id, grant=grant, written_reason=reason, actor=current_actor())
    return answer(LockOrderSchema(), made, 201)


def _account(work: Work, order: dict[str, Any]) -> str:
    if "account_id" in order:
        return work.accounts.find(order["account_id"]).id
    return work.lifecycle.account_of(order["number"], current_actor())


def _standing(work: Work, account_id: str) -> Response:
    account = work.accounts.find(account_id)
    body: dict[str, Any] = {"account_id": account.id, "state": str(account.state)}
    heaviest = next(iter(work.accounts.locks(account_id)), None)
    if heaviest is not None:
        body |= {"ground": heaviest.ground, "legal_ref": heaviest.legal_ref, "locked_at": heaviest.at}
    return answer(AccountStandingSchema(), body, 201)


def _assert_no_fields() -> None:
    """Refuse a body that says something: nothing is read from it, and silence would hide a misunderstanding."""
    body = read_body(request)
    given = parse_json(body) if body else {}
    if given != {}:
        names = given if isinstance(given, dict) else [""]
        raise InvalidInput({pointer_step(name) if name else "": "unknown_field" for name in names})
