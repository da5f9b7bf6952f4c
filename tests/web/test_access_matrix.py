"""Every route and method, for every kind of caller: the answer equals the matrix that is written down here.

The matrix is written a second time on purpose: a declaration that is loosened by mistake differs from it.
"""

import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.ceremonies.asking import AskingPhone
from tests.checks.test_sharing import present
from tests.checks.verifier import Desk
from tests.phone import CitizenPhone
from tests.web.refusals import assert_refused
from tests.web.test_passkeys import Browser
from wallet.terms import AccountLevel, AuthLevel, StaffRole
from wallet.web.operations import DECLARED

Make = Callable[..., CitizenPhone]
Unchanged = Callable[[], AbstractContextManager[None]]
Access = tuple[AccountLevel, AuthLevel, StaffRole | frozenset[StaffRole] | None] | str | None

ANYONE = None
VERIFIER = "verifier"
"""A desk of a verifier, with its key; no session of whomever stands for one."""

CITIZEN = (AccountLevel.ONE, AuthLevel.ONE, None)
CITIZEN_WITH_SECRET = (AccountLevel.ONE, AuthLevel.TWO, None)
PROVEN_CITIZEN = (AccountLevel.TWO, AuthLevel.ONE, None)
PROVEN_CITIZEN_WITH_SECRET = (AccountLevel.TWO, AuthLevel.TWO, None)
CITIZEN_FULLY_PROVEN = (AccountLevel.ONE, AuthLevel.FOUR, None)
ADMIN = (AccountLevel.TWO, AuthLevel.TWO, StaffRole.ADMIN)
ADMIN_OR_OFFICER = (AccountLevel.TWO, AuthLevel.TWO, frozenset({StaffRole.ADMIN, StaffRole.OFFICER}))
REVIEWER = (AccountLevel.TWO, AuthLevel.TWO, StaffRole.REVIEWER)
OFFICER = (AccountLevel.TWO, AuthLevel.TWO, StaffRole.OFFICER)
AUDITOR = (AccountLevel.TWO, AuthLevel.TWO, StaffRole.AUDITOR)
APPROVER = (AccountLevel.TWO, AuthLevel.TWO, StaffRole.APPROVER)
VERIFIER_MANAGER = (AccountLevel.TWO, AuthLevel.TWO, frozenset({StaffRole.ADMIN, StaffRole.OPERATOR}))
VERIFIER_DECIDER = (AccountLevel.TWO, AuthLevel.TWO, frozenset({StaffRole.ADMIN, StaffRole.APPROVER}))
VERIFIER_STOPPER = (*VERIFIER_MANAGER[:2], VERIFIER_MANAGER[2] | VERIFIER_DECIDER[2])
VERIFIER_READER = (*VERIFIER_STOPPER[:2], VERIFIER_STOPPER[2] | {StaffRole.AUDITOR})
DESK_STAFF = (AccountLevel.TWO, AuthLevel.TWO, frozenset({StaffRole.OFFICER, StaffRole.APPROVER}))

MATRIX: dict[tuple[str, str], Access] = {
    ("POST", "/v1/device-challenges"): ANYONE,
    ("POST", "/v1/sessions"): ANYONE,
    ("POST", "/v1/sessions/refresh"): ANYONE,
    ("POST", "/v1/sessions/current/step-up"): CITIZEN,
    ("DELETE", "/v1/sessions/current"): CITIZEN,
    ("GET", "/v1/sessions"): CITIZEN,
    ("DELETE", "/v1/sessions"): CITIZEN,
    ("DELETE", "/v1/sessions/<id:session_id>"): CITIZEN,
    ("POST", "/v1/sessions/passkey"): ANYONE,
    ("POST", "/v1/passkey-challenges"): ANYONE,
    ("POST", "/v1/me/passkeys/options"): CITIZEN_WITH_SECRET,
    ("POST", "/v1/me/passkeys"): CITIZEN_WITH_SECRET,
    ("GET", "/v1/me/passkeys"): CITIZEN,
    ("DELETE", "/v1/me/passkeys/<id:passkey_id>"): CITIZEN_WITH_SECRET,
    ("PUT", "/v1/me/password"): CITIZEN_WITH_SECRET,
    ("PUT", "/v1/me/passcode"): CITIZEN_WITH_SECRET,
    ("POST", "/v1/unlocks"): ANYONE,
    ("GET", "/v1/me"): CITIZEN,
    ("POST", "/v1/staff-enrolments"): ANYONE,
    ("POST", "/v1/registrations"): ANYONE,
    ("GET", "/v1/registrations/<registration_id>"): ANYONE,
    ("POST", "/v1/desk/card-readings"): OFFICER,
    ("POST", "/v1/desk/applications"): OFFICER,
    ("GET", "/v1/desk/applications"): DESK_STAFF,
    ("GET", "/v1/desk/applications/<application_id>"): DESK_STAFF,
    ("POST", "/v1/desk/applications/<application_id>/decision"): APPROVER,
    ("GET", "/v1/utilities"): ANYONE,
    ("GET", "/v1/utilities/<code>"): ANYONE,
    ("POST", "/v1/admin/utility-definitions"): ADMIN,
    ("GET", "/v1/admin/utility-definitions"): ADMIN,
    ("GET", "/v1/admin/utility-definitions/<definition_id>"): ADMIN,
    ("POST", "/v1/admin/utility-definitions/<definition_id>/decision"): ADMIN,
    ("POST", "/v1/requests"): CITIZEN,
    ("GET", "/v1/requests"): CITIZEN,
    ("GET", "/v1/requests/<request_id>"): CITIZEN,
    ("GET", "/v1/requests/<request_id>/preview"): CITIZEN,
    ("PATCH", "/v1/requests/<request_id>"): CITIZEN,
    ("DELETE", "/v1/requests/<request_id>"): CITIZEN,
    ("POST", "/v1/requests/<request_id>/moves"): CITIZEN,
    ("POST", "/v1/requests/<request_id>/files"): CITIZEN,
    ("GET", "/v1/requests/<request_id>/files/<file_id>"): CITIZEN,
    ("DELETE", "/v1/requests/<request_id>/files/<file_id>"): CITIZEN,
    ("POST", "/v1/requests/<request_id>/imports/<field>"): CITIZEN,
    ("GET", "/v1/requests/<request_id>/papers/<paper_id>"): CITIZEN,
    ("GET", "/v1/requests/<request_id>/papers/<paper_id>/paper.pdf"): CITIZEN,
    ("GET", "/v1/requests/<request_id>/payments"): CITIZEN,
    ("POST", "/v1/requests/<request_id>/payments"): CITIZEN,
    ("GET", "/v1/me/utilities/<utility>/templates/<field>"): CITIZEN,
    ("GET", "/v1/me/utilities/<utility>/facts"): CITIZEN_WITH_SECRET,
    ("GET", "/v1/me/utilities/<utility>/form"): CITIZEN_WITH_SECRET,
    ("GET", "/v1/me/utilities/<utility>/link"): CITIZEN_WITH_SECRET,
    ("POST", "/v1/me/utilities/<utility>/link"): PROVEN_CITIZEN_WITH_SECRET,
    ("POST", "/v1/sandbox/payments/<reference>"): ANYONE,
    ("GET", "/v1/sandbox/test-codes"): ANYONE,
    ("POST", "/v1/payments/callbacks"): ANYONE,
    ("GET", "/v1/desk/requests"): REVIEWER,
    ("GET", "/v1/desk/requests/<request_id>"): REVIEWER,
    ("GET", "/v1/desk/requests/<request_id>/files/<file_id>"): REVIEWER,
    ("GET", "/v1/desk/requests/<request_id>/papers/<paper_id>"): REVIEWER,
    ("GET", "/v1/desk/requests/<request_id>/papers/<paper_id>/paper.pdf"): REVIEWER,
    ("PUT", "/v1/desk/requests/<request_id>/claim"): REVIEWER,
    ("DELETE", "/v1/desk/requests/<request_id>/claim"): REVIEWER,
    ("POST", "/v1/desk/requests/<request_id>/hand-over"): REVIEWER,
    ("POST", "/v1/desk/requests/<request_id>/decisions"): REVIEWER,
    ("GET", "/v1/desk/officers"): REVIEWER,
    ("GET", "/v1/desk/steps"): REVIEWER,
    ("POST", "/v1/desk/requests/<request_id>/steps/<code>"): REVIEWER,
    ("GET", "/v1/documents"): CITIZEN,
    ("GET", "/v1/documents/<document_id>"): CITIZEN_WITH_SECRET,
    ("GET", "/v1/documents/<document_id>/code.txt"): CITIZEN_WITH_SECRET,
    ("GET", "/v1/documents/<document_id>/code.svg"): CITIZEN_WITH_SECRET,
    ("GET", "/v1/documents/<document_id>/code.png"): CITIZEN_WITH_SECRET,
    ("GET", "/v1/documents/<document_id>/document.sdjwt"): CITIZEN_WITH_SECRET,
    ("GET", "/v1/documents/<document_id>/document.mdoc"): CITIZEN_WITH_SECRET,
    ("GET", "/v1/documents/<document_id>/document.pdf"): CITIZEN_WITH_SECRET,
    ("POST", "/v1/documents/<document_id>/copies"): CITIZEN_WITH_SECRET,
    ("POST", "/v1/documents/<document_id>/cards"): CITIZEN_WITH_SECRET,
    ("POST", "/v1/documents/<document_id>/live-codes"): CITIZEN_WITH_SECRET,
    ("GET", "/v1/documents/<document_id>/copies/<copy_id>"): CITIZEN_WITH_SECRET,
    ("GET", "/v1/documents/<document_id>/fhir"): PROVEN_CITIZEN_WITH_SECRET,
    ("POST", "/v1/admin/documents/<document_id>/revocation"): ADMIN,
    ("POST", "/v1/admin/documents/<document_id>/suspension"): ADMIN_OR_OFFICER,
    ("POST", "/v1/admin/documents/<document_id>/reinstatement"): ADMIN_OR_OFFICER,
    ("GET", "/v1/me/utilities"): CITIZEN,
    ("POST", "/ofrep/v1/evaluate/flags"): CITIZEN,
    ("POST", "/ofrep/v1/evaluate/flags/<key>"): CITIZEN,
    ("GET", "/v1/admin/utilities"): ADMIN,
    ("GET", "/v1/admin/utilities/<code>"): ADMIN,
    ("PATCH", "/v1/admin/utilities/<code>"): ADMIN,
    ("POST", "/v1/admin/utilities/<code>/pause"): ADMIN,
    ("DELETE", "/v1/admin/utilities/<code>/schedule/<change_id>"): ADMIN,
    ("POST", "/v1/admin/utilities/<code>/launch/preview"): ADMIN,
    ("POST", "/v1/admin/utilities/<code>/launch/explanations"): ADMIN,
    ("DELETE", "/v1/admin/accounts/<account_id>/sessions"): ADMIN,
    ("GET", "/v1/admin/sources"): ADMIN,
    ("GET", "/v1/admin/approvals"): ADMIN,
    ("GET", "/v1/admin/approvals/<approval_id>"): ADMIN,
    ("POST", "/v1/admin/approvals/<approval_id>/decision"): ADMIN,
    ("GET", "/v1/notices"): CITIZEN,
    ("GET", "/v1/notices/unread-count"): CITIZEN,
    ("PUT", "/v1/notices/<notice_id>/read-mark"): CITIZEN,
    ("PUT", "/v1/notices/read-mark"): CITIZEN,
    ("POST", "/v1/admin/webhook-endpoints"): ADMIN,
    ("GET", "/v1/admin/webhook-endpoints"): ADMIN,
    ("GET", "/v1/admin/webhook-endpoints/<endpoint_id>"): ADMIN,
    ("PATCH", "/v1/admin/webhook-endpoints/<endpoint_id>"): ADMIN,
    ("DELETE", "/v1/admin/webhook-endpoints/<endpoint_id>"): ADMIN,
    ("POST", "/v1/admin/webhook-endpoints/<endpoint_id>/secret"): ADMIN,
    ("POST", "/v1/admin/webhook-endpoints/<endpoint_id>/test-events"): ADMIN,
    ("GET", "/v1/admin/webhook-endpoints/<endpoint_id>/deliveries"): ADMIN,
    ("POST", "/v1/admin/webhook-endpoints/<endpoint_id>/deliveries/<attempt_id>/replay"): ADMIN,
    ("POST", "/v1/me/lock"): CITIZEN_WITH_SECRET,
    ("POST", "/v1/desk/locks"): OFFICER,
    ("POST", "/v1/desk/unlocks"): OFFICER,
    ("POST", "/v1/desk/lock-orders"): OFFICER,
    ("GET", "/v1/desk/lock-orders"): DESK_STAFF,
    ("GET", "/v1/desk/lock-orders/<order_id>"): DESK_STAFF,
    ("POST", "/v1/desk/lock-orders/<order_id>/forwarding"): OFFICER,
    ("POST", "/v1/desk/lock-orders/<order_id>/decision"): APPROVER,
    ("POST", "/v1/me/wards"): PROVEN_CITIZEN_WITH_SECRET,
    ("GET", "/v1/me/wards"): PROVEN_CITIZEN,
    ("POST", "/v1/me/organisations"): PROVEN_CITIZEN_WITH_SECRET,
    ("GET", "/v1/me/organisations"): PROVEN_CITIZEN,
    ("GET", "/v1/desk/organisations"): APPROVER,
    ("POST", "/v1/desk/organisations/<organisation_id>/decision"): APPROVER,
    ("GET", "/v1/me/agreements"): PROVEN_CITIZEN_WITH_SECRET,
    ("POST", "/v1/me/agreements/<agreement_id>/answer"): PROVEN_CITIZEN_WITH_SECRET,
    ("GET", "/v1/me/access-history"): CITIZEN,
    ("GET", "/v1/admin/reuse"): ADMIN,
    ("GET", "/v1/me/settings"): CITIZEN,
    ("PATCH", "/v1/me/settings"): CITIZEN_WITH_SECRET,
    ("POST", "/v1/me/exports"): CITIZEN_WITH_SECRET,
    ("GET", "/v1/me/closure"): CITIZEN_WITH_SECRET,
    ("POST", "/v1/me/closure"): CITIZEN_FULLY_PROVEN,
    ("POST", "/v1/me/corrections"): CITIZEN_WITH_SECRET,
    ("GET", "/v1/me/corrections"): CITIZEN_WITH_SECRET,
    ("GET", "/v1/me/corrections/<correction_id>"): CITIZEN_WITH_SECRET,
    ("GET", "/v1/me/corrections/<correction_id>/evidence/<evidence_id>"): CITIZEN_WITH_SECRET,
    ("GET", "/v1/desk/corrections"): REVIEWER,
    ("GET", "/v1/desk/corrections/<correction_id>"): REVIEWER,
    ("GET", "/v1/desk/corrections/<correction_id>/evidence/<evidence_id>"): REVIEWER,
    ("POST", "/v1/desk/corrections/<correction_id>/decision"): REVIEWER,
    ("POST", "/v1/ceremonies"): ANYONE,
    ("POST", "/v1/ceremonies/<ceremony_id>/status"): ANYONE,
    ("POST", "/v1/ceremonies/<ceremony_id>/codes"): ANYONE,
    ("POST", "/v1/ceremonies/<ceremony_id>/code-confirmations"): ANYONE,
    ("POST", "/v1/ceremonies/<ceremony_id>/chip-challenges"): ANYONE,
    ("POST", "/v1/ceremonies/<ceremony_id>/chip-proofs"): ANYONE,
    ("POST", "/v1/ceremonies/<ceremony_id>/answers"): ANYONE,
    ("POST", "/v1/ceremonies/<ceremony_id>/completion"): ANYONE,
    ("POST", "/v1/me/phone-changes"): CITIZEN_FULLY_PROVEN,
    ("GET", "/v1/me/binding-requests"): CITIZEN,
    ("DELETE", "/v1/me/binding-requests/<ceremony_id>"): CITIZEN,
    ("POST", "/v1/me/binding-requests/<ceremony_id>/decision"): CITIZEN_FULLY_PROVEN,
    ("GET", "/v1/me/devices"): CITIZEN,
    ("DELETE", "/v1/me/devices/<device_id>"): CITIZEN_WITH_SECRET,
    ("POST", "/v1/desk/ceremonies/<ceremony_id>/vouching"): OFFICER,
    ("GET", "/v1/admin/verifier-templates"): VERIFIER_READER,
    ("POST", "/v1/admin/verifiers"): VERIFIER_MANAGER,
    ("GET", "/v1/admin/verifiers"): VERIFIER_READER,
    ("GET", "/v1/admin/verifiers/<verifier_id>"): VERIFIER_READER,
    ("PUT", "/v1/admin/verifiers/<verifier_id>/purposes"): VERIFIER_MANAGER,
    ("POST", "/v1/admin/verifiers/<verifier_id>/decision"): VERIFIER_DECIDER,
    ("POST", "/v1/admin/verifiers/<verifier_id>/suspension"): VERIFIER_STOPPER,
    ("POST", "/v1/admin/verifiers/<verifier_id>/resumption"): VERIFIER_MANAGER,
    ("POST", "/v1/admin/verifiers/<verifier_id>/ending"): VERIFIER_STOPPER,
    ("POST", "/v1/admin/verifiers/<verifier_id>/desks"): VERIFIER_MANAGER,
    ("GET", "/v1/admin/verifiers/<verifier_id>/desks"): VERIFIER_READER,
    ("GET", "/v1/admin/verifiers/<verifier_id>/desks/<desk_id>"): VERIFIER_READER,
    ("POST", "/v1/admin/verifiers/<verifier_id>/desks/<desk_id>/key"): VERIFIER_MANAGER,
    ("DELETE", "/v1/admin/verifiers/<verifier_id>/desks/<desk_id>"): VERIFIER_STOPPER,
    ("GET", "/v1/verifier/desk"): VERIFIER,
    ("POST", "/v1/verifier/checks"): VERIFIER,
    ("GET", "/v1/verifier/shares/<share_id>"): VERIFIER,
    ("POST", "/v1/verifier/check-ins"): VERIFIER,
    ("POST", "/v1/verifier/batches"): VERIFIER,
    ("GET", "/v1/verifier/batches/<batch_id>"): VERIFIER,
    ("POST", "/v1/verifier/receipts"): VERIFIER,
    ("GET", "/v1/me/shares"): CITIZEN,
    ("POST", "/v1/me/shares/<share_id>/decision"): CITIZEN_WITH_SECRET,
    ("GET", "/v1/me/consents"): CITIZEN,
    ("DELETE", "/v1/me/consents/<consent_id>"): CITIZEN,
    ("GET", "/v1/documents/<document_id>/presentations/preview"): CITIZEN,
    ("POST", "/v1/documents/<document_id>/presentations"): CITIZEN_WITH_SECRET,
    ("GET", "/v1/me/presentations"): CITIZEN,
    ("GET", "/v1/me/presentations/<presentation_id>"): CITIZEN,
    ("DELETE", "/v1/me/presentations/<presentation_id>"): CITIZEN,
    ("POST", "/v1/me/access-history/<access_id>/report"): CITIZEN_WITH_SECRET,
    ("GET", "/v1/admin/misuse-reports"): AUDITOR,
    ("GET", "/v1/admin/misuse-reports/<report_id>"): AUDITOR,
    ("POST", "/v1/admin/misuse-reports/<report_id>/closure"): AUDITOR,
    ("POST", "/v1/checks"): ANYONE,
    ("GET", "/v1/trust/bundle"): ANYONE,
    ("GET", "/v1/trust/entities"): ANYONE,
    ("GET", "/v1/trust/iaca"): ANYONE,
    ("GET", "/v1/trust/iaca/<key_id>.crl"): ANYONE,
    ("GET", "/v1/status-lists/<list_id>"): ANYONE,
    ("GET", "/.well-known/jwks.json"): ANYONE,
    ("GET", "/.well-known/jwt-vc-issuer"): ANYONE,
    ("GET", "/v1/types/<code>/<version>"): ANYONE,
    ("GET", "/health/live"): ANYONE,
    ("GET", "/health/ready"): ANYONE,
    ("GET", "/"): ANYONE,
    ("GET", "/docs"): ANYONE,
    ("GET", "/docs/integrators"): ANYONE,
    ("GET", "/docs/assets/<name>"): ANYONE,
    ("GET", "/openapi.json"): ANYONE,
    ("GET", "/problems/<code>"): ANYONE,
    ("GET", "/favicon.ico"): ANYONE,
    ("GET", "/scan"): ANYONE,
    ("GET", "/scan/config.json"): ANYONE,
    ("GET", "/scan/sw.js"): ANYONE,
    ("GET", "/scan/worker.js"): ANYONE,
    ("GET", "/scan/manifest.webmanifest"): ANYONE,
    ("GET", "/scan/icon.svg"): ANYONE,
    ("GET", "/scan/<name>.png"): ANYONE,
    ("GET", "/static/<path:filename>"): ANYONE,
}

PLAIN = {cell for cell in MATRIX if not cell[1].startswith(("/v1", "/ofrep"))} | {
    ("POST", "/v1/checks"),
    ("GET", "/v1/trust/bundle"),
    ("GET", "/v1/trust/entities"),
    ("GET", "/v1/trust/iaca"),
    ("GET", "/v1/trust/iaca/<key_id>.crl"),
    ("GET", "/v1/status-lists/<list_id>"),
    ("GET", "/v1/types/<code>/<version>"),
}
"""Views that are not declared as operations: everyone may call each of them."""

ON_THE_PHONE = {
    ("POST", "/v1/me/passkeys/options"),
    ("POST", "/v1/me/passkeys"),
    ("DELETE", "/v1/me/passkeys/<id:passkey_id>"),
    ("DELETE", "/v1/me/devices/<device_id>"),
    ("DELETE", "/v1/me/binding-requests/<ceremony_id>"),
    ("PUT", "/v1/me/password"),
    ("PUT", "/v1/me/passcode"),
}
"""What guards an account is changed from the phone alone, never from a browser that came in by passkey."""

OF_DRAFTS = {
    ("GET", "/v1/requests/<request_id>/preview"),
    ("PATCH", "/v1/requests/<request_id>"),
    ("DELETE", "/v1/requests/<request_id>"),
    ("GET", "/v1/requests/<request_id>/files/<file_id>"),
    ("DELETE", "/v1/requests/<request_id>/files/<file_id>"),
}
"""What a request takes while it is a draft; tests/web/test_drafts.py holds that a stranger's does not exist."""

OF_PAPERS = {
    ("GET", "/v1/requests/<request_id>/papers/<paper_id>"),
    ("GET", "/v1/requests/<request_id>/papers/<paper_id>/paper.pdf"),
}
"""What a request has once an office took it in; tests/web/test_request_papers.py holds that a stranger gets none."""

OF_COPIES = {("GET", "/v1/documents/<document_id>/copies/<copy_id>")}
"""What a phone has once it asked for it; tests/web/test_copy_batches.py holds that a stranger gets none."""

OF_PRESENTING = {("GET", "/v1/documents/<document_id>/presentations/preview")}
"""What has to be asked with whom it is for; tests/checks/test_presenting.py holds that a stranger gets none."""

CALLERS: dict[str, tuple[str, bool] | None] = {
    "anonymous": None,
    "level 1 citizen": ("binh", True),
    "level 1 citizen, device only": ("binh", False),
    "level 2 citizen": ("an", True),
    "level 2 citizen, device only": ("an", False),
    "officer": ("officer1", True),
    "approver": ("approver1", True),
    "admin": ("admin1", True),
    "admin, device only": ("admin1", False),
}

EXAMPLES = {
    "session_id": "ses_" + "0" * 32,
    "copy_id": "cpy_" + "0" * 32,
    "account_id": "acc_" + "0" * 32,
    "passkey_id": "pky_" + "0" * 32,
    "code": "residence",
    "key": "residence",
    "change_id": "sch_" + "0" * 32,
    "paper_id": "slip-1",
    "agreement_id": "agr_" + "0" * 32,
    "request_id": "req_" + "0" * 32,
    "registration_id": "reg_" + "0" * 32,
    "application_id": "app_" + "0" * 32,
    "document_id": "doc_" + "0" * 32,
    "approval_id": "apr_" + "0" * 32,
    "definition_id": "def_" + "0" * 32,
    "order_id": "lko_" + "0" * 32,
    "organisation_id": "org_" + "0" * 32,
    "notice_id": "ntf_" + "0" * 32,
    "endpoint_id": "whk_" + "0" * 32,
    "attempt_id": "dla_" + "0" * 32,
    "correction_id": "cor_" + "0" * 32,
    "evidence_id": "evd_" + "0" * 32,
    "utility": "lodging_notice",
    "file_id": "evd_" + "0" * 32,
    "field": "guests",
    "reference": "sim_" + "0" * 32,
    "ceremony_id": "cer_" + "0" * 32,
    "device_id": "dev_" + "0" * 32,
    "verifier_id": "vrf_" + "0" * 32,
    "share_id": "shr_" + "0" * 32,
    "consent_id": "cns_" + "0" * 32,
    "presentation_id": "prs_" + "0" * 32,
    "batch_id": "bat_" + "0" * 32,
    "access_id": "acs_" + "0" * 32,
    "report_id": "mis_" + "0" * 32,
    "desk_id": "vsd_" + "0" * 32,
    "list_id": "1",
    "key_id": "0" * 40,
    "version": "1",
    "name": "swagger-ui.css",
    "filename": "page.css",
}


def cells(app: Flask) -> set[tuple[str, str]]:
    """Return every method and rule of the running application."""
    return {
        (method, rule.rule)
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }


def path_of(rule: str, **ids: str) -> str:
    path = re.sub(r"<\w+:", "<", rule)
    for name, value in (EXAMPLES | ids).items():
        path = path.replace(f"<{name}>", value)
    assert "<" not in path, rule
    return path.replace("/problems/residence", "/problems/not_found")


def call(client: FlaskClient, method: str, path: str, headers: dict[str, str]) -> TestResponse:
    """Send a body that every operation refuses as wrong, so that a granted cell does nothing either."""
    body: dict[str, Any] = {} if method == "GET" else {"json": {"no_such_field": 1}}
    conditions = {"If-Match": '"v1"'} if method in ("PATCH", "DELETE") else {}
    whole = {"Idempotency-Key": "k", **conditions, **headers}
    return client.open(path, method=method, headers=whole, buffered=True, **body)


def expected(access: Access, caller: CitizenPhone | None) -> tuple[int, str] | None:
    """Return the refusal that the matrix asks for, None where the caller may."""
    if access is None:
        return None
    if isinstance(access, str):
        return 401, "desk_key_missing"
    if caller is None:
        return 401, "missing_token"
    account_level, auth_level, role = access
    roles = frozenset({role}) if isinstance(role, StaffRole) else role
    if roles is not None and caller.persona.staff_role not in roles:
        return 403, "not_allowed"
    if caller.tokens["account_level"] < account_level:
        return 403, "level_too_low"
    if caller.tokens["auth_level"] < auth_level:
        return 401, "step_up_required"
    return None


def test_matrix_names_every_route_and_no_other(client: FlaskClient) -> None:
    assert cells(client.application) == set(MATRIX)


def test_every_operation_is_declared_as_the_matrix_says(client: FlaskClient) -> None:
    declared = {}
    for rule in client.application.url_map.iter_rules():
        if rule.endpoint in DECLARED:
            operation = DECLARED[rule.endpoint]
            assert operation.path == rule.rule
            assert operation.method in (rule.methods or set())
            level = operation.account_level
            access: Access = None if level is None else (level, operation.auth_level, operation.role)
            if operation.credential is not None:
                assert level is None
                access = operation.credential.role
            declared[operation.method, operation.path] = access
    assert declared == {cell: access for cell, access in MATRIX.items() if cell not in PLAIN}
    assert all(MATRIX[cell] is ANYONE for cell in PLAIN)


@pytest.mark.parametrize("caller", CALLERS)
def test_every_cell_answers_as_the_matrix_says(
    client: FlaskClient, phone_of: Make, unchanged: Unchanged, subtests: pytest.Subtests, caller: str
) -> None:
    signs_in = CALLERS[caller]
    phone = None if signs_in is None else phone_of(signs_in[0], password=signs_in[1])
    refusals = {cell: expected(access, phone) for cell, access in MATRIX.items()}
    with unchanged():
        for (method, rule), refusal in refusals.items():
            if refusal is not None:
                with subtests.test(method=method, rule=rule):
                    assert_refused(call(client, method, path_of(rule), phone.headers if phone else {}), *refusal)
    granted = [cell for cell, refusal in refusals.items() if refusal is None]
    for method, rule in sorted(granted, key=lambda cell: (cell[0] == "DELETE", cell)):
        if method == "DELETE" and phone is not None and signs_in is not None:
            phone.sign_in(password=signs_in[1])  # signing out is granted, and ends the session
        with subtests.test(method=method, rule=rule):
            response = call(client, method, path_of(rule), phone.headers if phone else {})
            assert response.status_code not in (401, 403, 405), response.text
            assert response.status_code < 500


def test_a_browser_is_refused_what_the_phone_alone_may(phone_of: Make, unchanged: Unchanged) -> None:
    assert {(each.method, each.path) for each in DECLARED.values() if each.device} == ON_THE_PHONE
    browser = Browser(phone_of("an")).register().sign_in()
    headers = {"Authorization": f"Bearer {browser.tokens['access_token']}"}
    with unchanged():
        for method, rule in sorted(ON_THE_PHONE):
            assert_refused(call(browser.client, method, path_of(rule), headers), 403, "device_needed")


def test_refusal_comes_before_anything_is_read(client: FlaskClient, phone_of: Make, unchanged: Unchanged) -> None:
    """Whoever may not is not told what the body should have been, nor whether the thing exists."""
    citizen = phone_of("an")
    document = citizen.issue_residence()
    with unchanged():
        for target in (document, EXAMPLES["document_id"]):
            for body in ({}, {"reason": "fraud"}, {"reason": "no_such_reason"}, None):
                response = citizen.post(f"/v1/admin/documents/{target}/revocation", body)
                assert_refused(response, 403, "not_allowed")
        for code in ("residence", "no_such_utility"):
            assert_refused(citizen.get(f"/v1/admin/utilities/{code}"), 403, "not_allowed")
            patch = citizen.call("PATCH", f"/v1/admin/utilities/{code}", json={"state": "off", "reason": "because"})
            assert_refused(patch, 403, "not_allowed")


def test_every_route_with_an_id_hides_what_is_anothers(
    client: FlaskClient, phone_of: Make, unchanged: Unchanged, subtests: pytest.Subtests
) -> None:
    owner = phone_of("an")
    made = owner.post("/v1/requests", {"utility": "residence"}).json
    stranger = phone_of("sau")
    own_routes = [
        cell
        for cell, access in MATRIX.items()
        # What is posted below an id is refused for its body first; its own tests hold it.
        if access and access != VERIFIER and access[2] is None and cell[1].rpartition("_id>")[1] and cell[0] != "POST"
        if cell not in OF_DRAFTS | OF_PAPERS | OF_COPIES | OF_PRESENTING
    ]
    own_routes.sort(key=lambda cell: "<device_id>" in cell[1])  # taking one's device away ends everything
    assert len(own_routes) >= 5
    with owner.wallet.work() as work:
        work.contacts.tell(owner.get("/v1/me").json["account_id"], "export_made")
    notice = owner.get("/v1/notices").json["data"][0]
    ids = {"request_id": made["id"], "document_id": made["document_id"], "notice_id": notice["id"]}
    wrong: dict[str, Any] = {"register": "population", "fact": "sex", "should_be": "Nữ", "explanation": "Ghi nhầm."}
    wrong["evidence"] = [{"media_type": "application/pdf", "content": "JVBERi0xLjQK"}]
    correction = owner.post("/v1/me/corrections", wrong).json
    ids |= {"correction_id": correction["id"], "evidence_id": correction["evidence"][0]["id"]}
    ids |= {"session_id": phone_of("an").tokens["session_id"], "passkey_id": Browser(owner).register().passkey_id}
    owner.step_up(2)
    desk = Desk.open(owner.wallet, client)
    presented = [present(owner, desk, made["document_id"]).json for _ in range(2)]
    ids |= {"presentation_id": presented[0]["id"], "consent_id": presented[1]["consent_id"]}
    asking = AskingPhone(owner.wallet, client)
    ids |= {"device_id": owner.own.device_id, "ceremony_id": asking.begin("binding", owner.persona.number)["id"]}
    for method, rule in own_routes:
        with subtests.test(rule=rule):
            bodies = []
            for chosen in (ids, {}):
                with unchanged():
                    response = call(client, method, path_of(rule, **chosen), stranger.headers)
                body = assert_refused(response, 404, "not_found")
                bodies.append({name: value for name, value in body.items() if name not in ("request_id", "instance")})
            assert bodies[0] == bodies[1]
            granted = call(client, method, path_of(rule, **ids), owner.headers)
            # A certificate of residence has no form of FHIR; its own tests hold what a document of health answers.
            assert granted.status_code in ((404,) if rule.endswith("/fhir") else (200, 204))


def test_an_admin_is_no_holder_of_what_a_citizen_holds(phone_of: Make, unchanged: Unchanged) -> None:
    document = phone_of("an").issue_residence()
    admin = phone_of("admin1")
    with unchanged():
        for tail in ("", "/code.txt", "/code.svg", "/code.png", "/fhir"):
            assert_refused(admin.get(f"/v1/documents/{document}{tail}"), 404, "not_found")
        assert admin.get("/v1/documents").json == {"data": [], "next_cursor": None}


def test_lists_hold_own_rows_only(phone_of: Make) -> None:
    documents = {key: phone_of(key).issue_residence() for key in ("an", "sau")}
    for key, document in documents.items():
        phone = phone_of(key)
        for limit in (1, 2, 100):
            rows = phone.get(f"/v1/documents?limit={limit}").json["data"]
            assert [row["id"] for row in rows] == [document]
            rows = phone.get(f"/v1/requests?limit={limit}").json["data"]
            assert [row["document_id"] for row in rows] == [document]


def test_options_and_head_do_nothing(client: FlaskClient, unchanged: Unchanged) -> None:
    """OPTIONS tells the methods of an address to anyone, all and no other; HEAD is a GET without its body."""
    with unchanged():
        for method, rule in MATRIX:
            response = client.options(path_of(rule))
            assert response.status_code == 200
            methods = {each for each, other in MATRIX if other == rule} | {"OPTIONS"}
            methods |= {"HEAD"} if "GET" in methods else set()
            assert {each.strip() for each in response.headers["Allow"].split(",")} == methods, rule
            assert response.data == b""
            if method == "GET":
                head, whole = (client.open(path_of(rule), method=each, buffered=True) for each in ("HEAD", "GET"))
                assert (head.status_code, head.data) == (whole.status_code, b""), rule
