"""Documents of the citizen who asks."""

from collections.abc import Iterable, Iterator
from typing import Any

from flask import Response, current_app
from marshmallow import fields

from wallet.documents import qr_image
from wallet.documents.fhir.stated import KINDS
from wallet.documents.forms.offered import OFFERS, Form
from wallet.documents.holding import HeldDocument
from wallet.terms import SAMPLE_MARK, AccountLevel, AuthLevel
from wallet.web.answers import PRIVATE, PageQuery, answer, page_answer, place_of, with_etag
from wallet.web.auth import current_actor
from wallet.web.context import current_wallet
from wallet.web.fhir import MEDIA_TYPE
from wallet.web.operations import Routes, operation
from wallet.web.schemas import Both, Moment, StrictSchema, ValueCodeSchema
from wallet.web.states import claim_codes, reason_text

routes = Routes("documents", __name__, url_prefix="/v1", description="Documents of a citizen")


class DocumentSummarySchema(StrictSchema):
    """A document, without what it states."""

    id = fields.String(required=True, metadata={"example": "doc_0f3c5a7e9b1d2f4a6c8e0b2d4f6a8c0e"})
    request_id = fields.String(required=True)
    utility = fields.String(required=True)
    kind = fields.String(required=True, metadata={"description": "The code of the kind of document, as in its code"})
    kind_version = fields.Integer(required=True)
    rules_version = fields.String(required=True, metadata={"description": "The rules it was issued under"})
    state = fields.String(
        required=True,
        metadata={
            "x-extensible-enum": ["signing", "valid", "suspended", "expired", "revoked", "superseded"],
            "description": "`signing`: decided, and signed as soon as the signer answers",
        },
    )
    issued_at = Moment(required=True)
    expires_at = Moment(required=True)
    revoked_at = Moment()
    revocation_reason = fields.String()
    revocation_reason_text = Both()
    suspended_at = Moment()
    suspension_reason = fields.String()
    suspension_reason_text = Both()


class DocumentFormSchema(StrictSchema):
    """A form that the document can be had in now."""

    form = fields.String(required=True, metadata={"x-extensible-enum": ["code", "sd_jwt", "mdoc", "pdf", "fhir"]})
    media_type = fields.String(required=True)
    href = fields.String(required=True, metadata={"description": "Path below the address of the service"})


class DocumentSchema(DocumentSummarySchema):
    """A document, whole. `claims` and `salt` are what the code's hash covers (docs/wire.md, section 1)."""

    code = fields.String(metadata={"description": "Absent while `state` is `signing`"})
    claims = fields.Dict(keys=fields.String(), required=True)
    codes = fields.List(
        fields.Nested(ValueCodeSchema),
        required=True,
        metadata={"description": "Words for claims whose values are codes; the code is what is signed"},
    )
    salt = fields.String(required=True)
    sources = fields.Dict(
        keys=fields.String(),
        required=True,
        metadata={
            "description": "Claim to where it comes from (`source`) and when that last changed it (`as_of`); one that "
            "is `derived` names the register that it was computed from (`register`), if any"
        },
    )
    forms = fields.List(fields.Nested(DocumentFormSchema), required=True)
    sample_mark = fields.String(required=True)


class PageSchema(StrictSchema):
    """One page of a list. Ask again with `cursor=next_cursor` until it is null."""

    next_cursor = fields.String(required=True, allow_none=True)


class DocumentPageSchema(PageSchema):
    data = fields.List(fields.Nested(DocumentSummarySchema), required=True)


@operation(routes, "GET", "/documents", account_level=AccountLevel.ONE, auth_level=AuthLevel.ONE, for_wards=True)
@routes.arguments(PageQuery, location="query")
@routes.response(200, DocumentPageSchema)
def list_documents(query: dict[str, Any]) -> Response:
    """List your documents, newest first."""
    actor = current_actor()
    purpose = f"documents:{actor.holder_id}"
    with current_wallet().read() as work:
        rows, following = work.holding.page(actor, query["limit"], place_of(query["cursor"], purpose))
    return page_answer(DocumentSummarySchema(), [_in_words(row) for row in rows], following, purpose, query["limit"])


@operation(
    routes,
    "GET",
    "/documents/<document_id>",
    account_level=AccountLevel.ONE,
    auth_level=AuthLevel.TWO,
    etag=True,
    for_wards=True,
)
@routes.response(200, DocumentSchema)
def read_document(document_id: str) -> Response:
    """Read one of your documents with everything it states."""
    actor, wallet = current_actor(), current_wallet()
    with wallet.read() as work:
        held = work.holding.get(document_id, actor)
        content = work.holding.content(document_id, actor)
        copied = work.copies.offered(held)
    whole = _in_words(held) | {"claims": content.claims, "salt": content.salt, "sources": content.sources}
    plugin = next((each for each in wallet.catalogue.with_former if each.utility.code == held.utility), None)
    whole["codes"] = claim_codes(plugin, content.claims) if plugin else []
    if content.code:
        whole["code"] = content.code
    whole["forms"] = list(_forms(held, copied))
    whole["sample_mark"] = SAMPLE_MARK
    return with_etag(answer(DocumentSchema(), whole))


@operation(
    routes,
    "GET",
    "/documents/<document_id>/code.txt",
    account_level=AccountLevel.ONE,
    auth_level=AuthLevel.TWO,
    etag=True,
    for_wards=True,
)
@routes.response(200, {"type": "string"}, content_type="text/plain")
def read_code_text(document_id: str) -> Response:
    """Read the code of a document as text (`VD1:...`)."""
    return _drawn(_code(document_id), "text/plain")


@operation(
    routes,
    "GET",
    "/documents/<document_id>/code.svg",
    account_level=AccountLevel.ONE,
    auth_level=AuthLevel.TWO,
    etag=True,
    for_wards=True,
)
@routes.response(200, {"type": "string"}, content_type="image/svg+xml")
def read_code_svg(document_id: str) -> Response:
    """Draw the code of a document as SVG."""
    return _drawn(qr_image.svg(_code(document_id)), "image/svg+xml")


@operation(
    routes,
    "GET",
    "/documents/<document_id>/code.png",
    account_level=AccountLevel.ONE,
    auth_level=AuthLevel.TWO,
    etag=True,
    for_wards=True,
)
@routes.response(200, {"type": "string", "format": "binary"}, content_type="image/png")
def read_code_png(document_id: str) -> Response:
    """Draw the code of a document as PNG, one bit a pixel."""
    return _drawn(qr_image.png(_code(document_id)), "image/png")


def _in_words(held: HeldDocument) -> dict[str, Any]:
    """Return what is known of a document, with the words for why it was revoked or suspended."""
    found = {name: getattr(held, name) for name in held.__slots__}
    found["revocation_reason_text"] = reason_text("revocation_reasons", held.revocation_reason)
    found["suspension_reason_text"] = reason_text("suspension_reasons", held.suspension_reason)
    return found


def _forms(held: HeldDocument, copied: Iterable[Form]) -> Iterator[dict[str, str]]:
    address = f"/v1/documents/{held.id}"
    if held.state != "signing":
        yield {"form": "code", "media_type": "text/plain", "href": f"{address}/code.txt"}
    for form in copied:
        offer = OFFERS[form]
        yield {"form": str(form), "media_type": offer.media_type, "href": f"{address}/{offer.file}"}
    if held.state == "valid" and held.kind in KINDS:
        yield {"form": "fhir", "media_type": MEDIA_TYPE, "href": f"{address}/fhir"}


def _code(document_id: str) -> str:
    with current_wallet().read() as work:
        return work.holding.code(document_id, current_actor())


def _drawn(body: str | bytes, mimetype: str) -> Response:
    response = current_app.response_class(body, mimetype=mimetype)
    response.headers["Cache-Control"] = PRIVATE
    return with_etag(response)
