"""What requests hold about a person: what they asked for and stated, the files, what came of it.

What was stated goes when they go; the bare fact that something was asked stays.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from wallet.clock import Clock
from wallet.held import (
    MAX_ROWS,
    DatabaseSession,
    HeldTable,
    Person,
    Section,
    Told,
    change,
    drop,
    forget,
    rows_of,
    section,
    told,
)
from wallet.identity.holders import Holders
from wallet.payments.held import abandon, payments_of
from wallet.requests import agreements, steps
from wallet.requests.models import (
    LinkRow,
    RequestAgreement,
    RequestEvent,
    RequestFile,
    RequestOnce,
    RequestPaper,
    RequestRow,
    RequestStep,
)
from wallet.requests.papers import sealed_at
from wallet.utilities.lifecycles import DRAFT

WITHDRAWN = "withdrawn"
REQUESTS = HeldTable(
    RequestRow,
    "holder_id",
    told=(
        *("id", "utility", "utility_version", "rules_version", "capacity", "state", "agency", "province"),
        *("organisation_id", "organisation_code", "organisation_name"),
        *("created_at", "updated_at", "submitted_at", "due_at", "apologies", "fee", "document_id"),
    ),
    withheld=(
        *("holder_id", "account_id", "version", "claimed_by", "claimed_at", "decided_by"),
        *("fields_held", "fields_asked", "sealed"),  # the answers are told unsealed
    ),
    by_account=False,
    ordered="created_at",
    blanked={
        "sealed": b"",
        "province": "",
        "fee": [],
        **dict.fromkeys(("organisation_id", "organisation_code", "organisation_name")),
    },
)
EVENTS = HeldTable(
    RequestEvent,
    "request_id",
    told=("request_id", "sequence", "at", "action", "state", "party", "reason", "step", "expected_at"),
    withheld=("officer_id", "sealed_note"),
    parent=REQUESTS,
    ordered="at",
    blanked={"sealed_note": None},
)
STEPS = HeldTable(
    RequestStep,
    "request_id",
    told=("request_id", "code", "agency", "state", "opened_at", "due_at", "done_at", "reason", "reminders"),
    withheld=("position", "province", "done_by", "sealed_found", "sealed_over", "reminded_at"),
    parent=REQUESTS,
    ordered="position",
    blanked={"sealed_found": None, "sealed_over": None, "province": ""},
)
FILES = HeldTable(
    RequestFile,
    "request_id",
    told=("id", "request_id", "field", "media_type", "size", "sha256", "added_at"),
    withheld=("sealed_content",),
    parent=REQUESTS,
    ordered="added_at",
    deleted=True,
)
PAPERS = HeldTable(
    RequestPaper,
    "request_id",
    told=("request_id", "kind", "sequence", "made_at", "due_at"),
    withheld=("sealed",),  # what it states is told unsealed
    parent=REQUESTS,
    ordered="made_at",
    deleted=True,
)
AGREEMENTS = HeldTable(
    RequestAgreement,
    "holder_id",
    told=("state", "asked_at", "expires_at", "answered_at"),
    withheld=("id", "request_id", "holder_id"),  # whose request it is, is theirs
    by_account=False,
    ordered="asked_at",
)
PAYMENTS = payments_of(REQUESTS)
ONCE = HeldTable(
    RequestOnce,
    "request_id",
    withheld=("digest", "request_id"),
    parent=REQUESTS,
    ordered="request_id",
    deleted=True,
)
"""What a person's requests ask for, for nobody to read."""
OTHERS = HeldTable(RequestAgreement, "request_id", parent=REQUESTS)
"""Whom a person's requests asked to agree: theirs to be told, and over with the request."""
LINKS = HeldTable(
    LinkRow,
    "holder_id",
    told=("utility", "state", "reason", "changed_at", "as_of"),
    withheld=("holder_id",),
    by_account=False,
    ordered="changed_at",
    deleted=True,
)


@dataclass(frozen=True, slots=True)
class RequestsHeld:
    """The tables of requests in one transaction. final: states that nothing leads out of."""

    session: DatabaseSession
    holders: Holders
    final: frozenset[str]
    clock: Clock
    tables: tuple[HeldTable, ...] = (REQUESTS, EVENTS, STEPS, FILES, PAPERS, AGREEMENTS, PAYMENTS, ONCE, LINKS)

    def export(self, person: Person) -> Iterator[Section]:
        """Return every request with what was stated in it, and everything that belongs to it."""
        rows = rows_of(self.session, REQUESTS, person, "sealed")
        yield Section("requests", [self._told(row, person) for row in rows[-MAX_ROWS:]], len(rows) <= MAX_ROWS)
        papers = rows_of(self.session, PAPERS, person, "sealed")
        yield Section(
            "request_papers", [self._stated(row, person) for row in papers[-MAX_ROWS:]], len(papers) <= MAX_ROWS
        )
        for code, table in (
            ("request_events", EVENTS),
            ("request_steps", STEPS),
            ("request_files", FILES),
            ("agreements", AGREEMENTS),
            ("payments", PAYMENTS),
            ("links", LINKS),
        ):
            yield section(self.session, code, table, person)

    def unfinished(self, person: Person) -> int:
        """Return how many requests that were sent are not answered yet."""
        return len(self._open(person, self.final | {DRAFT}))

    def end(self, person: Person) -> list[str]:
        """End what was sent and is open, whose applicant died; return the ids of those. See `_end`.

        What was decided and stated stays as it was, and so do drafts.
        """
        self.session.flush()  # what this transaction changed before is not forgotten with what was read
        ended = self._open(person, self.final | {DRAFT})
        self._end(person, ended)
        self.session.expire_all()
        return ended

    def erase(self, person: Person) -> None:
        """Forget what was stated: files, papers and links are deleted, what was sealed is blanked.

        What is open ends before, drafts too. See `_end`.
        """
        self._end(person, self._open(person, self.final))
        forget(self.session, (FILES, PAPERS, ONCE, STEPS, EVENTS, LINKS, REQUESTS), person)

    def _open(self, person: Person, over: frozenset[str]) -> list[str]:
        """Return the ids of requests in none of these states."""
        return sorted(row["id"] for row in rows_of(self.session, REQUESTS, person) if row["state"] not in over)

    def _end(self, person: Person, open_ones: list[str]) -> None:
        """End requests as if they were withdrawn: nobody is asked to agree to one any more, no agency has a sub-task of
        it, what it asked for once is free, and money that comes for it is owed back. What somebody else asked of the
        person lapses at once.
        """
        now = self.clock.now()
        ended = {"state": WITHDRAWN, "due_at": None, "claimed_by": None, "claimed_at": None, "updated_at": now}
        for request_id in open_ones:
            change(self.session, REQUESTS, person, ended, id=request_id)
            drop(self.session, ONCE, person, request_id=request_id)
        closed = {"state": agreements.CLOSED, "answered_at": now}
        change(self.session, OTHERS, person, closed, state=agreements.WAITING)
        change(self.session, AGREEMENTS, person, {"expires_at": now}, state=agreements.WAITING)
        for unfinished in (steps.WAITING, steps.ACTIVE):
            change(self.session, STEPS, person, {"state": steps.ENDED, "due_at": None}, state=unfinished)
        abandon(self.session, PAYMENTS, person, now)

    def _told(self, row: Mapping[str, Any], person: Person) -> Told:
        stated = json.loads(self.holders.unseal(person.holder_id, row["id"], row["sealed"]))
        return told(row, REQUESTS.told) | {"answers": stated["answers"], "held": stated.get("held", {})}

    def _stated(self, row: Mapping[str, Any], person: Person) -> Told:
        place = sealed_at(row["request_id"], row["kind"], row["sequence"])
        stated = json.loads(self.holders.unseal(person.holder_id, place, row["sealed"]))
        return told(row, PAPERS.told) | {"stated": stated}
