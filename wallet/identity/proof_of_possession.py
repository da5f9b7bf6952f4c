"""DPoP: a request carries proof that its sender has the key that its token names (RFC 9449).

A stolen token alone is then worth nothing. Refreshing always needs such a proof, by the key of the session's
device; an access token needs one when its client asked for that at sign-in.
"""

import hmac
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from urllib.parse import unquote, urlsplit

from wallet.crypto.jws import b64url_encode
from wallet.errors import Malformed, NotAuthenticated
from wallet.identity.compact_jws import is_text, is_time, load_key, parse, public_jwk, thumbprint, verify
from wallet.identity.repository import IdentityRepository
from wallet.identity.tokens import from_seconds, to_seconds

PROOF_TYP = "dpop+jwt"
PROOF_HEADER = frozenset({"typ", "alg", "jwk"})
WINDOW_SECONDS = 60
_DEFAULT_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Proof:
    """A proof that holds for one request. It is used up by `use`. jkt: the thumbprint of its key."""

    jkt: str
    jti: str
    forget_at: datetime


def verify_proof(text: str, *, method: str, url: str, now: datetime, access_token: str | None = None) -> Proof:
    """Return what a `DPoP` header proves. Source: RFC 9449, section 4.3; the numbers are those of its list.

    url: of this request as the deployment is known outside; query and fragment do not count. access_token: the
    token that comes with it, None when there is none (refresh). Raises NotAuthenticated("invalid_dpop_proof").
    """
    try:
        token = parse(text, typ=PROOF_TYP, members=PROOF_HEADER)  # 1 to 5: one header, well-formed, typ, alg
        jwk = public_jwk(token.header["jwk"])  # 7: a public key; before 6, which needs it
        claims = verify(token, load_key(jwk["x"], jwk["y"]))  # 6
        issued, jti, htu = claims.get("iat"), claims.get("jti"), claims.get("htu")
        if not isinstance(jti, str) or not is_text(jti, 128) or len(jti) < 8:
            raise Malformed("no jti")
        if claims.get("htm") != method:  # 8
            raise Malformed("another method")
        if not isinstance(htu, str) or normalised(htu) != normalised(url):  # 9
            raise Malformed("another address")
        if not isinstance(issued, int) or not is_time(issued) or abs(to_seconds(now) - issued) > WINDOW_SECONDS:  # 11
            raise Malformed("made at another time")
        if access_token is not None and not _is_hash_of(claims.get("ath"), access_token):  # 12
            raise Malformed("made for another token")
    except Malformed as error:
        raise NotAuthenticated("invalid_dpop_proof") from error
    # Kept past its window, in case another worker's clock is behind.
    return Proof(thumbprint(jwk["x"], jwk["y"]), jti, from_seconds(issued + 2 * WINDOW_SECONDS))


def use(proof: Proof, repository: IdentityRepository) -> None:
    """Use a proof up (RFC 9449, section 11.1). Raises NotAuthenticated("invalid_dpop_proof") the second time."""
    if not repository.use_once("dpop", f"{proof.jkt}.{proof.jti}", proof.forget_at):
        raise NotAuthenticated("invalid_dpop_proof")


def normalised(url: str) -> tuple[str, str, int | None, str]:
    """Return scheme, host, port and path as RFC 3986, sections 6.2.2 and 6.2.3, compares them.

    Raises Malformed for what is no absolute http(s) address, or names a user.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise Malformed("not an address") from error
    if parts.scheme not in _DEFAULT_PORTS or not parts.hostname or "@" in parts.netloc:
        raise Malformed("not an address of this service")
    return parts.scheme, parts.hostname, port or _DEFAULT_PORTS[parts.scheme], unquote(parts.path) or "/"


def _is_hash_of(ath: object, access_token: str) -> bool:
    expected = b64url_encode(sha256(access_token.encode()).digest())
    return isinstance(ath, str) and hmac.compare_digest(ath.encode("utf-8", "surrogatepass"), expected)
