"""One-time codes: once, three minutes, one ceremony, one device; and nobody learns whose number exists."""

import threading
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from tests.ceremonies.asking import NOBODYS_NUMBER, AskingPhone, card_of, codes_sent, last_code
from tests.ceremonies.conftest import WIFE
from tests.support import FixedClock, Mailbox, SeededEntropy
from tests.web.refusals import assert_refused
from wallet.ceremonies.codes import draw_code
from wallet.ceremonies.models import OneTimeCode
from wallet.demo.personas import persona
from wallet.demo.phones import phone_of as number_of_phone
from wallet.wiring import Wallet

AN = persona("an").number
PHONE = number_of_phone(AN)
WIFES_PHONE = number_of_phone(WIFE)


@pytest.fixture
def phone(asking: Any) -> AskingPhone:
    """A phone that asks to become An's, has read the card, and has a code on its way."""
    phone: AskingPhone = asking()
    phone.begin("binding", AN)
    phone.prove_chip(card_of(phone.wallet, AN))
    phone.done("codes")
    return phone


@pytest.fixture
def approving(approved: str) -> Any:
    """Begin an activation: for the account that waits, or for a number that nobody has, with the same phone."""

    def begin(phone: AskingPhone, number: str) -> AskingPhone:
        phone.begin("activation", number, phone=WIFES_PHONE)
        return phone

    return begin


def wrong(code: str) -> str:
    return f"{(int(code) + 1) % 1_000_000:06d}"


def assert_invalid(phone: AskingPhone, code: str, **more: Any) -> None:
    assert_refused(phone.step("code-confirmations", code=code, **more), 401, "otp_invalid")


def test_s09_code_is_accepted_once(wallet: Wallet, phone: AskingPhone, mailbox: Mailbox, unchanged: Any) -> None:
    code = last_code(wallet, mailbox, PHONE)
    assert phone.done("code-confirmations", code=code)["factors"] == ["chip", "otp"]
    with unchanged():
        assert_invalid(phone, code)
    assert phone.done("status")["factors"] == ["chip", "otp"]


@pytest.mark.parametrize(("seconds", "accepted"), [(179, True), (180, False), (181, False)])
def test_s09_code_is_accepted_within_three_minutes(
    wallet: Wallet, phone: AskingPhone, mailbox: Mailbox, clock: FixedClock, seconds: int, accepted: bool
) -> None:
    code = last_code(wallet, mailbox, PHONE)
    clock.advance(seconds=seconds)
    if accepted:
        assert phone.done("code-confirmations", code=code)["factors"] == ["chip", "otp"]
    else:
        assert_invalid(phone, code)


def test_s09_code_is_for_its_transaction_alone(
    wallet: Wallet, phone: AskingPhone, asking: Any, mailbox: Mailbox, clock: FixedClock
) -> None:
    """The same device, a second ceremony for the same account: the code of the first opens nothing there."""
    first, code = phone.id, last_code(wallet, mailbox, PHONE)
    phone.begin("binding", AN)
    phone.prove_chip(card_of(wallet, AN))
    assert_invalid(phone, code)
    clock.advance(seconds=60)
    phone.done("codes")
    assert_invalid(phone, code)
    assert phone.step("code-confirmations", ceremony_id=first, code=code).status_code == 200


def test_s09_code_is_for_its_device_alone(
    wallet: Wallet, phone: AskingPhone, asking: Any, mailbox: Mailbox, unchanged: Any
) -> None:
    code, stranger = last_code(wallet, mailbox, PHONE), asking()
    with unchanged():
        assert_invalid(stranger, code, ceremony_id=phone.id)
        stranger.device_id = phone.device_id
        response = stranger.step("code-confirmations", ceremony_id=phone.id, code=code)
        assert_refused(response, 401, "invalid_device_proof")
    assert phone.done("code-confirmations", code=code)["factors"] == ["chip", "otp"]


def test_s09_asking_again_kills_the_former_code(
    wallet: Wallet, phone: AskingPhone, mailbox: Mailbox, clock: FixedClock
) -> None:
    former = last_code(wallet, mailbox, PHONE)
    clock.advance(seconds=60)
    phone.done("codes")
    latter = last_code(wallet, mailbox, PHONE)
    assert latter != former
    assert_invalid(phone, former)
    assert phone.done("code-confirmations", code=latter)["factors"] == ["chip", "otp"]


def test_s10_five_wrong_tries_leave_the_code_alive(wallet: Wallet, phone: AskingPhone, mailbox: Mailbox) -> None:
    code = last_code(wallet, mailbox, PHONE)
    for _ in range(5):
        assert_invalid(phone, wrong(code))
    assert phone.done("code-confirmations", code=code)["factors"] == ["chip", "otp"]


def test_s10_sixth_wrong_try_kills_the_code(
    wallet: Wallet, phone: AskingPhone, mailbox: Mailbox, clock: FixedClock
) -> None:
    code = last_code(wallet, mailbox, PHONE)
    for _ in range(6):
        assert_invalid(phone, wrong(code))
    assert_invalid(phone, code)
    clock.advance(seconds=60)
    phone.done("codes")
    assert phone.done("code-confirmations", code=last_code(wallet, mailbox, PHONE))["factors"] == ["chip", "otp"]


@pytest.mark.parametrize("number", [WIFE, NOBODYS_NUMBER], ids=["known", "unknown"])
def test_s10_one_code_a_minute(
    wallet: Wallet, asking: Any, approving: Any, mailbox: Mailbox, clock: FixedClock, unchanged: Any, number: str
) -> None:
    phone, other = approving(asking(), number), approving(asking(), number)
    assert phone.done("codes")["resend_after_seconds"] == 60
    sent = codes_sent(wallet, mailbox)
    for seconds, each in ((0, phone), (1, other), (58, phone)):
        clock.advance(seconds=seconds)
        with unchanged():
            response = each.step("codes")
            assert_refused(response, 429, "too_many_codes")
        assert int(response.headers["Retry-After"]) == 60 - (clock.now().timestamp() % 60)
    assert codes_sent(wallet, mailbox) == sent
    clock.advance(seconds=1)
    assert phone.step("codes").status_code == 202


@pytest.mark.parametrize("number", [WIFE, NOBODYS_NUMBER], ids=["known", "unknown"])
def test_s10_five_codes_in_any_hour(
    wallet: Wallet, asking: Any, approving: Any, mailbox: Mailbox, clock: FixedClock, unchanged: Any, number: str
) -> None:
    """Five at 0, 56, 57, 58 and 59 minutes: the hour slides, so the next is an hour after the first, and one only."""

    def ask(minute: int) -> Any:
        clock.set(start + timedelta(minutes=minute))
        response = approving(asking(), number).step("codes")
        wallet.delivering.deliver_texts()
        return response

    start = clock.now()
    for minute in (0, 56, 57, 58, 59):
        assert ask(minute).status_code == 202
    sent = codes_sent(wallet, mailbox)
    assert len(sent) == (5 if number == WIFE else 0)
    assert ask(60).status_code == 202
    for minute in (61, 115):
        refused = ask(minute)
        assert_refused(refused, 429, "too_many_codes")
        assert int(refused.headers["Retry-After"]) == (116 - minute) * 60
    assert codes_sent(wallet, mailbox) == [*sent, *([WIFES_PHONE] if number == WIFE else [])]
    assert ask(116).status_code == 202


def test_s10_limit_counts_the_phone_too(
    wallet: Wallet, phone: AskingPhone, asking: Any, mailbox: Mailbox, unchanged: Any
) -> None:
    """Two accounts with one phone: who bombards it through one is stopped at the other."""
    number = persona("sau").number
    with wallet.work() as work:
        other = work.accounts.of_holder(work.holders.find(number))
        work.contacts.set(other.id, other.holder_id, PHONE, None)
    second = asking()
    second.begin("binding", number)
    second.prove_chip(card_of(wallet, number))
    with unchanged():
        assert_refused(second.step("codes"), 429, "too_many_codes")


def test_s10_unknown_numbers_get_the_same_answers(
    wallet: Wallet, asking: Any, mailbox: Mailbox, clock: FixedClock
) -> None:
    """Every answer of a ceremony for nobody has the status, members, values and headers of one for somebody."""
    for kind in ("binding", "passcode_reset", "password_reset"):
        answers: dict[str, list[Any]] = {}
        for number in (AN, NOBODYS_NUMBER, persona("khoa").number, persona("binh").number):
            phone = asking()
            steps = [phone.try_begin(kind, number, phone=PHONE)]
            phone.ceremony = steps[0].json
            steps.append(phone.step("status"))
            steps.append(phone.step("codes"))
            steps.append(phone.step("code-confirmations", code="123123"))
            steps.append(phone.step("codes"))
            steps.append(phone.step("answers", answers=[{"question": "first_job", "answer": "xy"}] * 2))
            steps.append(phone.step("completion"))
            steps.append(phone.step("completion", passcode="000000"))
            answers[number] = [told(step) for step in steps]
        assert {AN, NOBODYS_NUMBER} < answers.keys()
        assert all(each == answers[AN] for each in answers.values())
    assert codes_sent(wallet, mailbox) == []


def test_s10_unknown_numbers_get_the_same_answers_at_activation(
    wallet: Wallet, approved: str, asking: Any, mailbox: Mailbox
) -> None:
    answers = {}
    for number in (WIFE, NOBODYS_NUMBER, AN):
        phone = asking()
        steps = [phone.try_begin("activation", number, phone=WIFES_PHONE)]
        phone.ceremony = steps[0].json
        steps += [phone.step("codes"), phone.step("code-confirmations", code="123123"), phone.step("codes")]
        steps += [phone.step("completion"), phone.step("status")]
        answers[number] = [told(step) for step in steps]
    assert [status for status, *_ in answers[WIFE]] == [201, 202, 401, 429, 403, 200]
    assert all(each == answers[WIFE] for each in answers.values())
    assert codes_sent(wallet, mailbox) == [WIFES_PHONE]


@pytest.mark.parametrize("kind", ["binding", "passcode_reset", "password_reset"])
@pytest.mark.parametrize("number", [AN, NOBODYS_NUMBER], ids=["known", "unknown"])
def test_s11_stranger_has_no_code_sent(
    wallet: Wallet, asking: Any, mailbox: Mailbox, unchanged: Any, kind: str, number: str
) -> None:
    stranger = asking()
    stranger.begin(kind, number)
    with unchanged():
        assert_refused(stranger.step("codes"), 403, "stronger_factor_required")
    assert codes_sent(wallet, mailbox) == []


def test_strangers_use_up_no_code_of_the_holder(wallet: Wallet, asking: Any, mailbox: Mailbox) -> None:
    """Neither where a code is refused, nor where it is made for nobody: An's account is no account to activate."""
    for kind, number, phone in (("binding", AN, PHONE), ("activation", AN, PHONE), ("passcode_reset", AN, PHONE)):
        stranger = asking()
        stranger.begin(kind, number, phone=phone)
        stranger.step("codes")
    holder = asking()
    holder.begin("binding", AN)
    holder.prove_chip(card_of(wallet, AN))
    holder.done("codes")
    assert codes_sent(wallet, mailbox) == [PHONE]


def told(response: Any) -> tuple[int, Any, Any]:
    """Return what an answer says, without what is another each time."""
    own = {"id", "comparison", "request_id", "instance"}
    body = {name: value for name, value in (response.json or {}).items() if name not in own}
    headers = sorted(
        (name, value) for name, value in response.headers if name not in ("X-Request-ID", "Content-Length")
    )
    return response.status_code, body, headers


def test_s10_a_code_is_kept_for_nobody_too(wallet: Wallet, asking: Any, approving: Any) -> None:
    """The same rows are written and the same digests computed, so that the work tells nobody apart."""
    counts = []
    for number in (WIFE, NOBODYS_NUMBER):
        before = count_codes(wallet)
        approving(asking(), number).done("codes")
        counts.append(count_codes(wallet) - before)
    assert counts == [1, 1]


def count_codes(wallet: Wallet) -> int:
    with wallet.db.read() as session:
        return session.scalar(select(func.count()).select_from(OneTimeCode)) or 0


def test_code_is_not_kept_in_the_clear(wallet: Wallet, phone: AskingPhone, mailbox: Mailbox, stored: Any) -> None:
    code = last_code(wallet, mailbox, PHONE)
    with wallet.db.read() as session:
        row = session.scalars(select(OneTimeCode).where(OneTimeCode.ceremony_id == phone.id)).one()
        assert len(row.digest) == 32
    assert f"'{code}'" not in repr(stored())


def test_code_says_what_it_is_for(wallet: Wallet, phone: AskingPhone, mailbox: Mailbox) -> None:
    last_code(wallet, mailbox, PHONE)
    text = mailbox.texts(PHONE)[-1]
    assert "lien ket thiet bi moi" in text
    assert "hieu luc 3 phut" in text


@pytest.mark.parametrize("code", ["12345", "1234567", "12345a", "１２３４５６", " 12345", ""])
def test_code_that_is_none_is_not_counted(wallet: Wallet, phone: AskingPhone, mailbox: Mailbox, code: str) -> None:
    for _ in range(7):
        assert_refused(phone.step("code-confirmations", code=code), 422, "invalid_input")
    assert phone.done("code-confirmations", code=last_code(wallet, mailbox, PHONE))["factors"] == ["chip", "otp"]


def test_fifty_uses_of_one_code_have_one_winner(wallet: Wallet, phone: AskingPhone, mailbox: Mailbox) -> None:
    code = last_code(wallet, mailbox, PHONE)
    proofs = [phone.proof() for _ in range(50)]
    answers: list[Any] = []
    start = threading.Barrier(50)

    def confirm(proof: str) -> None:
        client = phone.client.application.test_client()
        start.wait()
        body = {"proof": proof, "code": code}
        answers.append(client.post(f"/v1/ceremonies/{phone.id}/code-confirmations", json=body))

    threads = [threading.Thread(target=confirm, args=(proof,)) for proof in proofs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    told = Counter((answer.status_code, (answer.json or {}).get("code")) for answer in answers)
    assert told[200, None] == 1, told
    assert told[401, "otp_invalid"] + told[503, "dependency_unavailable"] == 49, told
    assert told[401, "otp_invalid"] > 0
    assert phone.done("status")["factors"] == ["chip", "otp"]


class Dice:
    """Gives the bytes that a test wants."""

    def __init__(self, *draws: int) -> None:
        self.draws = list(draws)

    def bytes(self, count: int) -> bytes:
        return self.draws.pop(0).to_bytes(count)


def test_every_code_is_as_likely_as_any_other() -> None:
    assert draw_code(Dice(0)) == "000000"
    assert draw_code(Dice(15_999_999)) == "999999"
    assert draw_code(Dice(16_000_000, 16_777_215, 7)) == "000007", "what would favour some codes is drawn again"
    drawn = Counter(draw_code(SeededEntropy(seed))[:1] for seed in range(2000))
    assert set(drawn) == set("0123456789")
    assert all(140 < count < 260 for count in drawn.values())
