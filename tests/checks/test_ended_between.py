"""A desk's key that ends while the portrait is fetched: what was asked with it is neither shown nor done.

The portrait comes from whoever keeps it, who may be slow, between two tries of one act (`Wallet.tries`).
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from tests.checks.test_sharing import asked, decide, present
from tests.checks.verifier import Desk, live_code, purpose_json
from tests.documents.people import admin_of
from tests.phone import CitizenPhone
from tests.support import FixedClock
from tests.web.refusals import assert_refused
from wallet.checks.online.models import PresentationRow
from wallet.sources.portraits import Portrait, Portraits
from wallet.wiring import Wallet

Make = Callable[..., CitizenPhone]
Unchanged = Callable[[], AbstractContextManager[None]]
Events = Callable[[str], list[dict[str, Any]]]
PORTRAIT = {"fields": ["full_name", "portrait"]}


@dataclass
class SlowPortraits:
    """The portraits of a wallet; while one is fetched something else happens, once."""

    portraits: Portraits
    meanwhile: Callable[[], None]
    fetched: int = 0

    def of(self, number: str) -> Portrait:
        self.fetched += 1
        if self.fetched == 1:
            self.meanwhile()
        return self.portraits.of(number)


def revoke_key(wallet: Wallet, desk: Desk) -> None:
    with wallet.work() as work:
        work.verifier_desks.revoke(desk.organisation, desk.id, admin_of(wallet))


def rotate_key(wallet: Wallet, desk: Desk) -> None:
    with wallet.work() as work:
        work.verifier_desks.rotate(desk.organisation, desk.id, timedelta(0), admin_of(wallet))


def suspend(wallet: Wallet, desk: Desk) -> None:
    with wallet.work() as work:
        assert work.checks.rows.change_verifier(desk.organisation, 1, state="suspended")


def take_purpose(wallet: Wallet, desk: Desk) -> None:
    with wallet.work() as work:
        assert work.checks.rows.change_desk(desk.id, purposes=[])


Ending = tuple[Callable[[Wallet, Desk], None], int, str]
ENDINGS: dict[str, Ending] = {
    "revoked": (revoke_key, 401, "invalid_desk_key"),
    "rotated": (rotate_key, 401, "invalid_desk_key"),
    "suspended": (suspend, 401, "desk_key_suspended"),
    "narrowed": (take_purpose, 403, "purpose_not_registered"),
}
ended = pytest.mark.parametrize("ending", ENDINGS.values(), ids=ENDINGS)


def while_fetching(wallet: Wallet, desk: Desk, ending: Ending) -> SlowPortraits:
    slow = SlowPortraits(wallet.portraits, lambda: ending[0](wallet, desk))
    vars(wallet)["portraits"] = slow
    return slow


@ended
def test_a_share_is_not_read(
    wallet: Wallet,
    phone: CitizenPhone,
    desk: Desk,
    residence: str,
    events: Events,
    ending: Ending,
) -> None:
    share = asked(desk, phone, residence)
    assert decide(phone, share).status_code == 200
    slow = while_fetching(wallet, desk, ending)
    answer = desk.get(f"shares/{share}")
    assert slow.fetched == 1
    assert_refused(answer, *ending[1:])
    assert phone.persona.birth not in answer.text
    assert events("check.share") == []


@ended
def test_a_consent_that_is_remembered_answers_nothing_and_no_code_is_used_up(
    wallet: Wallet,
    phone: CitizenPhone,
    desk: Desk,
    residence: str,
    events: Events,
    clock: FixedClock,
    ending: Ending,
) -> None:
    assert decide(phone, asked(desk, phone, residence), decision="agree", remember=True).status_code == 200
    clock.advance(seconds=31)
    shown = live_code(phone, residence)
    slow = while_fetching(wallet, desk, ending)
    answer = desk.check(shown)
    assert slow.fetched == 1
    assert_refused(answer, *ending[1:])
    assert phone.persona.name not in answer.text
    assert len(events("check.online")) == 1, "the one that asked"
    beside = Desk.open(wallet, desk.client, purpose_json(), gate="G-2", of=desk.organisation)
    if ending[0] is not suspend:  # its organisation goes on
        assert beside.checked(shown, claims=[])["reasons"] == ["ok"]


@ended
def test_nobody_is_checked_in(
    wallet: Wallet,
    phone: CitizenPhone,
    desk: Desk,
    residence: str,
    events: Events,
    ending: Ending,
) -> None:
    made = present(phone, desk, residence, **PORTRAIT).json["id"]
    slow = while_fetching(wallet, desk, ending)
    answer = desk.post("check-ins", {"purpose": "boarding", "presentation": made}, key="one")
    assert slow.fetched == 1
    assert_refused(answer, *ending[1:])
    assert events("check.check_in") == []
    with wallet.db.read() as session:
        assert session.get_one(PresentationRow, made).used_at is None


@ended
def test_an_answer_that_is_asked_for_again_is_not_told(
    wallet: Wallet,
    phone: CitizenPhone,
    desk: Desk,
    residence: str,
    events: Events,
    ending: Ending,
) -> None:
    order = {"purpose": "boarding", "presentation": present(phone, desk, residence, **PORTRAIT).json["id"]}
    assert desk.post("check-ins", order, key="one").status_code == 201
    while_fetching(wallet, desk, ending)
    assert_refused(desk.post("check-ins", order, key="one"), *ending[1:])
    assert len(events("check.check_in")) == 1
