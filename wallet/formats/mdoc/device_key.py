"""The holder's key, as the issuer wrote it into an mdoc: a COSE_Key on P-256.

Source: ISO/IEC 18013-5:2021, section 9.1.2.4 (deviceKey); RFC 9052, section 7; RFC 9053, section 7.1.1.
"""

from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec

from wallet.crypto.certificates import public_key_from_point
from wallet.errors import Malformed
from wallet.formats.mdoc.refusal import MdocRefused
from wallet.formats.mdoc.values import map_of

_KTY, _CRV, _X, _Y = 1, -1, -2, -3
_EC2, _P256, _COORDINATE_BYTES = 2, 1, 32


def cose_key(public_key: ec.EllipticCurvePublicKey) -> dict[int, int | bytes]:
    """Return a P-256 key as a COSE_Key, both coordinates written out."""
    if not isinstance(public_key.curve, ec.SECP256R1):
        raise MdocRefused("curve_not_allowed", "a device key is on P-256")
    numbers = public_key.public_numbers()
    x, y = (each.to_bytes(_COORDINATE_BYTES, "big") for each in (numbers.x, numbers.y))
    return {_KTY: _EC2, _CRV: _P256, _X: x, _Y: y}


def read_cose_key(value: Any) -> ec.EllipticCurvePublicKey:
    """Return the key that a COSE_Key is. Another curve is `curve_not_allowed`, anything else raises Malformed."""
    key = map_of(value)
    kty, crv, x, y = (key.get(label) for label in (_KTY, _CRV, _X, _Y))
    if kty.__class__ is not int or crv.__class__ is not int:
        raise Malformed("no device key")
    if (kty, crv) != (_EC2, _P256):
        raise MdocRefused("curve_not_allowed", "a device key is on P-256")
    if not isinstance(x, bytes) or not isinstance(y, bytes) or not len(x) == len(y) == _COORDINATE_BYTES:
        raise Malformed("not a point")
    return public_key_from_point(x, y)
