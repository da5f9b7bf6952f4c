"""What ties a device's signature to one session. Source: OpenID4VP 1.0, Appendix B.2.6."""

import json
from typing import Any

import pytest

from tests.formats.mdoc.test_annex_d import FOLDER
from wallet.errors import Malformed
from wallet.formats.mdoc import transcript
from wallet.formats.mdoc.values import read, wrapped, write

EXAMPLES = json.loads((FOLDER / "openid4vp-transcripts.json").read_text())


def test_examples_of_the_standard_hold() -> None:
    redirect, browser = EXAMPLES
    made = transcript.openid4vp(
        redirect["client_id"],
        redirect["nonce"],
        redirect["response_uri"],
        bytes.fromhex(redirect["jwk_thumbprint"]),
    )
    assert made.hex() == redirect["transcript"]
    thumbprint = bytes.fromhex(browser["jwk_thumbprint"])
    made = transcript.digital_credentials(browser["origin"], browser["nonce"], thumbprint)
    assert made.hex() == browser["transcript"]


def test_an_answer_that_is_not_encrypted_has_null_for_its_key() -> None:
    assert transcript.openid4vp("a", "b", "c") != transcript.openid4vp("a", "b", "c", bytes(32))
    assert read(transcript.digital_credentials("a", "b"))[:2] == [None, None]


def test_what_is_signed_holds_the_transcript_as_it_came() -> None:
    longer = bytes.fromhex("83f6f6") + b"\x78\x01x"  # a longer head than needed
    namespaces = wrapped(write({}))
    signed = transcript.device_authentication(longer, "a", namespaces)
    assert longer in signed
    assert read(read(signed).content) == ["DeviceAuthentication", [None, None, "x"], "a", read(namespaces)]


@pytest.mark.parametrize("value", [[], [None, None], [None] * 4, {}, "x", None])
def test_what_is_no_transcript_is_refused(value: Any) -> None:
    with pytest.raises(Malformed):
        transcript.device_authentication(write(value), "a", wrapped(write({})))


@pytest.mark.parametrize("data", [b"", b"\x83\xf6\xf6", b"\x83\xf6\xf6\xf6\x00", b"\x9f\xf6\xf6\xf6\xff"])
def test_a_broken_transcript_is_refused(data: bytes) -> None:
    with pytest.raises(Malformed):
        transcript.device_authentication(data, "a", wrapped(write({})))
