"""How a request goes through: states and moves as data. The service, the tests and the drawings in the docs read it.

Labels of states: docs/domain.md, section 4.0. Part of the contract; plug-ins import it through `wallet.utilities.base`.
"""

from dataclasses import dataclass
from enum import StrEnum

DRAFT = "draft"
PROPOSED = "proposed"
"""Where a request waits for a second officer."""
MADE_BY_SENDING = frozenset({"ask_payment", "ask_agreement"})
"""Moves of the holder that nobody asks for: what is sent takes them where something is owed first."""


class By(StrEnum):
    """Who makes a move.

    PAYMENT: word of the payment; STEPS: the last sub-task ended; OTHER: somebody else who was asked to agree; SYSTEM:
    time, a register.
    """

    HOLDER = "holder"
    OFFICER = "officer"
    PAYMENT = "payment"
    STEPS = "steps"
    OTHER = "other"
    SYSTEM = "system"


@dataclass(frozen=True, slots=True)
class Move:
    """One arrow. issues: the document is issued with it; voids: it is revoked with it; reason: one of the list.

    second: made by another officer than the one who made the move before it (four eyes). lays_out: the sub-tasks that
    the request needs begin with it, or wait, where it leads to no state in which they are worked on. extends: something
    has to be checked, and the longer term of the deadline counts from when the request was whole; where sub-tasks are
    under way, any agency that has one in hand may make it. receives: the office takes the request in with it, and makes
    out a receipt with the date that it promises.
    """

    action: str
    source: str
    target: str
    by: By
    issues: bool = False
    voids: bool = False
    reason: bool = False
    second: bool = False
    lays_out: bool = False
    extends: bool = False
    receives: bool = False


@dataclass(frozen=True, slots=True)
class Lifecycle:
    """States and moves of one kind of request. It begins as a draft.

    waiting: states in which the office's clock stands still, for it is the applicant's turn.
    """

    code: str
    moves: tuple[Move, ...]
    waiting: frozenset[str] = frozenset()

    @property
    def states(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys([DRAFT, *(state for move in self.moves for state in (move.source, move.target))]))

    @property
    def final(self) -> frozenset[str]:
        """States that nothing leads out of."""
        return frozenset(self.states) - {move.source for move in self.moves}

    @property
    def extended(self) -> frozenset[str]:
        """States in which sub-tasks that were under way have their longer term."""
        return frozenset(move.target for move in self.moves if move.extends and not move.lays_out)

    @property
    def in_steps(self) -> frozenset[str]:
        """States in which agencies work on the sub-tasks: the last of them leads out."""
        return frozenset(move.source for move in self.moves if move.by is By.STEPS)

    @property
    def verifies_anew(self) -> bool:
        """Whether sub-tasks can be laid out again once it was sent: else what is done is done for good."""
        return any(move.lays_out for move in self.moves if move.source != DRAFT)

    @property
    def on_desk(self) -> frozenset[str]:
        """States in which it is an office's turn: an officer, or the last of the sub-tasks, leads out of them."""
        return frozenset(move.source for move in self.moves if move.by in (By.OFFICER, By.STEPS))

    @property
    def answered(self) -> frozenset[str]:
        """States from which it is never an office's turn again; the final ones are among them."""
        coming = set(self.on_desk)
        for _ in self.moves:
            coming |= {move.source for move in self.moves if move.target in coming}
        return frozenset(self.states) - coming

    @property
    def instant(self) -> bool:
        """Whether a submitted request is answered at once, without a person."""
        return any(move.issues for move in self.moves if move.source == DRAFT)

    @property
    def at_once(self) -> bool:
        """Whether sending it is its end: it is answered, and nothing more can happen."""
        return any(move.issues and move.target in self.final for move in self.moves if move.source == DRAFT)

    @property
    def reviewed(self) -> bool:
        """Whether an officer has a part in it."""
        return any(move.by is By.OFFICER for move in self.moves)

    def grants(self, move: Move) -> bool:
        """Whether what was asked for is granted with a move: it issues, or a second officer has only to sign."""
        return move.issues or any(each.issues and each.second for each in self.from_(move.target))

    def from_(self, state: str) -> tuple[Move, ...]:
        return tuple(move for move in self.moves if move.source == state)

    def move(self, state: str, action: str) -> Move | None:
        """Return the arrow from a state by an action, None where there is none."""
        return next((move for move in self.moves if move.source == state and move.action == action), None)


INSTANT = Lifecycle("instant", (Move("submit", DRAFT, "issued", By.HOLDER, issues=True),))
"""Answered as it is asked."""


def _withdrawn_from(*states: str) -> tuple[Move, ...]:
    return tuple(Move("withdraw", state, "withdrawn", By.HOLDER) for state in states)


_TO_THE_DESK = (
    Move("submit", DRAFT, "submitted", By.HOLDER),
    Move("ask_payment", DRAFT, "awaiting_payment", By.HOLDER),
    Move("pay", "awaiting_payment", "submitted", By.PAYMENT),
    Move("accept", "submitted", "accepted", By.OFFICER, receives=True),
    Move("request_supplement", "submitted", "supplement_required", By.OFFICER, reason=True),
    Move("request_supplement", "accepted", "supplement_required", By.OFFICER, reason=True),
    Move("request_supplement", "verifying", "supplement_required", By.OFFICER, reason=True),
    Move("supplement", "supplement_required", "submitted", By.HOLDER),
    Move("reject", "submitted", "rejected", By.OFFICER, reason=True),
    Move("reject", "accepted", "rejected", By.OFFICER, reason=True),
    Move("reject", "verifying", "rejected", By.OFFICER, reason=True),
    Move("verify", "accepted", "verifying", By.OFFICER, lays_out=True, extends=True),
    Move("verified", "verifying", "accepted", By.STEPS),
    *_withdrawn_from("awaiting_payment", "submitted", "supplement_required", "accepted", "verifying"),
)

REVIEWED = Lifecycle(
    "reviewed",
    (*_TO_THE_DESK, Move("approve", "accepted", "issued", By.OFFICER, issues=True)),
    waiting=frozenset({DRAFT, "awaiting_payment", "supplement_required"}),
)
"""An officer takes it, has things verified, asks for what is missing, decides."""

FOUR_EYES = Lifecycle(
    "four_eyes",
    (
        *_TO_THE_DESK,
        Move("approve", "accepted", PROPOSED, By.OFFICER),
        Move("confirm", PROPOSED, "issued", By.OFFICER, issues=True, second=True),
        Move("send_back", PROPOSED, "accepted", By.OFFICER, reason=True, second=True),
    ),
    waiting=REVIEWED.waiting,
)
"""As REVIEWED, and a second officer signs."""

ANSWERED = Lifecycle(
    "answered",
    (
        Move("submit", DRAFT, "received", By.HOLDER, issues=True),
        Move("accept", "received", "accepted", By.OFFICER, receives=True),
        Move("resolve", "accepted", "resolved", By.OFFICER, reason=True),
        Move("withdraw", "received", "withdrawn", By.HOLDER, voids=True),
    ),
    waiting=frozenset({DRAFT}),
)
"""A report: its receipt is given at once, what came of it later."""

NOTICE = Lifecycle(
    "notice",
    (
        Move("submit", DRAFT, "sent", By.HOLDER, issues=True),
        Move("receive", "sent", "received", By.OFFICER),
        Move("return", "sent", "returned", By.OFFICER, reason=True, voids=True),
        Move("end", "sent", "ended", By.HOLDER, voids=True),
        Move("end", "received", "ended", By.HOLDER, voids=True),
        Move("cancel", "sent", "cancelled", By.HOLDER, voids=True),
        Move("cancel", "received", "cancelled", By.HOLDER, voids=True),
    ),
)
"""A notice: it counts from when it was sent; the receipt is void when it ends, is cancelled or is sent back."""

LINKED = Lifecycle(
    "linked",
    (
        Move("submit", DRAFT, "in_steps", By.HOLDER, lays_out=True, receives=True),
        Move("ask_agreement", DRAFT, "awaiting_agreement", By.HOLDER, lays_out=True),
        Move("ask_agreement", "supplement_required", "awaiting_agreement", By.HOLDER),
        Move("agree", "awaiting_agreement", "in_steps", By.OTHER, receives=True),
        Move("decline", "awaiting_agreement", "supplement_required", By.OTHER),
        Move("lapse", "awaiting_agreement", "supplement_required", By.SYSTEM),
        Move("verify", "in_steps", "verifying", By.OFFICER, extends=True),
        Move("request_supplement", "in_steps", "supplement_required", By.OFFICER, reason=True),
        Move("request_supplement", "verifying", "supplement_required", By.OFFICER, reason=True),
        Move("supplement", "supplement_required", "in_steps", By.HOLDER, receives=True),
        Move("reject", "in_steps", "rejected", By.OFFICER, reason=True),
        Move("reject", "verifying", "rejected", By.OFFICER, reason=True),
        Move("finish", "in_steps", "issued", By.STEPS, issues=True),
        Move("finish", "verifying", "issued", By.STEPS, issues=True),
        *_withdrawn_from("awaiting_agreement", "supplement_required"),
    ),
    waiting=frozenset({DRAFT, "awaiting_agreement", "supplement_required"}),
)
"""One request, several agencies' steps one after the other; the document comes with the last of them. Where one of them
has to check something first, the longer term counts, for the request and for the steps that are not finished. Where
somebody else is asked to agree, it goes to the agencies once they do; without them the applicant goes on."""

ALL = (INSTANT, REVIEWED, FOUR_EYES, ANSWERED, NOTICE, LINKED)
"""Every lifecycle of the contract."""
