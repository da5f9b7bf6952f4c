"""Which utilities there are, for everyone: what they state, whether they are open."""

from datetime import date
from typing import Any

from flask import Response
from marshmallow import fields

from wallet.launching.schedule import Launch
from wallet.launching.states import LaunchState
from wallet.places import provinces
from wallet.utilities.base import Asking, DocumentType
from wallet.utilities.catalogue import Plugin
from wallet.utilities.description import agency_name
from wallet.web.answers import answer, with_etag
from wallet.web.context import current_wallet
from wallet.web.launch_schemas import STATES, Percent
from wallet.web.launch_words import audience_or_none, notice_of
from wallet.web.operations import Routes, operation
from wallet.web.schemas import Both, Moment, StrictSchema
from wallet.working_days import vietnamese_day

routes = Routes("utilities", __name__, url_prefix="/v1", description="The utilities of this deployment")
CACHE = "public, max-age=5, stale-while-revalidate=30"


class ClaimSchema(StrictSchema):
    """One statement that a document makes."""

    number = fields.Integer(required=True)
    name = fields.String(required=True)
    kind = fields.String(required=True)
    source = fields.String(required=True)
    paper = fields.String(required=True)
    required = fields.Boolean(required=True)
    label = Both(required=True)


class DocumentTypeSchema(StrictSchema):
    """A kind of document that comes of it. purposes: of the views in which it can be shown."""

    code = fields.String(required=True)
    version = fields.Integer(required=True)
    title = Both(required=True)
    validity_days = fields.Integer(required=True)
    asking = fields.String(required=True, metadata={"x-extensible-enum": [str(each) for each in Asking]})
    purposes = fields.List(fields.String(), required=True)
    claims = fields.List(fields.Nested(ClaimSchema), required=True)


class RulesSchema(StrictSchema):
    """The rules in force. working_hours: of eight in a working day."""

    version = fields.String(required=True)
    effective_from = fields.Date(required=True)
    legal_basis = fields.String(required=True)
    working_days = fields.Integer(required=True)
    working_hours = fields.Integer(required=True)
    extended_working_days = fields.Integer(required=True)


class AgencySchema(StrictSchema):
    """The agency that answers for it."""

    code = fields.String(required=True)
    name = Both(required=True)


class PilotProvinceSchema(StrictSchema):
    """A province where a pilot is."""

    code = fields.String(required=True)
    name = fields.String(required=True)


class PilotSchema(StrictSchema):
    """Whom a pilot is for, as everybody may know it: every part that is there has to hold."""

    provinces = fields.List(fields.Nested(PilotProvinceSchema))
    percent = Percent()
    from_at = Moment(data_key="from")
    until_at = Moment(data_key="until")
    minimum_app_version = fields.String()


class UtilitySummarySchema(StrictSchema):
    """One utility. `pilot`: whom it is open to, while it is piloted. `notice`: what to know while it is paused."""

    code = fields.String(required=True)
    version = fields.Integer(required=True)
    title = Both(required=True)
    state = fields.String(required=True, metadata={"x-extensible-enum": STATES})
    pilot = fields.Nested(PilotSchema)
    notice = Both()
    minimum_account_level = fields.Integer(required=True)
    minimum_auth_level = fields.Integer(required=True)
    lifecycle = fields.String(required=True)


class UtilitySchema(UtilitySummarySchema):
    """One utility, whole."""

    agency = fields.Nested(AgencySchema, required=True)
    who = fields.List(fields.String(), required=True, metadata={"description": "As what one may apply"})
    rules = fields.Nested(RulesSchema, required=True)
    documents = fields.List(fields.Nested(DocumentTypeSchema), required=True)


class UtilitiesSchema(StrictSchema):
    data = fields.List(fields.Nested(UtilitySummarySchema), required=True)


@operation(routes, "GET", "/utilities", etag=True)
@routes.response(200, UtilitiesSchema)
def list_utilities() -> Response:
    """List the utilities and whether each is open."""
    wallet = current_wallet()
    with wallet.read() as work:
        launches = work.rollout.launches()
    today = vietnamese_day(wallet.clock.now())
    plugins = ((wallet.catalogue.find(code), launch) for code, launch in launches.items())  # a definition may just come
    rows = [described(plugin, launch, today) for plugin, launch in plugins if plugin is not None]
    return with_etag(answer(UtilitiesSchema(), {"data": rows}, cache=CACHE))


@operation(routes, "GET", "/utilities/<code>", etag=True)
@routes.response(200, UtilitySchema)
def read_utility(code: str) -> Response:
    """Read one utility: what its documents state, and where each statement comes from."""
    wallet = current_wallet()
    plugin = wallet.catalogue.plugin(code)
    with wallet.read() as work:
        launch = work.rollout.launch(code)
    return with_etag(
        answer(UtilitySchema(), described(plugin, launch, vietnamese_day(wallet.clock.now())), cache=CACHE)
    )


def described(plugin: Plugin, launch: Launch, today: date) -> dict[str, Any]:
    """Return a utility as the API tells it."""
    utility = plugin.utility
    rules = utility.rules_on(today)
    return {
        "code": utility.code,
        "version": utility.version,
        "title": utility.title,
        "state": str(launch.state),
        "pilot": _pilot(launch),
        "notice": notice_of(launch),
        "minimum_account_level": int(utility.minimum_level),
        "minimum_auth_level": int(utility.minimum_auth),
        "lifecycle": utility.lifecycle.code,
        "agency": {"code": utility.agency, "name": agency_name(plugin, utility.agency)},
        "who": sorted(utility.who),
        "rules": {
            "version": rules.version,
            "effective_from": rules.effective_from,
            "legal_basis": rules.legal_basis,
            "working_days": rules.deadline.working_days,
            "working_hours": rules.deadline.working_hours,
            "extended_working_days": rules.deadline.extended_working_days,
        },
        "documents": [_document(plugin, kind) for kind in utility.documents],
    }


def _pilot(launch: Launch) -> dict[str, Any] | None:
    """Return whom a pilot is for; who tests it is nobody's business."""
    told = audience_or_none(launch.plan, testers=False) if launch.state is LaunchState.PILOT else None
    if told is None:
        return None
    where = [{"code": code, "name": provinces().get(code, code)} for code in told["provinces"] or ()]
    return told | {"provinces": where or None}


def _document(plugin: Plugin, kind: DocumentType) -> dict[str, Any]:
    return {
        "code": kind.code,
        "version": kind.version,
        "title": kind.title,
        "validity_days": kind.validity.days,
        "asking": str(kind.asking),
        "purposes": list(kind.views),
        "claims": [
            {
                "number": claim.number,
                "name": claim.name,
                "kind": str(claim.kind),
                "source": str(claim.source),
                "paper": str(claim.paper),
                "required": claim.required,
                "label": plugin.label(claim.name),
            }
            for claim in kind.claims
        ],
    }
