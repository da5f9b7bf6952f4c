"""SD-JWT VCs with one thing wrong: an issuer, a holder, and every part by hand."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec

from tests.support import NOON
from tests.verifier.world import make_signer
from wallet.crypto.certificates import read_certificate
from wallet.crypto.jwk import public_jwk
from wallet.crypto.jws import b64url_encode
from wallet.crypto.signing import LocalSigner
from wallet.formats.key_binding import Demand
from wallet.formats.sd_jwt_vc import VerifiedCredential, parse_credential, verify_credential

AUDIENCE = "https://truong.example.vn"
NONCE = "n-0S6_WzA2Mj"
DEMAND = Demand(AUDIENCE, NONCE)
SECONDS = int(NOON.timestamp())
VCT = "https://vi.example.vn/v1/types/residence/1"


def b64(data: bytes) -> str:
    return b64url_encode(data).decode()


def packed(value: Any) -> str:
    """Return base64url of JSON, or of bytes as they are."""
    return b64(value if isinstance(value, bytes) else json.dumps(value, ensure_ascii=False).encode())


def disclosure(*items: Any) -> str:
    return packed(list(items))


def digest(text: str, algorithm: str = "sha256") -> str:
    return b64(hashlib.new(algorithm, text.encode()).digest())


def plain(**changes: Any) -> dict[str, Any]:
    """Return what everybody sees of a credential; a change to None takes a claim away."""
    claims: dict[str, Any] = {
        "iss": "https://vi.example.vn",
        "iat": SECONDS - 3600,
        "exp": SECONDS + 86_400,
        "vct": VCT,
        "_sd_alg": "sha-256",
    }
    return {name: value for name, value in (claims | changes).items() if value is not None}


@dataclass
class Makers:
    """One who issues and one who holds, and what they sign, whatever it is."""

    issuer: LocalSigner = field(default_factory=lambda: make_signer("sdjwt"))
    holder: LocalSigner = field(default_factory=lambda: make_signer("holder"))

    @property
    def issuer_key(self) -> ec.EllipticCurvePublicKey:
        return key_of(self.issuer)

    @property
    def holder_jwk(self) -> dict[str, str]:
        return public_jwk(key_of(self.holder))

    @property
    def cnf(self) -> dict[str, Any]:
        return {"jwk": self.holder_jwk}

    def jwt(self, payload: Any, by: LocalSigner | None = None, **header: Any) -> str:
        members = {"alg": "ES256", "typ": "dc+sd-jwt"} | header
        signing_input = packed({n: v for n, v in members.items() if v is not None}) + "." + packed(payload)
        return signing_input + "." + b64((by or self.issuer).sign(signing_input.encode()))

    def credential(self, payload: Any, disclosures: Iterable[str] = (), **header: Any) -> str:
        return "~".join((self.jwt(payload, **header), *disclosures, ""))

    def bound(self, shown: str, header: Mapping[str, Any] | None = None, **changes: Any) -> str:
        """Return an SD-JWT+KB; changes are those of the KB-JWT's claims."""
        by = changes.pop("by", self.holder)
        claims = {"iat": SECONDS - 5, "aud": AUDIENCE, "nonce": NONCE, "sd_hash": digest(shown)} | changes
        present = {name: value for name, value in claims.items() if value is not None}
        return shown + self.jwt(present, by, **({"typ": "kb+jwt"} | dict(header or {})))

    def check(self, text: str, demand: Demand | None = None, now: datetime = NOON) -> VerifiedCredential:
        return verify_credential(parse_credential(text), self.issuer_key, now, demand=demand)


def key_of(signer: LocalSigner) -> ec.EllipticCurvePublicKey:
    key = read_certificate(signer.certificate_der).public_key
    assert key is not None
    return key
