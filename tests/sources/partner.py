"""A partner's API that a test starts on this machine, and that behaves as the test tells it to."""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread
from typing import Any

AS_OF = "2026-02-27T09:30:00+07:00"
KEY = "sample-key-of-nobody"


class Partner:
    """The server. next: what the coming questions meet, one each; then `always`. asked: every question's fields.

    reached: set when something was asked. ended: to be set for whoever is silent.
    """

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.next: list[Callable[[Any, dict[str, Any]], None]] = []
        self.always: Callable[[Any, dict[str, Any]], None] = says({})
        self.reached, self.ended = Event(), Event()
        self.url = ""

    @property
    def calls(self) -> int:
        return len(self.asked)


def says(
    data: Any, *, status: int = 200, kind: str = "application/json", headers: dict[str, str] | None = None, **more: Any
) -> Callable[[Any, dict[str, Any]], None]:
    """Answer. data: about whoever was asked for, unless it says otherwise. more: changes of the envelope."""

    def answer(handler: Any, question: dict[str, Any]) -> None:
        stated = data
        if isinstance(data, dict):
            stated = {"SoDinhDanh": question.get("SoDinhDanh")} | data
        envelope = {"MaYeuCau": question["MaYeuCau"], "ThoiDiemCapNhat": AS_OF, "DuLieu": stated} | more
        body = json.dumps({name: value for name, value in envelope.items() if value != "left out"}).encode()
        raw(body, status=status, kind=kind, headers=headers)(handler, question)

    return answer


def raw(
    body: bytes, *, status: int = 200, kind: str = "application/json", headers: dict[str, str] | None = None
) -> Callable[[Any, dict[str, Any]], None]:
    """Answer with these bytes."""

    def answer(handler: Any, _question: dict[str, Any]) -> None:
        handler.send_response(status)
        handler.send_header("Content-Type", kind)
        handler.send_header("Content-Length", str(len(body)))
        for name, value in (headers or {}).items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(body)

    return answer


def tells(
    changes: Callable[[datetime, str], Sequence[tuple[Any, Any]]], *, otherwise: Callable[[Any, dict[str, Any]], None]
) -> Callable[[Any, dict[str, Any]], None]:
    """Answer whoever asks for changes with a page of them, and any other question `otherwise`.

    changes: moments (aware, or as they are sent) and numbers, given the moment and the number after which they come.
    """

    def answer(handler: Any, question: dict[str, Any]) -> None:
        if "TuThoiDiem" not in question:
            return otherwise(handler, question)
        page = changes(datetime.fromisoformat(question["TuThoiDiem"]), question["SauSoDinhDanh"])
        entries = [
            {"SoDinhDanh": number, "ThoiDiemCapNhat": at.isoformat() if isinstance(at, datetime) else at}
            for at, number in page[: question["SoLuong"]]
        ]
        return says(entries, ThoiDiemCapNhat="left out")(handler, question)

    return answer


def silent(handler: Any, _question: dict[str, Any]) -> None:
    """Say nothing until the test is over."""
    handler.partner.ended.wait(30)
    handler.close_connection = True


def hangs_up(handler: Any, _question: dict[str, Any]) -> None:
    """End the connection without a word."""
    handler.close_connection = True


def drips(start: bytes) -> Callable[[Any, dict[str, Any]], None]:
    """Send `start`, then a byte at a time, each sooner than any timeout of a read, for ever."""

    def answer(handler: Any, _question: dict[str, Any]) -> None:
        handler.close_connection = True
        try:
            handler.wfile.write(start)
            while not handler.partner.ended.wait(0.02):
                handler.wfile.write(b" ")
                handler.wfile.flush()
        except OSError:
            return

    return answer


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    partner: Partner

    def do_POST(self) -> None:
        question = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.partner.asked.append(question)
        self.partner.headers.append(dict(self.headers.items()))
        self.partner.reached.set()
        act = self.partner.next.pop(0) if self.partner.next else self.partner.always
        act(self, question)

    def log_message(self, *_: Any) -> None:
        """Be quiet."""


@contextmanager
def serving() -> Iterator[Partner]:
    """Serve on a free port until the block ends."""
    partner = Partner()
    handler = type("Handler", (_Handler,), {"partner": partner})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = False
    partner.url = f"http://127.0.0.1:{server.server_port}/v1/persons"
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield partner
    finally:
        partner.ended.set()
        server.shutdown()
        thread.join()
        server.server_close()


def write_file(folder: Path, **registers: Any) -> str:
    """Write the file that names partners' registers, and their key; return its path. A None leaves a field out."""
    key = folder / "partner.key"
    key.write_text(KEY)
    key.chmod(0o600)
    usual = {"agency": "G01.899.108", "integration_code": "VISO-01", "api_key_file": "partner.key"}
    content = {
        code: {name: value for name, value in {**usual, **stated}.items() if value is not None}
        for code, stated in registers.items()
    }
    path = folder / "sources.json"
    path.write_text(json.dumps(content, ensure_ascii=False))
    return str(path)
