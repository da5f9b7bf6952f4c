"""A document of the health book in the form that a doctor abroad reads: FHIR R4B, International Patient Summary."""

from flask import Response, current_app

from wallet.documents.fhir.stated import KINDS, Stated
from wallet.documents.fhir.summary import patient_summary
from wallet.errors import Conflict, NotFound
from wallet.terms import AccountLevel, AuthLevel
from wallet.texts.catalogue import LANGUAGES, lookup
from wallet.web.answers import PRIVATE, with_etag
from wallet.web.auth import FRESH, current_actor
from wallet.web.context import current_wallet
from wallet.web.operations import Routes, operation

MEDIA_TYPE = "application/fhir+json"
routes = Routes("fhir", __name__, url_prefix="/v1", description="Documents of health in the form of FHIR")


@operation(
    routes,
    "GET",
    "/documents/<document_id>/fhir",
    account_level=AccountLevel.TWO,
    auth_level=AuthLevel.TWO,
    max_age=FRESH,
    etag=True,
    for_wards=True,
)
@routes.response(200, {"type": "object"}, content_type=MEDIA_TYPE)
def read_patient_summary(document_id: str) -> Response:
    """Read one of your documents of health as an International Patient Summary.

    A Bundle of FHIR R4B, unsigned; what proves is the document's code. It holds your whole number: hand it to a doctor,
    not to a form. 404 `form_not_available` for other kinds of document, 409 once it has expired or was revoked.
    """
    actor = current_actor()
    with current_wallet().read() as work:
        held = work.holding.get(document_id, actor)
        if held.kind not in KINDS:
            raise NotFound("form_not_available")
        if held.state != "valid":
            raise Conflict("form_needs_valid_document")
        content = work.holding.content(document_id, actor)
    issuer = current_wallet().settings.issuer_code
    stated = Stated(held.id, held.kind, held.issued_at, issuer, content.claims)
    response = current_app.response_class(patient_summary(stated, _words), mimetype=MEDIA_TYPE)
    response.headers["Cache-Control"] = PRIVATE
    return with_etag(response)


def _words(code: str) -> str:
    """Return a text in every language: it is read where nobody knows which of them helps."""
    return " / ".join(lookup("patient_summary", code, language) for language in LANGUAGES)
