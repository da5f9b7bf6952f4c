"""What a persona signs in with, derived from a secret of the deployment: nothing is stored, and nothing is the same
on two servers.

HKDF-SHA256 (RFC 5869), one `info` per thing derived. A P-256 key from a wide scalar: FIPS 186-5, appendix A.2.1.
"""

from base64 import urlsafe_b64encode
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from wallet.errors import ConfigurationError, InvalidInput
from wallet.identity.passwords import check_passcode

SECRET_BYTES = 32
PASSWORD_LENGTH = 16
SPECIAL = "!@#$^*()_"

_P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
# Without letters and digits that look alike: these are read from a screen and typed.
_CLASSES = ("23456789", "ABCDEFGHJKLMNPQRSTUVWXYZ", "abcdefghijkmnpqrstuvwxyz", SPECIAL)
_ALPHABET = "".join(_CLASSES)


@dataclass(frozen=True, slots=True)
class Credentials:
    """password: 8 to 20 characters of four kinds. passcode: six digits. device_jwk: private, RFC 7517 with `d`.

    biometric_private_key, biometric_jwk: the second key, which the phone releases only after a face or fingerprint.
    """

    device_id: str
    password: str = field(repr=False)
    passcode: str = field(repr=False)
    device_private_key: ec.EllipticCurvePrivateKey = field(repr=False)
    device_jwk: dict[str, str] = field(repr=False)
    biometric_private_key: ec.EllipticCurvePrivateKey = field(repr=False)
    biometric_jwk: dict[str, str] = field(repr=False)


def derive(secret: bytes, key: str, number: str, birth: str) -> Credentials:
    """Return the credentials of the persona `key`. number, birth: what a passcode must not repeat."""
    if len(secret) < SECRET_BYTES:
        raise ConfigurationError(f"the demo secret has fewer than {SECRET_BYTES} bytes", mend="wallet keys new")
    device_key, device_jwk = _key(secret, key, "device-key")
    biometric_key, biometric_jwk = _key(secret, key, "biometric-key")
    return Credentials(
        device_id=f"dev_{derived_bytes(secret, key, 'device-id', 16).hex()}",
        password=_password(int.from_bytes(derived_bytes(secret, key, "password", 64), "big")),
        passcode=next(code for code in _passcodes(secret, key) if not is_weak(code, number, birth)),
        device_private_key=device_key,
        device_jwk=device_jwk,
        biometric_private_key=biometric_key,
        biometric_jwk=biometric_jwk,
    )


def derived_key(secret: bytes, key: str, purpose: str) -> ec.EllipticCurvePrivateKey:
    """Return the P-256 key of something else that follows from the secret: a card's chip, its document signer."""
    return _key(secret, key, purpose)[0]


def public_jwk(jwk: dict[str, str]) -> dict[str, str]:
    """Return the public half of a key."""
    return {name: jwk[name] for name in ("kty", "crv", "x", "y")}


def is_weak(passcode: str, number: str, birth: str) -> bool:
    """Return whether six digits are easy to guess: what the wallet itself refuses, and what reads like a pattern."""
    try:
        check_passcode(passcode, number=number, birth_date=birth)
    except InvalidInput:
        return True
    digits = [int(digit) for digit in passcode]
    steps = [later - sooner for sooner, later in pairwise(digits)]
    run = any(first == second and first in (-1, 0, 1) for first, second in pairwise(steps))
    repeated = len(set(digits)) < 3 or passcode[:3] == passcode[3:] or passcode[:2] == passcode[2:4] == passcode[4:]
    year, month, day = birth[:4], birth[5:7], birth[8:10]
    dates = (f"{day}{month}{year}", f"{month}{day}{year}", f"{year}{month}{day}")
    return run or repeated or year in passcode or any(passcode in text for text in dates)


def _key(secret: bytes, key: str, purpose: str) -> tuple[ec.EllipticCurvePrivateKey, dict[str, str]]:
    scalar = int.from_bytes(derived_bytes(secret, key, purpose, 48), "big") % (_P256_ORDER - 1) + 1
    private_key = ec.derive_private_key(scalar, ec.SECP256R1())
    point = private_key.public_key().public_numbers()
    jwk = {"kty": "EC", "crv": "P-256", "x": _base64(point.x), "y": _base64(point.y), "d": _base64(scalar)}
    return private_key, jwk


def _passcodes(secret: bytes, key: str) -> Iterator[str]:
    for attempt in range(1000):
        yield f"{int.from_bytes(derived_bytes(secret, key, f'passcode-{attempt}', 16), 'big') % 1_000_000:06d}"
    raise AssertionError("a thousand weak passcodes in a row")


def _password(number: int) -> str:
    """Return the password that a large number spells: one character of each kind, the rest of any, in any order."""
    letters = []
    for kind in (*_CLASSES, *[_ALPHABET] * (PASSWORD_LENGTH - len(_CLASSES))):
        number, index = divmod(number, len(kind))
        letters.append(kind[index])
    mixed = []
    while letters:
        number, index = divmod(number, len(letters))
        mixed.append(letters.pop(index))
    return "".join(mixed)


def derived_bytes(secret: bytes, key: str, purpose: str, length: int) -> bytes:
    """Return bytes that follow from the secret, for one purpose of one thing."""
    return HKDF(SHA256(), length, salt=None, info=f"wallet/demo/1/{key}/{purpose}".encode()).derive(secret)


def _base64(number: int) -> str:
    return urlsafe_b64encode(number.to_bytes(32, "big")).rstrip(b"=").decode()
