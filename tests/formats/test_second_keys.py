"""What a bundle tells of second keys: read whole or refused, and what it says against one of them."""

from contextlib import suppress
from dataclasses import asdict, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wallet.errors import Malformed, VerificationFailed, WalletError
from wallet.formats.second_keys import MEMBER, SecondKey, read_second_keys, refuse_second_key, second_keys_json

KEY = SecondKey("a" * 64, "ML-DSA-65", "bundle", 1_000, 2_000, "active")
OTHER = replace(KEY, pin="b" * 64)


def payload(*keys: SecondKey, iat: Any = 1_500) -> dict[str, Any]:
    return {"iat": iat, MEMBER: second_keys_json(keys)}


def test_what_is_told_is_read() -> None:
    assert read_second_keys(payload(KEY, OTHER)) == (KEY, OTHER)
    assert read_second_keys({}) == ()


@pytest.mark.parametrize("value", [None, {}, "x", 7, [None], [[]], ["x"]])
def test_member_of_another_type_is_malformed(value: Any) -> None:
    with pytest.raises(Malformed):
        read_second_keys({MEMBER: value})


@pytest.mark.parametrize(
    "changes",
    [
        {"pin": "A" * 64},
        {"pin": "a" * 63},
        {"pin": 7},
        {"alg": None},
        {"role": ["bundle"]},
        {"state": "planned"},
        {"state": "burnt"},
        {"not_before": "1000"},
        {"not_before": True},
        {"not_after": 2000.0},
        {"not_after": None},
    ],
)
def test_key_that_is_not_told_right_is_malformed(changes: dict[str, Any]) -> None:
    with pytest.raises(Malformed):
        read_second_keys({MEMBER: [asdict(KEY) | changes]})


@pytest.mark.parametrize("name", list(asdict(KEY)))
def test_key_without_one_of_its_members_is_malformed(name: str) -> None:
    without = {member: value for member, value in asdict(KEY).items() if member != name}
    with pytest.raises(Malformed):
        read_second_keys({MEMBER: [without]})


def test_key_that_stands_there_twice_is_malformed() -> None:
    with pytest.raises(Malformed):
        read_second_keys(payload(KEY, replace(KEY, state="revoked")))


@pytest.mark.parametrize("state", ["published", "active", "retired"])
@pytest.mark.parametrize("iat", [1_000, 1_500, 2_000])
def test_dates_decide_and_the_states_before_revoked_do_not(state: str, iat: int) -> None:
    refuse_second_key(KEY.pin, payload(replace(KEY, state=state), iat=iat), {})


@pytest.mark.parametrize(
    ("signed", "held"),
    [
        (payload(replace(KEY, state="revoked")), {}),
        (payload(KEY), payload(replace(KEY, state="revoked"))),
        (payload(), payload(replace(KEY, state="revoked"))),
        (payload(KEY), payload(replace(KEY, state="revoked", role="status"))),
        (payload(replace(KEY, role="status")), {}),
        (payload(KEY, iat=999), {}),
        (payload(KEY, iat=2_001), {}),
    ],
)
def test_key_that_a_bundle_speaks_against_does_not_count(signed: dict[str, Any], held: dict[str, Any]) -> None:
    with pytest.raises(VerificationFailed) as refused:
        refuse_second_key(KEY.pin, signed, held)
    assert refused.value.reason == "key_not_allowed"


def test_silence_says_nothing_against_a_key() -> None:
    refuse_second_key(KEY.pin, {"iat": 5}, {})
    refuse_second_key(
        KEY.pin, payload(replace(OTHER, state="revoked"), iat=5), payload(replace(OTHER, state="revoked"))
    )


def test_dates_of_the_bundle_held_may_have_changed() -> None:
    refuse_second_key(KEY.pin, payload(replace(KEY, not_after=9_000), iat=8_000), payload(KEY))


@pytest.mark.parametrize("iat", [None, "1500", True, 1500.0])
def test_bundle_without_its_moment_is_malformed(iat: Any) -> None:
    with pytest.raises(Malformed):
        refuse_second_key(KEY.pin, payload(KEY, iat=iat), {})


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(list(asdict(KEY))), inner, max_size=6),
    max_leaves=8,
)


@given(_JSON, _JSON)
def test_whatever_is_told_raises_only_ours(told: Any, iat: Any) -> None:
    with suppress(WalletError):
        refuse_second_key(KEY.pin, {"iat": iat, MEMBER: told}, {MEMBER: told})
