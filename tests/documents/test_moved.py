"""The service moves: what is issued from then on names lists where it is now, what was issued before keeps its own."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace

import pytest
from sqlalchemy import update

from tests.documents.people import actor_of, admin_of, issue
from tests.documents.test_copies import KEY
from tests.documents.test_restoring import backup, place, rows, started
from tests.support import FixedClock
from wallet.crypto.jws import json_object
from wallet.documents.forms.offered import Form
from wallet.documents.models import StatusListRow
from wallet.documents.revoking import RevocationReason
from wallet.errors import Unavailable
from wallet.formats.mdoc.issuer_signed import parse_issuer_signed
from wallet.formats.sd_jwt_vc import parse_credential
from wallet.formats.status_list import parse_status_jwt
from wallet.verifier import Policy, TrustedBundle, Verdict, judge
from wallet.wiring import Wallet

MOVED = "https://moved.example.vn"


@contextmanager
def moved(wallet: Wallet, address: str = MOVED) -> Iterator[Wallet]:
    """The same deployment as it starts at another address."""
    with started(wallet, issuer_url=address) as other:
        yield other


def opened(wallet: Wallet) -> dict[int, tuple[str, int]]:
    return {row["id"]: (row["uri"], row["used"]) for row in rows(wallet, StatusListRow)}


def named(wallet: Wallet, form: Form, document_id: str) -> object:
    """Return the status list that a new copy names."""
    content = wallet.copying.copy(document_id, form, KEY, actor_of(wallet)).content
    if form is Form.SD_JWT:
        status = json_object(parse_credential(content.decode()).signed.payload)["status"]
        return status["status_list"]["uri"]
    found = parse_issuer_signed(content).mso.status
    assert found is not None
    return found.uri


def test_what_is_issued_after_a_move_names_lists_at_the_new_address(wallet: Wallet, clock: FixedClock) -> None:
    before = issue(wallet)
    with moved(wallet) as other:
        after = issue(other)
        assert (place(other, before.id)[0], place(other, after.id)[0]) == (1, 2)
        for form in (Form.SD_JWT, Form.MDOC):
            assert named(other, form, before.id) == named(other, form, after.id) == f"{MOVED}/v1/status-lists/2"
        clock.advance(seconds=5)
        other.trust.publish()
        bundle = TrustedBundle.from_jws(other.trust.bundle().token.decode(), [other.trust.pin], clock.now())
        for document in (before, after):
            assert judge(document.code, bundle, Policy(), clock.now()).verdict is Verdict.VALID
        assert other.reverifying.run().mismatch is None


def test_list_of_the_old_address_is_served_under_its_name_and_tells_who_is_revoked(
    wallet: Wallet, clock: FixedClock
) -> None:
    before, uri = issue(wallet), wallet.trust.status_uri(1)
    with moved(wallet) as other:
        with other.work() as work:
            work.revoking.revoke(before.id, RevocationReason.FRAUD, admin_of(other))
        clock.advance(seconds=5)
        other.trust.publish()
        token = parse_status_jwt(other.trust.status_list(1).token.decode())
        assert other.trust.status_uri(1) == uri
        assert json_object(token.signed.payload)["sub"] == uri
        bundle = TrustedBundle.from_jws(other.trust.bundle().token.decode(), [other.trust.pin], clock.now())
        assert "revoked" in judge(before.code, bundle, Policy(), clock.now()).reasons


def test_back_at_an_address_its_lists_are_drawn_from_again_and_none_is_opened(wallet: Wallet) -> None:
    home, drawn = wallet.settings.issuer_url, set()
    for address in (MOVED, home, MOVED, home):
        with moved(wallet, address) as here:
            for _ in range(3):
                drawn.add((address, place(here, issue(here).id)))
            lists = opened(here)
        assert {list_id: uri for list_id, (uri, _) in lists.items()} == {
            1: f"{home}/v1/status-lists/1",
            2: f"{MOVED}/v1/status-lists/2",
        }
    assert len({at for _, at in drawn}) == 12, "no index twice"
    assert {(address, at[0]) for address, at in drawn} == {(home, 1), (MOVED, 2)}


def test_list_that_follows_is_opened_at_the_new_address(wallet: Wallet) -> None:
    with moved(wallet) as other, other.work() as work:
        work.indices.reserve_many(2500)
    assert {list_id: uri for list_id, (uri, _) in opened(wallet).items() if list_id > 1} == {
        2: f"{MOVED}/v1/status-lists/2",
        3: f"{MOVED}/v1/status-lists/3",
    }


def test_server_that_was_not_prepared_after_a_move_opens_its_lists_with_the_first_round(wallet: Wallet) -> None:
    before = opened(wallet)
    with closing(Wallet.build(replace(wallet.settings, issuer_url=MOVED), clock=wallet.clock)) as other:
        with pytest.raises(Unavailable) as refused:
            issue(other)
        assert refused.value.code == "status_lists_full"
        assert opened(other) == before
        for _ in range(2):
            other.publish()
            assert opened(other).keys() == {1, 2}
        assert {place(other, issue(other).id)[0] for _ in range(3)} == {2}


def test_round_of_a_server_that_stayed_opens_nothing(wallet: Wallet) -> None:
    before = rows(wallet, StatusListRow)
    wallet.publish()
    assert rows(wallet, StatusListRow) == before


def test_full_lists_at_the_new_address_are_not_replaced_by_room_at_the_old_one(wallet: Wallet) -> None:
    with moved(wallet) as other:
        with other.db.write() as session:
            session.execute(update(StatusListRow).where(StatusListRow.id == 2).values(used=4096, full=True))
        before = opened(other)
        with pytest.raises(Unavailable) as refused:
            issue(other)
        assert refused.value.code == "status_lists_full"
        assert opened(other) == before


def test_database_put_back_to_before_the_move_gives_out_no_index_twice(wallet: Wallet, clock: FixedClock) -> None:
    issue(wallet)
    wallet.trust.publish()
    restore = backup(wallet)
    with moved(wallet) as other:
        lost = {place(other, issue(other).id) for _ in range(3)}
        clock.advance(seconds=5)
        other.trust.publish()
    restore()
    with moved(wallet) as again:
        newer = {place(again, issue(again).id) for _ in range(3)}
        assert lost & newer == set()
        assert again.trust.status_uri(2) == f"{MOVED}/v1/status-lists/2", "what was lost still verifies"


def test_room_is_told_of_the_lists_that_are_drawn_from(wallet: Wallet) -> None:
    with wallet.work() as work:
        work.indices.reserve_many(1000)
    with moved(wallet) as other:
        room = other.status_capacity()
        assert [each.list_id for each in room.lists] == [2]
        assert (room.free, room.size, room.warnings) == (4096, 4096, ())
