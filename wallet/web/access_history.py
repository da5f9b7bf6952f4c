"""Who looked at what is known about the caller: by whom, when, for what, which kinds of data; never the values."""

from collections.abc import Iterable
from typing import Any

from flask import Response
from marshmallow import fields, validate

from wallet.checks.online.looks import PORTRAIT, Way
from wallet.checks.online.misuse import REASONS
from wallet.profile.access import Access
from wallet.terms import AccountLevel, AuthLevel
from wallet.texts.catalogue import LANGUAGES, catalogue
from wallet.utilities.catalogue import Catalogue
from wallet.web.answers import PageQuery, answer, page_answer, place_of
from wallet.web.auth import current_actor
from wallet.web.context import current_wallet
from wallet.web.documents import PageSchema
from wallet.web.once import once
from wallet.web.operations import Routes, operation
from wallet.web.schemas import Both, Moment, PlainWords, StrictSchema
from wallet.web.states import word_of
from wallet.web.verifier_desk import VerifierNameSchema
from wallet.wiring import Work

routes = Routes("access_history", __name__, url_prefix="/v1/me", description="Who looked at what is known about you")
WHO = ["you", "guardian", "proxy", "staff", "verifier", "system"]
WAYS = [way.removeprefix("check.") for way in map(str, Way)]


class FieldNameSchema(StrictSchema):
    """A kind of data, by its name and in words."""

    name = fields.String(required=True)
    label = Both(required=True)


class MisuseOrderSchema(StrictSchema):
    """Why this desk should not have looked, and what happened, in your words."""

    reason = fields.String(required=True, validate=validate.OneOf(REASONS))
    text = PlainWords(required=True, validate=validate.Length(3, 2000))


class MisuseReportedSchema(StrictSchema):
    """What was reported; an auditor reads it."""

    id = fields.String(required=True)
    access_id = fields.String(required=True)
    reason = fields.String(required=True, metadata={"x-extensible-enum": list(REASONS)})


class ActedForSchema(StrictSchema):
    """An organisation that you represent."""

    id = fields.String(required=True)
    name = fields.String(required=True)


class AccessSchema(StrictSchema):
    """One look. `data`: a register, the kind of file that was opened, or the utility whose document a desk checked.
    `acted_for`: the organisation for which you asked for something that needed the look.

    Of a desk's look also who it was and which kinds of data it was told; `looked_at` is when a check was made that had
    no network and was told of later. By its `id` it can be reported.
    """

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
    id = fields.String()
    organisation = fields.Nested(VerifierNameSchema)
    desk_name = fields.String()
    fields_told = fields.List(fields.Nested(FieldNameSchema))
    way = fields.String(metadata={"x-extensible-enum": WAYS})
    online = fields.Boolean()
    looked_at = Moment()
    reported = fields.Boolean()
    acted_for = fields.Nested(ActedForSchema)


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
    told = [_in_words(row, current_wallet().catalogue) for row in rows]
    return page_answer(AccessSchema(), told, following, purpose, query["limit"])


@operation(
    routes,
    "POST",
    "/access-history/<access_id>/report",
    account_level=AccountLevel.ONE,
    auth_level=AuthLevel.TWO,
    for_wards=True,
)
@routes.arguments(MisuseOrderSchema)
@routes.response(201, MisuseReportedSchema)
@once
def report_misuse(work: Work, order: dict[str, str], access_id: str) -> Response:
    """Report that a desk should not have looked. An auditor reads it; it stands in the file of the organisation.

    Once for each entry; your words are sealed under your own key.
    """
    report_id = work.online.misuse.report(access_id, order["reason"], order["text"], current_actor())
    made = {"id": report_id, "access_id": access_id, "reason": order["reason"]}
    return answer(MisuseReportedSchema(), made, 201)


def field_names(utilities: Catalogue, utility: str, names: Iterable[str]) -> list[dict[str, Any]]:
    """Return kinds of data of a utility's documents in words; the portrait is the wallet's own."""
    plugin = utilities.find(utility)
    return [
        {
            "name": name,
            "label": _words("accessed", name) if name == PORTRAIT else word_of(plugin, "claims", name),
        }
        for name in names
    ]


def _in_words(row: Access, utilities: Catalogue) -> dict[str, Any]:
    body = {name: getattr(row, name) for name in row.__slots__ if name != "fields"}
    if row.id is None:
        return body | {
            "data_name": _words("accessed", row.data),
            "purpose_name": _words("purposes", row.purpose),
            "agency_name": _agency(row, utilities),
            "acted_for": None if row.acted_for_id is None else {"id": row.acted_for_id, "name": row.acted_for_name},
        }
    plugin = utilities.find(row.data)
    return body | {
        "data_name": _words("accessed", row.data) if plugin is None else plugin.utility.title,
        "organisation": {"id": row.organisation_id, "name": row.organisation_name},
        "fields_told": field_names(utilities, row.data, row.fields or ()),
    }


def _agency(row: Access, utilities: Catalogue) -> dict[str, str] | None:
    """Return what the agency is called: by the utility for which it looked, else by the wallet, else by itself."""
    if row.agency is None:
        return None
    return utilities.agency_words(row.procedure or "", row.agency)


def _words(section: str, code: str) -> dict[str, str]:
    """Return what a code is called; an old one, or a partner's own, is its own name."""
    return {
        language: catalogue(language)[section].get(code) or catalogue(language)["registers"].get(code) or code
        for language in LANGUAGES
    }
