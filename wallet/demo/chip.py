"""The simulated chip of an identity card: its data are signed by the demo's document signer, its key is its own.

Like what a persona signs in with, all keys follow from the deployment's secret, so nothing is stored and nothing is the
same on two servers. `wallet.ceremonies.chips` says what a real reader hands over in the same place.
"""

import json
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from hashlib import sha256
from typing import Any, Protocol

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from sqlalchemy import delete, insert, select

from wallet.ceremonies.chips import SECURITY_OBJECT_TYP, nonce_of
from wallet.crypto.certificates import self_signed
from wallet.crypto.signing import raw_from_der
from wallet.db import Database
from wallet.demo.credentials import derived_key
from wallet.demo.records import Person
from wallet.entropy import Entropy
from wallet.sources.models import CardSigner

SIGNER_NAME = "Cơ quan cấp thẻ mẫu"
SIGNER_ID = "demo"
_SIGNER_FROM, _SIGNER_UNTIL = datetime(2020, 1, 1, tzinfo=UTC), datetime(2050, 1, 1, tzinfo=UTC)


_SCATTER = 618_033_989
"""Shares no factor with a power of ten, so multiplying by it is reversible; neighbours come to lie far apart."""
_SHIFT = 271_828_183


@dataclass(frozen=True, slots=True)
class SimulatedChip:
    """One card's chip. signer: of the data; another than the demo's makes a forgery."""

    number: str
    serial: str
    expires: date | None
    key: ec.EllipticCurvePrivateKey = field(repr=False)
    signer: ec.EllipticCurvePrivateKey = field(repr=False)

    def read(self, challenge: str) -> dict[str, Any]:
        """Return what a reader hands over: the fields of a chip proof, the challenge among them."""
        card = {"serial": self.serial} | ({} if self.expires is None else {"expires": self.expires.isoformat()})
        groups = {"dg1": _json(card), "dg13": _json({"number": self.number}), "dg15": _json(_jwk(self.key))}
        stated = {name: _base64(sha256(content).digest()) for name, content in groups.items()}
        return {
            "challenge": challenge,
            "security_object": _signed(stated, self.signer),
            "data_groups": {name: _base64(content) for name, content in groups.items()},
            "signature": _base64(_sign(nonce_of(challenge), self.key)),
        }


class CardHolder(Protocol):
    """As much of a person as a chip knows."""

    @property
    def number(self) -> str: ...

    @property
    def card_expires(self) -> date | None: ...


def chip_of(person: CardHolder, secret: bytes) -> SimulatedChip:
    """Return the chip of a person's present card. secret: 32 bytes of the deployment."""
    return SimulatedChip(
        number=person.number,
        serial=serial_of(person.number),
        expires=person.card_expires,
        key=derived_key(secret, f"card-{person.number}", "chip-key"),
        signer=document_signer(secret),
    )


def serial_of(number: str) -> str:
    """Return the serial of the present card of whoever has this number: nine digits, as the machine-readable lines.

    A permutation of the nine digits behind 099, so that no two cards of a nation share one.
    """
    return f"{(int(number[3:]) * _SCATTER + _SHIFT) % 10**9:09d}"


def document_signer(secret: bytes) -> ec.EllipticCurvePrivateKey:
    """Return the key that signs the data of every demo card."""
    return derived_key(secret, "cards", "document-signer")


def has_signer(database: Database) -> bool:
    """Return whether the register of cards knows who signs their chips. Raises Unavailable."""
    with database.read() as session:
        return session.scalar(select(CardSigner.id).where(CardSigner.id == SIGNER_ID)) is not None


def write_signer(database: Database, secret: bytes, entropy: Entropy) -> None:
    """Tell the register of cards who signs the chips of this deployment's; the cards come with the nation."""
    certificate = self_signed(document_signer(secret), SIGNER_NAME, _SIGNER_FROM, _SIGNER_UNTIL, entropy)
    with database.write() as session:
        session.execute(delete(CardSigner).where(CardSigner.id == SIGNER_ID))
        session.execute(insert(CardSigner), [{"id": SIGNER_ID, "certificate": certificate}])


def card_row(person: Person) -> dict[str, Any]:
    """Return the present card of a person, as the register of cards has it."""
    return {
        "serial": serial_of(person.number),
        "number": person.number,
        "state": "valid" if person.died_on is None else "revoked",
        "issued": person.card_issued,
        "expires": person.card_expires,
        "updated_at": person.updated_at,
    }


def _signed(payload: Mapping[str, str], key: ec.EllipticCurvePrivateKey) -> str:
    header = {"alg": "ES256", "typ": SECURITY_OBJECT_TYP}
    text = f"{_base64(_json(header))}.{_base64(_json(payload))}"
    return f"{text}.{_base64(_sign(text.encode(), key))}"


def _sign(message: bytes, key: ec.EllipticCurvePrivateKey) -> bytes:
    return raw_from_der(key.sign(message, ec.ECDSA(hashes.SHA256())))


def _jwk(key: ec.EllipticCurvePrivateKey) -> dict[str, str]:
    point = key.public_key().public_numbers()
    return {"kty": "EC", "crv": "P-256", "x": _base64(point.x.to_bytes(32)), "y": _base64(point.y.to_bytes(32))}


def _json(value: Mapping[str, str]) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def _base64(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()
