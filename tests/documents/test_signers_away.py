"""A signer that is away, or was revoked and has no successor: whatever others sign is published all the same."""

from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography import x509

from tests.documents.own_keys import rotating, with_own_keys
from tests.documents.people import admin_of, issue
from tests.support import AUTHORITY, FixedClock
from wallet.crypto.authority import key_id
from wallet.crypto.keystore import Role
from wallet.crypto.making import Making, create_missing
from wallet.crypto.signing import AbsentSigner, Signer
from wallet.documents.revoking import RevocationReason
from wallet.entropy import SystemEntropy
from wallet.errors import Unavailable
from wallet.formats.trust_bundle import BundleContent, parse_bundle
from wallet.keys.rotating import KeyReason
from wallet.settings import Settings
from wallet.verifier import Policy, TrustedBundle, judge
from wallet.wiring import Wallet


@pytest.fixture
def deployment(deployment: Settings, tmp_path: Path) -> Settings:
    """The same with keys of this test's own."""
    return with_own_keys(deployment, tmp_path)


def content(wallet: Wallet) -> BundleContent:
    return parse_bundle(wallet.trust.bundle().token.decode()).verify(frozenset([wallet.trust.pin]))


def state_of(wallet: Wallet, kid: str) -> str:
    (found,) = (key.state for issuer in content(wallet).issuers for key in issuer.keys if key.kid == kid)
    return found


def away(wallet: Wallet, role: Role) -> Callable[[Role], Signer]:
    """Return what stands for `keystore.signer` while what keeps the key of a role does not answer."""
    signer = wallet.keystore.signer

    def found(asked: Role) -> Signer:
        real = signer(asked)
        return AbsentSigner(real.certificate_der) if asked is role else real

    return found


@pytest.mark.parametrize("by_the_job", [True, False])
def test_s63_revoked_key_of_lists_is_told_of_before_it_has_a_successor(
    wallet: Wallet, clock: FixedClock, monkeypatch: pytest.MonkeyPatch, by_the_job: bool
) -> None:
    """Else verifiers would take whatever the thief signs, as long as the bundle at hand is good."""
    document = issue(wallet)
    wallet.trust.publish()
    wallet.publisher.left_to_job = by_the_job
    before, kid = wallet.trust.bundle(), wallet.keystore.signer(Role.STATUS).kid
    assert len(content(wallet).status_lists) == 1

    def full(self: Making, *_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Making, "make", full)
        done = rotating(wallet).revoke(kid, KeyReason.COMPROMISED, clock.now())
    assert [role for role, _ in done.lacking] == [Role.STATUS]
    clock.advance(minutes=20)
    if by_the_job:
        with pytest.raises(Unavailable, match="signing_unavailable"):
            wallet.trust.publish()
    after = wallet.trust.bundle()
    assert after.sequence == before.sequence + 1
    assert state_of(wallet, kid) == "revoked"
    assert content(wallet).status_lists == (), "nothing that it signed is handed on"
    bundle = TrustedBundle.from_jws(after.token.decode(), [wallet.trust.pin], clock.now())
    assert judge(document.code, bundle, Policy(), clock.now()).reasons == ("status_unknown",)
    create_missing(wallet.settings.keys_dir, now=clock.now(), entropy=SystemEntropy(), authority=AUTHORITY, renew=True)
    clock.advance(seconds=5)
    wallet.trust.publish()
    bundle = TrustedBundle.from_jws(wallet.trust.bundle().token.decode(), [wallet.trust.pin], clock.now())
    assert judge(document.code, bundle, Policy(), clock.now()).reasons == ("ok",)


@pytest.mark.parametrize("by_the_job", [True, False])
def test_s63_signer_of_lists_that_is_away_holds_up_no_revocation_of_another_key(
    wallet: Wallet, clock: FixedClock, monkeypatch: pytest.MonkeyPatch, by_the_job: bool
) -> None:
    document = issue(wallet)
    wallet.trust.publish()
    wallet.publisher.left_to_job = by_the_job
    before, listed = wallet.trust.bundle(), wallet.trust.status_list(1)
    keys = [wallet.keystore.signer(role).kid for role in (Role.DOCUMENT, Role.MDOC)]
    (root,) = wallet.trust.roots
    clock.advance(seconds=5)
    with wallet.work() as work:
        work.revoking.revoke(document.id, RevocationReason.FRAUD, admin_of(wallet))
    for kid in keys:
        rotating(wallet).revoke(kid, KeyReason.COMPROMISED, clock.now())
    clock.advance(minutes=20)
    with monkeypatch.context() as patch:
        patch.setattr(wallet.keystore, "signer", away(wallet, Role.STATUS))
        if by_the_job:
            with pytest.raises(Unavailable, match="signing_unavailable"):
                wallet.trust.publish()
        assert wallet.trust.bundle().sequence == before.sequence + 1
        assert [state_of(wallet, kid) for kid in keys] == ["revoked", "revoked"]
        assert [entry.token for entry in content(wallet).status_lists] == [listed.token.decode()]
        assert wallet.trust.status_list(1) == listed
        if by_the_job:
            assert wallet.trust.entities().sequence == before.sequence + 1
            signers = wallet.trust.revoked_signers(key_id(root.signer.certificate_der))
            assert len(x509.load_der_x509_crl(signers.token)) == 1
    wallet.trust.publish()
    assert wallet.trust.status_list(1).sequence == listed.sequence + 1
    assert state_of(wallet, keys[0]) == "revoked"
