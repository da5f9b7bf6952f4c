"""Counts and receipts of offline checks: nothing personal, kept until they arrived, and arrived once."""

import json
import sqlite3
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from tests.support import NOON, FixedClock
from tests.verifier.test_fetching import answer, dead_address, server
from tests.verifier.world import NAME_AND_TAIL, World
from wallet.errors import Unavailable
from wallet.verifier import MemoryReplay, Policy, judge
from wallet.verifier.__main__ import main
from wallet.verifier.fetching import Fetched, FetchFailed
from wallet.verifier.gate import Gate, json_line
from wallet.verifier.receipts import BATCH_RECEIPTS, FILE, Receipts
from wallet.verifier.refreshing import Held
from wallet.verifier.uploading import Uploaded, UploadFailed, read_desk_key, upload

KEY = "vsd_test_1_secret"
URL = "https://vi.example.vn"


class Service:
    """The service's side: takes each batch once by its key, and may lose its answers."""

    def __init__(self, *troubles: Fetched | FetchFailed | None) -> None:
        self.troubles = list(troubles)
        self.bodies: dict[str, bytes] = {}
        self.asked: list[tuple[str, dict[str, str]]] = []

    def __call__(self, url: str, headers: Mapping[str, str], body: bytes | None = None, *, most: int = 0) -> Fetched:
        assert body is not None
        self.asked.append((url, dict(headers)))
        trouble = self.troubles.pop(0) if self.troubles else None
        if isinstance(trouble, Fetched):
            return trouble
        kept = self.bodies.setdefault(headers["Idempotency-Key"], body)
        assert kept == body, "one key, one body"
        if trouble is not None:
            raise trouble
        return Fetched(201)

    @property
    def receipts(self) -> list[dict[str, object]]:
        return [receipt for body in self.bodies.values() for receipt in json.loads(body)["receipts"]]

    def counted(self, verdict: str) -> int:
        return sum(json.loads(body)["counts"][verdict] for body in self.bodies.values())


@pytest.fixture
def receipts(tmp_path: Path) -> Receipts:
    return Receipts(tmp_path)


def note(receipts: Receipts, world: World, code: str, purpose: str | None = "airline_security") -> str | None:
    return receipts.note(judge(code, world.trust(), Policy(), NOON, MemoryReplay()), purpose)


def test_a_receipt_names_the_document_and_nothing_of_it(receipts: Receipts, world: World, tmp_path: Path) -> None:
    kept = note(receipts, world, world.live_code())
    batch = receipts.next_batch()
    assert batch is not None
    assert batch.body == {
        "receipts": [
            {
                "id": kept,
                "document_id": "doc_" + bytes(range(16, 32)).hex(),
                "checked_at": "2026-03-02T05:00:00Z",
                "purpose": "airline_security",
                "verdict": "valid",
                "reasons": ["ok"],
            }
        ],
        "counts": {"valid": 1, "invalid": 0, "cannot_tell": 0},
    }
    stored = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    for value in (*NAME_AND_TAIL.values(), "residence", "VN-MAU"):
        assert value.encode() not in stored


def test_without_a_purpose_there_are_counts_alone(receipts: Receipts, world: World) -> None:
    assert note(receipts, world, world.document_code(), None) is None
    assert note(receipts, world, "nonsense") is None, "nothing to name"
    assert note(receipts, world, world.document_code(issuer="VN-XX")) is None, "its signature was not looked at"
    assert receipts.waiting() == 0
    assert receipts.counts() == {"valid": 1, "invalid": 1, "cannot_tell": 1}


def test_what_arrived_and_was_not_acknowledged_arrives_once(receipts: Receipts, world: World) -> None:
    for n in range(BATCH_RECEIPTS + 1):
        note(receipts, world, world.document_code(document_id=n.to_bytes(16, "big")))
    service = Service(FetchFailed("too_slow"))
    with pytest.raises(UploadFailed):
        upload(receipts, URL, KEY, service)
    assert receipts.waiting() == BATCH_RECEIPTS + 1, "nothing is lost"
    note(receipts, world, "nonsense")
    done = upload(receipts, URL, KEY, service)
    assert done == Uploaded(BATCH_RECEIPTS + 1, BATCH_RECEIPTS + 2)
    ids = [receipt["id"] for receipt in service.receipts]
    assert len(ids) == len(set(ids)) == BATCH_RECEIPTS + 1
    assert (service.counted("valid"), service.counted("invalid")) == (BATCH_RECEIPTS + 1, 1)
    assert receipts.waiting() == 0
    assert upload(receipts, URL, KEY, service) == Uploaded()
    assert len(service.bodies) == 2
    url, headers = service.asked[0]
    assert (url, headers["X-Desk-Key"]) == (f"{URL}/v1/verifier/receipts", KEY)
    assert max(len(body) for body in service.bodies.values()) < 64 * 1024


@pytest.mark.parametrize("status", [302, 400, 401, 403, 404, 413, 422, 429, 500, 503])
def test_what_is_not_taken_stays(receipts: Receipts, world: World, status: int) -> None:
    note(receipts, world, world.document_code())
    with pytest.raises(UploadFailed) as caught:
        upload(receipts, URL, KEY, Service(Fetched(status)))
    assert caught.value.code == ("desk_key_refused" if status in (401, 403) else "upload")
    assert receipts.waiting() == 1
    service = Service()
    assert upload(Receipts(receipts._path.parent), URL, KEY, service) == Uploaded(1, 1)


@pytest.mark.parametrize("url", ["http://vi.example.vn", "http://10.0.0.1", "http://127.0.0.1.example.vn", "nonsense"])
def test_a_desks_key_leaves_over_tls_alone(receipts: Receipts, world: World, url: str) -> None:
    note(receipts, world, world.document_code())
    service = Service()
    with pytest.raises(UploadFailed):
        upload(receipts, url, KEY, service)
    assert service.asked == []


@pytest.mark.parametrize("url", ["http://127.0.0.1:8000/", "http://localhost:8000", "http://[::1]:8000"])
def test_this_machine_needs_none(receipts: Receipts, world: World, url: str) -> None:
    note(receipts, world, world.document_code())
    assert upload(receipts, url, KEY, Service()) == Uploaded(1, 1)


@pytest.mark.parametrize("content", [b"", b"\n", b"two words", b"\xff", b"x" * 300, b"a\nb"])
def test_a_file_without_a_key_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "key"
    path.write_bytes(content)
    with pytest.raises(UploadFailed):
        read_desk_key(path)
    path.write_text(f"{KEY}\n")
    assert read_desk_key(path) == KEY


def test_a_file_that_is_no_store_is_unavailable(tmp_path: Path, world: World) -> None:
    (tmp_path / FILE).write_bytes(b"something else" * 100)
    with pytest.raises(Unavailable):
        note(Receipts(tmp_path), world, "x")


def test_a_gate_keeps_receipts_by_choice_only(world: World, tmp_path: Path) -> None:
    held = Held(tmp_path, world.pins)
    held.offer(world.bundle(), NOON)
    receipts = Receipts(tmp_path)
    for purpose, waiting in ((None, 0), ("hotel", 1)):
        gate = Gate(held, MemoryReplay(), receipts, FixedClock(), purpose=purpose)
        found = json_line(gate, json.dumps({"code": world.document_code()}))
        assert ("receipt_id" in found) is (purpose is not None)
        assert receipts.waiting() == waiting


def test_the_command_uploads_over_a_real_connection(
    receipts: Receipts, world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    note(receipts, world, world.document_code())
    key = tmp_path / "key"
    key.write_text(KEY)
    arguments = ["upload", "--store", str(tmp_path), "--desk-key-file", str(key), "--json", "--url"]
    assert main([*arguments, dead_address()]) == 2
    assert json.loads(capsys.readouterr().out)["error"] == "upload"
    with server(answer(302, Location="http://127.0.0.1:1/")) as url:
        assert main([*arguments, url]) == 2
    capsys.readouterr()
    seen: list[tuple[str, str | None, dict[str, object]]] = []

    def taking(request: BaseHTTPRequestHandler) -> None:
        body = json.loads(request.rfile.read(int(request.headers["Content-Length"])))
        seen.append((request.path, request.headers["X-Desk-Key"], body))
        answer(201, b"{}")(request)

    with server(taking) as url:
        for waiting in (1, 0):
            assert main([*arguments, url]) == 0
            assert json.loads(capsys.readouterr().out) == {
                "outcome": "uploaded",
                "receipts": waiting,
                "checks": waiting,
            }
    assert [(path, sent) for path, sent, _ in seen] == [("/v1/verifier/receipts", KEY)]


def test_a_store_that_is_not_there_is_not_made(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    missing = tmp_path / "none"
    key = tmp_path / "key"
    key.write_text(KEY)
    arguments = ["upload", "--store", str(missing), "--desk-key-file", str(key), "--json", "--url", URL]
    assert main(arguments) == 2
    assert json.loads(capsys.readouterr().out)["error"] == "store"
    assert not missing.exists()


def test_what_was_uploaded_is_not_left_on_the_disk(receipts: Receipts, world: World, tmp_path: Path) -> None:
    kept = note(receipts, world, world.document_code())
    assert kept is not None
    assert kept.encode() in (tmp_path / FILE).read_bytes()
    upload(receipts, URL, KEY, Service())
    assert kept.encode() not in (tmp_path / FILE).read_bytes()
    with sqlite3.connect(tmp_path / FILE) as connection:
        assert connection.execute("SELECT COUNT(*) FROM batches").fetchone() == (0,)
