"""A document as SD-JWT VC, for wallets of other makers: every claim is shown or not, as its holder wants.

It carries neither the document's id nor its code: two copies have nothing in common but what their holder shows.
Source: docs/wire.md, section 6; draft-ietf-oauth-sd-jwt-vc-19.
"""

from wallet.crypto.jws import json_object
from wallet.crypto.signing import Signer
from wallet.documents.forms import type_metadata
from wallet.documents.forms.stated import Copy, StatedDocument
from wallet.entropy import Entropy
from wallet.formats.claims_set import StatusReference
from wallet.formats.hiding import hide
from wallet.formats.sd_jwt_vc import Credential, parse_credential, sign_credential


def make(document: StatedDocument, copy: Copy, signer: Signer, entropy: Entropy) -> str:
    """Return the SD-JWT VC of one copy of a document, with every disclosure: lists by element, records by part.

    signer: has the role `sdjwt`. What is not stated is made up for by decoys, so that the number of digests is that of
    the kind's claims, whatever this document leaves out. Raises Malformed for more than an SD-JWT holds, or a claim
    whose name a JWT needs for itself.
    """
    kind = document.kind
    hidden = hide(
        document.claims,
        entropy,
        members=len(kind.claims),
        parts={claim.name: len(claim.parts) for claim in kind.claims if claim.parts},
    )
    credential = Credential(
        issuer=document.issuer_url,
        vct=type_metadata.address_of(document.issuer_url, kind),
        integrity=document.integrity or type_metadata.integrity(document.plugin, kind, document.issuer_url),
        issued_at=copy.issued_at,
        expires_at=copy.expires_at,
        holder_key=copy.holder_key,
        status=StatusReference(copy.status_index, copy.status_uri),
    )
    return sign_credential(credential, hidden, signer)


def issuer_url_of(credential: bytes) -> str:
    """Return where the service was that an SD-JWT VC of ours names. Raises Malformed."""
    return str(json_object(parse_credential(credential.decode("ascii", "replace")).signed.payload).get("iss"))
