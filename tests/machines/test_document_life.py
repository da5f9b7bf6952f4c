"""Documents over their whole life, against a model that is written from the rules: valid, suspended, revoked,
superseded, expired; and cards on a phone, which follow their document, their account and their phone.

The model knows no table and no code of the service (docs/security.md, S-46, S-54, S-55; docs/wire.md, 3 and 5;
docs/decisions/0027-cards.md).
After every step the holder, the online check, the published list and an offline verifier say what it says.
MACHINE_RUNS and MACHINE_STEPS: 50 runs of 30 steps unless told otherwise.
"""

import base64
import json
import os
import uuid
import zlib
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from tests.documents.people import IssuedDocument, actor_of, admin_of, issue
from tests.support import FixedClock
from wallet.crypto.jwk import public_jwk
from wallet.demo.live_codes import live_code
from wallet.documents.copies import OpenedCopy
from wallet.documents.revoking import RevocationReason
from wallet.documents.suspending import ReinstatementReason, SuspensionReason
from wallet.errors import WalletError
from wallet.identity.account_states import LockGround
from wallet.terms import Actor, StaffRole
from wallet.utilities.catalogue import Catalogue
from wallet.verifier import Policy, TrustedBundle, judge
from wallet.wiring import Wallet

RUNS = int(os.environ.get("MACHINE_RUNS", "50"))
STEPS = int(os.environ.get("MACHINE_STEPS", "30"))
WHO = ("admin", "officer", "nobody")
MOST = 6
"""Documents of one run: every step looks at all of them."""
PAUSES = (1, 2, 59, 61, 901, 21_600, 43_200)
VALIDITY = timedelta(days=1)
"""So short that documents end within a run, and all runs together within the life of a key."""
SKEW = timedelta(seconds=60)
STATUS = {"valid": 0, "revoked": 1, "superseded": 1, "suspended": 2}
REASON = {"valid": "ok", "revoked": "revoked", "superseded": "revoked", "suspended": "suspended"}


STILL_TAKEN = timedelta(minutes=10)
"""For how long after its end a card may be taken by a gate whose clock is behind: so long its entry follows."""
MOST_CARDS = 4
DESK = Actor("system", request_id="machine")
ARROWS = {
    *((state, event, "ended") for state in ("valid", "suspended") for event in ("revoke", "supersede", "unbind")),
    *(("suspended", event, state) for state in ("valid", "suspended") for event in ("unlock", "reinstate")),
    *((state, event, "suspended") for state in ("valid", "suspended") for event in ("lock", "suspend")),
    *(("ended", event, "ended") for event in ("lock", "unlock")),
}
"""What becomes of a card: as it stood; what happens to its document, its account or its phone; as it stands then."""
WAYS = (
    ("lock", "suspend", "unlock", "reinstate", "revoke"),
    ("suspend", "lock", "reinstate", "unlock", "supersede"),
    ("unbind", "lock", "unlock"),
    ("lock", "unbind"),
    ("lock", "supersede"),
    ("suspend", "revoke"),
)


@dataclass(eq=False)
class PhoneModel:
    """A phone of the holder's, bound or not any more."""

    id: str
    key: ec.EllipticCurvePrivateKey
    bound: bool = True


@dataclass(eq=False)
class CardModel:
    """What the rules say of one card. grounds: why it is suspended; end: why it is over, but for its time."""

    document: "DocumentModel"
    phone: PhoneModel
    opened: OpenedCopy
    grounds: set[str] = field(default_factory=set)
    end: str = ""

    @property
    def state(self) -> str:
        return "ended" if self.end else "suspended" if self.grounds else "valid"

    def happens(self, event: str) -> None:
        ground = "account" if event in ("lock", "unlock") else "document"
        if event in ("lock", "suspend"):
            self.grounds.add(ground)
        elif event in ("unlock", "reinstate"):
            self.grounds.discard(ground)
        else:
            self.end = self.end or ("superseded" if event == "supersede" else "revoked")

    def reasons(self, now: datetime) -> list[str]:
        expired = ["expired"] if now >= self.opened.expires_at + SKEW else []
        return expired + {"ended": ["revoked"], "suspended": ["suspended"], "valid": []}[self.state] or ["ok"]

    def online(self, now: datetime) -> list[str]:
        locked = self.state == "suspended" and "account" in self.grounds
        return self.reasons(now) + ["account_locked"] * locked + ["superseded"] * (self.end == "superseded")


@dataclass(eq=False)
class DocumentModel:
    """What the rules say of one document. state: without regard to its end."""

    issued: IssuedDocument
    state: str = "valid"
    by_authority: bool = False

    def held_state(self, now: datetime) -> str:
        if self.state in ("revoked", "superseded"):
            return self.state
        return "expired" if now >= self.issued.expires_at else self.state

    def online(self, now: datetime) -> list[str]:
        """What the online check says: the same, and why, where it may."""
        return self.reasons(now) + ["superseded"] * (self.state == "superseded")

    def reasons(self, now: datetime) -> list[str]:
        expired = ["expired"] if now >= self.issued.expires_at + SKEW else []
        return expired + [REASON[self.state]] * (self.state != "valid") or ["ok"]


class DocumentLife(RuleBasedStateMachine):
    """What staff, registers and time can do to documents, in any order."""

    wallet: Wallet
    clock: FixedClock
    walked: set[tuple[str, str, str]]
    """What became of cards, over all runs."""

    documents = Bundle("documents")

    @initialize()
    def begin(self) -> None:
        """Whatever the run before did to the account and its phone is over: each begins with both as new."""
        self.known: list[DocumentModel] = []
        self.cards: list[CardModel] = []
        self.locked = False
        account = actor_of(self.wallet).account_id
        with self.wallet.work() as work:
            if work.accounts.find(account).state == "locked":
                work.accounts.unlock(account, LockGround.HOLDER_REQUEST, DESK)
        self.phone = self._new_phone()
        self.citizen = actor_of(self.wallet)
        self.staff = {
            "admin": admin_of(self.wallet),
            "officer": actor_of(self.wallet, "officer1", roles=frozenset({StaffRole.OFFICER})),
            "nobody": self.citizen,
        }
        self.kept: TrustedBundle | None = None
        self.lists: dict[int, tuple[int, bytes]] = {}

    @precondition(lambda self: len(self.known) < MOST and not self.locked)
    @rule(target=documents)
    def issue(self) -> DocumentModel:
        document = DocumentModel(issue(self.wallet))
        self.known.append(document)
        return document

    @rule(
        document=documents,
        who=st.sampled_from(WHO),
        reason=st.sampled_from(SuspensionReason),
    )
    def suspend(self, document: DocumentModel, who: str, reason: SuspensionReason) -> None:
        by_authority = reason is SuspensionReason.AUTHORITY_ORDER
        expected = ""
        if who == "nobody" or (by_authority and who != "admin"):
            expected = "not_allowed"
        elif document.state != "valid":
            expected = "already_suspended" if document.state == "suspended" else "already_revoked"
        actor: Actor = self.staff[who]
        self._do(expected, lambda work: work.suspending.suspend(document.issued.id, reason, actor))
        if not expected:
            document.state, document.by_authority = "suspended", by_authority
            self._cards_follow("suspend", document)

    @rule(document=documents, who=st.sampled_from(WHO))
    def reinstate(self, document: DocumentModel, who: str) -> None:
        expected = ""
        if who == "nobody":
            expected = "not_allowed"
        elif document.state != "suspended":
            expected = "not_suspended" if document.state == "valid" else "already_revoked"
        elif document.by_authority and who != "admin":
            expected = "not_allowed"
        actor, reason = self.staff[who], ReinstatementReason.GROUND_GONE
        self._do(expected, lambda work: work.suspending.reinstate(document.issued.id, reason, actor))
        if not expected:
            document.state = "valid"
            self._cards_follow("reinstate", document)

    @rule(document=documents, who=st.sampled_from(WHO))
    def revoke(self, document: DocumentModel, who: str) -> None:
        expected = "not_allowed" if who != "admin" else ""
        if not expected and document.state in ("revoked", "superseded"):
            expected = "already_revoked"
        actor = self.staff[who]
        self._do(expected, lambda work: work.revoking.revoke(document.issued.id, RevocationReason.FRAUD, actor))
        if not expected:
            document.state = "revoked"
            self._cards_follow("revoke", document)

    @rule(document=documents)
    def supersede(self, document: DocumentModel) -> None:
        """A newer one took its place: nobody is refused, and what is over stays as it is."""
        reason = RevocationReason.SUPERSEDED
        self._do("", lambda work: work.revoking.void(document.issued.id, reason, self.citizen))
        if document.state not in ("revoked", "superseded"):
            document.state = "superseded"
            self._cards_follow("supersede", document)

    @precondition(lambda self: len(self.cards) < MOST_CARDS)
    @rule(document=documents)
    def fetch_card(self, document: DocumentModel) -> None:
        expected = ""
        if self.locked:
            expected = "account_locked"
        elif document.held_state(self.clock.now()) != "valid":
            expected = "form_needs_valid_document"
        elif not self.phone.bound:
            expected = "form_needs_device"
        actor = actor_of(self.wallet, device_id=self.phone.id)
        key, made = public_jwk(self.phone.key.public_key()), list[OpenedCopy]()
        self._do(expected, lambda work: made.extend(work.copies.reserve_cards(document.issued.id, "", 1, key, actor)))
        if not expected:
            with self.wallet.read() as work:
                self.cards.append(CardModel(document, self.phone, work.copies.open(made[0].id)))

    @rule()
    def lock(self) -> None:
        expected = "ground_stands" if self.locked else ""
        account = self.citizen.account_id
        self._do(expected, lambda work: work.accounts.lock(account, LockGround.HOLDER_REQUEST, DESK))
        if not expected:
            self.locked = True
            self._cards_follow("lock")

    @rule()
    def unlock(self) -> None:
        expected = "" if self.locked else "account_not_locked"
        account = self.citizen.account_id
        self._do(expected, lambda work: work.accounts.unlock(account, LockGround.HOLDER_REQUEST, DESK))
        if not expected:
            self.locked = False
            self._cards_follow("unlock")

    @rule()
    def lose_phone(self) -> None:
        expected = "" if self.phone.bound else "device_unknown"
        self._do(expected, lambda work: work.devices.unbind(self.phone.id, "holder_asked", DESK))
        if not expected:
            self._phone_is_gone()

    @precondition(lambda self: not self.locked)
    @rule()
    def change_phone(self) -> None:
        former, new = self.phone, self._new_phone()
        if former.bound:
            self._phone_is_gone()
        self.phone = new

    @rule(seconds=st.sampled_from(PAUSES))
    def time_passes(self, seconds: int) -> None:
        self.clock.advance(seconds=seconds)

    @rule()
    def another_process_takes_over(self) -> None:
        """What is known of statuses is in the database, not in a process."""
        former = self.wallet
        type(self).wallet = Wallet.build(former.settings, clock=self.clock, catalogue=former.catalogue)
        former.close()

    @invariant()
    def everybody_is_told_the_same(self) -> None:
        if not getattr(self, "known", None):
            return
        self.clock.advance(seconds=2)  # two copies never share a second, and the board is half a second old
        wallet, now = self.wallet, self.clock.now()
        wallet.trust.publish()
        token = wallet.trust.bundle().token.decode()
        if self.kept is None or self.kept.token != token:
            self.kept = TrustedBundle.from_jws(token, [wallet.trust.pin], now, self.kept)
        for document in self.known:
            with wallet.read() as work:
                held = work.holding.get(document.issued.id, self.citizen)
                row = work.document_rows.get(document.issued.id)
                assert row is not None
                place = row.status_list, row.status_index
            assert held.state == document.held_state(now)
            code = document.issued.code
            assert wallet.checking.check(code)["reasons"] == document.online(now)
            assert list(judge(code, self.kept, Policy(), now).reasons) == document.reasons(now)
            assert self._published(*place) == STATUS[document.state]
        for card in self.cards:
            shown = live_code(card.opened.content, card.phone.key, now)
            assert wallet.checking.check(shown)["reasons"] == card.online(now)
            assert list(judge(shown, self.kept, Policy(), now).reasons) == card.reasons(now)
            assert self._published(*card.opened.place) == {"valid": 0, "ended": 1, "suspended": 2}[card.state]

    def happens(self, event: str, document: DocumentModel) -> None:
        """Have one thing happen that a card follows."""
        {
            "lock": self.lock,
            "unlock": self.unlock,
            "unbind": self.lose_phone,
            "suspend": lambda: self.suspend(document, "admin", SuspensionReason.DATA_DISPUTED),
            "reinstate": lambda: self.reinstate(document, "admin"),
            "revoke": lambda: self.revoke(document, "admin"),
            "supersede": lambda: self.supersede(document),
        }[event]()

    def _cards_follow(self, event: str, document: DocumentModel | None = None, phone: PhoneModel | None = None) -> None:
        for card in self.cards:
            over = self.clock.now() >= card.opened.expires_at + STILL_TAKEN
            if over or document not in (None, card.document) or phone not in (None, card.phone):
                continue
            before = card.state
            card.happens(event)
            self.walked.add((before, event, card.state))

    def _phone_is_gone(self) -> None:
        self.phone.bound = False
        self._cards_follow("unbind", phone=self.phone)

    def _new_phone(self) -> PhoneModel:
        phone = PhoneModel(f"dev_{uuid.uuid4().hex}", ec.generate_private_key(ec.SECP256R1()))
        account, key = actor_of(self.wallet).account_id, public_jwk(phone.key.public_key())
        with self.wallet.work() as work:
            work.devices.bind(account, phone.id, key, "Máy", DESK, bound_by="desk")
        return phone

    def _published(self, list_id: int, index: int) -> int:
        """Read one entry as the draft says, with nothing of ours; a later list is never dated before an earlier."""
        segment = self.wallet.trust.status_list(list_id).token.decode().split(".")[1]
        claims: dict[str, Any] = json.loads(unbase64(segment))
        before = self.lists.get(list_id)
        entries = zlib.decompress(unbase64(claims["status_list"]["lst"]))
        if before is not None:
            assert claims["iat"] >= before[0]
            assert claims["iat"] > before[0] or entries == before[1]
        self.lists[list_id] = (claims["iat"], entries)
        return entries[index // 4] >> index % 4 * 2 & 3

    def _do(self, expected: str, act: Any) -> None:
        if not expected:
            with self.wallet.work() as work:
                act(work)
            return
        with pytest.raises(WalletError) as refused, self.wallet.work() as work:
            act(work)
        assert refused.value.code == expected


def unbase64(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


@pytest.fixture
def life(wallet: Wallet, clock: FixedClock) -> type[DocumentLife]:
    plugin = wallet.catalogue.plugin("residence")
    kinds = tuple(replace(kind, validity=VALIDITY) for kind in plugin.utility.documents)
    short = replace(plugin, utility=replace(plugin.utility, documents=kinds))
    parts = {"wallet": replace(wallet, catalogue=Catalogue({"residence": short})), "clock": clock, "walked": set()}
    return type("Machine", (DocumentLife,), parts)


def test_every_way_of_a_card_is_walked(life: type[DocumentLife]) -> None:
    """By no chance; and a card that comes to be after it all is as its document is."""
    for way in WAYS:
        run = life()
        run.begin()
        document: Any = run.issue()
        run.fetch_card(document)
        for event in way:
            run.happens(event, document)
            run.everybody_is_told_the_same()
            run.fetch_card(document)
        run.everybody_is_told_the_same()
    assert sorted(ARROWS - life.walked) == [], "never walked"
    assert sorted(life.walked - ARROWS) == [], "walked, and no arrow"


@pytest.mark.timeout(1800)
def test_document_lives_as_the_model_says(life: type[DocumentLife]) -> None:
    run_state_machine_as_test(
        life,
        settings=settings(
            max_examples=max(5, RUNS // 5),
            stateful_step_count=STEPS,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
