"""Signing in: device key first, password second, and what guessing costs."""

import threading
from collections.abc import Callable
from typing import Any

import pytest

from tests.identity.conftest import PASSCODE, PASSWORD, SYSTEM, Citizen, World
from tests.identity.phones import Phone, new_key, signed
from wallet.errors import NotAllowed, NotAuthenticated, TooManyAttempts, Unavailable, WalletError
from wallet.identity.accounts import LockGround
from wallet.identity.passwords import Knowledge
from wallet.identity.signing_in import SignInOrder, StepUpOrder
from wallet.terms import AuthLevel

WRONG = "Sai#Mat2026khau"


def outcome(call: Callable[[], Any]) -> tuple[str, str, dict[str, Any]]:
    """All that a caller can tell of a refusal."""
    with pytest.raises(WalletError) as caught:
        call()
    return type(caught.value).__name__, caught.value.code, caught.value.values


def test_number_and_password_give_level_two(citizen: Citizen) -> None:
    signed_in = citizen.sign_in()
    assert signed_in.session.auth_level == AuthLevel.TWO
    assert citizen.world.events("session.started") == 1


def test_device_alone_gives_level_one_without_a_hash(citizen: Citizen) -> None:
    assert citizen.sign_in_with_device().session.auth_level == AuthLevel.ONE
    assert citizen.world.hashes == 0


@pytest.mark.parametrize("password", [PASSWORD, WRONG])
@pytest.mark.parametrize("number", ["001190000123", "079099999999"])
def test_s01_unbound_device_is_told_so_and_no_password_is_evaluated(
    citizen: Citizen, number: str, password: str
) -> None:
    stranger, before = Phone(citizen.world, "dev_stranger"), citizen.world.snapshot()
    order = SignInOrder(stranger.proof(), number, password)
    assert outcome(lambda: citizen.world.signing_in.sign_in(order)) == ("NotAllowed", "device_not_bound", {})
    assert citizen.world.hashes == 0
    assert citizen.world.snapshot() == before


def test_s01_a_device_that_lost_its_place_is_unbound_too(citizen: Citizen) -> None:
    with citizen.world.work() as work:
        work.devices.unbind(citizen.phone.device_id, "lost", SYSTEM)
    assert outcome(citizen.sign_in) == ("NotAllowed", "device_not_bound", {})
    assert outcome(citizen.sign_in_with_device) == ("NotAllowed", "device_not_bound", {})
    assert citizen.world.hashes == 0


def test_s02_bound_device_gets_one_answer_and_one_hash_whatever_is_wrong(
    world: World, make_citizen: Callable[..., Citizen]
) -> None:
    wrong, locked, closed, foreign, nobody = (make_citizen(f"00119000{index:04d}") for index in range(1, 6))
    with world.work() as work:
        work.accounts.lock(locked.account.account_id, LockGround.HOLDER_REQUEST, SYSTEM)
        work.accounts.close(closed.account.account_id, SYSTEM)
    tries: list[Callable[[], Any]] = [
        lambda: wrong.sign_in(WRONG),
        lambda: locked.sign_in(PASSWORD),
        lambda: closed.sign_in(PASSWORD),
        lambda: foreign.sign_in(PASSWORD, number=wrong.number),
        lambda: nobody.sign_in(PASSWORD, number="079099999999"),
    ]
    for count, call in enumerate(tries, start=1):
        assert outcome(call) == ("NotAuthenticated", "invalid_credentials", {})
        assert world.hashes == count
    assert world.events("session.refused") == len(tries)
    assert world.events("session.started") == 0


def test_s02_every_refusal_counts_alike(citizen: Citizen) -> None:
    with citizen.world.work() as work:
        work.accounts.lock(citizen.account.account_id, LockGround.HOLDER_REQUEST, SYSTEM)
    for _ in range(5):
        outcome(citizen.sign_in)
    assert outcome(citizen.sign_in)[1] == "too_many_attempts"


def test_locked_account_is_refused_with_the_device_alone(citizen: Citizen) -> None:
    with citizen.world.work() as work:
        work.accounts.lock(citizen.account.account_id, LockGround.AUTHORITY_REQUEST, SYSTEM)
    before = citizen.world.snapshot(counters=False)
    assert outcome(citizen.sign_in_with_device) == ("NotAuthenticated", "invalid_credentials", {})
    assert citizen.world.snapshot(counters=False) == before


def test_s03_sixth_try_waits_even_if_right_and_after_a_restart(citizen: Citizen) -> None:
    for _ in range(5):
        assert outcome(lambda: citizen.sign_in(WRONG))[1] == "invalid_credentials"
    hashes, before = citizen.world.hashes, citizen.world.snapshot()
    with pytest.raises(TooManyAttempts) as caught:
        citizen.sign_in()
    assert caught.value.retry_after == 300
    citizen.world = citizen.world.restarted()
    citizen.phone.world = citizen.world
    citizen.world.clock.advance(seconds=299)
    assert outcome(citizen.sign_in) == ("TooManyAttempts", "too_many_attempts", {"retry_after": 1})
    assert citizen.world.hashes == 0
    assert hashes == 5
    assert citizen.world.snapshot() == before
    citizen.world.clock.advance(seconds=1)
    assert citizen.sign_in().session.auth_level == AuthLevel.TWO


def test_s03_a_right_password_starts_the_count_anew(citizen: Citizen) -> None:
    for _ in range(3):
        for _ in range(4):
            outcome(lambda: citizen.sign_in(WRONG))
        citizen.sign_in()


def test_s03_signing_in_with_the_device_forgives_nothing(citizen: Citizen) -> None:
    for _ in range(4):
        outcome(lambda: citizen.sign_in(WRONG))
        citizen.sign_in_with_device()
    outcome(lambda: citizen.sign_in(WRONG))
    assert outcome(citizen.sign_in_with_device)[1] == "too_many_attempts"


def test_s03_a_right_password_forgives_no_wrong_passcode(citizen: Citizen) -> None:
    actor = citizen.actor(citizen.sign_in_with_device())
    for _ in range(4):
        outcome(lambda: citizen.world.signing_in.step_up(actor, StepUpOrder(citizen.phone.proof(), "999999")))
        citizen.sign_in()
    outcome(lambda: citizen.world.signing_in.step_up(actor, StepUpOrder(citizen.phone.proof(), "999999")))
    assert outcome(citizen.sign_in)[1] == "too_many_attempts"


def test_s04_ten_failures_suspend_the_device_and_end_its_sessions(citizen: Citizen) -> None:
    session = citizen.sign_in().session
    for count in range(10):
        if count == 5:
            citizen.world.clock.advance(minutes=5)
        assert outcome(lambda: citizen.sign_in(WRONG))[1] == "invalid_credentials"
    citizen.world.clock.advance(days=1)
    hashes = citizen.world.hashes
    assert outcome(citizen.sign_in) == ("NotAllowed", "rebinding_required", {})
    assert outcome(citizen.sign_in_with_device) == ("NotAllowed", "rebinding_required", {})
    assert citizen.world.hashes == hashes
    assert citizen.world.events("device.suspended") == 1
    with citizen.world.read() as work, pytest.raises(NotAuthenticated):
        work.sessions.check(session.id)
    with citizen.world.work() as work:
        work.devices.restore(citizen.phone.device_id, SYSTEM)
    assert citizen.sign_in().session.auth_level == AuthLevel.TWO


def test_s06_strangers_lock_nobody_out(citizen: Citizen) -> None:
    stranger = Phone(citizen.world, "dev_stranger")
    for _ in range(50):
        order = SignInOrder(stranger.proof(), citizen.number, WRONG)
        outcome(lambda order=order: citizen.world.signing_in.sign_in(order))  # type: ignore[misc]
        false = SignInOrder(citizen.phone.proof(key=stranger.key), citizen.number, WRONG)
        assert outcome(lambda false=false: citizen.world.signing_in.sign_in(false))[0] == "NotAuthenticated"  # type: ignore[misc]
    assert citizen.sign_in().session.auth_level == AuthLevel.TWO


def test_a_try_that_was_not_evaluated_does_not_count(citizen: Citizen) -> None:
    before = citizen.world.snapshot(counters=False)
    with citizen.world.identity.hasher._turn():
        for _ in range(6):
            with pytest.raises(Unavailable) as caught:
                citizen.sign_in()
            assert (caught.value.code, caught.value.retry_after) == ("busy", 1)
    assert citizen.world.snapshot(counters=False) == before
    assert citizen.sign_in().session.auth_level == AuthLevel.TWO


def test_account_locked_while_the_hash_runs_is_refused(citizen: Citizen) -> None:
    world = citizen.world
    check = world.identity.hasher.matches

    def lock_meanwhile(*arguments: Any) -> bool:
        with world.work() as work:
            work.accounts.lock(citizen.account.account_id, LockGround.HOLDER_REQUEST, SYSTEM)
        return check(*arguments)

    world.identity.hasher.matches = lock_meanwhile  # type: ignore[method-assign]
    assert outcome(citizen.sign_in) == ("NotAuthenticated", "invalid_credentials", {})
    assert world.events("session.started") == 0


def test_device_that_is_unbound_while_the_hash_runs_is_refused(citizen: Citizen) -> None:
    world = citizen.world
    check = world.identity.hasher.matches

    def unbind_meanwhile(*arguments: Any) -> bool:
        with world.work() as work:
            work.devices.unbind(citizen.phone.device_id, "lost", SYSTEM)
        return check(*arguments)

    world.identity.hasher.matches = unbind_meanwhile  # type: ignore[method-assign]
    assert outcome(citizen.sign_in) == ("NotAuthenticated", "invalid_credentials", {})
    assert world.events("session.started") == 0


@pytest.mark.parametrize("dearer", [False, True], ids=["as it is kept", "to be hashed anew"])
def test_password_that_is_reset_while_its_hash_runs_opens_nothing(citizen: Citizen, dearer: bool) -> None:
    world, account_id = citizen.world, citizen.account.account_id
    check, reset = world.identity.hasher.matches, world.identity.hasher.hash(Knowledge.PASSWORD, "Moi_Tinh2026")
    world.identity.hasher.needs_rehash = lambda _: dearer  # type: ignore[method-assign]

    def reset_meanwhile(*arguments: Any) -> bool:
        with world.work() as work:
            work.accounts.set_password_hash(account_id, reset, SYSTEM)
            work.sessions.end_all(account_id, "password_reset", SYSTEM)
        return check(*arguments)

    world.identity.hasher.matches = reset_meanwhile  # type: ignore[method-assign]
    assert outcome(citizen.sign_in) == ("NotAuthenticated", "invalid_credentials", {})
    assert world.events("session.started") == 0
    with world.read() as work:
        assert work.sessions.repository.account(account_id).password_hash == reset


def test_passcode_that_is_reset_while_its_hash_runs_raises_nothing(citizen: Citizen) -> None:
    signed_in = citizen.sign_in_with_device()
    world, account_id = citizen.world, citizen.account.account_id
    check, reset = world.identity.hasher.matches, world.identity.hasher.hash(Knowledge.PASSCODE, "739182")

    def reset_meanwhile(*arguments: Any) -> bool:
        with world.work() as work:
            work.accounts.set_passcode_hash(account_id, reset, SYSTEM)
        return check(*arguments)

    world.identity.hasher.matches = reset_meanwhile  # type: ignore[method-assign]
    assert outcome(lambda: citizen.step_up(signed_in)) == ("NotAuthenticated", "invalid_credentials", {})
    with world.read() as work:
        assert work.sessions.check(signed_in.session.id).auth_level == AuthLevel.ONE
        assert work.sessions.repository.account(account_id).passcode_hash == reset


def test_tries_in_parallel_are_tries(citizen: Citizen) -> None:
    """Twenty at once get five hashes at most: each was counted before it was evaluated."""
    barrier, codes = threading.Barrier(20), list[str]()
    orders = [SignInOrder(citizen.phone.proof(), citizen.number, WRONG) for _ in range(20)]

    def guess(order: SignInOrder) -> None:
        barrier.wait()
        codes.append(outcome(lambda: citizen.world.signing_in.sign_in(order))[1])

    threads = [threading.Thread(target=guess, args=(order,)) for order in orders]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(codes) <= {"invalid_credentials", "too_many_attempts", "busy"}
    assert codes.count("invalid_credentials") <= 5
    assert citizen.world.events("session.refused") == codes.count("invalid_credentials")


class TestStepUp:
    def test_passcode_raises_the_level_and_keeps_the_refresh_token(self, citizen: Citizen) -> None:
        first = citizen.sign_in_with_device()
        citizen.world.clock.advance(minutes=1)
        raised = citizen.world.signing_in.step_up(citizen.actor(first), StepUpOrder(citizen.phone.proof(), PASSCODE))
        assert (raised.session.id, raised.session.auth_level) == (first.session.id, AuthLevel.TWO)
        assert raised.session.authenticated_at == citizen.world.clock.now()
        assert raised.refresh_claims() == first.refresh_claims()
        assert citizen.refresh(citizen.refresh_token(first)).session.auth_level == AuthLevel.TWO

    @pytest.mark.parametrize("passcode", ["280518", "", "28051", PASSWORD, "２８０５１７"])
    def test_wrong_passcode_changes_nothing(self, citizen: Citizen, passcode: str) -> None:
        first = citizen.sign_in_with_device()
        before = citizen.world.snapshot(counters=False)
        call = lambda: citizen.step_up(first, passcode)  # noqa: E731
        assert outcome(call) == ("NotAuthenticated", "invalid_credentials", {})
        assert citizen.world.snapshot(counters=False) == before

    def test_another_device_proves_nothing(self, citizen: Citizen, make_citizen: Callable[..., Citizen]) -> None:
        first, other = citizen.sign_in_with_device(), make_citizen("001190000999")
        before = citizen.world.snapshot()
        call = lambda: citizen.step_up(first, PASSCODE, other.phone.proof())  # noqa: E731
        assert outcome(call) == ("NotAuthenticated", "invalid_device_proof", {})
        assert citizen.world.snapshot() == before

    def test_five_wrong_passcodes_block_the_password_too(self, citizen: Citizen) -> None:
        actor = citizen.actor(citizen.sign_in_with_device())
        for _ in range(5):
            outcome(lambda: citizen.world.signing_in.step_up(actor, StepUpOrder(citizen.phone.proof(), "999999")))
        assert outcome(citizen.sign_in)[1] == "too_many_attempts"

    def test_ended_session_is_not_raised(self, citizen: Citizen) -> None:
        first = citizen.sign_in_with_device()
        with citizen.world.work() as work:
            work.sessions.end(first.session.id, "signed_out", citizen.actor(first))
        call = lambda: citizen.step_up(first, PASSCODE)  # noqa: E731
        assert outcome(call) == ("NotAuthenticated", "session_ended", {})


class TestChallenge:
    """S-14."""

    def refused(self, citizen: Citizen, proof: str) -> None:
        before = citizen.world.snapshot()
        call = lambda: citizen.world.signing_in.sign_in(SignInOrder(proof, citizen.number, PASSWORD))  # noqa: E731
        assert outcome(call) == ("NotAuthenticated", "invalid_device_proof", {})
        assert citizen.world.snapshot() == before
        assert citizen.world.hashes == 0

    def test_s14_asking_writes_nothing_and_knows_nobody(self, citizen: Citizen) -> None:
        before = citizen.world.snapshot()
        stranger = Phone(citizen.world, "dev_stranger")
        values = {phone.challenge() for phone in (citizen.phone, stranger) for _ in range(50)}
        assert len(values) == 100
        assert {len(value) for value in values} == {75}
        assert citizen.world.snapshot() == before

    def test_s14_replay_is_refused(self, citizen: Citizen) -> None:
        proof = citizen.phone.proof()
        citizen.world.signing_in.sign_in(SignInOrder(proof))
        self.refused(citizen, proof)

    def test_s14_another_proof_over_the_same_challenge_is_refused(self, citizen: Citizen) -> None:
        challenge = citizen.phone.challenge()
        citizen.world.signing_in.sign_in(SignInOrder(citizen.phone.proof(challenge=challenge)))
        citizen.world.clock.advance(seconds=1)
        self.refused(citizen, citizen.phone.proof(challenge=challenge))

    @pytest.mark.parametrize(("age", "taken"), [(119, True), (120, False), (3600, False)])
    def test_s14_challenge_lives_two_minutes(self, citizen: Citizen, age: int, taken: bool) -> None:
        challenge = citizen.phone.challenge()
        citizen.world.clock.advance(seconds=age)
        proof = citizen.phone.proof(challenge=challenge)
        if taken:
            citizen.world.signing_in.sign_in(SignInOrder(proof))
        else:
            self.refused(citizen, proof)

    def test_s14_other_keys_and_other_challenges_are_refused(
        self, citizen: Citizen, make_citizen: Callable[..., Citizen]
    ) -> None:
        phone, other = citizen.phone, make_citizen("001190000999").phone
        value = phone.challenge()
        for proof in (
            phone.proof(key=new_key()),
            phone.proof(key=other.key),
            phone.proof(challenge=other.challenge()),
            phone.proof(challenge=value[:-1] + ("A" if value[-1] != "A" else "E")),
            phone.proof(challenge=value[:-4]),
            phone.proof(challenge="A" + value[1:] if value[0] != "A" else "B" + value[1:]),
            phone.proof(challenge=""),
            phone.proof(challenge="A" * 75),
            phone.proof(challenge=5),
            phone.proof(challenge=[value]),
        ):
            self.refused(citizen, proof)

    def test_s14_hostile_proofs_are_refused(self, citizen: Citizen) -> None:
        phone = citizen.phone
        now = int(citizen.world.clock.now().timestamp())
        valid = phone.proof()
        header, payload, signature = valid.split(".")
        for proof in (
            phone.proof(aud="https://evil.example"),
            phone.proof(aud=None),
            phone.proof(aud=[citizen.world.settings.issuer_url]),
            phone.proof(iat=None),
            phone.proof(iat=str(now)),
            phone.proof(iat=float(now)),
            phone.proof(iat=True),
            phone.proof(iat=now + 61),
            phone.proof(iat=now - 181),
            phone.proof(iat=1 << 62),
            phone.proof(device_id=None),
            phone.proof(device_id=["dev_x"]),
            phone.proof(device_id="dev_" + "x" * 80),
            phone.proof(device_id="dev_\u0000"),
            phone.proof({"typ": "JWT"}),
            phone.proof({"typ": "dpop+jwt"}),
            phone.proof({"alg": "none"}),
            phone.proof({"alg": "HS256"}),
            phone.proof({"jwk": phone.jwk}),
            phone.proof({"kid": "x"}),
            phone.proof({"crit": ["exp"]}),
            phone.proof({"b64": False, "crit": ["b64"]}),
            signed([], {}, phone.key),
            signed("{", "{", phone.key),
            signed({"typ": "viso-device-proof+jwt", "alg": "ES256"}, [1], phone.key),
            signed({"typ": "viso-device-proof+jwt", "alg": "ES256"}, "[" * 4000, phone.key),
            signed({"typ": "viso-device-proof+jwt", "alg": "ES256"}, '{"iat": NaN}', phone.key),
            f"{header}.{payload}.",
            f"{header}.{payload}",
            f"{header}.{payload}.{signature}.{signature}",
            f"{header}..{signature}",
            f"{header}.{payload}.{'A' * 86}",
            f"{header}.{payload}.{signature}=",
            f" {valid}",
            valid + "\n",
            "",
            ".",
            "..",
            "é.é.é",
            "A" * 9000,
        ):
            self.refused(citizen, proof)


def test_s14_challenge_of_another_deployment_is_refused(citizen: Citizen) -> None:
    foreign = citizen.world.identity.challenges.__class__(
        b"\1" * 32, citizen.world.entropy, citizen.world.identity.challenges.life
    )
    value = foreign.mint(citizen.phone.device_id, citizen.world.clock.now()).value
    with pytest.raises(NotAuthenticated, match="invalid_device_proof"):
        citizen.world.signing_in.sign_in(SignInOrder(citizen.phone.proof(challenge=value)))


def test_unbound_device_is_refused_before_its_signature_is_read(world: World) -> None:
    stranger = Phone(world, "dev_stranger")
    with pytest.raises(NotAllowed, match="device_not_bound"):
        world.signing_in.sign_in(SignInOrder(stranger.proof(key=new_key())))
