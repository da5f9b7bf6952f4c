"""SD-JWT: a signed JWT whose claims its holder shows one by one, in the compact serialization.

    <JWT of the issuer>~<disclosure>~...~<disclosure>~[<KB-JWT of the holder>]

Source: RFC 9901. What a verifiable credential adds stands in `sd_jwt_vc.py`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec

from wallet.crypto import jws
from wallet.errors import Malformed
from wallet.formats import key_binding
from wallet.formats.disclosures import HASH, RESERVED, SD, SD_ALG, Disclosure, read_disclosure, refuse_unspeakable
from wallet.formats.hiding import Hidden
from wallet.formats.revealing import Path, Revealed, chosen, hash_of, reveal

MAX_CHARACTERS = 1_048_576
"""What is read at most: a lodging notice with 200 guests has about a third of it."""

MAX_JWT_CHARACTERS = 131_072
MAX_DISCLOSURES = 4_096


@dataclass(frozen=True, slots=True)
class UnverifiedSdJwt:
    """An SD-JWT as it was read: nothing in it is true yet.

    shown: the text up to and with the last `~`, over which a KB-JWT is made. key_binding: None when none came.
    """

    shown: str
    signed: jws.UnverifiedJws
    disclosures: tuple[Disclosure, ...]
    key_binding: jws.UnverifiedJws | None

    @property
    def header(self) -> Mapping[str, Any]:
        return self.signed.header

    def verify(self, public_key: ec.EllipticCurvePublicKey) -> "VerifiedSdJwt":
        """Return the processed payload if `public_key` signed it and every disclosure belongs to it.

        Raises VerificationFailed("bad_signature"), or Malformed (see `reveal`). Dates and key binding are for the
        caller: neither is the same for every kind of SD-JWT. Source: RFC 9901, section 7.1 (2 to 5).
        """
        payload = self.signed.verify(public_key)
        return VerifiedSdJwt(self, payload, self._revealed(payload))

    def showing(self, wanted: Iterable[Path]) -> str:
        """Return the SD-JWT with the disclosures of what is wanted alone, as its holder shows it.

        The holder's own copy is trusted. Raises Malformed for one that holds a KB-JWT, and for a path that leads
        nowhere. Source: RFC 9901, section 7.2.
        """
        if self.key_binding is not None:
            raise Malformed("it was shown already: a holder has an SD-JWT without KB-JWT")
        token, _, _ = self.shown.partition("~")
        revealed = self._revealed(jws.json_object(self.signed.payload))
        return _joined(token, chosen(revealed, wanted))

    def _revealed(self, payload: Mapping[str, Any]) -> Revealed:
        refuse_unspeakable(dict(payload))
        return reveal(payload, self.disclosures)


@dataclass(frozen=True, slots=True)
class VerifiedSdJwt:
    """An SD-JWT by a known key. payload: as it was signed, digests and all. revealed: what was shown of it."""

    read: UnverifiedSdJwt
    payload: Mapping[str, Any]
    revealed: Revealed

    def verify_key_binding(self, demand: key_binding.Demand, now: datetime) -> None:
        """Return if its holder bound it to what is demanded; else raise (`key_binding.verify_key_binding`).

        The key is taken from the payload as it was signed: a `cnf` that could be left out binds nobody.
        """
        key_binding.verify_key_binding(
            self.read.key_binding,
            self.read.shown,
            self.payload.get("cnf"),
            demand,
            now,
            algorithm=hash_of(self.payload),
        )


def sign_sd_jwt(
    plain: Mapping[str, Any],
    hidden: Hidden,
    signer: jws.Signs,
    *,
    typ: str,
    header: Mapping[str, Any] | None = None,
) -> str:
    """Return the SD-JWT as it is issued, with every disclosure.

    plain: claims that everybody sees. hidden: what `hide` made of the others. Raises Malformed when the two share a
    name, when a name is reserved, and for more than a reader takes. Source: RFC 9901, section 4.
    """
    if plain.keys() & (RESERVED | {SD_ALG} | hidden.names) or SD_ALG in hidden.names:
        raise Malformed("a claim that is both shown and hidden, or has a reserved name")
    payload = {**plain, SD: hidden.digests, SD_ALG: HASH} if hidden.digests else dict(plain)
    token = jws.sign(payload, signer, typ=typ, header=header)
    text = _joined(token, hidden.disclosures)
    if len(token) > MAX_JWT_CHARACTERS or len(text) > MAX_CHARACTERS or len(hidden.disclosures) > MAX_DISCLOSURES:
        raise Malformed("more than an SD-JWT holds")
    return text


def parse_sd_jwt(text: str, *, typ: str) -> UnverifiedSdJwt:
    """Return the SD-JWT or SD-JWT+KB that `text` is, unverified.

    typ: the one `typ` that is taken. Raises VerificationFailed("wrong_type") for another one, ("key_not_allowed") for
    another algorithm than ES256, of the KB-JWT too, and Malformed for whatever else is amiss, sizes first.
    Source: RFC 9901, sections 4 and 7.1 (1).
    """
    if len(text) > MAX_CHARACTERS or not text.isascii():
        raise Malformed("more than an SD-JWT holds, or another alphabet")
    parts = text.split("~", MAX_DISCLOSURES + 2)
    if not 2 <= len(parts) <= MAX_DISCLOSURES + 2:
        raise Malformed("not an SD-JWT, or one with more disclosures than are read")
    signed = jws.parse(parts[0], typ=typ, max_characters=MAX_JWT_CHARACTERS)
    binding = key_binding.parse_key_binding(parts[-1]) if parts[-1] else None
    disclosures = tuple(read_disclosure(part) for part in parts[1:-1])
    return UnverifiedSdJwt(text[: len(text) - len(parts[-1])], signed, disclosures, binding)


def present(text: str, wanted: Iterable[Path], *, typ: str, binding: key_binding.Binding | None = None) -> str:
    """Return what a holder shows: the claims that are wanted, and, with a binding, the KB-JWT over them.

    text: as it was issued. Source: RFC 9901, section 7.2.
    """
    read = parse_sd_jwt(text, typ=typ)
    shown = read.showing(wanted)
    if binding is None:
        return shown
    return key_binding.bind(shown, binding, algorithm=hash_of(jws.json_object(read.signed.payload)))


def _joined(token: str, disclosures: Iterable[Disclosure]) -> str:
    return "~".join((token, *(disclosure.text for disclosure in disclosures), ""))
