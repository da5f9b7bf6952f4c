"""Taking a bundle and keeping it: pins, sequence, and what a restart must not forget. Source: docs/wire.md, 4."""

import multiprocessing
from datetime import timedelta
from pathlib import Path

import pytest

from tests.support import NOON, FixedClock
from tests.verifier.world import ISSUER, SECOND, World, make_signer
from wallet.formats.trust_bundle import bundle_digest, pin_of, sign_bundle
from wallet.verifier import BundleRefused, BundleStore, TrustedBundle


def take(world: World, token: str, held: TrustedBundle | None = None) -> TrustedBundle:
    return TrustedBundle.from_jws(token, world.pins, NOON, held)


def refusal(world: World, token: str, held: TrustedBundle | None = None) -> str:
    with pytest.raises(BundleRefused) as caught:
        take(world, token, held)
    return caught.value.reason


def test_a_bundle_is_parsed_once_into_what_judging_needs(world: World) -> None:
    bundle = take(world, world.bundle())
    assert (bundle.seq, bundle.iat, bundle.exp) == (5, int(NOON.timestamp()) - 3600, int(NOON.timestamp()) + 71 * 3600)
    assert bundle.next_update == int(NOON.timestamp()) + 23 * 3600
    key = bundle.keys[ISSUER, world.doc.kid]
    assert key.public_key is bundle.keys[ISSUER, world.doc.kid].public_key
    assert (key.role, key.revoked, key.utilities) == ("doc", False, {"*"})
    assert bundle.types["residence", 1].claims[1].name == "full_name"


def test_a_wrong_pin_is_refused(world: World) -> None:
    with pytest.raises(BundleRefused, match="key_not_allowed"):
        TrustedBundle.from_jws(world.bundle(), ["0" * 64], NOON)
    with pytest.raises(BundleRefused, match="key_not_allowed"):
        TrustedBundle.from_jws(world.bundle(), [], NOON)


def test_another_root_is_refused_and_a_second_pin_lets_it_in(world: World) -> None:
    other = make_signer("other root")
    token = sign_bundle(world.content(), other)
    assert refusal(world, token) == "key_not_allowed"
    assert TrustedBundle.from_jws(token, [*world.pins, pin_of(other.certificate_der)], NOON).seq == 5


@pytest.mark.parametrize("token", ["", "x", "a.b.c", "\ud800", "e30.e30.AA", "é"])
def test_text_that_is_no_bundle_is_refused(world: World, token: str) -> None:
    assert refusal(world, token) == "malformed"


def test_a_changed_bundle_is_refused(world: World) -> None:
    token = world.bundle()
    head, payload, signature = token.split(".")
    changed = payload[:50] + ("A" if payload[50] != "A" else "B") + payload[51:]
    assert refusal(world, f"{head}.{changed}.{signature}") == "bad_signature"
    assert refusal(world, f"{head}.{payload}.{'A' * 86}") == "bad_signature"


def test_a_status_list_is_no_bundle(world: World) -> None:
    assert refusal(world, world.status_jwt()) == "wrong_type"


def test_a_bundle_from_the_future_is_refused(world: World) -> None:
    assert take(world, world.bundle(issued_at=NOON + 60 * SECOND)).seq == 5
    assert refusal(world, world.bundle(issued_at=NOON + 61 * SECOND)) == "not_yet_valid"


def test_a_stale_bundle_is_taken_and_judges_nothing_valid(world: World) -> None:
    assert take(world, world.bundle(expires_at=NOON - timedelta(minutes=30))).seq == 5


def test_the_sequence_only_rises(world: World) -> None:
    held = take(world, world.bundle(seq=5))
    for seq in (0, 4, 5):
        assert refusal(world, world.bundle(seq=seq, prev=bundle_digest(held.token)), held) == "seq_not_higher"
    assert take(world, world.bundle(seq=6, prev=bundle_digest(held.token)), held).seq == 6


def test_the_next_bundle_names_the_one_held(world: World) -> None:
    held = take(world, world.bundle(seq=5))
    assert refusal(world, world.bundle(seq=6), held) == "prev_differs"
    assert refusal(world, world.bundle(seq=6, prev="A" * 43), held) == "prev_differs"
    assert refusal(world, world.bundle(seq=6, prev=bundle_digest(world.bundle(seq=4))), held) == "prev_differs"


def test_a_bundle_further_on_need_not_name_the_one_held(world: World) -> None:
    held = take(world, world.bundle(seq=5))
    assert take(world, world.bundle(seq=7, prev="A" * 43), held).seq == 7
    assert take(world, world.bundle(seq=100), held).seq == 100


def test_the_first_bundle_may_have_any_number(world: World) -> None:
    assert take(world, world.bundle(seq=0)).seq == 0
    assert take(world, world.bundle(seq=9, prev="A" * 43)).seq == 9


# the store


def test_the_store_is_empty_at_first_and_then_holds(world: World, tmp_path: Path) -> None:
    store = BundleStore(tmp_path / "store")
    assert store.held(world.pins) is None
    taken = store.offer(world.bundle() + "\n", world.pins, NOON)
    held = BundleStore(tmp_path / "store").held(world.pins)
    assert held is not None
    assert (held.seq, held.token) == (taken.seq, taken.token)


def test_an_older_bundle_is_refused_after_a_restart(world: World, tmp_path: Path) -> None:
    BundleStore(tmp_path).offer(world.bundle(seq=5), world.pins, NOON)
    for seq in (4, 5):
        with pytest.raises(BundleRefused, match="seq_not_higher"):
            BundleStore(tmp_path).offer(world.bundle(seq=seq, iss="https://else"), world.pins, NOON)
    held = BundleStore(tmp_path).held(world.pins)
    assert held is not None
    assert (held.seq, held.iss) == (5, "https://vi.example.vn")


def test_the_very_bundle_held_is_no_error(world: World, tmp_path: Path) -> None:
    token = world.bundle()
    for _ in range(2):
        assert BundleStore(tmp_path).offer(token, world.pins, NOON).token == token


def test_prev_is_checked_after_a_restart(world: World, tmp_path: Path) -> None:
    token = world.bundle(seq=5)
    BundleStore(tmp_path).offer(token, world.pins, NOON)
    with pytest.raises(BundleRefused, match="prev_differs"):
        BundleStore(tmp_path).offer(world.bundle(seq=6), world.pins, NOON)
    assert BundleStore(tmp_path).offer(world.bundle(seq=6, prev=bundle_digest(token)), world.pins, NOON).seq == 6


def test_a_refused_bundle_leaves_what_is_held(world: World, tmp_path: Path) -> None:
    store = BundleStore(tmp_path)
    store.offer(world.bundle(), world.pins, NOON)
    for token in (
        "junk",
        sign_bundle(world.content(seq=9), make_signer("x")),
        world.bundle(seq=9, issued_at=NOON + 99 * SECOND),
    ):
        with pytest.raises(BundleRefused):
            store.offer(token, world.pins, NOON)
    held = store.held(world.pins)
    assert held is not None
    assert held.seq == 5


def test_what_is_held_must_fit_the_pins(world: World, tmp_path: Path) -> None:
    BundleStore(tmp_path).offer(world.bundle(), world.pins, NOON)
    with pytest.raises(BundleRefused, match="key_not_allowed"):
        BundleStore(tmp_path).held(["0" * 64])


@pytest.mark.parametrize("pins", ["both", "the new one", "the new one, after both"])
def test_a_new_root_follows_in_a_store_whether_or_not_the_old_pin_is_still_there(
    world: World, tmp_path: Path, pins: str
) -> None:
    held = BundleStore(tmp_path).offer(world.bundle(seq=5), world.pins, NOON).token
    root = make_signer("next root")
    new, both = [pin_of(root.certificate_der)], [*world.pins, pin_of(root.certificate_der)]
    token = sign_bundle(world.content(seq=6, prev=bundle_digest(held)), root)
    if pins != "the new one":
        BundleStore(tmp_path).offer(token, both, NOON)
    taken = BundleStore(tmp_path).offer(token, both if pins == "both" else new, NOON)
    assert (taken.seq, taken.token) == (6, token)
    kept = BundleStore(tmp_path).held(new)
    assert kept is not None
    assert kept.token == token


def test_what_a_root_without_pin_signed_still_bounds_what_follows_and_judges_nothing(
    world: World, tmp_path: Path
) -> None:
    store, root = BundleStore(tmp_path), make_signer("next root")
    held, pins = store.offer(world.bundle(seq=5), world.pins, NOON).token, [pin_of(root.certificate_der)]
    for token, reason in (
        (sign_bundle(world.content(seq=4), root), "seq_not_higher"),
        (sign_bundle(world.content(seq=5), root), "seq_not_higher"),
        (sign_bundle(world.content(seq=6), root), "prev_differs"),
        (held, "key_not_allowed"),
        (world.bundle(seq=9), "key_not_allowed"),
    ):
        with pytest.raises(BundleRefused) as caught:
            store.offer(token, pins, NOON)
        assert caught.value.reason == reason
        with pytest.raises(BundleRefused, match="key_not_allowed"):
            store.held(pins)
    kept = store.held(world.pins)
    assert kept is not None
    assert kept.token == held


def test_a_clock_set_back_does_not_forget_the_sequence(world: World, tmp_path: Path) -> None:
    clock = FixedClock()
    BundleStore(tmp_path).offer(world.bundle(seq=5), world.pins, clock.now())
    clock.advance(timedelta(days=-30))
    early = clock.now()
    with pytest.raises(BundleRefused, match="seq_not_higher"):
        BundleStore(tmp_path).offer(world.bundle(seq=4, issued_at=early), world.pins, early)


@pytest.mark.parametrize("content", [b"", b"junk", b"\xff\xfe", b"a.b.c"])
def test_a_broken_store_is_refused_and_never_silently_empty(world: World, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "bundle.jws").write_bytes(content)
    with pytest.raises(BundleRefused):
        BundleStore(tmp_path).held(world.pins)
    with pytest.raises(BundleRefused):
        BundleStore(tmp_path).offer(world.bundle(), world.pins, NOON)


def test_a_store_that_cannot_be_written_is_refused(world: World, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(BundleRefused, match="store_unreadable"):
        BundleStore(tmp_path / "file" / "store").offer(world.bundle(), world.pins, NOON)
    (tmp_path / "bundle.jws").mkdir()
    with pytest.raises(BundleRefused, match="store_unreadable"):
        BundleStore(tmp_path).offer(world.bundle(), world.pins, NOON)


def test_nothing_is_left_beside_the_bundle(world: World, tmp_path: Path) -> None:
    store = BundleStore(tmp_path)
    store.offer(world.bundle(seq=1), world.pins, NOON)
    store.offer(world.bundle(seq=9), world.pins, NOON)
    assert sorted(path.name for path in tmp_path.iterdir()) == [".lock", "bundle.jws"]


def _offer(folder: str, token: str, pins: list[str]) -> bool:
    try:
        BundleStore(Path(folder)).offer(token, pins, NOON)
    except BundleRefused:
        return False
    return True


def test_of_processes_racing_the_highest_stays(world: World, tmp_path: Path) -> None:
    tokens = [world.bundle(seq=seq) for seq in (30, 10, 20, 40, 2, 34)]
    with multiprocessing.get_context("fork").Pool(3) as pool:
        pool.starmap(_offer, [(str(tmp_path), token, world.pins) for token in tokens])
    held = BundleStore(tmp_path).held(world.pins)
    assert held is not None
    assert held.seq == 40


def test_a_disk_that_fails_leaves_what_is_held(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = BundleStore(tmp_path)
    store.offer(world.bundle(seq=5), world.pins, NOON)

    def full(_: int) -> None:
        raise OSError(28, "no space left")

    monkeypatch.setattr("wallet.verifier.bundle.os.fsync", full)
    with pytest.raises(BundleRefused, match="store_unreadable"):
        store.offer(world.bundle(seq=9), world.pins, NOON)
    monkeypatch.undo()
    held = store.held(world.pins)
    assert held is not None
    assert held.seq == 5
    assert sorted(path.name for path in tmp_path.iterdir()) == [".lock", "bundle.jws"]


def test_more_than_a_bundle_holds_is_refused(tmp_path: Path) -> None:
    with (tmp_path / "bundle.jws").open("wb") as file:
        file.truncate(33 * 1024 * 1024)
    with pytest.raises(BundleRefused, match="store_unreadable"):
        BundleStore(tmp_path).held([])
