"""The bundle of a gate is renewed by its own rules, whatever the network does; its age is told honestly."""

import json
import threading
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA65PrivateKey

from tests.support import NOON, FixedClock, SeededEntropy
from tests.verifier.test_fetching import answer, dead_address, server
from tests.verifier.world import World, make_signer
from wallet.crypto.certificates import self_signed
from wallet.crypto.post_quantum import PostQuantumSigner
from wallet.formats.second_keys import SecondKey
from wallet.formats.trust_bundle import MAX_BUNDLE_CHARACTERS, bundle_digest, pin_of, sign_bundle
from wallet.formats.two_signatures import add_second_signature
from wallet.verifier import BundleStore
from wallet.verifier.__main__ import main
from wallet.verifier.fetching import Fetched, FetchFailed, UrllibFetching
from wallet.verifier.refreshing import Background, Held, Level, Refreshed, Refreshing, bundle_url, pause_after, state_of

URL = "https://vi.example.vn"


class Scripted:
    """A network that answers as it was told to, and notes what it was asked."""

    def __init__(self, *answers: Fetched | FetchFailed) -> None:
        self.answers = list(answers)
        self.asked: list[tuple[str, dict[str, str]]] = []

    def __call__(self, url: str, headers: Mapping[str, str], body: bytes | None = None, *, most: int = 0) -> Fetched:
        self.asked.append((url, dict(headers)))
        found = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(found, FetchFailed):
            raise found
        return found


def came(token: str, etag: str = "") -> Fetched:
    return Fetched(200, {"etag": etag} if etag else {}, token.encode())


@pytest.fixture
def held(world: World, tmp_path: Path) -> Held:
    """A store that holds bundle 5."""
    held = Held(tmp_path, world.pins)
    held.offer(world.bundle(), NOON)
    return held


def once(held: Held, tmp_path: Path, *answers: Fetched | FetchFailed) -> Refreshed:
    return Refreshing(tmp_path, held, URL, Scripted(*answers)).once(NOON)


def test_a_newer_bundle_is_taken_and_outlives_the_process(world: World, held: Held, tmp_path: Path) -> None:
    follower = world.bundle(seq=6, prev=bundle_digest(world.bundle()))
    before = held.bundle()
    assert before is not None
    follower = world.bundle(seq=6, prev=bundle_digest(before.token))
    assert once(held, tmp_path, came(follower)) == Refreshed("taken")
    for each in (held, Held(tmp_path, world.pins)):
        found = each.bundle()
        assert found is not None
        assert found.seq == 6


def refused_bundles(world: World) -> dict[str, tuple[str, str]]:
    stranger = make_signer("stranger")
    whole = world.bundle(seq=9)
    body = whole.split(".")
    return {
        "rolled back": (world.bundle(seq=4), "seq_not_higher"),
        "another of the same number": (world.bundle(seq=5, next_update=NOON), "seq_not_higher"),
        "does not follow": (world.bundle(seq=6, prev="A" * 43), "prev_differs"),
        "without what came before": (world.bundle(seq=6), "prev_differs"),
        "signed by a stranger": (sign_bundle(world.content(seq=9), stranger), "key_not_allowed"),
        "unsigned": (f"{body[0]}.{body[1]}.", "bad_signature"),
        "another's signature": (f"{body[0]}.{body[1]}.{world.bundle(seq=10).split('.')[2]}", "bad_signature"),
        "from the future": (world.bundle(seq=9, issued_at=NOON + timedelta(hours=1)), "not_yet_valid"),
        "garbage": ("<html>captive portal</html>", "malformed"),
        "nothing": ("", "malformed"),
        "a status list": (world.status_jwt(), "wrong_type"),
    }


@pytest.mark.parametrize("kind", list(refused_bundles(World())))
def test_what_is_refused_leaves_what_is_held(world: World, held: Held, tmp_path: Path, kind: str) -> None:
    token, reason = refused_bundles(world)[kind]
    before, stored = held.bundle(), (tmp_path / "bundle.jws").read_bytes()
    found = once(held, tmp_path, came(token, '"new"'))
    assert (found.outcome, found.reason) == ("refused", reason)
    assert held.bundle() == before
    assert (tmp_path / "bundle.jws").read_bytes() == stored
    assert not (tmp_path / "bundle.etag").exists(), "the name of a bundle that was refused is not kept"


def test_a_wrong_pin_takes_nothing(world: World, tmp_path: Path) -> None:
    held = Held(tmp_path, [pin_of(make_signer("other").certificate_der)])
    found = once(held, tmp_path, came(world.bundle()))
    assert (found.outcome, found.reason) == ("refused", "key_not_allowed")
    assert held.bundle() is None
    assert not (tmp_path / "bundle.jws").exists()


@pytest.mark.parametrize(
    "trouble",
    [FetchFailed("unreachable"), FetchFailed("too_slow"), *(Fetched(status) for status in (500, 404, 304, 204))],
)
def test_whatever_fails_leaves_what_is_held(held: Held, tmp_path: Path, trouble: Fetched | FetchFailed) -> None:
    before = held.bundle()
    assert once(held, tmp_path, trouble).outcome == "failed"
    assert held.bundle() == before


def test_the_name_of_what_is_held_is_sent_and_no_other(world: World, held: Held, tmp_path: Path) -> None:
    token = world.bundle(seq=7)
    network = Scripted(came(token, '"seven"'), Fetched(304), came(token, '"seven"'))
    refreshing = Refreshing(tmp_path, held, URL, network)
    assert [refreshing.once(NOON).outcome for _ in range(3)] == ["taken", "unchanged", "unchanged"]
    assert network.asked[0][0] == f"{URL}/v1/trust/bundle"
    assert "If-None-Match" not in network.asked[0][1]
    assert network.asked[1][1]["If-None-Match"] == '"seven"'
    held.offer(world.bundle(seq=8, prev=bundle_digest(token)), NOON)  # by another process: its name is not known
    refreshing.once(NOON)
    assert "If-None-Match" not in network.asked[3][1]


@pytest.mark.parametrize("etag", ["", 'W/"x"\r\nX-Evil: 1', "é", "x" * 5000])
def test_a_name_that_is_none_is_not_kept(world: World, held: Held, tmp_path: Path, etag: str) -> None:
    network = Scripted(came(world.bundle(seq=7), etag))
    refreshing = Refreshing(tmp_path, held, URL, network)
    refreshing.once(NOON)
    refreshing.once(NOON)
    assert "If-None-Match" not in network.asked[1][1]


def test_a_bundle_another_process_took_is_seen_and_an_older_file_is_not(
    world: World, held: Held, tmp_path: Path
) -> None:
    stored = (tmp_path / "bundle.jws").read_bytes()
    Held(tmp_path, world.pins).offer(world.bundle(seq=8), NOON)
    found = held.bundle()
    assert found is not None
    assert found.seq == 8
    (tmp_path / "bundle.jws").write_bytes(stored)  # put back by somebody
    for content in (stored, b"junk", b""):
        (tmp_path / "bundle.jws").write_bytes(content)
        kept = held.bundle()
        assert kept is not None
        assert kept.seq == 8
    (tmp_path / "bundle.jws").write_bytes(stored)
    assert once(held, tmp_path, came(world.bundle(seq=7))).reason == "seq_not_higher"


@pytest.mark.parametrize(
    ("age", "level"),
    [
        (timedelta(), Level.FRESH),
        (timedelta(hours=22, minutes=59), Level.FRESH),
        (timedelta(hours=23), Level.USABLE),
        (timedelta(hours=70, minutes=59), Level.USABLE),
        (timedelta(hours=71), Level.TOO_OLD),
        (timedelta(days=-1), Level.TOO_OLD),
    ],
)
def test_how_far_a_bundle_carries_is_told_honestly(world: World, age: timedelta, level: Level) -> None:
    found = state_of(world.trust(), NOON + age)
    assert found.level is level
    assert found.bundle_age_seconds == int(age.total_seconds()) + 3600
    assert found.lists_age_seconds == int(age.total_seconds()) + 600
    assert (found.seq, found.issuers) == (5, 1)


def test_a_list_that_is_over_makes_it_too_old(world: World) -> None:
    trust = world.trust(world.status_jwt(expires_at=NOON + timedelta(hours=1)))
    assert state_of(trust, NOON + timedelta(minutes=59)).level is Level.FRESH
    assert state_of(trust, NOON + timedelta(hours=1)).level is Level.TOO_OLD


def test_nothing_held_is_told_without_an_age() -> None:
    assert state_of(None, NOON).json() == {"level": "none", "issuers": 0}


def test_attempts_are_spread_and_come_later_while_they_fail() -> None:
    entropy = SeededEntropy("jitter")
    calm = [pause_after(0, 300, entropy) for _ in range(200)]
    assert all(240 <= pause <= 360 for pause in calm)
    assert len(set(calm)) > 190
    for failures, longest in ((1, 15), (2, 30), (3, 60), (7, 900), (10**6, 900)):
        pauses = [pause_after(failures, 300, entropy) for _ in range(200)]
        assert all(longest / 2 <= pause <= longest for pause in pauses)
    assert max(pauses) - min(pauses) > 300


def test_in_the_background_it_goes_on_after_failures(world: World, held: Held, tmp_path: Path) -> None:
    taken = threading.Event()
    token = world.bundle(seq=7)

    class Flaky(Scripted):
        def __call__(self, *asked: Any, **options: Any) -> Fetched:
            found = super().__call__(*asked, **options)
            taken.set()
            return found

    class NoWait(SeededEntropy):
        def bytes(self, count: int) -> bytes:
            return bytes(count)

    network = Flaky(FetchFailed("unreachable"), came(token))
    background = Background(Refreshing(tmp_path, held, URL, network), FixedClock(), every=0.01, entropy=NoWait())
    background._stop.wait = lambda _=None: background._stop.is_set()  # type: ignore[method-assign, assignment]
    background.start()
    assert taken.wait(10)
    background.stop()
    background._thread.join(10)
    found = held.bundle()
    assert found is not None
    assert found.seq == 7
    assert background.last is not None
    assert background.last.ok
    assert background.failures == 0


@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("https://vi.example.vn/", f"{URL}/v1/trust/bundle"),
        ("https://vi.example.vn/v1/trust/bundle", f"{URL}/v1/trust/bundle"),
        ("https://vi.example.vn/behind/", f"{URL}/behind/v1/trust/bundle"),
    ],
)
def test_a_service_and_its_bundle_are_both_an_address(url: str, found: str) -> None:
    assert bundle_url(url) == found


# ── with a real server, as `python -m wallet.verifier refresh` ──


def refresh(url: str, world: World, store: Path, *more: str) -> int:
    return main(["refresh", "--url", url, "--pin", world.pins[0], "--store", str(store), "--json", *more])


def current(world: World, **changes: object) -> str:
    """Return a bundle of this very hour: the command has no clock but the system's."""
    from wallet.clock import SystemClock

    now = SystemClock().now()
    times = {"issued_at": now, "next_update": now + timedelta(hours=24), "expires_at": now + timedelta(hours=72)}
    fresh = world.status_jwt(issued_at=now, expires_at=now + timedelta(hours=72))
    return world.bundle(fresh, **(times | changes))


def test_the_command_takes_a_bundle_and_then_finds_nothing_new(
    world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    token = current(world)

    def serving(request: BaseHTTPRequestHandler) -> None:
        same = request.headers.get("If-None-Match") == '"5"'
        (answer(304) if same else answer(200, token.encode(), ETag='"5"'))(request)

    with server(serving) as url:
        assert refresh(url, world, tmp_path / "store") == 0
        first = json.loads(capsys.readouterr().out)
        assert (first["outcome"], first["state"]["level"]) == ("taken", "fresh")
        assert refresh(url, world, tmp_path / "store") == 0
        assert json.loads(capsys.readouterr().out)["outcome"] == "unchanged"
        assert main(["refresh", "--url", url, "--pin", world.pins[0], "--store", str(tmp_path / "store")]) == 0
    assert "Gói tin cậy còn mới" in capsys.readouterr().out


def test_the_command_says_when_nothing_new_could_be_taken(
    world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store = tmp_path / "store"
    with server(answer(200, current(world).encode())) as url:
        assert refresh(url, world, store) == 0
    stored = (store / "bundle.jws").read_bytes()
    capsys.readouterr()
    troubles = {
        "seq_not_higher": answer(200, current(world, seq=4).encode()),
        "prev_differs": answer(200, current(world, seq=6, prev="A" * 43).encode()),
        "malformed": answer(200, b"\xff\x00" * 100),
        "http_503": answer(503),
        "sent_elsewhere": answer(302, Location="http://127.0.0.1:1/"),
    }
    for reason, answering in troubles.items():
        with server(answering) as url:
            assert refresh(url, world, store) == 2
        found = json.loads(capsys.readouterr().out)
        assert (found["reason"], found["state"]["level"]) == (reason, "fresh")
    assert refresh(dead_address(), world, store) == 2
    assert json.loads(capsys.readouterr().out)["reason"] == "unreachable"
    assert (store / "bundle.jws").read_bytes() == stored


def test_a_huge_bundle_is_not_read_to_its_end(world: World, held: Held, tmp_path: Path) -> None:
    sent = [0]

    def endless(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.end_headers()
        while True:
            request.wfile.write(b"x" * 1_000_000)
            sent[0] += 1_000_000

    with server(endless) as url:
        found = Refreshing(tmp_path, held, url, UrllibFetching(30)).once(NOON)
    assert (found.outcome, found.reason) == ("failed", "too_large")
    assert sent[0] < 2 * MAX_BUNDLE_CHARACTERS


@pytest.mark.parametrize("url", ["nonsense", "file:///etc/passwd", "https://x/?a=1", "https://user@x/"])
def test_an_address_that_is_none_is_an_error_of_the_command(
    world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str], url: str
) -> None:
    assert refresh(url, world, tmp_path / "store") == 2
    assert json.loads(capsys.readouterr().out)["error"] == "address"


def test_who_demands_two_signatures_asks_for_both_and_takes_no_bundle_with_one(
    world: World, held: Held, tmp_path: Path
) -> None:
    network = Scripted(came(world.bundle(seq=9)))
    found = Refreshing(tmp_path, held, URL, network, ["0" * 64]).once(NOON)
    assert (found.outcome, found.reason) == ("refused", "malformed")
    assert network.asked[0][1]["Accept"] == "application/jose+json"


def test_content_of_the_bundle_is_unchanged_by_its_ages(world: World) -> None:
    trust = world.trust()
    assert trust.lists_issued_at == int((NOON - timedelta(minutes=10)).timestamp())
    assert replace(trust, lists_issued_at=None).lists_issued_at is None


# --- Who demands two signatures -------------------------------------------------------------------------------------


def post_quantum(seed: int) -> PostQuantumSigner:
    private = MLDSA65PrivateKey.from_seed_bytes(bytes([seed]) * 32)
    return PostQuantumSigner(private, self_signed(private, "second", NOON, NOON + timedelta(days=9), SeededEntropy()))


def second_key(signer: PostQuantumSigner, state: str) -> SecondKey:
    start = int(NOON.timestamp())
    return SecondKey(pin_of(signer.certificate_der), "ML-DSA-65", "bundle", start - 86_400, start + 86_400, state)


def test_a_revoked_second_key_counts_no_more_for_who_demands_two_also_after_a_restart(
    world: World, tmp_path: Path
) -> None:
    burnt, new = post_quantum(1), post_quantum(2)
    pins = [pin_of(burnt.certificate_der), pin_of(new.certificate_der)]

    def offered(seq: int, signer: PostQuantumSigner, *told: SecondKey, pins: list[str] = pins) -> Refreshed:
        text = add_second_signature(world.bundle(seq=seq, second_keys=told), signer)
        return Refreshing(tmp_path, Held(tmp_path, world.pins), URL, Scripted(came(text)), pins).once(NOON)

    assert offered(5, burnt, second_key(burnt, "active"), second_key(new, "published")).outcome == "taken"
    refused = offered(7, new, second_key(burnt, "revoked"), second_key(new, "active"), pins=pins[:1])
    assert (refused.outcome, refused.reason) == ("refused", "key_not_allowed")
    assert offered(7, burnt, second_key(burnt, "revoked")).reason == "key_not_allowed"
    assert offered(7, new, second_key(burnt, "revoked"), second_key(new, "active")).outcome == "taken"
    for told in ((), (second_key(burnt, "active"),)):
        refused = offered(9, burnt, *told)
        assert (refused.reason, refused.detail) == ("key_not_allowed", "the second key is revoked")
    kept = Held(tmp_path, world.pins).bundle()
    assert kept is not None
    assert kept.seq == 7
    once_signed = world.bundle(seq=9)
    assert once(Held(tmp_path, world.pins), tmp_path, came(once_signed)).outcome == "taken", "one signature is enough"


def test_second_keys_that_are_not_told_right_are_refused_by_who_demands_two(world: World, tmp_path: Path) -> None:
    signer = post_quantum(1)
    pin = pin_of(signer.certificate_der)
    told = world.bundle(second_keys=(replace(second_key(signer, "active"), state="burnt"),))
    text = add_second_signature(told, signer)
    held = Held(tmp_path, world.pins)
    assert Refreshing(tmp_path, held, URL, Scripted(came(text)), [pin]).once(NOON).reason == "malformed"
    assert held.bundle() is None
    assert once(held, tmp_path, came(told)).outcome == "taken", "who demands one passes them over"


def test_check_with_a_store_heeds_what_the_bundle_held_says(
    world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    burnt, code = post_quantum(1), world.document_code()
    store, file = tmp_path / "store", tmp_path / "bundle"
    BundleStore(store).offer(world.bundle(seq=6, second_keys=(second_key(burnt, "revoked"),)), world.pins, NOON)
    file.write_text(add_second_signature(world.bundle(seq=8), burnt))
    pins = ["--pin", world.pins[0], "--second-pin", pin_of(burnt.certificate_der)]
    arguments = ["check", code, "--bundle", str(file), *pins, "--at", NOON.isoformat()]
    assert main(arguments) == 0, "the pin alone vouches, where nothing else is known"
    main([*arguments, "--store", str(store)])
    assert "the second key is revoked" in capsys.readouterr().err
    kept = BundleStore(store).held(world.pins)
    assert kept is not None
    assert kept.seq == 6


def test_with_another_root_a_revoked_second_key_still_counts_no_more(
    world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What the bundle held says of second keys outlives the pin of its root."""
    burnt, new, root, code = post_quantum(1), post_quantum(2), make_signer("next root"), world.document_code()
    store, file, pins = tmp_path / "store", tmp_path / "bundle", [pin_of(root.certificate_der)]
    BundleStore(store).offer(world.bundle(seq=6, second_keys=(second_key(burnt, "revoked"),)), world.pins, NOON)
    seconds = [pin_of(burnt.certificate_der), pin_of(new.certificate_der)]
    given = ["--pin", pins[0], *(word for pin in seconds for word in ("--second-pin", pin)), "--store", str(store)]
    arguments = ["check", code, "--bundle", str(file), *given, "--at", NOON.isoformat()]

    text = add_second_signature(sign_bundle(world.content(seq=8), root), burnt)
    refused = Refreshing(store, Held(store, pins), URL, Scripted(came(text)), seconds).once(NOON)
    assert (refused.reason, refused.detail) == ("key_not_allowed", "the second key is revoked")
    file.write_text(text)
    assert main(arguments) == 2
    assert "CANNOT TELL" in capsys.readouterr().out

    text = add_second_signature(sign_bundle(world.content(seq=8, second_keys=(second_key(new, "active"),)), root), new)
    assert Refreshing(store, Held(store, pins), URL, Scripted(came(text)), seconds).once(NOON).outcome == "taken"
    file.write_text(text)
    assert main(arguments) == 0


def test_a_gate_that_dropped_the_old_root_takes_what_the_new_one_signs(world: World, tmp_path: Path) -> None:
    held = Held(tmp_path, world.pins)
    held.offer(world.bundle(seq=5), NOON)
    root = make_signer("next root")
    restarted = Held(tmp_path, [pin_of(root.certificate_der)])
    assert restarted.bundle() is None, "it judges nothing by a root without pin"
    token = sign_bundle(world.content(seq=7), root)
    assert once(restarted, tmp_path, came(token)).outcome == "taken"
    found = restarted.bundle()
    assert found is not None
    assert found.token == token
    assert once(restarted, tmp_path, came(world.bundle(seq=9))).reason == "key_not_allowed"
