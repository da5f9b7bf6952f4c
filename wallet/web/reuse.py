"""How much of what forms want is not asked, for admins: the figure that the programme is measured by."""

from datetime import timedelta
from typing import Any

from flask import Response
from marshmallow import fields, validate

from wallet.requests.reuse import reuse_since
from wallet.web.answers import answer
from wallet.web.context import current_wallet
from wallet.web.launches import ADMIN
from wallet.web.operations import Routes, operation
from wallet.web.schemas import Count, StrictSchema

routes = Routes("reuse", __name__, url_prefix="/v1/admin", description="What is not asked twice, for admins")


class ReuseQuery(StrictSchema):
    """Of how many days."""

    days = Count(load_default=30, validate=validate.Range(1, 366))


class ReuseSchema(StrictSchema):
    """Fields that a register answered, fields that people did, and the share of the former. No `utility`: of all."""

    utility = fields.String()
    held = fields.Integer(required=True)
    asked = fields.Integer(required=True)
    rate = fields.Float(required=True, metadata={"description": "0 to 1"})


class ReusesSchema(StrictSchema):
    data = fields.List(fields.Nested(ReuseSchema), required=True)


@operation(routes, "GET", "/reuse", **ADMIN)
@routes.arguments(ReuseQuery, location="query")
@routes.response(200, ReusesSchema)
def read_reuse(query: dict[str, Any]) -> Response:
    """Read how much of what forms want was not asked, of all utilities first, then of each."""
    wallet = current_wallet()
    since = wallet.clock.now() - timedelta(days=query["days"])
    with wallet.read() as work:
        counted = reuse_since(work.request_services.rows, since)
    rows = [
        {"utility": each.utility or None, "held": each.held, "asked": each.asked, "rate": round(each.rate, 4)}
        for each in counted
    ]
    return answer(ReusesSchema(), {"data": rows})
