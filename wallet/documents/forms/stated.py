"""What every form of a document is made of: one set of claims, and what tells one copy of it from another.

A form is a way to write a document down: the `VD1:` code, an SD-JWT VC, an ISO mdoc, a PDF. Each is made of the same
`StatedDocument`; none reads a register or a database.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from wallet.utilities.base import DocumentType
from wallet.utilities.plugin import Plugin


@dataclass(frozen=True, slots=True)
class StatedDocument:
    """A document as its claims state it, before it is written in any form.

    id: `doc_` and 32 hex digits. plugin: the utility and its words. claims: as JSON carries them and as they are hashed
    (`wallet.utilities.paper.full_claims`): `"YYYY-MM-DD"` or `"YYYY"`, times in seconds, absent left out.
    salt: of the hash in the code. code: its `VD1:` text. integrity: of what the `vct` of its kind answers
    (`vct#integrity`), "" where that is what is installed.
    """

    id: str
    plugin: Plugin
    kind: DocumentType
    issuer_url: str
    issuer_code: str
    issuer_name: Mapping[str, str]
    issued_at: datetime
    expires_at: datetime
    claims: Mapping[str, Any]
    salt: str
    code: str
    integrity: str = ""


@dataclass(frozen=True, slots=True)
class Copy:
    """One copy that a reader could link to nothing else.

    issued_at: rounded, so that copies of one batch tell nothing. expires_at: the document's. status_uri, status_index:
    its own entry. holder_key: the holder's P-256 public key as a JWK (`kty`, `crv`, `x`, `y`), None for a copy that is
    bound to nobody (the one inside a PDF). id: 16 bytes, of a card. view: the purpose of a card.
    """

    issued_at: datetime
    expires_at: datetime
    status_uri: str
    status_index: int
    holder_key: Mapping[str, str] | None = None
    id: bytes = b""
    view: str = ""
