"""The Flask application: what surrounds every request. Views are in the files beside this one."""

import logging
import time
from typing import Any

import structlog
from flask import Flask, Response, g, request
from flask_smorest import Api

from wallet import __version__
from wallet.errors import NotFound
from wallet.web import (
    access_history,
    accounts,
    admin,
    availability,
    catalogue,
    ceremonies,
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
    my_utilities,
    notices,
    open_sessions,
    organisations,
    pages,
    passkeys,
    problems,
    profile,
    registrations,
    requests,
    review_desk,
    sandbox,
    secrets,
    staff,
    trust,
    verify,
    wards,
    webhooks,
)
from wallet.web.auth import install as install_auth
from wallet.web.context import EVERY_ANSWER, EXTENSION, request_id
from wallet.web.draining import Draining
from wallet.web.lane import CheckLane
from wallet.web.launch_schemas import Percent
from wallet.web.openapi import document
from wallet.web.operations import IdConverter
from wallet.web.schemas import Both, Moment
from wallet.wiring import Wallet

CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)

log = structlog.get_logger("wallet.web")


def create_app(wallet: Wallet) -> Flask:
    """Return the application that serves `wallet`. Touches no database."""
    app = Flask("wallet.web", static_folder="static", static_url_path="/static")
    app.config |= {
        "API_TITLE": "Ví Số",
        "API_VERSION": __version__,
        "OPENAPI_VERSION": "3.1.0",
        "OPENAPI_URL_PREFIX": None,
        "MAX_CONTENT_LENGTH": wallet.settings.max_body_bytes,
        "MAX_FORM_MEMORY_SIZE": wallet.settings.max_body_bytes,
        "PROPAGATE_EXCEPTIONS": False,
    }
    app.extensions[EXTENSION] = wallet
    app.url_map.strict_slashes = True
    app.url_map.merge_slashes = False  # one address for one thing: no redirect that a client must follow with its token
    app.url_map.converters["id"] = IdConverter
    install_auth(app, wallet)
    api = _Api(app)
    api.register_converter(IdConverter, lambda _: {"type": "string", "minLength": 1})
    api.register_field(Moment, "string", "date-time")
    api.register_field(Both, "object", None)
    api.register_field(Percent, "number", None)
    for blueprint in (
        accounts.routes,
        open_sessions.routes,
        secrets.routes,
        passkeys.routes,
        catalogue.routes,
        documents.routes,
        requests.routes,
        review_desk.routes,
        my_utilities.routes,
        access_history.routes,
        imports.routes,
        sandbox.routes,
        fhir.routes,
        admin.routes,
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
        profile.routes,
        corrections.routes,
        corrections_desk.routes,
    ):
        api.register_blueprint(blueprint)
    for plain in (verify.routes, trust.routes, health.routes, pages.routes):
        app.register_blueprint(plain)
    app.extensions["openapi"] = document(api.spec, wallet.settings.issuer_url)
    problems.register(app)
    app.before_request(_begin)
    app.after_request(_finish)
    drained = Draining(app.wsgi_app, wallet.settings.max_body_bytes)
    app.wsgi_app = CheckLane(drained, wallet)  # type: ignore[method-assign]  # Flask's own place for a middleware
    return app


class _Api(Api):
    """flask-smorest without its own error handlers (ours are RFC 9457) and without its pages."""

    def _register_error_handlers(self) -> None:
        return None


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
        headers["Content-Security-Policy"] = CSP
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
