"""Reviewed requests walked under fire: citizens send and pay, an officer takes in hand and decides."""

import threading
import uuid
from dataclasses import dataclass, field
from queue import Empty, Queue
from typing import Any

from tests.durability.callers import Caller, Ledger

UTILITY = "judicial_record"
ORDER: dict[str, Any] = {
    "utility": UTILITY,
    "answers": {
        "kind": "no_1",
        "purpose": "job_application",
        "ban_information": False,
        "copies": "electronic",
        "office": "01",
        "occupations": [{"from_day": "2015-09-01", "job": "Kế toán"}],
    },
}
REJECTED = {"action": "reject", "reason": "data_mismatch", "note": "Dữ liệu không khớp, đề nghị kiểm tra lại."}


@dataclass
class Reviewed(Ledger):
    """What was promised of reviewed requests. sent: key to request; paid: requests; decided: request and action to
    the document, None where there is none."""

    sent: dict[str, str] = field(default_factory=dict)
    paid: set[str] = field(default_factory=set)
    decided: dict[tuple[str, str], str | None] = field(default_factory=dict)
    on_the_desk: "Queue[str]" = field(default_factory=Queue)
    keys: set[str] = field(default_factory=set)
    lock: threading.Lock = field(default_factory=threading.Lock)


def send_and_pay(caller: Caller) -> None:
    """Send one request, pay what it costs, and leave it on the desk."""
    ledger, key = _ledger(caller), uuid.uuid4().hex
    request = caller.until_acknowledged("/v1/requests", ORDER, key)
    with ledger.lock:
        ledger.sent[key] = request["id"]
        ledger.keys.add(key)
    if request["state"] == "awaiting_payment":
        # Killed between the two halves the payment is still opening: the same key asks until there is an address.
        begun = caller.until(201, "POST", f"/v1/requests/{request['id']}/payments", key=uuid.uuid4().hex)
        payment = begun.json()
        path = "/v1" + payment["address"].partition("/v1")[2]
        outcome = {"outcome": "success", "amount": payment["amount"]}
        assert caller.until(200, "POST", path, outcome).json() == {"state": "paid"}
        with ledger.lock:
            ledger.paid.add(request["id"])
    ledger.on_the_desk.put(request["id"])


def decide_one(caller: Caller) -> None:
    """Take the next request in hand and decide: every fourth is refused, the others are issued."""
    ledger = _ledger(caller)
    try:
        request = ledger.on_the_desk.get(timeout=0.1)
    except Empty:
        return
    path = f"/v1/desk/requests/{request}"
    caller.until(200, "PUT", f"{path}/claim")
    version = caller.until(200, "GET", f"{path}?purpose=review").headers["ETag"]
    refused = len(ledger.decided) % 7 == 6
    for word in [REJECTED] if refused else [{"action": "accept"}, {"action": "approve"}]:
        key = uuid.uuid4().hex
        answer = caller.until(200, "POST", f"{path}/decisions", word, key=key, if_match=version)
        version = answer.headers["ETag"]
        with ledger.lock:
            ledger.decided[request, word["action"]] = answer.json().get("document_id")
            ledger.keys.add(key)


def _ledger(caller: Caller) -> Reviewed:
    assert isinstance(caller.ledger, Reviewed)
    return caller.ledger
