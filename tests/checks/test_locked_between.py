"""The account is locked after its holder agreed, before anybody was shown anything: docs/domain.md, section 8, case 15.

Everything that a holder can have agreed to by then is tried, over HTTP: what they let a desk see once, what they let it
see each time, what they let an airline take, a card on their phone, a code on their screen. Unlocked again, what has
not ended by its own time counts as it did.
"""

import base64
import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.checks.test_sharing import asked, decide, present, results, run
from tests.checks.verifier import Desk, live_code, purpose_json
from tests.phone import CitizenPhone
from tests.support import FixedClock
from tests.web.refusals import assert_refused
from tests.web.test_locks import order
from wallet.demo.live_codes import live_code as shown_by_phone
from wallet.wiring import Wallet

Make = Callable[..., CitizenPhone]
Unchanged = Callable[[], AbstractContextManager[None]]
State = Callable[[], dict[str, list[str]]]
REMEMBERED = {"decision": "agree", "remember": True, "remember_days": 30}


@dataclass
class Agreed:
    """What a holder agreed to. share: at `desk`; at `hotel` each check may look; card: the bytes on the phone."""

    phone: CitizenPhone
    desk: Desk
    hotel: Desk
    document: str
    share: str
    presentation: str
    card: bytes

    def lock(self, phone_of: Make, way: str) -> None:
        """Lock by the holder's own word, or by an authority's, whose second officer agrees."""
        if way == "holder":
            assert self.phone.call("POST", "/v1/me/lock").status_code == 204
            return
        officer, path = phone_of("officer1"), "/v1/desk/lock-orders"
        path = f"{path}/{order(officer)}"
        assert officer.post(f"{path}/forwarding").status_code == 201
        assert phone_of("approver1").post(f"{path}/decision", {"decision": "grant"}).status_code == 201

    def unlock(self, phone_of: Make) -> None:
        form = {"full_name": self.phone.persona.name, "birth_date": self.phone.persona.birth}
        body = {"number": self.phone.persona.number, "form": form}
        assert phone_of("officer1").post("/v1/desk/unlocks", body).status_code == 201

    def check_in(self) -> Any:
        return self.desk.post("check-ins", {"purpose": "boarding", "presentation": self.presentation})

    def card_shown(self) -> str:
        return shown_by_phone(self.card, self.phone.own.device_private_key, self.phone.wallet.clock.now(), "")

    def listed(self) -> list[Any]:
        row = {"name": "NGUYEN MAU AN", "birth_date": self.phone.persona.birth, "presentation": self.presentation}
        begun = self.desk.post("batches", {"purpose": "boarding", "passengers": [row]})
        run(self.phone.wallet)
        return results(self.desk.get(f"batches/{begun.json['id']}"))


@pytest.fixture
def agreed(wallet: Wallet, client: FlaskClient, phone_of: Make, clock: FixedClock) -> Agreed:
    phone = phone_of("an")
    phone.step_up(2)
    document = phone.issue_residence()
    desk, hotel = (Desk.open(wallet, client, purpose_json(portrait=True)) for _ in range(2))
    share = asked(desk, phone, document)
    assert decide(phone, share).status_code == 200
    assert decide(phone, asked(hotel, phone, document), **REMEMBERED).status_code == 200
    made = present(phone, desk, document)
    cards = phone.post(f"/v1/documents/{document}/cards", {"view": "", "count": 1})
    assert (made.status_code, cards.status_code) == (201, 201)
    card = base64.urlsafe_b64decode(cards.json["data"][0]["card"] + "==")
    clock.advance(seconds=31)  # the next live code is another
    return Agreed(phone, desk, hotel, document, share, made.json["id"], card)


@pytest.mark.parametrize("way", ["holder", "authority"])
def test_nothing_that_was_agreed_to_is_shown(
    agreed: Agreed, phone_of: Make, clock: FixedClock, unchanged: Unchanged, state: State, way: str
) -> None:
    phone = agreed.phone
    code = live_code(phone, agreed.document)  # on the screen already as the account is locked
    agreed.lock(phone_of, way)
    clock.advance(seconds=2)
    before = state()
    assert_refused(agreed.check_in(), 409, "document_not_valid")
    assert_refused(agreed.desk.post("check-ins", {"purpose": "boarding", "code": code}), 409, "code_refused")
    changed = {table for table, rows in state().items() if rows != before[table]}
    assert changed == {"verifier_citizens"}, "whom a desk looks at is counted, whatever it is told"
    ended = {"id": agreed.share, "state": "ended", "reason": "account_locked"}
    with unchanged():
        assert agreed.desk.get(f"shares/{agreed.share}").json == ended
        assert_refused(phone.get(f"/v1/me/presentations/{agreed.presentation}"), 401, "session_ended")
        assert_refused(phone.try_sign_in(), 401, "invalid_credentials")
    for desk in (agreed.desk, agreed.hotel):
        for shown in (code, agreed.card_shown()):
            answer = desk.checked(shown, name_on_ticket=phone.persona.name)
            assert (answer["verdict"], answer["accepted"]) == ("invalid", False), answer
            assert "account_locked" in answer["reasons"]
            assert not answer.keys() & {"document", "share", "ticket", "data_as_of"}
            assert phone.persona.name not in json.dumps(answer, ensure_ascii=False)
    assert agreed.listed() == ["locked"]


def test_unlocked_again_what_has_not_ended_counts_as_it_did(agreed: Agreed, phone_of: Make, clock: FixedClock) -> None:
    agreed.lock(phone_of, "holder")
    assert_refused(agreed.check_in(), 409, "document_not_valid")
    agreed.unlock(phone_of)
    clock.advance(seconds=31)
    assert_refused(agreed.phone.get("/v1/me"), 401, "session_ended")
    agreed.phone.sign_in()
    assert agreed.desk.checked(agreed.card_shown())["reasons"] == ["ok"]
    assert agreed.hotel.checked(live_code(agreed.phone, agreed.document))["share"]["state"] == "agreed"
    assert agreed.check_in().status_code == 201, "no refusal has used it up"
    assert_refused(agreed.check_in(), 409, "already_used")
    assert agreed.desk.get(f"shares/{agreed.share}").json["state"] == "agreed"


def test_locked_for_longer_than_they_last_they_are_over(agreed: Agreed, phone_of: Make, clock: FixedClock) -> None:
    agreed.lock(phone_of, "holder")
    clock.advance(hours=48)
    agreed.unlock(phone_of)
    clock.advance(seconds=2)
    assert agreed.desk.get(f"shares/{agreed.share}").json == {"id": agreed.share, "state": "ended"}
    assert_refused(agreed.check_in(), 409, "presentation_over")
    assert "expired" in agreed.desk.checked(agreed.card_shown())["reasons"]
