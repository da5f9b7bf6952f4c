"""Calls between machines that a shared secret signs: ours to others, and others' to us.

Source: Standard Webhooks, version 1 (HMAC-SHA256 over id, time and body; the library signs, here it is judged by the
wallet's own clock).
"""

import hmac
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from standardwebhooks import Webhook

from wallet.errors import ConfigurationError, NotAllowed

TOLERANCE = timedelta(minutes=5)
MOST_SIGNATURES = 8
MEND = "wallet config show"
_SECRET = re.compile(r"whsec_[A-Za-z0-9+/]{32,86}={0,2}")
_ID = re.compile(r"[!-~]{1,128}")
_SECONDS = re.compile(r"[0-9]{1,11}")


@dataclass(frozen=True, slots=True)
class SignedCall:
    """A call whose signature was judged. id: the caller's own for what it tells, the same however often it is told."""

    id: str
    at: datetime


def signed_headers(secrets: Sequence[str], message_id: str, at: datetime, body: str) -> dict[str, str]:
    """Return the headers of a signed call. secrets: each signs, so that a receiver may change over."""
    signatures = [Webhook(secret).sign(message_id, at, body) for secret in secrets]
    return {
        "content-type": "application/json",
        "user-agent": "ViSo-Webhooks/1",
        "webhook-id": message_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": " ".join(signatures),
    }


def judge_signed(secrets: Sequence[str], headers: Mapping[str, str], body: bytes, now: datetime) -> SignedCall:
    """Return whose word it is: that of whoever has one of the secrets, given at most TOLERANCE ago.

    headers: by their names in lower case. Raises NotAllowed("call_not_signed"), and never says why.
    """
    call_id, seconds = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    given = headers.get("webhook-signature", "").split(" ")
    if not _ID.fullmatch(call_id) or not _SECONDS.fullmatch(seconds) or len(given) > MOST_SIGNATURES:
        raise NotAllowed("call_not_signed")
    try:
        at, text = datetime.fromtimestamp(int(seconds), UTC), body.decode()
    except (ValueError, OverflowError, OSError) as error:
        raise NotAllowed("call_not_signed") from error
    expected = [Webhook(secret).sign(call_id, at, text).encode() for secret in secrets]
    signed = [hmac.compare_digest(each, one.encode("utf-8", "replace")) for each in expected for one in given]
    if not any(signed) or abs(now - at) > TOLERANCE:
        raise NotAllowed("call_not_signed")
    return SignedCall(call_id, at)


def read_secrets(path_of_file: str, setting: str, *, most: int) -> tuple[str, ...]:
    """Return the secrets of a file, one a line, the one in use first. Raises ConfigurationError naming the setting."""
    path = Path(path_of_file)
    if not path_of_file or not path.is_file():
        raise ConfigurationError(f"{setting}: a file with the secret is needed", mend=MEND)
    if path.stat().st_mode & 0o077:
        raise ConfigurationError(f"{path} is readable by others (chmod 600 {path})", mend=MEND)
    secrets = tuple(path.read_text(encoding="utf-8").strip().splitlines())
    if not 1 <= len(secrets) <= most or any(_SECRET.fullmatch(secret) is None for secret in secrets):
        raise ConfigurationError(f"{path} holds no secret: whsec_ and 24 to 64 bytes in base64 are needed", mend=MEND)
    return secrets
