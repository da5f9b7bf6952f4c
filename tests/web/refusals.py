"""What every refusal has in common, held against one answer."""

from typing import Any

from werkzeug.test import TestResponse

from tests.conftest import ISSUER
from wallet.texts.catalogue import catalogue
from wallet.web.examples import PROBLEMS

MEMBERS = {"type", "title", "status", "detail", "instance", "code", "request_id", "retryable"}


def assert_refused(response: TestResponse, status: int, code: str, *, language: str = "vi") -> dict[str, Any]:
    """Return the problem document after everything that RFC 9457 and this API promise of it."""
    assert response.status_code == status, response.text
    assert response.mimetype == "application/problem+json"
    body: dict[str, Any] = response.json or {}
    assert body["code"] == code, response.text
    assert body.keys() - {"errors", "auth_level", "max_age", "ways", "until", "faults"} == MEMBERS
    assert "faults" not in body or code == "definition_refused"
    assert ("until" in body) is (code == "cooling_off")
    assert ("ways" in body) is (code == "step_up_required")
    assert body["status"] == status
    assert body["type"] == f"{ISSUER}/problems/{code}"
    assert body["request_id"] == response.headers["X-Request-ID"]
    assert body["retryable"] is (status in (429, 503))
    assert response.headers["Content-Language"] == language
    assert response.headers["Vary"] == "Accept-Language"
    assert response.headers["Cache-Control"] == "no-store"
    assert body["title"] == catalogue(language)["problems"][code]["title"]
    assert "{" not in body["title"] + body["detail"], "a value is missing in the text"
    if code in PROBLEMS:
        assert status == PROBLEMS[code]["status"], "the example in the API's description says otherwise"
    if status in (429, 503):
        assert int(response.headers["Retry-After"]) >= 1
    if status == 401:
        scheme = "Desk-Key" if "desk_key" in code else "Bearer"
        assert response.headers["WWW-Authenticate"].startswith(scheme)
    return body


def field_errors(body: dict[str, Any]) -> dict[str, str]:
    """Return JSON Pointer to code; each has words too."""
    assert all(entry.keys() == {"pointer", "code", "detail"} and entry["detail"] for entry in body["errors"])
    return {entry["pointer"]: entry["code"] for entry in body["errors"]}
