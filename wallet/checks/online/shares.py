"""Shares: a desk asks a holder for what a code does not state, and reads it for a few minutes once they agreed.

`awaiting` → `agreed` or `refused`; what nobody answered is `expired`. What can be neither answered nor read any more is
`ended`: its minutes are over, its consent is withdrawn, or its document does not count any more.
Source: docs/domain.md, section 5.2 ("Xác nhận chia sẻ") and 6.4; docs/security.md, S-12, S-13 and S-67.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from wallet.audit import Audit
from wallet.checks.desks import DeskActor
from wallet.checks.online.consents import (
    MAX_REMEMBERED,
    Asker,
    Consented,
    Consents,
    account_of,
    asker_of,
    holder_of,
)
from wallet.checks.online.disclosing import Disclosing, Disclosure, registered
from wallet.checks.online.looks import Looks, Way
from wallet.checks.online.models import ShareRow
from wallet.checks.online.repository import OnlineRepository
from wallet.checks.purposes import Purpose
from wallet.clock import Clock
from wallet.documents.shown import Shown
from wallet.entropy import Entropy, new_id
from wallet.errors import Conflict, InvalidInput, NotFound
from wallet.identity.accounts import Accounts, AccountState
from wallet.identity.contacts import Contacts
from wallet.identity.guardians import Guardians
from wallet.terms import Actor
from wallet.utilities.catalogue import may_learn, only_for

ANSWER_WITHIN = timedelta(minutes=10)
READABLE_FOR = timedelta(minutes=10)
MOST_ASKED = 10
"""How often an organisation asks one person for something in an hour; each time their phone tells them."""
PAUSE = timedelta(minutes=2)
"""How long somebody who refused is not asked again by the same organisation for the same purpose."""
KEPT = timedelta(days=90)
"""How long shares and presentations that are over are kept, to be read in their lists."""
_HOUR = timedelta(hours=1)
_LOOKED = "share-look"
"""What sort of single use the first reading of a share is (`wallet.single_use`)."""
AWAITING, AGREED, REFUSED, EXPIRED, ENDED = "awaiting", "agreed", "refused", "expired", "ended"
STATES = (AWAITING, AGREED, REFUSED, EXPIRED, ENDED)


@dataclass(frozen=True, slots=True)
class ShareView:
    """A share as its holder sees it. required, optional: names of data that are asked for; shown: what they agreed to.

    answer_until: after it nobody can agree. readable_until: how long the desk can read what was agreed to.
    """

    id: str
    organisation_id: str
    organisation_name: Mapping[str, str]
    desk_name: str
    purpose: str
    purpose_name: Mapping[str, str]
    legal_ground: str
    document_id: str
    utility: str
    kind: str
    required: tuple[str, ...]
    optional: tuple[str, ...]
    state: str
    asked_at: datetime
    answer_until: datetime
    decided_at: datetime | None
    readable_until: datetime | None
    consent_id: str | None


@dataclass(frozen=True, slots=True)
class ShareAnswer:
    """What a desk is told of a share. id: None where a remembered consent answered by itself, or nobody is there.

    utility: of the document, for the words of what is shown. reason: why one has ended whose document does not count
    any more, a code of docs/wire.md, section 3.
    """

    id: str | None
    state: str
    utility: str
    answer_until: datetime | None = None
    readable_until: datetime | None = None
    reason: str | None = None
    disclosure: Disclosure | None = field(repr=False, default=None)


@dataclass(frozen=True, slots=True)
class Decision:
    """What a holder answers. fields: of the optional ones those that they show. remember: until when this answers by
    itself, None for this once."""

    agree: bool
    fields: frozenset[str] = frozenset()
    remember: datetime | None = None


@dataclass(frozen=True, slots=True)
class Shares:
    """Shares, in one transaction. sensitive: whether a kind of document needs a fresh authentication."""

    rows: OnlineRepository
    consents: Consents
    disclosing: Disclosing
    looks: Looks
    accounts: Accounts
    contacts: Contacts
    guardians: Guardians
    audit: Audit
    clock: Clock
    entropy: Entropy
    open_to_wards: frozenset[str]
    sensitive: Callable[[str, str], bool]

    # ── the desk ──

    def ask(
        self, desk: DeskActor, purpose: Purpose, shown: Shown, required: frozenset[str], optional: frozenset[str]
    ) -> ShareAnswer:
        """Ask a holder, and tell them; what this desk asks already is not asked twice.

        Who has just refused, or was asked too often, is not asked: a desk learns that nothing is shown, as where nobody
        is there.
        """
        now = self.clock.now()
        waiting = self.rows.awaiting_share(desk.desk_id, purpose.code, shown.holder_id, shown.document_id, now)
        same = waiting is not None and asker(waiting) == asker_of(desk.organisation_id, desk.organisation_name, purpose)
        if waiting is not None and same and (set(waiting.required), set(waiting.optional)) == (required, optional):
            return ShareAnswer(waiting.id, AWAITING, waiting.utility, answer_until=waiting.answer_until)
        account = self.accounts.of_holder(shown.holder_id)
        if account is None or account.state not in (AccountState.ACTIVE, AccountState.APPROVED):
            return ShareAnswer(None, REFUSED, shown.utility)  # nobody is there to agree; a desk does not learn why
        if self._is_left_alone(desk, purpose, shown.holder_id, now):
            return ShareAnswer(None, REFUSED, shown.utility)
        row = ShareRow(
            id=new_id(self.entropy, "shr"),
            holder_id=shown.holder_id,
            account_id=account.id,
            document_id=shown.document_id,
            utility=shown.utility,
            kind=shown.kind,
            organisation_id=desk.organisation_id,
            organisation_name=dict(desk.organisation_name),
            desk_id=desk.desk_id,
            desk_name=desk.desk_name,
            purpose=purpose.code,
            purpose_name=dict(purpose.title),
            legal_ground=purpose.legal_ground,
            required=sorted(required),
            optional=sorted(optional),
            state=AWAITING,
            asked_at=now,
            answer_until=now + ANSWER_WITHIN,
        )
        self.rows.add(row)
        self.contacts.tell(account.id, "share_asked", share=row.id)
        for guardian in self.guardians.guardians(account.id):
            if shown.utility in self.open_to_wards:
                self.contacts.tell(guardian.account_id, "share_asked", share=row.id, ward=account.id)
        return ShareAnswer(row.id, AWAITING, row.utility, answer_until=row.answer_until)

    def _is_left_alone(self, desk: DeskActor, purpose: Purpose, holder_id: str, now: datetime) -> bool:
        lately = self.rows.asked_since(desk.organisation_id, holder_id, now - _HOUR)
        refusals = [row.decided_at for row in lately if (row.state, row.purpose) == (REFUSED, purpose.code)]
        return len(lately) >= MOST_ASKED or any(at is not None and now - at < PAUSE for at in refusals)

    def read(self, share_id: str, desk: DeskActor, actor: Actor) -> ShareAnswer:
        """Return a share as the desk that asked sees it; that it reads what was agreed to is on record, once.

        Raises NotFound for another desk's, NotAllowed("purpose_not_registered") where the purpose was taken away.
        """
        row = self.rows.share(share_id)
        if row is None or row.desk_id != desk.desk_id:
            raise NotFound("not_found")
        purpose, (state, reason) = desk.purpose(row.purpose), self._standing(row)
        if state == AGREED and not self.consents.holds_for(row.consent_id or "", purpose):
            state = ENDED
        if state != AGREED or row.consent_id is None:
            answerable = row.answer_until if state == AWAITING else None
            return ShareAnswer(row.id, state, row.utility, answer_until=answerable, reason=reason)
        consent = self.rows.consent(row.consent_id)
        # What the organisation may see now, not what it might see when it asked.
        fields = set(() if consent is None else consent.fields) & registered(purpose, row.kind)
        disclosure = self.disclosing.open(row.document_id, row.holder_id, fields)
        if self.rows.use_once(_LOOKED, row.id, row.readable_until or self.clock.now()):
            self.looks.record(
                Way.SHARE,
                desk,
                purpose,
                actor,
                row.holder_id,
                utility=row.utility,
                kind=row.kind,
                data=disclosure.names,
                verdict="valid",
            )
        return ShareAnswer(row.id, AGREED, row.utility, readable_until=row.readable_until, disclosure=disclosure)

    # ── the holder ──

    def page(self, actor: Actor, limit: int, place: str | None) -> tuple[list[ShareView], str | None]:
        """Return one page of what the caller was asked for, newest first, and where the next one starts."""
        only = only_for(actor, self.open_to_wards)
        rows, following = self.rows.shares(holder_of(actor), only, limit, place)
        return [self._view(row) for row in rows], following

    def is_sensitive(self, share_id: str, actor: Actor) -> bool:
        """Return whether agreeing needs a fresh authentication (S-13). Raises NotFound."""
        row = self._own(share_id, actor)
        return self.sensitive(row.utility, row.kind)

    def decide(self, share_id: str, decision: Decision, actor: Actor) -> ShareView:
        """Agree to a share or refuse it, once.

        Raises NotFound, Conflict("share_closed") where it is answered or nobody waits any more,
        Conflict("document_not_valid") where the document does not count any more, InvalidInput for fields that nobody
        asked for, for none at all, and for a consent that would be remembered for more than a year.
        """
        row, now = self._own(share_id, actor), self.clock.now()
        if not decision.agree:
            if not self.rows.decide_share(row.id, now, state=REFUSED):
                raise Conflict("share_closed")
            self.audit.record("share.refused", actor, row.id, organisation=row.organisation_id, purpose=row.purpose)
            return self._view(self._own(share_id, actor))
        fields = self._agreed(row, decision, now)
        if not self._counts(row):
            raise Conflict("document_not_valid")
        until = now + READABLE_FOR
        consent = self.consents.give(
            asker(row),
            Consented(row.holder_id, account_of(actor), row.utility, row.kind, tuple(fields)),
            remembered=decision.remember is not None,
            expires_at=decision.remember or until,
            actor=actor,
        )
        if not self.rows.decide_share(row.id, now, state=AGREED, readable_until=until, consent_id=consent.id):
            raise Conflict("share_closed")
        self.audit.record("share.agreed", actor, row.id, organisation=row.organisation_id, purpose=row.purpose)
        return self._view(self._own(share_id, actor))

    def _agreed(self, row: ShareRow, decision: Decision, now: datetime) -> frozenset[str]:
        faults: dict[str, str] = {}
        chosen = decision.fields
        if chosen - set(row.optional) - set(row.required):
            faults["/fields"] = "not_asked_for"
        elif not chosen and not row.required:
            faults["/fields"] = "required"
        if decision.remember is not None and not now < decision.remember <= now + MAX_REMEMBERED:
            faults["/remember_days"] = "out_of_range"
        if faults:
            raise InvalidInput(faults)
        return chosen | frozenset(row.required)

    def _own(self, share_id: str, actor: Actor) -> ShareRow:
        row = self.rows.share(share_id)
        if row is None or row.holder_id != holder_of(actor) or not may_learn(actor, row.utility, self.open_to_wards):
            raise NotFound("not_found")
        return row

    def _view(self, row: ShareRow) -> ShareView:
        stored: dict[str, Any] = {name: getattr(row, name) for name in ShareView.__slots__}
        stored |= {"required": tuple(row.required), "optional": tuple(row.optional), "state": self._state(row)}
        return ShareView(**stored)

    def _state(self, row: ShareRow) -> str:
        return self._standing(row)[0]

    def _standing(self, row: ShareRow) -> tuple[str, str | None]:
        """Return the state of a share, and the fault of its document where that has ended it.

        Of a document nothing is told but while somebody waits for an answer, or may read what was agreed to.
        """
        now = self.clock.now()
        if row.state == AWAITING:
            state, open_still, otherwise = AWAITING, now < row.answer_until, EXPIRED
        elif row.state == REFUSED or row.consent_id is None or row.readable_until is None:
            return row.state, None
        else:
            state, otherwise = AGREED, ENDED
            open_still = now < row.readable_until and self.consents.holds(row.consent_id)
        if not open_still:
            return otherwise, None
        fault = self.disclosing.fault(row.document_id, row.holder_id, now)
        return (state, None) if fault is None else (ENDED, fault)

    def _counts(self, row: ShareRow) -> bool:
        """Return whether the document still counts: of one that is revoked or suspended nothing is shown."""
        return self.disclosing.fault(row.document_id, row.holder_id, self.clock.now()) is None


def asker(row: ShareRow) -> Asker:
    """Return who asks, out of what was asked."""
    return Asker(row.organisation_id, row.organisation_name, row.purpose, row.purpose_name, row.legal_ground)
