"""Which utilities there are, for everyone: what they state, whether they are open."""

from typing import Any

from flask import Response
from marshmallow import fields

from wallet.launching.rollout import Launch
from wallet.utilities.catalogue import Plugin
from wallet.web.answers import answer, with_etag
from wallet.web.context import current_wallet
from wallet.web.operations import Routes, operation
from wallet.web.schemas import Both, StrictSchema

routes = Routes("utilities", __name__, url_prefix="/v1", description="The utilities of this deployment")
CACHE = "public, max-age=5, stale-while-revalidate=30"


class ClaimSchema(StrictSchema):
    """One statement that a document of this utility makes."""

    number = fields.Integer(required=True)
    name = fields.String(required=True)
    kind = fields.String(required=True)
    source = fields.String(required=True)
    paper = fields.String(required=True)
    required = fields.Boolean(required=True)
    label = Both(required=True)


class UtilitySummarySchema(StrictSchema):
    """One utility."""

    code = fields.String(required=True)
    version = fields.Integer(required=True)
    title = Both(required=True)
    state = fields.String(required=True, metadata={"x-extensible-enum": ["off", "open", "paused"]})
    minimum_account_level = fields.Integer(required=True)
    minimum_auth_level = fields.Integer(required=True)
    lifecycle = fields.String(required=True)
    validity_days = fields.Integer(required=True)


class UtilitySchema(UtilitySummarySchema):
    """One utility, whole."""

    owner = fields.String(required=True)
    legal_basis = fields.String(required=True)
    claims = fields.List(fields.Nested(ClaimSchema), required=True)


class UtilitiesSchema(StrictSchema):
    data = fields.List(fields.Nested(UtilitySummarySchema), required=True)


@operation(routes, "GET", "/utilities", etag=True)
@routes.response(200, UtilitiesSchema)
def list_utilities() -> Response:
    """List the utilities and whether each is open."""
    wallet = current_wallet()
    with wallet.read() as work:
        launches = work.rollout.launches()
    rows = [described(plugin, launches[plugin.utility.code]) for plugin in wallet.catalogue]
    return with_etag(answer(UtilitiesSchema(), {"data": rows}, cache=CACHE))


@operation(routes, "GET", "/utilities/<code>", etag=True)
@routes.response(200, UtilitySchema)
def read_utility(code: str) -> Response:
    """Read one utility: what its documents state, and where each statement comes from."""
    wallet = current_wallet()
    plugin = wallet.catalogue.plugin(code)
    with wallet.read() as work:
        launch = work.rollout.launch(code)
    return with_etag(answer(UtilitySchema(), described(plugin, launch), cache=CACHE))


def described(plugin: Plugin, launch: Launch) -> dict[str, Any]:
    """Return a utility as the API tells it."""
    utility = plugin.utility
    return {
        "code": utility.code,
        "version": utility.version,
        "title": utility.title,
        "state": str(launch.state),
        "minimum_account_level": int(utility.minimum_level),
        "minimum_auth_level": int(utility.minimum_auth),
        "lifecycle": str(utility.lifecycle),
        "validity_days": utility.validity.days,
        "owner": utility.owner,
        "legal_basis": utility.legal_basis,
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
            for claim in utility.claims
        ],
    }
