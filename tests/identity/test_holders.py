"""Holders and accounts: nothing readable at rest, and gone when erased."""

from collections.abc import Callable
from datetime import date

import pytest
from sqlalchemy import text

from tests.identity.conftest import PASSCODE, PASSWORD, SYSTEM, Citizen, World
from tests.identity.phones import Phone, encode
from wallet.db import Base
from wallet.errors import Conflict, InvalidInput, Malformed, NotAuthenticated, NotFound
from wallet.identity.accounts import Grant, LockGround
from wallet.identity.passwords import Knowledge
from wallet.identity.signing_in import StepUpOrder
from wallet.terms import AccountLevel, StaffRole


def test_profile_is_what_the_register_stated(citizen: Citizen) -> None:
    with citizen.world.read() as work:
        profile = work.holders.profile(citizen.account.holder_id)
        assert work.holders.number(citizen.account.holder_id) == citizen.number
    assert (profile.full_name, profile.birth_date) == ("Nguyễn Thị Mẫu", "1990-05-28")
    assert profile.number_masked == "••••••••0123"


def test_nothing_of_a_person_is_readable_at_rest(citizen: Citizen) -> None:
    with citizen.world.read() as work:
        for table in Base.metadata.sorted_tables:
            for row in work.session.execute(table.select()):
                content = repr(row) + "".join(str(value) for value in row if isinstance(value, bytes))
                assert not any(word in content for word in (citizen.number, "Nguyễn", PASSWORD, PASSCODE, "1990-05"))


def test_sealed_bytes_open_for_their_row_and_holder_only(
    citizen: Citizen, make_citizen: Callable[..., Citizen]
) -> None:
    other = make_citizen("001190000999").account.holder_id
    mine = citizen.account.holder_id
    with citizen.world.work() as work:
        sealed = work.holders.seal(mine, "doc_1", b"claims")
        assert work.holders.unseal(mine, "doc_1", sealed) == b"claims"
        for holder_id, row_id, given in (
            (mine, "doc_2", sealed),
            (other, "doc_1", sealed),
            (mine, "doc_1", sealed[:-1] + bytes([sealed[-1] ^ 1])),
            (mine, "doc_1", b""),
        ):
            with pytest.raises(Malformed):
                work.holders.unseal(holder_id, row_id, given)


def test_data_key_moved_to_another_holder_opens_nothing(citizen: Citizen, make_citizen: Callable[..., Citizen]) -> None:
    other, mine = make_citizen("001190000999").account.holder_id, citizen.account.holder_id
    with citizen.world.work() as work:
        sealed = work.holders.seal(mine, "doc_1", b"claims")
        source = "SELECT h.sealed_data_key FROM holders h WHERE h.id = :a"
        move = text(f"UPDATE holders SET sealed_data_key = ({source}) WHERE id = :b")
        work.session.execute(move, {"a": mine, "b": other})
    with citizen.world.read() as work, pytest.raises(Malformed):
        work.holders.unseal(other, "doc_1", sealed)


def test_erasing_forgets_the_key_the_profile_and_the_number(citizen: Citizen) -> None:
    holder_id = citizen.account.holder_id
    with citizen.world.work() as work:
        sealed = work.holders.seal(holder_id, "doc_1", b"claims")
        work.accounts.close(citizen.account.account_id, SYSTEM)
        work.holders.erase(holder_id)
        with pytest.raises(NotFound):
            work.holders.unseal(holder_id, "doc_1", sealed)
    with citizen.world.read() as work:
        assert work.holders.find(citizen.number) is None
        for call in (lambda: work.holders.profile(holder_id), lambda: work.holders.unseal(holder_id, "doc_1", sealed)):
            with pytest.raises(NotFound):
                call()


def test_holder_of_an_open_account_is_not_erased(citizen: Citizen) -> None:
    before = citizen.world.snapshot()
    with pytest.raises(Conflict, match="account_open"), citizen.world.work() as work:
        work.holders.erase(citizen.account.holder_id)
    assert citizen.world.snapshot() == before


def test_opening_twice_is_opening_once(citizen: Citizen) -> None:
    before, audited = citizen.world.snapshot(), citizen.world.events("account.opened")
    again = citizen.world.open(citizen.phone, citizen.number, password="Khac#2026x", passcode="739182")
    assert again == citizen.account
    assert citizen.world.snapshot() == before
    assert citizen.world.events("account.opened") == audited == 1


def test_opening_again_adds_what_is_missing(citizen: Citizen) -> None:
    grant = Grant(StaffRole.ADMIN, "Bộ Công an (mẫu)", "01")
    second = Phone(citizen.world, "dev_second")
    session = citizen.sign_in().session
    citizen.world.open(second, citizen.number, grants=[grant])
    with citizen.world.read() as work:
        assert work.accounts.grants(citizen.account.account_id) == (grant,)
        assert work.accounts.device(citizen.account.account_id).id == "dev_second"
        assert work.devices.find(citizen.phone.device_id) is None
        assert work.sessions.repository.session_facts(session.id).ended_at is not None


def test_year_of_birth_alone_is_enough(world: World) -> None:
    facts = {"number": "001048000123", "full_name": "Trần Văn Mẫu", "birth_date": "1948"}
    opened = world.open(Phone(world, "dev_1"), facts=facts, level=AccountLevel.ONE)
    with world.read() as work:
        assert work.accounts.profile(opened.account_id).birth_date == "1948"
        assert work.accounts.find(opened.account_id).level is AccountLevel.ONE


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"password": "ngan"}, "weak_password"),
        ({"passcode": "123456"}, "weak_passcode"),
        ({"passcode": "280590"}, "weak_passcode"),
        ({"passcode": "190000"}, "weak_passcode"),
        ({"public_key": {}}, "invalid_input"),
        ({"public_key": {"kty": "EC", "crv": "P-256", "x": "A" * 43, "y": "A" * 43}}, "invalid_input"),
    ],
)
def test_nothing_is_opened_with_something_weak(world: World, change: dict[str, object], code: str) -> None:
    before = world.snapshot()
    with pytest.raises(InvalidInput, match=code):
        world.open(Phone(world, "dev_1"), **change)
    assert world.snapshot() == before


def test_private_key_is_never_taken(world: World) -> None:
    phone, before = Phone(world, "dev_1"), world.snapshot()
    secret = encode(phone.key.private_numbers().private_value.to_bytes(32))
    with pytest.raises(InvalidInput):
        world.open(phone, public_key=phone.jwk | {"d": secret})
    assert world.snapshot() == before


def test_device_id_of_another_is_not_taken_over(citizen: Citizen) -> None:
    before = citizen.world.snapshot()
    thief = Phone(citizen.world, citizen.phone.device_id)
    with pytest.raises(Conflict, match="device_taken"):
        citizen.world.open(
            thief,
            "079190000555",
            facts={"number": "079190000555", "full_name": "Lê Văn Mẫu", "birth_date": date(1988, 1, 2)},
        )
    assert citizen.world.snapshot() == before


def test_account_moves_only_as_its_states_allow(citizen: Citizen) -> None:
    account_id = citizen.account.account_id
    with citizen.world.work() as work:
        with pytest.raises(Conflict, match="account_not_locked"):
            work.accounts.unlock(account_id, LockGround.HOLDER_REQUEST, SYSTEM)
        work.accounts.lock(account_id, LockGround.HOLDER_REQUEST, SYSTEM)
        assert work.accounts.find(account_id).lock_ground is LockGround.HOLDER_REQUEST
        with pytest.raises(Conflict, match="ground_stands"):
            work.accounts.lock(account_id, LockGround.HOLDER_REQUEST, SYSTEM)
        work.accounts.unlock(account_id, LockGround.HOLDER_REQUEST, SYSTEM)
        work.accounts.close(account_id, SYSTEM)
        for call in (
            lambda: work.accounts.lock(account_id, LockGround.HOLDER_DIED, SYSTEM),
            lambda: work.accounts.unlock(account_id, LockGround.HOLDER_REQUEST, SYSTEM),
            lambda: work.accounts.close(account_id, SYSTEM),
        ):
            with pytest.raises(Conflict):
                call()


@pytest.mark.parametrize("name", ["find", "profile"])
def test_unknown_account_is_not_found(world: World, name: str) -> None:
    with world.read() as work, pytest.raises(NotFound):
        getattr(work.accounts, name)("acc_x")


def test_unknown_device_is_not_found(world: World) -> None:
    with world.work() as work:
        with pytest.raises(NotFound):
            work.devices.unbind("dev_x", "lost", SYSTEM)
        with pytest.raises(NotFound):
            work.devices.restore("dev_x", SYSTEM)


def test_new_password_and_passcode_replace_the_old(citizen: Citizen) -> None:
    account_id, hasher = citizen.account.account_id, citizen.world.identity.hasher
    with citizen.world.work() as work:
        work.accounts.set_password_hash(account_id, hasher.hash(Knowledge.PASSWORD, "Moi_Tinh2026"), SYSTEM)
        work.accounts.set_passcode_hash(account_id, hasher.hash(Knowledge.PASSCODE, "739182"), SYSTEM)
        assert work.accounts.of_holder(citizen.account.holder_id).id == account_id
        assert work.accounts.of_holder("hld_x") is None
    with pytest.raises(NotAuthenticated, match="invalid_credentials"):
        citizen.sign_in()
    actor = citizen.actor(citizen.sign_in("Moi_Tinh2026"))
    with pytest.raises(NotAuthenticated, match="invalid_credentials"):
        citizen.world.signing_in.step_up(actor, StepUpOrder(citizen.phone.proof(), PASSCODE))
    citizen.world.signing_in.step_up(actor, StepUpOrder(citizen.phone.proof(), "739182"))


def test_unknown_holder_is_not_erased(world: World) -> None:
    with world.work() as work, pytest.raises(NotFound):
        work.holders.erase("hld_x")
