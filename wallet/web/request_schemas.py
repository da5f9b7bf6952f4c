"""Requests as JSON: what is sent, and how a request, its steps, files, papers and payments are told."""

from dataclasses import replace
from typing import Any

from marshmallow import ValidationError, fields, post_load, validate

from wallet.errors import pointer_step
from wallet.evidence import SUFFIXES
from wallet.requests.agreements import STATES as AGREEMENT_STATES
from wallet.requests.orders import About, RequestOrder
from wallet.requests.papers import PaperKind, Why
from wallet.requests.steps import STATES as STEP_STATES
from wallet.strict import pointers
from wallet.utilities.base import Capacity
from wallet.web.documents import PageSchema
from wallet.web.files import MAX_CONTENT, decoded
from wallet.web.schemas import Both, Moment, PlainWords, Stated, StrictSchema

CODE = r"^[a-z][a-z0-9_]{0,63}\Z"
ORGANISATION = r"^org_[0-9a-f]{32}\Z"


class AboutSchema(StrictSchema):
    """Whom a request by proxy is about."""

    number = fields.String(required=True, validate=validate.Regexp(r"^[0-9]{12}\Z"))
    full_name = PlainWords(required=True, validate=validate.Length(1, 120))
    birth_date = fields.String(required=True, validate=validate.Regexp(r"^[0-9]{4}(-[0-9]{2}-[0-9]{2})?\Z"))

    @post_load
    def build(self, data: dict[str, Any], **_: Any) -> About:
        return About(**data)


class RequestOrderSchema(StrictSchema):
    """What a citizen asks for. `draft`: keep it, do not send it yet. `about`: for `capacity` `proxy` alone.

    `organisation`: for `capacity` `business` alone: the id of an active organisation that you represent.
    """

    decisive = ("utility", "answers", "capacity", "draft")

    utility = fields.String(required=True, validate=validate.Regexp(CODE))
    answers = fields.Dict(keys=fields.String(), load_default=dict)
    capacity = fields.String(load_default=str(Capacity.SELF), validate=validate.OneOf([str(each) for each in Capacity]))
    about = fields.Nested(AboutSchema, load_default=lambda: None)
    organisation = fields.String(
        load_default=lambda: None,
        validate=validate.Regexp(ORGANISATION),
        metadata={"example": "org_5a7c9e1b3d5f7092a4c6e8f0a1b3d5f7"},
    )
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
            faulty = {pointer.split("/")[1] for pointer in flat}
            order = {name: value for name, value in data.items() if pointer_step(name)[1:] not in faulty}
            return replace(super().load(order), faults=flat)


class RequestOrganisationSchema(StrictSchema):
    """For which organisation it is asked; code and name as they were when it was sent, of a draft when it was begun."""

    id = fields.String(required=True, metadata={"example": "org_5a7c9e1b3d5f7092a4c6e8f0a1b3d5f7"})
    enterprise_code = fields.String(required=True)
    name = fields.String(required=True)


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
    organisation = fields.Nested(RequestOrganisationSchema)
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
    """A sub-task at an agency, with a clock of its own. reminders: how often its agency let its time run out.

    reason: why it failed; of one that is tried again, why it failed before. current: false for one that is done, of
    answers which were changed since: it verifies nothing until it is done anew.
    """

    code = fields.String(required=True)
    name = Both(required=True)
    agency = Both(required=True)
    state = fields.String(required=True, metadata={"x-extensible-enum": list(STEP_STATES)})
    opened_at = Moment()
    due_at = Moment()
    done_at = Moment()
    reason = fields.String()
    reminders = fields.Integer(required=True)
    current = fields.Boolean(required=True)


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
    organisation = fields.String(metadata={"description": "For which somebody applies"})
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
    """Somebody else who was asked to agree by their own act. current: they were shown what the request states now; an
    agreement that is not current is one to something else."""

    state = fields.String(required=True, metadata={"x-extensible-enum": list(AGREEMENT_STATES)})
    current = fields.Boolean(required=True)
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
