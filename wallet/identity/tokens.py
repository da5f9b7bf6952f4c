"""The session tokens, and the only place that makes or reads one.

Every caller says which kind it expects; each kind has its own key, `typ`, audience and longest life, so that
one can never stand in for another (RFC 8725, sections 3.8 to 3.12; RFC 9068 for the access token).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Any

from cryptography.x509 import load_der_x509_certificate
from joserfc.jwk import ECKey

from wallet.crypto import jws
from wallet.crypto.keyring import State
from wallet.crypto.keystore import Keystore, Role
from wallet.crypto.signing import Signer
from wallet.errors import Malformed, NotAuthenticated
from wallet.identity.compact_jws import as_key, is_text, is_time, parse, verify
from wallet.terms import AccountLevel, AuthLevel, StaffRole

_HEADER = frozenset({"alg", "typ", "kid"})


class TokenKind(Enum):
    """What a token is for. Each value: `type` claim, header `typ`, key role, audience path, longest life."""

    ACCESS = ("access", "at+jwt", Role.ACCESS, "/v1", timedelta(minutes=15))
    REFRESH = ("refresh", "viso-refresh+jwt", Role.REFRESH, "/v1/sessions/refresh", timedelta(days=90))

    def __init__(self, type_: str, typ: str, role: Role, path: str, longest: timedelta) -> None:
        self.type = type_
        self.typ = typ
        self.role = role
        self.path = path
        self.longest_seconds = int(longest.total_seconds())


@dataclass(frozen=True, slots=True)
class _Keys:
    """The keys that may have signed, by kind and kid. epoch: of the keystore of which they were taken."""

    epoch: tuple[int, int]
    known: Mapping[TokenKind, Mapping[str, ECKey]]


class TokenCodec:
    """Makes and reads session tokens; built once per process."""

    def __init__(self, keystore: Keystore, issuer_url: str) -> None:
        self._issuer = issuer_url
        self._keystore = keystore
        self._keys = self._taken()

    def audience(self, kind: TokenKind) -> str:
        return self._issuer + kind.path

    def encode(self, kind: TokenKind, claims: Mapping[str, Any]) -> str:
        """Return a signed token. `claims`: sub, jti, iat, exp and what the kind adds; the rest is set here."""
        signer = self._keystore.signer(kind.role)
        payload = {**claims, "iss": self._issuer, "aud": self.audience(kind), "type": kind.type}
        if not self._is_well_formed(kind, payload):
            raise ValueError(f"no {kind.type} token is made of this")
        return jws.sign(payload, signer, typ=kind.typ, header={"kid": signer.kid})

    def decode(self, kind: TokenKind, token: str, now: datetime, leeway: timedelta) -> dict[str, Any]:
        """Return the claims of a token that is all it should be.

        leeway: how far clocks may differ: a token is still taken until `exp` + leeway (exclusive), and `iat`
        may lie up to leeway ahead. Raises NotAuthenticated("token_expired"), and for everything else
        NotAuthenticated("invalid_token").
        """
        try:
            unverified = parse(token, typ=kind.typ, members=_HEADER)
            kid = unverified.header["kid"]
            # Looked up among the few that are known: a kid is never a path, a query or an address.
            key = self._known(kind).get(kid) if isinstance(kid, str) else None
            if key is None:
                raise Malformed("unknown kid")
            claims = dict(verify(unverified, key))
        except Malformed as error:
            raise NotAuthenticated("invalid_token") from error
        if not self._is_well_formed(kind, claims) or claims["iat"] > (now + leeway).timestamp():
            raise NotAuthenticated("invalid_token")
        if now.timestamp() >= claims["exp"] + leeway.total_seconds():
            raise NotAuthenticated("token_expired")
        return claims

    def _known(self, kind: TokenKind) -> Mapping[str, ECKey]:
        if self._keys.epoch != self._keystore.epoch:
            self._keys = self._taken()
        return self._keys.known[kind]

    def _taken(self) -> _Keys:
        epoch = self._keystore.epoch
        known = {
            kind: {
                key.record.kid: _public_key(key.signer)
                for key in self._keystore.keys(kind.role)
                if key.record.state != State.REVOKED
            }
            for kind in TokenKind
        }
        return _Keys(epoch, known)

    def _is_well_formed(self, kind: TokenKind, claims: Mapping[str, Any]) -> bool:
        issued, expires = claims.get("iat"), claims.get("exp")
        return (
            claims.get("iss") == self._issuer
            and claims.get("aud") == self.audience(kind)
            and claims.get("type") == kind.type
            and all(is_text(claims.get(name), 128) for name in ("sub", "jti", "sid", "dev"))
            and isinstance(issued, int)
            and isinstance(expires, int)
            and is_time(issued)
            and is_time(expires)
            and 0 < expires - issued <= kind.longest_seconds
            and (kind is not TokenKind.ACCESS or _has_access_claims(claims))
        )


def to_seconds(moment: datetime) -> int:
    """Return whole seconds since 1970, rounded down (RFC 7519, section 2: NumericDate)."""
    return int(moment.timestamp())


def from_seconds(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _has_access_claims(claims: Mapping[str, Any]) -> bool:
    account_level, auth_level, roles = (claims.get(name) for name in ("account_level", "auth_level", "roles"))
    binding = claims.get("cnf")
    return (
        type(account_level) is int
        and account_level in set(AccountLevel)
        and type(auth_level) is int
        and auth_level in set(AuthLevel)
        and isinstance(roles, list)
        and all(isinstance(role, str) and role in set(StaffRole) for role in roles)
        and is_time(claims.get("auth_time"))
        and ("cnf" not in claims or (isinstance(binding, dict) and set(binding) == {"jkt"} and is_text(binding["jkt"])))
    )


def _public_key(signer: Signer) -> ECKey:
    return as_key(load_der_x509_certificate(signer.certificate_der).public_key())
