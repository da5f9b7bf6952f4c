"""Who looked at what is known about the caller: by whom, when, for what, which kinds of data; never the values."""

from typing import Any

from flask import Response
from marshmallow import fields

from wallet.profile.access import Access
from wallet.terms import AccountLevel, AuthLevel
from wallet.texts.catalogue import LANGUAGES, catalogue
from wallet.utilities.catalogue import Catalogue
from wallet.web.answers import PageQuery, page_answer, place_of
from wallet.web.auth import current_actor
from wallet.web.context import current_wallet
from wallet.web.documents import PageSchema
from wallet.web.operations import Routes, operation
from wallet.web.schemas import Both, Moment, StrictSchema
from wallet.web.states import word_of

routes = Routes("access_history", __name__, url_prefix="/v1/me", description="Who looked at what is known about you")
WHO = ["you", "guardian", "proxy", "staff", "system"]


class AccessSchema(StrictSchema):
    """One look. `data`: a register, or the kind of file that was opened."""

    at = Moment(required=True)
    who = fields.String(required=True, metadata={"x-extensible-enum": WHO})
    data = fields.String(required=True)
    data_name = Both(required=True)
    purpose = fields.String(required=True)
    purpose_name = Both(required=True)
    agency = fields.String()
    agency_name = Both()
    procedure = fields.String()
    outcome = fields.String()


class AccessPageSchema(PageSchema):
    data = fields.List(fields.Nested(AccessSchema), required=True)


@operation(
    routes,
    "GET",
    "/access-history",
    account_level=AccountLevel.ONE,
    auth_level=AuthLevel.ONE,
    for_wards=True,
)
@routes.arguments(PageQuery, location="query")
@routes.response(200, AccessPageSchema)
def list_access(query: dict[str, Any]) -> Response:
    """List who looked at what is known about you, newest first."""
    actor = current_actor()
    purpose = f"access:{actor.holder_id}"
    with current_wallet().read() as work:
        rows, following = work.access_history.page(actor, query["limit"], place_of(query["cursor"], purpose))
    told = [
        {name: getattr(row, name) for name in row.__slots__}
        | {
            "data_name": _words("accessed", row.data),
            "purpose_name": _words("purposes", row.purpose),
            "agency_name": _agency(row, current_wallet().catalogue),
        }
        for row in rows
    ]
    return page_answer(AccessSchema(), told, following, purpose, query["limit"])


def _agency(row: Access, utilities: Catalogue) -> dict[str, str] | None:
    """Return what the agency is called: by the utility for which it looked, else by the wallet, else by itself."""
    if row.agency is None:
        return None
    return word_of(utilities.find(row.procedure or ""), "agencies", row.agency, core="agencies")


def _words(section: str, code: str) -> dict[str, str]:
    """Return what a code is called; an old one, or a partner's own, is its own name."""
    return {
        language: catalogue(language)[section].get(code) or catalogue(language)["registers"].get(code) or code
        for language in LANGUAGES
    }
