"""A document in the forms that wallets and readers of others take: each copy is bound to a key of its holder."""

from flask import Response, current_app

from wallet.documents.copies import HolderKey
from wallet.documents.forms.offered import OFFERS, Form
from wallet.errors import Conflict
from wallet.terms import AccountLevel, AuthLevel
from wallet.web.answers import PRIVATE, with_etag
from wallet.web.auth import assert_fresh, current_actor
from wallet.web.context import current_wallet
from wallet.web.operations import Routes, operation

routes = Routes("copies", __name__, url_prefix="/v1", description="Documents in the forms of other wallets")
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


def assert_may_copy(document_id: str) -> None:
    """Return if the caller has this document and is proven well enough for it. Raises NotFound, StepUpRequired."""
    with current_wallet().read() as work:
        sensitive = work.copies.is_sensitive(document_id, current_actor())
    if sensitive:
        assert_fresh(AuthLevel.TWO)


def _copy(document_id: str, form: Form) -> Response:
    assert_may_copy(document_id)
    actor, key = current_actor(), None if form is Form.PDF else _device_key()
    copy = current_wallet().copying.copy(document_id, form, key, actor)
    response = current_app.response_class(copy.content, content_type=OFFERS[form].media_type)
    response.headers["Cache-Control"] = PRIVATE
    return with_etag(response)


def _device_key() -> HolderKey:
    """Return the key of the phone that asks, also where a guardian asks for a ward."""
    device_id = current_actor().device_id
    with current_wallet().read() as work:
        device = None if device_id is None else work.devices.find(device_id)
    if device is None:
        raise Conflict("form_needs_device")
    return device.public_key
