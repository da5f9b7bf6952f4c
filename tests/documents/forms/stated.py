"""A document of every kind that is installed, as each form is made of it: from the examples beside the plug-ins."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from tests.support import NOON
from wallet.documents.forms.stated import Copy, StatedDocument
from wallet.utilities.base import DocumentType
from wallet.utilities.catalogue import Catalogue, Plugin
from wallet.utilities.examples import answered, load, read_examples
from wallet.utilities.paper import full_claims
from wallet.utilities.stating import claims_of

ISSUER = "https://vi.example.vn"
LIST_URI = f"{ISSUER}/v1/status-lists/1"


def stated(plugin: Plugin, kind: DocumentType, claims: dict[str, Any], **changes: Any) -> StatedDocument:
    """Return a document of these claims, issued at noon for a month."""
    parts = {
        "id": "doc_" + "0f" * 16,
        "plugin": plugin,
        "kind": kind,
        "issuer_url": ISSUER,
        "issuer_code": "VN-MAU",
        "issuer_name": {"vi": "Cơ quan mẫu", "en": "Sample authority"},
        "issued_at": NOON,
        "expires_at": NOON + timedelta(days=30),
        "claims": claims,
        "salt": "AAECAwQFBgcICQoLDA0ODw",
        "code": "VD1:SAMPLE",
    }
    return StatedDocument(**(parts | changes))


def copy_of(document: StatedDocument, **changes: Any) -> Copy:
    parts = {
        "issued_at": document.issued_at.replace(minute=0, second=0),
        "expires_at": document.expires_at,
        "status_uri": LIST_URI,
        "status_index": 7,
    }
    return Copy(**(parts | changes))


def examples(catalogue: Catalogue) -> Iterator[tuple[str, StatedDocument]]:
    """Yield a name and a document for every accepted example of every utility."""
    for plugin in catalogue:
        utility = plugin.utility
        for example in read_examples(utility, load(plugin.module)).accepted:
            kind = utility.document(example.document)
            claims = full_claims(kind, claims_of(kind, answered(utility, example)))
            yield f"{kind.code}: {example.name}", stated(plugin, kind, claims)


def first_of_each(catalogue: Catalogue) -> dict[str, StatedDocument]:
    """Return the first example of each kind of document, by its code."""
    found: dict[str, StatedDocument] = {}
    for _, document in examples(catalogue):
        found.setdefault(document.kind.code, document)
    return found
