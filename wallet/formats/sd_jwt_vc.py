"""SD-JWT VC: an SD-JWT that is a verifiable credential. Which claims it has, which of them nobody may hide.

Source: draft-ietf-oauth-sd-jwt-vc-19; RFC 9901; Token Status List draft-21, section 6.2.
"""

import base64
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec

from wallet.crypto.certificates import MAX_CERTIFICATE_BYTES
from wallet.crypto.signing import Signer
from wallet.errors import Malformed, VerificationFailed
from wallet.formats import sd_jwt
from wallet.formats.claims_set import StatusReference, read_status, status_claim
from wallet.formats.compact_values import seconds_of
from wallet.formats.hiding import Hidden
from wallet.formats.key_binding import Binding, Demand
from wallet.formats.revealing import Path, Revealed

TYP = "dc+sd-jwt"
MEDIA_TYPE = "application/dc+sd-jwt"
LEEWAY_SECONDS = 60
MAX_CHAIN = 4

NEVER_HIDDEN = frozenset({"iss", "nbf", "exp", "cnf", "vct", "vct#integrity", "aka_vcts", "status"})
"""What a verifier judges by: a holder who could leave one of these out would decide what counts.

Source: draft-ietf-oauth-sd-jwt-vc-19, registered JWT claims: none of them, and no part of one.
"""

NOT_A_CLAIM = NEVER_HIDDEN | {"iat", "sub", "aud", "jti", "_sd", "_sd_alg", "..."}
"""Names that mean something else here: no claim of a document can have one."""


@dataclass(frozen=True, slots=True)
class Credential:
    """What an SD-JWT VC says besides its claims. vct, integrity: its type, and the hash of what that address serves.

    holder_key: the holder's P-256 key as a JWK, None when it is bound to nobody.
    """

    issuer: str
    vct: str
    integrity: str
    issued_at: datetime
    expires_at: datetime
    holder_key: Mapping[str, str] | None
    status: StatusReference | None


@dataclass(frozen=True, slots=True)
class VerifiedCredential:
    """An SD-JWT VC by a known key. Times in seconds since 1970-01-01 UTC.

    audience: whom it is meant for, None when for everybody. claims: what was shown, without the registered ones.
    status: where it stands, None when it names none. other_status: it names another mechanism instead. bound: its
    holder proved to have the key in `cnf`.
    """

    issuer: str | None
    vct: str
    integrity: str | None
    issued_at: int | None
    not_before: int | None
    expires_at: int | None
    audience: tuple[str, ...] | None
    claims: Mapping[str, Any]
    status: StatusReference | None
    other_status: bool
    bound: bool = False

    def faults_of_dates(self, now: datetime) -> tuple[str, ...]:
        """Return `not_yet_valid` or `expired` where that is so now, give or take a minute. Source: RFC 7519, 4.1."""
        moment = now.timestamp()
        begins = [begin for begin in (self.issued_at, self.not_before) if begin is not None]
        early = any(begin > moment + LEEWAY_SECONDS for begin in begins)
        late = self.expires_at is not None and moment >= self.expires_at + LEEWAY_SECONDS
        return (("not_yet_valid",) if early else ()) + (("expired",) if late else ())

    def is_for(self, audience: str | None) -> bool:
        """Return whether a verifier of this name, None for one that has none, may take it. Source: RFC 7519, 4.1.3."""
        return self.audience is None or audience in self.audience


def integrity_of(content: bytes) -> str:
    """Return the integrity metadata of a type's metadata, as it is served. Source: W3C SRI, section 3.1."""
    return "sha256-" + base64.b64encode(hashlib.sha256(content).digest()).decode("ascii")


def sign_credential(credential: Credential, hidden: Hidden, signer: Signer) -> str:
    """Return the SD-JWT VC with every disclosure, as its holder gets it.

    `x5c` holds the signer's certificate and not the root's: a reader has that or trusts nothing (RFC 7515, 4.1.6).
    Raises Malformed when a name cannot be a claim's. Source: draft-ietf-oauth-sd-jwt-vc-19, data format.
    """
    if hidden.names & NOT_A_CLAIM:
        raise Malformed("a claim cannot have this name")
    plain: dict[str, Any] = {
        "iss": credential.issuer,
        "iat": seconds_of(credential.issued_at),
        "exp": seconds_of(credential.expires_at),
        "vct": credential.vct,
        "vct#integrity": credential.integrity,
    }
    if credential.holder_key is not None:
        plain["cnf"] = {"jwk": dict(credential.holder_key)}
    if credential.status is not None:
        plain["status"] = status_claim(credential.status)
    certificate = base64.b64encode(signer.certificate_der).decode("ascii")
    header = {"kid": signer.kid, "x5c": [certificate]}
    return sd_jwt.sign_sd_jwt(plain, hidden, signer, typ=TYP, header=header)


def parse_credential(text: str) -> sd_jwt.UnverifiedSdJwt:
    """Return the SD-JWT VC that `text` is, unverified; refusals are those of `sd_jwt.parse_sd_jwt`."""
    return sd_jwt.parse_sd_jwt(text, typ=TYP)


def certificate_chain(read: sd_jwt.UnverifiedSdJwt) -> tuple[bytes, ...]:
    """Return the certificates in `x5c` as DER, the signer's first; none when there are none. Nothing vouches for them.

    Raises Malformed. Source: RFC 7515, section 4.1.6.
    """
    chain = read.header.get("x5c", [])
    if not isinstance(chain, list) or len(chain) > MAX_CHAIN or ("x5c" in read.header and not chain):
        raise Malformed("x5c is no chain of certificates")
    return tuple(_der(certificate) for certificate in chain)


def verify_credential(
    read: sd_jwt.UnverifiedSdJwt,
    public_key: ec.EllipticCurvePublicKey,
    now: datetime,
    *,
    demand: Demand | None = None,
) -> VerifiedCredential:
    """Return what was shown of an SD-JWT VC, if it counts now.

    public_key: that of the issuer, found and vouched for by another way. demand: whom and what it must be bound to;
    None when this verifier demands no binding, whatever came with it. Raises VerificationFailed: `bad_signature`,
    `not_yet_valid`, `expired`, `policy_refused` (it names an `aud`, and not this verifier's), and those of
    `verify_key_binding`; Malformed for all else of RFC 9901, section 7, and
    for a claim of `NEVER_HIDDEN` that was hidden. The status is for the caller, who has the lists.
    Source: RFC 9901, section 7.3; draft-ietf-oauth-sd-jwt-vc-19, verification and processing.
    """
    verified = read.verify(public_key)
    found = credential_of(verified)
    for fault in found.faults_of_dates(now):
        raise VerificationFailed(fault)
    if not found.is_for(None if demand is None else demand.audience):
        raise VerificationFailed("policy_refused", "meant for another audience")
    if demand is None:
        return found
    verified.verify_key_binding(demand, now)
    return replace(found, bound=True)


def credential_of(verified: sd_jwt.VerifiedSdJwt) -> VerifiedCredential:
    """Return what an SD-JWT VC says, whether it counts now or not.

    Raises Malformed when a claim of `NEVER_HIDDEN` was hidden, or a registered one is missing or of another type.
    Source: draft-ietf-oauth-sd-jwt-vc-19, JWT claims set.
    """
    _refuse_hidden(verified.revealed)
    claims = verified.revealed.claims
    vct, issuer, integrity = claims.get("vct"), claims.get("iss"), claims.get("vct#integrity")
    if not isinstance(vct, str) or not vct:
        raise Malformed("no vct")
    if not isinstance(issuer, str | None) or not isinstance(integrity, str | None):
        raise Malformed("iss or vct#integrity is of another type")
    status, other_status = read_status(claims["status"]) if "status" in claims else (None, False)
    return VerifiedCredential(
        issuer=issuer,
        vct=vct,
        integrity=integrity,
        issued_at=_time(claims, "iat"),
        not_before=_time(claims, "nbf"),
        expires_at=_time(claims, "exp"),
        audience=_audience(claims),
        claims={name: value for name, value in claims.items() if name not in NOT_A_CLAIM},
        status=status,
        other_status=other_status,
    )


def present_credential(text: str, wanted: Iterable[Path], binding: Binding | None = None) -> str:
    """Return what a holder shows of an SD-JWT VC (`sd_jwt.present`)."""
    return sd_jwt.present(text, wanted, typ=TYP, binding=binding)


def _refuse_hidden(revealed: Revealed) -> None:
    for place in revealed.places:
        if place.path[0] in NEVER_HIDDEN:
            raise Malformed(f"{place.path[0]} was hidden, which its holder could leave out")


def _audience(claims: Mapping[str, Any]) -> tuple[str, ...] | None:
    if "aud" not in claims:
        return None
    named = claims["aud"] if isinstance(claims["aud"], list) else [claims["aud"]]
    if not all(isinstance(name, str) for name in named):
        raise Malformed("aud is of another type")
    return tuple(named)


def _time(claims: Mapping[str, Any], name: str) -> int | None:
    if name not in claims:
        return None
    found = claims[name]
    if found.__class__ is not int:
        raise Malformed(f"{name} is of another type")
    return int(found)


def _der(text: Any) -> bytes:
    if not isinstance(text, str) or len(text) > 2 * MAX_CERTIFICATE_BYTES:
        raise Malformed("a certificate is missing or of another type")
    try:
        return base64.b64decode(text, validate=True)
    except ValueError as error:
        raise Malformed("a certificate that is not base64") from error
