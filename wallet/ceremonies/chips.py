"""Card chips: whether the card that lies on the phone is a real one, here and now.

Two proofs, as a travel document's chip gives them. Passive authentication: the data on the chip are what the issuer
signed. Active authentication: the chip has the key that was signed with them, so it is no copy of the data.
Whether the card is still good and whose it is, the register of cards says (`wallet.ceremonies.card_factor`).
Source: ICAO Doc 9303, part 11, sections 5.1 and 6.1; docs/domain.md, section 3.2.

What a vendor's reader hands over for one card, so that another `CardChips` can take the place of the embedded one:

* `security_object`: EF.SOD, the list of hashes of the data groups, signed by the issuer's document signer;
* `data_groups`: the files themselves by their names: `dg1` (serial and last day), `dg13` (the holder's number), `dg15`
  (the public key of active authentication);
* `signature`: the chip's answer to INTERNAL AUTHENTICATE over the first eight bytes of SHA-256 of our challenge.

The embedded one takes the same three in a simpler writing: the security object is a compact JWS over the hashes, the
data groups are JSON, the key is P-256 and its signature `r || s`.
"""

import hmac
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from hashlib import sha256
from typing import Protocol

from wallet.clock import Clock
from wallet.crypto import jws
from wallet.crypto.certificates import public_key_from_point, read_certificate
from wallet.crypto.jws import b64url_decode, b64url_encode
from wallet.crypto.signing import verify_es256
from wallet.errors import Malformed, VerificationFailed
from wallet.identity.compact_jws import public_jwk

SECURITY_OBJECT_TYP = "viso-card-security-object+jwt"
GROUPS = frozenset({"dg1", "dg13", "dg15"})
NONCE_BYTES = 8


@dataclass(frozen=True, slots=True)
class ChipReading:
    """What a reader handed over. data_groups: name to content, base64url. signature: base64url."""

    security_object: str = field(repr=False)
    data_groups: Mapping[str, str] = field(repr=False)
    signature: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class ChipFacts:
    """What a chip proved. expires: None for a card that never does."""

    number: str = field(repr=False)
    serial: str
    expires: date | None


class CardChips(Protocol):
    """Judges readings of chips."""

    def verify(self, reading: ChipReading, challenge: str) -> ChipFacts:
        """Return what the chip proved. Raises Malformed; its detail is a code, for the audit record alone.

        Raises Unavailable where what is needed to judge cannot be reached.
        """
        ...


def nonce_of(challenge: str) -> bytes:
    """Return the eight bytes that a chip signs (RND.IFD). Source: ICAO Doc 9303, part 11, section 6.1."""
    return sha256(challenge.encode()).digest()[:NONCE_BYTES]


@dataclass(frozen=True, slots=True)
class EmbeddedCardChips:
    """Judges simulated chips. signers: gives the certificates of the document signers that are known, DER."""

    signers: Callable[[], Sequence[bytes]]
    clock: Clock

    def verify(self, reading: ChipReading, challenge: str) -> ChipFacts:
        """Return what the chip proved. Raises Malformed("unknown_signer", "data_altered", "chip_cloned"), Unavailable.

        Whatever is not even a reading raises Malformed too.
        """
        hashes = self._signed_hashes(reading.security_object)
        if reading.data_groups.keys() != GROUPS or hashes.keys() != GROUPS:
            raise Malformed("groups_missing")
        groups = {name: b64url_decode(content) for name, content in reading.data_groups.items()}
        for name, content in groups.items():
            stated = hashes[name]
            expected = b64url_encode(sha256(content).digest()).decode()
            if not isinstance(stated, str) or not hmac.compare_digest(stated.encode(), expected.encode()):
                raise Malformed("data_altered")
        card, person = jws.json_object(groups["dg1"]), jws.json_object(groups["dg13"])
        jwk = public_jwk(jws.json_object(groups["dg15"]))
        key = public_key_from_point(b64url_decode(jwk["x"]), b64url_decode(jwk["y"]))
        try:
            verify_es256(key, nonce_of(challenge), b64url_decode(reading.signature))
        except VerificationFailed as error:
            raise Malformed("chip_cloned") from error
        return ChipFacts(_text(person, "number"), _text(card, "serial"), _day(card.get("expires")))

    def _signed_hashes(self, security_object: str) -> Mapping[str, object]:
        now = self.clock.now()
        for der in self.signers():
            certificate = read_certificate(der)
            if certificate.public_key is None or not certificate.not_before <= now < certificate.not_after:
                continue
            try:
                parsed = jws.parse(security_object, typ=SECURITY_OBJECT_TYP)
                return parsed.verify(certificate.public_key)
            except VerificationFailed:
                continue
        raise Malformed("unknown_signer")


def _text(group: Mapping[str, object], name: str) -> str:
    value = group.get(name)
    if not isinstance(value, str):
        raise Malformed("data_missing")
    return value


def _day(value: object) -> date | None:
    try:
        return None if value is None else date.fromisoformat(str(value))
    except ValueError as error:
        raise Malformed("data_missing") from error
