"""Compact JWS: one algorithm, one type, one spelling. Source: RFC 7515; RFC 8725."""

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.verifier.world import World
from wallet.crypto import jws
from wallet.crypto.certificates import read_certificate
from wallet.errors import Malformed, VerificationFailed

TYP = "viso-bundle+jwt"


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def token_of(world: World, header: Any, payload: bytes = b"{}") -> str:
    head = header if isinstance(header, bytes) else json.dumps(header).encode()
    signing_input = f"{b64(head)}.{b64(payload)}"
    return f"{signing_input}.{b64(world.root.sign(signing_input.encode()))}"


def verify(world: World, token: str) -> dict[str, Any]:
    key = read_certificate(world.root.certificate_der).public_key
    assert key is not None
    return jws.parse(token, typ=TYP).verify(key)


def test_what_was_signed_is_verified(world: World) -> None:
    token = jws.sign({"a": "Nguyễn"}, world.root, typ=TYP, header={"kid": "x"})
    assert verify(world, token) == {"a": "Nguyễn"}
    assert jws.parse(token, typ=TYP).header == {"alg": "ES256", "typ": TYP, "kid": "x"}


def test_every_character_changed_is_refused(world: World) -> None:
    token = jws.sign({"a": 1}, world.root, typ=TYP)
    for place, character in enumerate(token):
        changed = token[:place] + ("A" if character != "A" else "B") + token[place + 1 :]
        with pytest.raises((Malformed, VerificationFailed)):
            verify(world, changed)


@pytest.mark.parametrize("alg", ["none", "None", "NONE", "HS256", "ES384", "ES256K", "RS256", "EdDSA", "es256", ""])
def test_another_algorithm_is_refused(world: World, alg: str) -> None:
    with pytest.raises(VerificationFailed, match="key_not_allowed"):
        verify(world, token_of(world, {"alg": alg, "typ": TYP}))


@pytest.mark.parametrize("typ", ["JWT", "viso-bundle+JWT", "application/viso-bundle+jwt", "", "statuslist+jwt"])
def test_another_typ_is_a_wrong_type(world: World, typ: str) -> None:
    with pytest.raises(VerificationFailed, match="wrong_type"):
        verify(world, token_of(world, {"alg": "ES256", "typ": typ}))


@pytest.mark.parametrize(
    "header",
    [
        {"alg": "ES256"}, {"typ": TYP}, {"alg": 1, "typ": TYP}, {"alg": "ES256", "typ": None},
        {"alg": ["ES256"], "typ": TYP},
        {"alg": "ES256", "typ": TYP, "crit": []}, {"alg": "ES256", "typ": TYP, "crit": ["b64"], "b64": False},
        {"alg": "ES256", "typ": TYP, "crit": None}, b"[]", b"null", b'"x"', b"1", b"", b"{", b"{}{}", b"\xff",
        b'{"alg":"ES256","typ":"viso-bundle+jwt","alg":"ES256"}',
        b'{"alg":"ES256","typ":"viso-bundle+jwt","x":{"y":1,"y":1}}',
        b'\xef\xbb\xbf{"alg":"ES256","typ":"viso-bundle+jwt"}', b'{"alg":"ES256","typ":"viso-bundle+jwt","x":NaN}',
        '{"alg":"ES256","typ":"viso-bundle+jwt"}'.encode("utf-16"), b'{"alg":"ES256","typ":"viso-bundle+jwt",}',
        b'{"alg":"ES256","typ":"viso-bundle+jwt","x":' + b"[" * 10_000 + b"]" * 10_000 + b"}",
        b'{"alg":"ES256","typ":"viso-bundle+jwt","x":' + b"9" * 10_000 + b"}",
    ],
)  # fmt: skip
def test_headers_that_are_not_right_are_malformed(world: World, header: Any) -> None:
    with pytest.raises(Malformed):
        verify(world, token_of(world, header))


@pytest.mark.parametrize(
    "payload", [b"", b"[]", b"null", b"{", b'{"a":1,"a":1}', b'{"a":Infinity}', b"\xff", b"[" * 100_000]
)
def test_payloads_that_are_no_object_are_malformed(world: World, payload: bytes) -> None:
    token = token_of(world, {"alg": "ES256", "typ": TYP}, payload)
    unverified = jws.parse(token, typ=TYP, max_characters=10**6)
    key = read_certificate(world.root.certificate_der).public_key
    assert key is not None
    with pytest.raises(Malformed):
        unverified.verify(key)


def test_unknown_headers_are_ignored(world: World) -> None:
    assert verify(world, token_of(world, {"alg": "ES256", "typ": TYP, "jku": "https://evil", "jwk": {}, "x": 1})) == {}


@pytest.mark.parametrize(
    "text",
    [
        "",
        ".",
        "..",
        "...",
        "a.b",
        "a.b.c.d",
        "\ud800.a.b",
        "\0",
        "eyJ9.e30.",
        " ..",
        "é.é.é",
        "e30=.e30=.AA==",
        "e30\n.e30.AA",
    ],
)
def test_text_that_is_no_jws_is_malformed(text: str) -> None:
    with pytest.raises(Malformed):
        jws.parse(text, typ=TYP)


def test_more_than_the_cap_is_malformed() -> None:
    with pytest.raises(Malformed):
        jws.parse("e30." + "A" * jws.MAX_CHARACTERS + ".AA", typ=TYP)
    with pytest.raises(Malformed):
        jws.parse("A" * (jws.MAX_HEADER_CHARACTERS + 4) + ".e30.AA", typ=TYP)


@given(st.binary(max_size=100))
def test_base64url_there_and_back(data: bytes) -> None:
    assert jws.b64url_encode(data).decode() == b64(data)
    assert jws.b64url_decode(b64(data)) == data


@given(st.text(alphabet="ABCDgwQ048-_+/= \n", max_size=12))
def test_base64url_has_one_spelling(text: str) -> None:
    try:
        data = jws.b64url_decode(text)
    except Malformed:
        return
    assert b64(data) == text


@given(st.text(max_size=80))
def test_any_text_raises_only_ours(text: str) -> None:
    with pytest.raises((Malformed, VerificationFailed)):
        jws.parse(text, typ=TYP)
