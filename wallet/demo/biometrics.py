"""The demo's cameras and fingerprint readers: everybody has a face and a finger, and no two captures are alike.

What is on file follows from the personal number. A capture is that, seen through noise that is drawn anew each time:
mostly little, now and then so much that the matcher does not recognise the person, as with a real reader.
"""

from hashlib import shake_256
from operator import itemgetter
from statistics import NormalDist

from wallet.enrolment.biometrics import DIMENSIONS, Modality, encode_template
from wallet.entropy import Entropy

SPREAD = 44.0
"""Standard deviation of the numbers of a template: whole bytes with room for what noise adds."""

_BELL = bytes(round(NormalDist(0, SPREAD).inv_cdf((each + 0.5) / 256)) & 0xFF for each in range(256))
"""An even byte to one that is spread as a bell around zero: one table, so that a whole nation is drawn in a second."""
_STEADY = 1.1
"""Noise, in spreads, up to which a camera calls its own picture good."""
_QUALITIES = 1000


def reference(number: str, modality: Modality) -> bytes:
    """Return the template on file of the person with this number: the same on every machine."""
    return encode_template(modality, _numbers(f"{modality}:{number}".encode()))


def references(number: str) -> tuple[bytes, bytes]:
    """Return face and finger of a person."""
    return reference(number, Modality.FACE), reference(number, Modality.FINGER)


def capture(number: str, modality: Modality, entropy: Entropy) -> bytes:
    """Return what a camera or reader sees of this person now; `entropy` draws the noise."""
    return _captured(number, modality, entropy)[0]


def steady_capture(number: str, modality: Modality, entropy: Entropy) -> bytes:
    """Return a capture that the device itself finds sharp: what an app sends after "hold still and try again"."""
    captures = (_captured(number, modality, entropy) for _ in range(20))
    good = next((sample for sample, noise in captures if noise <= _STEADY), None)
    return good or min((_captured(number, modality, entropy) for _ in range(5)), key=itemgetter(1))[0]


def _captured(number: str, modality: Modality, entropy: Entropy) -> tuple[bytes, float]:
    """Return a capture and how much noise is in it, in spreads of the template."""
    seed = entropy.bytes(32)
    noise = _noise(int.from_bytes(seed[:4], "big") % _QUALITIES)
    own, other = _signed(_numbers(f"{modality}:{number}".encode())), _signed(_numbers(seed))
    whole = (1 + noise**2) ** 0.5
    seen = (round((each + noise * grain) / whole) for each, grain in zip(own, other, strict=True))
    return encode_template(modality, bytes(max(-127, min(127, level)) & 0xFF for level in seen)), noise


def _noise(quality: int) -> float:
    """Return the noise of a capture that is worse than `quality` of a thousand: 0.4 for the best, a long tail."""
    return 0.4 + 0.28 * (_QUALITIES / (_QUALITIES - quality)) ** 0.5 + 0.4 * quality / _QUALITIES


def _numbers(seed: bytes) -> bytes:
    """Return 128 signed bytes, spread as a bell around zero."""
    return shake_256(seed).digest(DIMENSIONS).translate(_BELL)


def _signed(packed: bytes) -> list[int]:
    return memoryview(packed).cast("b").tolist()
