"""An account, its phones and its sessions over their whole life, against a model that is written from the rules.

The model knows no table and no code of the service: docs/domain.md sections 2.4 to 2.6, docs/security.md S-03, S-04,
S-14, S-19, S-20, S-23. Every step is a request as a phone sends it, or a move that a desk makes; every answer is
predicted. MACHINE_RUNS and MACHINE_STEPS: 50 runs of 30 steps unless told otherwise, 500 of 50 in the full lane.
"""

import os
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from flask.testing import FlaskClient
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from werkzeug.test import TestResponse

from tests.phone import b64url, compact_jws
from tests.support import FixedClock
from wallet.errors import Conflict
from wallet.identity.account_states import HolderKind
from wallet.identity.accounts import LockGround
from wallet.identity.passwords import Knowledge
from wallet.terms import AccountLevel, Actor
from wallet.wiring import Wallet

RUNS = int(os.environ.get("MACHINE_RUNS", "50"))
STEPS = int(os.environ.get("MACHINE_STEPS", "30"))
PASSWORD, PASSCODE = "MatKhau#2026", "280517"
DESK = Actor("system", request_id="machine")
ACCESS_LIFE = timedelta(seconds=600)
LEEWAY = timedelta(seconds=5)
SESSION_LIFE = timedelta(days=30)
BLOCK = timedelta(minutes=5)
RETRY = timedelta(seconds=30)
PAUSES = (1, 29, 31, 299, 301, 604, 606, 86_400, 30 * 86_400)

numbers, blocks = count(1), count()


@dataclass
class PhoneModel:
    """A phone, and what the rules say of it. failures: of password and passcode, in a row."""

    device_id: str
    key: ec.EllipticCurvePrivateKey
    state: str = "unknown"
    failures: dict[str, int] = field(default_factory=lambda: {"password": 0, "passcode": 0})
    blocked_until: datetime | None = None

    @property
    def jwk(self) -> dict[str, str]:
        point = self.key.public_key().public_numbers()
        return {"kty": "EC", "crv": "P-256"} | {
            name: b64url(value.to_bytes(32)) for name, value in (("x", point.x), ("y", point.y))
        }


@dataclass
class SessionModel:
    """A session: alive until something ends it. used: refresh tokens in their order, with when they were used."""

    phone: PhoneModel
    level: int
    started: datetime
    refresh: list[str]
    used: dict[str, datetime] = field(default_factory=dict)
    access: list[tuple[str, datetime]] = field(default_factory=list)
    over: bool = False


class AccountLife(RuleBasedStateMachine):
    """What a holder, a thief and a desk can do, in any order."""

    wallet: Wallet
    client: FlaskClient
    clock: FixedClock

    phones = Bundle("phones")
    sessions = Bundle("sessions")

    # ── the person ──

    @initialize()
    def register(self) -> None:
        # What strangers tried in the run before is forgotten: their counts are not this test's subject.
        self.clock.advance(minutes=11)
        self.number = f"099390{next(numbers):06d}"
        facts = {"number": self.number, "full_name": "Nguyễn Mẫu Máy", "birth_date": "1990-06-15", "sex": "Nam"}
        with self.wallet.work() as work:
            self.account_id = work.accounts.register(
                facts,
                level=AccountLevel.ONE,
                kind=HolderKind.CITIZEN,
                phone="+84900000001",
                email=None,
                valid_until=None,
                actor=DESK,
            )
        self.state = "pending"
        self.grounds: set[LockGround] = set()
        self.known_phones: list[PhoneModel] = []
        self.known_sessions: list[SessionModel] = []

    @precondition(lambda self: self.state == "pending")
    @rule()
    def approve(self) -> None:
        with self.wallet.work() as work:
            work.accounts.approve(self.account_id, AccountLevel.ONE, DESK)
        self.state = "approved"
        self.approved_at = self.clock.now()

    @precondition(lambda self: self.state == "approved" and self.clock.now() - self.approved_at < timedelta(days=7))
    @rule()
    def activate(self) -> None:
        hasher = self.wallet.identity.hasher
        hashes = [
            hasher.hash(kind, secret)
            for kind, secret in ((Knowledge.PASSWORD, PASSWORD), (Knowledge.PASSCODE, PASSCODE))
        ]
        with self.wallet.work() as work:
            work.accounts.activate(self.account_id, password_hash=hashes[0], passcode_hash=hashes[1], actor=DESK)
        self.state = "active"

    @rule(target=phones)
    def buy_phone(self) -> PhoneModel:
        phone = PhoneModel(f"dev_{uuid.uuid4().hex}", ec.generate_private_key(ec.SECP256R1()))
        self.known_phones.append(phone)
        return phone

    @precondition(lambda self: self.state == "active")
    @rule(phone=phones)
    def bind(self, phone: PhoneModel) -> None:
        if phone.state != "unknown":
            return
        with self.wallet.work() as work:
            work.devices.bind(self.account_id, phone.device_id, phone.jwk, "Máy", DESK, bound_by="desk")
        for other in self.known_phones:
            if other.state in ("bound", "suspended"):
                other.state = "unbound"
        self._end_all()
        phone.state = "bound"

    @rule(phone=phones)
    def unbind(self, phone: PhoneModel) -> None:
        if phone.state not in ("bound", "suspended"):
            return
        with self.wallet.work() as work:
            work.devices.unbind(phone.device_id, "holder_asked", DESK)
        phone.state = "unbound"
        self._end_of(phone)

    @precondition(lambda self: self.state in ("active", "locked"))
    @rule(ground=st.sampled_from(list(LockGround)))
    def lock(self, ground: LockGround) -> None:
        if ground in self.grounds:
            with pytest.raises(Conflict, match="ground_stands"), self.wallet.work() as work:
                work.accounts.lock(self.account_id, ground, DESK)
            return
        with self.wallet.work() as work:
            work.accounts.lock(self.account_id, ground, DESK)
        self.state = "locked"
        self.grounds.add(ground)
        self._end_all()

    @precondition(lambda self: self.state == "locked")
    @rule(ground=st.sampled_from(list(LockGround)))
    def unlock(self, ground: LockGround) -> None:
        if ground is LockGround.HOLDER_DIED or ground not in self.grounds:
            with pytest.raises(Conflict, match="ground_remains"), self.wallet.work() as work:
                work.accounts.unlock(self.account_id, ground, DESK)
            return
        with self.wallet.work() as work:
            work.accounts.unlock(self.account_id, ground, DESK)
        self.grounds.remove(ground)
        self.state = "locked" if self.grounds else "active"

    @precondition(lambda self: self.state in ("active", "locked"))
    @rule(surely=st.integers(0, 9))
    def close(self, surely: int) -> None:
        if surely:
            return
        with self.wallet.work() as work:
            work.accounts.close(self.account_id, DESK)
        self.state = "closed"
        self._end_all()

    @rule(seconds=st.sampled_from(PAUSES))
    def wait(self, seconds: int) -> None:
        self.clock.advance(seconds=seconds)

    # ── signing in ──

    @rule(target=sessions, phone=phones, secret=st.sampled_from(["right", "wrong", "none"]), again=st.booleans())
    def sign_in(self, phone: PhoneModel, secret: str, again: bool) -> Any:
        order = {"proof": self._proof(phone)}
        if secret != "none":
            order |= {"number": self.number, "password": PASSWORD if secret == "right" else "MatKhau#2027"}
        expected = self._predict_attempt(phone, "password", secret)
        response = self.client.post("/v1/sessions", json=order, environ_base=address())
        self._assert(response, expected)
        if again:
            # The same proof a second time: a challenge is used once, whatever came of it.
            replay = self.client.post("/v1/sessions", json=order, environ_base=address())
            assert replay.status_code in (401, 403, 429), replay.text
            assert replay.status_code != 401 or code(replay) == "invalid_device_proof"
        if response.status_code != 201:
            return []
        session = SessionModel(phone, 2 if secret == "right" else 1, self.clock.now(), [])
        self._keep(session, response)
        self.known_sessions.append(session)
        return [session]

    @rule(held=sessions, right=st.booleans())
    def step_up(self, held: list[SessionModel], right: bool) -> None:
        if not held:
            return
        session = held[0]
        token, made = session.access[-1]
        order = {"proof": self._proof(session.phone), "passcode": PASSCODE if right else "739104"}
        if not self._lives(session):
            expected = (401, "session_ended")
        elif self.clock.now() >= made + self._life(session, made) + LEEWAY:
            expected = (401, "token_expired")
        else:
            expected = self._predict_attempt(session.phone, "passcode", "right" if right else "wrong", ok=200)
        expected = self._expired_first(session, made, expected)
        response = self.client.post(
            "/v1/sessions/current/step-up", json=order, headers={"Authorization": f"Bearer {token}"}
        )
        self._assert(response, expected)
        if response.status_code == 200:
            session.level = 2
            session.access.append((response.json["access_token"], self.clock.now()))

    @rule(held=sessions, old=st.booleans())
    def refresh(self, held: list[SessionModel], old: bool) -> None:
        if not held:
            return
        session = held[0]
        token = session.refresh[0] if old else session.refresh[-1]
        expected = self._predict_refresh(session, token)
        url = f"{self.wallet.settings.issuer_url}/v1/sessions/refresh"
        claims = {"htm": "POST", "htu": url, "iat": self._now(), "jti": uuid.uuid4().hex}
        proof = compact_jws({"alg": "ES256", "typ": "dpop+jwt", "jwk": session.phone.jwk}, claims, session.phone.key)
        response = self.client.post("/v1/sessions/refresh", json={"refresh_token": token}, headers={"DPoP": proof})
        self._assert(response, expected)
        if response.status_code == 200:
            first = session.used.setdefault(token, self.clock.now())
            successor = response.json["refresh_token"]
            known = session.refresh[session.refresh.index(token) + 1 :]
            if known:
                assert jti(successor) == jti(known[0]), "a retry gets the same successor"
                session.access.append((response.json["access_token"], self.clock.now()))
            else:
                self._keep(session, response)
            assert self.clock.now() - first <= RETRY
        elif expected == (401, "token_reuse"):
            session.over = True

    @rule(held=sessions, everywhere=st.booleans())
    def sign_out(self, held: list[SessionModel], everywhere: bool) -> None:
        if not held:
            return
        session = held[0]
        token, made = session.access[-1]
        lives = self._lives(session)
        expected = self._expired_first(session, made, (204, "") if lives else (401, "session_ended"))
        path = "/v1/sessions" if everywhere else "/v1/sessions/current"
        self._assert(self.client.delete(path, headers={"Authorization": f"Bearer {token}"}), expected)
        if expected[0] == 204:
            for other in self.known_sessions if everywhere else [session]:
                other.over = True

    @rule(held=sessions, which=st.integers(0, 3))
    def use_access_token(self, held: list[SessionModel], which: int) -> None:
        if held:
            self._assert_access(held[0], which % len(held[0].access))

    # ── what always holds ──

    @invariant()
    def newest_token_of_every_session_answers_as_the_model_says(self) -> None:
        for session in getattr(self, "known_sessions", [])[-3:]:
            self._assert_access(session, -1)

    @invariant()
    def one_device_at_most_is_bound(self) -> None:
        bound = [phone.device_id for phone in getattr(self, "known_phones", []) if phone.state == "bound"]
        assert len(bound) <= 1
        with self.wallet.read() as work:
            device = work.devices.of_account(self.account_id)
            account = work.accounts.find(self.account_id)
        assert ([device.id] if device else []) == bound or account.state == "closed"
        assert str(account.state) == self.state

    # ── the rules, a second time ──

    def _predict_attempt(self, phone: PhoneModel, kind: str, secret: str, ok: int = 201) -> tuple[int, str]:
        """Say what a try meets, and count it. Source: S-01 to S-04."""
        now = self.clock.now()
        if phone.state in ("unknown", "unbound"):
            return 403, "device_not_bound"
        if phone.state == "suspended":
            return 403, "rebinding_required"
        if phone.blocked_until is not None and now < phone.blocked_until:
            return 429, "too_many_attempts"
        if secret == "none":
            return (ok, "") if self.state == "active" else (401, "invalid_credentials")
        if secret == "right" and self.state == "active":
            phone.failures[kind] = 0
            if sum(phone.failures.values()) < 5:
                phone.blocked_until = None
            return ok, ""
        phone.failures[kind] += 1
        total = sum(phone.failures.values())
        if total == 5:
            phone.blocked_until = now + BLOCK
        if total >= 10:
            phone.state = "suspended"
            self._end_of(phone)
        return 401, "invalid_credentials"

    def _predict_refresh(self, session: SessionModel, token: str) -> tuple[int, str]:
        now = self.clock.now()
        if now >= session.started + SESSION_LIFE + LEEWAY:
            return 401, "token_expired"
        if not self._lives(session):
            return 401, "session_ended"
        used = session.used.get(token)
        if used is None or now - used <= RETRY:
            return 200, ""
        return 401, "token_reuse"

    def _lives(self, session: SessionModel) -> bool:
        return not session.over and self.clock.now() < session.started + SESSION_LIFE

    def _life(self, session: SessionModel, made: datetime) -> timedelta:
        return min(ACCESS_LIFE, session.started + SESSION_LIFE - made)

    def _expired_first(self, session: SessionModel, made: datetime, otherwise: tuple[int, str]) -> tuple[int, str]:
        """A token is read before its session is looked up: whoever is both is told the first."""
        if self.clock.now() >= made + self._life(session, made) + LEEWAY:
            return 401, "token_expired"
        return otherwise

    def _assert_access(self, session: SessionModel, which: int) -> None:
        token, made = session.access[which]
        response = self.client.get("/v1/me", headers={"Authorization": f"Bearer {token}"})
        expected = (200, "") if self._lives(session) else (401, "session_ended")
        self._assert(response, self._expired_first(session, made, expected))

    def _end_all(self) -> None:
        for session in self.known_sessions:
            session.over = True

    def _end_of(self, phone: PhoneModel) -> None:
        for session in self.known_sessions:
            session.over = session.over or session.phone is phone

    # ── tools ──

    def _keep(self, session: SessionModel, response: TestResponse) -> None:
        session.access.append((response.json["access_token"], self.clock.now()))
        session.refresh.append(response.json["refresh_token"])

    def _proof(self, phone: PhoneModel) -> str:
        challenge = self.client.post("/v1/device-challenges", json={"device_id": phone.device_id}).json
        claims = {
            "aud": self.wallet.settings.issuer_url,
            "challenge": challenge["challenge"],
            "device_id": phone.device_id,
            "iat": self._now(),
        }
        return compact_jws({"alg": "ES256", "typ": "viso-device-proof+jwt"}, claims, phone.key)

    def _now(self) -> int:
        return int(self.clock.now().timestamp())

    def _assert(self, response: TestResponse, expected: tuple[int, str]) -> None:
        assert (response.status_code, code(response)) == expected, response.text


def address() -> dict[str, str]:
    """Return an address that nobody came from before: the limits of address blocks have tests of their own."""
    block = next(blocks)
    return {"REMOTE_ADDR": f"10.{block >> 8 & 255}.{block & 255}.1"}


def code(response: TestResponse) -> str:
    body: Mapping[str, Any] = response.json or {} if response.is_json else {}
    return str(body.get("code", ""))


def jti(token: str) -> str:
    import base64
    import json

    payload = token.split(".")[1]
    return str(json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))["jti"])


@pytest.mark.timeout(1500)
def test_account_device_and_session_live_as_the_model_says(
    wallet: Wallet, client: FlaskClient, clock: FixedClock
) -> None:
    class Machine(AccountLife):
        pass

    Machine.wallet, Machine.client, Machine.clock = wallet, client, clock
    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=RUNS,
            stateful_step_count=STEPS,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
