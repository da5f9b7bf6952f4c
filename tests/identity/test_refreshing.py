"""Refresh tokens: one successor each, an end that nothing moves, and what a second use betrays."""

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from tests.identity.conftest import ISSUER, SYSTEM, Citizen
from tests.identity.phones import new_key
from wallet.errors import NotAuthenticated
from wallet.identity.accounts import LockGround
from wallet.identity.models import RefreshToken, SignedInSession
from wallet.identity.sessions import SignedIn
from wallet.identity.tokens import TokenKind


def live_tokens(citizen: Citizen) -> int:
    with citizen.world.read() as work:
        statement = (
            select(RefreshToken)
            .join(SignedInSession, SignedInSession.id == RefreshToken.session_id)
            .where(RefreshToken.used_at.is_(None), SignedInSession.ended_at.is_(None))
        )
        return len(work.session.scalars(statement).all())


def refused(citizen: Citizen, code: str, call: Callable[[], Any], *, unchanged: bool = True) -> None:
    before = citizen.world.snapshot()
    with pytest.raises(NotAuthenticated) as caught:
        call()
    assert caught.value.code == code
    assert (citizen.world.snapshot() == before) is unchanged


def test_rotation_gives_a_successor_of_the_same_session(citizen: Citizen) -> None:
    first = citizen.sign_in()
    second = citizen.refresh(citizen.refresh_token(first))
    assert (second.session.id, second.refresh_number) == (first.session.id, first.refresh_number + 1)
    assert second.refresh_claims()["jti"] != first.refresh_claims()["jti"]
    assert second.session.auth_level == first.session.auth_level
    assert second.session.authenticated_at == first.session.authenticated_at


class TestAbsoluteEnd:
    def test_s19_rotation_does_not_move_the_end(self, citizen: Citizen) -> None:
        signed_in = citizen.sign_in()
        end = signed_in.session.expires_at
        for _ in range(10):
            citizen.world.clock.advance(days=2)
            signed_in = citizen.refresh(citizen.refresh_token(signed_in))
            assert signed_in.session.expires_at == end
            assert signed_in.refresh_claims()["exp"] == int(end.timestamp())

    @pytest.mark.parametrize(("before_end", "taken"), [(1, True), (0, False), (-1, False)])
    def test_s19_end_holds_to_the_second(self, citizen: Citizen, before_end: int, taken: bool) -> None:
        signed_in = citizen.sign_in()
        token = citizen.refresh_token(signed_in)
        citizen.world.clock.set(signed_in.session.expires_at - timedelta(seconds=before_end))
        if taken:
            last = citizen.refresh(token)
            assert last.access_expires_at == signed_in.session.expires_at
        else:
            refused(citizen, "session_ended", lambda: citizen.refresh(token))

    def test_s19_token_past_its_leeway_is_expired(self, citizen: Citizen) -> None:
        signed_in = citizen.sign_in()
        citizen.world.clock.set(signed_in.session.expires_at + timedelta(seconds=5))
        refused(citizen, "token_expired", lambda: citizen.refresh(citizen.refresh_token(signed_in)))

    def test_s19_access_tokens_live_a_quarter_of_an_hour_at_most(self, citizen: Citizen) -> None:
        signed_in = citizen.sign_in()
        assert timedelta(0) < signed_in.access_expires_at - signed_in.issued_at <= timedelta(minutes=15)


class TestReuse:
    @pytest.mark.parametrize("seconds", [0, 1, 30])
    def test_s20_retry_within_thirty_seconds_gets_the_same_successor(self, citizen: Citizen, seconds: int) -> None:
        token = citizen.refresh_token(citizen.sign_in())
        first = citizen.refresh(token)
        citizen.world.clock.advance(seconds=seconds)
        again = citizen.refresh(token)
        assert again.refresh_claims() == first.refresh_claims()
        assert live_tokens(citizen) == 1
        assert citizen.world.events("session.token_reuse") == 0

    @pytest.mark.parametrize("seconds", [31, 3600])
    def test_s20_later_use_ends_the_family_and_is_recorded(self, citizen: Citizen, seconds: int) -> None:
        token = citizen.refresh_token(citizen.sign_in())
        successor = citizen.refresh(token)
        citizen.world.clock.advance(seconds=seconds)
        refused(citizen, "token_reuse", lambda: citizen.refresh(token), unchanged=False)
        assert live_tokens(citizen) == 0
        assert citizen.world.events("session.token_reuse") == 1
        with citizen.world.read() as work, pytest.raises(NotAuthenticated, match="session_ended"):
            work.sessions.check(successor.session.id)
        refused(citizen, "session_ended", lambda: citizen.refresh(citizen.refresh_token(successor)))

    def test_s20_an_older_ancestor_ends_the_family_too(self, citizen: Citizen) -> None:
        signed_in = citizen.sign_in()
        oldest = citizen.refresh_token(signed_in)
        for _ in range(3):
            citizen.world.clock.advance(seconds=20)
            signed_in = citizen.refresh(citizen.refresh_token(signed_in))
        refused(citizen, "token_reuse", lambda: citizen.refresh(oldest), unchanged=False)
        assert live_tokens(citizen) == 0

    def test_s20_a_used_token_with_another_key_is_reuse_at_once(self, citizen: Citizen) -> None:
        token = citizen.refresh_token(citizen.sign_in())
        citizen.refresh(token)
        thief = citizen.phone.dpop(key=new_key())
        refused(citizen, "token_reuse", lambda: citizen.refresh(token, thief), unchanged=False)
        assert live_tokens(citizen) == 0

    def test_s20_other_sessions_of_the_citizen_go_on(self, citizen: Citizen) -> None:
        token, other = citizen.refresh_token(citizen.sign_in()), citizen.sign_in_with_device()
        citizen.refresh(token)
        citizen.world.clock.advance(minutes=1)
        refused(citizen, "token_reuse", lambda: citizen.refresh(token), unchanged=False)
        assert citizen.refresh(citizen.refresh_token(other)).session.id == other.session.id


class TestRefused:
    def test_a_live_token_with_another_key_is_refused_and_stays_live(
        self, citizen: Citizen, make_citizen: Callable[..., Citizen]
    ) -> None:
        token, other = citizen.refresh_token(citizen.sign_in()), make_citizen("001190000999")
        refused(citizen, "invalid_dpop_proof", lambda: citizen.refresh(token, citizen.phone.dpop(key=new_key())))
        refused(citizen, "invalid_dpop_proof", lambda: citizen.refresh(token, other.phone.dpop()))
        assert citizen.refresh(token).refresh_number == 2

    @pytest.mark.parametrize("proof", ["x", "", "a.b.c"])
    def test_no_proof_touches_nothing(self, citizen: Citizen, proof: str) -> None:
        token = citizen.refresh_token(citizen.sign_in())
        url = f"{ISSUER}/v1/sessions/refresh"
        call = lambda: citizen.world.signing_in.refresh(token, proof, method="POST", url=url)  # noqa: E731
        refused(citizen, "invalid_dpop_proof", call)

    def test_a_proof_works_once(self, citizen: Citizen) -> None:
        first, proof = citizen.sign_in(), citizen.phone.dpop()
        second = citizen.refresh(citizen.refresh_token(first), proof)
        refused(citizen, "invalid_dpop_proof", lambda: citizen.refresh(citizen.refresh_token(second), proof))

    def test_access_token_refreshes_nothing(self, citizen: Citizen) -> None:
        signed_in = citizen.sign_in()
        refused(citizen, "invalid_token", lambda: citizen.refresh(citizen.access_token(signed_in)))

    @pytest.mark.parametrize(
        "jti", ["ses_x.1", "{sid}", "{sid}.", "{sid}.0", "{sid}.2", "{sid}.-1", "{sid}.1.1", "{sid}.9999999999", "1"]
    )
    def test_rightly_signed_token_that_was_never_given_is_refused(self, citizen: Citizen, jti: str) -> None:
        signed_in = citizen.sign_in()
        claims = signed_in.refresh_claims() | {
            "sub": citizen.account.account_id,
            "jti": jti.replace("{sid}", signed_in.session.id),
        }
        token = citizen.world.identity.tokens.encode(TokenKind.REFRESH, claims)
        refused(citizen, "invalid_token", lambda: citizen.refresh(token))

    def test_unknown_session_is_refused(self, citizen: Citizen) -> None:
        claims = citizen.sign_in().refresh_claims() | {"sub": "acc_1", "sid": "ses_x", "jti": "ses_x.1"}
        token = citizen.world.identity.tokens.encode(TokenKind.REFRESH, claims)
        refused(citizen, "session_ended", lambda: citizen.refresh(token))

    @pytest.mark.parametrize("end", ["sign_out", "lock", "close", "unbind", "end_all"])
    def test_s23_nothing_refreshes_what_was_ended(self, citizen: Citizen, end: str) -> None:
        signed_in = citizen.sign_in()
        with citizen.world.work() as work:
            if end == "sign_out":
                work.sessions.end(signed_in.session.id, "signed_out", citizen.actor(signed_in))
            elif end == "lock":
                work.accounts.lock(citizen.account.account_id, LockGround.AUTHORITY_REQUEST, SYSTEM)
            elif end == "close":
                work.accounts.close(citizen.account.account_id, SYSTEM)
            elif end == "unbind":
                work.devices.unbind(citizen.phone.device_id, "lost", SYSTEM)
            else:
                work.sessions.end_all(citizen.account.account_id, "admin", SYSTEM)
        refused(citizen, "session_ended", lambda: citizen.refresh(citizen.refresh_token(signed_in)))


def test_s21_thirty_at_once_leave_one_successor(citizen: Citizen) -> None:
    token = citizen.refresh_token(citizen.sign_in())
    proofs = [citizen.phone.dpop() for _ in range(30)]
    barrier, results, errors = threading.Barrier(30), list[SignedIn](), list[Exception]()

    def use(proof: str) -> None:
        barrier.wait()
        try:
            results.append(citizen.refresh(token, proof))
        except Exception as error:  # noqa: BLE001 - whatever a thread raises is the test's to judge
            errors.append(error)

    threads = [threading.Thread(target=use, args=(proof,)) for proof in proofs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert len({result.refresh_claims()["jti"] for result in results}) == 1
    assert live_tokens(citizen) == 1
    assert citizen.world.events("session.token_reuse") == 0


def test_s21_thirty_at_once_past_the_retry_end_the_family_once(citizen: Citizen) -> None:
    token = citizen.refresh_token(citizen.sign_in())
    citizen.refresh(token)
    citizen.world.clock.advance(seconds=31)
    proofs = [citizen.phone.dpop() for _ in range(30)]
    barrier, codes = threading.Barrier(30), list[str]()

    def use(proof: str) -> None:
        barrier.wait()
        with pytest.raises(NotAuthenticated) as caught:
            citizen.refresh(token, proof)
        codes.append(caught.value.code)

    threads = [threading.Thread(target=use, args=(proof,)) for proof in proofs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(codes) == ["session_ended"] * 29 + ["token_reuse"]
    assert citizen.world.events("session.token_reuse") == 1
    assert live_tokens(citizen) == 0
