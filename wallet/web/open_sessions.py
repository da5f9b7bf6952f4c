"""The caller's sessions: which there are, and ending them; and how staff ends somebody's."""

from dataclasses import asdict
from typing import Any

from flask import Response
from marshmallow import fields, validate

from wallet.identity.sessions import OpenSession
from wallet.terms import AccountLevel, AuthLevel, StaffRole
from wallet.web.answers import NO_STORE, PageQuery, page_answer, place_of
from wallet.web.auth import FRESH, current_actor
from wallet.web.context import current_wallet
from wallet.web.operations import OWN_SESSION, Routes, operation
from wallet.web.schemas import Moment, StrictSchema

routes = Routes("open_sessions", __name__, url_prefix="/v1", description="One's sessions, and ending them")


class NamedSchema(StrictSchema):
    id = fields.String(required=True)
    name = fields.String(required=True)


class OpenSessionSchema(StrictSchema):
    """One of the caller's sessions. It rests on a device or on a passkey."""

    id = fields.String(required=True)
    created_at = Moment(required=True)
    expires_at = Moment(required=True)
    auth_level = fields.Integer(required=True)
    current = fields.Boolean(required=True)
    place = fields.String(metadata={"description": "Where it began, as far as is known"})
    device = fields.Nested(NamedSchema)
    passkey = fields.Nested(NamedSchema)
    client_name = fields.String()


class SessionPageSchema(StrictSchema):
    data = fields.List(fields.Nested(OpenSessionSchema), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


class EndingQuery(StrictSchema):
    """Which session to keep."""

    # A callable, so that the API's description does not offer null as a value.
    keep = fields.String(load_default=lambda: None, validate=validate.OneOf(["current"]))


@operation(routes, "GET", "/sessions", **OWN_SESSION)
@routes.arguments(PageQuery, location="query")
@routes.response(200, SessionPageSchema)
def list_sessions(query: dict[str, Any]) -> Response:
    """List the caller's sessions that are not over, newest first."""
    actor = current_actor()
    purpose = f"sessions:{actor.account_id}"
    with current_wallet().read() as work:
        rows, following = work.sessions.page(actor.account_id, query["limit"], place_of(query["cursor"], purpose))
    shown = [_shown(row, current=row.id == actor.session_id) for row in rows]
    return page_answer(OpenSessionSchema(), shown, following, purpose, query["limit"])


@operation(routes, "DELETE", "/sessions", **OWN_SESSION)
@routes.arguments(EndingQuery, location="query")
@routes.response(204)
def end_sessions(query: dict[str, Any]) -> Response:
    """Sign out everywhere, here too unless `keep=current`; every token stops at once."""
    actor = current_actor()
    with current_wallet().work() as work:
        keep = actor.session_id if query["keep"] == "current" else None
        work.sessions.end_all(actor.account_id, "signed_out", actor, keep=keep)
    return Response(status=204, headers={"Cache-Control": NO_STORE})


@operation(routes, "DELETE", "/sessions/<id:session_id>", **OWN_SESSION)
@routes.response(204)
def end_session(session_id: str) -> Response:
    """End one of the caller's sessions; every token of it stops at once."""
    actor = current_actor()
    with current_wallet().work() as work:
        work.sessions.end_own(session_id, actor)
    return Response(status=204, headers={"Cache-Control": NO_STORE})


@operation(
    routes,
    "DELETE",
    "/admin/accounts/<account_id>/sessions",
    account_level=AccountLevel.TWO,
    auth_level=AuthLevel.TWO,
    role=StaffRole.ADMIN,
    max_age=FRESH,
)
@routes.response(204)
def end_sessions_of_account(account_id: str) -> Response:
    """End every session of somebody's account; every token stops at once, and the holder is told.

    The account is named by its id, which desks and the record show: a number in a path would be in every log.
    """
    with current_wallet().work() as work:
        work.sessions.end_for_staff(account_id, current_actor())
    return Response(status=204, headers={"Cache-Control": NO_STORE})


def _shown(session: OpenSession, *, current: bool) -> dict[str, Any]:
    return asdict(session) | {
        "current": current,
        "place": session.place or None,
        "client_name": session.client_name or None,
    }
