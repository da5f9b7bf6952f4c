"""What was stated in an application: kept sealed, under the deployment's key and the application's id."""

import base64
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from wallet.crypto.sealing import seal, unseal
from wallet.entropy import Entropy
from wallet.errors import InvalidInput

_DAY = re.compile(r"[0-9]{4}(-[0-9]{2}-[0-9]{2})?")


@dataclass(frozen=True, slots=True)
class Forms:
    """Seals forms and opens them."""

    secret: bytes = field(repr=False)
    entropy: Entropy

    def seal(self, application_id: str, form: Mapping[str, Any]) -> bytes:
        plain = json.dumps(form, ensure_ascii=False).encode()
        return seal(self.secret, plain, application_id, self.entropy)

    def open(self, application_id: str, sealed: bytes) -> dict[str, Any]:
        """Return what was sealed. Raises Malformed when it was sealed for another application."""
        form: dict[str, Any] = json.loads(unseal(self.secret, sealed, application_id))
        return form


def checked_birth(text: str, pointer: str = "/birth_date") -> str:
    """Return a day of birth as it is stored: `YYYY-MM-DD`, or `YYYY`. Raises InvalidInput("invalid_format")."""
    try:
        if not _DAY.fullmatch(text):
            raise ValueError(text)
        date.fromisoformat(text if len(text) > len("YYYY") else f"{text}-01-01")
    except ValueError as error:
        raise InvalidInput({pointer: "invalid_format"}) from error
    return text


def sample_bytes(text: str, pointer: str) -> bytes:
    """Return the bytes of a capture in base64url without padding (RFC 4648, section 5).

    Raises InvalidInput(pointer: "invalid_sample").
    """
    if not re.fullmatch(r"[A-Za-z0-9_-]+", text) or len(text) % 4 == 1:
        raise InvalidInput({pointer: "invalid_sample"})
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
