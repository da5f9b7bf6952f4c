"""A document in the forms that wallets and readers of others take: each copy is bound to a key of its holder."""

from typing import Any

from flask import Response, current_app
from marshmallow import fields, validate

from wallet.documents.copies import HolderKey, OpenedCopy
from wallet.documents.forms.offered import OFFERS, WHOLE, Form
from wallet.errors import Conflict
from wallet.terms import AccountLevel, AuthLevel
from wallet.web.answers import PRIVATE, answer, with_etag
from wallet.web.auth import assert_fresh, current_actor
from wallet.web.context import current_wallet
from wallet.web.once import once
from wallet.web.operations import Routes, operation
from wallet.web.schemas import Moment, StrictSchema
from wallet.wiring import Work

routes = Routes("copies", __name__, url_prefix="/v1", description="Documents in the forms of other wallets")
BOUND = tuple(form for form in WHOLE if form is not Form.PDF)
"""Forms that are bound to a key. A PDF prints the document's code, by which two of them are linked anyway."""
MOST_COPIES = 20
MAXIMUM_PROOF = 2048
_TEXT, _BINARY = {"type": "string"}, {"type": "string", "format": "binary"}


@operation(
    routes,
    "GET",
    f"/documents/<document_id>/{OFFERS[Form.SD_JWT].file}",
    account_level=AccountLevel.ONE,
    auth_level=AuthLevel.TWO,
    etag=True,
    for_wards=True,
)
@routes.response(200, _TEXT, content_type=OFFERS[Form.SD_JWT].media_type)
def read_sd_jwt(document_id: str) -> Response:
    """Read one of your documents as SD-JWT VC, bound to the key of this phone.

    Every disclosure is in it; it carries neither the document's id nor its code, and has a status entry of its own.
    The same phone gets the same bytes. What is sensitive needs a fresh authentication; a browser has no such key (409
    `form_needs_device`).
    """
    return _copy(document_id, Form.SD_JWT)


@operation(
    routes,
    "GET",
    f"/documents/<document_id>/{OFFERS[Form.MDOC].file}",
    account_level=AccountLevel.ONE,
    auth_level=AuthLevel.TWO,
    etag=True,
    for_wards=True,
)
@routes.response(200, _BINARY, content_type=OFFERS[Form.MDOC].media_type)
def read_mdoc(document_id: str) -> Response:
    """Read one of your documents as ISO 18013-5 mdoc (`IssuerSigned`), bound to the key of this phone.

    As for `document.sdjwt`. An mdoc ends with its signer's certificate, 457 days at most: ask again for the next one.
    """
    return _copy(document_id, Form.MDOC)


@operation(
    routes,
    "GET",
    f"/documents/<document_id>/{OFFERS[Form.PDF].file}",
    account_level=AccountLevel.ONE,
    auth_level=AuthLevel.TWO,
    etag=True,
    for_wards=True,
)
@routes.response(200, _BINARY, content_type=OFFERS[Form.PDF].media_type)
def read_pdf(document_id: str) -> Response:
    """Read one of your documents as a sealed PDF, to print or to hand on.

    PDF/A-3a in the layout of official papers, with the code, a PAdES seal, and an SD-JWT VC that is bound to nobody, so
    a browser gets it too. The same bytes for everybody who may ask. What is sensitive needs a fresh authentication.
    """
    return _copy(document_id, Form.PDF)


class CopiesOrderSchema(StrictSchema):
    """Several copies of a document that nobody can link: one for each key that the phone shows to have."""

    form = fields.String(required=True, validate=validate.OneOf([str(form) for form in BOUND]))
    proofs = fields.List(
        fields.String(required=True, validate=validate.Length(1, MAXIMUM_PROOF)),
        required=True,
        validate=validate.Length(1, MOST_COPIES),
        metadata={
            "description": "One JWT for each copy, signed with its key: header `typ` `openid4vci-proof+jwt`, `alg`, "
            "`jwk`; payload `aud`, `iat`, and as `nonce` a device challenge of this phone, which they may share"
        },
    )


class CopySchema(StrictSchema):
    """A copy. key: the thumbprint (RFC 7638) of the key that it is bound to."""

    id = fields.String(required=True)
    form = fields.String(required=True, metadata={"x-extensible-enum": [str(form) for form in BOUND]})
    media_type = fields.String(required=True)
    href = fields.String(required=True, metadata={"description": "Path below the address of the service"})
    key = fields.String(required=True)
    expires_at = Moment(required=True)


class CopiesSchema(StrictSchema):
    """Copies in the order of the proofs."""

    data = fields.List(fields.Nested(CopySchema), required=True)


@operation(
    routes,
    "POST",
    "/documents/<document_id>/copies",
    account_level=AccountLevel.ONE,
    auth_level=AuthLevel.TWO,
    for_wards=True,
)
@routes.arguments(CopiesOrderSchema)
@routes.response(201, CopiesSchema)
@once
def make_copies(work: Work, order: dict[str, Any], document_id: str) -> Response:
    """Have up to 20 copies of one of your documents made, each bound to another key, to show each to one verifier.

    Salts, status entry and key are each copy's own, and its times are those of the day: nothing but what you show is
    common to two. All end with this phone. A key that has a copy in use keeps it. What is sensitive needs a fresh
    authentication. Ten batches of a document a day.
    """
    actor = current_actor()
    if work.copies.is_sensitive(document_id, actor):
        assert_fresh(AuthLevel.TWO)
    if actor.device_id is None:
        raise Conflict("form_needs_device")
    keys = work.identity.holder_keys.prove(order["proofs"], actor.device_id)
    made = work.copies.reserve_batch(document_id, Form(order["form"]), keys, actor)
    return answer(CopiesSchema(), {"data": [_told(copy) for copy in made]}, 201)


@operation(
    routes,
    "GET",
    "/documents/<document_id>/copies/<copy_id>",
    account_level=AccountLevel.ONE,
    auth_level=AuthLevel.TWO,
    etag=True,
    for_wards=True,
)
@routes.response(200, _TEXT, content_type=OFFERS[Form.SD_JWT].media_type)
@routes.doc(responses={200: {"content": {OFFERS[Form.MDOC].media_type: {"schema": _BINARY}}}})
def read_copy(document_id: str, copy_id: str) -> Response:
    """Read one copy, in the media type that it was told with.

    One that ended before its document did, with its phone or with a key of ours, is 409 `copy_over`.
    """
    assert_may_copy(document_id)
    return _bytes_of(current_wallet().copying.read(document_id, copy_id, current_actor()))


def assert_may_copy(document_id: str) -> None:
    """Return if the caller has this document and is proven well enough for it. Raises NotFound, StepUpRequired."""
    with current_wallet().read() as work:
        sensitive = work.copies.is_sensitive(document_id, current_actor())
    if sensitive:
        assert_fresh(AuthLevel.TWO)


def _copy(document_id: str, form: Form) -> Response:
    assert_may_copy(document_id)
    actor = current_actor()
    key: HolderKey = None
    if form is not Form.PDF:
        with current_wallet().read() as work:
            key = device_key(work)
    return _bytes_of(current_wallet().copying.copy(document_id, form, key, actor))


def _told(copy: OpenedCopy) -> dict[str, Any]:
    return {
        "id": copy.id,
        "form": str(copy.form),
        "media_type": OFFERS[copy.form].media_type,
        "href": f"/v1/documents/{copy.document_id}/copies/{copy.id}",
        "key": copy.thumbprint,
        "expires_at": copy.expires_at,
    }


def _bytes_of(copy: OpenedCopy) -> Response:
    response = current_app.response_class(copy.content, content_type=OFFERS[copy.form].media_type)
    response.headers["Cache-Control"] = PRIVATE
    return with_etag(response)


def device_key(work: Work) -> HolderKey:
    """Return the key of the phone that asks, also where a guardian asks for a ward. Raises Conflict."""
    device_id = current_actor().device_id
    device = None if device_id is None else work.devices.find(device_id)
    if device is None:
        raise Conflict("form_needs_device")
    return device.public_key
