"""Issuing, the first half: from registers to what is about to be signed, in the one transaction of whoever asked.

The API, the command line and every later protocol build an IssueOrder and call this. Claims come from registers
and from what the utility derives, never from the caller: nothing here takes what somebody sent. What was decided,
reserved and held against the profile is stored; once that is committed, `signing.py` signs it.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any

from wallet.clock import Clock
from wallet.crypto.jws import b64url_encode
from wallet.crypto.signing import Signer
from wallet.documents.intended import IntendedDocument, OrderedBy, unsigned_row
from wallet.documents.linting import Linter, stays_printable
from wallet.documents.repository import DocumentRepository
from wallet.documents.status import Indices
from wallet.documents.trust import TrustCentre
from wallet.entropy import Entropy
from wallet.errors import (
    ClaimsRejected,
    Conflict,
    LevelTooLow,
    Malformed,
    NotAllowed,
    StepUpRequired,
    Unavailable,
)
from wallet.formats.cwt_code import (
    DocumentPayload,
    StatusReference,
    claims_digest,
    document_content,
)
from wallet.identity.holders import Holders
from wallet.launching.rollout import Rollout
from wallet.sources.base import Ground
from wallet.sources.gathering import Gathered, gather
from wallet.sources.reading import Sources
from wallet.terms import LONGEST_VALIDITY, Actor
from wallet.utilities.base import Capacity, Case, Claim, Claims, DocumentType, Source, Utility
from wallet.utilities.catalogue import Catalogue
from wallet.utilities.paper import compact_claims, full_claims
from wallet.utilities.plugin import Plugin, in_words_of
from wallet.working_days import end_of_day, vietnamese_day


@dataclass(frozen=True, slots=True)
class IssueOrder:
    """What is to be issued, to whom, for which request.

    case: the request as the plug-in sees it. number: of whom the document is about, "" for the holder. gathered: what
    was read for the request in this transaction. rules_version: under which rules it was asked for.
    decided: an officer decided it, or a register's change did, so that it is not the actor but the holder whom it goes
    to. renewal: how often it was made anew for this request. ends_by: when the one before it ends, where a document
    has no end of its own: a renewal is no extension.
    """

    utility: str
    holder_id: str
    request_id: str
    case: Case
    rules_version: str
    number: str = ""
    gathered: Gathered = field(default_factory=Gathered)
    decided: bool = False
    renewal: int = 0
    ends_by: datetime | None = None


@dataclass(frozen=True, slots=True)
class Issuing:
    """Decides on documents and stores them unsigned, in one transaction.

    signer: who will sign. assert_unlocked: refuses a holder whose account is locked or closed, and lets nobody close or
    erase them until the transaction ends. keep_type: keeps what a kind says of itself. intended: what was stored in
    this transaction and is to be signed once it has committed.
    """

    catalogue: Catalogue
    rollout: Rollout
    holders: Holders
    sources: Sources
    documents: DocumentRepository
    indices: Indices
    trust: TrustCentre
    signer: Signer
    linter: Linter
    clock: Clock
    entropy: Entropy
    issuer_code: str
    assert_unlocked: Callable[[str], None]
    keep_type: Callable[[Plugin, DocumentType], None]
    intended: list[IntendedDocument]

    def issue(self, order: IssueOrder, actor: Actor) -> IntendedDocument:
        """Prepare one document: decide, gather, reserve, hold against the profile, store; the commit lets it be signed.

        Raises UnknownUtility, NotAllowed, LevelTooLow, StepUpRequired, Conflict (the account is locked, the utility is
        not open, a register does not know the person), ClaimsRejected, ProfileViolated, Unavailable. On any of them the
        transaction rolls back, nothing was signed and nothing was handed out.
        """
        plugin = self.catalogue.plugin(order.utility)
        utility = plugin.utility
        self._assert_may_issue(utility, order, actor)
        now = self.clock.now()
        kind = utility.document_of(order.case)
        gathered = self._gather(kind, order, actor)
        with in_words_of(utility):
            claims = self._claims(kind, order.case, gathered, vietnamese_day(now))
        document = self._draft(kind, order, claims, _provenance(kind, claims, gathered), now, actor)
        self._assert_signable(document)
        self.keep_type(plugin, kind)
        self.documents.add(unsigned_row(document, self.holders))
        self.intended.append(document)
        return document

    def _assert_may_issue(self, utility: Utility, order: IssueOrder, actor: Actor) -> None:
        self.assert_unlocked(order.holder_id)
        if order.decided:
            return
        if actor.holder_id != order.holder_id:
            raise NotAllowed("not_allowed")
        self.rollout.assert_open_to(utility.code, actor)
        if actor.account_level < utility.minimum_level:
            raise LevelTooLow("level_too_low", needed=int(utility.minimum_level))
        if actor.auth_level < utility.minimum_auth:
            raise StepUpRequired("step_up_required", auth_level=int(utility.minimum_auth))

    def _gather(self, kind: DocumentType, order: IssueOrder, actor: Actor) -> Gathered:
        """Read every register that the document names and that was not read for its request."""
        number = order.number or self.holders.profile(order.holder_id).number
        ground = Ground("issue_document", order.utility, actor)
        subject = order.holder_id
        if order.case.capacity is Capacity.PROXY:  # whoever it is about learns that it was read
            subject = self.holders.find(number) or subject
        gathered = gather(self.sources, kind.registers, number, ground, subject=subject, known=order.gathered)
        for register in kind.registers:
            needed = any(claim.required for claim in kind.claims if claim.register == register)
            if needed and register in gathered.unknown:
                raise Conflict("not_in_register", register=register)
        return gathered

    def _claims(self, kind: DocumentType, case: Case, gathered: Gathered, today: date) -> Claims:
        """Return what the document states, unless the plug-in refuses it."""
        stated = {**gathered.values, Source.DECLARED: case.answers, Source.REQUEST: case.request}
        given = [claim for claim in kind.claims if claim.source != Source.DERIVED]
        claims: dict[str, Any] = {}
        for claim in given:
            values = stated.get(claim.source, {})
            if claim.stated_as in values:
                claims[claim.name] = values[claim.stated_as]
        _assert_complete(claims, given)
        derived = kind.derive(replace(case, facts={**case.facts, **gathered.values}, claims=claims))
        computed = [claim for claim in kind.claims if claim.source == Source.DERIVED]
        claims |= {claim.name: derived[claim.name] for claim in computed if claim.name in derived}
        _assert_complete(claims, computed)
        kind.check(claims, today)
        return claims

    def _draft(
        self,
        kind: DocumentType,
        order: IssueOrder,
        claims: Claims,
        sources: Mapping[str, Mapping[str, str]],
        now: datetime,
        actor: Actor,
    ) -> IntendedDocument:
        issued_at = now.replace(microsecond=0)
        last = kind.until(replace(order.case, claims=claims))
        longest = vietnamese_day(issued_at) + LONGEST_VALIDITY
        expires_at = end_of_validity(issued_at, kind.validity) if last is None else end_of_day(min(last, longest))
        if last is None and order.ends_by is not None:
            expires_at = min(expires_at, order.ends_by)
        if expires_at <= issued_at:
            raise Conflict("already_over")
        place = self.indices.reserve()
        document_id = self.entropy.bytes(16)
        salt = b64url_encode(self.entropy.bytes(16)).decode()
        whole = full_claims(kind, claims)
        payload = DocumentPayload(
            issuer=self.issuer_code,
            issued_at=issued_at,
            expires_at=expires_at,
            document_id=document_id,
            utility=kind.code,
            utility_version=kind.version,
            claims={},
            claims_hash=claims_digest(whole, salt),
            recipient=None,
            status=StatusReference(place.index, self.trust.status_uri(place.list_id)),
        )
        return IntendedDocument(
            id=f"doc_{document_id.hex()}",
            holder_id=order.holder_id,
            request_id=order.request_id,
            utility=order.utility,
            kind=kind.code,
            kind_version=kind.version,
            rules_version=order.rules_version,
            issued_at=issued_at,
            expires_at=expires_at,
            place=place,
            claims=whole,
            salt=salt,
            sources=sources,
            content=self._printable(payload, kind, claims),
            supersedes=kind.supersedes,
            ordered_by=OrderedBy(actor.account_id, actor.request_id, actor.acting_for),
            renewal=order.renewal,
            about_index=self._about(order),
        )

    def _about(self, order: IssueOrder) -> bytes | None:
        """Return the fingerprint of whom it is about, None for the holder."""
        if not order.number or self.holders.has_number(order.holder_id, order.number):
            return None
        return self.holders.fingerprint(order.number)

    def _printable(self, payload: DocumentPayload, kind: DocumentType, claims: Claims) -> bytes:
        """Return what is to be signed: what paper shows, or, where that does not fit, what it must show."""
        trust = self.trust.trust()
        for least in (False, True):
            content = document_content(replace(payload, claims=compact_claims(kind, claims, least=least)))
            try:
                code = self.linter.code(content, trust)
            except Malformed:
                continue  # more than any code holds, let alone a printed one
            if stays_printable(code):
                return content
        raise ClaimsRejected(full_name="code_too_large")

    def _assert_signable(self, document: IntendedDocument) -> None:
        """Refuse what the key in force may not sign: nothing is promised that cannot be kept."""
        key = self.trust.trust().keys.get((self.issuer_code, self.signer.kid))
        times = int(document.issued_at.timestamp()), int(document.expires_at.timestamp())
        if key is None or not key.may_sign(*times) or not key.serves(document.kind):
            raise Unavailable("signing_unavailable", reasons=["key_not_allowed"])


def _assert_complete(claims: Claims, of: Iterable[Claim]) -> None:
    missing = [claim.name for claim in of if claim.required and claim.name not in claims]
    if missing:
        raise ClaimsRejected(**dict.fromkeys(missing, "missing_in_register"))


def _provenance(kind: DocumentType, claims: Claims, gathered: Gathered) -> dict[str, dict[str, str]]:
    """Return, for each claim, where it comes from and, of a register, when that last changed it.

    What was computed from a register names it as `register`.
    """
    found: dict[str, dict[str, str]] = {}
    for claim in kind.claims:
        if claim.name in claims:
            found[claim.name] = {"source": str(claim.source)}
            if claim.register and not claim.from_register:
                found[claim.name]["register"] = str(claim.register)
            if claim.register in gathered.facts and not claim.undated:
                found[claim.name]["as_of"] = gathered.facts[claim.register].as_of.isoformat(timespec="seconds")
    return found


def end_of_validity(issued_at: datetime, validity: timedelta) -> datetime:
    """Return the end: 24:00 in Asia/Ho_Chi_Minh of the day that lies `validity` after the day of issue."""
    return end_of_day(vietnamese_day(issued_at) + validity)
