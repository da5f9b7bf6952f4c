"""Form TK01 as it was filled in at a desk, with what was captured beside it.

Source: Decree 69/2024/NĐ-CP, articles 10 and 11; docs/domain.md, sections 2.3 and 3.2.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from typing import Any

from wallet.enrolment.biometrics import FIELDS, BiometricMatcher, Modality
from wallet.enrolment.forms import checked_birth, sample_bytes
from wallet.errors import InvalidInput
from wallet.identity.contacts import normalised_phone
from wallet.utilities.names import clean_name

PAPERS = (
    "health_insurance",
    "social_insurance",
    "driving_licence",
    "vehicle_registration",
    "birth_certificate",
    "marriage_certificate",
)
"""What a holder may ask to have integrated. Source: docs/domain.md, section 2.7."""


@dataclass(frozen=True, slots=True)
class CardShown:
    """The identity card on the desk. number: as printed, current or former."""

    number: str = field(repr=False)
    issued: date
    serial: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class ForeignPapers:
    """Passport and residence card of a foreigner on the desk. permit_kind: `permanent` or `temporary`."""

    passport_number: str = field(repr=False)
    permit_number: str = field(repr=False)
    permit_kind: str
    permit_expires: date


@dataclass(frozen=True, slots=True)
class ApplicationOrder:
    """Form TK01 and what came with it.

    birth_date: `YYYY-MM-DD` or `YYYY`. guardian_number: of the parent or guardian who came with somebody under 14,
    and whose own-name phone it then is.
    card: None where a citizen has no card that is valid; it is then issued together with the account.
    statements: what the officer has told the holder before they consented.
    """

    number: str = field(repr=False)
    full_name: str = field(repr=False)
    birth_date: str = field(repr=False)
    phone: str = field(repr=False)
    face_sample: str = field(repr=False)
    finger_sample: str = field(repr=False)
    consent_given: bool
    consent_version: str
    statements: Sequence[str]
    email: str | None = field(default=None, repr=False)
    papers: Sequence[str] = ()
    card: CardShown | None = None
    foreigner: ForeignPapers | None = None
    guardian_number: str | None = field(default=None, repr=False)


def checked_form(order: ApplicationOrder) -> dict[str, Any]:
    """Return what is stated in the form in which it is kept: without any capture. Raises InvalidInput."""
    return {
        "number": order.number,
        "full_name": clean_name(order.full_name, "/form/full_name"),
        "birth_date": checked_birth(order.birth_date, "/form/birth_date"),
        "phone": _phone(order.phone),
        "email": order.email,
        "papers": sorted(set(order.papers)),
        "guardian_number": order.guardian_number,
        "card": None if order.card is None else _plain(order.card),
        "foreigner": None if order.foreigner is None else _plain(order.foreigner),
    }


def checked_samples(order: ApplicationOrder, matcher: BiometricMatcher) -> dict[Modality, bytes]:
    """Return what was captured. Raises InvalidInput for what is no capture of its kind."""
    given = {Modality.FACE: order.face_sample, Modality.FINGER: order.finger_sample}
    samples = {modality: sample_bytes(text, FIELDS[modality]) for modality, text in given.items()}
    for modality, sample in samples.items():
        matcher.assert_sample(modality, sample)
    return samples


def _phone(text: str) -> str:
    try:
        return normalised_phone(text)
    except InvalidInput as error:
        raise InvalidInput({"/form/phone": "invalid_phone"}) from error


def _plain(value: CardShown | ForeignPapers) -> dict[str, Any]:
    return {
        name: each.isoformat() if isinstance(each, date) else each
        for name, each in asdict(value).items()
        if each is not None
    }
