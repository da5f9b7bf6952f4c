"""Key binding: who shows an SD-JWT has the key that it was issued to, and shows it here and now.

Source: RFC 9901, sections 4.3 and 7.3 (5).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from wallet.crypto import jws
from wallet.crypto.jwk import key_of_jwk
from wallet.errors import Malformed, VerificationFailed
from wallet.formats.compact_values import seconds_of
from wallet.formats.disclosures import digest_of

TYP = "kb+jwt"
MAX_CHARACTERS = 8_192
LEEWAY_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Demand:
    """What a verifier demands of a presentation. audience: its own name. nonce: given out once, for this presentation.

    max_age: between signing and now, without the leeway of 60 s.
    """

    audience: str
    nonce: str
    max_age: timedelta = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Binding:
    """How a holder binds what is shown. holder: has the key in `cnf`. audience, nonce: the verifier's."""

    holder: jws.Signs
    audience: str
    nonce: str
    now: datetime


def bind(sd_jwt: str, binding: Binding, *, algorithm: str) -> str:
    """Return the SD-JWT+KB: what is shown, and the holder's signature over exactly that.

    sd_jwt: ends with `~`. algorithm: the hash of its digests. Source: RFC 9901, sections 4.3 and 4.3.1.
    """
    claims = {
        "iat": seconds_of(binding.now),
        "aud": binding.audience,
        "nonce": binding.nonce,
        "sd_hash": digest_of(sd_jwt, algorithm),
    }
    return sd_jwt + jws.sign(claims, binding.holder, typ=TYP)


def parse_key_binding(token: str) -> jws.UnverifiedJws:
    """Return the KB-JWT that `token` is, unverified; refusals are those of `jws.parse`. Source: RFC 9901, 4.3."""
    return jws.parse(token, typ=TYP, max_characters=MAX_CHARACTERS)


def verify_key_binding(
    token: jws.UnverifiedJws | None, sd_jwt: str, confirmation: Any, demand: Demand, now: datetime, *, algorithm: str
) -> None:
    """Return if the holder bound this presentation to what is demanded.

    token: None when none came. sd_jwt: what was shown, up to and with its last `~`. confirmation: the claim `cnf`.
    Raises VerificationFailed: `device_mismatch` (no KB-JWT, no key in `cnf`, another's signature, made for something
    else than what is shown), `live_too_old`, `live_from_future`, `wrong_gate` (another audience or nonce); Malformed
    when a claim is missing or of another type. Source: RFC 9901, section 7.3 (5).
    """
    if token is None:
        raise VerificationFailed("device_mismatch", "no KB-JWT, and one is demanded")
    if not isinstance(confirmation, Mapping) or not isinstance(confirmation.get("jwk"), Mapping):
        raise VerificationFailed("device_mismatch", "issued to no key")
    try:
        claims = token.verify(key_of_jwk(confirmation["jwk"]))
    except VerificationFailed as error:
        raise VerificationFailed("device_mismatch", "the KB-JWT is not by the key in cnf") from error
    issued_at = _time(claims, "iat")
    audience, nonce, sd_hash = (_text(claims, name) for name in ("aud", "nonce", "sd_hash"))
    moment = now.timestamp()
    if issued_at > moment + LEEWAY_SECONDS or ("nbf" in claims and _time(claims, "nbf") > moment + LEEWAY_SECONDS):
        raise VerificationFailed("live_from_future", "the KB-JWT was made in the future")
    end = issued_at + demand.max_age.total_seconds()
    if "exp" in claims:
        end = min(end, _time(claims, "exp"))
    if moment >= end + LEEWAY_SECONDS:
        raise VerificationFailed("live_too_old", "the KB-JWT was made long ago")
    if audience != demand.audience:
        raise VerificationFailed("wrong_gate", "the KB-JWT is for another audience")
    if nonce != demand.nonce:
        raise VerificationFailed("wrong_gate", "the KB-JWT has another nonce")
    if sd_hash != digest_of(sd_jwt, algorithm):
        raise VerificationFailed("device_mismatch", "the KB-JWT is for something else than what is shown")


def _text(claims: Mapping[str, Any], name: str) -> str:
    found = claims.get(name)
    if not isinstance(found, str):
        raise Malformed(f"{name} of the KB-JWT is missing or of another type")
    return found


def _time(claims: Mapping[str, Any], name: str) -> int:
    found = claims.get(name)
    if found.__class__ is not int:
        raise Malformed(f"{name} of the KB-JWT is missing or of another type")
    return int(found)
