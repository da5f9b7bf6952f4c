"""The few pages a person opens: the front door, the documentation of the API, what a problem code means."""

import re
from collections.abc import Mapping
from pathlib import Path

import flask_swagger_ui
from flask import (
    Blueprint,
    Response,
    current_app,
    make_response,
    redirect,
    render_template,
    request,
    send_from_directory,
)
from werkzeug.wrappers import Response as BaseResponse

from wallet import __version__
from wallet.errors import NotFound
from wallet.terms import SAMPLE_MARK
from wallet.texts.catalogue import LANGUAGES, catalogue
from wallet.verifier.outcomes import LOOKS, REASONS_OF, Outcome
from wallet.verifier.reasons import VERDICT_OF
from wallet.web.answers import json_answer, with_etag
from wallet.web.context import current_wallet
from wallet.web.language import caller_language

routes = Blueprint("pages", __name__)
_VALUE = re.compile(r"\{\w+\}")
# The wheel carries the whole of Swagger UI; its own template has an inline script, which our CSP refuses.
ASSETS = Path(flask_swagger_ui.__file__).with_name("dist")
FOR_INTEGRATORS = (
    "desk_key_missing",
    "invalid_desk_key",
    "desk_key_suspended",
    "purpose_not_registered",
    "claim_not_registered",
    "too_many_checks",
    "too_many_citizens",
    "invalid_input",
    "body_too_large",
    "dependency_unavailable",
)
"""The problems that whoever checks codes meets first."""
ASSET_NAMES = frozenset({"swagger-ui.css", "swagger-ui-bundle.js", "favicon-32x32.png"})


@routes.get("/")
def read_home() -> Response:
    """Show the front door."""
    return _page("home.html", issuer_url=current_wallet().settings.issuer_url)


@routes.get("/docs")
def read_docs() -> Response:
    """Show the documentation of the API; it needs no network but this server."""
    return _page("docs.html")


@routes.get("/docs/integrators")
def read_integrators() -> Response:
    """Show how to check a code in one's own software."""
    texts = catalogue(_language())["problems"]
    return _page(
        "integrators.html",
        issuer_url=current_wallet().settings.issuer_url,
        outcomes=[_outcome_row(outcome) for outcome in Outcome],
        problems=[(code, _without_values(texts[code])["title"]) for code in FOR_INTEGRATORS],
    )


@routes.get("/docs/assets/<name>")
def read_docs_asset(name: str) -> Response:
    """Serve a file of the documentation page."""
    if name not in ASSET_NAMES:
        raise NotFound("unknown_route")
    response = send_from_directory(ASSETS, name, max_age=86400)
    response.direct_passthrough = False
    return response


@routes.get("/openapi.json")
def read_openapi() -> Response:
    """Fetch the OpenAPI 3.1 document."""
    return with_etag(json_answer(current_app.extensions["openapi"].document, cache="public, max-age=60"))


@routes.get("/problems/<code>")
def read_problem(code: str) -> Response:
    """Explain a problem code, in both languages."""
    if code not in catalogue("vi")["problems"]:
        raise NotFound("not_found")
    entries = {language: _without_values(catalogue(language)["problems"][code]) for language in LANGUAGES}
    return _page("problem.html", code=code, entries=entries)


@routes.get("/favicon.ico")
def read_favicon() -> BaseResponse:
    """Point at the icon."""
    return redirect("/docs/assets/favicon-32x32.png", 301)


def _outcome_row(outcome: Outcome) -> dict[str, object]:
    texts, reasons = catalogue(_language())["verifier"], REASONS_OF[outcome]
    return {
        "sign": LOOKS[outcome].sign,
        "words": texts[f"outcome.{outcome.value}"],
        "verdicts": sorted({VERDICT_OF[reason].value for reason in reasons}),
        "reasons": reasons,
        "next": texts[f"next.{outcome.value}"],
    }


def _without_values(entry: Mapping[str, str]) -> dict[str, str]:
    """Return the texts of a problem with a gap where each answer has a value of its own."""
    return {part: _VALUE.sub("…", text) for part, text in entry.items()}


def _language() -> str:
    asked = request.args.get("lang", "")
    return asked if asked in LANGUAGES else caller_language()


def _page(template: str, **values: object) -> Response:
    language = _language()
    html = render_template(
        template,
        lang=language,
        other=next(other for other in LANGUAGES if other != language),
        t=catalogue(language)["pages"],
        mark=SAMPLE_MARK,
        version=__version__,
        **values,
    )
    response = make_response(html)
    response.headers["Content-Language"] = language
    response.headers["Cache-Control"] = "no-cache"
    response.headers["Vary"] = "Accept-Language"
    return response
