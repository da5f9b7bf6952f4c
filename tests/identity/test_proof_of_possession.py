"""DPoP proofs, each wrong in one way (S-22)."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ec import SECP256K1

from tests.identity.conftest import World
from tests.identity.phones import Phone, encode, new_key, public_jwk, signed
from tests.support import NOON
from wallet.errors import Malformed, NotAuthenticated
from wallet.identity.compact_jws import public_jwk as checked_jwk
from wallet.identity.proof_of_possession import normalised, verify_proof

URL = "https://vi.example.vn/v1/me"
TOKEN = "a.b.c"
NOW = int(NOON.timestamp())


@pytest.fixture
def phone(world: World) -> Phone:
    return Phone(world, "dev_phone")


def check(text: str, **changes: Any) -> Any:
    return verify_proof(text, **({"method": "GET", "url": URL, "now": NOON, "access_token": TOKEN} | changes))


def test_good_proof_names_its_key(phone: Phone) -> None:
    proof = check(phone.dpop(URL, "GET", TOKEN))
    assert proof.jkt == phone.jkt
    assert proof.forget_at > NOON + timedelta(seconds=60)


@pytest.mark.parametrize(
    "htu",
    [
        "https://VI.example.VN/v1/me",
        "HTTPS://vi.example.vn:443/v1/me",
        "https://vi.example.vn/v1/me?a=1",
        "https://vi.example.vn/v1/me#a",
        "https://vi.example.vn/v1/%6de",
    ],
)
def test_address_is_compared_as_rfc_3986_says(phone: Phone, htu: str) -> None:
    assert check(phone.dpop(htu, "GET", TOKEN)).jkt == phone.jkt


@pytest.mark.parametrize("seconds", [-60, 60])
def test_sixty_seconds_either_way_pass(phone: Phone, seconds: int) -> None:
    assert check(phone.dpop(URL, "GET", TOKEN, iat=NOW + seconds)).jkt == phone.jkt


HOSTILE: dict[str, Callable[[Phone], str]] = {
    "empty": lambda _: "",
    "no JWS": lambda _: "proof",
    "two proofs": lambda p: f"{p.dpop(URL, 'GET', TOKEN)}, {p.dpop(URL, 'GET', TOKEN)}",
    "typ JWT": lambda p: p.dpop(URL, "GET", TOKEN, {"typ": "JWT"}),
    "typ missing": lambda p: p.dpop(URL, "GET", TOKEN, {"typ": None}),
    "typ of a device proof": lambda p: p.dpop(URL, "GET", TOKEN, {"typ": "viso-device-proof+jwt"}),
    "alg none": lambda p: p.dpop(URL, "GET", TOKEN, {"alg": "none"}),
    "alg HS256": lambda p: p.dpop(URL, "GET", TOKEN, {"alg": "HS256"}),
    "alg ES384": lambda p: p.dpop(URL, "GET", TOKEN, {"alg": "ES384"}),
    "no key": lambda p: p.dpop(URL, "GET", TOKEN, {"jwk": None}),
    "key by name": lambda p: p.dpop(URL, "GET", TOKEN, {"jwk": None, "kid": "x"}),
    "key by address": lambda p: p.dpop(URL, "GET", TOKEN, {"jku": "http://127.0.0.1:9/"}),
    "private key": lambda p: p.dpop(URL, "GET", TOKEN, {"jwk": p.jwk | {"d": encode(b"\1" * 32)}}),
    "symmetric key": lambda p: p.dpop(URL, "GET", TOKEN, {"jwk": {"kty": "oct", "k": "AAAA"}}),
    "RSA key": lambda p: p.dpop(URL, "GET", TOKEN, {"jwk": {"kty": "RSA", "n": "AQAB", "e": "AQAB"}}),
    "key on another curve": lambda p: p.dpop(URL, "GET", TOKEN, {"jwk": p.jwk | {"crv": "P-384"}}),
    "point off the curve": lambda p: p.dpop(URL, "GET", TOKEN, {"jwk": p.jwk | {"y": p.jwk["x"]}}),
    "point at zero": lambda p: p.dpop(URL, "GET", TOKEN, {"jwk": p.jwk | {"x": "A" * 43, "y": "A" * 43}}),
    "coordinate beyond the field": lambda p: p.dpop(URL, "GET", TOKEN, {"jwk": p.jwk | {"x": "_" * 42 + "8"}}),
    "coordinate too short": lambda p: p.dpop(URL, "GET", TOKEN, {"jwk": p.jwk | {"x": "AAAA"}}),
    "coordinate no text": lambda p: p.dpop(URL, "GET", TOKEN, {"jwk": p.jwk | {"x": 5}}),
    "coordinate list": lambda p: p.dpop(URL, "GET", TOKEN, {"jwk": p.jwk | {"x": [p.jwk["x"]]}}),
    "key no object": lambda p: p.dpop(URL, "GET", TOKEN, {"jwk": "key"}),
    "key with x5u": lambda p: p.dpop(URL, "GET", TOKEN, {"jwk": p.jwk | {"x5u": "http://127.0.0.1:9/"}}),
    "another key signed": lambda p: p.dpop(URL, "GET", TOKEN, {"jwk": p.jwk}, key=new_key()),
    "secp256k1 key": lambda p: signed(
        {"typ": "dpop+jwt", "alg": "ES256", "jwk": public_jwk(ec.generate_private_key(SECP256K1()))}, {}, p.key
    ),
    "htm missing": lambda p: p.dpop(URL, "GET", TOKEN, htm=None),
    "htm POST": lambda p: p.dpop(URL, "POST", TOKEN),
    "htm get": lambda p: p.dpop(URL, "get", TOKEN),
    "htm list": lambda p: p.dpop(URL, "GET", TOKEN, htm=["GET"]),
    "htu missing": lambda p: p.dpop(URL, "GET", TOKEN, htu=None),
    "htu another path": lambda p: p.dpop("https://vi.example.vn/v1/documents", "GET", TOKEN),
    "htu with slash": lambda p: p.dpop(f"{URL}/", "GET", TOKEN),
    "htu upper-case path": lambda p: p.dpop("https://vi.example.vn/v1/ME", "GET", TOKEN),
    "htu another host": lambda p: p.dpop("https://evil.example/v1/me", "GET", TOKEN),
    "htu sub-domain": lambda p: p.dpop("https://vi.example.vn.evil.example/v1/me", "GET", TOKEN),
    "htu http": lambda p: p.dpop("http://vi.example.vn/v1/me", "GET", TOKEN),
    "htu another port": lambda p: p.dpop("https://vi.example.vn:8443/v1/me", "GET", TOKEN),
    "htu port no number": lambda p: p.dpop("https://vi.example.vn:x/v1/me", "GET", TOKEN),
    "htu port too high": lambda p: p.dpop("https://vi.example.vn:99999/v1/me", "GET", TOKEN),
    "htu with user": lambda p: p.dpop("https://a@vi.example.vn/v1/me", "GET", TOKEN),
    "htu dot segments": lambda p: p.dpop("https://vi.example.vn/v1/x/../me", "GET", TOKEN),
    "htu relative": lambda p: p.dpop("/v1/me", "GET", TOKEN),
    "htu broken": lambda p: p.dpop("https://[vi.example.vn/v1/me", "GET", TOKEN),
    "htu list": lambda p: p.dpop(URL, "GET", TOKEN, htu=[URL]),
    "iat missing": lambda p: p.dpop(URL, "GET", TOKEN, iat=None),
    "iat text": lambda p: p.dpop(URL, "GET", TOKEN, iat=str(NOW)),
    "iat true": lambda p: p.dpop(URL, "GET", TOKEN, iat=True),
    "iat old": lambda p: p.dpop(URL, "GET", TOKEN, iat=NOW - 61),
    "iat ahead": lambda p: p.dpop(URL, "GET", TOKEN, iat=NOW + 61),
    "iat huge": lambda p: p.dpop(URL, "GET", TOKEN, iat=10**30),
    "jti missing": lambda p: p.dpop(URL, "GET", TOKEN, jti=None),
    "jti number": lambda p: p.dpop(URL, "GET", TOKEN, jti=12345678),
    "jti short": lambda p: p.dpop(URL, "GET", TOKEN, jti="1234567"),
    "jti endless": lambda p: p.dpop(URL, "GET", TOKEN, jti="x" * 129),
    "jti with NUL": lambda p: p.dpop(URL, "GET", TOKEN, jti="12345678\0"),
    "ath missing": lambda p: p.dpop(URL, "GET"),
    "ath of another token": lambda p: p.dpop(URL, "GET", "another"),
    "ath padded": lambda p: p.dpop(URL, "GET", ath="5E8NyxxFu6Ex5Mh4ZPWMEmBoyyOqRUWpCbkvFhpmxQA="),
    "ath list": lambda p: p.dpop(URL, "GET", ath=[1]),
    "ath half a character": lambda p: p.dpop(URL, "GET", ath="\ud800"),
    "longer than 8 KiB": lambda p: p.dpop(URL, "GET", TOKEN, note="x" * 8192),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_s22_hostile_proof_is_refused(phone: Phone, name: str) -> None:
    with pytest.raises(NotAuthenticated) as caught:
        check(HOSTILE[name](phone))
    assert caught.value.code == "invalid_dpop_proof"


def test_what_libraries_add_to_a_key_is_dropped(phone: Phone) -> None:
    remarks = {"kid": "a", "use": "sig", "alg": "ES256", "key_ops": ["verify"], "ext": True}
    assert checked_jwk(phone.jwk | remarks) == phone.jwk


@pytest.mark.parametrize("url", ["", "vi.example.vn", "ftp://vi.example.vn/", "https:///v1/me", "data:,x"])
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(Malformed):
        normalised(url)
