"""Consent to an account: to which text it was given, and that the text said what the law asks of it.

Source: Law 91/2025/QH15: data kinds, purposes, controller and rights are told before, and silence is no consent
(docs/domain.md, section 6.4).
"""

from collections.abc import Sequence

from wallet.errors import InvalidInput

VERSIONS = ("2026-01",)
"""Of the text that is shown, the present one first. A former one stays while apps that show it are in use."""

STATEMENTS = ("data_kinds", "purposes", "controller", "rights")
"""What an officer confirms to have told."""


def check_consent(given: bool, version: str, pointer: str, version_pointer: str) -> None:
    """Return if consent was given to a text that is in force. Pointers: where the two stand in the request.

    Raises InvalidInput: "consent_required", "consent_version_unknown".
    """
    if not given:
        raise InvalidInput({pointer: "consent_required"})
    if version not in VERSIONS:
        raise InvalidInput({version_pointer: "consent_version_unknown"})


def check_told(statements: Sequence[str], pointer: str) -> None:
    """Return if everything was told that has to be. Raises InvalidInput("statements_missing")."""
    if set(statements) != set(STATEMENTS):
        raise InvalidInput({pointer: "statements_missing"})
