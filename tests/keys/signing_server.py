"""A signing server as docs/signing-server.md describes it, written from that page alone, and its faults."""

import base64
import hashlib
import hmac
import json
import re
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed, decode_dss_signature

SECRET = b"s" * 32


class TestServer:
    """fault: "" or what it does wrong. It keeps its keys, counts its calls and remembers what it was sent."""

    __test__ = False

    def __init__(self) -> None:
        self.fault = ""
        self.now: Callable[[], float] = time.time
        self.keys: dict[str, ec.EllipticCurvePrivateKey] = {}
        self.nonces: set[str] = set()
        self.bodies: list[bytes] = []
        self.headers: list[str] = []
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._http.daemon_threads = True
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._http.server_port}/hsm"

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._http.shutdown()
        self._http.server_close()

    def answer(self, path: str, authorized: str, body: bytes) -> tuple[int, bytes]:
        self.bodies.append(body)
        self.headers.append(authorized)
        found = re.fullmatch(r"Signer t=([0-9]+),n=([0-9a-f]{32}),m=([0-9a-f]{64})", authorized)
        if found is None:
            return 401, b"{}"
        moment, nonce, mac = found.groups()
        covered = f"POST\n{path}\n{moment}\n{nonce}\n".encode() + body
        wanted = hmac.new(SECRET, covered, hashlib.sha256).hexdigest()
        if not hmac.compare_digest(mac, wanted) or abs(int(moment) - self.now()) > 60 or nonce in self.nonces:
            return 401, b"{}"
        self.nonces.add(nonce)
        order = json.loads(body)
        if path == "/hsm/keys":
            return self._create(order)
        return self._sign(order)

    def _create(self, order: dict[str, Any]) -> tuple[int, bytes]:
        label = next(reversed(self.keys)) if self.fault == "replays a key" else order["label"]
        key = self.keys.setdefault(label, ec.generate_private_key(ec.SECP256R1()))
        named = ec.generate_private_key(ec.SECP256R1()) if self.fault == "names a stranger" else key
        point = named.public_key().public_numbers()
        return 201, _json(key=label, x=b64(point.x.to_bytes(32, "big")), y=b64(point.y.to_bytes(32, "big")))

    def _sign(self, order: dict[str, Any]) -> tuple[int, bytes]:
        key = self.keys.get(order["key"])
        if key is None:
            return 404, b"{}"
        if self.fault == "another key":
            key = ec.generate_private_key(ec.SECP256R1())
        digest = unb64(order["digest"])
        if self.fault == "another digest":
            digest = hashlib.sha256(digest).digest()
        r, s = decode_dss_signature(key.sign(digest, ec.ECDSA(Prehashed(hashes.SHA256()))))
        signature = r.to_bytes(32, "big") + s.to_bytes(32, "big")
        wrong = {"short": signature[:63], "long": signature + b"\0", "empty": b"", "zeros": bytes(64)}
        return 200, _json(signature=b64(wrong.get(self.fault, signature)))


RAW = {
    "not json": b"<html>",
    "not an object": b"[1]",
    "no signature": b"{}",
    "a number": b'{"signature": 5}',
    "not base64url": b'{"signature": "!!!"}',
    "too large": b'{"signature": "' + b"A" * 100_000 + b'"}',
    "deep": b"[" * 4000,
}
STATUSES = {"401": 401, "404": 404, "429": 429, "500": 500, "503": 503, "302": 302}


def _handler(server: TestServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:  # the name is the standard library's
            body = self.rfile.read(int(self.headers["Content-Length"]))
            status, content = server.answer(self.path, self.headers.get("Authorization", ""), body)
            if server.fault == "slow":
                time.sleep(2)
            if server.fault == "hangs up":
                self.connection.close()
                return
            status, content = STATUSES.get(server.fault, status), RAW.get(server.fault, content)
            self.send_response(status)
            if status == 302:
                self.send_header("Location", server.url + "/signatures")
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            if server.fault == "drips":
                for byte in content:
                    self.wfile.write(bytes([byte]))
                    self.wfile.flush()
                    time.sleep(0.1)
                return
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

        def handle(self) -> None:
            try:
                super().handle()
            except (OSError, ValueError):
                self.close_connection = True

    return Handler


def b64(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def unb64(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _json(**members: str) -> bytes:
    return json.dumps(members).encode()
