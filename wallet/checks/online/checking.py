"""A desk's check: a code in, and out the verdict with what this desk may see of it, in one transaction.

The same steps as everywhere (docs/wire.md, section 3), with this organisation's own policy and one memory of live codes
for all of its gates. Whatever is no accepted document tells nothing of anybody, and compares nothing with a ticket.
Source: docs/security.md, S-49 and S-67; docs/domain.md, section 5.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from wallet.checks.checking import ACCOUNT_LOCKED, SUSPENDED, Checking
from wallet.checks.desks import DeskActor, VerifierDesks
from wallet.checks.online import names
from wallet.checks.online.consents import Consents
from wallet.checks.online.disclosing import Disclosing, asked_for, assert_registered, narrowed, registered, stated
from wallet.checks.online.looks import Looks, Way
from wallet.checks.online.repository import OnlineRepository
from wallet.checks.online.shares import AGREED, ShareAnswer, Shares
from wallet.checks.purposes import Purpose
from wallet.documents.shown import Shown, ShownDocuments
from wallet.formats.live_code import MAX_LIVE_SECONDS
from wallet.terms import Actor
from wallet.verifier import Judgement, Policy, Verdict
from wallet.verifier.replay import Sighting
from wallet.verifier.verify import LIVE_LEEWAY_SECONDS

NAME, BIRTH_DATE = "full_name", "birth_date"
NOT_STATED = "not_stated"
TICKET = (names.MATCH, names.DIFFERS, NOT_STATED)
REFUSED = "refused"
"""The verdict on what is valid and not taken here, as the holder reads it."""
SEEN = "live-code"
"""What sort of single use a live code is at an organisation (`wallet.single_use`)."""

KEPT = timedelta(seconds=MAX_LIVE_SECONDS + 2 * LIVE_LEEWAY_SECONDS + 1)
"""How long a code is remembered from when it was seen: longer than any may be shown that passed until then. It is the
same for each, so that when a code was seen follows from until when it is kept. Source: docs/wire.md, 3, step 7."""


@dataclass(frozen=True, slots=True)
class OrganisationReplay:
    """The memory of live codes of one organisation, for all of its gates and every process.

    Unlike a gate's own it does not tell gates apart: a code that was good at one is used up at the others.
    """

    rows: OnlineRepository
    organisation_id: str

    def remember(self, gate_id: str, digest: bytes, until: int, now: float) -> bool:
        """See `wallet.verifier.replay.Replay`. It holds when the transaction commits."""
        return self.rows.use_once(SEEN, self._name(digest), datetime.fromtimestamp(now, UTC) + KEPT)

    def sighting(self, gate_id: str, digest: bytes) -> Sighting | None:
        """Return when a code was first seen, at whichever gate of the organisation; None where that is forgotten."""
        kept = self.rows.kept_until(SEEN, self._name(digest))
        return None if kept is None else Sighting(int((kept - KEPT).timestamp()), "")

    def _name(self, digest: bytes) -> str:
        return f"{self.organisation_id}:{digest.hex()}"


@dataclass(frozen=True, slots=True)
class Ticket:
    """What a ticket states, None where the desk compares nothing. birth_date: `YYYY-MM-DD` or `YYYY`."""

    name: str | None = field(repr=False, default=None)
    birth_date: str | None = field(repr=False, default=None)

    @property
    def claims(self) -> dict[str, str]:
        """Return what is compared, by the name of the claim it is compared with."""
        given = {NAME: self.name, BIRTH_DATE: self.birth_date}
        return {name: value for name, value in given.items() if value is not None}

    def compared(self, known: Mapping[str, Any]) -> dict[str, str]:
        """Return for each thing on the ticket whether it is what is known, or that the document does not state it."""
        same = {NAME: names.same_ticket_name, BIRTH_DATE: names.same_birth_date}
        told = {NAME: "name", BIRTH_DATE: "birth_date"}
        return {
            told[claim]: names.told(same[claim](value, str(known[claim]))) if claim in known else NOT_STATED
            for claim, value in self.claims.items()
        }


NO_TICKET = Ticket()


@dataclass(frozen=True, slots=True)
class CheckOrder:
    """What a desk asks. claims: names of data that it needs, None for whatever its purpose has and the holder shows.

    optional: further ones that the holder may leave out. nonce: of the challenge that this gate showed.
    """

    code: str = field(repr=False)
    purpose: str
    claims: tuple[str, ...] | None = None
    optional: tuple[str, ...] = ()
    ticket: Ticket = NO_TICKET
    nonce: bytes | None = None


@dataclass(frozen=True, slots=True)
class CheckAnswer:
    """body: the answer of docs/wire.md, section 3, narrowed; ticket, share: None where there is none."""

    body: dict[str, Any] = field(repr=False)
    ticket: dict[str, str] | None
    share: ShareAnswer | None


@dataclass(frozen=True, slots=True)
class DeskChecking:
    """The checks of desks, in one transaction."""

    checking: Checking
    desks: VerifierDesks
    shown: ShownDocuments
    rows: OnlineRepository
    shares: Shares
    consents: Consents
    disclosing: Disclosing
    looks: Looks

    def admit(self, order: CheckOrder, desk: DeskActor) -> None:
        """Count a check, in a transaction before its own.

        Raises NotAllowed("purpose_not_registered", "claim_not_registered"), TooManyAttempts("too_many_checks").
        """
        purpose = desk.purpose(order.purpose)
        _asked(purpose, order)
        self.desks.admit(desk, purpose)

    def check(self, order: CheckOrder, desk: DeskActor, actor: Actor) -> CheckAnswer:
        """Check a code for a desk, once it is admitted. A text that is no code is a verdict too.

        Raises NotAllowed("purpose_not_registered", "claim_not_registered"), TooManyAttempts("too_many_citizens"); then
        nothing is disclosed, and no code used up.
        """
        purpose = desk.purpose(order.purpose)
        asked = _asked(purpose, order)
        replay = OrganisationReplay(self.rows, desk.organisation_id)
        judgement, shown = self.judged(order.code, policy_of(desk, purpose, order.nonce), replay, desk, purpose)
        accepted = judgement.accepted and shown is not None
        document = judgement.document if accepted else None
        if document is None or shown is None:
            if shown is not None:
                self._record(desk, purpose, actor, shown, (), judgement)
            return CheckAnswer(narrowed(judgement, ()), None, None)
        visible = registered(purpose, document.utility)
        allowed, known = asked & visible, stated(document)
        disclosed = allowed & known.keys()
        comparable = {name: value for name, value in known.items() if name in visible}
        compared = order.ticket.compared(comparable) if order.ticket.claims else None
        share, shared = self._share(order, desk, purpose, shown, allowed - known.keys(), judgement)
        compared_names = frozenset(order.ticket.claims) & comparable.keys()
        self._record(desk, purpose, actor, shown, disclosed | shared | compared_names, judgement)
        return CheckAnswer(narrowed(judgement, disclosed), compared, share)

    def judged(
        self, code: str, policy: Policy, replay: OrganisationReplay | None, desk: DeskActor, purpose: Purpose
    ) -> tuple[Judgement, Shown | None]:
        """Return what is to be thought of a code, and whose it is; that person is counted, whatever is thought of it.

        Raises TooManyAttempts("too_many_citizens").
        """
        judgement = self.checking.judge(code, policy, replay)
        document_id = None if judgement.document is None else judgement.document.document_id
        shown = None if document_id is None else self.shown.find(document_id)
        if shown is None:
            return judgement, None
        self.desks.count_citizen(desk, purpose, shown.holder_id)
        if shown.locked and judgement.device is not None:  # a paper says what was so, whoever has it in hand
            judgement = judgement.adding(SUSPENDED, ACCOUNT_LOCKED)
        return judgement, shown

    def _share(
        self,
        order: CheckOrder,
        desk: DeskActor,
        purpose: Purpose,
        shown: Shown,
        beyond: frozenset[str],
        judgement: Judgement,
    ) -> tuple[ShareAnswer | None, frozenset[str]]:
        """Return what becomes of what the code does not state, and the names of what is shown of it at once."""
        if not beyond:
            return None, frozenset()
        required = beyond & frozenset(order.claims or ())
        optional = beyond - required
        remembered = None
        if judgement.device is not None:  # a paper may be in anybody's hand: its holder is asked each time
            remembered = self.consents.covering(
                shown.holder_id, desk.organisation_id, purpose, shown.kind, required, optional
            )
        if remembered is None:
            return self.shares.ask(desk, purpose, shown, required, optional), frozenset()
        disclosure = self.disclosing.open(shown.document_id, shown.holder_id, remembered[1])
        return ShareAnswer(None, AGREED, shown.utility, disclosure=disclosure), frozenset(disclosure.names)

    def _record(
        self,
        desk: DeskActor,
        purpose: Purpose,
        actor: Actor,
        shown: Shown,
        data: frozenset[str] | tuple[str, ...],
        judgement: Judgement,
    ) -> None:
        self.looks.record(
            Way.ONLINE,
            desk,
            purpose,
            actor,
            shown.holder_id,
            utility=shown.utility,
            kind=shown.kind,
            data=data,
            verdict=verdict_of(judgement),
        )


def verdict_of(judgement: Judgement) -> str:
    """Return the verdict as the holder reads it."""
    refused = judgement.verdict is Verdict.VALID and not judgement.accepted
    return REFUSED if refused else judgement.verdict.value


def policy_of(desk: DeskActor, purpose: Purpose, nonce: bytes | None) -> Policy:
    """Return what an organisation demands for a purpose: its own gate, its own name, the documents it registered."""
    return Policy(
        gate_id=desk.gate_id,
        demanded_nonce=nonce,
        recipients=frozenset({desk.organisation_id, *desk.organisation_name.values()}),
        utilities=frozenset(purpose.claims),
    )


def _asked(purpose: Purpose, order: CheckOrder) -> frozenset[str]:
    assert_registered(purpose, order.ticket.claims)
    return asked_for(purpose, None if order.claims is None else (*order.claims, *order.optional))
