"""What requests hold about a person: what they asked for and stated, the files, what came of it.

What was stated goes when they go; the bare fact that something was asked stays.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from wallet.held import (
    MAX_ROWS,
    DatabaseSession,
    HeldTable,
    Person,
    Section,
    Told,
    change,
    forget,
    rows_of,
    section,
    told,
)
from wallet.identity.holders import Holders
from wallet.payments.models import PaymentRow
from wallet.requests.models import (
    LinkRow,
    RequestAgreement,
    RequestEvent,
    RequestFile,
    RequestPaper,
    RequestRow,
    RequestStep,
)
from wallet.requests.papers import sealed_at

WITHDRAWN = "withdrawn"
REQUESTS = HeldTable(
    RequestRow,
    "holder_id",
    told=(
        *("id", "utility", "utility_version", "rules_version", "capacity", "state", "agency", "province"),
        *("created_at", "updated_at", "submitted_at", "due_at", "apologies", "fee", "document_id"),
    ),
    withheld=(
        *("holder_id", "account_id", "version", "claimed_by", "claimed_at", "decided_by"),
        *("fields_held", "fields_asked", "sealed"),  # the answers are told unsealed
    ),
    by_account=False,
    ordered="created_at",
    blanked={"sealed": b"", "province": "", "fee": []},
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
    withheld=("position", "province", "done_by", "sealed_found", "reminded_at"),
    parent=REQUESTS,
    ordered="position",
    blanked={"sealed_found": None, "province": ""},
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
PAYMENTS = HeldTable(
    PaymentRow,
    "request_id",
    told=("id", "request_id", "amount", "state", "opened_at", "expires_at", "settled_at"),
    withheld=("reference", "address"),
    parent=REQUESTS,
    ordered="opened_at",
)
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
    tables: tuple[HeldTable, ...] = (REQUESTS, EVENTS, STEPS, FILES, PAPERS, AGREEMENTS, PAYMENTS, LINKS)

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

    def erase(self, person: Person) -> None:
        """Forget what was stated: files, papers and links are deleted, what was sealed is blanked.

        Open ones are withdrawn.
        """
        ended = {"state": WITHDRAWN, "due_at": None, "claimed_by": None, "claimed_at": None}
        for row in rows_of(self.session, REQUESTS, person):
            if row["state"] not in self.final:
                change(self.session, REQUESTS, person, ended, id=row["id"])
        forget(self.session, (FILES, PAPERS, STEPS, EVENTS, LINKS, REQUESTS), person)

    def _told(self, row: Mapping[str, Any], person: Person) -> Told:
        stated = json.loads(self.holders.unseal(person.holder_id, row["id"], row["sealed"]))
        return told(row, REQUESTS.told) | {"answers": stated["answers"], "held": stated.get("held", {})}

    def _stated(self, row: Mapping[str, Any], person: Person) -> Told:
        place = sealed_at(row["request_id"], row["kind"], row["sequence"])
        stated = json.loads(self.holders.unseal(person.holder_id, place, row["sealed"]))
        return told(row, PAPERS.told) | {"stated": stated}
