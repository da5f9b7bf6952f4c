"""What the caller lets verifiers see: what they are asked for, their consents, what they presented."""

from datetime import timedelta
from typing import Any

from flask import Response
from marshmallow import ValidationError, fields, validate, validates_schema

from wallet.checks.online.consents import STATES as CONSENT_STATES
from wallet.checks.online.consents import TEXT_VERSION, ConsentView
from wallet.checks.online.presentations import STATES as PRESENTATION_STATES
from wallet.checks.online.presentations import PresentationOrder, PresentationPreview, PresentationView
from wallet.checks.online.shares import STATES as SHARE_STATES
from wallet.checks.online.shares import Decision, ShareView
from wallet.terms import AccountLevel, AuthLevel
from wallet.texts.catalogue import LANGUAGES, catalogue
from wallet.web.access_history import FieldNameSchema, field_names
from wallet.web.answers import PRIVATE, PageQuery, answer, page_answer, place_of
from wallet.web.auth import assert_cooled_off, assert_fresh, current_actor
from wallet.web.context import current_wallet
from wallet.web.documents import PageSchema
from wallet.web.once import once
from wallet.web.operations import Routes, operation
from wallet.web.schemas import Both, Moment, StrictSchema
from wallet.web.verifier_desk import VerifierNameSchema
from wallet.wiring import Work

routes = Routes("shares", __name__, url_prefix="/v1", description="What verifiers ask of you, and may see")
OWN: dict[str, Any] = {"account_level": AccountLevel.ONE, "auth_level": AuthLevel.ONE, "for_wards": True}
OWN_WITH_SECRET: dict[str, Any] = {"account_level": AccountLevel.ONE, "auth_level": AuthLevel.TWO, "for_wards": True}
MAX_DAYS = 365


class ShareSchema(StrictSchema):
    """Who asks for what, why, on which ground, and for how long they could read it.

    `optional` may be left out when you agree; without `required` there is nothing to agree to. `text` is what you agree
    to, in the version `text_version`.
    """

    id = fields.String(required=True)
    organisation = fields.Nested(VerifierNameSchema, required=True)
    desk_name = fields.String(required=True)
    purpose = fields.String(required=True)
    purpose_name = Both(required=True)
    legal_ground = fields.String(required=True)
    document_id = fields.String(required=True)
    utility = fields.String(required=True)
    title = Both(required=True)
    required = fields.List(fields.Nested(FieldNameSchema), required=True)
    optional = fields.List(fields.Nested(FieldNameSchema), required=True)
    text_version = fields.String(required=True)
    text = Both(required=True)
    state = fields.String(required=True, metadata={"x-extensible-enum": list(SHARE_STATES)})
    asked_at = Moment(required=True)
    answer_until = Moment(required=True)
    decided_at = Moment()
    readable_until = Moment()
    consent_id = fields.String()


class SharePageSchema(PageSchema):
    data = fields.List(fields.Nested(ShareSchema), required=True)


class ShareDecisionSchema(StrictSchema):
    """Your answer; it is given once. `fields`: of the optional ones those that you show, none where it is empty;
    whoever agrees names it. `remember_days`: so long the same is answered by itself, at most a year; you can withdraw
    it at any time.
    """

    decision = fields.String(required=True, validate=validate.OneOf(["agree", "refuse"]))
    fields_shown = fields.List(fields.String(required=True, validate=validate.Length(1, 64)), data_key="fields")
    remember = fields.Boolean(load_default=False, truthy={True}, falsy={False})
    remember_days = fields.Integer(load_default=MAX_DAYS, strict=True, validate=validate.Range(1, MAX_DAYS))

    @validates_schema
    def check_refusal(self, data: dict[str, Any], **_: Any) -> None:
        """Who refuses shows nothing, and nothing is remembered of it."""
        if data.get("decision") == "refuse" and (data.get("remember") or data.get("fields_shown")):
            raise ValidationError({"decision": ["refuses_all"]})
        if data.get("decision") == "agree" and "fields_shown" not in data:
            raise ValidationError({"fields": ["required"]})


class ShareConsentSchema(StrictSchema):
    """To whom you agreed to show what, until when. `remembered`: it answers later checks by itself."""

    id = fields.String(required=True)
    organisation = fields.Nested(VerifierNameSchema, required=True)
    purpose = fields.String(required=True)
    purpose_name = Both(required=True)
    legal_ground = fields.String(required=True)
    utility = fields.String(required=True)
    title = Both(required=True)
    fields_shown = fields.List(fields.Nested(FieldNameSchema), required=True, data_key="fields")
    text_version = fields.String(required=True)
    text = Both(required=True)
    remembered = fields.Boolean(required=True)
    state = fields.String(required=True, metadata={"x-extensible-enum": list(CONSENT_STATES)})
    given_at = Moment(required=True)
    expires_at = Moment(required=True)
    withdrawn_at = Moment()


class ShareConsentPageSchema(PageSchema):
    data = fields.List(fields.Nested(ShareConsentSchema), required=True)


class PresentationOrderSchema(StrictSchema):
    """To whom you present a document, and for what. `fields`: what they see, each by its name; nothing is shown that
    you do not name.
    """

    organisation = fields.String(required=True, validate=validate.Length(1, 64))
    purpose = fields.String(required=True, validate=validate.Length(1, 64))
    fields_shown = fields.List(
        fields.String(required=True, validate=validate.Length(1, 64)),
        required=True,
        data_key="fields",
        validate=validate.Length(1, 60),
    )


class PresentationPreviewQuery(StrictSchema):
    """To whom you would present it, and for what."""

    organisation = fields.String(required=True, validate=validate.Length(1, 64))
    purpose = fields.String(required=True, validate=validate.Length(1, 64))


class PresentationPreviewSchema(StrictSchema):
    """Who would see what, why, on which ground, until when: in the words of a share, for the same screen.

    `optional`: what you may choose, field by field; nothing is chosen beforehand, and nothing is `required`. `text` is
    what you would agree to, in the version `text_version`.
    """

    document_id = fields.String(required=True)
    utility = fields.String(required=True)
    title = Both(required=True)
    organisation = fields.Nested(VerifierNameSchema, required=True)
    purpose = fields.String(required=True)
    purpose_name = Both(required=True)
    legal_ground = fields.String(required=True)
    required = fields.List(fields.Nested(FieldNameSchema), required=True)
    optional = fields.List(fields.Nested(FieldNameSchema), required=True)
    text_version = fields.String(required=True)
    text = Both(required=True)
    expires_at = Moment(required=True)


class PresentationSchema(StrictSchema):
    """What you presented: it can be used once, by that organisation alone, for that purpose."""

    id = fields.String(required=True)
    document_id = fields.String(required=True)
    utility = fields.String(required=True)
    title = Both(required=True)
    organisation = fields.Nested(VerifierNameSchema, required=True)
    purpose = fields.String(required=True)
    purpose_name = Both(required=True)
    fields_shown = fields.List(fields.Nested(FieldNameSchema), required=True, data_key="fields")
    consent_id = fields.String(required=True)
    state = fields.String(required=True, metadata={"x-extensible-enum": list(PRESENTATION_STATES)})
    created_at = Moment(required=True)
    expires_at = Moment(required=True)
    used_at = Moment()
    withdrawn_at = Moment()


class PresentationPageSchema(PageSchema):
    data = fields.List(fields.Nested(PresentationSchema), required=True)


@operation(routes, "GET", "/me/shares", **OWN)
@routes.arguments(PageQuery, location="query")
@routes.response(200, SharePageSchema)
def list_shares(query: dict[str, Any]) -> Response:
    """List what desks ask you for and have asked you for, newest first."""
    actor = current_actor()
    purpose = f"shares:{actor.holder_id}"
    with current_wallet().read() as work:
        rows, following = work.online.shares.page(actor, query["limit"], place_of(query["cursor"], purpose))
    return page_answer(ShareSchema(), [_share(row) for row in rows], following, purpose, query["limit"])


@operation(routes, "POST", "/me/shares/<share_id>/decision", **OWN_WITH_SECRET)
@routes.arguments(ShareDecisionSchema)
@routes.response(200, ShareSchema)
@once
def decide_share(work: Work, order: dict[str, Any], share_id: str) -> Response:
    """Agree to what a desk asks for ("Xác nhận chia sẻ"), or refuse it.

    What you agree to can be read by that desk for ten minutes. Health data and whatever else is sensitive needs a fresh
    authentication, and nothing is agreed to within the cooling-off of a new phone (403 `cooling_off`). Refusing waits
    for neither.
    """
    actor, agree = current_actor(), order["decision"] == "agree"
    if agree:
        assert_cooled_off()
    if agree and work.online.shares.is_sensitive(share_id, actor):
        assert_fresh(AuthLevel.TWO)
    until = work.means.clock.now() + timedelta(days=order["remember_days"])
    shown = frozenset(order.get("fields_shown", ()))
    decision = Decision(agree, shown, until if order["remember"] else None)
    return answer(ShareSchema(), _share(work.online.shares.decide(share_id, decision, actor)))


@operation(routes, "GET", "/me/consents", **OWN)
@routes.arguments(PageQuery, location="query")
@routes.response(200, ShareConsentPageSchema)
def list_consents(query: dict[str, Any]) -> Response:
    """List to whom you agreed to show what, newest first; also what you withdrew."""
    actor = current_actor()
    purpose = f"consents:{actor.holder_id}"
    with current_wallet().read() as work:
        rows, following = work.online.consents.page(actor, query["limit"], place_of(query["cursor"], purpose))
    return page_answer(ShareConsentSchema(), [_consent(row) for row in rows], following, purpose, query["limit"])


@operation(routes, "DELETE", "/me/consents/<consent_id>", **OWN)
@routes.response(204)
def withdraw_consent(consent_id: str) -> Response:
    """Withdraw a consent: from this moment nothing is shown on its ground."""
    with current_wallet().work() as work:
        work.online.consents.withdraw(consent_id, current_actor())
    return Response(status=204, headers={"Cache-Control": PRIVATE})


@operation(routes, "GET", "/documents/<document_id>/presentations/preview", **OWN)
@routes.arguments(PresentationPreviewQuery, location="query")
@routes.response(200, PresentationPreviewSchema)
def preview_presentation(query: dict[str, Any], document_id: str) -> Response:
    """Look ahead ("Xác nhận chia sẻ"): to whom a document would be presented, and what you would agree to."""
    with current_wallet().read() as work:
        found = work.online.presentations.preview(document_id, query["organisation"], query["purpose"], current_actor())
    return answer(PresentationPreviewSchema(), _asked(found, ()))


@operation(routes, "POST", "/documents/<document_id>/presentations", **OWN_WITH_SECRET, cooling_off=True, location=True)
@routes.arguments(PresentationOrderSchema)
@routes.response(201, PresentationSchema)
@once
def present_document(work: Work, order: dict[str, Any], document_id: str) -> Response:
    """Present one of your documents to an organisation, for its online check-in for instance: it can use it once.

    It stands for two days. What is sensitive needs a fresh authentication. What you agree to is told by
    `GET /v1/documents/{document_id}/presentations/preview`.
    """
    actor = current_actor()
    if work.online.presentations.is_sensitive(document_id, actor):
        assert_fresh(AuthLevel.TWO)
    asked = PresentationOrder(order["organisation"], order["purpose"], frozenset(order["fields_shown"]))
    made = work.online.presentations.present(document_id, asked, actor)
    return answer(PresentationSchema(), _presentation(made), 201, {"Location": f"/v1/me/presentations/{made.id}"})


@operation(routes, "GET", "/me/presentations", **OWN)
@routes.arguments(PageQuery, location="query")
@routes.response(200, PresentationPageSchema)
def list_presentations(query: dict[str, Any]) -> Response:
    """List what you presented, newest first."""
    actor = current_actor()
    purpose = f"presentations:{actor.holder_id}"
    with current_wallet().read() as work:
        rows, following = work.online.presentations.page(actor, query["limit"], place_of(query["cursor"], purpose))
    bodies = [_presentation(row) for row in rows]
    return page_answer(PresentationSchema(), bodies, following, purpose, query["limit"])


@operation(routes, "GET", "/me/presentations/<presentation_id>", **OWN)
@routes.response(200, PresentationSchema)
def read_presentation(presentation_id: str) -> Response:
    """Read what became of something that you presented."""
    with current_wallet().read() as work:
        found = work.online.presentations.get(presentation_id, current_actor())
    return answer(PresentationSchema(), _presentation(found))


@operation(routes, "DELETE", "/me/presentations/<presentation_id>", **OWN)
@routes.response(204)
def withdraw_presentation(presentation_id: str) -> Response:
    """Take back what nobody has used."""
    with current_wallet().work() as work:
        work.online.presentations.withdraw(presentation_id, current_actor())
    return Response(status=204, headers={"Cache-Control": PRIVATE})


def _share(row: ShareView) -> dict[str, Any]:
    return _asked(row, row.required)


def _asked(row: ShareView | PresentationPreview, required: tuple[str, ...]) -> dict[str, Any]:
    """Return what somebody is asked to agree to, in words."""
    utilities = current_wallet().catalogue
    return _of(row) | {
        "required": field_names(utilities, row.utility, required),
        "optional": field_names(utilities, row.utility, row.optional),
        "text_version": TEXT_VERSION,
        "text": _consent_text(TEXT_VERSION, row),
    }


def _consent(row: ConsentView) -> dict[str, Any]:
    names = field_names(current_wallet().catalogue, row.utility, row.fields)
    return _of(row) | {"fields_shown": names, "text": _consent_text(row.text_version, row)}


def _presentation(row: PresentationView) -> dict[str, Any]:
    return _of(row) | {"fields_shown": field_names(current_wallet().catalogue, row.utility, row.fields)}


def _of(row: ShareView | ConsentView | PresentationView | PresentationPreview) -> dict[str, Any]:
    """Return what they have in common, in words."""
    plugin = current_wallet().catalogue.find(row.utility)
    title: Any = dict.fromkeys(LANGUAGES, row.kind)
    if plugin is not None:
        title = next((kind.title for kind in plugin.utility.documents if kind.code == row.kind), plugin.utility.title)
    return {name: getattr(row, name) for name in row.__slots__ if name != "fields"} | {
        "organisation": {"id": row.organisation_id, "name": row.organisation_name},
        "title": title,
    }


def _consent_text(version: str, row: ShareView | ConsentView | PresentationPreview) -> dict[str, str]:
    """Return what is agreed to, in the words of a version."""
    return {
        language: catalogue(language)["consent_texts"][version].format(
            organisation=row.organisation_name[language], purpose=row.purpose_name[language], ground=row.legal_ground
        )
        for language in LANGUAGES
    }
