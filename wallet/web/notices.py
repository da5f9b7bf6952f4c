"""The caller's inbox: what they were told, in their language."""

from typing import Any

from flask import Response
from marshmallow import fields

from wallet.messages.inbox import NoticeView
from wallet.texts.catalogue import notice
from wallet.web.answers import PRIVATE, PageQuery, answer, page_answer, place_of
from wallet.web.auth import current_actor
from wallet.web.context import current_wallet
from wallet.web.language import caller_language
from wallet.web.operations import OWN_SESSION, Routes, operation
from wallet.web.schemas import Moment, StrictSchema

routes = Routes("notices", __name__, url_prefix="/v1/notices", description="What an account was told")


class NoticeSchema(StrictSchema):
    """One notice. `code` and `values` are for programs, `title` and `body` for people."""

    id = fields.String(required=True)
    code = fields.String(required=True)
    title = fields.String(required=True)
    body = fields.String(required=True)
    values = fields.Dict(keys=fields.String(), required=True)
    created_at = Moment(required=True)
    read_at = Moment()


class NoticePageSchema(StrictSchema):
    data = fields.List(fields.Nested(NoticeSchema), required=True)
    next_cursor = fields.String(required=True, allow_none=True)
    unread_count = fields.Integer(required=True)


class UnreadCountSchema(StrictSchema):
    unread_count = fields.Integer(required=True)


@operation(routes, "GET", "", **OWN_SESSION)
@routes.arguments(PageQuery, location="query")
@routes.response(200, NoticePageSchema)
def list_notices(query: dict[str, Any]) -> Response:
    """List your notices, newest first."""
    account_id, purpose = current_actor().account_id, f"notices:{current_actor().account_id}"
    place = place_of(query["cursor"], purpose)
    with current_wallet().read() as work:
        views, following = work.inbox.page(account_id, query["limit"], place)
        unread = work.inbox.unread(account_id)
    rows = [_in_words(view) for view in views]
    response = page_answer(NoticeSchema(), rows, following, purpose, query["limit"], unread_count=unread)
    response.headers["Content-Language"] = caller_language()
    response.headers["Vary"] = "Accept-Language"
    return response


@operation(routes, "GET", "/unread-count", **OWN_SESSION)
@routes.response(200, UnreadCountSchema)
def read_unread_count() -> Response:
    """Count what you have not read."""
    with current_wallet().read() as work:
        return answer(UnreadCountSchema(), {"unread_count": work.inbox.unread(current_actor().account_id)})


@operation(routes, "PUT", "/<notice_id>/read-mark", **OWN_SESSION)
@routes.response(204)
def mark_notice(notice_id: str) -> Response:
    """Mark one notice as read. The first time counts."""
    with current_wallet().work() as work:
        work.inbox.mark(current_actor().account_id, notice_id)
    return _done()


@operation(routes, "PUT", "/read-mark", **OWN_SESSION)
@routes.response(204)
def mark_all_notices() -> Response:
    """Mark every notice as read."""
    with current_wallet().work() as work:
        work.inbox.mark_all(current_actor().account_id)
    return _done()


def _in_words(view: NoticeView) -> dict[str, Any]:
    title, body = notice(view.code, caller_language(), **view.values)
    fixed = {name: getattr(view, name) for name in ("id", "code", "values", "created_at", "read_at")}
    return fixed | {"title": title, "body": body}


def _done() -> Response:
    return Response(status=204, headers={"Cache-Control": PRIVATE})
