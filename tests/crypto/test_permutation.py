"""The order of status indices: every place once, another order for every key, none that tells who came first."""

import hashlib
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wallet.crypto import permutation
from wallet.crypto.permutation import permute

KEY = hashlib.sha256(b"key").digest()
OTHER = hashlib.sha256(b"other").digest()


def order(key: bytes, bits: int, count: int | None = None) -> list[int]:
    return [permute(key, value, bits) for value in range(count or 1 << bits)]


@pytest.mark.parametrize("bits", range(2, 15))
def test_every_place_is_given_out_once(bits: int) -> None:
    for key in (KEY, OTHER):
        assert sorted(order(key, bits)) == list(range(1 << bits))


@given(st.binary(min_size=1, max_size=64), st.integers(2, 32), st.data())
def test_no_two_places_are_ever_the_same(key: bytes, bits: int, data: st.DataObject) -> None:
    values = data.draw(st.sets(st.integers(0, (1 << bits) - 1), min_size=2, max_size=min(20, 1 << bits)))
    images = {permute(key, value, bits) for value in values}
    assert len(images) == len(values)
    assert all(0 <= image < 1 << bits for image in images)


@pytest.mark.parametrize("bits", [8, 12, 13, 20])
def test_another_key_is_another_order(bits: int) -> None:
    count = 200
    mine, others = order(KEY, bits, count), order(OTHER, bits, count)
    assert mine == order(KEY, bits, count)
    assert sum(a == b for a, b in zip(mine, others, strict=True)) < 12


def test_one_bit_of_the_key_changes_the_order() -> None:
    near = bytes([KEY[0] ^ 1]) + KEY[1:]
    assert sum(a == b for a, b in zip(order(KEY, 12), order(near, 12), strict=True)) < 20


def test_order_tells_nothing_about_who_came_first() -> None:
    """100,000 places drawn one after the other (security requirement S-56): no rank correlation."""
    drawn = order(KEY, 20, 100_000)
    ranks = {place: rank for rank, place in enumerate(sorted(drawn))}
    count = len(drawn)
    squares = sum((number - ranks[place]) ** 2 for number, place in enumerate(drawn))
    assert abs(1 - 6 * squares / (count * (count**2 - 1))) < 0.02
    assert len(ranks) == count


@pytest.mark.parametrize("bits", [12, 20, 23])
def test_neighbours_do_not_stay_neighbours(bits: int) -> None:
    drawn = order(KEY, bits, 3000)
    ups = sum(after > before for before, after in pairwise(drawn))
    assert 1350 < ups < 1650
    assert sum(abs(after - before) == 1 for before, after in pairwise(drawn)) < 12


@pytest.mark.parametrize("bits", [11, 12])
def test_every_bit_of_a_place_is_fair(bits: int) -> None:
    drawn = order(KEY, bits, 1 << bits - 1)  # the first half of all that will ever be drawn
    for bit in range(bits):
        assert 0.42 < sum(place >> bit & 1 for place in drawn) / len(drawn) < 0.58


@pytest.mark.parametrize(("value", "bits"), [(-1, 8), (256, 8), (1 << 20, 20), (1 << 40, 32)])
def test_value_outside_the_domain_is_refused(value: int, bits: int) -> None:
    with pytest.raises(ValueError, match="outside"):
        permute(KEY, value, bits)


def test_cost_is_the_same_at_every_size(monkeypatch: pytest.MonkeyPatch) -> None:
    """As many rounds for the first place of a small list as for the last of a large one, and nothing kept between."""
    calls = []
    real = permutation._round

    def counted(key: bytes, number: int, half: int) -> int:
        calls.append(number)
        return real(key, number, half)

    monkeypatch.setattr(permutation, "_round", counted)
    for value, bits in ((0, 8), (255, 8), (0, 23), ((1 << 23) - 1, 23)):
        calls.clear()
        permute(KEY, value, bits)
        assert calls == list(range(permutation.ROUNDS))


def test_order_never_changes_from_one_version_to_the_next() -> None:
    """Documents in the field hold these places: were one drawn twice, two people would share a status."""
    digest = hashlib.sha256(repr(order(KEY, 12)).encode()).hexdigest()
    assert digest == "e3b067e5805228f38653805b59d0dfda02f400614de948483aa00b39435d4061"
