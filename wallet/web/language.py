"""The caller's language: Vietnamese unless they ask for English (RFC 9110, section 12.5.4)."""

from flask import has_request_context, request

from wallet.texts.catalogue import LANGUAGES


def caller_language() -> str:
    """Return `vi` or `en`."""
    if not has_request_context() or not request.headers.get("Accept-Language"):
        return LANGUAGES[0]
    return request.accept_languages.best_match(LANGUAGES, default=LANGUAGES[0]) or LANGUAGES[0]
