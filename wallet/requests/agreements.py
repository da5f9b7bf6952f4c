"""Somebody else agrees to a request by their own act: asked out of the request, answered out of their own account.

Only whom the utility names is asked, and only where the applicant wants it; whoever has no account signs on paper. What
they answer moves the request, and so does their silence: no office waits, and no office's clock runs. `waiting`,
`agreed`, `declined`, `lapsed`; `closed`: the request ended without an answer.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from wallet.audit import Audit
from wallet.clock import Clock
from wallet.entropy import Entropy, new_id
from wallet.errors import Conflict, InvalidInput, NotFound
from wallet.identity.accounts import Accounts, AccountState
from wallet.identity.contacts import Contacts
from wallet.identity.holders import Holders
from wallet.requests.cases import Told, holder_of
from wallet.requests.models import RequestAgreement, RequestRow
from wallet.requests.moving import SYSTEM, Moving
from wallet.requests.orders import number_of
from wallet.requests.repository import RequestRepository
from wallet.requests.sealed import is_current, open_content, seal_content
from wallet.terms import Actor
from wallet.utilities.base import By, Utility
from wallet.utilities.catalogue import Catalogue
from wallet.working_days import end_of_day, vietnamese_day

WAITING, AGREED, DECLINED, LAPSED, CLOSED = "waiting", "agreed", "declined", "lapsed", "closed"
STATES = (WAITING, AGREED, DECLINED, LAPSED, CLOSED)
BATCH, MOST_ASKED = 100, 100


@dataclass(frozen=True, slots=True)
class AskedAgreement:
    """What somebody is asked to agree to. shown: answers of the applicant, by the names of their fields."""

    id: str
    number: str
    utility: str
    applicant: str = field(repr=False)
    asked_at: datetime
    expires_at: datetime
    shown: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Agreements:
    """Agreements of others, in one transaction."""

    rows: RequestRepository
    catalogue: Catalogue
    moving: Moving
    holders: Holders
    accounts: Accounts
    contacts: Contacts
    audit: Audit
    clock: Clock
    entropy: Entropy

    def wanted(self, utility: Utility, row: RequestRow, told: Told) -> str | None:
        """Return the holder who is to be asked before a request goes on, None for nobody.

        Whoever declined is not asked again by the same request, nor whoever agreed to what it states now: an agreement
        is to what was shown. Raises InvalidInput for somebody without an account.
        """
        agreement = utility.agreement
        if agreement is None or utility.lifecycle.move(row.state, "ask_agreement") is None:
            return None
        if told.case.answers.get(agreement.field) is not True:
            return None
        holder_id = self.holders.find(agreement.of(told.case))
        account = None if holder_id is None else self.accounts.of_holder(holder_id)
        if account is None or account.state is not AccountState.ACTIVE:
            raise InvalidInput({f"/answers/{agreement.field}": "has_no_account"})
        content = open_content(self.holders, row)
        answered = any(
            each.holder_id == holder_id
            and (each.state == DECLINED or (each.state == AGREED and is_current(each.id, agreement, content)))
            for each in self.rows.agreements(row.id)
        )
        return None if answered else holder_id

    def ask(self, utility: Utility, row: RequestRow, holder_id: str) -> None:
        """Ask somebody, whom `wanted` named, in the transaction that has the request wait for them.

        What they are shown is kept with the request, sealed: until they answer nobody changes it, and afterwards it
        says to what they agreed.
        """
        now, days = self.clock.now(), 0 if utility.agreement is None else utility.agreement.days
        asked = RequestAgreement(
            id=new_id(self.entropy, "agr"),
            request_id=row.id,
            holder_id=holder_id,
            state=WAITING,
            asked_at=now,
            expires_at=end_of_day(vietnamese_day(now) + timedelta(days=days)),
        )
        if utility.agreement is not None:
            content = open_content(self.holders, row)
            shown = {**content.shown, asked.id: utility.agreement.shown(content.answers)}
            row.sealed = seal_content(self.holders, row.holder_id, row.id, replace(content, shown=shown))
        self.rows.add(asked)
        self.audit.record("agreement.asked", SYSTEM, holder_id, request=row.id, agreement=asked.id)
        account = self.accounts.of_holder(holder_id)
        if account is not None:
            self.contacts.tell(account.id, "agreement_asked", agreement=asked.id, number=number_of(row.id))

    def asked(self, actor: Actor) -> list[AskedAgreement]:
        """Return what the caller is asked to agree to, the oldest first. Raises NotAllowed."""
        found = []
        for each in self.rows.asked_of(holder_of(actor), MOST_ASKED):
            row = self.rows.get(each.request_id)
            utility = self._waiting(each, row)
            if row is None or utility is None or utility.agreement is None:
                continue
            content = open_content(self.holders, row)
            found.append(
                AskedAgreement(
                    id=each.id,
                    number=number_of(row.id),
                    utility=row.utility,
                    applicant=self.holders.profile(row.holder_id).full_name,
                    asked_at=each.asked_at,
                    expires_at=each.expires_at,
                    shown=utility.agreement.shown(content.answers),
                )
            )
        return found

    def answer(self, agreement_id: str, *, agree: bool, actor: Actor) -> None:
        """Agree, or decline, as whoever was asked; the request goes on, or back to its applicant.

        Raises NotFound for what somebody else was asked, Conflict("agreement_closed") for what is answered or over.
        """
        asked = self.rows.agreement(agreement_id)
        if asked is None or asked.holder_id != holder_of(actor):
            raise NotFound("not_found")
        row = self.rows.get(asked.request_id, lock=True)
        state, action = (AGREED, "agree") if agree else (DECLINED, "decline")
        utility = self._waiting(asked, row)
        if row is None or utility is None or not self.rows.end_agreement(asked.id, state, self.clock.now()):
            raise Conflict("agreement_closed")
        self.audit.record(f"agreement.{state}", actor, asked.holder_id, request=row.id, agreement=asked.id)
        self.moving.move(utility, row, action, By.OTHER, actor)

    def close(self, row: RequestRow) -> None:
        """Ask nobody any more: the request is over."""
        for asked in self.rows.agreements(row.id):
            self.rows.end_agreement(asked.id, CLOSED, self.clock.now())

    def lapse(self) -> int:
        """Give a batch of requests back to applicants where nobody answered in time; return how many there were."""
        done, codes = 0, sorted(plugin.utility.code for plugin in self.catalogue)
        due = self.rows.lapsed_agreements(self.clock.now(), codes, BATCH)
        for request_id, agreement_id in sorted((request_id, agreement_id) for agreement_id, request_id in due):
            row = self.rows.get(request_id, lock=True)
            if row is None or not self.rows.end_agreement(agreement_id, LAPSED, self.clock.now()):
                continue
            done += 1
            utility = self.catalogue.get(row.utility)
            if utility.lifecycle.move(row.state, "lapse") is not None:  # its applicant may have gone meanwhile
                self.moving.move(utility, row, "lapse", By.SYSTEM, SYSTEM)
        return done

    def _waiting(self, asked: RequestAgreement, row: RequestRow | None) -> Utility | None:
        """Return the utility of a request that waits for an answer which can still be given, None for any other."""
        plugin = None if row is None else self.catalogue.find(row.utility)
        if row is None or plugin is None or asked.expires_at <= self.clock.now():
            return None
        waits = any(move.by is By.OTHER for move in plugin.utility.lifecycle.from_(row.state))
        return plugin.utility if waits else None
