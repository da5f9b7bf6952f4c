"""The desk of the agency that keeps a register: what holders say is wrong in it, and what it decides."""

from typing import Any

from flask import Response
from marshmallow import fields, validate

from wallet.profile.corrections import CorrectionState
from wallet.terms import AccountLevel, AuthLevel, StaffRole
from wallet.web.answers import PageQuery, answer, page_answer, place_of
from wallet.web.auth import FRESH, current_actor
from wallet.web.context import current_wallet
from wallet.web.corrections import (
    CorrectionSchema,
    CorrectionSummarySchema,
    in_words,
)
from wallet.web.documents import PageSchema
from wallet.web.files import attached
from wallet.web.once import once
from wallet.web.operations import Routes, operation
from wallet.web.schemas import PlainWords, StrictSchema
from wallet.wiring import Work

routes = Routes(
    "corrections_desk", __name__, url_prefix="/v1/desk/corrections", description="Corrections, for a register's owner"
)
REVIEWER: dict[str, Any] = {
    "account_level": AccountLevel.TWO,
    "auth_level": AuthLevel.TWO,
    "role": StaffRole.REVIEWER,
}


class CorrectionQuery(PageQuery):
    """Which state, how much, and from where."""

    state = fields.String(
        load_default=str(CorrectionState.RECEIVED),
        validate=validate.OneOf([str(state) for state in CorrectionState]),
    )


class DeskCorrectionSummarySchema(CorrectionSummarySchema):
    """A correction as it lies on the desk. province: of the holder's residence; empty where nobody knows it."""

    province = fields.String(required=True)


class DeskCorrectionPageSchema(PageSchema):
    data = fields.List(fields.Nested(DeskCorrectionSummarySchema), required=True)


class CorrectedHolderSchema(StrictSchema):
    """Whom a correction is about: who keeps the register has to find them in it."""

    full_name = fields.String(required=True)
    number = fields.String(required=True)
    birth_date = fields.String(required=True, metadata={"description": "YYYY-MM-DD, or YYYY"})


class DeskCorrectionSchema(CorrectionSchema):
    """A correction with whom it is about."""

    province = fields.String(required=True)
    holder = fields.Nested(CorrectedHolderSchema, required=True)


class CorrectionDecisionSchema(StrictSchema):
    """What the agency decides, and what it answers. Accepting says that it will mend its register itself."""

    decision = fields.String(required=True, validate=validate.OneOf(["accept", "refuse"]))
    answer = PlainWords(required=True, validate=validate.Length(3, 1000))


@operation(routes, "GET", "", **REVIEWER)
@routes.arguments(CorrectionQuery, location="query")
@routes.response(200, DeskCorrectionPageSchema)
def list_corrections_for_desk(query: dict[str, Any]) -> Response:
    """List the corrections of one state on your desks, due first. Whom they are about is told by reading one."""
    state, actor = CorrectionState(query["state"]), current_actor()
    purpose = f"desk-corrections:{actor.account_id}:{state}"
    with current_wallet().read() as work:
        rows, following = work.corrections.queue(state, actor, query["limit"], place_of(query["cursor"], purpose))
    bodies = [in_words(row) for row in rows]
    return page_answer(DeskCorrectionSummarySchema(), bodies, following, purpose, query["limit"])


@operation(routes, "GET", "/<correction_id>", **REVIEWER)
@routes.response(200, DeskCorrectionSchema)
def read_correction_for_desk(correction_id: str) -> Response:
    """Read a correction and take it up. The holder sees that it was read."""
    with current_wallet().work() as work:
        correction, profile = work.corrections.open(correction_id, current_actor())
    holder = {"full_name": profile.full_name, "number": profile.number, "birth_date": profile.birth_date}
    return answer(DeskCorrectionSchema(), in_words(correction) | {"holder": holder})


@operation(routes, "GET", "/<correction_id>/evidence/<evidence_id>", **REVIEWER)
@routes.response(200, {"type": "string", "format": "binary"}, content_type="application/octet-stream")
def read_evidence_for_desk(correction_id: str, evidence_id: str) -> Response:
    """Fetch one file of the evidence. The holder sees that it was read."""
    with current_wallet().work() as work:
        file = work.corrections.open_evidence(correction_id, evidence_id, current_actor())
    return attached(file.media_type, file.content, evidence_id)


@operation(routes, "POST", "/<correction_id>/decision", **REVIEWER, max_age=FRESH)
@routes.arguments(CorrectionDecisionSchema)
@routes.response(200, CorrectionSchema)
@once
def decide_correction(work: Work, order: dict[str, str], correction_id: str) -> Response:
    """Decide a correction and tell the holder. Not for oneself, nor for somebody one acts for."""
    made = work.corrections.decide(
        correction_id, accept=order["decision"] == "accept", answer=order["answer"], actor=current_actor()
    )
    return answer(CorrectionSchema(), in_words(made))
