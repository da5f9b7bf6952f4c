"""Clients that never give up: what they began under one Idempotency-Key they repeat until it is acknowledged."""

import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from queue import Empty, Queue
from typing import Any

import httpx

from tests.durability.server import READY_SECONDS, Server
from tests.phone import compact_jws
from wallet.crypto.keystore import Keystore, Secret
from wallet.demo.personas import credentials, persona

PAUSE = 0.1
PATIENCE = 3 * READY_SECONDS
"""Seconds: longer than a server may take that dies once more while it starts."""
AGAIN = {409, 429, 503}


@dataclass
class Ledger:
    """What the server acknowledged: the promise that is held against the tables afterwards."""

    issued: dict[str, tuple[str, str]] = field(default_factory=dict)
    revoked: dict[str, str] = field(default_factory=dict)
    acknowledged_at: list[float] = field(default_factory=list)
    retries: int = 0
    conflicts: int = 0
    surprises: list[str] = field(default_factory=list)
    to_revoke: "Queue[str]" = field(default_factory=Queue)
    stop: threading.Event = field(default_factory=threading.Event)

    def first_after(self, moment: float) -> float | None:
        """Return when the first answer after `moment` was acknowledged."""
        return next((at for at in self.acknowledged_at if at > moment), None)


class Caller(threading.Thread):
    """One signed-in persona on a connection of its own."""

    def __init__(self, server: Server, ledger: Ledger, key: str, work: Callable[["Caller"], None]) -> None:
        super().__init__(name=key)
        self.server, self.ledger, self.work = server, ledger, work
        who = persona(key)
        self.number = who.number
        self.own = credentials(who, Keystore.open(server.settings.keys_dir).secret(Secret.DEMO))
        self.http = httpx.Client(base_url=server.address, timeout=5)
        self.token = ""

    def run(self) -> None:
        try:
            while not self.ledger.stop.is_set():
                self.work(self)
        except Exception as error:  # noqa: BLE001 - a thread's failure is the test's failure
            self.ledger.surprises.append(f"{self.name}: {error!r}")
        finally:
            self.http.close()

    def until_acknowledged(self, path: str, body: Any, key: str) -> dict[str, Any]:
        """Post until the answer is 201, always under the same key."""
        found: dict[str, Any] = self.until(201, "POST", path, body, key=key).json()
        return found

    def until(
        self, status: int, method: str, path: str, body: Any = None, *, key: str = "", if_match: str = ""
    ) -> httpx.Response:
        """Call until the answer has this status, always under the same key and about the same version."""
        fixed = {"Idempotency-Key": key, "If-Match": if_match}
        headers = {name: value for name, value in fixed.items() if value}
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            if not self.token:
                self._sign_in(deadline)
            answer = self._try(path, body, {**headers, "Authorization": f"Bearer {self.token}"}, method)
            if answer is None:
                continue
            if answer.status_code == status:
                self.ledger.acknowledged_at.append(time.monotonic())
                return answer
            if answer.status_code == 401:
                self.token = ""
            elif answer.status_code in AGAIN:
                self.ledger.conflicts += answer.status_code == 409
                time.sleep(PAUSE)
            else:
                raise AssertionError(f"{path}: {answer.status_code} {answer.text}")
        raise AssertionError(f"{path}: not acknowledged in {PATIENCE} s")

    def _sign_in(self, deadline: float) -> None:
        while time.monotonic() < deadline:
            challenge = self._try("/v1/device-challenges", {"device_id": self.own.device_id}, {})
            if challenge is None or challenge.status_code != 201:
                time.sleep(PAUSE)
                continue
            claims = {
                "aud": self.server.address,
                "challenge": challenge.json()["challenge"],
                "device_id": self.own.device_id,
                "iat": int(time.time()),
            }
            header = {"alg": "ES256", "typ": "viso-device-proof+jwt"}
            proof = compact_jws(header, claims, self.own.device_private_key)
            order = {"proof": proof, "number": self.number, "password": self.own.password}
            answer = self._try("/v1/sessions", order, {})
            if answer is not None and answer.status_code == 201:
                self.token = answer.json()["access_token"]
                return
            # A killed server may have used the challenge up without telling: the next one is a new one.
            if answer is not None and answer.status_code not in {401, *AGAIN}:
                raise AssertionError(f"sign-in: {answer.status_code} {answer.text}")
            time.sleep(PAUSE)

    def _try(self, path: str, body: Any, headers: dict[str, str], method: str = "POST") -> httpx.Response | None:
        try:
            return self.http.request(method, path, json=body, headers=headers)
        except httpx.LocalProtocolError:
            raise
        except httpx.TransportError:
            self.ledger.retries += 1
            time.sleep(PAUSE)
            return None


def ask_for_residence(caller: Caller) -> None:
    """Ask for one document, and put every third on the list of what is to be revoked."""
    key = uuid.uuid4().hex
    answer = caller.until_acknowledged("/v1/requests", {"utility": "residence"}, key)
    caller.ledger.issued[key] = (answer["id"], answer["document_id"])
    if len(caller.ledger.issued) % 3 == 0:
        caller.ledger.to_revoke.put(answer["document_id"])


def revoke_one(caller: Caller) -> None:
    """Revoke the next document on the list, under a key of its own."""
    try:
        document = caller.ledger.to_revoke.get(timeout=0.1)
    except Empty:
        return
    path = f"/v1/admin/documents/{document}/revocation"
    answer = caller.until_acknowledged(path, {"reason": "data_changed"}, uuid.uuid4().hex)
    caller.ledger.revoked[document] = answer["revoked_at"]
