"""What a citizen asks utilities for: drafts, answers, files, payment, and how each request goes."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from flask import Response, current_app
from marshmallow import ValidationError, fields, post_load, validate

from wallet.documents.forms import plain
from wallet.documents.forms.pdf import MEDIA_TYPE as PDF
from wallet.errors import Unavailable, pointer_step
from wallet.evidence import SUFFIXES
from wallet.payments.paying import OPENED_SOON_SECONDS, PaymentState
from wallet.requests.agreements import STATES as AGREEMENT_STATES
from wallet.requests.orders import (
    About,
    FeeLineView,
    PaperView,
    Preview,
    RequestDetail,
    RequestOrder,
    RequestPaperView,
    UtilityRequest,
)
from wallet.requests.papers import PaperKind, Why, printed
from wallet.requests.steps import STATES as STEP_STATES
from wallet.strict import pointers
from wallet.terms import SAMPLE_MARK, AccountLevel, AuthLevel
from wallet.texts.catalogue import LANGUAGES
from wallet.utilities.base import Capacity
from wallet.utilities.catalogue import Catalogue, Plugin
from wallet.web.answers import (
    PRIVATE,
    PageQuery,
    answer,
    conditional,
    expected_version,
    json_answer,
    page_answer,
    place_of,
    version_etag,
    with_etag,
)
from wallet.web.auth import current_actor
from wallet.web.context import current_wallet
from wallet.web.documents import PageSchema
from wallet.web.files import MAX_CONTENT, attached, decoded
from wallet.web.once import once, once_and
from wallet.web.operations import Routes, operation
from wallet.web.problems import field_text
from wallet.web.schemas import Both, Moment, PlainWords, Stated, StrictSchema
from wallet.web.states import move_name, state_name, word_of
from wallet.wiring import Work

routes = Routes("requests", __name__, url_prefix="/v1/requests", description="What a citizen asks utilities for")
OWN: dict[str, Any] = {"account_level": AccountLevel.ONE, "auth_level": AuthLevel.ONE, "for_wards": True}
CODE = r"^[a-z][a-z0-9_]{0,63}\Z"
MAX_BODY = 2 << 20
OF_STEP = ("code", "state", "opened_at", "due_at", "done_at", "reason", "reminders")


class AboutSchema(StrictSchema):
    """Whom a request by proxy is about."""

    number = fields.String(required=True, validate=validate.Regexp(r"^[0-9]{12}\Z"))
    full_name = PlainWords(required=True, validate=validate.Length(1, 120))
    birth_date = fields.String(required=True, validate=validate.Regexp(r"^[0-9]{4}(-[0-9]{2}-[0-9]{2})?\Z"))

    @post_load
    def build(self, data: dict[str, Any], **_: Any) -> About:
        return About(**data)


class RequestOrderSchema(StrictSchema):
    """What a citizen asks for. `draft`: keep it, do not send it yet. `about`: for `capacity` `proxy` alone."""

    decisive = ("utility", "answers", "capacity", "draft")

    utility = fields.String(required=True, validate=validate.Regexp(CODE))
    answers = fields.Dict(keys=fields.String(), load_default=dict)
    capacity = fields.String(load_default=str(Capacity.SELF), validate=validate.OneOf([str(each) for each in Capacity]))
    about = fields.Nested(AboutSchema, load_default=lambda: None)
    draft = fields.Boolean(truthy={True}, falsy={False}, load_default=False)

    @post_load
    def build(self, data: dict[str, Any], **_: Any) -> RequestOrder:
        return RequestOrder(**data | {"capacity": Capacity(data["capacity"])})

    def load(self, data: Any, **options: Any) -> Any:
        """Read an order. What is wrong beside its answers goes along with it, to be told together with theirs.

        Raises ValidationError where that leaves open what is asked for.
        """
        try:
            return super().load(data, **options)
        except ValidationError as error:
            flat = dict(pointers(error.normalized_messages()))
            if any(pointer in ("", *map(pointer_step, self.decisive)) for pointer in flat):
                raise
            order = {name: data[name] for name in self.decisive if name in data}
            return replace(super().load(order), faults=flat)


class FeeLineSchema(StrictSchema):
    """One line of what is to pay, in đồng; support is negative."""

    code = fields.String(required=True)
    name = Both(required=True)
    amount = fields.Integer(required=True)


class RequestSchema(StrictSchema):
    """A request. `document_id` is there once it is issued; `due_at` while an office has to do something."""

    id = fields.String(required=True, metadata={"example": "req_0f3c5a7e9b1d2f4a6c8e0b2d4f6a8c0e"})
    number = fields.String(required=True, metadata={"example": "HS-0F3C-5A7E-9B1D"})
    utility = fields.String(required=True)
    utility_version = fields.Integer(required=True)
    rules_version = fields.String(required=True, metadata={"description": "The rules it was asked for under"})
    capacity = fields.String(required=True, metadata={"x-extensible-enum": [str(each) for each in Capacity]})
    state = fields.String(
        required=True,
        metadata={"x-extensible-enum": ["draft", "awaiting_payment", "submitted", "supplement_required", "issued"]},
    )
    state_name = Both(required=True)
    created_at = Moment(required=True)
    updated_at = Moment(required=True)
    submitted_at = Moment()
    due_at = Moment()
    apologies = fields.Integer(required=True, metadata={"description": "How often the date was moved, with an apology"})
    fee = fields.List(fields.Nested(FeeLineSchema), required=True)
    fee_due = fields.Integer(required=True, metadata={"description": "What is to pay in all, đồng"})
    document_id = fields.String()


class TimelineSchema(StrictSchema):
    """One thing that happened, and by when the next one is promised. step: the sub-task that ended or is waited for."""

    at = Moment(required=True)
    action = fields.String(required=True)
    action_name = Both(required=True)
    state = fields.String(required=True)
    state_name = Both(required=True)
    by = fields.String(required=True)
    reason = fields.String()
    reason_text = Both()
    note = fields.String()
    step = fields.String()
    step_name = Both()
    expected_at = Moment()


class RequestStepSchema(StrictSchema):
    """A sub-task at an agency, with a clock of its own. reminders: how often its agency let its time run out."""

    code = fields.String(required=True)
    name = Both(required=True)
    agency = Both(required=True)
    state = fields.String(required=True, metadata={"x-extensible-enum": list(STEP_STATES)})
    opened_at = Moment()
    due_at = Moment()
    done_at = Moment()
    reason = fields.String()
    reminders = fields.Integer(required=True)


class RequestFileSchema(StrictSchema):
    """A file without its content, as it is stored. size: bytes."""

    id = fields.String(required=True)
    field = fields.String(required=True)
    media_type = fields.String(required=True, metadata={"x-extensible-enum": list(SUFFIXES)})
    size = fields.Integer(required=True)
    sha256 = fields.String(required=True)


class MoveSchema(StrictSchema):
    """Something that can be done, and what it is called."""

    action = fields.String(required=True)
    name = Both(required=True)


class WarningSchema(StrictSchema):
    """Something doubtful that is taken all the same."""

    pointer = fields.String(required=True, metadata={"description": "JSON Pointer (RFC 6901) into the request"})
    code = fields.String(required=True)
    text = Both(required=True)


class PaperSummarySchema(StrictSchema):
    """A slip or a letter that was made out. due_at: the date that it promises."""

    id = fields.String(required=True, metadata={"example": "letter-1"})
    kind = fields.String(required=True, metadata={"x-extensible-enum": [str(kind) for kind in PaperKind]})
    made_at = Moment(required=True)
    due_at = Moment(required=True)


class HandedInSchema(StrictSchema):
    """What was handed in under one name. files: how many; 0 for the form itself."""

    name = Both(required=True)
    files = fields.Integer(required=True)


class WaitSchema(StrictSchema):
    """A sub-task that is waited for."""

    step = fields.String(required=True)
    name = Both(required=True)
    agency = Both(required=True)


class RequestPaperSchema(PaperSummarySchema):
    """A slip or a letter as it was made out; it says the same for ever.

    `slip`: the receipt, with what was handed in and the fee. `letter`: an apology with a new date, the date that was
    `promised` before, the reason, and what is waited for. term: how long it may take, in working days. ask: whom.
    """

    request_id = fields.String(required=True)
    utility = fields.String(required=True)
    number = fields.String(required=True, metadata={"example": "HS-0F3C-5A7E-9B1D/XLHL-1"})
    request_number = fields.String(required=True)
    title = Both(required=True)
    agency = Both(required=True)
    applicant = fields.String(required=True)
    about = fields.String(metadata={"description": "About whom a proxy asks"})
    service = Both(required=True)
    statement = Both(required=True)
    received_at = Moment(required=True)
    term = Both(required=True)
    evidence = fields.List(fields.Nested(HandedInSchema))
    fee = fields.List(fields.Nested(FeeLineSchema))
    fee_due = fields.Integer(metadata={"description": "đồng"})
    promised = Moment()
    reason = fields.String(metadata={"x-extensible-enum": [str(why) for why in Why]})
    reason_text = Both()
    waiting_for = fields.List(fields.Nested(WaitSchema))
    ask = Both(required=True)
    sample_mark = fields.String(required=True)


class AgreementSchema(StrictSchema):
    """Somebody else who was asked to agree by their own act."""

    state = fields.String(required=True, metadata={"x-extensible-enum": list(AGREEMENT_STATES)})
    asked_at = Moment(required=True)
    expires_at = Moment(required=True)
    answered_at = Moment()


class RequestDetailSchema(RequestSchema):
    """A request, whole. actions: what you can do with it now, as `action` of a move; moves: the same with words.

    papers: slips and letters that were made out. agreements: of others, who were asked. warnings: since it was sent.
    """

    answers = fields.Dict(keys=fields.String(), required=True)
    about = fields.Nested(AboutSchema)
    files = fields.List(fields.Nested(RequestFileSchema), required=True)
    timeline = fields.List(fields.Nested(TimelineSchema), required=True)
    steps = fields.List(fields.Nested(RequestStepSchema), required=True)
    papers = fields.List(fields.Nested(PaperSummarySchema), required=True)
    agreements = fields.List(fields.Nested(AgreementSchema), required=True)
    actions = fields.List(fields.String(), required=True)
    moves = fields.List(fields.Nested(MoveSchema), required=True)
    warnings = fields.List(fields.Nested(WarningSchema), required=True)


class ExpectedSchema(StrictSchema):
    """One statement of the document that would come of it."""

    name = fields.String(required=True)
    label = Both(required=True)
    value = Stated(required=True)


class RequestPreviewSchema(StrictSchema):
    """What would come of it if it were sent now. ready: nothing is missing or wrong; otherwise `errors` say what is.

    due_at: by when the office would answer; what costs something counts from when it is paid. fee: once it is ready.
    expected: what its document would state, of what a draft shows.
    """

    ready = fields.Boolean(required=True)
    errors = fields.List(fields.Nested(WarningSchema), required=True)
    warnings = fields.List(fields.Nested(WarningSchema), required=True)
    due_at = Moment()
    fee = fields.List(fields.Nested(FeeLineSchema))
    fee_due = fields.Integer(metadata={"description": "What would be to pay in all, đồng"})
    expected = fields.List(fields.Nested(ExpectedSchema), required=True)


class RequestPageSchema(PageSchema):
    data = fields.List(fields.Nested(RequestSchema), required=True)


class RequestEditSchema(StrictSchema):
    """Answers that change (JSON Merge Patch, RFC 7396): null takes one away."""

    answers = fields.Dict(keys=fields.String(), required=True)


class RequestMoveSchema(StrictSchema):
    """What you do with a request: `submit`, `supplement`, `withdraw`, `end`, `cancel`, as its lifecycle has it."""

    action = fields.String(required=True, validate=validate.Regexp(CODE))


class RequestFileOrderSchema(StrictSchema):
    """One file in base64, at most 1 MiB, for a field of the form. A picture is stored without its metadata."""

    field = fields.String(required=True, validate=validate.Regexp(CODE))
    media_type = fields.String(required=True, validate=validate.OneOf(list(SUFFIXES)))
    content = fields.String(required=True, validate=validate.Length(1, MAX_CONTENT))

    @post_load
    def open(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        """Decode and clean the file, before any transaction is open."""
        return data | {"content": decoded(data["media_type"], data["content"])}


class PaymentSchema(StrictSchema):
    """A payment of a request. address: where it is paid; there is none while it is `opening` at the provider."""

    id = fields.String(required=True)
    amount = fields.Integer(required=True, metadata={"description": "đồng"})
    state = fields.String(
        required=True,
        metadata={"x-extensible-enum": ["opening", "open", "paid", "failed", "expired", "abandoned", "refund_due"]},
    )
    address = fields.String()
    opened_at = Moment(required=True)
    expires_at = Moment(required=True)
    settled_at = Moment()


class PaymentsSchema(StrictSchema):
    data = fields.List(fields.Nested(PaymentSchema), required=True)


@operation(routes, "POST", "", **OWN, cooling_off=True, location=True)
@routes.arguments(RequestOrderSchema)
@routes.response(201, RequestSchema)
@once
def submit_request(work: Work, order: RequestOrder) -> Response:
    """Ask a utility for something. An instant one answers at once: `document_id` is in the answer."""
    made = work.requests.submit(order, current_actor())
    headers = {"Location": f"/v1/requests/{made.id}"}
    return answer(RequestSchema(), told(made, work.wallet.catalogue), 201, headers)


@operation(routes, "GET", "", **OWN)
@routes.arguments(PageQuery, location="query")
@routes.response(200, RequestPageSchema)
def list_requests(query: dict[str, Any]) -> Response:
    """List your requests, newest first."""
    actor, wallet = current_actor(), current_wallet()
    purpose = f"requests:{actor.holder_id}"
    with wallet.read() as work:
        rows, following = work.requests.page(actor, query["limit"], place_of(query["cursor"], purpose))
    return page_answer(
        RequestSchema(), [told(row, wallet.catalogue) for row in rows], following, purpose, query["limit"]
    )


@operation(routes, "GET", "/<request_id>", **OWN, etag=True, versioned=True)
@routes.response(200, RequestDetailSchema)
def read_request(request_id: str) -> Response:
    """Read one of your requests: what was answered, what happened, what is expected when."""
    with current_wallet().read() as work:
        detail = work.requests.get(request_id, current_actor())
    return conditional(_whole(detail))


@operation(routes, "GET", "/<request_id>/preview", **OWN)
@routes.response(200, RequestPreviewSchema)
def preview_request(request_id: str) -> Response:
    """Look ahead: what is missing, what it would cost, by when it would be answered, if you sent it now."""
    wallet = current_wallet()
    for trying in wallet.tries():
        with trying as work:
            utility = work.requests.get(request_id, current_actor()).request.utility
            preview = work.request_services.previewing.preview(request_id, current_actor())
    return answer(RequestPreviewSchema(), _previewed(preview, wallet.catalogue.plugin(utility)))


@operation(routes, "PATCH", "/<request_id>", **OWN, if_match=True)
@routes.arguments(RequestEditSchema)
@routes.response(200, RequestDetailSchema)
def edit_request(order: dict[str, Any], request_id: str) -> Response:
    """Change answers of a draft, or of what has to be supplemented."""
    version = expected_version()
    with current_wallet().work() as work:
        detail = work.requests.edit(request_id, order["answers"], version, current_actor())
    return _whole(detail)


@operation(routes, "DELETE", "/<request_id>", **OWN)
@routes.response(204)
def discard_request(request_id: str) -> Response:
    """Throw a draft away with everything in it."""
    with current_wallet().work() as work:
        work.requests.discard(request_id, current_actor())
    return Response(status=204, headers={"Cache-Control": PRIVATE})


@operation(routes, "POST", "/<request_id>/moves", **OWN, cooling_off=True)
@routes.arguments(RequestMoveSchema)
@routes.response(200, RequestSchema)
@once
def move_request(work: Work, order: dict[str, str], request_id: str) -> Response:
    """Send a draft or a supplement, withdraw, end or cancel: one of the request's `actions`."""
    moved = work.requests.act(request_id, order["action"], current_actor())
    return answer(RequestSchema(), told(moved, work.wallet.catalogue))


@operation(routes, "POST", "/<request_id>/files", **OWN, max_body=MAX_BODY)
@routes.arguments(RequestFileOrderSchema)
@routes.response(201, RequestFileSchema)
@once
def add_request_file(work: Work, order: dict[str, Any], request_id: str) -> Response:
    """Send a file for a field of the form; then name its id in the answer."""
    made = work.requests.attach(request_id, order["field"], order["media_type"], order["content"], current_actor())
    return answer(RequestFileSchema(), made, 201)


@operation(routes, "GET", "/<request_id>/files/<file_id>", **OWN)
@routes.response(200, {"type": "string", "format": "binary"}, content_type="application/octet-stream")
def read_request_file(request_id: str, file_id: str) -> Response:
    """Fetch a file that you sent, as it is stored."""
    with current_wallet().read() as work:
        media_type, content = work.requests.file(request_id, file_id, current_actor())
    return attached(media_type, content, file_id)


@operation(routes, "DELETE", "/<request_id>/files/<file_id>", **OWN)
@routes.response(204)
def remove_request_file(request_id: str, file_id: str) -> Response:
    """Take a file away that no answer names."""
    with current_wallet().work() as work:
        work.requests.detach(request_id, file_id, current_actor())
    return Response(status=204, headers={"Cache-Control": PRIVATE})


@operation(routes, "GET", "/<request_id>/papers/<paper_id>", **OWN, etag=True)
@routes.response(200, RequestPaperSchema)
def read_request_paper(request_id: str, paper_id: str) -> Response:
    """Read a receipt slip or a letter of one of your requests."""
    with current_wallet().read() as work:
        paper = work.requests.paper(request_id, paper_id, current_actor())
    return with_etag(answer(RequestPaperSchema(), told_paper(paper)))


@operation(routes, "GET", "/<request_id>/papers/<paper_id>/paper.pdf", **OWN, etag=True)
@routes.response(200, {"type": "string", "format": "binary"}, content_type=PDF)
def print_request_paper(request_id: str, paper_id: str) -> Response:
    """Fetch a receipt slip or a letter as PDF, to print or to show to somebody. It has neither code nor seal."""
    with current_wallet().read() as work:
        paper = work.requests.paper(request_id, paper_id, current_actor())
    return with_etag(printed_paper(paper))


@operation(routes, "GET", "/<request_id>/payments", **OWN)
@routes.response(200, PaymentsSchema)
def list_payments(request_id: str) -> Response:
    """List the payments of a request."""
    with current_wallet().read() as work:
        work.requests.get(request_id, current_actor())
        rows = work.paying.of_request(request_id)
    return answer(PaymentsSchema(), {"data": rows})


def _opened(begun: Response) -> Response:
    """Return the payment that was begun as it stands now. Raises Unavailable while the provider has not opened it."""
    with current_wallet().read() as work:
        payment = work.paying.get(str((begun.json or {})["id"]))
    if payment.state is PaymentState.OPENING:
        raise Unavailable("payment_unavailable", OPENED_SOON_SECONDS)
    return answer(PaymentSchema(), payment, 201)


@operation(routes, "POST", "/<request_id>/payments", **OWN)
@routes.response(201, PaymentSchema)
@once_and(_opened)
def open_payment(work: Work, request_id: str) -> Response:
    """Begin to pay, or to pay again after a payment that failed; one that is open is the answer.

    While the provider does not open it this is 503; the same key asks for the same payment again.
    """
    return json_answer({"id": work.requests.pay(request_id, current_actor()).id}, 201)


def told_paper(paper: RequestPaperView) -> dict[str, Any]:
    """Return a slip or a letter as it was made out."""
    stated = dict(paper.stated)
    for name in ("received_at", "promised"):
        if name in stated:
            stated[name] = datetime.fromisoformat(stated[name])
    view = {name: getattr(paper.view, name) for name in PaperView.__slots__}
    whole = stated | view | {"request_id": paper.request_id, "utility": paper.utility, "sample_mark": SAMPLE_MARK}
    return {name: value for name, value in whole.items() if name in RequestPaperSchema().fields}


def printed_paper(paper: RequestPaperView) -> Response:
    """Typeset a slip or a letter, outside any transaction. Raises Unavailable("form_not_installed")."""
    response = current_app.response_class(plain.make(printed(paper)), content_type=PDF)
    response.headers["Cache-Control"] = PRIVATE
    return response


def told(request: UtilityRequest, catalogue: Catalogue) -> dict[str, Any]:
    """Return a request with the words for its codes."""
    plugin = catalogue.find(request.utility)
    names = {name: getattr(request, name) for name in UtilityRequest.__slots__}
    return names | {
        "fee_due": request.fee_due,
        "state_name": state_name(plugin, request.state),
        "fee": _fee(plugin, request.fee),
    }


def told_whole(detail: RequestDetail, catalogue: Catalogue) -> dict[str, Any]:
    """Return a request, whole, with the words for its codes."""
    plugin = catalogue.find(detail.request.utility)
    return told(detail.request, catalogue) | {
        "answers": detail.answers,
        "about": detail.about,
        "files": detail.files,
        "timeline": [_entry(plugin, entry) for entry in detail.timeline],
        "steps": [
            {
                **{name: getattr(step, name) for name in OF_STEP},
                "name": word_of(plugin, "steps", step.code),
                "agency": word_of(plugin, "agencies", step.agency, core="agencies"),
            }
            for step in detail.steps
        ],
        "papers": detail.papers,
        "agreements": detail.agreements,
        "actions": detail.actions,
        "moves": [{"action": action, "name": move_name(plugin, action)} for action in detail.actions],
        "warnings": _doubts(plugin, detail.warnings),
    }


def _previewed(preview: Preview, plugin: Plugin) -> dict[str, Any]:
    faults = sorted(preview.faults.items())
    found: dict[str, Any] = {
        "ready": preview.ready,
        "errors": [
            {
                "pointer": pointer,
                "code": code,
                "text": {language: field_text(code, language, preview.words_of[pointer]) for language in LANGUAGES},
            }
            for pointer, code in faults
        ],
        "warnings": _doubts(plugin, preview.warnings),
        "due_at": preview.due_at,
        "expected": [
            {"name": name, "label": plugin.label(name), "value": value} for name, value in preview.expected.items()
        ],
    }
    if preview.fee is not None:
        found["fee"] = _fee(plugin, preview.fee)
        found["fee_due"] = sum(line.amount for line in preview.fee)
    return found


def _fee(plugin: Plugin | None, lines: Iterable[FeeLineView]) -> list[dict[str, Any]]:
    return [
        {"code": line.code, "name": word_of(plugin, "fees", line.code, core="fees"), "amount": line.amount}
        for line in lines
    ]


def _doubts(plugin: Plugin | None, warnings: Mapping[str, str]) -> list[dict[str, Any]]:
    return [
        {"pointer": pointer, "code": code, "text": word_of(plugin, "warnings", code, core="warnings")}
        for pointer, code in sorted(warnings.items())
    ]


def _entry(plugin: Plugin | None, entry: Any) -> dict[str, Any]:
    names = ("at", "action", "state", "by", "reason", "note", "expected_at", "step")
    found = {name: getattr(entry, name) for name in names}
    found |= {"action_name": move_name(plugin, entry.action), "state_name": state_name(plugin, entry.state)}
    if entry.reason is not None:
        found["reason_text"] = word_of(plugin, "reasons", entry.reason)
    if entry.step is not None:
        found["step_name"] = word_of(plugin, "steps", entry.step)
    return found


def _whole(detail: RequestDetail) -> Response:
    response = answer(RequestDetailSchema(), told_whole(detail, current_wallet().catalogue))
    response.headers["ETag"] = version_etag(detail.request.version)
    return response
