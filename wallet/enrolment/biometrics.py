"""Whether a fresh capture of a face or finger is of the person whose reference is on file.

A matcher answers with a score, never with a yes: two captures of one person are never alike, and captures of two
people sometimes are. What score is enough is a setting, and both errors are known (ISO/IEC 19795-1: FMR and FNMR).
A vendor's matcher takes the place of the embedded one by fulfilling `BiometricMatcher`.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from operator import mul
from typing import Protocol

from wallet.errors import InvalidInput

MAGIC = b"VSB1"
DIMENSIONS = 128
LEAST_LENGTH = 64.0


class Modality(StrEnum):
    """What is captured."""

    FACE = "face"
    FINGER = "finger"


FIELDS: Mapping[Modality, str] = {Modality.FACE: "/face_sample", Modality.FINGER: "/finger_sample"}
"""Where a sample of each kind stands in a request."""

_MARKS: Mapping[Modality, bytes] = {Modality.FACE: b"A", Modality.FINGER: b"F"}


class BiometricMatcher(Protocol):
    """Compares what was captured just now with what is on file. Keeps neither."""

    def assert_sample(self, modality: Modality, sample: bytes) -> None:
        """Return if these bytes are a capture of this kind. Raises InvalidInput("/face_sample": "invalid_sample")."""
        ...

    def compare(self, modality: Modality, sample: bytes, reference: bytes) -> float:
        """Return how alike the two are: the higher, the more. Raises InvalidInput for a sample that is none."""
        ...


@dataclass(frozen=True, slots=True)
class Thresholds:
    """The least score that counts as the same person, for each modality. They go with one matcher."""

    face: float
    finger: float

    def of(self, modality: Modality) -> float:
        return self.face if modality is Modality.FACE else self.finger


class EmbeddedMatcher:
    """Cosine similarity of vectors of 128 signed bytes: what a demo and a test match with."""

    def assert_sample(self, modality: Modality, sample: bytes) -> None:
        """Raises InvalidInput("/face_sample": "invalid_sample") or the same of `/finger_sample`."""
        _vector(modality, sample)

    def compare(self, modality: Modality, sample: bytes, reference: bytes) -> float:
        """Return the cosine of the angle between the two, -1 to 1. Raises InvalidInput for a sample that is none."""
        one, other = _vector(modality, sample), _vector(modality, reference)
        return sum(map(mul, one, other)) / (math.hypot(*one) * math.hypot(*other))


def encode_template(modality: Modality, vector: bytes) -> bytes:
    """Return a template of the embedded matcher. vector: 128 signed bytes."""
    return MAGIC + _MARKS[modality] + vector


def _vector(modality: Modality, template: bytes) -> list[int]:
    """Return the numbers of a template; one that is nearly zero everywhere points nowhere and is none."""
    start = MAGIC + _MARKS[modality]
    if template.startswith(start) and len(template) == len(start) + DIMENSIONS:
        numbers = memoryview(template[len(start) :]).cast("b").tolist()
        if math.hypot(*numbers) >= LEAST_LENGTH:
            return numbers
    raise InvalidInput({FIELDS[modality]: "invalid_sample"})
