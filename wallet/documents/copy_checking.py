"""One stored copy held against everything: as a stranger would judge it, and as what it was made for."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from wallet.crypto.jwk import public_jwk
from wallet.crypto.jws import json_object
from wallet.crypto.keystore import Keystore, Role
from wallet.crypto.signing import kid_of
from wallet.documents.forms import card
from wallet.documents.forms.offered import OFFERS, SCREENS, Form
from wallet.documents.models import DocumentCopyRow, DocumentRow
from wallet.documents.trust import TrustCentre
from wallet.errors import Malformed, VerificationFailed
from wallet.formats.claims_set import nfc
from wallet.formats.compact_values import seconds_of
from wallet.formats.cwt_code import StatusReference
from wallet.formats.mdoc.issuer_signed import issuer_signed_of
from wallet.formats.mdoc.values import map_of, read
from wallet.formats.pades_reading import attached, sealed_by
from wallet.formats.sd_jwt_vc import parse_credential
from wallet.identity.compact_jws import thumbprint
from wallet.verifier import Judgement, Policy, judge, judge_credential, judge_mdoc
from wallet.verifier.credential import named
from wallet.verifier.judgement import VerifiedDocument
from wallet.verifier.trust import TrustedType

STANDING = frozenset({"revoked", "suspended"})


@dataclass(frozen=True, slots=True)
class CopyChecking:
    """Judges copies. One for a process."""

    trust: TrustCentre
    keystore: Keystore

    def fault(
        self,
        row: DocumentCopyRow,
        document: DocumentRow,
        content: bytes,
        claims: Mapping[str, Any],
        now: datetime,
        *,
        locked: bool = False,
    ) -> str:
        """Return what is wrong with a signed copy, "" when nothing is: a code of `reverifying`, or a verifier's reason.

        content: its bytes. claims: what the document states. locked: whether an account is, so that it is suspended.
        """
        ended = row.revoked_at is not None or document.revoked_at is not None or row.expires_at <= now
        try:
            shown = self._unsealed(row, content, ended=ended) if row.form == Form.PDF else content
            judgement, key = self._judged(Form(row.form), shown, now)
        except (Malformed, VerificationFailed) as error:
            return error.code
        made = judgement.document
        if made is None:
            reason = str(judgement.reasons[0])
            return "" if ended and self.keystore.is_lost(row.kid) else reason
        if (made.utility, made.utility_version) != (document.kind, document.kind_version):
            return "another_document"
        times = (seconds_of(made.issued_at), seconds_of(made.expires_at))
        if times != (seconds_of(row.issued_at), seconds_of(row.expires_at)):
            return "other_times"
        if made.status != StatusReference(row.status_index, self.trust.status_uri(row.status_list)):
            return "other_status_entry"
        if key != row.holder_key:
            return "other_key"
        known = self.trust.trust().types.get((document.kind, document.kind_version))
        if row.form in SCREENS:
            if not self._shows(made, row.view, claims, known):
                return "other_claims"
            if made.document_id != f"doc_{row.id.rpartition('_')[2]}":
                return "another_document"
            if row.expires_at <= now:
                return ""  # what became of its document since is not told of it any more
        elif made.claims != named(nfc(claims), known):
            return "other_claims"
        if row.code_kid is not None and row.code_kid != document.kid and not ended:
            return "other_code"
        standing = {reason for reason in judgement.reasons if reason in STANDING}
        return "" if standing == _expected(row, document, locked=locked) else "other_status"

    def _shows(self, made: VerifiedDocument, view: str, claims: Mapping[str, Any], known: TrustedType | None) -> bool:
        """Return whether a card shows what its document states of this view, and no more.

        What belongs to a view is known of what is installed alone. A card of any other version shows what its document
        states, under the numbers that were kept of it (`kept_types.py`).
        """
        issued = self.trust.catalogue.issued(made.utility, made.utility_version)
        if issued is None:
            stated = named(nfc(claims), known)
            return bool(made.claims) and all(claim.n is not None and claim in stated for claim in made.claims)
        return {claim.n: claim.value for claim in made.claims} in nfc(card.variants(issued[1], claims, view))

    def _unsealed(self, row: DocumentCopyRow, pdf: bytes, *, ended: bool) -> bytes:
        """Return the SD-JWT VC inside a PDF whose seal holds. Raises Malformed, VerificationFailed."""
        kid = kid_of(sealed_by(pdf)).hex()
        known = any(key.record.kid == kid for key in self.keystore.keys(Role.SEAL))
        if kid != row.seal_kid or not known or (not ended and self.keystore.is_lost(kid)):
            raise VerificationFailed("key_not_allowed")
        return attached(pdf, OFFERS[Form.SD_JWT].media_type)

    def _judged(self, form: Form, content: bytes, now: datetime) -> tuple[Judgement, str]:
        """Return what a stranger would say, and the thumbprint of whose it is, "" for nobody's. Raises Malformed."""
        trust = self.trust.trust()
        if form is Form.MDOC:
            jwk = public_jwk(issuer_signed_of(map_of(read(content))).mso.device_key)
            return judge_mdoc(content, trust, Policy(), now), thumbprint(jwk["x"], jwk["y"])
        if form in SCREENS:
            jwk = card.holder_key_of(content, now)
            return judge(card.unproven(content, now), trust, Policy(), now), thumbprint(jwk["x"], jwk["y"])
        text = content.decode("ascii", "replace")
        stated = json_object(parse_credential(text).signed.payload)
        bound, address = stated.get("cnf"), str(stated.get("iss"))
        # Where the service was when it signed: one that has moved since makes another copy for whoever asks.
        judgement = judge_credential(text, trust.addressed(address), Policy(), now)
        return judgement, "" if bound is None else thumbprint(bound["jwk"]["x"], bound["jwk"]["y"])


def claims_of(sealed: bytes) -> Mapping[str, Any]:
    """Return what a document states, of what is kept of it once it is opened."""
    found: Mapping[str, Any] = json.loads(sealed)["claims"]
    return found


def _expected(row: DocumentCopyRow, document: DocumentRow, *, locked: bool) -> set[str]:
    """Return what a verifier has to find; whatever else one says is a fault."""
    if row.revoked_at is not None or document.revoked_at is not None:
        return {"revoked"}
    return {"suspended"} if locked or document.suspended_at is not None else set()
