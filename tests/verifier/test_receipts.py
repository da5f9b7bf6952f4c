"""Counts and receipts of offline checks: nothing personal, kept until they arrived, and arrived once."""

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import replace
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from tests.support import NOON, FixedClock
from tests.verifier.test_fetching import answer, dead_address, server
from tests.verifier.world import NAME_AND_TAIL, World
from wallet.errors import Unavailable
from wallet.texts.catalogue import catalogue
from wallet.verifier import MemoryReplay, Policy, judge
from wallet.verifier.__main__ import TRIES, main
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


def test_what_names_no_document_is_counted_and_has_no_receipt(receipts: Receipts, world: World) -> None:
    found = judge(world.document_code(), world.trust(), Policy(), NOON)
    assert found.document is not None
    unnamed = replace(found, document=replace(found.document, document_id=None))  # as of an SD-JWT VC and an mdoc
    assert receipts.note(unnamed, "airline_security") is None
    assert (receipts.waiting(), receipts.counts()["valid"]) == (0, 1)


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
    assert caught.value.code == "upload"
    assert receipts.waiting() == 1
    service = Service()
    assert upload(Receipts(receipts._path.parent), URL, KEY, service) == Uploaded(1, 1)


PORTAL = b"<h1>Sign in to the airport's network</h1>"
OF_THE_KEY = {
    "unknown, wrong or revoked": (401, "application/problem+json", b'{"code": "invalid_desk_key"}', "desk_key_refused"),
    "the organisation is suspended": (
        *(401, "application/problem+json", b'{"code": "desk_key_suspended"}'),
        "desk_key_suspended",
    ),
    "lost on the way": (401, "application/problem+json", b'{"code": "desk_key_missing"}', "upload"),
    "a portal": (401, "text/html", PORTAL, "upload"),
    "a portal that says what the service says": (401, "text/html", b'{"code": "invalid_desk_key"}', "upload"),
    "a proxy": (403, "text/html", PORTAL, "upload"),
    "another service": (403, "application/problem+json", b'{"code": "not_allowed"}', "upload"),
}


@pytest.mark.parametrize(("status", "media_type", "body", "code"), OF_THE_KEY.values(), ids=OF_THE_KEY)
def test_only_the_service_says_of_a_key_that_it_is_no_good(
    receipts: Receipts, world: World, status: int, media_type: str, body: bytes, code: str
) -> None:
    note(receipts, world, world.document_code())
    with pytest.raises(UploadFailed) as caught:
        upload(receipts, URL, KEY, Service(Fetched(status, {"content-type": media_type}, body)))
    assert (caught.value.code, caught.value.values["detail"]) == (code, f"HTTP {status}")
    assert (receipts.waiting(), receipts.refused()) == (1, [])
    for language, asks in (("vi", "khóa mới rồi"), ("en", "for a new key, then")):
        words = catalogue(language)["verifier"][f"error.{code}"]
        assert (asks in words) is (code == "desk_key_refused")
        assert "{detail}" in words


# ── refused for good ──


def problem(status: int, code: str, *pointers: str) -> Fetched:
    """Return a refusal as the service words it."""
    errors = [{"pointer": pointer, "code": "out_of_range", "detail": "…"} for pointer in pointers]
    body = {"status": status, "code": code} | ({"errors": errors} if errors else {})
    return Fetched(status, {"content-type": "application/problem+json"}, json.dumps(body).encode())


def test_one_receipt_that_is_refused_for_good_holds_nothing_up(receipts: Receipts, world: World) -> None:
    kept = [note(receipts, world, world.document_code(document_id=n.to_bytes(16, "big"))) for n in range(3)]
    service = Service(problem(422, "invalid_input", "/receipts/1/checked_at", "/receipts/1/purpose"))
    done = upload(receipts, URL, KEY, service)
    assert [receipt["id"] for receipt in service.receipts] == [kept[0], kept[2]]
    assert service.counted("valid") == 3, "a check was one, whatever became of its receipt"
    assert (done.receipts, done.checks, done.refused) == (2, 3, 1)
    first, second = (headers["Idempotency-Key"] for _, headers in service.asked)
    assert first != second, "another body under the same key is refused too"
    assert receipts.waiting() == 0
    (refused,) = receipts.refused()
    assert (refused.code, refused.receipts, refused.checks) == ("out_of_range", 1, 0)
    note(receipts, world, world.document_code())
    assert upload(receipts, URL, KEY, service) == Uploaded(1, 1)


def test_a_batch_that_is_refused_whole_holds_nothing_up(receipts: Receipts, world: World) -> None:
    for n in range(BATCH_RECEIPTS + 1):
        note(receipts, world, world.document_code(document_id=n.to_bytes(16, "big")))
    service = Service(problem(413, "body_too_large"))
    done = upload(receipts, URL, KEY, service)
    assert (done.receipts, done.checks, done.refused) == (1, 0, BATCH_RECEIPTS)
    (refused,) = receipts.refused()
    assert (refused.code, refused.receipts, refused.checks) == ("body_too_large", BATCH_RECEIPTS, BATCH_RECEIPTS + 1)
    assert receipts.waiting() == 0


def test_counts_that_are_refused_take_no_receipt_with_them(receipts: Receipts, world: World) -> None:
    note(receipts, world, world.document_code())
    done = upload(receipts, URL, KEY, Service(problem(422, "invalid_input", "/counts/valid")))
    assert (done.receipts, done.checks, done.refused) == (1, 0, 0)
    (refused,) = receipts.refused()
    assert (refused.receipts, refused.checks) == (0, 1)


@pytest.mark.parametrize("pointers", [("/receipts/7/purpose",), ("/receipts/x",), ("/receipts",), ("/else/0",), ("",)])
def test_a_refusal_that_names_nothing_of_the_batch_means_all_of_it(
    receipts: Receipts, world: World, pointers: tuple[str, ...]
) -> None:
    note(receipts, world, world.document_code())
    done = upload(receipts, URL, KEY, Service(problem(422, "invalid_input", *pointers)))
    assert (done.receipts, done.refused, receipts.waiting()) == (0, 1, 0)


@pytest.mark.parametrize(
    "answer",
    [
        Fetched(422, {"content-type": "text/html"}, b"<h1>Sign in to the airport's network</h1>"),
        Fetched(422, {"content-type": "application/problem+json"}, b"[]"),
        Fetched(422, {"content-type": "application/problem+json"}, b'{"code": 7}'),
        Fetched(422, {"content-type": "application/problem+json"}, b'{"code": "\\u001b[2J"}'),
        Fetched(400, {"content-type": "application/problem+json"}, b"{"),
        problem(401, "invalid_desk_key"),
        problem(404, "unknown_route"),
        problem(429, "too_many_checks"),
        problem(503, "storage_unavailable"),
    ],
)
def test_only_the_services_own_word_sets_anything_aside(receipts: Receipts, world: World, answer: Fetched) -> None:
    note(receipts, world, world.document_code())
    with pytest.raises(UploadFailed):
        upload(receipts, URL, KEY, Service(answer))
    assert (receipts.waiting(), receipts.refused()) == (1, [])


def test_what_was_refused_is_sent_again_or_erased_when_somebody_says_so(
    receipts: Receipts, world: World, tmp_path: Path
) -> None:
    kept = note(receipts, world, world.document_code())
    assert kept is not None
    refusal = problem(422, "invalid_input", "/receipts/0/purpose", "/counts")
    upload(receipts, URL, KEY, Service(refusal))
    assert receipts.take_back() == 1
    assert (receipts.refused(), receipts.waiting(), receipts.counts()["valid"]) == ([], 1, 1)
    service = Service(refusal)
    upload(receipts, URL, KEY, service)
    assert kept.encode() in (tmp_path / FILE).read_bytes()
    assert receipts.drop_refused() == 1
    assert kept.encode() not in (tmp_path / FILE).read_bytes()
    assert (receipts.refused(), receipts.take_back(), receipts.waiting()) == ([], 0, 0)
    assert upload(receipts, URL, KEY, service) == Uploaded()


def test_two_that_upload_at_once_set_a_batch_aside_once(receipts: Receipts, world: World) -> None:
    note(receipts, world, world.document_code())
    batch = receipts.next_batch()
    assert batch is not None
    for _ in range(2):
        receipts.set_aside(batch, {None: "out_of_range"}, NOON)
    assert [refused.checks for refused in receipts.refused()] == [1]
    assert receipts.waiting() == 1


# ── passing trouble ──


@pytest.mark.parametrize(
    "trouble", [FetchFailed("unreachable"), FetchFailed("too_slow"), Fetched(500), Fetched(503), Fetched(429)]
)
def test_what_passes_is_tried_again_later_and_later(
    receipts: Receipts, world: World, trouble: Fetched | FetchFailed
) -> None:
    note(receipts, world, world.document_code())
    pauses: list[float] = []
    service = Service(trouble, trouble, trouble)
    assert upload(receipts, URL, KEY, service, tries=4, pause=pauses.append) == Uploaded(1, 1)
    assert len({headers["Idempotency-Key"] for _, headers in service.asked}) == 1
    assert 7.5 <= pauses[0] <= 15 <= pauses[1] <= 30 <= pauses[2] <= 60


def test_the_services_own_wish_is_waited_for(receipts: Receipts, world: World) -> None:
    note(receipts, world, world.document_code())
    pauses: list[float] = []
    busy = Fetched(429, {"retry-after": "40"})
    assert upload(receipts, URL, KEY, Service(busy), tries=2, pause=pauses.append) == Uploaded(1, 1)
    assert pauses == [40]
    note(receipts, world, world.document_code())
    with pytest.raises(UploadFailed):
        upload(receipts, URL, KEY, Service(Fetched(503, {"retry-after": "86400"})), tries=9, pause=pauses.append)
    assert pauses == [40], "a later call may try again; this one does not sleep for a day"


def test_a_command_gives_up_and_keeps_everything(receipts: Receipts, world: World) -> None:
    note(receipts, world, world.document_code())
    pauses: list[float] = []
    with pytest.raises(UploadFailed):
        upload(receipts, URL, KEY, Service(*[Fetched(503)] * TRIES), tries=TRIES, pause=pauses.append)
    assert (len(pauses), receipts.waiting()) == (TRIES - 1, 1)
    with pytest.raises(UploadFailed):
        upload(receipts, URL, KEY, Service(problem(401, "invalid_desk_key")), tries=TRIES, pause=pauses.append)
    assert len(pauses) == TRIES - 1, "waiting makes no key good"


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
    arguments = ["upload", "--store", str(tmp_path), "--desk-key-file", str(key), "--tries", "1", "--json", "--url"]
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


def test_the_command_says_what_was_refused_and_what_to_do(
    receipts: Receipts, world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for n in range(2):
        note(receipts, world, world.document_code(document_id=n.to_bytes(16, "big")))
    key = tmp_path / "key"
    key.write_text(KEY)
    refusal = problem(422, "invalid_input", "/receipts/0/checked_at")
    answers = [answer(422, refusal.body, **{"Content-Type": "application/problem+json"})]

    def taking(request: BaseHTTPRequestHandler) -> None:
        request.rfile.read(int(request.headers["Content-Length"]))
        (answers.pop() if answers else answer(204))(request)

    upload_it = ["upload", "--store", str(tmp_path), "--desk-key-file", str(key), "--url"]
    look = ["refused", "--store", str(tmp_path)]
    with server(taking) as url:
        assert main([*upload_it, url]) == 2, "not everything has arrived"
        said = capsys.readouterr()
        assert "Đã gửi 1 biên nhận, 2 lượt kiểm tra." in said.out
        assert "từ chối hẳn 1 biên nhận" in said.err
        assert f"python -m wallet.verifier refused --store {tmp_path}" in said.err
        assert main([*upload_it, url, "--json"]) == 0, "it does not hold up the next"
        assert json.loads(capsys.readouterr().out)["set_aside"] == {"receipts": 1, "checks": 0}
        assert main([*look, "--lang", "en"]) == 0
        assert "out_of_range" in capsys.readouterr().out
        assert main([*look, "--again", "--json"]) == 0
        assert json.loads(capsys.readouterr().out) == {"outcome": "again", "receipts": 1}
        assert main([*upload_it, url, "--json"]) == 0
        assert json.loads(capsys.readouterr().out) == {"outcome": "uploaded", "receipts": 1, "checks": 0}
    assert main([*look, "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"outcome": "kept", "refused": []}
    assert main([*look, "--drop", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"outcome": "dropped", "receipts": 0}
    assert main([*look, "--drop", "--again", "--json"]) == 2
    assert json.loads(capsys.readouterr().out)["error"] == "usage"


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
