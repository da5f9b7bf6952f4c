"""A real code with one thing in it changed: never accepted with another meaning (security requirement S-47)."""

import zlib
from collections import Counter
from collections.abc import Iterator

import pytest

from tests.conformance.agreement import Both, moment
from tests.documents.people import issue, on_one_database
from tests.oracle import reader
from tests.oracle.world import base45, enc, head
from wallet.verifier import Policy, judge
from wallet.verifier.reasons import REASONS, Verdict
from wallet.wiring import Wallet

CHARACTERS = reader.ALPHABET + "az#\n\0é\u0660\u1ea4"
"""The whole alphabet of Base45, and some of what is not in it."""


@pytest.fixture
def code(wallet: Wallet) -> str:
    return issue(wallet, "xa").code


@pytest.fixture
def held(wallet: Wallet, code: str) -> Both:
    now = int(wallet.clock.now().timestamp())
    return Both.holding(wallet.trust.bundle().token.decode(), [wallet.trust.pin], now)


def unwrapped(code: str) -> bytes:
    return reader.inflate(reader.unbase45(code[4:]), 4096)


def wrapped(message: bytes) -> str:
    return "VD1:" + base45(zlib.compress(message, 1))


def meaning(held: Both, code: str) -> object:
    """Return everything that was signed, when the code counts for anything."""
    return judge(code, held.ours, Policy(), moment(held.now)).document


@on_one_database
def test_no_bit_of_the_message_may_change(held: Both, code: str) -> None:
    message, right = unwrapped(code), meaning(held, code)
    assert meaning(held, wrapped(message)) == right  # as it is, in another wrapping
    reasons: Counter[str] = Counter()
    for place in range(len(message) * 8):
        changed = bytearray(message)
        changed[place // 8] ^= 1 << place % 8
        answer = held.agreed(wrapped(bytes(changed)))
        assert answer.claims is None, place
        assert not answer.accepted, place
        assert answer.verdict == "invalid" or answer.reasons == ("unknown_issuer",), place
        reasons.update(answer.reasons)
    assert set(reasons) == {"malformed", "wrong_type", "unknown_issuer", "key_not_allowed", "bad_signature"}


@on_one_database
def test_no_byte_of_the_message_may_be_missing_or_doubled(held: Both, code: str) -> None:
    message = unwrapped(code)
    for at in range(len(message)):
        for changed in (message[:at] + message[at + 1 :], message[: at + 1] + message[at:], message[:at]):
            answer = held.agreed(wrapped(changed))
            assert answer.claims is None, at
            assert answer.verdict == "invalid" or answer.reasons == ("unknown_issuer",), at


def changes(code: str) -> Iterator[tuple[str, str]]:
    """Yield every text that is one step away: a character changed, missing, doubled, or before its neighbour."""
    for at, character in enumerate(code):
        for other in CHARACTERS:
            if other != character:
                yield f"{other!r} at {at}", code[:at] + other + code[at + 1 :]
        yield f"without {at}", code[:at] + code[at + 1 :]
        yield f"twice {at}", code[: at + 1] + code[at:]
        if code[at : at + 2] != code[at : at + 2][::-1]:
            yield f"swapped {at}", code[:at] + code[at : at + 2][::-1] + code[at + 2 :]


@on_one_database
def test_no_character_of_the_text_may_change_the_meaning(held: Both, code: str) -> None:
    """Some do not: the two bytes of zlib's own header may say another level. The document stays what it is."""
    right, policy, now = meaning(held, code), Policy(), moment(held.now)
    known, same = set(REASONS), 0
    for what, changed in changes(code):
        judgement = judge(changed, held.ours, policy, now)
        if judgement.document is not None:
            assert judgement.document == right, what
            same += 1
        else:
            assert judgement.verdict is not Verdict.VALID, what
            assert known >= set(judgement.reasons), what
    assert same < 200


@on_one_database
def test_signature_of_one_document_is_none_for_another(held: Both, wallet: Wallet, code: str) -> None:
    other = issue(wallet, "xa").code
    one, two = (reader.parse_tag_18(unwrapped(each)) for each in (code, other))
    for parts in ([one[0], {}, one[2], two[3]], [one[0], {}, two[2], one[3]]):
        answer = held.agreed(wrapped(head(6, 18) + enc(parts)))
        assert (answer.reasons, answer.claims) == (("bad_signature",), None)
