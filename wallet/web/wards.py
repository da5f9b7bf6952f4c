"""Children and wards of the parent or guardian who asks."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from flask import Response
from marshmallow import fields, validate

from wallet.identity.guardians import Relation
from wallet.terms import AccountLevel, AuthLevel
from wallet.web.answers import answer
from wallet.web.auth import FRESH, current_actor
from wallet.web.context import current_wallet
from wallet.web.once import once
from wallet.web.operations import Routes, operation
from wallet.web.schemas import Moment, StrictSchema
from wallet.wiring import Work

routes = Routes("wards", __name__, url_prefix="/v1/me", description="Children and wards, acted for by their guardian")


class WardOrderSchema(StrictSchema):
    """Who is to be acted for. relation: where the register states more than one."""

    number = fields.String(required=True, validate=validate.Regexp(r"^[0-9]{12}\Z"))
    relation = fields.String(validate=validate.OneOf([str(relation) for relation in Relation]))


class WardSchema(StrictSchema):
    """A child or ward. `account_id` goes into the header Acting-For."""

    account_id = fields.String(required=True)
    relation = fields.String(required=True, metadata={"x-extensible-enum": [str(relation) for relation in Relation]})
    since = Moment(required=True)
    account_level = fields.Integer(required=True)
    state = fields.String(required=True, metadata={"x-extensible-enum": ["approved", "active", "locked", "closed"]})
    full_name = fields.String(required=True)
    birth_date = fields.String(required=True, metadata={"description": "YYYY-MM-DD, or YYYY"})


class WardsSchema(StrictSchema):
    data = fields.List(fields.Nested(WardSchema), required=True)


def counted(view: Callable[..., Response]) -> Callable[..., Response]:
    """Count the asking before its transaction begins, so that a refusal does not take the count back."""

    @wraps(view)
    def wrapped(*args: Any, **kwargs: Any) -> Response:
        with current_wallet().work() as work:
            work.wards.count_asking(current_actor())
        return view(*args, **kwargs)

    return wrapped


@operation(
    routes, "POST", "/wards", account_level=AccountLevel.TWO, auth_level=AuthLevel.TWO, max_age=FRESH, cooling_off=True
)
@routes.arguments(WardOrderSchema)
@routes.response(201, WardSchema)
@counted
@once
def register_ward(work: Work, order: dict[str, str]) -> Response:
    """Register your child under 14 or your ward, whom the population register names as yours, and act for them."""
    relation = Relation(order["relation"]) if "relation" in order else None
    return answer(WardSchema(), work.wards.register(order["number"], relation, current_actor()), 201)


@operation(routes, "GET", "/wards", account_level=AccountLevel.TWO, auth_level=AuthLevel.ONE)
@routes.response(200, WardsSchema)
def list_wards() -> Response:
    """List everybody for whom you act."""
    with current_wallet().read() as work:
        body: dict[str, Any] = {"data": work.wards.all_of(current_actor())}
    return answer(WardsSchema(), body)
