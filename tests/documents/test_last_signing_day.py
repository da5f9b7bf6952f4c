"""On the last second in which a key may sign it signs everything that a kind of document may ask for."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.documents.own_keys import rotating, with_own_keys
from tests.documents.people import issue
from tests.phone import CitizenPhone
from tests.support import FixedClock
from tests.web.refusals import assert_refused
from tests.web.test_health_book import ask, document_of, link
from wallet.crypto.certificates import read_certificate
from wallet.crypto.keystore import Role
from wallet.crypto.making import LIVES, Life
from wallet.documents.forms.offered import OFFERS, WHOLE, Form
from wallet.documents.issuing import end_of_validity
from wallet.keys.rotating import KeyReason
from wallet.settings import Settings
from wallet.terms import LONGEST_VALIDITY
from wallet.utilities.base import DocumentType
from wallet.utilities.catalogue import Catalogue, Plugin
from wallet.verifier import Policy, judge
from wallet.wiring import Wallet

Make = Callable[..., CitizenPhone]
State = Callable[[], dict[str, list[str]]]
FORMER = Life(timedelta(days=730), timedelta(days=1500), backdated=timedelta(days=1))
"""Of the keys for documents that were made before their certificates outlived every document."""


@pytest.fixture
def deployment(deployment: Settings, tmp_path: Path) -> Settings:
    """The same with keys of this test's own."""
    return with_own_keys(deployment, tmp_path)


def certificate_end(wallet: Wallet, role: Role) -> datetime:
    return read_certificate(wallet.keystore.signer(role).certificate_der).not_after


def until_the_last_second(wallet: Wallet, clock: FixedClock, role: Role) -> None:
    (record,) = [key.record for key in wallet.keystore.keys(role) if key.record.kid == wallet.keystore.signer(role).kid]
    clock.set(datetime.fromtimestamp(record.not_after, UTC))


def with_residence(wallet: Wallet, **changes: Any) -> Wallet:
    """Return a wallet whose residence document is declared otherwise."""
    real = wallet.catalogue.plugin("residence")
    kind = replace(real.utility.document("residence"), **changes)
    utility = replace(real.utility, documents=(kind,))
    return replace(wallet, catalogue=Catalogue({"residence": Plugin(utility, real.texts, real.module)}))


def kinds() -> list[DocumentType]:
    return [kind for plugin in Catalogue.discover() for kind in plugin.utility.documents]


def test_a_document_that_may_live_as_long_as_any_kind_is_signed(wallet: Wallet, clock: FixedClock) -> None:
    until_the_last_second(wallet, clock, Role.DOCUMENT)
    for validity in sorted({kind.validity for kind in kinds()} | {LONGEST_VALIDITY}):
        document = issue(with_residence(wallet, validity=validity))
        assert document.expires_at == end_of_validity(clock.now(), validity)
        assert judge(document.code, wallet.trust.trust(), Policy(), clock.now()).accepted, validity


@pytest.mark.parametrize("days", [500, 720])
def test_the_card_for_emergencies_is_issued_all_the_time(phone_of: Make, clock: FixedClock, days: int) -> None:
    """It lives for three years, longer than a key signs."""
    clock.advance(days=days)
    citizen = phone_of("an")
    link(citizen)
    document = document_of(citizen, {"paper": "allergy_card"})
    assert datetime.fromisoformat(document["expires_at"]) - clock.now() > timedelta(days=1095)


def test_a_paper_whose_own_last_day_is_far_away_ends_before_it(wallet: Wallet, clock: FixedClock) -> None:
    last = clock.now().date() + LONGEST_VALIDITY
    for day in (last, last + timedelta(days=1), last.replace(year=9999)):
        document = issue(with_residence(wallet, until=lambda _case, day=day: day))
        assert document.expires_at == end_of_validity(clock.now(), LONGEST_VALIDITY)


@pytest.mark.parametrize("form", Form)
def test_a_form_is_had_until_its_signer_ends_and_ends_with_its_certificate(
    wallet: Wallet, phone_of: Make, clock: FixedClock, form: Form
) -> None:
    role = OFFERS[form].role
    until_the_last_second(wallet, clock, role)
    end, left = certificate_end(wallet, role), end_of_validity(clock.now(), LONGEST_VALIDITY)
    times = wallet.copy_making.times(form, kinds()[0], left)
    assert times.issued_at <= clock.now()
    if form in WHOLE:
        assert times.expires_at == end < left
        assert end - clock.now() >= timedelta(days=366), "a document of a year is had whole"
        citizen = phone_of("an")
        answer = citizen.get(f"/v1/documents/{citizen.issue_residence()}/{OFFERS[form].file}")
        assert answer.status_code == 200, answer.text
    else:
        assert clock.now() < times.expires_at < end


def test_a_paper_ends_with_the_certificate_of_its_seal(wallet: Wallet, clock: FixedClock) -> None:
    """Whoever follows chains finds a seal no good once its certificate has ended, whatever is attached."""
    rotating(wallet).rotate(Role.SD_JWT)
    until_the_last_second(wallet, clock, Role.SEAL)
    end, left = certificate_end(wallet, Role.SEAL), end_of_validity(clock.now(), LONGEST_VALIDITY)
    assert end < certificate_end(wallet, Role.SD_JWT)
    assert wallet.copy_making.times(Form.PDF, kinds()[0], left).expires_at == end
    assert wallet.copy_making.times(Form.SD_JWT, kinds()[0], left).expires_at > end
    soon = clock.now() + timedelta(days=30)
    assert wallet.copy_making.times(Form.PDF, kinds()[0], soon).expires_at == soon


# --- Keys that were made before -------------------------------------------------------------------------------------


def test_a_key_of_the_former_figures_signs_on_and_the_next_one_signs_it_all(
    wallet: Wallet, phone_of: Make, clock: FixedClock, state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setitem(LIVES, Role.DOCUMENT, FORMER)
        rotating(wallet).revoke(wallet.keystore.signer(Role.DOCUMENT).kid, KeyReason.CEASED)
    clock.advance(days=500)
    citizen = phone_of("an")
    link(citizen)
    before = state()
    assert_refused(ask(citizen, {"paper": "allergy_card"}), 503, "signing_unavailable")
    assert state() == before
    assert judge(citizen.code_of(citizen.issue_residence()), wallet.trust.trust(), Policy(), clock.now()).accepted
    rotating(wallet).rotate(Role.DOCUMENT)
    clock.advance(days=5)
    citizen.sign_in()
    document = document_of(citizen, {"paper": "allergy_card"})
    assert judge(document["code"], wallet.trust.trust(), Policy(), clock.now()).accepted
