"""The embedded matcher: both of its errors are there, both are measured, and neither is large."""

import sys

import pytest

from tests.support import SeededEntropy
from wallet.demo.biometrics import capture, reference, steady_capture
from wallet.enrolment.biometrics import EmbeddedMatcher, Modality, Thresholds
from wallet.entropy import SystemEntropy
from wallet.errors import InvalidInput
from wallet.settings import Settings

MATCHER = EmbeddedMatcher()
COMPARISONS = 4000
MOST_FALSE_MATCHES = 0.001
MOST_FALSE_NON_MATCHES = 0.03


def thresholds() -> Thresholds:
    settings = Settings.from_environ({})
    return Thresholds(settings.face_threshold, settings.finger_threshold)


def number(serial: int) -> str:
    return f"0990{serial:08d}"


@pytest.mark.parametrize("modality", Modality)
def test_both_errors_are_known_at_the_threshold(modality: Modality, capsys: pytest.CaptureFixture[str]) -> None:
    """FMR and FNMR after ISO/IEC 19795-1: of comparisons, not of people."""
    entropy, least = SeededEntropy(f"rates {modality}"), thresholds().of(modality)
    captures = [capture(number(serial), modality, entropy) for serial in range(COMPARISONS)]
    references = [reference(number(serial), modality) for serial in range(COMPARISONS)]
    genuine = [MATCHER.compare(modality, *pair) for pair in zip(captures, references, strict=True)]
    # Four strangers for each capture: false matches are rare, and few comparisons would only guess their rate.
    impostor = [
        MATCHER.compare(modality, sample, references[(serial + step) % COMPARISONS])
        for step in (1, 7, 101, 1999)
        for serial, sample in enumerate(captures)
    ]
    fnmr = sum(score < least for score in genuine) / len(genuine)
    fmr = sum(score >= least for score in impostor) / len(impostor)
    with capsys.disabled():
        sys.stdout.write(
            f"\n{modality} at {least}: FMR {fmr:.4%} of {len(impostor)}, FNMR {fnmr:.2%} of {len(genuine)}; "
            f"genuine {min(genuine):.2f} to {max(genuine):.2f}, impostor {min(impostor):.2f} to {max(impostor):.2f}\n"
        )
    assert 0 < fmr <= MOST_FALSE_MATCHES
    assert 0 < fnmr <= MOST_FALSE_NON_MATCHES
    assert min(genuine) < max(impostor), "the distributions overlap"


def test_no_two_captures_are_alike_and_none_is_the_reference() -> None:
    for modality in Modality:
        samples = [capture(number(1), modality, SystemEntropy()) for _ in range(50)]
        assert len(set(samples)) == 50
        assert reference(number(1), modality) not in samples
        assert all(MATCHER.compare(modality, sample, reference(number(1), modality)) < 0.99 for sample in samples)


def test_steady_captures_are_recognised() -> None:
    entropy = SeededEntropy(4)
    for modality in Modality:
        for serial in range(500):
            sample = steady_capture(number(serial), modality, entropy)
            assert MATCHER.compare(modality, sample, reference(number(serial), modality)) >= thresholds().of(modality)


def test_face_is_no_finger() -> None:
    face = capture(number(1), Modality.FACE, SeededEntropy(1))
    with pytest.raises(InvalidInput) as refusal:
        MATCHER.compare(Modality.FINGER, face, reference(number(1), Modality.FINGER))
    assert refusal.value.fields == {"/finger_sample": "invalid_sample"}


GOOD = capture(number(1), Modality.FACE, SeededEntropy(1))


@pytest.mark.parametrize(
    "sample",
    [
        b"",
        b"\x00" * 133,
        GOOD[:-1],
        GOOD + b"\x00",
        b"XXXX" + GOOD[4:],
        GOOD[:4] + b"?" + GOOD[5:],
        GOOD[:5] + b"\x00" * 128,
        GOOD[:5] + b"\x01" * 128,
        b"\xff\xd8\xff\xe0 a photograph",
    ],
    ids=range(9),
)
def test_malformed_samples_are_refused(sample: bytes) -> None:
    for judge in (
        lambda: MATCHER.assert_sample(Modality.FACE, sample),
        lambda: MATCHER.compare(Modality.FACE, sample, reference(number(1), Modality.FACE)),
    ):
        with pytest.raises(InvalidInput) as refusal:
            judge()
        assert refusal.value.fields == {"/face_sample": "invalid_sample"}
