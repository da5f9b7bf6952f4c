"""What a bundle tells of the keys that sign it, and the status lists, a second time: each by its pin, with its state.

`"second_keys": [ { "pin", "alg": "ML-DSA-65", "role": "bundle"|"status", "not_before", "not_after", "state" } ]`
stands beside the members of docs/wire.md, section 4, and is absent where nothing is signed twice. The certificate comes
with the signature: its digest suffices. Source: docs/decisions/0025.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from wallet.errors import Malformed, VerificationFailed

MEMBER = "second_keys"
BUNDLE_TWICE, STATUS_TWICE = "bundle", "status"
STATES = ("published", "active", "retired", "revoked")
_TIMES = ("not_before", "not_after")
_PIN = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class SecondKey:
    """One second key. pin: lower-case hex SHA-256 over its certificate. Times: when it may sign, in seconds."""

    pin: str
    alg: str
    role: str
    not_before: int
    not_after: int
    state: str


def second_keys_json(keys: Iterable[SecondKey]) -> list[dict[str, Any]]:
    """Return the member of a bundle."""
    return [asdict(key) for key in keys]


def read_second_keys(payload: Mapping[str, Any]) -> tuple[SecondKey, ...]:
    """Return what a bundle's payload tells of second keys, nothing where it is silent. Raises Malformed."""
    told = payload.get(MEMBER, [])
    if not isinstance(told, list):
        raise Malformed(f"{MEMBER} is of another type")
    keys = tuple(_second_key(item) for item in told)
    if len({key.pin for key in keys}) != len(keys):
        raise Malformed("a second key stands there twice")
    return keys


def refuse_second_key(pin: str, signed: Mapping[str, Any], held: Mapping[str, Any]) -> None:
    """Return unless a bundle that the second key of this pin signed, or the one held before it, says it does not count.

    signed, held: their payloads. One that does not name the key says nothing against it. Of the one held only that the
    key is revoked still counts, for that is final; its dates may have changed since.
    Raises VerificationFailed("key_not_allowed"), Malformed.
    """
    own, before = ([k for k in read_second_keys(payload) if k.pin == pin] for payload in (signed, held))
    issued_at = signed.get("iat")
    if issued_at.__class__ is not int:
        raise Malformed("iat is missing or of another type")
    if any(key.state == "revoked" for key in (*own, *before)):
        raise VerificationFailed("key_not_allowed", "the second key is revoked")
    if any(key.role != BUNDLE_TWICE for key in own):
        raise VerificationFailed("key_not_allowed", "the second key is not one for bundles")
    if any(not key.not_before <= issued_at <= key.not_after for key in own):
        raise VerificationFailed("key_not_allowed", "signed outside the time of the second key")


def _second_key(item: Any) -> SecondKey:
    if not isinstance(item, dict):
        raise Malformed("a second key is no object")
    members: dict[str, Any] = {each.name: item.get(each.name) for each in fields(SecondKey)}
    if any(value.__class__ is not (int if name in _TIMES else str) for name, value in members.items()):
        raise Malformed("a member of a second key is missing or of another type")
    key = SecondKey(**members)
    if not _PIN.fullmatch(key.pin) or key.state not in STATES:
        raise Malformed("a second key has one pin and one state")
    return key
