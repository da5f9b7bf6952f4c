"""Passwords and passcodes: what is accepted, what is kept, how many are hashed at a time."""

import copy
import threading
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.identity.conftest import PASSCODE, PASSWORD, Citizen, World
from tests.support import SeededEntropy
from wallet.crypto.keystore import Secret
from wallet.errors import InvalidInput, NotAuthenticated, Unavailable
from wallet.identity.passwords import Hasher, Knowledge, check_passcode, check_password
from wallet.identity.signing_in import StepUpOrder

NUMBER = "001190000123"
BORN = "1990-05-28"


def hasher(pepper: bytes = b"p" * 32, time_cost: int = 1, memory_kib: int = 8) -> Hasher:
    return Hasher(pepper, SeededEntropy("hash"), time_cost=time_cost, memory_kib=memory_kib)


@pytest.mark.parametrize("passcode", ["280517", "902741", "135792", "001201"])
def test_passcode_that_nobody_guesses_is_taken(passcode: str) -> None:
    check_passcode(passcode, number=NUMBER, birth_date=BORN)


@pytest.mark.parametrize(
    "passcode",
    [
        *(str(digit) * 6 for digit in range(10)),
        *("0123456789012345"[start : start + 6] for start in range(10)),
        *("9876543210987654"[start : start + 6] for start in range(10)),
        *("121212", "909090", "123123", "010010"),
        *("112233", "998877", "111222", "000001", "990000", "246802", "303030", "778877"),
        *("280590", "280 590"[:6], "900528", "052890", "902805", "059028", "289005"),
        *("281990", "199028", "051990", "199005"),
        *(NUMBER[start : start + 6] for start in range(7)),
        *("", "12345", "2805170", "28051a", "28051 ", " 28051", "２８０５１７", "-28051", "+28051", "2805.7"),
    ],
)
def test_s07_weak_passcode_is_refused(passcode: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        check_passcode(passcode, number=NUMBER, birth_date=BORN)
    assert (caught.value.code, caught.value.fields) == ("weak_passcode", {"/passcode": "weak_passcode"})


@given(st.dates(date(1900, 1, 1), date(2099, 12, 31)))
def test_s07_every_birth_date_is_refused_in_any_order(born: date) -> None:
    for spelling in ("%d%m%y", "%d%y%m", "%m%d%y", "%m%y%d", "%y%m%d", "%y%d%m"):
        with pytest.raises(InvalidInput):
            check_passcode(born.strftime(spelling), number="", birth_date=born.isoformat())


def test_s07_weak_passcode_changes_nothing(citizen: Citizen) -> None:
    actor = citizen.actor(citizen.sign_in())
    before, hashes = citizen.world.snapshot(), citizen.world.hashes
    for passcode in ("000000", "123456", "280590", citizen.number[6:]):
        with pytest.raises(InvalidInput, match="weak_passcode") as caught:
            citizen.world.changing_secrets.change_passcode(actor, PASSCODE, passcode)
        assert caught.value.fields == {"/new_passcode": "weak_passcode"}
    assert (citizen.world.snapshot(), citizen.world.hashes) == (before, hashes)


def test_year_alone_is_no_date() -> None:
    check_passcode("194871", number=NUMBER, birth_date="1948")


@pytest.mark.parametrize("password", ["MatKhau#1", PASSWORD, "aA1!aA1!", "Đường_Phố1Mẫu", "aA1!" * 5])
def test_password_within_the_rule_is_taken(password: str) -> None:
    check_password(password)


@pytest.mark.parametrize(
    "password", ["", "aA1!aA1", "aA1!" * 5 + "a", "aaaa1111!", "AAAA1111!", "aaaaAAAA!", "aaaaAAAA1", "aaAA11%%"]
)
def test_password_outside_the_rule_is_refused(password: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        check_password(password)
    assert caught.value.code == "weak_password"


def test_s08_another_pepper_refuses_every_right_secret() -> None:
    kept = hasher().hash(Knowledge.PASSWORD, PASSWORD)
    assert hasher().matches(Knowledge.PASSWORD, PASSWORD, kept)
    assert not hasher(b"q" * 32).matches(Knowledge.PASSWORD, PASSWORD, kept)


def test_s08_same_database_under_another_pepper_lets_nobody_in(citizen: Citizen) -> None:
    world = citizen.world
    actor = citizen.actor(citizen.sign_in_with_device())
    world.signing_in = world.restarted().signing_in
    stolen = {name: world.keystore.secret(name) for name in Secret} | {Secret.PEPPER: b"\7" * 32}
    keystore = copy.copy(world.keystore)
    keystore._secrets = stolen
    other = world.restarted(keystore=keystore)
    citizen.world = citizen.phone.world = other
    with pytest.raises(NotAuthenticated, match="invalid_credentials"):
        citizen.sign_in()
    with pytest.raises(NotAuthenticated, match="invalid_credentials"):
        other.signing_in.step_up(actor, StepUpOrder(citizen.phone.proof(), PASSCODE))


def test_what_is_kept_is_argon2id_and_salted() -> None:
    one = hasher()
    first, second = (one.hash(Knowledge.PASSWORD, PASSWORD) for _ in range(2))
    assert first.startswith("$argon2id$v=19$")
    assert first != second


def test_hash_of_one_secret_is_not_the_other() -> None:
    one = hasher()
    assert not one.matches(Knowledge.PASSWORD, PASSCODE, one.hash(Knowledge.PASSCODE, PASSCODE))


@pytest.mark.parametrize("kept", [None, "", "x", "$argon2id$v=19$m=8,t=1,p=1$AAAA$AAAA", "$2b$12$" + "a" * 53])
def test_nothing_matches_what_is_no_hash(kept: str | None) -> None:
    assert not hasher().matches(Knowledge.PASSWORD, PASSWORD, kept)


def test_decomposed_letters_are_the_same_password() -> None:
    one = hasher()
    assert one.matches(Knowledge.PASSWORD, "Mật#Khẩu1", one.hash(Knowledge.PASSWORD, "Mật#Khẩu1"))


def test_cost_of_yesterday_is_replaced_when_the_secret_is_right(citizen: Citizen) -> None:
    world = citizen.world
    dearer = hasher(world.keystore.secret(Secret.PEPPER), time_cost=2)
    object.__setattr__(world.signing_in, "hasher", dearer)
    citizen.sign_in()
    with world.read() as work:
        kept = work.sessions.repository.account(citizen.account.account_id).password_hash
    assert not dearer.needs_rehash(kept)
    assert dearer.matches(Knowledge.PASSWORD, PASSWORD, kept)
    actor = citizen.actor(citizen.sign_in())
    world.signing_in.step_up(actor, StepUpOrder(citizen.phone.proof(), PASSCODE))
    with world.read() as work:
        assert not dearer.needs_rehash(work.sessions.repository.account(citizen.account.account_id).passcode_hash)


def test_sign_in_does_not_fail_for_want_of_a_new_hash(citizen: Citizen, monkeypatch: pytest.MonkeyPatch) -> None:
    def busy(*_: object) -> str:
        raise Unavailable("busy")

    one = citizen.world.identity.hasher
    monkeypatch.setattr(one, "needs_rehash", lambda _: True)
    monkeypatch.setattr(one, "hash", busy)
    before = citizen.world.snapshot()["accounts"]
    citizen.sign_in()
    assert citizen.world.snapshot()["accounts"] == before


def test_real_cost_works() -> None:
    real = hasher(time_cost=2, memory_kib=19456)
    assert real.matches(Knowledge.PASSCODE, PASSCODE, real.hash(Knowledge.PASSCODE, PASSCODE))


def test_one_hash_at_a_time_and_the_next_gives_up(world: World) -> None:
    one = world.identity.hasher
    kept = one.hash(Knowledge.PASSWORD, PASSWORD)
    refused = []

    def ask() -> None:
        try:
            one.matches(Knowledge.PASSWORD, PASSWORD, kept)
        except Unavailable as error:
            refused.append((error.code, error.retry_after))

    with one._turn():
        threads = [threading.Thread(target=ask) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert refused == [("busy", 1)] * 4
    assert one.matches(Knowledge.PASSWORD, PASSWORD, kept)
