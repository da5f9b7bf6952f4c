"""Documents over their whole life, against a model that is written from the rules: valid, suspended, revoked,
superseded, expired.

The model knows no table and no code of the service (docs/security.md, S-46, S-54, S-55; docs/wire.md, 3 and 5).
After every step the holder, the online check, the published list and an offline verifier say what it says.
MACHINE_RUNS and MACHINE_STEPS: 50 runs of 30 steps unless told otherwise.
"""

import base64
import json
import os
import zlib
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import pytest
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
from wallet.documents.revoking import RevocationReason
from wallet.documents.suspending import ReinstatementReason, SuspensionReason
from wallet.errors import WalletError
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

    documents = Bundle("documents")

    @initialize()
    def begin(self) -> None:
        self.known: list[DocumentModel] = []
        self.citizen = actor_of(self.wallet)
        self.staff = {
            "admin": admin_of(self.wallet),
            "officer": actor_of(self.wallet, "officer1", roles=frozenset({StaffRole.OFFICER})),
            "nobody": self.citizen,
        }
        self.kept: TrustedBundle | None = None
        self.lists: dict[int, tuple[int, bytes]] = {}

    @precondition(lambda self: len(self.known) < MOST)
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

    @rule(document=documents, who=st.sampled_from(WHO))
    def revoke(self, document: DocumentModel, who: str) -> None:
        expected = "not_allowed" if who != "admin" else ""
        if not expected and document.state in ("revoked", "superseded"):
            expected = "already_revoked"
        actor = self.staff[who]
        self._do(expected, lambda work: work.revoking.revoke(document.issued.id, RevocationReason.FRAUD, actor))
        if not expected:
            document.state = "revoked"

    @rule(document=documents)
    def supersede(self, document: DocumentModel) -> None:
        """A newer one took its place: nobody is refused, and what is over stays as it is."""
        reason = RevocationReason.SUPERSEDED
        self._do("", lambda work: work.revoking.void(document.issued.id, reason, self.citizen))
        if document.state not in ("revoked", "superseded"):
            document.state = "superseded"

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


@pytest.mark.timeout(1800)
def test_document_lives_as_the_model_says(wallet: Wallet, clock: FixedClock) -> None:
    plugin = wallet.catalogue.plugin("residence")
    kinds = tuple(replace(kind, validity=VALIDITY) for kind in plugin.utility.documents)
    short = replace(plugin, utility=replace(plugin.utility, documents=kinds))
    wallet = replace(wallet, catalogue=Catalogue({"residence": short}))
    machine = type("Machine", (DocumentLife,), {"wallet": wallet, "clock": clock})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=max(5, RUNS // 5),
            stateful_step_count=STEPS,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
