"""Issuing again what a revoked key signed, in bulk: the same document under another key, without its holder acting.

Only what is on record as issued before the moment from which others may have signed; the rest is revoked, for nobody
can say who made it. Where that moment is the revocation itself, nobody but us has signed, and all that is on record
counts. A document keeps its id, its claims, their salt and its status entry, so there is never a second
one that lives: the old code ends with its key. The row names the key, so the rows are the queue: whoever is interrupted
goes on with those that still name the old one (docs/security.md, S-63). A copy in another form that rests on such a key
is revoked: whoever has the document gets the next one when they ask.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

import structlog

from wallet.audit import Audit
from wallet.clock import Clock
from wallet.crypto.certificates import read_certificate
from wallet.crypto.keystore import Key, Keystore, Role
from wallet.crypto.signing import Signer
from wallet.documents.copy_revoking import CopyRevoking
from wallet.documents.intended import dated
from wallet.documents.models import DocumentRow
from wallet.documents.repository import DocumentRepository
from wallet.documents.revoking import RevocationReason, Revoking
from wallet.documents.trust import TrustCentre
from wallet.errors import Malformed, NotFound, Unavailable, VerificationFailed
from wallet.formats.claims_set import UnverifiedClaimsSet
from wallet.formats.compact_values import seconds_of
from wallet.formats.cwt_code import encode_document_code, parse_document_code
from wallet.identity.holders import Holders
from wallet.terms import Actor
from wallet.verifier import Policy, judge

BATCH = 100
"""Documents of one round: it signs them between two transactions, and the second is short."""
PASSED = 1_000
"""Documents that were issued again, of one look for those that an earlier moment ends: hardly any is to be changed."""
REISSUED = "document.reissued"
"""On record once for each time; its code is then of the moment it was signed again, not of its issuing."""
SETTLED = timedelta(hours=1)
"""After this long no process signs with a key that was revoked, however late it noticed."""
ROLES = (Role.DOCUMENT, Role.CARD, Role.LIVE, Role.SD_JWT, Role.MDOC, Role.SEAL)
"""Of the keys on which a document or a copy rests."""
_SYSTEM = Actor("system")
log = structlog.get_logger("wallet.keys")


@dataclass(frozen=True, slots=True)
class Tally:
    """How many documents were issued again, revoked, and left because nothing could be made of them; how many copies
    were revoked."""

    reissued: int = 0
    revoked: int = 0
    left: int = 0
    copies: int = 0

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(
            self.reissued + other.reissued,
            self.revoked + other.revoked,
            self.left + other.left,
            self.copies + other.copies,
        )

    @property
    def done(self) -> int:
        return self.reissued + self.revoked + self.left + self.copies


@dataclass(frozen=True, slots=True)
class Reissuing:
    """Issues again, in one transaction."""

    documents: DocumentRepository
    holders: Holders
    revoking: Revoking
    copies: CopyRevoking
    audit: Audit
    clock: Clock

    def due(self, key: Key, after: str, most: int = BATCH) -> "Due":
        """Return the next documents that a revoked key signed, and what is to become of each.

        after: the id of the last one before, "" to begin.
        """
        _assert_revoked(key)
        since = _ours_before(key)
        rows = self.documents.signed_by(key.record.kid, after, self.clock.now(), most)
        recorded = self.audit.subjects_of("document.issued", [row.id for row in rows], before=since)
        again, void, left = [], [], 0
        for row in rows:
            if row.id not in recorded or row.issued_at >= since:
                void.append(row.id)
                continue
            try:
                again.append(self._former(row, key))
            except (Malformed, NotFound, VerificationFailed) as error:
                log.error("document not issued again", document=row.id, reason=error.code)
                left += 1
        return Due(tuple(again), tuple(void), left, rows[-1].id if rows else after)

    def widened(self, key: Key, after: str, most: int = PASSED) -> "Due":
        """Return which of the documents that were issued again in a revoked key's place are to be revoked all the same.

        Nothing is, unless an earlier moment was told once they were: of what was not on record before it nobody can say
        who made it. after: the `last` of the look before, "" to begin.
        """
        _assert_revoked(key)
        since = _ours_before(key)
        entries = self.audit.next_with(REISSUED, "former", key.record.kid, int(after or 0), most)
        ids = [entry.subject for entry in entries]
        recorded = self.audit.subjects_of("document.issued", ids, before=since)
        rows = self.documents.counting(ids, self.clock.now())
        void = tuple(row.id for row in rows if row.id not in recorded or row.issued_at >= since)
        return Due((), void, 0, str(entries[-1].id) if entries else after)

    def settle(self, key: Key, due: "Due", signed: Mapping[str, str], kid: str, at: datetime) -> Tally:
        """Store what was signed again and revoke what nobody can speak for; return what came of it.

        signed: codes by document, made by the key `kid` and dated `at`. What ended or another process did meanwhile
        stays so.
        """
        total = Tally(left=due.left)
        for former in (former for former in due.again if former.id in signed):
            content = json.dumps(
                {**former.content, "code": signed[former.id]}, ensure_ascii=False, separators=(",", ":")
            )
            sealed = self.holders.seal(former.holder_id, former.id, content.encode())
            if self.documents.sign_again(former.id, key.record.kid, kid, at, sealed):
                self.audit.record(REISSUED, _SYSTEM, former.id, former=key.record.kid, kid=kid)
                total += Tally(reissued=1)
        for document_id in due.void:
            if self.revoking.void(document_id, RevocationReason.KEY_REVOKED, _SYSTEM):
                total += Tally(revoked=1)
        return total

    def copy_batch(self, key: Key, after: str) -> tuple[Tally, str]:
        """Revoke the next copies that a revoked key signed or sealed, or whose printed code it signed; see `due`."""
        _assert_revoked(key)
        done, last = self.copies.signed_by(key.record.kid, after, _SYSTEM)
        return Tally(copies=done), last

    def _former(self, row: DocumentRow, key: Key) -> "Former":
        content = json.loads(self.holders.unseal(row.holder_id, row.id, row.sealed))
        former = parse_document_code(content["code"])
        public_key = read_certificate(key.signer.certificate_der).public_key
        if public_key is None:
            raise Malformed("a signer's key is on P-256")
        former.signed.verify(public_key)
        return Former(row.id, row.holder_id, content, former.content)


@dataclass(frozen=True, slots=True)
class Former:
    """A document as a key signed it that was revoked since. content: as it is sealed; claims: what its code says."""

    id: str
    holder_id: str
    content: Mapping[str, Any] = field(repr=False)
    claims: UnverifiedClaimsSet = field(repr=False)


@dataclass(frozen=True, slots=True)
class Due:
    """The next documents of a revoked key. again: to be signed; void: to be revoked. last: where to go on."""

    again: tuple[Former, ...]
    void: tuple[str, ...]
    left: int
    last: str


def _assert_revoked(key: Key) -> None:
    if key.lost_at is None:
        raise ValueError("of a key that counts nothing is to be taken back")


def _ours_before(key: Key) -> datetime:
    """Return before when it has to be on record that a revoked key signed something, to be issued again.

    Where nobody else had the key before it was revoked, what a process stored that had not noticed yet is ours too.
    """
    record = key.record
    if record.compromised_at < record.revoked_at:
        return datetime.fromtimestamp(record.compromised_at, UTC)
    return datetime.fromtimestamp(record.revoked_at, UTC) + SETTLED


class ReissuingWork(Protocol):
    """What one transaction offers for this."""

    @property
    def reissuing(self) -> Reissuing: ...


@dataclass
class ReissueJob:
    """Goes through what revoked keys signed, batch after batch; any number of processes may at once."""

    work: Callable[[], AbstractContextManager[ReissuingWork]]
    read: Callable[[], AbstractContextManager[ReissuingWork]]
    trust: TrustCentre
    keystore: Keystore
    clock: Clock
    _settled: set[tuple[str, int]] = field(default_factory=set)

    def run(self) -> bool:
        """Do one round; return False: there is nothing more to do at once."""
        for key in self.revoked():
            moment = (key.record.kid, key.record.compromised_at)  # which may be told again, and earlier
            if moment not in self._settled:
                self.go(key)
                lost_at = datetime.fromtimestamp(key.lost_at or 0, UTC)
                if self.clock.now() - lost_at > SETTLED:
                    self._settled.add(moment)
        return False

    def revoked(self) -> Iterator[Key]:
        """Return the keys for documents and their copies that were revoked, or whose root was."""
        return (key for role in ROLES for key in self.keystore.keys(role) if key.lost_at is not None)

    def go(self, key: Key, on_progress: Callable[[int], None] | None = None) -> Tally:
        """Issue again what one key signed, to the end; return what came of it. Raises Unavailable.

        Documents first: a copy that is asked for right after its end is then one of the document as it is now.
        """
        total = Tally()
        if key.record.role == Role.DOCUMENT:
            if key.record.compromised_at < key.record.revoked_at:  # first: it needs no signer
                total = self._through(key, self._widened, total, on_progress)
            total = self._through(key, self.documents, total, on_progress)
        return self._through(key, self._copies, total, on_progress)

    def documents(self, key: Key, after: str, most: int = BATCH) -> tuple[Tally, str]:
        """Take the next documents in two transactions: none is open, and nobody waits, while the signer signs.

        Return what came of them, and the id of the last. Raises Unavailable; then nothing of the round is done.
        """
        with self.read() as work:
            due = work.reissuing.due(key, after, most)
        if due.last == after:
            return Tally(), after
        signer, now = self.keystore.signer(Role.DOCUMENT), self.clock.now()
        codes = {former.id: self._signed(former, signer, now) for former in due.again}
        signed = {document_id: code for document_id, code in codes.items() if code is not None}
        with self.work() as work:
            return work.reissuing.settle(key, due, signed, signer.kid, now), due.last

    def _signed(self, former: Former, signer: Signer, now: datetime) -> str | None:
        """Return a document's code by another key, None where the document ended meanwhile. Raises Unavailable."""
        if former.claims.expires_at <= seconds_of(now):
            return None
        code = encode_document_code(dated(former.claims, now), signer)
        judgement = judge(code, self.trust.trust(), Policy(), now)
        if "revoked" in judgement.reasons:
            return None
        if not judgement.accepted and judgement.reasons != ("suspended",):
            raise Unavailable("signing_unavailable", reasons=[str(reason) for reason in judgement.reasons])
        return code

    def _widened(self, key: Key, after: str) -> tuple[Tally, str]:
        with self.read() as work:
            due = work.reissuing.widened(key, after)
        if not due.void:
            return Tally(), due.last
        with self.work() as work:
            return work.reissuing.settle(key, due, {}, "", self.clock.now()), due.last

    def _copies(self, key: Key, after: str) -> tuple[Tally, str]:
        with self.work() as work:
            return work.reissuing.copy_batch(key, after)

    def _through(
        self,
        key: Key,
        batch: Callable[[Key, str], tuple[Tally, str]],
        total: Tally,
        on_progress: Callable[[int], None] | None,
    ) -> Tally:
        after = ""
        while True:
            done, last = batch(key, after)
            if last == after:
                return total
            total, after = total + done, last
            if not done.done:
                continue
            if on_progress is not None:
                on_progress(total.done)
            log.info(
                "documents issued again",
                kid=key.record.kid,
                reissued=total.reissued,
                revoked=total.revoked,
                copies=total.copies,
            )
