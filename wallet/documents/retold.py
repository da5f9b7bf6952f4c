"""What is published, told once more in another form: signed twice, or as a list that European software reads.

Each is made of a copy in force, byte for byte, and is itself a copy that is stored and served: signed by the job that
publishes and not by whoever asks first. It ends when the copy ends that it was made of.
Source: docs/decisions/0025; ETSI TS 119 602; ETSI TS 119 182-1, clause 5.1 (JAdES, B-B).
"""

import base64
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from hashlib import sha256

from wallet.crypto import jws
from wallet.crypto.certificates import read_certificate
from wallet.crypto.keyring import State
from wallet.crypto.keystore import Key, Keystore, Role
from wallet.crypto.signing import Signer
from wallet.documents.publishing import Draft, Publication
from wallet.errors import Malformed, NotFound
from wallet.formats.status_list import JWT_TYP
from wallet.formats.trust_bundle import TYP, parse_bundle, pin_of
from wallet.formats.trusted_entities import Operator, list_of_trusted_entities
from wallet.formats.two_signatures import add_second_signature, parse_twice_signed
from wallet.keys.second import SecondSigners

JADES_TYP = "JOSE"
ENTITIES = "entities.jws"
"""What the signed list of entities is called among the publications."""
_TWICE = ".twice.json"


def name_twice(source: str) -> str:
    """Return what the form with two signatures of a publication is called: `bundle.twice.json`."""
    return source.removesuffix(".jwt") + _TWICE


@dataclass(frozen=True, slots=True)
class Retold:
    """Other forms of what is published. second: None where nothing is signed twice."""

    keystore: Keystore
    operator: Operator
    second: SecondSigners | None

    def twice(self, source: Publication, now: datetime) -> Draft:
        """Return what the bundle, or a status list's JWT, is with its second signature.

        Raises NotFound("not_signed_twice").
        """
        if self.second is None:
            raise NotFound("not_signed_twice")
        signer: Signer = self.second.status if source.name.endswith(".jwt") else self.second.bundle

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
            return jws.sign(json.loads(self.plain_entities(bundle).token), root, typ=JADES_TYP, header=header).encode()

        return _draft(bundle, root, now, sign)

    def plain_entities(self, bundle: Publication) -> Publication:
        """Return the same list in JSON, unsigned."""
        unverified = parse_bundle(bundle.token.decode())
        content = unverified.verify(frozenset([pin_of(unverified.root_der)]))  # it is our own: only read here
        listed = list_of_trusted_entities(content, self.operator)
        return replace(bundle, name="entities.json", token=json.dumps(listed, ensure_ascii=False).encode())

    def recognised(
        self, name: str, token: bytes, source: Callable[[str, bytes], Publication | None]
    ) -> Publication | None:
        """Return the copy that these bytes are, None for what is no form of these or was not signed by ours.

        source: tells which copy the compact form within is. Raises Malformed, VerificationFailed.
        """
        if name == ENTITIES:
            return _entities_of(token, self.keystore.keys(Role.BUNDLE_ROOT))
        stem = name.removesuffix(_TWICE)
        if stem == name or self.second is None:
            return None
        listed = stem.startswith("status-list/")
        signer: Signer = self.second.status if listed else self.second.bundle
        read = parse_twice_signed(token.decode("ascii"), typ=JWT_TYP if listed else TYP)
        read.verify_second()
        if read.certificate_der != signer.certificate_der:
            return None
        compact = source(f"{stem}.jwt" if listed else stem, read.compact.encode())
        return None if compact is None else replace(compact, name=name, token=token)


def _draft(
    source: Publication, signer: Signer, now: datetime, sign: Callable[[int, bytes | None, datetime], bytes]
) -> Draft:
    left = source.expires_at - now
    return Draft(f"{source.etag}:{signer.kid}", left, left, sign)


def _entities_of(token: bytes, roots: Iterable[Key]) -> Publication | None:
    unverified = jws.parse(token.decode("ascii"), typ=JADES_TYP)
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
