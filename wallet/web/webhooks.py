"""Endpoints of webhooks, for admins: where the service tells that something happened."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from flask import Response, g, json
from marshmallow import fields, validate

from wallet.messages.endpoints import EndpointView
from wallet.terms import AccountLevel, AuthLevel, StaffRole
from wallet.web.answers import PRIVATE, PageQuery, answer, expected_version, page_answer, place_of, version_etag
from wallet.web.auth import FRESH, current_actor
from wallet.web.context import current_wallet
from wallet.web.once import once
from wallet.web.operations import Routes, operation
from wallet.web.schemas import Moment, StrictSchema
from wallet.wiring import Work

routes = Routes(
    "webhooks",
    __name__,
    url_prefix="/v1/admin/webhook-endpoints",
    description="Webhooks (Standard Webhooks), for admins",
)
ADMIN: dict[str, Any] = {
    "account_level": AccountLevel.TWO,
    "auth_level": AuthLevel.TWO,
    "role": StaffRole.ADMIN,
}
STATES = ("active", "disabled")
_URL = validate.Length(1, 500)
_EVENTS = (validate.Length(max=50),)
_EVENT = validate.Regexp(r"^[a-z_]{1,30}(\.[a-z_]{1,30}){1,2}\Z")


def _events(**options: Any) -> fields.List:
    return fields.List(fields.String(validate=_EVENT), validate=_EVENTS, **options)


class EndpointOrderSchema(StrictSchema):
    """Where to tell, and what. Without `events`: everything."""

    url = fields.String(required=True, validate=_URL, metadata={"description": "https, a public name"})
    description = fields.String(load_default="", validate=validate.Length(max=200))
    events = _events(load_default=list)


class EndpointChangeSchema(StrictSchema):
    """What is to be another; the rest stays. An endpoint that was disabled is told again once it is `active`."""

    url = fields.String(validate=_URL)
    description = fields.String(validate=validate.Length(max=200))
    events = _events()
    state = fields.String(validate=validate.OneOf(STATES))


class EndpointSchema(StrictSchema):
    """An endpoint. `former_secret_until`: until then the secret before this one signs too."""

    id = fields.String(required=True)
    url = fields.String(required=True)
    description = fields.String(required=True)
    events = fields.List(fields.String(), required=True)
    state = fields.String(required=True, metadata={"x-extensible-enum": list(STATES)})
    disabled_reason = fields.String(metadata={"x-extensible-enum": ["gone", "failing", "by_admin"]})
    failing_since = Moment()
    former_secret_until = Moment(attribute="former_until")
    version = fields.Integer(required=True)
    created_by = fields.String(required=True)
    created_at = Moment(required=True)


class NewEndpointSchema(EndpointSchema):
    """An endpoint with its secret. It is shown this once: a repeated call with the same key comes without it."""

    secret = fields.String(metadata={"description": "whsec_ and 32 bytes in base64"})


class EndpointPageSchema(StrictSchema):
    data = fields.List(fields.Nested(EndpointSchema), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


class AttemptSchema(StrictSchema):
    """One attempt to deliver. `status`: of HTTP, absent when there was no answer."""

    id = fields.String(required=True)
    event_id = fields.String(required=True)
    type = fields.String()
    at = Moment(required=True)
    status = fields.Integer()
    milliseconds = fields.Integer(required=True)
    outcome = fields.String(required=True, metadata={"x-extensible-enum": ["ok", "timeout", "no_connection"]})


class AttemptPageSchema(StrictSchema):
    data = fields.List(fields.Nested(AttemptSchema), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


class QueuedEventSchema(StrictSchema):
    """An event that is on its way; its id comes as `webhook-id`."""

    event_id = fields.String(required=True)


def _showing_secret(view: Callable[..., Response]) -> Callable[..., Response]:
    """Add the secret to an answer after the answer was kept: the store of answers must not hold it."""

    @wraps(view)
    def wrapped(*args: Any, **kwargs: Any) -> Response:
        response = view(*args, **kwargs)
        secret = g.pop("webhook_secret", None)
        if secret is not None:
            body = dict(response.json or {}) | {"secret": secret}
            response.set_data(json.dumps(body, ensure_ascii=False))
        return response

    return wrapped


@operation(routes, "POST", "", **ADMIN, max_age=FRESH, location=True)
@routes.arguments(EndpointOrderSchema)
@routes.response(201, NewEndpointSchema)
@_showing_secret
@once
def create_webhook_endpoint(work: Work, order: dict[str, Any]) -> Response:
    """Add an endpoint. Its secret is in this answer and in no other."""
    view, g.webhook_secret = work.endpoints.create(**order, actor=current_actor())
    return _endpoint_answer(view, 201, {"Location": f"{routes.url_prefix}/{view.id}"})


@operation(routes, "GET", "", **ADMIN)
@routes.arguments(PageQuery, location="query")
@routes.response(200, EndpointPageSchema)
def list_webhook_endpoints(query: dict[str, Any]) -> Response:
    """List the endpoints, newest first."""
    place = place_of(query["cursor"], "webhook-endpoints")
    with current_wallet().read() as work:
        rows, following = work.endpoints.page(query["limit"], place)
    return page_answer(EndpointSchema(), rows, following, "webhook-endpoints", query["limit"])


@operation(routes, "GET", "/<endpoint_id>", **ADMIN, versioned=True)
@routes.response(200, EndpointSchema)
def read_webhook_endpoint(endpoint_id: str) -> Response:
    """Read one endpoint; its ETag goes into If-Match of the next change."""
    with current_wallet().read() as work:
        return _endpoint_answer(work.endpoints.find(endpoint_id))


@operation(routes, "PATCH", "/<endpoint_id>", **ADMIN, max_age=FRESH, if_match=True)
@routes.arguments(EndpointChangeSchema)
@routes.response(200, EndpointSchema)
def change_webhook_endpoint(changes: dict[str, Any], endpoint_id: str) -> Response:
    """Change an endpoint, stop telling it, or tell it again."""
    version = expected_version()
    with current_wallet().work() as work:
        view = work.endpoints.change(endpoint_id, version, changes, current_actor())
    return _endpoint_answer(view)


@operation(routes, "DELETE", "/<endpoint_id>", **ADMIN, max_age=FRESH, if_match=True)
@routes.response(204)
def delete_webhook_endpoint(endpoint_id: str) -> Response:
    """Delete an endpoint with its log; what waited for it is not told."""
    version = expected_version()
    with current_wallet().work() as work:
        work.endpoints.delete(endpoint_id, version, current_actor())
    return Response(status=204, headers={"Cache-Control": PRIVATE})


@operation(routes, "POST", "/<endpoint_id>/secret", **ADMIN, max_age=FRESH)
@routes.response(201, NewEndpointSchema)
@_showing_secret
@once
def rotate_webhook_secret(work: Work, endpoint_id: str) -> Response:
    """Give an endpoint a new secret. For 24 hours the one before signs beside it."""
    view, g.webhook_secret = work.endpoints.rotate(endpoint_id, current_actor())
    return _endpoint_answer(view, 201)


@operation(routes, "POST", "/<endpoint_id>/test-events", **ADMIN, max_age=FRESH)
@routes.response(202, QueuedEventSchema)
@once
def send_webhook_test(work: Work, endpoint_id: str) -> Response:
    """Send an event of the type `endpoint.test`, to this endpoint alone."""
    return answer(QueuedEventSchema(), {"event_id": work.endpoints.test(endpoint_id, current_actor())}, 202)


@operation(routes, "GET", "/<endpoint_id>/deliveries", **ADMIN)
@routes.arguments(PageQuery, location="query")
@routes.response(200, AttemptPageSchema)
def list_webhook_deliveries(query: dict[str, Any], endpoint_id: str) -> Response:
    """List the attempts to deliver to an endpoint, newest first."""
    purpose = f"webhook-deliveries:{endpoint_id}"
    place = place_of(query["cursor"], purpose)
    with current_wallet().read() as work:
        rows, following = work.endpoints.attempts(endpoint_id, query["limit"], place)
    return page_answer(AttemptSchema(), rows, following, purpose, query["limit"])


@operation(routes, "POST", "/<endpoint_id>/deliveries/<attempt_id>/replay", **ADMIN, max_age=FRESH)
@routes.response(202, QueuedEventSchema)
@once
def replay_webhook_delivery(work: Work, endpoint_id: str, attempt_id: str) -> Response:
    """Deliver the event of an attempt once more, under the same webhook-id."""
    event_id = work.endpoints.replay(endpoint_id, attempt_id, current_actor())
    return answer(QueuedEventSchema(), {"event_id": event_id}, 202)


def _endpoint_answer(view: EndpointView, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    response = answer(EndpointSchema(), view, status, headers)
    response.headers["ETag"] = version_etag(view.version)
    return response
