"""What a verifier's desk does online: it checks codes, reads what holders share, checks in, and tells what it checked
without network. Every look is on record before its answer leaves, and its holder reads it.
"""

import base64
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import wraps
from typing import Any

from flask import Response, request
from marshmallow import ValidationError, fields, validate, validates_schema

from wallet.checks.online.batches import MOST, RESULTS, Passenger
from wallet.checks.online.batches import STATES as BATCH_STATES
from wallet.checks.online.check_ins import CheckInOrder, CheckInRefused, Telling
from wallet.checks.online.checking import TICKET, CheckOrder, Ticket
from wallet.checks.online.disclosing import FAULTS, Disclosure
from wallet.checks.online.receipts import Receipt
from wallet.checks.online.shares import STATES as SHARE_STATES
from wallet.checks.online.shares import ShareAnswer
from wallet.errors import Conflict
from wallet.verifier import REASONS, Verdict
from wallet.verifier.answer import NO_BINDING, rfc3339
from wallet.verifier.judgement import STEP_NAMES
from wallet.verifier.reasons import OK
from wallet.web.answers import answer, json_answer, without_none
from wallet.web.auth import current_actor
from wallet.web.context import current_wallet
from wallet.web.once import HEADER, REPLAYED, Told, once, once_and
from wallet.web.operations import Routes
from wallet.web.schemas import Both, Moment, Stated, StrictSchema
from wallet.web.states import word_of
from wallet.web.verifier_desk_auth import current_desk, desk_operation, standing_desk
from wallet.wiring import Work

routes = Routes(
    "verifier_checks", __name__, url_prefix="/v1/verifier", description="Online checks by the desks of verifiers"
)
ALL_REASONS = [*REASONS, OK]
VERDICTS = [verdict.value for verdict in Verdict]
NAME_LENGTH = validate.Length(1, 120)
A_DAY = validate.Regexp(r"^[0-9]{4}(?:-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01]))?\Z")
A_CODE = validate.Regexp(r"^[a-z][a-z0-9_]{0,63}\Z")
MAX_RECEIPTS = 200
BINDINGS = [NO_BINDING, "server", "device"]


class Instant(Moment):
    """RFC 3339 in UTC with `Z`, whole seconds, as it comes in."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> datetime:
        try:
            if not (isinstance(value, str) and value.isascii() and len(value) == 20 and value.endswith("Z")):
                raise ValueError
            return datetime.fromisoformat(value)
        except ValueError as error:
            raise ValidationError("invalid") from error


def _name_of_claim() -> fields.String:
    return fields.String(required=True, validate=validate.Length(1, 64))


class TicketSchema(StrictSchema):
    """Whether what a ticket states is what the document states. `not_stated`: the document does not state it."""

    name = fields.String(metadata={"x-extensible-enum": list(TICKET)})
    birth_date = fields.String(metadata={"x-extensible-enum": list(TICKET)})


class DeskClaimSchema(StrictSchema):
    """A claim that a holder shows. value: as the document states it."""

    name = fields.String(required=True)
    label = Both(required=True)
    value = Stated(required=True)


class PortraitSchema(StrictSchema):
    """A portrait. content: base64 (RFC 4648, section 4). sha256: what documents bind, base64url without padding."""

    media_type = fields.String(required=True)
    content = fields.String(required=True)
    sha256 = fields.String(required=True)


class DeskShareSchema(StrictSchema):
    """What becomes of data that the code does not state: the holder is asked, or agreed beforehand.

    Read it at `/v1/verifier/shares/{id}` until its state is another than `awaiting`. Without `id` nobody is asked: a
    consent that is remembered has answered, or nobody is there to answer. `reason`: of one that is `ended` because the
    document does not count any more, why: then what you checked is not valid any more either.
    """

    id = fields.String()
    state = fields.String(required=True, metadata={"x-extensible-enum": list(SHARE_STATES)})
    reason = fields.String(metadata={"x-extensible-enum": list(FAULTS)})
    answer_until = Moment()
    readable_until = Moment()
    claims = fields.List(fields.Nested(DeskClaimSchema))
    portrait = fields.Nested(PortraitSchema)


class DeskCheckOrderSchema(StrictSchema):
    """A code, and for what it is checked. `claims`: names of what you need, all of the purpose without it;
    `optional`: what the holder may leave out. `portrait` names the picture.

    `name_on_ticket` and `birth_date_on_ticket` are compared, whatever their case, marks, spaces and order of words.
    `nonce`: of the challenge that this gate showed, base64url.
    """

    code = fields.String(required=True)
    purpose = fields.String(required=True, validate=A_CODE)
    claims = fields.List(_name_of_claim(), validate=validate.Length(0, 60))
    optional = fields.List(_name_of_claim(), validate=validate.Length(1, 60))
    name_on_ticket = fields.String(validate=NAME_LENGTH)
    birth_date_on_ticket = fields.String(validate=A_DAY)
    nonce = fields.String(validate=validate.Regexp(r"^[A-Za-z0-9_-]{10}[AEIMQUYcgkosw048]\Z"))


class IssuerNameSchema(StrictSchema):
    code = fields.String(required=True)
    name = Both(required=True)


class CheckedUtilitySchema(StrictSchema):
    code = fields.String(required=True)
    version = fields.Integer(required=True)
    title = Both()


class CheckedClaimSchema(StrictSchema):
    """A claim that the code states itself."""

    n = fields.Integer()
    name = fields.String()
    label = Both()
    kind = fields.String()
    value = Stated(required=True)


class CheckedDocumentSchema(StrictSchema):
    """What was signed, as far as you may see it: no id and no moment, by which two verifiers could compare people."""

    issuer = fields.Nested(IssuerNameSchema, required=True)
    utility = fields.Nested(CheckedUtilitySchema, required=True)
    claims = fields.List(fields.Nested(CheckedClaimSchema), required=True)


class FirstSeenSchema(StrictSchema):
    """When a live code was first seen at one of your gates."""

    at = Moment(required=True)


class DeskCheckSchema(StrictSchema):
    """The answer of docs/wire.md, section 3, for one desk. `data_as_of`: the day of which the data is.

    Only what is `accepted` has a `document`, a `ticket` and a `share`; only what is `live_replayed` has `first_seen`.
    """

    verdict = fields.String(required=True, validate=validate.OneOf(VERDICTS))
    reasons = fields.List(fields.String(metadata={"x-extensible-enum": ALL_REASONS}), required=True)
    accepted = fields.Boolean(required=True)
    checked = fields.List(fields.String(validate=validate.OneOf(list(STEP_NAMES.values()))), required=True)
    holder_binding = fields.String(required=True, validate=validate.OneOf(BINDINGS))
    checked_at = Moment(required=True)
    bundle_age_seconds = fields.Integer(required=True)
    status_age_seconds = fields.Integer()
    sample_mark = fields.String(required=True)
    first_seen = fields.Nested(FirstSeenSchema)
    data_as_of = fields.String(metadata={"format": "date"})
    document = fields.Nested(CheckedDocumentSchema)
    ticket = fields.Nested(TicketSchema)
    share = fields.Nested(DeskShareSchema)


@desk_operation(routes, "POST", "/checks")
@routes.arguments(DeskCheckOrderSchema)
@routes.response(200, DeskCheckSchema)
def check_code_for_desk(order: dict[str, Any]) -> Response:
    """Check a code for one of your purposes.

    You see the claims of your purpose that you asked for, and that the code states. Claims beyond the code and the
    portrait are the holder's to share: they are asked on their phone. A live code is good once at all of your gates.
    """
    asked = CheckOrder(
        code=order["code"],
        purpose=order["purpose"],
        claims=None if "claims" not in order else tuple(order["claims"]),
        optional=tuple(order.get("optional", ())),
        ticket=Ticket(order.get("name_on_ticket"), order.get("birth_date_on_ticket")),
        nonce=_nonce(order),
    )
    with current_wallet().work() as work:
        work.online.checking.admit(asked, current_desk())
    for trying in current_wallet().tries():
        with trying as work:
            found = work.online.checking.check(asked, standing_desk(work), current_actor())
    body = dict(found.body)
    if found.ticket is not None:
        body["ticket"] = found.ticket
    if found.share is not None:
        body["share"] = _share(found.share)
    return json_answer(body)


@desk_operation(routes, "GET", "/shares/<share_id>")
@routes.response(200, DeskShareSchema)
def read_share(share_id: str) -> Response:
    """Read what a holder answered: what they agreed to is here for ten minutes, and then no more."""
    for trying in current_wallet().tries():
        with trying as work:
            found = work.online.shares.read(share_id, standing_desk(work), current_actor())
    return json_answer(_share(found))


class CheckInOrderSchema(StrictSchema):
    """A presentation, or a live code that the phone shows now; one of the two."""

    purpose = fields.String(required=True, validate=A_CODE)
    presentation = fields.String(validate=validate.Length(1, 64))
    code = fields.String()
    name_on_ticket = fields.String(validate=NAME_LENGTH)
    birth_date_on_ticket = fields.String(validate=A_DAY)
    nonce = DeskCheckOrderSchema._declared_fields["nonce"]

    @validates_schema
    def check_one(self, data: dict[str, Any], **_: Any) -> None:
        """One of the two has to be there, and no more."""
        if "presentation" in data and "code" in data:
            raise ValidationError({"code": ["one_of_two"]})
        if "presentation" not in data and "code" not in data:
            raise ValidationError({"presentation": ["required"]})


class CheckInSchema(StrictSchema):
    """Somebody who is checked in, with what they presented. `holder_binding`: of the code; of a presentation `none`,
    for it was made beforehand. In `ticket` nothing `differs`: such a one checks nobody in."""

    id = fields.String(required=True)
    checked_in_at = Moment(required=True)
    utility = fields.String(required=True)
    holder_binding = fields.String(required=True, validate=validate.OneOf(BINDINGS))
    claims = fields.List(fields.Nested(DeskClaimSchema), required=True)
    portrait = fields.Nested(PortraitSchema)
    ticket = fields.Nested(TicketSchema)


def _admitted(view: Callable[[dict[str, Any]], Response]) -> Callable[[dict[str, Any]], Response]:
    """Count a check-in before its transaction is begun: what is refused stays counted."""

    @wraps(view)
    def wrapped(order: dict[str, Any]) -> Response:
        with current_wallet().work() as work:
            work.online.check_ins.admit(_check_in_of(order), current_desk())
        return view(order)

    return wrapped


def _checked_in(begun: Response, order: dict[str, Any]) -> Response:
    """Return the answer of a check-in; one that is asked for again tells what may be told by now, and is on record.

    Raises Conflict where it was refused, and whatever a check raises.
    """
    kept = begun.json or {}
    if begun.status_code != 201:
        raise Conflict(kept.pop("refused"), **kept)
    if REPLAYED not in begun.headers:
        return begun
    for trying in current_wallet().tries():
        with trying as work:
            telling = work.online.check_ins.tell_again(_check_in_of(order), standing_desk(work), current_actor())
    return json_answer(kept | _telling(telling), 201)


def _check_in_of(order: dict[str, Any]) -> CheckInOrder:
    return CheckInOrder(
        purpose=order["purpose"],
        presentation=order.get("presentation"),
        code=order.get("code"),
        ticket=Ticket(order.get("name_on_ticket"), order.get("birth_date_on_ticket")),
        nonce=_nonce(order),
    )


def _telling(telling: Telling) -> dict[str, Any]:
    return without_none({"ticket": telling.ticket}) | _disclosed(telling.disclosure, telling.utility)


@desk_operation(routes, "POST", "/check-ins")
@routes.arguments(CheckInOrderSchema)
@routes.response(201, CheckInSchema)
@_admitted
@once_and(_checked_in)
def check_in(work: Work, order: dict[str, Any]) -> Response:
    """Check somebody in, once: of any number of tries at the same moment one succeeds, the others are 409
    `already_used`. Another organisation's presentation is 403 `wrong_audience`. A ticket that states something else is
    409 `ticket_differs`, with what differs in `errors`, and nothing is used up: try again with the right one.

    Whom you look at is counted and sees it, also where `code_refused`, `document_not_valid` or `ticket_differs` is the
    answer; the same key gets the same refusal. Repeat the call with its key after a lost answer: claims, portrait and
    ticket are told again as long as the document counts and its consent holds, and are looked at once more; else
    `claims` is empty.
    """
    try:
        made = work.online.check_ins.check_in(_check_in_of(order), standing_desk(work), current_actor())
    except CheckInRefused as refusal:  # that it was looked at stands, so this is an answer, and commits
        return json_answer({"refused": refusal.code, **refusal.values}, 409)
    kept = {"id": made.id, "checked_in_at": rfc3339(made.at), "utility": made.kind, "holder_binding": made.binding}
    return Told(json_answer(kept | _telling(made.telling), 201), json_answer(kept, 201))


class PassengerSchema(StrictSchema):
    """A ticket. `presentation`: what the passenger presented to you, where they did."""

    name = fields.String(required=True, validate=NAME_LENGTH)
    birth_date = fields.String(required=True, validate=A_DAY)
    presentation = fields.String(load_default="", validate=validate.Length(0, 64))


class BatchOrderSchema(StrictSchema):
    """A list of passengers, at most 500."""

    purpose = fields.String(required=True, validate=A_CODE)
    passengers = fields.List(fields.Nested(PassengerSchema), required=True, validate=validate.Length(1, MOST))


class PassengerResultSchema(StrictSchema):
    """What became of one, by its place in the list. Without `result` it is not their turn yet."""

    position = fields.Integer(required=True)
    result = fields.String(metadata={"x-extensible-enum": list(RESULTS)})
    name = fields.String(metadata={"x-extensible-enum": list(TICKET)})
    birth_date = fields.String(metadata={"x-extensible-enum": list(TICKET)})


class BatchSchema(StrictSchema):
    """A list with its progress: `done` of `total`. After `expires_at` it is erased."""

    id = fields.String(required=True)
    purpose = fields.String(required=True)
    state = fields.String(required=True, metadata={"x-extensible-enum": list(BATCH_STATES)})
    total = fields.Integer(required=True)
    done = fields.Integer(required=True)
    created_at = Moment(required=True)
    expires_at = Moment(required=True)
    results = fields.List(fields.Nested(PassengerResultSchema), required=True)


@desk_operation(routes, "POST", "/batches", max_body=256 * 1024, location=True)
@routes.arguments(BatchOrderSchema)
@routes.response(202, BatchSchema)
@once
def begin_batch(work: Work, order: dict[str, Any]) -> Response:
    """Have a list of passengers compared with what they presented; nothing is used up. Follow it at its Location."""
    passengers = [Passenger(**each) for each in order["passengers"]]
    made = work.online.batches.begin(order["purpose"], passengers, current_desk(), current_actor())
    return answer(BatchSchema(), made, 202, {"Location": f"/v1/verifier/batches/{made.id}"})


@desk_operation(routes, "GET", "/batches/<batch_id>")
@routes.response(200, BatchSchema)
def read_batch(batch_id: str) -> Response:
    """Read a list of yours with what is known by now. It is erased a day after it came in."""
    with current_wallet().read() as work:
        return answer(BatchSchema(), work.online.batches.get(batch_id, current_desk()))


class ReceiptSchema(StrictSchema):
    """One offline check. `id`: yours, by which it counts once. `document_id`: as the code had it. `asked`: you asked
    online about it as well and the answer never came; where the question did, its holder saw it then.
    """

    id = fields.String(required=True, validate=validate.Regexp(r"^[A-Za-z0-9_-]{8,64}\Z"))
    document_id = fields.String(required=True, validate=validate.Regexp(r"^doc_[0-9a-f]{32}\Z"))
    checked_at = Instant(required=True)
    purpose = fields.String(required=True, validate=A_CODE)
    verdict = fields.String(required=True, validate=validate.OneOf(VERDICTS))
    reasons = fields.List(
        fields.String(required=True, validate=validate.OneOf(ALL_REASONS)),
        required=True,
        validate=validate.Length(1, len(ALL_REASONS)),
    )
    asked = fields.Boolean()


class CountsSchema(StrictSchema):
    """How many checks there were of each verdict, also those without a receipt."""

    valid = fields.Integer(strict=True, validate=validate.Range(0, 1_000_000))
    invalid = fields.Integer(strict=True, validate=validate.Range(0, 1_000_000))
    cannot_tell = fields.Integer(strict=True, validate=validate.Range(0, 1_000_000))


class ReceiptsOrderSchema(StrictSchema):
    """What was checked without network, at most 200 receipts at a time."""

    receipts = fields.List(fields.Nested(ReceiptSchema), required=True, validate=validate.Length(0, MAX_RECEIPTS))
    counts = fields.Nested(CountsSchema)


@desk_operation(routes, "POST", "/receipts")
@routes.arguments(ReceiptsOrderSchema)
@routes.response(204)
@once
def hand_in_receipts(work: Work, order: dict[str, Any]) -> Response:
    """Tell what was checked without network, within 30 days: each receipt counts once, and its holder sees it.

    An id that fits nobody is taken and dropped: which ones do is not told.
    """
    receipts = [Receipt(**each | {"reasons": tuple(each["reasons"])}) for each in order["receipts"]]
    counts, batch = order.get("counts", {}), request.headers[HEADER]
    work.online.receipts.take(receipts, counts, batch, current_desk(), current_actor())
    return Response(status=204)


def _nonce(order: Mapping[str, Any]) -> bytes | None:
    return base64.urlsafe_b64decode(order["nonce"] + "=") if "nonce" in order else None


def _share(share: ShareAnswer) -> dict[str, Any]:
    body: dict[str, Any] = {"state": share.state}
    if share.id is not None:
        body["id"] = share.id
    for name in ("answer_until", "readable_until"):
        moment = getattr(share, name)
        if moment is not None:
            body[name] = rfc3339(moment)
    if share.reason is not None:
        body["reason"] = share.reason
    return body if share.disclosure is None else body | _disclosed(share.disclosure, share.utility)


def _disclosed(disclosure: Disclosure, utility: str) -> dict[str, Any]:
    plugin = current_wallet().catalogue.find(utility)
    body: dict[str, Any] = {
        "claims": [
            {"name": name, "label": word_of(plugin, "claims", name), "value": value}
            for name, value in sorted(disclosure.claims.items())
        ]
    }
    if disclosure.portrait is not None:
        portrait = disclosure.portrait
        content = base64.b64encode(portrait.content).decode()
        body["portrait"] = {"media_type": portrait.media_type, "content": content, "sha256": portrait.sha256}
    return body
