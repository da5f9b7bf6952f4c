"""A payment provider that a test starts on this machine: opens payments, and tells outcomes by calls that it signs."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any

import httpx
from standardwebhooks import Webhook

SECRET = "whsec_" + "cGF5bWVudHMgb2YgYSB0ZXN0LCBvZiBub2JvZHk="
OTHER = "whsec_" + "c29tZWJvZHkgZWxzZSdzIHNlY3JldCBvZiBhIHQ="


@dataclass
class Provider:
    """orders: what it was asked to open, whose signature fits. refused: how many calls had none. answer: what it says
    instead of opening; status: with which status. silent: it says nothing until `ended`. lost: it opens what it is
    asked to, and its answer gets lost on the way. slow: it answers when `ended` is set. refuse: the payment that it
    wants nothing of. asked: set once it was asked something."""

    port: int = 0
    orders: list[dict[str, Any]] = field(default_factory=list)
    refused: int = 0
    answer: bytes | None = None
    status: int = 201
    silent: bool = False
    lost: bool = False
    slow: bool = False
    refuse: str = ""
    asked: Event = field(default_factory=Event)
    ended: Event = field(default_factory=Event)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/payments"

    def opened(self, order: dict[str, Any]) -> dict[str, str]:
        reference = f"SIM-{order['payment_id'][-12:]}"
        return {"reference": reference, "address": f"https://pay.example.vn/{reference}"}

    def take(self, headers: dict[str, str], body: bytes) -> tuple[int, bytes]:
        at = datetime.fromtimestamp(int(headers["webhook-timestamp"]), UTC)
        signature = Webhook(SECRET).sign(headers["webhook-id"], at, body.decode())
        order = json.loads(body)
        if signature != headers["webhook-signature"] or headers["webhook-id"] != order["payment_id"]:
            self.refused += 1
            return 401, b"{}"
        self.orders.append(order)
        if order["payment_id"] == self.refuse:
            return 409, b"{}"
        return self.status, json.dumps(self.opened(order)).encode() if self.answer is None else self.answer


def call(outcome: dict[str, Any], at: datetime, *, call_id: str = "evt_1", secrets: tuple[str, ...] = (SECRET,)) -> Any:
    """Return body and headers of a call, as the library signs them."""
    body = json.dumps(outcome)
    signatures = " ".join(Webhook(secret).sign(call_id, at, body) for secret in secrets)
    headers = {
        "Content-Type": "application/json",
        "Webhook-Id": call_id,
        "Webhook-Timestamp": str(int(at.timestamp())),
        "Webhook-Signature": signatures,
    }
    return body, headers


def tell(url: str, outcome: dict[str, Any], at: datetime, **options: Any) -> httpx.Response:
    """Tell an outcome over the network."""
    body, headers = call(outcome, at, **options)
    return httpx.post(url, content=body, headers=headers, timeout=10, trust_env=False)


@contextmanager
def serving(provider: Provider) -> Iterator[Provider]:
    """Serve on a free port until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            provider.asked.set()
            if provider.silent:
                provider.ended.wait(30)
                self.close_connection = True
                return
            if provider.slow:
                provider.ended.wait(30)
            status, answer = provider.take({name.lower(): value for name, value in self.headers.items()}, body)
            if provider.lost:
                self.close_connection = True
                return
            self.send_response(status)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: Any) -> None:
            """Be quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    provider.port = server.server_port
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield provider
    finally:
        provider.ended.set()
        server.shutdown()
        thread.join()
        server.server_close()
