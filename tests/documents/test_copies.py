"""Copies in other forms: stored before they are signed, one for each key, revoked with their document, never two."""

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from tests.documents.people import actor_of, admin_of, copies_of, issue, on_one_database, status_of
from tests.documents.test_signing import Watched
from tests.support import NOON, FixedClock
from wallet.crypto.certificates import self_signed
from wallet.crypto.jwk import public_jwk
from wallet.crypto.jws import json_object
from wallet.crypto.keystore import Key, Keystore, Role
from wallet.crypto.signing import LocalSigner, Signer
from wallet.documents.copies import OpenedCopy
from wallet.documents.copy_making import Times, times_by
from wallet.documents.forms.offered import OFFERS, Form
from wallet.documents.models import DocumentCopyRow
from wallet.documents.revoking import RevocationReason
from wallet.documents.suspending import ReinstatementReason, SuspensionReason
from wallet.entropy import SystemEntropy
from wallet.errors import Conflict, NotFound, ProfileViolated, Unavailable
from wallet.formats.mdoc.issuer_signed import issuer_signed_of
from wallet.formats.mdoc.values import map_of, read
from wallet.formats.pades_reading import attached
from wallet.formats.sd_jwt_vc import parse_credential
from wallet.identity.compact_jws import thumbprint
from wallet.terms import Status
from wallet.utilities.catalogue import Catalogue
from wallet.verifier import Judgement, Policy, judge_credential, judge_mdoc
from wallet.verifier.trust import TrustedKey
from wallet.wiring import Wallet

State = Callable[[], dict[str, list[str]]]
FORMS = pytest.mark.parametrize("form", [Form.SD_JWT, Form.MDOC])
KEY = public_jwk(ec.derive_private_key(0xC0B1, ec.SECP256R1()).public_key())
OTHER_KEY = public_jwk(ec.derive_private_key(0xC0B2, ec.SECP256R1()).public_key())


class OneRole:
    """The deployment's keys, with a watched signer in the place of one."""

    def __init__(self, real: Keystore, role: Role) -> None:
        self.real, self.role = real, role
        self.watched = Watched(real.signer(role))

    def signer(self, role: Role) -> Signer:
        return self.watched if role is self.role else self.real.signer(role)


def watch(wallet: Wallet, role: Role) -> Watched:
    keys = OneRole(wallet.keystore, role)
    making = replace(wallet.copy_making, keystore=keys)  # type: ignore[arg-type]
    wallet.__dict__["copy_making"] = making
    wallet.__dict__["copying"] = replace(wallet.copying, making=making)
    return keys.watched


def copy_of(wallet: Wallet, document: str, form: Form, key: dict[str, str] = KEY) -> OpenedCopy:
    return wallet.copying.copy(document, form, key, actor_of(wallet))


def judged(wallet: Wallet, copy: OpenedCopy) -> Judgement:
    wallet.board.refresh(force=True)
    trust, now = wallet.trust.trust(), wallet.clock.now()
    if copy.form is Form.MDOC:
        return judge_mdoc(copy.content, trust, Policy(), now)
    return judge_credential(copy.content.decode(), trust.addressed(wallet.settings.issuer_url), Policy(), now)


def leave_unsigned(wallet: Wallet, document: str, form: Form) -> DocumentCopyRow:
    """Leave a copy behind as a crash between the halves does."""
    with wallet.work() as work:
        (copy_id,) = work.copies.reserve(document, form, [KEY], actor_of(wallet))
    (row,) = [row for row in copies_of(wallet) if row.id == copy_id]
    return row


# --- Refusals -------------------------------------------------------------------------------------------------------


@FORMS
def test_what_is_anothers_or_nowhere_has_no_copy(wallet: Wallet, state: State, form: Form) -> None:
    document, before = issue(wallet).id, None
    before = state()
    for wanted, actor in ((document, actor_of(wallet, "sau")), (f"doc_{'0' * 32}", actor_of(wallet))):
        with pytest.raises(NotFound):
            wallet.copying.copy(wanted, form, KEY, actor)
    assert state() == before


@FORMS
def test_a_revoked_and_an_expired_document_get_no_copy_and_show_none(
    wallet: Wallet, clock: FixedClock, state: State, form: Form
) -> None:
    revoked, over = issue(wallet).id, issue(wallet, "sau")
    copy_of(wallet, revoked, form)
    wallet.copying.copy(over.id, form, KEY, actor_of(wallet, "sau"))
    with wallet.work() as work:
        work.revoking.revoke(revoked, RevocationReason.FRAUD, admin_of(wallet))
    clock.advance(over.expires_at - clock.now())
    before = state()
    for document, key in ((revoked, "an"), (over.id, "sau")):
        for held_by in (KEY, OTHER_KEY):
            with pytest.raises(Conflict) as refused:
                wallet.copying.copy(document, form, held_by, actor_of(wallet, key))
            assert refused.value.code == "form_needs_valid_document"
    assert state() == before


def test_a_document_that_is_not_signed_yet_has_no_copy(wallet: Wallet, state: State) -> None:
    from tests.documents.test_signing import order

    watched = Watched(wallet.signing.signer(), away=True)
    wallet.__dict__["signing"] = replace(wallet.signing, signer=lambda: watched)
    with pytest.raises(Unavailable):
        order(wallet)
    with wallet.read() as work:
        held, _ = work.holding.page(actor_of(wallet), 1, None)
    before = state()
    with pytest.raises(Unavailable) as refused:
        copy_of(wallet, held[0].id, Form.SD_JWT)
    assert refused.value.code == "signing_unavailable"
    assert state() == before


def test_a_kind_that_no_utility_has_any_more_has_no_copy(wallet: Wallet, state: State) -> None:
    document = issue(wallet).id
    without = replace(wallet, catalogue=Catalogue({}))
    before = state()
    with pytest.raises(NotFound) as refused:
        copy_of(without, document, Form.SD_JWT)
    assert refused.value.code == "form_not_available"
    assert state() == before


@FORMS
def test_a_signer_that_is_away_or_mad_leaves_one_that_is_completed_later(wallet: Wallet, form: Form) -> None:
    document = issue(wallet).id
    watched = watch(wallet, OFFERS[form].role)
    for fault in ("away", "mad"):
        setattr(watched, fault, True)
        with pytest.raises(Unavailable) as refused:
            copy_of(wallet, document, form)
        assert refused.value.code == "signing_unavailable"
        setattr(watched, fault, False)
        (left,) = copies_of(wallet)
        assert (left.signed_at, left.kid) == (None, None)
    copy = copy_of(wallet, document, form)
    (row,) = copies_of(wallet)
    assert (row.id, row.status_index, row.kid) == (left.id, left.status_index, watched.kid)
    assert judged(wallet, copy).accepted


@FORMS
def test_s41_what_breaks_the_profile_is_never_signed(
    wallet: Wallet, form: Form, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A form that writes down something else than the document states: found by the throwaway key."""
    document = issue(wallet).id
    watched = watch(wallet, OFFERS[form].role)
    from wallet.documents import copy_linting

    real = copy_linting.write

    def other(role: Role, stated, *rest):  # type: ignore[no-untyped-def]
        return real(role, replace(stated, claims={**stated.claims, "full_name": "Người Khác"}), *rest)

    monkeypatch.setattr(copy_linting, "write", other)
    with pytest.raises(ProfileViolated) as refused:
        copy_of(wallet, document, form)
    assert refused.value.rules == ["claims_differ"]
    assert watched.signed == []


def test_what_the_throwaway_key_signed_is_nobodys(wallet: Wallet, monkeypatch: pytest.MonkeyPatch) -> None:
    from wallet.documents import copy_linting

    document, made, real = issue(wallet).id, [], copy_linting.write
    monkeypatch.setattr(copy_linting, "write", lambda *given: made.append(real(*given)) or made[-1])
    copy = copy_of(wallet, document, Form.MDOC)
    assert judged(wallet, replace(copy, content=made[0])).reasons == ("unknown_issuer",)


def test_a_key_that_may_not_sign_this_promises_nothing(wallet: Wallet, state: State, clock: FixedClock) -> None:
    document = issue(wallet).id
    signer = wallet.keystore.signer(Role.SD_JWT)
    trust = wallet.trust.trust()
    key = trust.keys[wallet.settings.issuer_code, signer.kid]
    assert not replace(key, revoked=True).may_sign(key.not_before, key.not_before)
    known = dict(trust.keys)
    del known[wallet.settings.issuer_code, signer.kid]
    wallet.trust._current = (wallet.trust._current[0], wallet.trust._current[1], replace(trust, keys=known))  # type: ignore[index]
    before = state()
    with pytest.raises(Unavailable) as refused:
        copy_of(wallet, document, Form.SD_JWT)
    assert refused.value.values["reasons"] == ["key_not_allowed"]
    assert state() == before


def test_a_locked_account_gets_none(wallet: Wallet, state: State) -> None:
    document = issue(wallet).id

    def refuse(_holder: str) -> None:
        raise Conflict("account_locked")

    copy_of(wallet, document, Form.SD_JWT)
    before = state()
    with wallet.work() as work:
        shut = replace(work.copies, assert_unlocked=refuse)
        for act in (
            lambda: shut.found(document, Form.SD_JWT, KEY, actor_of(wallet)),
            lambda: shut.reserve(document, Form.SD_JWT, [OTHER_KEY], actor_of(wallet)),
            lambda: shut.stated(document, actor_of(wallet)),
        ):
            with pytest.raises(Conflict) as refused:
                act()
            assert refused.value.code == "account_locked"
    assert state() == before


class OtherSeal:
    """The deployment's keys, with another signer in the place of the seal's."""

    def __init__(self, real: Keystore, change: Callable[[Key], Key]) -> None:
        self.real, self.change = real, change

    def signer(self, role: Role) -> Signer:
        return self.real.signer(role)

    def keys(self, role: Role) -> tuple[Key, ...]:
        found = self.real.keys(role)
        return tuple(map(self.change, found)) if role is Role.SEAL else found


def impostor(key: Key) -> Key:
    private = ec.derive_private_key(0xBAD, ec.SECP256R1())
    return replace(key, signer=LocalSigner(private, key.signer.certificate_der))


def certified_otherwise(key: Key) -> Key:
    """Return a key whose certificate is not the one that goes into the seal."""
    other = self_signed(
        ec.derive_private_key(0xBAD, ec.SECP256R1()), "other", NOON - timedelta(1), NOON + timedelta(9), SystemEntropy()
    )

    class Signs:
        kid, sign = key.signer.kid, staticmethod(key.signer.sign)
        certificate_der = other

    return replace(key, signer=Signs())


@pytest.mark.parametrize("change", [impostor, certified_otherwise])
def test_a_seal_that_does_not_hold_is_not_kept(wallet: Wallet, change: Callable[[Key], Key]) -> None:
    document = issue(wallet).id
    real = wallet.copying
    making = replace(wallet.copy_making, keystore=OtherSeal(wallet.keystore, change))  # type: ignore[arg-type]
    wallet.__dict__["copying"] = replace(real, making=making)
    with pytest.raises(Unavailable) as refused:
        wallet.copying.copy(document, Form.PDF, None, actor_of(wallet))
    assert refused.value.code == "signing_unavailable"
    assert refused.value.values["reasons"] == ["bad_signature"]
    (left,) = copies_of(wallet)
    assert (left.signed_at, left.seal_kid) == (None, None)
    wallet.__dict__["copying"] = real
    assert wallet.copying.copy(document, Form.PDF, None, actor_of(wallet)).id == left.id


def test_a_paper_with_another_credential_inside_is_not_kept(wallet: Wallet, monkeypatch: pytest.MonkeyPatch) -> None:
    from wallet.documents.forms import pdf

    document, make = issue(wallet).id, pdf.make

    def other(stated, copy, seal, entropy, sd_jwt, **rest):  # type: ignore[no-untyped-def]
        return make(stated, copy, seal, entropy, sd_jwt.replace("eyJ", "eyK", 1), **rest)

    monkeypatch.setattr(pdf, "make", other)
    with pytest.raises(Unavailable) as refused:
        wallet.copying.copy(document, Form.PDF, None, actor_of(wallet))
    assert refused.value.values["reasons"] == ["claims_differ"]
    assert [row.signed_at for row in copies_of(wallet)] == [None]


# --- What is made ---------------------------------------------------------------------------------------------------


@FORMS
def test_a_copy_states_what_the_document_does_and_is_bound(wallet: Wallet, form: Form) -> None:
    document = issue(wallet)
    copy = copy_of(wallet, document.id, form)
    judgement = judged(wallet, copy)
    assert judgement.reasons == ("ok",)
    assert judgement.document is not None
    assert {claim.name for claim in judgement.document.claims} == set(document.claims)
    assert document.id.removeprefix("doc_").encode() not in copy.content
    (row,) = copies_of(wallet)
    assert row.holder_key == thumbprint(KEY["x"], KEY["y"])
    assert (row.form, row.number, row.document_id) == (str(form), 1, document.id)
    assert row.kid == wallet.keystore.signer(OFFERS[form].role).kid
    assert copy.content not in row.sealed
    if form is Form.SD_JWT:
        payload = json_object(parse_credential(copy.content.decode()).signed.payload)
        assert payload["cnf"] == {"jwk": KEY}
        assert payload["iat"] == int(row.issued_at.timestamp())
    else:
        assert issuer_signed_of(map_of(read(copy.content))).auth.chain


@FORMS
def test_the_same_key_gets_the_same_bytes_and_another_key_another_copy(wallet: Wallet, form: Form) -> None:
    document = issue(wallet)
    first, again = copy_of(wallet, document.id, form), copy_of(wallet, document.id, form)
    other = copy_of(wallet, document.id, form, OTHER_KEY)
    assert (first.id, first.content) == (again.id, again.content)
    assert other.content != first.content
    assert len(copies_of(wallet)) == 2
    places = {(row.status_list, row.status_index) for row in copies_of(wallet)}
    with wallet.read() as work:
        own = work.document_rows.get(document.id)
        assert own is not None
    assert len(places | {(own.status_list, own.status_index)}) == 3, "an entry for each, none shared"


def test_a_crash_leaves_a_row_that_the_next_call_completes(wallet: Wallet) -> None:
    document = issue(wallet).id
    left = leave_unsigned(wallet, document, Form.MDOC)
    assert b"kty" not in left.sealed
    copy = copy_of(wallet, document, Form.MDOC)
    (row,) = copies_of(wallet)
    assert (copy.id, row.status_list, row.status_index) == (left.id, left.status_list, left.status_index)


@FORMS
def test_revoking_a_document_revokes_every_copy_signed_or_not(wallet: Wallet, form: Form) -> None:
    document = issue(wallet).id
    signed = copy_of(wallet, document, form, OTHER_KEY)
    leave_unsigned(wallet, document, form)
    assert {status_of(wallet, row) for row in copies_of(wallet)} == {Status.VALID}
    with wallet.work() as work:
        work.revoking.void(document, RevocationReason.DATA_CHANGED, actor_of(wallet))
    assert [status_of(wallet, row) for row in copies_of(wallet)] == [Status.INVALID] * 2
    assert "revoked" in judged(wallet, signed).reasons


@FORMS
def test_suspending_a_document_suspends_every_copy_until_it_is_reinstated(wallet: Wallet, form: Form) -> None:
    document, admin = issue(wallet).id, admin_of(wallet)
    signed = copy_of(wallet, document, form, OTHER_KEY)
    leave_unsigned(wallet, document, form)
    with wallet.work() as work:
        work.suspending.suspend(document, SuspensionReason.DATA_DISPUTED, admin)
    assert [status_of(wallet, row) for row in copies_of(wallet)] == [Status.SUSPENDED] * 2
    assert judged(wallet, signed).reasons == ("suspended",)
    for key in (KEY, OTHER_KEY):
        with pytest.raises(Conflict) as refused:
            copy_of(wallet, document, form, key)
        assert refused.value.code == "form_needs_valid_document"
    with wallet.work() as work:
        work.suspending.reinstate(document, ReinstatementReason.GROUND_GONE, admin)
    assert [status_of(wallet, row) for row in copies_of(wallet)] == [Status.VALID] * 2
    assert copy_of(wallet, document, form, OTHER_KEY).content == signed.content


def test_revoking_all_of_a_holder_leaves_the_copies_of_others_alone(wallet: Wallet) -> None:
    mine, theirs = issue(wallet).id, issue(wallet, "sau").id
    copy_of(wallet, mine, Form.SD_JWT)
    wallet.copying.copy(theirs, Form.SD_JWT, KEY, actor_of(wallet, "sau"))
    with wallet.work() as work:
        work.revoking.revoke_all(actor_of(wallet).holder_id or "", RevocationReason.HOLDER_ASKED, actor_of(wallet))
    found = {row.document_id: status_of(wallet, row) for row in copies_of(wallet)}
    assert found == {mine: Status.INVALID, theirs: Status.VALID}


def test_a_document_revoked_while_its_copy_is_signed_gives_none_out(wallet: Wallet) -> None:
    document = issue(wallet).id
    watched = watch(wallet, Role.SD_JWT)
    real = watched.real

    class Slow:
        kid, certificate_der = real.kid, real.certificate_der

        def sign(self, message: bytes) -> bytes:
            with wallet.work() as work:
                work.revoking.revoke(document, RevocationReason.FRAUD, admin_of(wallet))
            return real.sign(message)

    watched.real = Slow()
    with pytest.raises(Conflict) as refused:
        copy_of(wallet, document, Form.SD_JWT)
    assert refused.value.code == "form_needs_valid_document"
    (row,) = copies_of(wallet)
    assert row.signed_at is None
    assert status_of(wallet, row) is Status.INVALID


def test_whoever_asks_at_the_same_moment_gets_one_copy(wallet: Wallet) -> None:
    document, found = issue(wallet).id, []

    def ask() -> None:
        found.append(copy_of(wallet, document, Form.SD_JWT))

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len({copy.content for copy in found}) == 1
    assert len(found) == 4
    assert len(copies_of(wallet)) == 1


def test_of_two_that_sign_one_copy_the_second_takes_the_firsts(wallet: Wallet) -> None:
    document = issue(wallet).id
    left = leave_unsigned(wallet, document, Form.SD_JWT)
    with wallet.read() as work:
        stated = work.copies.stated(document, actor_of(wallet))
    place = (wallet.trust.status_uri(left.status_list), left.status_index)
    first, second = (wallet.copy_making.make(Form.SD_JWT, stated, place, KEY) for _ in range(2))
    assert first.content != second.content
    for made, stored in ((first, True), (second, False)):
        with wallet.work() as work:
            assert work.copies.store(left.id, made) is stored
    assert copy_of(wallet, document, Form.SD_JWT).content == first.content


def test_a_copy_of_a_revoked_key_is_made_anew_under_another_entry(wallet: Wallet) -> None:
    document = issue(wallet).id
    first = copy_of(wallet, document, Form.SD_JWT)
    with wallet.db.write() as session:
        row = session.get(DocumentCopyRow, first.id)
        assert row is not None
        row.kid = "0" * 16  # what a key is that the trust bundle no longer knows
    second = copy_of(wallet, document, Form.SD_JWT)
    assert second.id != first.id
    assert sorted(row.number for row in copies_of(wallet)) == [1, 2]
    assert len({row.status_index for row in copies_of(wallet)}) == 2
    assert copy_of(wallet, document, Form.SD_JWT).content == second.content


# --- Times ----------------------------------------------------------------------------------------------------------


def trusted_key(not_before: datetime, certificate_not_after: datetime) -> TrustedKey:
    begin, end = int(not_before.timestamp()), int(certificate_not_after.timestamp())
    return TrustedKey("VN-MAU", "0" * 16, None, None, begin, end, end, frozenset({"*"}), "sdjwt", False)


def test_times_are_those_of_the_day_within_what_the_key_may_sign() -> None:
    now = datetime(2026, 3, 2, 5, 0, 0, 7, tzinfo=UTC)
    midnight, later = datetime(2026, 3, 1, 17, tzinfo=UTC), datetime(2027, 3, 1, tzinfo=UTC)
    old, far = now - timedelta(days=30), now + timedelta(days=900)
    assert times_by(trusted_key(old, far), later, now) == Times(midnight, later)
    young = datetime(2026, 3, 2, 4, tzinfo=UTC)
    assert times_by(trusted_key(young, far), later, now).issued_at == young
    unborn = now + timedelta(hours=1)
    assert times_by(trusted_key(unborn, far), later, now).issued_at == now.replace(microsecond=0)
    soon = datetime(2026, 4, 1, tzinfo=UTC)
    assert times_by(trusted_key(old, soon), later, now).expires_at == soon
    just_after_midnight = datetime(2026, 3, 1, 17, tzinfo=UTC)
    assert times_by(trusted_key(old, far), later, just_after_midnight).issued_at == just_after_midnight


@on_one_database
def test_what_is_held_of_copies_is_told_and_blanked(wallet: Wallet) -> None:
    from wallet.documents.held import DocumentsHeld
    from wallet.held import Person

    copy_of(wallet, issue(wallet).id, Form.SD_JWT)
    actor = actor_of(wallet)
    with wallet.work() as work:
        held, person = DocumentsHeld(work.session, work.holders), Person(actor.account_id, str(actor.holder_id))
        (section,) = [each for each in held.export(person) if each.code == "document_copies"]
        assert [row["form"] for row in section.rows] == ["sd_jwt"]
        assert "sealed" not in section.rows[0]
        held.erase(person)
    assert [row.sealed for row in copies_of(wallet)] == [b""]


def test_after_a_move_a_copy_that_names_the_former_address_is_made_anew(wallet: Wallet, clock: FixedClock) -> None:
    """Verifiers with a bundle of the service where it is now know no issuer at that address."""
    document, actor = issue(wallet), actor_of(wallet)
    keys = {Form.SD_JWT: KEY, Form.MDOC: KEY, Form.PDF: None}
    before = {form: wallet.copying.copy(document.id, form, key, actor) for form, key in keys.items()}
    moved = Wallet.build(replace(wallet.settings, issuer_url="https://moved.example.vn"), clock=clock)
    try:
        moved.prepare()
        assert moved.reverifying.run().mismatch is None, "what was issued before is no fault"
        with pytest.raises(Conflict, match="copy_over"):
            moved.copying.read(document.id, before[Form.SD_JWT].id, actor)
        after = {form: moved.copying.copy(document.id, form, key, actor) for form, key in keys.items()}
        assert {form for form in keys if after[form].content != before[form].content} == {Form.SD_JWT, Form.PDF}
        assert judged(moved, after[Form.SD_JWT]).reasons == ("ok",)
        inside = attached(after[Form.PDF].content, OFFERS[Form.SD_JWT].media_type)
        assert judged(moved, replace(after[Form.PDF], form=Form.SD_JWT, content=inside)).reasons == ("ok",)
        for form, key in keys.items():
            assert moved.copying.copy(document.id, form, key, actor).content == after[form].content
        found = {row.id: (row.revoked_at is not None, status_of(moved, row)) for row in copies_of(moved)}
        ended, good = (True, Status.INVALID), (False, Status.VALID)
        assert found == {before[form].id: good if form is Form.MDOC else ended for form in keys} | {
            after[form].id: good for form in keys
        }
        assert moved.reverifying.run().mismatch is None
    finally:
        moved.close()


def test_where_the_service_stayed_reading_a_copy_changes_nothing(wallet: Wallet) -> None:
    document, actor = issue(wallet), actor_of(wallet)
    first = {form: wallet.copying.copy(document.id, form, None, actor) for form in (Form.SD_JWT, Form.PDF)}
    before = {row.id: row.revoked_at for row in copies_of(wallet)}
    for form, copy in first.items():
        assert wallet.copying.copy(document.id, form, None, actor).content == copy.content
    assert {row.id: row.revoked_at for row in copies_of(wallet)} == before


@pytest.mark.parametrize("form", [Form.SD_JWT, Form.PDF])
def test_a_copy_that_cannot_be_read_any_more_is_made_anew(wallet: Wallet, form: Form) -> None:
    document, actor = issue(wallet), actor_of(wallet)
    broken = wallet.copying.copy(document.id, form, None, actor)
    with wallet.work() as work:
        row = work.documents.copy_rows.get(broken.id)
        assert row is not None
        row.sealed = work.holders.seal(row.holder_id, row.id, broken.content[:40])
    after = wallet.copying.copy(document.id, form, None, actor)
    assert (after.id != broken.id, after.content[:40]) == (True, broken.content[:40])
    assert {row.id: row.revoked_at is not None for row in copies_of(wallet)} == {broken.id: True, after.id: False}
