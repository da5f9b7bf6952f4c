"""Corrections of the caller: what a register says wrong about them, with evidence, for its owner to decide."""

from dataclasses import fields as fields_of
from typing import Any

from flask import Response
from marshmallow import fields, post_load, validate

from wallet.evidence import MAX_FILES, SUFFIXES
from wallet.profile.corrections import (
    OWNERS,
    CorrectionOrder,
    CorrectionState,
    CorrectionSummary,
    CorrectionView,
    Evidence,
)
from wallet.sources.base import RegisterCode
from wallet.terms import AccountLevel, AuthLevel
from wallet.texts.catalogue import both
from wallet.web.answers import PageQuery, answer, page_answer, place_of
from wallet.web.auth import current_actor
from wallet.web.context import current_wallet
from wallet.web.files import MAX_CONTENT, attached, decoded
from wallet.web.once import once
from wallet.web.operations import Routes, operation
from wallet.web.schemas import Both, Moment, PlainWords, StrictSchema
from wallet.wiring import Work

routes = Routes("corrections", __name__, url_prefix="/v1/me/corrections", description="What a register says wrong")
OWN: dict[str, Any] = {"account_level": AccountLevel.ONE, "auth_level": AuthLevel.TWO, "for_wards": True}
MAX_BODY = 3 << 20


class EvidenceOrderSchema(StrictSchema):
    """One file in base64, at most 1 MiB. A picture is stored without its metadata."""

    media_type = fields.String(required=True, validate=validate.OneOf(list(SUFFIXES)))
    content = fields.String(required=True, validate=validate.Length(1, MAX_CONTENT))

    @post_load
    def open(self, data: dict[str, str], **_: Any) -> Evidence:
        """Decode and clean the file, before any transaction is open."""
        return Evidence(data["media_type"], decoded(data["media_type"], data["content"]))


class CorrectionOrderSchema(StrictSchema):
    """What is wrong, what it should be, and why."""

    register = fields.String(required=True, validate=validate.OneOf([str(code) for code in OWNERS]))
    fact = fields.String(required=True, validate=validate.Regexp(r"^[a-z][a-z0-9_]{0,47}\Z"))
    should_be = PlainWords(required=True, validate=validate.Length(1, 500))
    explanation = PlainWords(required=True, validate=validate.Length(3, 2000))
    evidence = fields.List(
        fields.Nested(EvidenceOrderSchema), load_default=list, validate=validate.Length(max=MAX_FILES)
    )


class EvidenceSchema(StrictSchema):
    """A file without its content, as it is stored."""

    id = fields.String(required=True)
    media_type = fields.String(required=True, metadata={"x-extensible-enum": list(SUFFIXES)})
    size = fields.Integer(required=True, metadata={"description": "Bytes"})
    sha256 = fields.String(required=True)


class OwnerSchema(StrictSchema):
    """The agency that keeps a register, and alone can change it."""

    code = fields.String(required=True)
    name = Both(required=True)


class CorrectionSummarySchema(StrictSchema):
    """A correction, without what was stated. `receipt_due_at`, `due_at`: what the agency has to keep."""

    id = fields.String(required=True)
    register = fields.String(required=True, metadata={"x-extensible-enum": [str(code) for code in OWNERS]})
    fact = fields.String(required=True)
    owner = fields.Nested(OwnerSchema, required=True)
    state = fields.String(required=True, metadata={"x-extensible-enum": [str(state) for state in CorrectionState]})
    meaning = Both(required=True)
    created_at = Moment(required=True)
    receipt_due_at = Moment(required=True)
    due_at = Moment(required=True)
    decided_at = Moment()


class CorrectionSchema(CorrectionSummarySchema):
    """A correction, whole. `answer`: what the agency wrote."""

    should_be = fields.String(required=True)
    explanation = fields.String(required=True)
    evidence = fields.List(fields.Nested(EvidenceSchema), required=True)
    answer = fields.String()


class CorrectionPageSchema(StrictSchema):
    data = fields.List(fields.Nested(CorrectionSummarySchema), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


@operation(routes, "POST", "", **OWN, max_body=MAX_BODY, location=True)
@routes.arguments(CorrectionOrderSchema)
@routes.response(201, CorrectionSchema)
@once
def submit_correction(work: Work, order: dict[str, Any]) -> Response:
    """Say that a register is wrong about you. Its owner decides and mends it; the wallet changes no register."""
    wanted = CorrectionOrder(
        **order | {"register": RegisterCode(order["register"]), "evidence": tuple(order["evidence"])}
    )
    made = work.corrections.submit(wanted, current_actor())
    return answer(CorrectionSchema(), in_words(made), 201, {"Location": f"/v1/me/corrections/{made.id}"})


@operation(routes, "GET", "", **OWN)
@routes.arguments(PageQuery, location="query")
@routes.response(200, CorrectionPageSchema)
def list_corrections(query: dict[str, Any]) -> Response:
    """List your corrections, newest first."""
    actor = current_actor()
    purpose = f"corrections:{actor.holder_id}"
    with current_wallet().read() as work:
        rows, following = work.corrections.page(actor, query["limit"], place_of(query["cursor"], purpose))
    return page_answer(CorrectionSummarySchema(), [in_words(row) for row in rows], following, purpose, query["limit"])


@operation(routes, "GET", "/<correction_id>", **OWN)
@routes.response(200, CorrectionSchema)
def read_correction(correction_id: str) -> Response:
    """Read one of your corrections, with the answer once there is one."""
    with current_wallet().read() as work:
        return answer(CorrectionSchema(), in_words(work.corrections.get(correction_id, current_actor())))


@operation(routes, "GET", "/<correction_id>/evidence/<evidence_id>", **OWN)
@routes.response(200, {"type": "string", "format": "binary"}, content_type="application/octet-stream")
def read_evidence(correction_id: str, evidence_id: str) -> Response:
    """Fetch one file of your evidence, as it is stored. Its type stands in the correction."""
    with current_wallet().read() as work:
        file = work.corrections.evidence(correction_id, evidence_id, current_actor())
    return attached(file.media_type, file.content, evidence_id)


def in_words(correction: CorrectionSummary | CorrectionView) -> dict[str, Any]:
    """Return a correction with the names of its owner and of its state."""
    body = {each.name: getattr(correction, each.name) for each in fields_of(correction)}
    return body | {
        "owner": {"code": correction.owner, "name": both("agencies", correction.owner)},
        "meaning": both("correction_states", str(correction.state)),
    }
