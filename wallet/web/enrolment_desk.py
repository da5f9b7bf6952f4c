"""The enrolment desk: an officer records form TK01 in person, an authority approves or refuses it."""

from typing import Any

from flask import Response
from marshmallow import fields, validate

from wallet.enrolment.applications import APPROVED, RECEIVED, RECORDED, REFUSED
from wallet.enrolment.card_reading import MOST_CHARACTERS, parse_card
from wallet.enrolment.desk import Application, Decision
from wallet.enrolment.tk01 import PAPERS, ApplicationOrder, CardShown, ForeignPapers
from wallet.web.answers import PageQuery, answer, page_answer, place_of
from wallet.web.auth import FRESH, current_actor
from wallet.web.context import current_wallet
from wallet.web.desks import APPROVER, EITHER, OFFICER
from wallet.web.documents import PageSchema
from wallet.web.once import once
from wallet.web.operations import Routes, operation
from wallet.web.registrations import MAX_BODY, MAX_SAMPLE, NUMBER
from wallet.web.schemas import Moment, StrictSchema
from wallet.wiring import Work

routes = Routes("enrolment_desk", __name__, url_prefix="/v1/desk", description="The enrolment desk, for staff")
STATES = (RECORDED, RECEIVED, APPROVED, REFUSED)


class CardReadingOrderSchema(StrictSchema):
    """The text of an identity card's QR code."""

    text = fields.String(required=True, validate=validate.Length(1, MOST_CHARACTERS))


class CardReadingSchema(StrictSchema):
    """What to fill the form with. It proves nothing."""

    number = fields.String(required=True)
    cmnd = fields.String()
    full_name = fields.String(required=True)
    birth_date = fields.String(required=True)
    sex = fields.String(required=True)
    permanent_address = fields.String(required=True)
    card_issued = fields.Date(required=True)
    rest = fields.List(fields.String(), required=True)


class FormSchema(StrictSchema):
    """Form TK01."""

    full_name = fields.String(required=True, validate=validate.Length(1, 200))
    birth_date = fields.String(
        required=True, validate=validate.Length(4, 10), metadata={"description": "YYYY-MM-DD, or YYYY"}
    )
    phone = fields.String(required=True, validate=validate.Length(1, 16))
    email = fields.Email(validate=validate.Length(3, 254), load_default=lambda: None)
    papers = fields.List(fields.String(validate=validate.OneOf(PAPERS)), load_default=list)
    guardian_number = fields.String(validate=validate.Regexp(NUMBER), load_default=lambda: None)


class CardSchema(StrictSchema):
    """The identity card on the desk. number: as printed."""

    number = fields.String(required=True, validate=validate.Regexp(NUMBER))
    issued = fields.Date(required=True)
    serial = fields.String(validate=validate.Length(1, 20), load_default=lambda: None)


class ForeignerSchema(StrictSchema):
    """Passport and residence card of a foreigner."""

    passport_number = fields.String(required=True, validate=validate.Length(1, 20))
    permit_number = fields.String(required=True, validate=validate.Length(1, 20))
    permit_kind = fields.String(required=True, validate=validate.OneOf(["permanent", "temporary"]))
    permit_expires = fields.Date(required=True)


class ConsentSchema(StrictSchema):
    """That the holder agreed, to which text, and what the officer had told them before."""

    given = fields.Boolean(required=True, truthy={True}, falsy={False})
    version = fields.String(required=True, validate=validate.Length(1, 16))
    statements = fields.List(fields.String(validate=validate.Length(1, 32)), required=True)


class ApplicationOrderSchema(StrictSchema):
    """What is recorded at the desk. Without a valid card, a citizen's is issued together with the account."""

    number = fields.String(required=True, validate=validate.Regexp(NUMBER))
    form = fields.Nested(FormSchema, required=True)
    card = fields.Nested(CardSchema, load_default=lambda: None)
    foreigner = fields.Nested(ForeignerSchema, load_default=lambda: None)
    face_sample = fields.String(required=True, validate=validate.Length(1, MAX_SAMPLE))
    finger_sample = fields.String(required=True, validate=validate.Length(1, MAX_SAMPLE))
    consent = fields.Nested(ConsentSchema, required=True)


class ApplicationSummarySchema(StrictSchema):
    """An application, without what it states. matched: nothing stands in the way of an approval."""

    id = fields.String(required=True)
    kind = fields.String(required=True, metadata={"x-extensible-enum": ["level_1", "level_2"]})
    state = fields.String(required=True, metadata={"x-extensible-enum": list(STATES)})
    agency = fields.String(required=True)
    province = fields.String(required=True)
    received_at = Moment(required=True)
    due_at = Moment(required=True)
    overdue = fields.Boolean(required=True)
    matched = fields.Boolean(required=True)
    checks = fields.Dict(keys=fields.String(), values=fields.String(), required=True)
    recorded_by = fields.String()
    decided_by = fields.String()
    decided_at = Moment()
    account_id = fields.String()


class ApplicationSchema(ApplicationSummarySchema):
    """An application, whole. `form` is gone once a refused one is erased."""

    scores = fields.Dict(keys=fields.String(), values=fields.Float(), required=True)
    form = fields.Dict(keys=fields.String())
    written_reason = fields.String()


class ApplicationPageSchema(PageSchema):
    data = fields.List(fields.Nested(ApplicationSummarySchema), required=True)


class QueueQuery(PageQuery):
    """Which applications."""

    state = fields.String(load_default=RECORDED, validate=validate.OneOf(STATES))


class ApplicationDecisionSchema(StrictSchema):
    """What the authority says; a refusal says why, in writing."""

    decision = fields.String(required=True, validate=validate.OneOf([str(decision) for decision in Decision]))
    reason = fields.String(validate=validate.Length(1, 1000), load_default=lambda: None)


@operation(routes, "POST", "/card-readings", **OFFICER)
@routes.arguments(CardReadingOrderSchema)
@routes.response(200, CardReadingSchema)
def read_card_text(order: dict[str, str]) -> Response:
    """Read the QR code of an identity card, to fill the form. It proves nothing, and nothing is stored."""
    return answer(CardReadingSchema(), parse_card(order["text"]))


@operation(routes, "POST", "/applications", **OFFICER, max_body=MAX_BODY, location=True)
@routes.arguments(ApplicationOrderSchema)
@routes.response(201, ApplicationSchema)
@once
def record_application(work: Work, order: dict[str, Any]) -> Response:
    """Record an application for level 2: form, card, portrait, fingerprint and the holder's consent."""
    made = work.enrolment_desk.record(_order(order), current_actor())
    return answer(ApplicationSchema(), _body(made), 201, {"Location": f"/v1/desk/applications/{made.id}"})


@operation(routes, "GET", "/applications", **EITHER)
@routes.arguments(QueueQuery, location="query")
@routes.response(200, ApplicationPageSchema)
def list_applications(query: dict[str, Any]) -> Response:
    """List the applications of your office or province, what is due first; overdue registrations from home too."""
    actor, state = current_actor(), query["state"]
    purpose = f"applications:{actor.account_id}:{state}"
    place = place_of(query["cursor"], purpose)
    with current_wallet().read() as work:
        rows, following = work.enrolment_desk.page(state, actor, query["limit"], place)
    bodies = [_body(row) for row in rows]
    return page_answer(ApplicationSummarySchema(), bodies, following, purpose, query["limit"])


@operation(routes, "GET", "/applications/<application_id>", **EITHER)
@routes.response(200, ApplicationSchema)
def read_application(application_id: str) -> Response:
    """Read one application with its form. That you read it is recorded."""
    with current_wallet().work() as work:
        return answer(ApplicationSchema(), _body(work.enrolment_desk.read(application_id, current_actor())))


@operation(routes, "POST", "/applications/<application_id>/decision", **APPROVER, max_age=FRESH)
@routes.arguments(ApplicationDecisionSchema)
@routes.response(200, ApplicationSchema)
@once
def decide_application(work: Work, order: dict[str, Any], application_id: str) -> Response:
    """Approve an application, which opens the account or raises its level, or refuse it in writing."""
    decision = Decision(order["decision"])
    made = work.enrolment_desk.decide(application_id, decision, order["reason"], current_actor())
    return answer(ApplicationSchema(), _body(made))


def _order(order: dict[str, Any]) -> ApplicationOrder:
    consent, card, foreigner = order["consent"], order["card"], order["foreigner"]
    return ApplicationOrder(
        number=order["number"],
        **order["form"],
        face_sample=order["face_sample"],
        finger_sample=order["finger_sample"],
        consent_given=consent["given"],
        consent_version=consent["version"],
        statements=consent["statements"],
        card=None if card is None else CardShown(**card),
        foreigner=None if foreigner is None else ForeignPapers(**foreigner),
    )


def _body(seen: Application) -> dict[str, Any]:
    return {name: getattr(seen, name) for name in seen.__slots__} | {"scores": dict(seen.scores)}
