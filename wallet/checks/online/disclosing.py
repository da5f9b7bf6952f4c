"""What one organisation gets to see for one purpose: what it registered and asked for, and nothing beside it.

Source: docs/security.md, S-49 and S-67; docs/wire.md, section 3.
"""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from wallet.checks.online.looks import PORTRAIT
from wallet.checks.purposes import Purpose
from wallet.documents.standing import Standing
from wallet.errors import NotAllowed
from wallet.identity.accounts import Accounts
from wallet.identity.holders import Holders
from wallet.sources.portraits import Portrait
from wallet.verifier import Judgement, answer_json
from wallet.verifier.answer import claim_json, first_seen_json
from wallet.verifier.judgement import VerifiedDocument
from wallet.working_days import vietnamese_day

FAULTS = ("revoked", "suspended", "account_locked", "not_yet_valid", "expired")
"""Why nothing may be shown of a document: reasons of docs/wire.md, section 3, the gravest first."""


@dataclass(frozen=True, slots=True)
class Disclosure:
    """What a document states beyond its code, and the portrait. claims: name to value as JSON has it."""

    claims: dict[str, Any] = field(repr=False)
    portrait: Portrait | None = field(repr=False, default=None)

    @property
    def names(self) -> tuple[str, ...]:
        return (*self.claims, *((PORTRAIT,) if self.portrait is not None else ()))


def registered(purpose: Purpose, kind: str) -> frozenset[str]:
    """Return the names of what may be asked for of one kind of document; the portrait is one of them."""
    return purpose.claims.get(kind, frozenset()) | ({PORTRAIT} if purpose.portrait else frozenset())


def asked_for(purpose: Purpose, named: Collection[str] | None) -> frozenset[str]:
    """Return what a desk asks for: what it names, else all that its purpose has.

    Raises NotAllowed("claim_not_registered") when it names anything else, whatever the code turns out to be.
    """
    if named is None:
        return frozenset().union(*_of_each_kind(purpose))
    assert_registered(purpose, named)
    return frozenset(named)


def assert_registered(purpose: Purpose, names: Iterable[str], *, of_one_kind: bool = False) -> None:
    """Refuse names of data that a purpose does not have (S-67); what is compared is asked for too.

    of_one_kind: whether one kind of document has to have all of them. Raises NotAllowed("claim_not_registered").
    """
    kinds, wanted = _of_each_kind(purpose), frozenset(names)
    if not any(wanted <= each for each in (kinds if of_one_kind else [frozenset().union(*kinds)])):
        raise NotAllowed("claim_not_registered")


def _of_each_kind(purpose: Purpose) -> list[frozenset[str]]:
    """Return what may be asked for of each kind of document, and of none: never empty."""
    return [registered(purpose, kind) for kind in (*purpose.claims, "")]


def narrowed(judgement: Judgement, shown: Collection[str]) -> dict[str, Any]:
    """Return the answer of docs/wire.md, section 3, with the claims of these names alone.

    What is not accepted shows no document at all. Ids, moments and status of a document are left out: two
    organisations could compare them. How old its data is, is told as a day.
    """
    body = answer_json(judgement) | first_seen_json(judgement)
    body.pop("document", None)
    document = judgement.document
    if document is None or not judgement.accepted:
        return body
    utility: dict[str, Any] = {"code": document.utility, "version": document.utility_version}
    if document.title is not None:
        utility["title"] = dict(document.title)
    body["document"] = {
        "issuer": {"code": document.issuer, "name": dict(document.issuer_name)},
        "utility": utility,
        "claims": [claim_json(claim) for claim in document.claims if claim.name in shown],
    }
    return body | {"data_as_of": day_of(document).isoformat()}


def day_of(document: VerifiedDocument) -> date:
    """Return the day on which a document was made of what the registers said."""
    return vietnamese_day(document.issued_at)


def stated(document: VerifiedDocument) -> dict[str, Any]:
    """Return what a code states itself, by name, as JSON has it."""
    return {claim.name: claim_json(claim)["value"] for claim in document.claims if claim.name is not None}


@dataclass(frozen=True, slots=True)
class Disclosing:
    """Opens documents for desks, in one transaction. portrait_of: by the number of whom it shows."""

    standing: Standing
    holders: Holders
    accounts: Accounts
    portrait_of: Callable[[str], Portrait]

    def fault(self, document_id: str, holder_id: str, now: datetime) -> str | None:
        """Return why nothing may be shown of a document now, the gravest of FAULTS; None where it may."""
        found = self.standing.faults(document_id, holder_id, now)
        if not found & {"revoked", "suspended"} and self.accounts.is_locked(holder_id, None):
            return "account_locked"
        return next((each for each in FAULTS if each in found), None)

    def open(self, document_id: str, holder_id: str, names: Iterable[str]) -> Disclosure:
        """Return what a document states under these names, and the portrait where it is one of them.

        Raises NotFound once the holder is erased, Unavailable where nobody has the portrait now.
        """
        wanted = set(names)
        claims: dict[str, Any] = {}
        if wanted - {PORTRAIT}:
            stated = self.standing.stated(document_id, holder_id).claims
            claims = {name: value for name, value in stated.items() if name in wanted}
        portrait = self.portrait_of(self.holders.number(holder_id)) if PORTRAIT in wanted else None
        return Disclosure(claims, portrait)
