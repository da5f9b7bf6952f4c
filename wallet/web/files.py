"""Files that come in a JSON body as base64, and go out for saving alone."""

import base64

from flask import Response, current_app
from marshmallow import ValidationError

from wallet.errors import InvalidInput
from wallet.evidence import SUFFIXES, cleaned
from wallet.web.answers import PRIVATE

MAX_CONTENT = 1_500_000
"""Characters of one file in base64; more is over a mebibyte in any case."""


def decoded(media_type: str, content: str) -> bytes:
    """Return a file as it is stored. For a schema's post_load, so before any transaction is open.

    Raises ValidationError("content": "not_base64", or what `wallet.evidence.cleaned` refuses it for).
    """
    try:
        plain = base64.b64decode(content, validate=True)
    except ValueError as error:
        raise ValidationError({"content": ["not_base64"]}) from error
    try:
        return cleaned(media_type, plain)
    except InvalidInput as error:
        raise ValidationError({"content": list(error.fields.values())}) from error


def attached(media_type: str, content: bytes, file_id: str) -> Response:
    """Return a file for saving: a browser shows nothing of it, whatever it holds."""
    response = current_app.response_class(content, mimetype="application/octet-stream")
    response.headers["Cache-Control"] = PRIVATE
    response.headers["Content-Disposition"] = f'attachment; filename="{file_id}{SUFFIXES[media_type]}"'
    return response
