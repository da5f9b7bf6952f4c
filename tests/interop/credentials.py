"""What SD-JWT VCs of both sides are made of: our own keys with their chain, a holder, and documents of every kind.

Libraries of others have the clock of the machine, so that everything here is of now.
"""

import base64
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

from tests.documents.forms.stated import ISSUER, LIST_URI, copy_of, stated
from tests.formats.sd_jwts import key_of
from tests.support import SeededEntropy
from wallet.crypto.authority import Authority
from wallet.crypto.jwk import key_of_jwk, public_jwk
from wallet.crypto.jws import b64url_encode
from wallet.crypto.keystore import Keystore, Role
from wallet.crypto.making import create_missing
from wallet.crypto.signing import LocalSigner, raw_from_der
from wallet.documents.forms import sd_jwt, type_metadata
from wallet.documents.forms.stated import StatedDocument
from wallet.entropy import SystemEntropy
from wallet.formats.key_binding import Binding, Demand
from wallet.formats.sd_jwt_vc import VerifiedCredential, parse_credential, verify_credential
from wallet.formats.status_list import StatusListToken, pack, sign_status_jwt

AUDIENCE = "https://truong.example.vn"
NONCE = "bm9uY2U"
DEMAND = Demand(AUDIENCE, NONCE)


@dataclass(frozen=True)
class HolderKey:
    """A phone's key, which signs here and whose private JWK libraries of others are given."""

    private: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))

    @property
    def jwk(self) -> dict[str, str]:
        return public_jwk(self.private.public_key())

    @property
    def private_jwk(self) -> dict[str, str]:
        number = self.private.private_numbers().private_value
        return self.jwk | {"d": b64url_encode(number.to_bytes(32, "big")).decode()}

    def sign(self, message: bytes) -> bytes:
        return raw_from_der(self.private.sign(message, ec.ECDSA(SHA256())))


class Issuer:
    """A service as it is: keys made by the command, certified by its own root."""

    def __init__(self, directory: Path) -> None:
        self.now = datetime.now(UTC).replace(microsecond=0)
        create_missing(
            directory,
            now=self.now,
            entropy=SystemEntropy(),
            authority=Authority("Cơ quan mẫu", ISSUER),
            backdated=timedelta(days=2),
        )
        self.keystore = Keystore.open(directory)
        self.holder = HolderKey()

    @property
    def seconds(self) -> int:
        return int(self.now.timestamp())

    @property
    def signer(self) -> LocalSigner:
        return self.keystore.signer(Role.SD_JWT)

    @property
    def leaf(self) -> str:
        return base64.b64encode(self.signer.certificate_der).decode()

    @property
    def root(self) -> str:
        return base64.b64encode(self.keystore.signer(Role.IACA).certificate_der).decode()

    def make(self, document: StatedDocument, index: int = 7) -> str:
        """Return a document as an SD-JWT VC of the holder's, issued an hour ago."""
        issued_at = self.now - timedelta(hours=1)
        fresh = stated(
            document.plugin,
            document.kind,
            dict(document.claims),
            issued_at=issued_at,
            expires_at=self.now + timedelta(days=30),
        )
        copy = copy_of(fresh, issued_at=issued_at, status_index=index, holder_key=self.holder.jwk)
        return sd_jwt.make(fresh, copy, self.signer, SeededEntropy(f"{document.kind.code} {index}"))

    def type_of(self, document: StatedDocument) -> str:
        return type_metadata.metadata_of(document.plugin, document.kind, ISSUER).decode()

    def status_list(self, values: dict[int, int]) -> str:
        entries = [values.get(index, 0) for index in range(64)]
        signer = self.keystore.signer(Role.STATUS)
        until = self.now + timedelta(hours=72)
        token = StatusListToken(LIST_URI, self.now, until, 900, 2, bytes(pack(entries, bits=2)))
        return sign_status_jwt(token, signer)

    @property
    def status_leaf(self) -> str:
        return base64.b64encode(self.keystore.signer(Role.STATUS).certificate_der).decode()

    def binding(self, **changes: Any) -> Binding:
        return Binding(**({"holder": self.holder, "audience": AUDIENCE, "nonce": NONCE, "now": self.now} | changes))

    def check(self, text: str, jwk: dict[str, str] | None = None, demand: Demand | None = DEMAND) -> VerifiedCredential:
        """Return what our reader says of a text. jwk: of another issuer."""
        key = key_of_jwk(jwk) if jwk else key_of(self.signer)
        # The other side may have signed a moment after `now`.
        return verify_credential(parse_credential(text), key, datetime.now(UTC), demand=demand)
