"""A status list of which everything has long ended is left out of the bundle, and of no other is it ever."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from tests.documents.people import actor_of, issue
from tests.support import FixedClock
from wallet.documents.forms.offered import Form
from wallet.documents.models import DocumentCopyRow, DocumentRow, StatusListRow
from wallet.verifier import Policy, TrustedBundle, Verdict, judge
from wallet.wiring import Wallet
from wallet.wiring.process import LISTS_KEPT

SIZE = 4096


def change(wallet: Wallet, table: type[Any], **values: Any) -> None:
    with wallet.db.write() as session:
        session.execute(update(table).values(**values))


def end_everything(wallet: Wallet, at: datetime, *, used: int = SIZE) -> None:
    """Let the first list be used up, another be open, and everything in it have ended at a moment."""
    with wallet.work() as work:
        work.document_rows.open_list(2, 12, wallet.clock.now(), wallet.trust.address(2))
    with wallet.db.write() as session:
        session.execute(update(StatusListRow).where(StatusListRow.id == 1).values(used=used, full=True))
    change(wallet, DocumentRow, expires_at=at)
    change(wallet, DocumentCopyRow, expires_at=at)


def over(wallet: Wallet) -> Mapping[int, datetime]:
    with wallet.db.read() as session:
        rows = session.execute(select(StatusListRow.id, StatusListRow.over_at))
        return {list_id: at for list_id, at in rows if at is not None}


def carried(wallet: Wallet, clock: FixedClock) -> set[str]:
    """Return the lists that the next bundle carries, as a verifier takes it."""
    clock.advance(seconds=5)
    wallet.trust.publish()
    bundle = TrustedBundle.from_jws(wallet.trust.bundle().token.decode(), [wallet.trust.pin], clock.now())
    return {uri for uri in map(wallet.trust.address, (1, 2)) if bundle.status(wallet.trust.issuer_code, uri)}


@pytest.mark.parametrize("later", [timedelta(days=300), timedelta(0), -LISTS_KEPT])
@pytest.mark.parametrize("standing", [DocumentRow, DocumentCopyRow])
def test_a_list_in_which_something_stands_or_ended_lately_stays(
    wallet: Wallet, clock: FixedClock, standing: type[Any], later: timedelta
) -> None:
    document = issue(wallet)
    wallet.copying.copy(document.id, Form.SD_JWT, None, actor_of(wallet))
    end_everything(wallet, clock.now() - timedelta(days=400))
    change(wallet, standing, expires_at=clock.now() + later)
    wallet.end_lists()
    assert over(wallet) == {}
    assert wallet.trust.address(1) in carried(wallet, clock)


@pytest.mark.parametrize("used", [0, 1, SIZE - 1])
def test_a_list_that_was_closed_before_it_was_used_up_stays(wallet: Wallet, clock: FixedClock, used: int) -> None:
    """A database that was put back knows nothing of what was issued in the days that are lost."""
    end_everything(wallet, clock.now() - timedelta(days=400), used=used)
    wallet.end_lists()
    assert over(wallet) == {}
    assert wallet.trust.address(1) in carried(wallet, clock)


def test_a_list_that_is_over_is_in_no_bundle_and_still_at_its_address(wallet: Wallet, clock: FixedClock) -> None:
    document = issue(wallet)
    assert wallet.trust.address(1) in carried(wallet, clock)
    end_everything(wallet, clock.now() - LISTS_KEPT - timedelta(seconds=1))
    wallet.end_lists()
    found = over(wallet)
    assert list(found) == [1]
    clock.advance(days=1)
    wallet.end_lists()
    assert over(wallet) == found, "it is over once"
    assert carried(wallet, clock) == {wallet.trust.address(2)}
    other = Wallet.build(wallet.settings, clock=clock)
    assert other.trust.bundle().content_key == wallet.trust.bundle().content_key, "by whoever asks first, too"
    other.close()
    assert wallet.trust.status_list(1).expires_at > clock.now()
    assert judge(document.code, wallet.trust.trust(), Policy(), clock.now()).verdict is Verdict.VALID


def test_what_has_ended_is_expired_whether_its_list_is_there_or_not(wallet: Wallet, clock: FixedClock) -> None:
    document = issue(wallet)
    end_everything(wallet, clock.now() - timedelta(days=400))
    wallet.end_lists()
    carried(wallet, clock)
    bundle = TrustedBundle.from_jws(wallet.trust.bundle().token.decode(), [wallet.trust.pin], clock.now())
    judgement = judge(document.code, bundle, Policy(), document.expires_at + timedelta(days=31))
    assert judgement.verdict is Verdict.INVALID
    assert "expired" in judgement.reasons
