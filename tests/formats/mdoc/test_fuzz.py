"""Whatever is read, only our errors come out, and no flipped bit is believed."""

import contextlib
import time
import tracemalloc
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.formats.mdoc.world import TRANSCRIPT, UNITED, MdocWorld
from tests.support import NOON
from wallet.crypto.certificates import read_certificate
from wallet.errors import Malformed, VerificationFailed
from wallet.formats.cbor import Tagged
from wallet.formats.mdoc.chain import IacaRoots
from wallet.formats.mdoc.issuer_signed import parse_issuer_signed
from wallet.formats.mdoc.mso import parse_mso
from wallet.formats.mdoc.reader import verify_device_response, verify_issuer_signed
from wallet.formats.mdoc.values import MAX_BYTES, read, wrapped, write

pytestmark = pytest.mark.filterwarnings("ignore:Parsed a serial number which wasn't positive")

COUNTRY = MdocWorld()
ISSUER_SIGNED = COUNTRY.issuer_signed()
RESPONSE = COUNTRY.response()
MSO = read(read(ISSUER_SIGNED)["issuerAuth"][2]).content
NAMES = [
    "version", "documents", "status", "docType", "issuerSigned", "deviceSigned", "nameSpaces", "issuerAuth",
    "deviceAuth", "deviceSignature", "deviceMac", "digestAlgorithm", "valueDigests", "deviceKeyInfo", "deviceKey",
    "keyAuthorizations", "validityInfo", "signed", "validFrom", "validUntil", "digestID", "random",
    "elementIdentifier", "elementValue", "1.0", "SHA-256", "status_list", "idx", "uri",
]  # fmt: skip

keys = st.sampled_from(NAMES) | st.sampled_from([1, 2, 4, 33, -1, -2, -3]) | st.text(max_size=3)
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.binary(max_size=40)
    | st.sampled_from(NAMES)
    | st.sampled_from(
        [-7, 5, 0, "1.0", "SHA-256", Tagged(0, "2026-03-02T05:00:00Z"), write({1: -7}), bytes(32), bytes(64)]
    ),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(keys, inner, max_size=5)
        | st.builds(Tagged, st.sampled_from([0, 24, 1004]), inner)
        | st.builds(lambda value: Tagged(24, _written(value)), inner)
    ),
    max_leaves=14,
)


def _written(value: Any) -> bytes:
    try:
        return write(value)
    except Malformed:
        return b""


def everything(data: bytes) -> None:
    """Read `data` as all that it may claim to be; anything else than our errors is a defect."""
    for attempt in (
        lambda: verify_issuer_signed(data, COUNTRY.roots, NOON),
        lambda: verify_device_response(data, COUNTRY.roots, TRANSCRIPT, NOON, reader_key=UNITED),
        lambda: verify_device_response(RESPONSE, COUNTRY.roots, data, NOON),
        lambda: parse_mso(data),
        lambda: parse_mso(wrapped(data)),
        lambda: IacaRoots.of([data]),
    ):
        with contextlib.suppress(Malformed, VerificationFailed):
            attempt()


@given(st.binary(max_size=200))
def test_random_bytes_raise_only_our_errors(data: bytes) -> None:
    everything(data)


@given(values)
def test_well_formed_cbor_raises_only_our_errors(value: Any) -> None:
    everything(_written(value))


@given(st.dictionaries(st.sampled_from(NAMES), values, max_size=4), st.sampled_from([ISSUER_SIGNED, RESPONSE, MSO]))
def test_members_put_in_place_of_good_ones_raise_only_our_errors(members: dict[str, Any], data: bytes) -> None:
    changed = _replaced(read(data), members)
    everything(_written(changed))
    everything(_written(Tagged(24, _written(changed))))


def _replaced(value: Any, members: dict[str, Any]) -> Any:
    if isinstance(value, dict):
        return {key: members.get(key, _replaced(each, members)) for key, each in value.items()}
    if isinstance(value, list):
        return [_replaced(each, members) for each in value]
    return value


@given(st.sampled_from([ISSUER_SIGNED, RESPONSE]), st.data())
def test_one_flipped_bit_is_never_believed_for_more_than_was_signed(data: bytes, draw: st.DataObject) -> None:
    place = draw.draw(st.integers(0, len(data) * 8 - 1))
    flipped = bytearray(data)
    flipped[place // 8] ^= 1 << place % 8
    try:
        if data is ISSUER_SIGNED:
            found: tuple[Any, ...] = (verify_issuer_signed(bytes(flipped), COUNTRY.roots, NOON),)
        else:
            found = verify_device_response(bytes(flipped), COUNTRY.roots, TRANSCRIPT, NOON)
    except (Malformed, VerificationFailed):
        return
    original = parse_issuer_signed(ISSUER_SIGNED).items
    for mdoc in found:  # a label that means nothing here may have changed, or an item be shown no more
        for namespace, elements in mdoc.elements.items():
            signed = {item.identifier: item.value for item in original[namespace]}
            assert all(signed[name] == value for name, value in elements.items())


@pytest.mark.parametrize("place", range(7))
def test_no_flipped_bit_of_a_certificate_raises_another_error(place: int) -> None:
    """Every seventh of the bits, in seven turns: a certificate's reader has errors of many families."""
    for der in (COUNTRY.root, COUNTRY.signer().certificate_der):
        for bit in range(place, len(der) * 8, 7):
            flipped = bytearray(der)
            flipped[bit // 8] ^= 1 << bit % 8
            with contextlib.suppress(Malformed, VerificationFailed):
                COUNTRY.roots.signer_of((bytes(flipped),), NOON)
            with contextlib.suppress(Malformed, VerificationFailed):
                IacaRoots.of([bytes(flipped)])
            with contextlib.suppress(Malformed):
                read_certificate(bytes(flipped))


@pytest.mark.parametrize(
    "data",
    [
        b"\xa0" * MAX_BYTES,
        b"\x9a\x00\x01\x7f\xf0" + b"\xa0" * (MAX_BYTES - 5),
        b"\x9a\x00\x01\x7f\xf0" + b"\x00" * (MAX_BYTES - 5),
        b"\xd8\x18" * (MAX_BYTES // 2),
        b"\x9b" + b"\xff" * 8 + bytes(MAX_BYTES - 9),
        b"\xbb" + b"\xff" * 8 + bytes(MAX_BYTES - 9),
        b"\x5b" + b"\xff" * 8 + bytes(MAX_BYTES - 9),
        b"\xa1\x6anameSpaces\x9a\x00\x00\xff\x00" + b"\xd8\x18\x41\xa0" * 16_000,
        bytes(1_000_000),
    ],
)
def test_what_is_large_or_deep_is_refused_in_bounded_time_and_memory(data: bytes) -> None:
    begin = time.process_time()
    everything(data)
    assert time.process_time() - begin < 2
    tracemalloc.start()
    with pytest.raises(Malformed):
        verify_device_response(data, COUNTRY.roots, TRANSCRIPT, NOON)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 10 * 1024 * 1024
