"""What a holder has: their own documents, page by page, and nobody else's."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.documents.people import actor_of, admin_of, issue, on_one_database
from tests.support import FixedClock
from wallet.documents.holding import HeldDocument
from wallet.documents.revoking import RevocationReason
from wallet.errors import Malformed, NotFound
from wallet.identity.accounts import LockGround
from wallet.identity.models import Account, Holder
from wallet.terms import Actor
from wallet.wiring import Wallet


def pages(wallet: Wallet, actor: Actor, limit: int) -> list[list[HeldDocument]]:
    found, place = [], None
    for _ in range(100):
        with wallet.read() as work:
            page, place = work.holding.page(actor, limit, place)
        found.append(page)
        if place is None:
            return found
    raise AssertionError("the pages have no end")


def test_document_is_opened_for_its_holder(wallet: Wallet) -> None:
    document = issue(wallet)
    with wallet.read() as work:
        content = work.holding.content(document.id, actor_of(wallet))
        held = work.holding.get(document.id, actor_of(wallet))
    assert (content.claims, content.salt, content.code) == (document.claims, document.salt, document.code)
    assert (held.id, held.request_id, held.utility) == (document.id, document.request_id, "residence")
    assert (held.kind, held.kind_version, held.rules_version) == ("residence", 1, "2024-01")
    assert content.sources["full_name"] == {"source": "population", "as_of": "2026-01-12T02:00:00+00:00"}
    assert content.sources["number_last4"]["source"] == "derived"
    assert (held.issued_at, held.expires_at, held.state) == (document.issued_at, document.expires_at, "valid")
    assert (held.revoked_at, held.revocation_reason) == (None, None)


def test_foreign_and_unknown_documents_look_the_same(wallet: Wallet) -> None:
    document = issue(wallet, "sau")
    strangers = [actor_of(wallet, "an"), admin_of(wallet), actor_of(wallet, "an", holder_id=None)]
    for stranger in strangers:
        for document_id in (document.id, "doc_" + "0" * 32, "", document.id.upper(), document.id + " "):
            for name in ("get", "content"):
                with wallet.read() as work, pytest.raises(NotFound) as caught:
                    getattr(work.holding, name)(document_id, stranger)
                assert (caught.value.code, caught.value.values) == ("not_found", {})


@on_one_database
def test_someone_without_a_holder_has_no_page(wallet: Wallet) -> None:
    with wallet.read() as work, pytest.raises(NotFound):
        work.holding.page(Actor("system"), 10, None)


def test_pages_hold_each_document_once_newest_first(wallet: Wallet, clock: FixedClock) -> None:
    actor = actor_of(wallet)
    assert pages(wallet, actor, 3) == [[]]
    made = []
    for number in range(7):
        made.append(issue(wallet).id)
        if number % 3:  # some share their second
            clock.advance(seconds=1)
    issue(wallet, "sau")
    for limit in (1, 2, 3, 6, 7, 100):
        found = pages(wallet, actor, limit)
        ids = [held.id for page in found for held in page]
        assert sorted(ids) == sorted(made)
        assert all(len(page) <= limit for page in found)
        times = [(held.issued_at, held.id) for page in found for held in page]
        assert times == sorted(times, reverse=True)


def test_document_issued_while_paging_moves_nothing(wallet: Wallet, clock: FixedClock) -> None:
    actor = actor_of(wallet)
    made = []
    for _ in range(4):
        made.append(issue(wallet).id)
        clock.advance(seconds=1)
    with wallet.read() as work:
        first, place = work.holding.page(actor, 2, None)
    issue(wallet)
    with wallet.read() as work:
        second, end = work.holding.page(actor, 2, place)
    assert [held.id for held in [*first, *second]] == made[::-1]
    assert end is None


def test_state_follows_the_clock_and_the_revocation(wallet: Wallet, clock: FixedClock) -> None:
    document, other = issue(wallet), issue(wallet)
    actor = actor_of(wallet)

    def states() -> list[str]:
        with wallet.read() as work:
            one = [work.holding.get(each.id, actor).state for each in (document, other)]
            page = {held.id: held.state for held in work.holding.page(actor, 9, None)[0]}
        assert [page[document.id], page[other.id]] == one
        return one

    assert states() == ["valid", "valid"]
    with wallet.work() as work:
        work.revoking.revoke(other.id, RevocationReason.FRAUD, admin_of(wallet))
    assert states() == ["valid", "revoked"]
    clock.set(document.expires_at - timedelta(seconds=1))
    assert states() == ["valid", "revoked"]
    clock.set(document.expires_at)
    assert states() == ["expired", "revoked"]


def test_times_come_back_in_utc(wallet: Wallet) -> None:
    document = issue(wallet)
    with wallet.read() as work:
        held = work.holding.get(document.id, actor_of(wallet))
    assert held.issued_at.utcoffset() == held.expires_at.utcoffset() == timedelta(0)
    assert held.expires_at == datetime(2027, 3, 2, 17, tzinfo=UTC)


def test_what_was_changed_in_storage_does_not_open(wallet: Wallet) -> None:
    document, other = issue(wallet), issue(wallet)
    with wallet.work() as work:
        row, source = work.document_rows.get(document.id), work.document_rows.get(other.id)
        assert row is not None
        assert source is not None
        row.sealed = source.sealed
    with wallet.read() as work, pytest.raises(Malformed):
        work.holding.content(document.id, actor_of(wallet))


def test_erased_holder_leaves_documents_that_nobody_opens(wallet: Wallet) -> None:
    document, actor = issue(wallet), actor_of(wallet)
    with wallet.work() as work:
        account = work.session.get(Account, actor.account_id)
        assert account is not None
        account.state = "closed"
        work.session.flush()
        work.holders.erase(actor.holder_id or "")
    with wallet.read() as work:
        holder = work.session.get(Holder, actor.holder_id)
        assert holder is not None
        assert holder.sealed_data_key is None
        assert work.holding.get(document.id, actor).state == "valid"
        with pytest.raises(NotFound) as caught:
            work.holding.content(document.id, actor)
    assert caught.value.code == "holder_unknown"


@on_one_database
def test_locked_account_keeps_its_documents(wallet: Wallet) -> None:
    document, actor = issue(wallet), actor_of(wallet)
    with wallet.work() as work:
        work.accounts.lock(actor.account_id, LockGround.HOLDER_REQUEST, Actor("system"))
    with wallet.read() as work:
        assert work.holding.get(document.id, actor).state == "valid"
