"""What is published, told once more in another form: signed twice, or as a list that European software reads.

Each is made of the copy in force, byte for byte, so it is as true and as fresh as that, and made once for each copy.
Source: docs/decisions/0025; ETSI TS 119 602; ETSI TS 119 182-1, clause 5.1 (JAdES, B-B).
"""

import base64
import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from hashlib import sha256

from wallet.crypto import jws
from wallet.crypto.keystore import Keystore, Role
from wallet.crypto.signing import Signer
from wallet.documents.publishing import Publication
from wallet.errors import NotFound
from wallet.formats.trust_bundle import parse_bundle, pin_of
from wallet.formats.trusted_entities import Operator, list_of_trusted_entities
from wallet.formats.two_signatures import add_second_signature
from wallet.keys.second import SecondSigners

JADES_TYP = "JOSE"


@dataclass
class Retold:
    """Other forms of what is published. One for a process. second: None where nothing is signed twice."""

    keystore: Keystore
    operator: Operator
    second: SecondSigners | None
    _held: dict[str, tuple[str, Publication]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def bundle_twice(self, copy: Publication) -> Publication:
        """Return the trust bundle with its second signature. Raises NotFound("not_signed_twice")."""
        return self._twice(copy, None if self.second is None else self.second.bundle)

    def list_twice(self, copy: Publication) -> Publication:
        """Return a status list's JWT with its second signature. Raises NotFound("not_signed_twice")."""
        return self._twice(copy, None if self.second is None else self.second.status)

    def entities(self, bundle: Publication) -> Publication:
        """Return the keys of the bundle as a List of Trusted Entities in JSON, unsigned."""
        return self._made(bundle, "entities", lambda: self._entities(bundle))

    def signed_entities(self, bundle: Publication) -> Publication:
        """Return the same, signed by the bundle's root as a compact JWS (JAdES baseline B-B)."""

        def sign() -> bytes:
            root = self.keystore.signer(Role.BUNDLE_ROOT)
            digest = sha256(root.certificate_der).digest()
            header = {
                "x5c": [base64.b64encode(root.certificate_der).decode()],
                "x5t#S256": jws.b64url_encode(digest).decode(),
                "iat": int(bundle.issued_at.timestamp()),
            }
            return jws.sign(json.loads(self._entities(bundle)), root, typ=JADES_TYP, header=header).encode()

        return self._made(bundle, "entities/signed", sign)

    def _entities(self, bundle: Publication) -> bytes:
        unverified = parse_bundle(bundle.token.decode())
        content = unverified.verify(frozenset([pin_of(unverified.root_der)]))  # it is our own: only read here
        return json.dumps(list_of_trusted_entities(content, self.operator), ensure_ascii=False).encode()

    def _twice(self, copy: Publication, signer: Signer | None) -> Publication:
        if signer is None:
            raise NotFound("not_signed_twice")
        return self._made(
            copy, f"{copy.name}/twice", lambda: add_second_signature(copy.token.decode(), signer).encode()
        )

    def _made(self, copy: Publication, name: str, make: Callable[[], bytes]) -> Publication:
        """Return another form of a copy, made once for each copy."""
        etag, held = self._held.get(name, ("", copy))
        if etag == copy.etag:
            return held
        with self._lock:
            etag, held = self._held.get(name, ("", copy))
            if etag != copy.etag:
                held = replace(copy, name=name, token=make())
                self._held[name] = (copy.etag, held)
        return held
