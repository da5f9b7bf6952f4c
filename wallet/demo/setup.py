"""Makes the demo of a wallet: people in the registers, accounts for the personas, documents with a past.

Everything goes through the services that citizens and staff use; nothing is written behind their back. Safe to
repeat and to interrupt: each persona is one transaction, and what is there is left alone.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from wallet.clock import Clock
from wallet.crypto.keystore import Secret
from wallet.demo.chip import has_signer, write_signer
from wallet.demo.credentials import public_jwk
from wallet.demo.gates import are_open, open_gates
from wallet.demo.personas import PERSONAS, Persona, Preparation, credentials
from wallet.demo.personas import persona as _persona
from wallet.demo.phones import phone_of
from wallet.demo.records import VIETNAM
from wallet.demo.tet import last_tet, report_on
from wallet.documents.holding import HeldDocument
from wallet.documents.revoking import RevocationReason
from wallet.documents.suspending import SuspensionReason
from wallet.identity.accounts import AccountView, Grant, HolderKind, LockGround
from wallet.identity.sessions import Beginning
from wallet.launching.orders import LaunchOrder, PendingChange
from wallet.launching.states import LaunchState
from wallet.requests.moving import Word
from wallet.requests.orders import RequestOrder, UtilityRequest
from wallet.sources.base import Ground, RegisterCode
from wallet.terms import AccountLevel, Actor, AuthLevel, StaffRole
from wallet.wiring import Wallet, Work

SETUP = Actor("system", request_id="demo_setup")
LONG_AGO = timedelta(days=400)
GROUNDS = {"death": LockGround.HOLDER_DIED, "holder_request": LockGround.HOLDER_REQUEST}


@dataclass(frozen=True, slots=True)
class PastClock:
    """A clock that is behind, for documents that were issued long ago."""

    clock: Clock
    behind: timedelta

    def now(self) -> datetime:
        return self.clock.now() - self.behind


def set_up(wallet: Wallet, on_progress: Callable[[int, int], None] = lambda *_: None) -> int:
    """Give every persona what its story needs; return how many were new. The registers must be filled before."""
    new = 0
    if not has_signer(wallet.nation):
        write_signer(wallet.nation, wallet.keystore.secret(Secret.DEMO), wallet.entropy)
    staff_first = sorted(PERSONAS, key=lambda persona: persona.staff_role is None)
    for done, persona in enumerate(staff_first, 1):
        new += _open_account(wallet, persona)
        on_progress(done, len(PERSONAS))
    _open_utilities(wallet)
    open_gates(wallet, lambda work: (_staff(work, "admin1"), _staff(work, "admin2")))
    for persona in PERSONAS:
        _prepare(wallet, persona)
    return new


def is_set_up(wallet: Wallet) -> bool:
    """Return whether every persona is ready, in one quick look."""
    with wallet.read() as work:
        # Accounts first: a preparation that was interrupted has opened some and not others.
        accounts = all(_account(work, persona) is not None for persona in PERSONAS)
        return (
            accounts
            and has_signer(wallet.nation)
            and are_open(wallet, work)
            and all(_is_prepared(work, persona) for persona in PERSONAS)
        )


def _open_account(wallet: Wallet, persona: Persona) -> bool:
    secret = credentials(persona, wallet.keystore.secret(Secret.DEMO))
    with wallet.work() as work:
        if _account(work, persona) is not None:
            return False
        ground = Ground("open_account", "demo", SETUP)
        facts = work.sources.read(RegisterCode.POPULATION, persona.number, ground, subject=f"persona_{persona.key}")
        expires = facts.values.get("card_expires")
        grants = []
        if persona.staff_role is not None:
            grants = [Grant(persona.staff_role, persona.agency or "", persona.province or "")]
        opened = work.accounts.open(
            facts=facts.values,
            password=secret.password,
            passcode=secret.passcode,
            device_id=secret.device_id,
            public_key=public_jwk(secret.device_jwk),
            biometric_key=public_jwk(secret.biometric_jwk),
            actor=SETUP,
            level=persona.account_level,
            device_name="Thiết bị mẫu",
            grants=grants,
            phone=phone_of(persona.number),
            kind=HolderKind.CITIZEN if facts.values["nationality"] == VIETNAM else HolderKind.FOREIGNER,
            valid_until=expires if isinstance(expires, date) else None,
        )
        if not persona.has_device:
            work.devices.unbind(opened.device_id, "demo", SETUP)
        return True


def _open_utilities(wallet: Wallet) -> None:
    """Open every utility as two admins do; one that somebody has launched or stopped is left as it is."""
    for plugin in wallet.catalogue:
        code = plugin.utility.code
        with wallet.work() as work:
            launch = work.rollout.launch(code)
            if launch.version == 0 and launch.awaiting is None:
                order = LaunchOrder(LaunchState.OPEN, "Mở cho bản mẫu")
                asked = work.launching.change(code, order, 0, _staff(work, "admin1"))
                if isinstance(asked, PendingChange):
                    work.launching.decide(asked.id, agree=True, actor=_staff(work, "admin2"))


def _prepare(wallet: Wallet, persona: Persona) -> None:
    """Issue, revoke, lock: what the persona's story says has happened, in the order in which it did."""
    if persona.preparation is Preparation.NONE and persona.account_state == "active":
        return
    with wallet.read() as work:
        if _is_prepared(work, persona):
            return
    if persona.preparation is Preparation.ANSWERED_AFTER_TET:
        _live_through_tet(wallet, persona)
        return
    if persona.preparation is not Preparation.NONE:
        behind = LONG_AGO if persona.preparation is Preparation.ISSUED_LONG_AGO else timedelta(minutes=1)
        then = _past(wallet, behind)
        with then.work() as work:
            actor = _actor(work, persona)
            document = _first_document(work, actor)
            if document is None:
                work.requests.submit(RequestOrder("residence", {}), actor)
        if document is not None:
            then.signing.complete_stored([document.id])
    with wallet.work() as work:
        actor = _actor(work, persona)
        document, reason = _first_document(work, actor), _revocation(persona)
        if document is not None and reason is not None and document.revoked_at is None:
            work.revoking.revoke(document.id, reason, _staff(work, "admin1"))
        if persona.account_state == "locked" and work.accounts.find(actor.account_id).state == "active":
            if document is not None and persona.lock_ground == "holder_request":  # whoever lost a phone asks for both
                work.suspending.suspend(document.id, SuspensionReason.HOLDER_ASKED, _staff(work, "admin1"))
            work.accounts.lock(actor.account_id, GROUNDS[persona.lock_ground or "holder_request"], SETUP)


def _live_through_tet(wallet: Wallet, persona: Persona) -> None:
    """Send a report before Tết, and let its desk answer it after it."""
    now = wallet.clock.now()
    tet = last_tet(now, wallet.working_days)
    then = _past(wallet, now - tet.sent)
    with then.work() as work:
        actor = _actor(work, persona)
        report = _report(work, actor)
        if report is None:
            work.requests.submit(RequestOrder("security_report", report_on(tet)), actor)
    if report is not None and report.document_id is not None:
        then.signing.complete_stored([report.document_id])
    with _past(wallet, now - tet.answered).work() as work:
        report = _report(work, _actor(work, persona))
        if report is not None and report.state == "received":
            officer = _in_session(wallet, work, _persona("reviewer2"))
            claimed = work.review_desk.claim(report.id, officer)
            accepted = work.review_desk.decide(report.id, "accept", Word(), claimed.request.version, officer)
            word = Word("dealt_with", "Công an phường đã đến nơi, nhắc nhở và lập biên bản.")
            work.review_desk.decide(report.id, "resolve", word, accepted.detail.request.version, officer)
            work.sessions.end_own(officer.session_id or "", officer)


def _in_session(wallet: Wallet, work: Work, persona: Persona) -> Actor:
    """Return a member of staff in a session of their own, on the phone that they have from the start."""
    device = credentials(persona, wallet.keystore.secret(Secret.DEMO)).device_id
    actor = _actor(work, persona)
    begun = work.sessions.start(actor.account_id, AuthLevel.TWO, Beginning(request_id="demo_setup", device_id=device))
    return replace(actor, session_id=begun.session.id)


def _report(work: Work, actor: Actor) -> UtilityRequest | None:
    """Return the oldest report: the one of the story."""
    reports, following = work.requests.page(actor, 100, None)
    while following is not None:
        more, following = work.requests.page(actor, 100, following)
        reports = [*reports, *more]
    return next((each for each in reversed(reports) if each.utility == "security_report"), None)


def _past(wallet: Wallet, behind: timedelta) -> Wallet:
    return replace(wallet, clock=PastClock(wallet.clock, behind))


def _is_prepared(work: Work, persona: Persona) -> bool:
    if persona.preparation is Preparation.NONE and persona.account_state == "active":
        return True
    actor = _actor(work, persona)
    if persona.preparation is Preparation.ANSWERED_AFTER_TET:
        report = _report(work, actor)
        return report is not None and report.state == "resolved" and _is_signed(work, report.document_id)
    document = _first_document(work, actor)
    issued = persona.preparation is Preparation.NONE or (document is not None and _is_signed(work, document.id))
    revoked = _revocation(persona) is None or (document is not None and document.revoked_at is not None)
    return issued and revoked and work.accounts.find(actor.account_id).state == persona.account_state


def _is_signed(work: Work, document_id: str | None) -> bool:
    """Return whether a document's second half was done, too: whoever was killed between the two left it unsigned."""
    row = work.document_rows.get(document_id) if document_id is not None else None
    return row is not None and row.signed_at is not None


def _first_document(work: Work, actor: Actor) -> HeldDocument | None:
    """Return the oldest document: the one of the story. What a visitor asked for since is theirs."""
    documents, following = work.holding.page(actor, 100, None)
    while following is not None:
        documents, following = work.holding.page(actor, 100, following)
    return documents[-1] if documents else None


def story_document(work: Work, key: str) -> tuple[HeldDocument, str] | None:
    """Return the document of a persona's story and its code, None where the demo is not set up or it is not signed."""
    if work.holders.find(_persona(key).number) is None:
        return None
    actor = _actor(work, _persona(key))
    document = _first_document(work, actor)
    if document is None or document.state == "signing":
        return None
    return document, work.holding.code(document.id, actor)


def _revocation(persona: Persona) -> RevocationReason | None:
    if persona.preparation is Preparation.ISSUED_THEN_REVOKED:
        return RevocationReason.DATA_CHANGED
    return RevocationReason.HOLDER_DIED if persona.lock_ground == "death" else None


def _staff(work: Work, key: str) -> Actor:
    return replace(_actor(work, _persona(key)), roles=frozenset({StaffRole.ADMIN}))


def _actor(work: Work, persona: Persona) -> Actor:
    account = _account(work, persona)
    if account is None:
        raise LookupError(f"no account was opened for {persona.key}")
    return Actor(
        account_id=account.id,
        holder_id=account.holder_id,
        account_level=AccountLevel.TWO,
        auth_level=AuthLevel.TWO,
        request_id="demo_setup",
    )


def _account(work: Work, persona: Persona) -> AccountView | None:
    holder_id = work.holders.find(persona.number)
    return None if holder_id is None else work.accounts.of_holder(holder_id)
