"""Examples of the API, by operation: what goes in, what comes out, which refusals an operation is known for.

One file for each surface. All of it is invented. A test holds each against its schema, and each problem against what
the service answers.
"""

from typing import Any

from wallet.texts.catalogue import lookup, problem
from wallet.web.examples import (
    ceremonies,
    copies,
    core,
    definitions,
    enrolment,
    fhir,
    imports,
    launching,
    messages,
    online,
    profile,
    requests,
    sessions,
    staff,
    standing,
    verifiers,
)

_SURFACES: tuple[Any, ...] = (
    core,
    copies,
    definitions,
    fhir,
    imports,
    launching,
    staff,
    messages,
    sessions,
    enrolment,
    standing,
    verifiers,
    profile,
    ceremonies,
    requests,
    online,
)

BODIES: dict[str, Any] = {name: body for surface in _SURFACES for name, body in surface.BODIES.items()}
"""Operation to the body of a request."""

ANSWERS: dict[str, dict[str, Any]] = {name: given for surface in _SURFACES for name, given in surface.ANSWERS.items()}
"""Operation to status to the body of an answer."""

REFUSALS: dict[str, tuple[str, ...]] = {
    name: codes for surface in _SURFACES for name, codes in surface.REFUSALS.items()
}
"""Operation to the problems it is known for, beside a missing token."""


_FAULTS = {"invalid_input": ("/status", "unknown_field"), "ticket_differs": ("/name_on_ticket", "differs")}
"""Code of a problem that names fields, to one of them and what is wrong with it."""


def _problem(code: str, status: int) -> dict[str, Any]:
    values = {"needed": 2, "auth_level": 2, "retry_after": 1, "limit": 5, "until": "2026-03-03T05:00:00Z"}
    title, detail = problem(
        code,
        "vi",
        **values | {"register": lookup("registers", "residence", "vi")},
        command="pip install 'vi-so-wallet[fhir]'",
    )
    body: dict[str, Any] = {
        "type": f"https://vi.example.vn/problems/{code}",
        "title": title,
        "status": status,
        "detail": detail,
        "instance": "/v1/...",
        "code": code,
        "request_id": "rid_8d3f1ab8485519d82df520c63ae900f3",
        "retryable": status in (429, 503),
    }
    if code == "step_up_required":
        body |= {"auth_level": 2, "max_age": 300, "ways": [["device", "passcode"], ["passkey"]]}
    if code in _FAULTS:
        pointer, fault = _FAULTS[code]
        body["errors"] = [{"pointer": pointer, "code": fault, "detail": lookup("fields", fault, "vi")}]
    return body


_STATUSES = {code: status for surface in _SURFACES for code, status in surface.STATUSES.items()}

PROBLEMS: dict[str, dict[str, Any]] = {code: _problem(code, status) for code, status in _STATUSES.items()}
"""Code to problem document, as a Vietnamese reader gets it."""
