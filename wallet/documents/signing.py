"""Issuing, the second half: what was stored unsigned is signed, held against our own verifier, and made to count.

It runs after the commit of the first half and outside any transaction, so a slow HSM holds nobody up; of several
processes that sign one document, one stores it and the others take that one. Whatever is left unsigned by a crash, or
by a signer that was away, is signed by the job, or when the caller asks again. Source: docs/security.md, S-42, S-62.
"""

import json
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import structlog

from wallet.clock import Clock
from wallet.crypto import cbor
from wallet.crypto.signing import Signer
from wallet.documents.intended import IntendedDocument, dated, read_unsigned, signed_content
from wallet.documents.revoking import RevocationReason
from wallet.documents.services import DocumentServices
from wallet.documents.trust import TrustCentre
from wallet.errors import Malformed, NotFound, Unavailable, WalletError
from wallet.formats.claims_set import read_claims_set
from wallet.formats.compact_values import seconds_of
from wallet.formats.cwt_code import document_content, fits_on_paper, sign_document_content
from wallet.terms import Actor
from wallet.verifier import Policy, judge

log = structlog.get_logger("wallet.documents")
Opening = Callable[[], AbstractContextManager[DocumentServices]]
LEFT_ALONE = timedelta(seconds=5)
"""How long the job leaves a new document to whoever asked for it."""
OVERDUE = timedelta(minutes=10)
"""After this long somebody should look why a document is not signed."""
BATCH = 50


class SignatureRefused(Unavailable):
    """What was signed is not what our own verifier takes. reasons: its codes."""


@dataclass(frozen=True, slots=True)
class Signing:
    """Signs what was intended. One for a process. signer: who signs now; asked each time, for keys rotate."""

    working: Opening
    reading: Opening
    trust: TrustCentre
    signer: Callable[[], Signer]
    clock: Clock

    def complete(self, documents: Iterable[IntendedDocument]) -> None:
        """Sign each and store it. Raises Unavailable("signing_unavailable"): what is stored so far stays stored."""
        for document in documents:
            signer = self.signer()
            issued = self._in_force(document, signer)
            code = self._code(issued, signer)
            with self.working() as work:
                self._store(document, issued, code, signer.kid, work)

    def complete_stored(self, document_ids: Iterable[str]) -> None:
        """Sign those of these documents that are not signed yet: a caller who asks again gets what was promised."""
        with self.reading() as work:
            rows = [row for row in map(work.rows.get, document_ids) if row is not None]
            waiting = [row for row in rows if row.signed_at is None and row.revoked_at is None]
            documents = [read_unsigned(row, work.identity.holders) for row in waiting]
        self.complete(documents)

    def run(self) -> bool:
        """Sign what a crash or an absent signer left behind; return whether there is more to do. A job."""
        before, signed, last = self.clock.now() - LEFT_ALONE, 0, None
        while signed < BATCH:
            with self.reading() as work:
                rows = work.rows.unsigned(before, BATCH, last)
            if not rows:
                return False
            for row in rows:
                try:
                    with self.reading() as work:
                        document = read_unsigned(row, work.identity.holders)
                    self.complete([document])
                    signed += 1
                except (NotFound, Malformed, SignatureRefused) as error:
                    # This one waits, for somebody to look; those behind it do not, however many there are.
                    log.warning("document left unsigned", document=row.id, code=error.code, **error.values)
            last = rows[-1]
        return True

    def waiting(self) -> int:
        """Return how many documents have waited for their signature longer than anything should."""
        with self.reading() as work:
            return work.rows.count_unsigned(self.clock.now() - OVERDUE)

    def _in_force(self, document: IntendedDocument, signer: Signer) -> IntendedDocument:
        """Return the document as the key in force may sign it: of today, where it may not for the day of the decision.

        So it is when the key of that day was lost before it signed. Id, claims and status entry stay the same.
        """
        key = self.trust.trust().keys.get((self.trust.issuer_code, signer.kid))
        now, end = self.clock.now().replace(microsecond=0), seconds_of(document.expires_at)
        if key is None or key.may_sign(seconds_of(document.issued_at), end) or not key.may_sign(seconds_of(now), end):
            return document
        content = read_claims_set(cbor.decode(document.content), card=False)
        return replace(document, issued_at=now, content=document_content(dated(content, now)))

    def _code(self, document: IntendedDocument, signer: Signer) -> str:
        """Return the signed code, held against our own verifier: nothing leaves that it would refuse."""
        try:
            code = sign_document_content(document.content, signer)
        except Unavailable:
            raise
        except WalletError as error:
            raise Unavailable("signing_unavailable", reasons=[error.code]) from error
        judgement = judge(code, self.trust.trust(), Policy(), self.clock.now())
        reasons = [str(reason) for reason in judgement.reasons if not judgement.accepted and reason != "suspended"]
        if not reasons and not fits_on_paper(code):
            reasons = ["code_too_large"]
        if reasons:
            raise SignatureRefused("signing_unavailable", reasons=reasons)
        return code

    def _store(
        self, document: IntendedDocument, issued: IntendedDocument, code: str, kid: str, work: DocumentServices
    ) -> None:
        """Store the code of a document. issued: as it was signed; it takes the place of what was there when decided.

        Raises Unavailable where the key was revoked since: the document stays unsigned, and the next key signs it.
        """
        holders = work.identity.holders
        try:
            sealed = signed_content(issued, holders, code)
        except NotFound:
            return  # the holder closed their account meanwhile: nothing of theirs is made to count
        if not work.rows.mark_signed(document.id, kid, self.clock.now(), sealed, issued.issued_at):
            return  # another process was quicker, or it was revoked meanwhile
        if self.trust.keystore.is_lost(kid):  # last, for the statement above may have waited for others
            raise Unavailable("signing_unavailable", reasons=["key_not_allowed"])
        actor = document.ordered_by.actor()
        if document.supersedes:
            self._supersede(document, actor, work)
        work.means.audit.record(
            "document.issued",
            actor,
            document.id,
            utility=document.utility,
            kind=document.kind,
            version=document.kind_version,
            rules=document.rules_version,
            request=document.request_id,
        )

    def _supersede(self, newer: IntendedDocument, actor: Actor, work: DocumentServices) -> None:
        """Revoke what a newer document about the same person takes the place of."""
        for row in work.rows.unrevoked(newer.holder_id):
            if row.id == newer.id or row.kind != newer.kind or row.expires_at <= newer.issued_at:
                continue
            if row.issued_at > newer.issued_at:
                continue  # signed late, after what came later: the older one does not end the newer
            if row.issued_at == newer.issued_at and row.signed_at is None and row.id > newer.id:
                continue  # of two of one second that are being signed, one alone ends the other, and waits for it
            older = json.loads(work.identity.holders.unseal(row.holder_id, row.id, row.sealed))["claims"]
            if _person(older) == _person(newer.claims):
                work.revoking.void(row.id, RevocationReason.SUPERSEDED, actor)


def _person(claims: Any) -> tuple[Any, ...]:
    """Return whom a document is about, as far as it says: somebody who applies for others has papers of several."""
    names = ("number",) if "number" in claims else ("number_last4", "full_name", "birth_date")
    return tuple(claims.get(name) for name in names)
