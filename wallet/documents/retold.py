"""What is published, told once more in another form: signed twice, or as a list that European software reads.

Each is made of a copy in force, byte for byte, and is itself a copy that is stored and served: signed by the job that
publishes and not by whoever asks first. It ends when the copy ends that it was made of.
Source: docs/decisions/0025; ETSI TS 119 602; ETSI TS 119 182-1, clause 5.1 (JAdES, B-B).
"""

import base64
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from wallet.crypto import jws
from wallet.crypto.certificates import read_certificate
from wallet.crypto.keyring import State
from wallet.crypto.keystore import Key, Keystore, Role, has_begun
from wallet.crypto.signing import Signer, kid_of
from wallet.documents.publishing import Draft, Publication
from wallet.errors import Malformed, NotFound, Unavailable
from wallet.formats.status_list import JWT_TYP
from wallet.formats.trust_bundle import MAX_BUNDLE_CHARACTERS, TYP, parse_bundle, pin_of
from wallet.formats.trusted_entities import Operator, list_of_trusted_entities
from wallet.formats.two_signatures import add_second_signature, parse_twice_signed

JADES_TYP = "JOSE"
ENTITIES = "entities.jws"
"""What the signed list of entities is called among the publications."""
_TWICE, _LISTS = ".twice.json", "status-list/"


def name_twice(source: str) -> str:
    """Return what the form with two signatures of a publication is called: `bundle.twice.json`."""
    return source.removesuffix(".jwt") + _TWICE


@dataclass(frozen=True, slots=True)
class Retold:
    """Other forms of what is published."""

    keystore: Keystore
    operator: Operator

    def is_signed_twice(self, source: str) -> bool:
        """Return whether a key signs this publication a second time now."""
        return any(key.record.state == State.ACTIVE for key in self.keystore.keys(_second_role(source)))

    def second_signer(self, source: str) -> Signer:
        """Return who signs this publication a second time.

        Raises NotFound("not_signed_twice") where nobody does, Unavailable while a revoked key has no successor.
        """
        role = _second_role(source)
        if not any(has_begun(key.record) for key in self.keystore.keys(role)):
            raise NotFound("not_signed_twice")
        return self.keystore.signer(role)

    def counting(self, twice: Publication) -> Publication:
        """Return a copy with two signatures as it is. Raises Unavailable where the key of the second is revoked."""
        kid = twice.content_key.rpartition(":")[2]
        for key in self.keystore.keys(_second_role(twice.name)):
            if key.record.kid == kid and key.record.state != State.REVOKED:
                return twice
        raise Unavailable("signing_unavailable")

    def twice(self, source: Publication, now: datetime) -> Draft:
        """Return what the bundle, or a status list's JWT, is with its second signature.

        Raises NotFound("not_signed_twice"), Unavailable.
        """
        signer = self.second_signer(source.name)

        def sign(_sequence: int, _previous: bytes | None, _issued_at: datetime) -> bytes:
            return add_second_signature(source.token.decode(), signer).encode()

        return _draft(source, signer, now, sign)

    def entities(self, bundle: Publication, now: datetime) -> Draft:
        """Return what the keys of the bundle are as a List of Trusted Entities: a JWS of its root (JAdES B-B)."""
        root = self.keystore.signer(Role.BUNDLE_ROOT)

        def sign(_sequence: int, _previous: bytes | None, _issued_at: datetime) -> bytes:
            header = {
                "x5c": [base64.b64encode(root.certificate_der).decode()],
                "x5t#S256": _thumbprint(root),
                "iat": int(bundle.issued_at.timestamp()),
            }
            return jws.sign(self._listed(bundle), root, typ=JADES_TYP, header=header).encode()

        return _draft(bundle, root, now, sign)

    def _listed(self, bundle: Publication) -> dict[str, Any]:
        unverified = parse_bundle(bundle.token.decode())
        content = unverified.verify(frozenset([pin_of(unverified.root_der)]))  # it is our own: only read here
        records = [key.record for role in Role for key in self.keystore.keys(role)]
        revoked_at = {
            record.kid: datetime.fromtimestamp(record.revoked_at, UTC) for record in records if record.revoked_at
        }
        return list_of_trusted_entities(content, self.operator, revoked_at)

    def recognised(
        self, name: str, token: bytes, source: Callable[[str, bytes], Publication | None]
    ) -> Publication | None:
        """Return the copy that these bytes are, None for what is no form of these or was not signed by ours.

        source: tells which copy the compact form within is. Raises Malformed, VerificationFailed.
        """
        if name == ENTITIES:
            return _entities_of(token, self.keystore.keys(Role.BUNDLE_ROOT))
        stem = name.removesuffix(_TWICE)
        if stem == name:
            return None
        listed = stem.startswith(_LISTS)
        read = parse_twice_signed(token.decode("ascii"), typ=JWT_TYP if listed else TYP)
        read.verify_second()
        keys = self.keystore.keys(_second_role(stem))
        counting = {key.signer.certificate_der for key in keys if key.record.state != State.REVOKED}
        if read.certificate_der not in counting:
            return None
        compact = source(f"{stem}.jwt" if listed else stem, read.compact.encode())
        if compact is None:
            return None
        made_of = _content_key(compact, kid_of(read.certificate_der).hex())
        return replace(compact, name=name, token=token, content_key=made_of)


def plain(entities: Publication) -> Publication:
    """Return the list of entities in JSON, unsigned: what its JWS holds."""
    payload = jws.b64url_decode(entities.token.split(b".")[1].decode())
    return replace(entities, name="entities.json", token=payload)


def _second_role(source: str) -> Role:
    """Return whose key signs a publication a second time."""
    return Role.SECOND_STATUS if source.startswith(_LISTS) else Role.SECOND_BUNDLE


def _draft(
    source: Publication, signer: Signer, now: datetime, sign: Callable[[int, bytes | None, datetime], bytes]
) -> Draft:
    left = source.expires_at - now
    return Draft(_content_key(source, signer.kid), left, left, sign)


def _content_key(source: Publication, kid: str) -> str:
    return f"{source.etag}:{kid}"


def _entities_of(token: bytes, roots: Iterable[Key]) -> Publication | None:
    unverified = jws.parse(token.decode("ascii"), typ=JADES_TYP, max_characters=MAX_BUNDLE_CHARACTERS)
    for root in roots:
        if root.record.state == State.REVOKED or unverified.header.get("x5t#S256") != _thumbprint(root.signer):
            continue
        public_key = read_certificate(root.signer.certificate_der).public_key
        if public_key is None:
            return None
        listed = unverified.verify(public_key)["LoTE"]["ListAndSchemeInformation"]
        issued_at, until = (_moment(listed[member]) for member in ("ListIssueDateTime", "NextUpdate"))
        return Publication(ENTITIES, listed["LoTESequenceNumber"], "", token, issued_at, until)
    return None


def _thumbprint(signer: Signer) -> str:
    return jws.b64url_encode(sha256(signer.certificate_der).digest()).decode()


def _moment(value: str) -> datetime:
    try:
        return datetime.strptime(value, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    except (TypeError, ValueError) as error:
        raise Malformed("no moment") from error
