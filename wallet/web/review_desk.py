"""The review desk over HTTP: the queue of one's agencies and provinces, a request in hand, a decision, a sub-task."""

from collections.abc import Mapping
from typing import Any

from flask import Response
from marshmallow import fields, validate

from wallet.documents.forms.pdf import MEDIA_TYPE as PDF
from wallet.requests.desk import PURPOSES, DeskDetail, DeskRequest
from wallet.requests.moving import Word
from wallet.requests.orders import RequestDetail
from wallet.terms import AccountLevel, AuthLevel, StaffRole
from wallet.utilities.catalogue import Plugin
from wallet.web.answers import PageQuery, answer, expected_version, page_answer, place_of, version_etag
from wallet.web.auth import FRESH, current_actor
from wallet.web.context import current_wallet
from wallet.web.documents import PageSchema
from wallet.web.files import attached
from wallet.web.once import once
from wallet.web.operations import Routes, operation
from wallet.web.request_schemas import (
    CODE,
    RequestDetailSchema,
    RequestFileSchema,
    RequestPaperSchema,
    RequestSchema,
    RequestStepSchema,
)
from wallet.web.request_words import printed_paper, told, told_paper, told_whole
from wallet.web.schemas import Both, Moment, PlainWords, Stated, StrictSchema, ValueCodeSchema
from wallet.web.states import move_name, value_codes, word_of
from wallet.wiring import Work

routes = Routes("review_desk", __name__, url_prefix="/v1/desk", description="Requests, for the agency that decides")
REVIEWER: dict[str, Any] = {
    "account_level": AccountLevel.TWO,
    "auth_level": AuthLevel.TWO,
    "role": StaffRole.REVIEWER,
}
CLOCKS = ("on_time", "due_soon", "overdue", "standing")


class DeskQuery(PageQuery):
    """Of which utility, how much, and from where."""

    utility = fields.String(load_default=lambda: None, validate=validate.Regexp(CODE))


class PurposeQuery(StrictSchema):
    """Why it is read: the citizen is told. Without it nothing is (S-65)."""

    stated = True

    purpose = fields.String(required=True, validate=validate.OneOf(PURPOSES))


class LateStepSchema(StrictSchema):
    """A sub-task whose own time is over, and the agency that has it."""

    code = fields.String(required=True)
    name = Both(required=True)
    agency = Both(required=True)
    due_at = Moment(required=True)


class DeskRequestSchema(RequestSchema):
    """A request as it lies on the desk: nothing of the person. late_steps: what it waits for too long."""

    province = fields.String(required=True)
    claimed_by = fields.String()
    claimed_at = Moment()
    clock = fields.String(required=True, metadata={"x-extensible-enum": list(CLOCKS)})
    late_steps = fields.List(fields.Nested(LateStepSchema), required=True)


class DeskPageSchema(PageSchema):
    data = fields.List(fields.Nested(DeskRequestSchema), required=True)


class DeskHolderSchema(StrictSchema):
    """Whom it is about."""

    full_name = fields.String(required=True)
    number = fields.String(required=True)
    birth_date = fields.String(required=True, metadata={"description": "YYYY-MM-DD, or YYYY"})


class DeskReasonSchema(StrictSchema):
    """A reason from the list."""

    code = fields.String(required=True)
    text = Both(required=True)


class DeskActionSchema(StrictSchema):
    """Something that can be decided now. reasons: one of them has to be given, where there are any."""

    action = fields.String(required=True)
    name = Both(required=True)
    reasons = fields.List(fields.Nested(DeskReasonSchema), required=True)


class DeskFactSchema(StrictSchema):
    """What a register stated when the request was sent. as_of: since when it stands so there; read_at: when read."""

    value = Stated(required=True)
    source = fields.String(required=True)
    source_name = Both(required=True)
    as_of = Moment(required=True)
    read_at = Moment(required=True)


class DeskFieldSchema(StrictSchema):
    """One field of the form: what was typed, the evidence for it, and the fact that a register has for it.

    fact: in the place of what was not asked, or the record that was chosen among those the register has.
    """

    name = fields.String(required=True)
    label = Both(required=True)
    typed = Stated()
    fact = fields.Nested(DeskFactSchema)
    files = fields.List(fields.Nested(RequestFileSchema), required=True)
    codes = fields.List(fields.Nested(ValueCodeSchema), required=True)


class FindingSchema(StrictSchema):
    """Something that an agency reports. codes: where its value is one of a list, all of them."""

    name = fields.String(required=True)
    label = Both(required=True)
    codes = fields.List(fields.Nested(ValueCodeSchema), required=True)


class AskedFindingSchema(FindingSchema):
    """What has to be reported. pattern: a regular expression that the whole of its text matches."""

    pattern = fields.String()


class FoundSchema(FindingSchema):
    """What was reported. codes: where its value is one of a list, that one."""

    value = fields.String(required=True)


class DeskDetailStepSchema(RequestStepSchema):
    """A sub-task of a request that was opened. found: what its agency reported, for the desk that decides alone."""

    found = fields.List(fields.Nested(FoundSchema))


class DeskDetailSchema(RequestDetailSchema):
    """A request that was opened. side_by_side: each field that somebody or a register filled."""

    steps = fields.List(fields.Nested(DeskDetailStepSchema), required=True)

    province = fields.String(required=True)
    holder = fields.Nested(DeskHolderSchema, required=True)
    claimed_by = fields.String()
    clock = fields.String(required=True, metadata={"x-extensible-enum": list(CLOCKS)})
    decisions = fields.List(fields.Nested(DeskActionSchema), required=True)
    side_by_side = fields.List(fields.Nested(DeskFieldSchema), required=True)


class HandOverSchema(StrictSchema):
    """The account of the officer who takes it over."""

    officer = fields.String(required=True, validate=validate.Regexp(r"^acc_[0-9a-f]{32}\Z"))


class DeskDecisionSchema(StrictSchema):
    """What is decided. reason: a code of the list; note: words to the applicant, needed with a reason."""

    action = fields.String(required=True, validate=validate.Regexp(CODE))
    reason = fields.String(load_default=lambda: None, validate=validate.Regexp(CODE))
    note = PlainWords(load_default=lambda: None, validate=validate.Length(3, 2000))


class ColleagueSchema(StrictSchema):
    """An officer at a desk of yours, once for each. province: `*` for the whole country."""

    account_id = fields.String(required=True)
    full_name = fields.String(required=True)
    agency = fields.String(required=True)
    province = fields.String(required=True)
    in_hand = fields.Integer(required=True, metadata={"description": "How many requests they have"})


class ColleaguesSchema(StrictSchema):
    data = fields.List(fields.Nested(ColleagueSchema), required=True)


class DeskStepSchema(StrictSchema):
    """A sub-task that an agency has to do. finds: what it reports. reminders: how often its time ran out."""

    request_id = fields.String(required=True)
    utility = fields.String(required=True)
    code = fields.String(required=True)
    name = Both(required=True)
    finds = fields.List(fields.Nested(AskedFindingSchema), required=True)
    due_at = Moment()
    clock = fields.String(required=True, metadata={"x-extensible-enum": list(CLOCKS)})
    reminders = fields.Integer(required=True)


class DeskStepPageSchema(PageSchema):
    data = fields.List(fields.Nested(DeskStepSchema), required=True)


class StepReportSchema(StrictSchema):
    """What was found out, or the reason why it could not be."""

    found = fields.Dict(
        keys=fields.String(validate=validate.Length(1, 64)),
        values=PlainWords(validate=validate.Length(1, 500)),
        load_default=dict,
    )
    reason = fields.String(load_default=lambda: None, validate=validate.Regexp(CODE))


@operation(routes, "GET", "/requests", **REVIEWER)
@routes.arguments(DeskQuery, location="query")
@routes.response(200, DeskPageSchema)
def list_desk_requests(query: dict[str, Any]) -> Response:
    """List what waits on your desks, of each agency and province you review for, the oldest first."""
    actor, utility = current_actor(), query["utility"]
    purpose = f"desk-requests:{actor.account_id}:{utility}"
    place = place_of(query["cursor"], purpose)
    with current_wallet().read() as work:
        rows, following = work.review_desk.queue(actor, query["limit"], place, utility=utility)
    return page_answer(DeskRequestSchema(), [_lying(row) for row in rows], following, purpose, query["limit"])


@operation(routes, "GET", "/requests/<request_id>", **REVIEWER, versioned=True)
@routes.arguments(PurposeQuery, location="query")
@routes.response(200, DeskDetailSchema)
def read_desk_request(query: dict[str, str], request_id: str) -> Response:
    """Open a request. The citizen sees who opened it, when and why."""
    with current_wallet().work() as work:
        return _opened(work.review_desk.open(request_id, query["purpose"], current_actor()))


@operation(routes, "GET", "/requests/<request_id>/files/<file_id>", **REVIEWER)
@routes.arguments(PurposeQuery, location="query")
@routes.response(200, {"type": "string", "format": "binary"}, content_type="application/octet-stream")
def read_desk_file(query: dict[str, str], request_id: str, file_id: str) -> Response:
    """Fetch one file of a request. The citizen sees that it was read."""
    with current_wallet().work() as work:
        media_type, content = work.review_desk.file(request_id, file_id, query["purpose"], current_actor())
    return attached(media_type, content, file_id)


@operation(routes, "GET", "/requests/<request_id>/papers/<paper_id>", **REVIEWER)
@routes.arguments(PurposeQuery, location="query")
@routes.response(200, RequestPaperSchema)
def read_desk_paper(query: dict[str, str], request_id: str, paper_id: str) -> Response:
    """Read a receipt slip or a letter that the applicant was given. The citizen sees that it was read."""
    with current_wallet().work() as work:
        paper = work.review_desk.paper(request_id, paper_id, query["purpose"], current_actor())
    return answer(RequestPaperSchema(), told_paper(paper))


@operation(routes, "GET", "/requests/<request_id>/papers/<paper_id>/paper.pdf", **REVIEWER)
@routes.arguments(PurposeQuery, location="query")
@routes.response(200, {"type": "string", "format": "binary"}, content_type=PDF)
def print_desk_paper(query: dict[str, str], request_id: str, paper_id: str) -> Response:
    """Fetch a slip or a letter as PDF, to hand to an applicant at the counter. The citizen sees that it was read."""
    with current_wallet().work() as work:
        paper = work.review_desk.paper(request_id, paper_id, query["purpose"], current_actor())
    return printed_paper(paper)


@operation(routes, "PUT", "/requests/<request_id>/claim", **REVIEWER, versioned=True)
@routes.response(200, DeskRequestSchema)
def claim_request(request_id: str) -> Response:
    """Take a request in hand; what an officer left behind who is gone is free."""
    with current_wallet().work() as work:
        return _in_hand(work.review_desk.claim(request_id, current_actor()))


@operation(routes, "DELETE", "/requests/<request_id>/claim", **REVIEWER, versioned=True)
@routes.response(200, DeskRequestSchema)
def release_request(request_id: str) -> Response:
    """Put a request back on the desk."""
    with current_wallet().work() as work:
        return _in_hand(work.review_desk.release(request_id, current_actor()))


@operation(routes, "POST", "/requests/<request_id>/hand-over", **REVIEWER, versioned=True)
@routes.arguments(HandOverSchema)
@routes.response(200, DeskRequestSchema)
@once
def hand_over_request(work: Work, order: dict[str, str], request_id: str) -> Response:
    """Hand a request that you have to another officer of the desk."""
    return _in_hand(work.review_desk.hand_over(request_id, order["officer"], current_actor()))


@operation(routes, "POST", "/requests/<request_id>/decisions", **REVIEWER, max_age=FRESH, if_match=True)
@routes.arguments(DeskDecisionSchema)
@routes.response(200, DeskDetailSchema)
@once
def decide_request(work: Work, order: dict[str, Any], request_id: str) -> Response:
    """Decide about a request that you have in hand, and tell the applicant."""
    word = Word(order["reason"], order["note"])
    actor, version = current_actor(), expected_version()
    return _opened(work.review_desk.decide(request_id, order["action"], word, version, actor))


@operation(routes, "GET", "/officers", **REVIEWER)
@routes.response(200, ColleaguesSchema)
def list_desk_officers() -> Response:
    """List the officers of your desks, to whom a request can be handed, with how many each has."""
    with current_wallet().read() as work:
        rows = work.review_desk.colleagues(current_actor())
    return answer(ColleaguesSchema(), {"data": rows})


@operation(routes, "GET", "/steps", **REVIEWER)
@routes.arguments(PageQuery, location="query")
@routes.response(200, DeskStepPageSchema)
def list_desk_steps(query: dict[str, Any]) -> Response:
    """List the sub-tasks of your agencies, what is due first."""
    actor, wallet = current_actor(), current_wallet()
    purpose = f"desk-steps:{actor.account_id}"
    with wallet.read() as work:
        rows, following = work.review_desk.steps(actor, query["limit"], place_of(query["cursor"], purpose))
    told_steps = [
        {
            **{name: getattr(row, name) for name in ("request_id", "utility", "code", "due_at", "clock", "reminders")},
            "name": word_of(plugin, "steps", row.code),
            "finds": _asked(plugin, row.code),
        }
        for row in rows
        for plugin in [wallet.catalogue.plugin(row.utility)]
    ]
    return page_answer(DeskStepSchema(), told_steps, following, purpose, query["limit"])


@operation(routes, "POST", "/requests/<request_id>/steps/<code>", **REVIEWER, max_age=FRESH, versioned=True)
@routes.arguments(StepReportSchema)
@routes.response(200, DeskDetailSchema)
@once
def report_step(work: Work, order: dict[str, Any], request_id: str, code: str) -> Response:
    """Report what your agency found out. With the last sub-task the request goes on by itself."""
    found, reason = order["found"], order["reason"]
    return _opened(work.review_desk.finish_step(request_id, code, found, reason, current_actor()))


def _lying(row: DeskRequest) -> dict[str, Any]:
    catalogue = current_wallet().catalogue
    plugin = catalogue.find(row.request.utility)
    return told(row.request, catalogue) | {
        "claimed_by": row.claimed_by,
        "claimed_at": row.claimed_at,
        "clock": row.clock,
        "late_steps": [
            {
                "code": step.code,
                "name": word_of(plugin, "steps", step.code),
                "agency": catalogue.agency_words(row.request.utility, step.agency),
                "due_at": step.due_at,
            }
            for step in row.late_steps
        ],
    }


def _in_hand(row: DeskRequest) -> Response:
    """Return a request as it lies there by now; to take it or to put it back is a change that a decision must know."""
    response = answer(DeskRequestSchema(), _lying(row))
    response.headers["ETag"] = version_etag(row.request.version)
    return response


def _opened(opened: DeskDetail) -> Response:
    catalogue = current_wallet().catalogue
    plugin = catalogue.plugin(opened.detail.request.utility)
    holder = {name: getattr(opened.holder, name) for name in ("full_name", "number", "birth_date")}
    decisions = [
        {
            "action": action,
            "name": move_name(plugin, action),
            "reasons": [{"code": code, "text": word_of(plugin, "reasons", code)} for code in reasons],
        }
        for action, reasons in opened.actions.items()
    ]
    whole = told_whole(opened.detail, catalogue)
    body = whole | {
        "steps": [
            row | ({"found": _found(plugin, step.found)} if step.found else {})
            for row, step in zip(whole["steps"], opened.detail.steps, strict=True)
        ],
        "holder": holder,
        "claimed_by": opened.claimed_by,
        "clock": opened.clock,
        "decisions": decisions,
        "side_by_side": _side_by_side(plugin, opened.detail),
    }
    response = answer(DeskDetailSchema(), body)
    response.headers["ETag"] = version_etag(opened.detail.request.version)
    return response


def _asked(plugin: Plugin, code: str) -> list[dict[str, Any]]:
    """Return what a sub-task of a utility has to report; nothing for one that its version of today has not."""
    steps = [step for step in plugin.utility.steps if step.code == code]
    return [
        _finding(plugin, name, plugin.utility.codes.get(name, ()))
        | ({"pattern": step.patterns[name]} if name in step.patterns else {})
        for step in steps
        for name in step.finds
    ]


def _found(plugin: Plugin, found: Mapping[str, str]) -> list[dict[str, Any]]:
    return [_finding(plugin, name, value) | {"value": value} for name, value in found.items()]


def _finding(plugin: Plugin, name: str, values: Any) -> dict[str, Any]:
    label = word_of(plugin, plugin.section_of_finding(name), name)
    return {"name": name, "label": label, "codes": value_codes(plugin, name, values)}


def _side_by_side(plugin: Plugin, detail: RequestDetail) -> list[dict[str, Any]]:
    """Return each field that somebody or a register filled, in the order of the form."""
    found = []
    for field in plugin.utility.form:
        typed, held = detail.answers.get(field.name), detail.held.get(field.name)
        files = [each for each in detail.files if each.field == field.name]
        if typed is None and held is None and not files:
            continue
        row: dict[str, Any] = {
            "name": field.name,
            "label": plugin.words("fields", field.name),
            "files": files,
            "codes": value_codes(plugin, field.name, [typed, None if held is None else held.value]),
        }
        if typed is not None:
            row["typed"] = typed
        if held is not None:
            row["fact"] = {
                "value": held.value,
                "source": held.register,
                "source_name": word_of(plugin, "registers", held.register, core="registers"),
                "as_of": held.as_of,
                "read_at": held.read_at,
            }
        found.append(row)
    return found
