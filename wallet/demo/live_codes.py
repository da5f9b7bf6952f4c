"""What a phone does at a gate, without network: it signs a live code from a card with its own key."""

from datetime import datetime

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from wallet.documents.forms.card import LIFE
from wallet.formats.live_code import encode_live_code, parse_gate_challenge


def live_code(card: bytes, device_key: ec.EllipticCurvePrivateKey, now: datetime, challenge: str = "") -> str:
    """Return the `VL1:` text of a card as of now. challenge: the `VG1:` text of the gate that asked, "" for any gate.

    Raises Malformed for a challenge that is none.
    """

    def sign(message: bytes) -> bytes:
        r, s = decode_dss_signature(device_key.sign(message, ec.ECDSA(hashes.SHA256())))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")

    answering = parse_gate_challenge(challenge) if challenge else None
    return encode_live_code(card, now, now + LIFE, sign, answering)
