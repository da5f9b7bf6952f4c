"""JSON Web Keys on P-256. Source: RFC 7517; RFC 7518, section 6.2."""

from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from wallet.crypto.jwk import key_of_jwk, public_jwk
from wallet.errors import Malformed

KEY = ec.generate_private_key(ec.SECP256R1()).public_key()
JWK = public_jwk(KEY)
RFC_7517 = {
    "kty": "EC",
    "crv": "P-256",
    "x": "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4",
    "y": "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM",
}
"""The key of RFC 7517, appendix A.1."""


def test_key_is_what_its_jwk_says() -> None:
    assert key_of_jwk(JWK) == KEY
    assert public_jwk(key_of_jwk(RFC_7517)) == RFC_7517


def test_remarks_decide_nothing() -> None:
    assert key_of_jwk(JWK | {"kid": "1", "use": "enc", "alg": "none", "x5u": "https://x.vn", "key_ops": []}) == KEY


@pytest.mark.parametrize(
    "changes",
    [
        {"kty": "RSA"},
        {"kty": None},
        {"crv": "P-384"},
        {"crv": "secp256k1"},
        {"x": JWK["y"]},
        {"x": JWK["x"][:-1]},
        {"x": JWK["x"] + "A"},
        {"x": "=" * 43},
        {"x": "é" * 43},
        {"y": None},
        {"y": 5},
        {"y": [JWK["y"]]},
        {"d": "A" * 43},
        {"k": "AAAA"},
    ],
)
def test_jwk_that_is_no_public_key_on_the_curve_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(Malformed):
        key_of_jwk({name: value for name, value in (JWK | changes).items() if value is not None})
