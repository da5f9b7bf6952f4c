"""Problem documents: every refusal and every failure, in one shape (RFC 9457) and in the caller's language.

`code` is stable and never translated; `type` is a page of ours that explains it. Nothing below `web/` knows a
status code: one short table maps classes to statuses, subclasses inherit.
"""

from datetime import datetime
from typing import Any
from urllib.parse import quote

import structlog
from flask import Flask, Response, current_app, json, request
from werkzeug.exceptions import HTTPException

from wallet import errors
from wallet.texts.catalogue import catalogue, problem
from wallet.web.context import current_wallet, request_id
from wallet.web.language import caller_language
from wallet.web.launch_words import missing_words
from wallet.working_days import ZONE

STATUS: tuple[tuple[type[errors.WalletError], int], ...] = (
    (errors.BadRequest, 400),
    (errors.NotAuthenticated, 401),
    (errors.NotAllowed, 403),
    (errors.NotFound, 404),
    (errors.Conflict, 409),
    (errors.PreconditionFailed, 412),
    (errors.InvalidInput, 422),
    (errors.PreconditionRequired, 428),
    (errors.TooManyAttempts, 429),
    (errors.Unavailable, 503),
)
HTTP_CODES = {
    400: "bad_request",
    404: "unknown_route",
    405: "method_not_allowed",
    406: "not_acceptable",
    413: "body_too_large",
    415: "unsupported_media_type",
    431: "header_too_large",
}
# Values of a text that are codes themselves, and the sections of the catalogue that have words for them.
WORDS = {
    "reason": ("malformed",),
    "register": ("registers",),
    "state": ("states", "request_states"),
    "target": ("states", "request_moves"),
    "capacity": ("capacities",),
}
# Values that are members of the document too, as RFC 9457, section 3.2, lets a problem type have them.
MEMBERS = ("auth_level", "max_age", "ways", "until", "faults")
log = structlog.get_logger("wallet.web")


def status_of(error: errors.WalletError) -> int:
    """Return the status of an error: that of the nearest class in the table, else 500."""
    return next((status for kind, status in STATUS if isinstance(error, kind)), 500)


def problem_response(code: str, status: int, headers: dict[str, str] | None = None, **values: Any) -> Response:
    """Return a problem document. `values` fill the texts; `fields` among them become `errors`, each in the words of the
    utility that `speaks` names for its pointer."""
    language = caller_language()
    fields, speaks = values.pop("fields", None), values.pop("speaks", lambda _pointer: "")
    title, detail = problem(code, language, **_in_words(values, language))
    body: dict[str, Any] = {
        "type": f"{current_wallet().settings.issuer_url}/problems/{code}",
        "title": title,
        "status": status,
        "detail": detail,
        "instance": quote(request.path, safe="/:@!$&'()*+,;=~"),
        "code": code,
        "request_id": request_id(),
        "retryable": status in (429, 503),
    }
    body |= {name: values[name] for name in MEMBERS if name in values and values[name] != []}
    if fields:
        body["errors"] = [
            {"pointer": pointer, "code": field_code, "detail": field_text(field_code, language, speaks(pointer))}
            for pointer, field_code in sorted(fields.items())
        ]
    response = current_app.response_class(
        json.dumps(body, ensure_ascii=False), status, mimetype="application/problem+json"
    )
    response.headers["Content-Language"] = language
    response.headers["Vary"] = "Accept-Language"
    response.headers["Cache-Control"] = "no-store"
    response.headers.extend(headers or {})
    return response


def _in_words(values: dict[str, Any], language: str) -> dict[str, Any]:
    """Return the values of a text, those that are codes in words."""
    texts = catalogue(language)
    words = {
        name: next((texts[section][value] for section in WORDS[name] if value in texts[section]), value)
        for name, value in values.items()
        if name in WORDS
    }
    if "missing" in values:
        words["missing"] = missing_words(values["missing"], values.get("words", {}), language)
        words["notice"] = values.get("notice", {}).get(language, words["missing"])
    if values.get("register_names"):  # a third party's register, which brings its own name
        words["register"] = values["register_names"][language]
    if "until" in values:
        words["until"] = f"{datetime.fromisoformat(values['until']).astimezone(ZONE):%H:%M %d/%m/%Y}"
    return values | words


def field_text(code: str, language: str, utility: str = "") -> str:
    """Return the words for what is wrong with a field: those of the plug-in that refused, else the wallet's own, else
    the general one."""
    texts = catalogue(language)["fields"]
    if utility:
        reason = current_wallet().catalogue.plugin(utility).reason(code, language)
        if reason is not None:
            return reason
    return str(texts.get(code, texts["invalid"]))


def render(error: errors.WalletError) -> Response:
    """Return the problem document of an error of ours."""
    status = status_of(error)
    if isinstance(error, errors.ProfileViolated):
        log.error("profile violated", rules=error.rules, request_id=request_id())
        return problem_response(error.code, 500)
    if status == 500:
        log.error("unexpected", code=error.code, request_id=request_id(), exc_info=error)
        return problem_response("internal_error" if error.code != "malformed" else "malformed", 500)
    headers: dict[str, str] = {}
    if isinstance(error, (errors.TooManyAttempts, errors.Unavailable)):
        headers["Retry-After"] = str(error.retry_after)
    if isinstance(error, errors.NotAuthenticated):
        headers["WWW-Authenticate"] = _challenge(error)
    values = dict(error.values)
    if isinstance(error, errors.InvalidInput):
        values |= {"fields": error.fields, "speaks": error.speaks}
    return problem_response(error.code, status, headers, **values)


def _challenge(error: errors.NotAuthenticated) -> str:
    """Return WWW-Authenticate. Source: RFC 6750, section 3; RFC 9470, section 3; RFC 9449, section 7.1."""
    if isinstance(error, errors.StepUpRequired):
        wanted = ['error="insufficient_user_authentication"']
        wanted += [f'acr_values="urn:viso:auth:{level}"' for level in [error.values.get("auth_level")] if level]
        wanted += [f'max_age="{seconds}"' for seconds in [error.values.get("max_age")] if seconds]
        return "Bearer " + ", ".join(wanted)
    if error.code == "missing_token":
        return "Bearer"
    if error.code in ("desk_key_missing", "invalid_desk_key", "desk_key_suspended"):
        return "Desk-Key"
    if error.code == "invalid_dpop_proof":
        return 'DPoP error="invalid_dpop_proof", algs="ES256"'
    return f'Bearer error="invalid_token", error_description="{error.code}"'


def _render_http(error: HTTPException) -> Response:
    status = error.code or 500
    # The framework's own headers stay: a 405 without Allow tells nobody what would have worked.
    kept = {name: value for name, value in error.get_headers() if name in ("Allow", "Retry-After")}
    code = HTTP_CODES.get(status, "bad_request" if status < 500 else "internal_error")
    return problem_response(code, status, kept, limit=request.max_content_length)


def _render_unforeseen(error: Exception) -> Response:
    log.error("unforeseen", request_id=request_id(), exc_info=error)
    return problem_response("internal_error", 500)


def register(app: Flask) -> None:
    """Answer every error of `app` with a problem document."""
    app.register_error_handler(errors.WalletError, render)
    app.register_error_handler(HTTPException, _render_http)
    app.register_error_handler(Exception, _render_unforeseen)
