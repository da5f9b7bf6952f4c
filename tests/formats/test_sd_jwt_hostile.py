"""Hostile SD-JWTs: nothing but our own errors, whatever comes, and never a claim that nobody signed."""

import contextlib
import os
import random
import tracemalloc
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.formats.sd_jwts import DEMAND, SECONDS, Makers, digest, disclosure, packed, plain
from tests.support import NOON, SeededEntropy
from wallet.errors import Malformed, VerificationFailed
from wallet.formats.disclosures import read_disclosure
from wallet.formats.hiding import hide
from wallet.formats.revealing import Path, chosen, reveal
from wallet.formats.sd_jwt_vc import certificate_chain, parse_credential, present_credential

N = int(os.environ.get("FUZZ", "20000"))
SEED = int(os.environ.get("FUZZ_SEED", "1948"))
OURS = (Malformed, VerificationFailed)

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["_sd", "...", "_sd_alg", "vct", "exp", "cnf", "a", "b"]), inner, max_size=4)
    ),
    max_leaves=15,
)
CLAIMS = st.dictionaries(
    st.text(max_size=8).filter(lambda name: name not in ("_sd", "...", "_sd_alg")),
    st.recursive(
        st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=20),
        lambda inner: (
            st.lists(inner, max_size=4)
            | st.dictionaries(st.text(max_size=6).filter(lambda name: name not in ("_sd", "...")), inner, max_size=4)
        ),
        max_leaves=12,
    ),
    max_size=5,
)


@pytest.fixture(scope="module")
def makers() -> Makers:
    return Makers()


def tried(makers: Makers, text: str) -> Any:
    """Return what is read of a text, None when it is refused. Whatever else is raised is a defect."""
    try:
        found = makers.check(text, random.choice((None, DEMAND)))
    except OURS:
        return None
    return found


@given(st.text(max_size=300))
def test_any_text_is_refused(makers: Makers, text: str) -> None:
    assert tried(makers, text) is None
    assert tried(makers, text + "~") is None


@given(st.text(alphabet="~.eyJhbGciOiJFUzI1NiJ9_-=A", max_size=200))
def test_any_text_in_the_alphabet_is_refused(makers: Makers, text: str) -> None:
    assert tried(makers, text) is None
    assert tried(makers, makers.credential(plain()) + text) is None or not text


@given(JSON, st.lists(JSON, max_size=3))
def test_any_json_in_the_envelope_is_an_answer(makers: Makers, payload: Any, disclosures: list[Any]) -> None:
    parts = [packed(each) for each in disclosures]
    whole = plain() | payload if isinstance(payload, dict) else payload
    if isinstance(whole, dict):
        whole = {**whole, "_sd": [digest(part) for part in parts]}
    tried(makers, makers.credential(whole, parts))


@given(JSON)
def test_any_header_is_an_answer(makers: Makers, value: Any) -> None:
    for name in ("alg", "typ", "kid", "x5c", "crit"):
        text = makers.credential(plain(), **{name: value})
        tried(makers, text)
        with contextlib.suppress(OURS):
            certificate_chain(parse_credential(text))


@given(JSON, st.sampled_from(["aud", "nonce", "iat", "exp", "nbf", "sd_hash"]))
def test_any_claim_of_a_key_binding_is_an_answer(makers: Makers, value: Any, name: str) -> None:
    tried(makers, makers.bound(makers.credential(plain(cnf=makers.cnf)), **{name: value}))


@given(JSON, st.sampled_from(["cnf", "status", "aud", "iat", "exp", "nbf", "vct", "iss", "vct#integrity"]))
def test_any_registered_claim_is_an_answer(makers: Makers, value: Any, name: str) -> None:
    tried(makers, makers.bound(makers.credential(plain() | {name: value})))


@given(st.binary(max_size=200))
def test_any_bytes_are_a_disclosure_or_refused(data: bytes) -> None:
    with contextlib.suppress(OURS):
        read_disclosure(packed(data))


@given(CLAIMS, st.integers(0, 8))
def test_what_was_hidden_is_revealed(claims: dict[str, Any], members: int) -> None:
    hidden = hide(claims, SeededEntropy(), members=members)
    read = [read_disclosure(each.text) for each in hidden.disclosures]
    assert reveal({"_sd": hidden.digests}, read).claims == claims
    nothing = reveal({"_sd": hidden.digests}, [])
    assert nothing.claims == {}


@given(CLAIMS, st.data())
def test_any_part_that_is_shown_is_what_was_hidden_there(claims: dict[str, Any], data: st.DataObject) -> None:
    hidden = hide(claims, SeededEntropy())
    whole = reveal({"_sd": hidden.digests}, hidden.disclosures)
    paths = [place.path for place in whole.places]
    wanted = data.draw(st.lists(st.sampled_from(paths), max_size=3)) if paths else []
    shown = reveal({"_sd": hidden.digests}, chosen(whole, wanted))
    assert {at(whole.claims, path) is not None for path in wanted} <= {True}
    inside = {place.disclosure.text for place in whole.places if any(place.path[: len(w)] == w for w in wanted)}
    above = {place.disclosure.text for place in whole.places if any(w[: len(place.path)] == place.path for w in wanted)}
    assert {place.disclosure.text for place in shown.places} == inside | above


def at(value: Any, path: Path) -> Any:
    for step in path:
        value = value[step]
    return value


def test_damaged_presentations_are_refused_or_say_the_same(makers: Makers) -> None:
    """A good SD-JWT+KB with bytes changed, parts moved, doubled, left out: never other claims than were signed."""
    chance = random.Random(SEED)
    inner = disclosure("s", "street", "Lê Lợi")
    element = disclosure("s", {"_sd": [digest(inner)]})
    listed = disclosure("s", "places", [{"...": digest(element)}, {"...": digest("decoy")}])
    name = disclosure("s", "full_name", "Ấn")
    good = makers.credential(plain(cnf=makers.cnf, _sd=[digest(listed), digest(name)]), [inner, element, listed, name])
    bound = makers.bound(good)
    signed = {"full_name": "Ấn", "places": [{"street": "Lê Lợi"}]}
    assert makers.check(bound, DEMAND).claims == signed
    for _ in range(min(N, 20_000) // 10):
        parts = bound.split("~")
        action = chance.randrange(5)
        if action == 0:
            parts.pop(chance.randrange(len(parts)))
        elif action == 1:
            parts.insert(chance.randrange(len(parts)), chance.choice(parts))
        elif action == 2:
            chance.shuffle(parts)
        else:
            place = chance.randrange(len(parts))
            letters = list(parts[place])
            letters[chance.randrange(len(letters))] = chance.choice("ABCabc019-_.~=é\0")
            parts[place] = "".join(letters)
        text = "~".join(parts)
        if text == bound:
            continue
        try:
            found = makers.check(text, DEMAND)
        except OURS:
            continue
        raise AssertionError((text, found))


def test_hostile_sizes_cost_little_memory(makers: Makers) -> None:
    deep = makers.credential(b'{"vct":"x","a":' + b'[{"_sd":' * 9_000 + b"1" + b"}]" * 9_000 + b"}")
    many = makers.credential(plain(_sd=[digest(str(n)) for n in range(1_500)]), [disclosure("s", 1)] * 4_000)
    texts = ["~" * 10_000_000, "A" * 10_000_000, deep, many]
    tracemalloc.start()
    for text in texts:
        assert tried(makers, text) is None
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 16 * 1024 * 1024


def test_damaged_credential_is_not_shown(makers: Makers) -> None:
    good = makers.credential(plain(_sd=[digest(disclosure("s", "a", 1))]), [disclosure("s", "a", 1)])
    for text in (good.replace("~", "~e30~", 1), good + "x", good[1:], plain(iat=SECONDS)["vct"]):
        with pytest.raises(OURS):
            present_credential(text, [])
    assert makers.check(present_credential(good, []), now=NOON).claims == {}
