"""The Flask application: what surrounds every request. Views are in the files beside this one."""

import logging
import time
from types import MethodType
from typing import Any

import structlog
from flask import Flask, Response, g, request

from wallet import __version__
from wallet.errors import NotFound
from wallet.web import (
    access_history,
    accounts,
    admin,
    agreements,
    availability,
    cards,
    catalogue,
    ceremonies,
    copies,
    corrections,
    corrections_desk,
    definitions,
    devices,
    documents,
    enrolment_desk,
    fhir,
    health,
    imports,
    launches,
    locks,
    misuse_desk,
    my_utilities,
    notices,
    open_sessions,
    organisations,
    pages,
    passkeys,
    payments,
    problems,
    profile,
    registrations,
    requests,
    reuse,
    review_desk,
    sandbox,
    scan,
    secrets,
    shares,
    sources,
    staff,
    suspensions,
    trust,
    verifier_checks,
    verifier_desk,
    verifiers,
    verify,
    wards,
    webhooks,
)
from wallet.web.auth import install as install_auth
from wallet.web.context import EVERY_ANSWER, EXTENSION, request_id
from wallet.web.draining import Draining
from wallet.web.lane import CheckLane
from wallet.web.openapi import Description
from wallet.web.operations import IdConverter
from wallet.wiring import Wallet

CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)

NO_CAMERA = "camera=(), microphone=(), geolocation=()"

DESCRIBED = (
    accounts.routes,
    open_sessions.routes,
    secrets.routes,
    passkeys.routes,
    catalogue.routes,
    documents.routes,
    requests.routes,
    agreements.routes,
    review_desk.routes,
    my_utilities.routes,
    access_history.routes,
    imports.routes,
    payments.routes,
    sandbox.routes,
    reuse.routes,
    copies.routes,
    cards.routes,
    fhir.routes,
    admin.routes,
    suspensions.routes,
    definitions.routes,
    launches.routes,
    availability.routes,
    availability.flags,
    wards.routes,
    organisations.routes,
    locks.routes,
    staff.routes,
    ceremonies.routes,
    devices.routes,
    registrations.routes,
    enrolment_desk.routes,
    notices.routes,
    webhooks.routes,
    sources.routes,
    profile.routes,
    corrections.routes,
    corrections_desk.routes,
    verifiers.routes,
    verifier_desk.routes,
    verifier_checks.routes,
    shares.routes,
    misuse_desk.routes,
)
"""What flask-smorest describes."""

PLAIN = (verify.routes, trust.routes, health.routes, pages.routes, scan.routes)
"""Plain views; `wallet.web.openapi` describes those of the API."""

log = structlog.get_logger("wallet.web")


def create_app(wallet: Wallet) -> Flask:
    """Return the application that serves `wallet`. Touches no database."""
    app = Flask("wallet.web", static_folder="static", static_url_path="/static")
    app.config |= {
        "API_TITLE": "Ví Số",
        "API_VERSION": __version__,
        "OPENAPI_VERSION": "3.1.0",
        "OPENAPI_URL_PREFIX": None,
        "PROPAGATE_EXCEPTIONS": False,
    }
    app.url_map.strict_slashes = True
    app.url_map.merge_slashes = False  # one address for one thing: no redirect that a client must follow with its token
    app.url_map.converters["id"] = IdConverter
    install_auth(app)
    for blueprint in (*DESCRIBED, *PLAIN):
        app.register_blueprint(blueprint)
    problems.register(app)
    app.before_request(_begin)
    app.after_request(_finish)
    serve(app, wallet)
    return app


def serve(app: Flask, wallet: Wallet) -> None:
    """Let `app` answer for `wallet` from now on, and for no other: what it holds of a wallet is set here alone."""
    most = wallet.settings.max_body_bytes
    app.extensions[EXTENSION] = wallet
    app.extensions["openapi"] = Description(app, DESCRIBED, wallet.settings.issuer_url)
    app.config |= {"MAX_CONTENT_LENGTH": most, "MAX_FORM_MEMORY_SIZE": most}
    drained = Draining(MethodType(Flask.wsgi_app, app), most)
    app.wsgi_app = CheckLane(drained, wallet)  # type: ignore[method-assign]  # Flask's own place for a middleware


def _begin() -> None:
    g.started_at = time.perf_counter()
    if "\0" in request.path:  # no id of ours holds it, and PostgreSQL refuses to be asked
        raise NotFound("unknown_route")


def _finish(response: Response) -> Response:
    headers = response.headers
    # Added, not set: none of them is there before, and setting looks through all the others first.
    headers.add("X-Request-ID", request_id())
    for name, value in EVERY_ANSWER:
        headers.add(name, value)
    if response.mimetype == "text/html":
        headers.setdefault("Content-Security-Policy", CSP)  # the scanner has its own, and the camera
        headers.setdefault("Permissions-Policy", NO_CAMERA)
    if not log.is_enabled_for(logging.DEBUG):
        return response
    rule: Any = request.url_rule
    log.debug(
        "request",
        method=request.method,
        route=rule.rule if rule else None,
        status=response.status_code,
        request_id=headers["X-Request-ID"],
        milliseconds=round((time.perf_counter() - g.get("started_at", time.perf_counter())) * 1000, 1),
    )
    return response
