"""A newer bundle with older status lists: what was held stays, in memory, in a store and after a power cut."""

import base64
import json
import os
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.oracle import reader
from tests.support import NOON
from tests.verifier.test_vectors import BUNDLES
from tests.verifier.world import LIST_URI, World, make_signer
from wallet.formats.status_list import sign_status_cwt
from wallet.verifier import BundleRefused, BundleStore, Policy, TrustedBundle, judge
from wallet.verifier.refreshing import Held, Level, state_of

MINUTE = timedelta(minutes=1)
LISTS = "carried.lists"
OTHER_URI = LIST_URI.removesuffix("1") + "2"


def listed(world: World, value: int, minutes: int, **changes: Any) -> str:
    """Return a list that says this of entry 9, so many minutes old."""
    return world.status_jwt({9: value}, issued_at=NOON - minutes * MINUTE, **changes)


def reasons(world: World, bundle: TrustedBundle | None, now: datetime = NOON) -> tuple[str, ...]:
    assert bundle is not None
    return judge(world.document_code(), bundle, Policy(), now).reasons


@pytest.mark.parametrize("case", [case for case in BUNDLES["cases"] if "text" in case], ids=lambda case: case["name"])
def test_reader_written_from_the_wire_format_alone_says_the_same_of_all_lists_it_was_sent(case: dict[str, Any]) -> None:
    """Whoever forgets no list at all also knows, of one that is over and of which no bundle speaks, what it said."""
    segment = case["held"].split(".")[1]
    held = json.loads(base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4)))
    bundle = reader.newer_bundle(None, case["token"], BUNDLES["pins"], BUNDLES["now"])
    assert bundle is not None
    sent = [entry["token"] for entry in held["status_lists"]]
    found = reader.judge(case["text"], bundle, BUNDLES["now"], fetched=sent)
    is_over = "that is over" in case["name"]
    assert found.reasons == (["status_stale", "revoked"] if is_over else case["reasons"])


def test_older_list_of_a_newer_bundle_is_not_believed_after_a_restart_either(world: World, tmp_path: Path) -> None:
    newer, older = listed(world, 1, 10), listed(world, 0, 20)
    BundleStore(tmp_path).offer(world.bundle(newer, seq=5), world.pins, NOON)
    offered = world.bundle(older, seq=7)
    for _ in range(2):  # the same again is no news
        taken = BundleStore(tmp_path).offer(offered, world.pins, NOON)
        assert (taken.seq, taken.carried, reasons(world, taken)) == (7, (newer,), ("revoked",))
    assert reasons(world, BundleStore(tmp_path).held(world.pins)) == ("revoked",)
    assert (tmp_path / "bundle.jws").read_text() == offered, "what is kept is the bundle as it was signed"
    gate = Held(tmp_path, world.pins)
    assert reasons(world, gate.bundle()) == ("revoked",)
    assert reasons(world, gate.offer(world.bundle(older, seq=9), NOON)) == ("revoked",)
    assert reasons(world, Held(tmp_path, world.pins).bundle()) == ("revoked",)


def test_list_is_carried_until_there_is_a_newer_one_and_then_forgotten(world: World, tmp_path: Path) -> None:
    store = BundleStore(tmp_path)
    store.offer(world.bundle(listed(world, 2, 10), seq=5), world.pins, NOON)
    store.offer(world.bundle(listed(world, 0, 20), seq=7), world.pins, NOON)
    assert reasons(world, store.held(world.pins)) == ("suspended",)
    store.offer(world.bundle(listed(world, 0, 5), seq=9), world.pins, NOON)
    assert reasons(world, store.held(world.pins)) == ("ok",)
    store.offer(world.bundle(listed(world, 0, 4), seq=11), world.pins, NOON)
    assert (tmp_path / LISTS).read_text() == ""


def test_list_that_a_bundle_lacks_does_not_make_room_for_an_older_one(world: World, tmp_path: Path) -> None:
    store = BundleStore(tmp_path)
    store.offer(world.bundle(listed(world, 1, 10), seq=5), world.pins, NOON)
    store.offer(world.bundle(status_lists=(), seq=7), world.pins, NOON)
    assert reasons(world, store.held(world.pins)) == ("revoked",)
    store.offer(world.bundle(listed(world, 0, 20), seq=9), world.pins, NOON)
    assert reasons(world, store.held(world.pins)) == ("revoked",)


@pytest.mark.parametrize("broken", ["bundle.jws", LISTS])
def test_power_cut_between_the_two_files_leaves_each_bundle_with_its_own_lists(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    """At the gate lies a bundle that carries a list; the next one has a newer list and would carry another."""
    store, other = BundleStore(tmp_path), {"uri": OTHER_URI}
    store.offer(world.bundle(listed(world, 1, 10), listed(world, 0, 10, **other), seq=5), world.pins, NOON)
    store.offer(world.bundle(listed(world, 0, 20), listed(world, 0, 9, **other), seq=7), world.pins, NOON)
    offered = world.bundle(listed(world, 0, 5), listed(world, 0, 20, **other), seq=9)
    replace_file = os.replace

    def cut(source: str, target: Path) -> None:
        if target.name == broken:
            raise OSError(5, "no power")
        replace_file(source, target)

    monkeypatch.setattr("wallet.verifier.bundle.os.replace", cut)
    with pytest.raises(BundleRefused, match="store_unreadable"):
        store.offer(offered, world.pins, NOON)
    monkeypatch.undo()
    held = BundleStore(tmp_path).held(world.pins)
    assert held is not None
    assert (held.seq, reasons(world, held)) == (7, ("revoked",))
    taken = BundleStore(tmp_path).offer(offered, world.pins, NOON)
    assert (taken.carried, reasons(world, taken)) == ((listed_token(held, OTHER_URI),), ("ok",))


def listed_token(bundle: TrustedBundle, uri: str) -> str | bytes:
    (copy,) = bundle.status("VN-MAU", uri)
    return copy.token


def test_store_whose_lists_cannot_be_read_is_refused(world: World, tmp_path: Path) -> None:
    BundleStore(tmp_path).offer(world.bundle(), world.pins, NOON)
    (tmp_path / LISTS).mkdir()
    for call in (lambda: BundleStore(tmp_path).held(world.pins), lambda: offer_next(world, tmp_path)):
        with pytest.raises(BundleRefused, match="store_unreadable"):
            call()


def offer_next(world: World, tmp_path: Path) -> TrustedBundle:
    return BundleStore(tmp_path).offer(world.bundle(seq=9), world.pins, NOON)


def test_what_stands_among_the_carried_lists_counts_only_if_a_key_of_the_bundle_signed_it(
    world: World, tmp_path: Path
) -> None:
    store, stranger = BundleStore(tmp_path), make_signer("stranger")
    store.offer(world.bundle(listed(world, 1, 10), seq=5), world.pins, NOON)
    store.offer(world.bundle(listed(world, 0, 20), seq=7), world.pins, NOON)
    digest = (tmp_path / LISTS).read_text().split(" ")[0]
    for token in ("", "junk", "a.b.c", listed(world, 1, 1, signer=stranger), listed(world, 1, 1, signer=world.doc)):
        (tmp_path / LISTS).write_bytes(f"{digest} {token}\n\xff {token}".encode("latin-1"))
        assert reasons(world, store.held(world.pins)) == ("ok",)


def test_lists_that_were_fetched_are_carried_like_those_of_a_bundle(world: World) -> None:
    token = replace(world.status_token({9: 1}), issued_at=NOON - 10 * MINUTE)
    fetched: list[str | bytes] = [listed(world, 1, 10), sign_status_cwt(token, world.status)]
    for copy in fetched:
        held = world.trust(listed(world, 0, 20)).holding([copy])
        for seq in (7, 9):
            held = TrustedBundle.from_jws(world.bundle(listed(world, 0, 20), seq=seq), world.pins, NOON, held)
            assert (held.carried, reasons(world, held)) == ((copy,), ("revoked",))


def test_ages_are_of_the_lists_that_count(world: World) -> None:
    held = world.trust(listed(world, 0, 10), listed(world, 0, 15, uri=OTHER_URI, expires_at=NOON + MINUTE))
    taken = TrustedBundle.from_jws(world.bundle(listed(world, 0, 20), seq=7), world.pins, NOON, held)
    assert len(taken.carried) == 2
    assert state_of(taken, NOON).lists_age_seconds == 600
    later = state_of(taken, NOON + 2 * MINUTE)
    assert later.level is Level.FRESH, "what no bundle carries any more makes nothing too old"
