"""Reports of misuse, for auditors: what holders say that desks should not have looked at."""

from typing import Any

from flask import Response
from marshmallow import fields, validate

from wallet.checks.online.misuse import OPEN, REASONS, STATES, MisuseReport
from wallet.terms import AccountLevel, AuthLevel, StaffRole
from wallet.web.answers import PageQuery, answer, page_answer, place_of
from wallet.web.auth import FRESH, current_actor
from wallet.web.context import current_wallet
from wallet.web.documents import PageSchema
from wallet.web.once import once
from wallet.web.operations import Routes, operation
from wallet.web.schemas import Moment, StrictSchema
from wallet.web.verifier_desk import VerifierNameSchema
from wallet.wiring import Work

routes = Routes(
    "misuse_desk", __name__, url_prefix="/v1/admin/misuse-reports", description="Reports of misuse, for auditors"
)
AUDITOR: dict[str, Any] = {
    "account_level": AccountLevel.TWO,
    "auth_level": AuthLevel.TWO,
    "role": StaffRole.AUDITOR,
}


class MisuseQuery(PageQuery):
    """Which state, how much, and from where."""

    state = fields.String(load_default=OPEN, validate=validate.OneOf(STATES))


class MisuseReportSchema(StrictSchema):
    """A report without whom it is from."""

    id = fields.String(required=True)
    organisation = fields.Nested(VerifierNameSchema, required=True)
    desk_id = fields.String(required=True)
    purpose = fields.String(required=True)
    reason = fields.String(required=True, metadata={"x-extensible-enum": list(REASONS)})
    accessed_at = Moment(required=True)
    created_at = Moment(required=True)
    state = fields.String(required=True, metadata={"x-extensible-enum": list(STATES)})
    closed_at = Moment()


class MisuseReportPageSchema(PageSchema):
    data = fields.List(fields.Nested(MisuseReportSchema), required=True)


class OpenedMisuseReportSchema(MisuseReportSchema):
    """A report with the words of whoever made it. `access_id`: the entry of their history."""

    access_id = fields.String(required=True)
    text = fields.String(required=True)


class MisuseClosureSchema(StrictSchema):
    """Nothing has to be said: what follows is decided about the organisation."""


@operation(routes, "GET", "", **AUDITOR)
@routes.arguments(MisuseQuery, location="query")
@routes.response(200, MisuseReportPageSchema)
def list_misuse_reports(query: dict[str, Any]) -> Response:
    """List the reports of one state, the oldest first. What somebody wrote is told by reading one."""
    purpose = f"misuse-reports:{query['state']}"
    with current_wallet().read() as work:
        place = place_of(query["cursor"], purpose)
        rows, following = work.online.misuse.queue(query["state"], query["limit"], place)
    return page_answer(MisuseReportSchema(), [_body(row) for row in rows], following, purpose, query["limit"])


@operation(routes, "GET", "/<report_id>", **AUDITOR)
@routes.response(200, OpenedMisuseReportSchema)
def read_misuse_report(report_id: str) -> Response:
    """Read a report. Whoever made it sees that it was read."""
    with current_wallet().work() as work:
        opened = work.online.misuse.open(report_id, current_actor())
    body = _body(opened.report) | {"access_id": opened.access_id, "text": opened.text}
    return answer(OpenedMisuseReportSchema(), body)


@operation(routes, "POST", "/<report_id>/closure", **AUDITOR, max_age=FRESH)
@routes.arguments(MisuseClosureSchema)
@routes.response(200, MisuseReportSchema)
@once
def close_misuse_report(work: Work, _order: dict[str, Any], report_id: str) -> Response:
    """Close a report; it stays in the file of the organisation."""
    return answer(MisuseReportSchema(), _body(work.online.misuse.close(report_id, current_actor())))


def _body(row: MisuseReport) -> dict[str, Any]:
    return {name: getattr(row, name) for name in row.__slots__} | {
        "organisation": {"id": row.organisation_id, "name": row.organisation_name}
    }
