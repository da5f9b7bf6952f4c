"""The caller's devices: every one there ever was, and taking one's place away."""

from dataclasses import asdict
from typing import Any

from flask import Response
from marshmallow import fields

from wallet.errors import NotFound
from wallet.terms import AccountLevel, AuthLevel
from wallet.web.answers import PRIVATE, PageQuery, page_answer, place_of
from wallet.web.auth import FRESH, current_actor
from wallet.web.context import current_wallet
from wallet.web.operations import Routes, operation
from wallet.web.schemas import Moment, StrictSchema

routes = Routes("devices", __name__, url_prefix="/v1/me", description="One's devices, past and present")


class DeviceSchema(StrictSchema):
    """A device. `bound_by`: how the binding was proven. `place`: where, as far as is known."""

    id = fields.String(required=True)
    name = fields.String(required=True)
    state = fields.String(required=True, metadata={"x-extensible-enum": ["bound", "suspended", "unbound"]})
    bound_at = Moment(required=True)
    bound_by = fields.String(required=True)
    place = fields.String(required=True)
    unbound_at = Moment()
    unbound_reason = fields.String()
    current = fields.Boolean(required=True)


class DevicePageSchema(StrictSchema):
    data = fields.List(fields.Nested(DeviceSchema), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


@operation(routes, "GET", "/devices", account_level=AccountLevel.ONE, auth_level=AuthLevel.ONE)
@routes.arguments(PageQuery, location="query")
@routes.response(200, DevicePageSchema)
def list_devices(query: dict[str, Any]) -> Response:
    """List every device that was ever bound to this account, the newest first."""
    actor = current_actor()
    purpose = f"devices:{actor.account_id}"
    with current_wallet().read() as work:
        rows, following = work.devices.page(actor.account_id, query["limit"], place_of(query["cursor"], purpose))
    shown = [asdict(row) | {"current": row.id == actor.device_id} for row in rows]
    return page_answer(DeviceSchema(), shown, following, purpose, query["limit"])


@operation(
    routes,
    "DELETE",
    "/devices/<device_id>",
    account_level=AccountLevel.ONE,
    auth_level=AuthLevel.TWO,
    max_age=FRESH,
    device=True,
)
@routes.response(204)
def unbind_device(device_id: str) -> Response:
    """Take a device's place away. Its sessions end at once; unbinding this one ends this session too."""
    actor = current_actor()
    with current_wallet().work() as work:
        device = work.devices.find(device_id)
        if device is None or device.account_id != actor.account_id:
            raise NotFound("not_found")
        work.devices.unbind(device_id, "holder_asked", actor)
    return Response(status=204, headers={"Cache-Control": PRIVATE})
