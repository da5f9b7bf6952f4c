"""People of the demo nation who have no account yet, and what they state and show."""

import json
from typing import Any

from sqlalchemy import select

from tests.phone import b64url
from tests.support import SeededEntropy
from wallet.crypto.keystore import Secret
from wallet.crypto.sealing import unseal
from wallet.demo.biometrics import steady_capture
from wallet.demo.nation import generate
from wallet.demo.phones import phone_of
from wallet.demo.records import Person
from wallet.enrolment.biometrics import Modality
from wallet.enrolment.consent import STATEMENTS, VERSIONS
from wallet.messages.models import OutgoingRow
from wallet.wiring import Wallet

PEOPLE: dict[str, Person] = {person.number: person for household in generate(1, 1) for person in household.people}
PUBLIC_KEY = {
    "kty": "EC",
    "crv": "P-256",
    "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
    "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
}
OF_ENROLMENT = ("application_", "registration_", "level_raised")
WIFE, NAMESAKE, TONE = "099192000051", "099190000195", "099192000220"
"""An's wife; one of two people with one name and birth date; somebody whose name differs by a tone from another's."""


def sample(number: str, modality: Modality = Modality.FACE, seed: str = "") -> str:
    """Return a capture of this person that the matcher recognises, in base64url."""
    return b64url(steady_capture(number, modality, SeededEntropy(f"{number} {modality} {seed}")))


def statement(number: str, /, **changes: Any) -> dict[str, Any]:
    """Return what this person states at home, in order unless changed."""
    person = PEOPLE[number]
    return {
        "number": number,
        "full_name": person.name.full,
        "birth_date": person.birth,
        "phone": phone_of(number),
        "face_sample": sample(number),
        "device_id": f"dev_{number}",
        "public_key": PUBLIC_KEY,
        "consent": True,
        "consent_version": VERSIONS[0],
    } | changes


def application(number: str, /, **changes: Any) -> dict[str, Any]:
    """Return what an officer records of this person; `form` among the changes is merged into the form."""
    person = PEOPLE[number]
    form = {"full_name": person.name.full, "birth_date": person.birth, "phone": phone_of(number)}
    body: dict[str, Any] = {
        "number": number,
        "form": form | changes.pop("form", {}),
        "face_sample": sample(number),
        "finger_sample": sample(number, Modality.FINGER),
        "consent": {"given": True, "version": VERSIONS[0], "statements": list(STATEMENTS)},
    }
    if person.permit is not None:
        permit = person.permit
        body["foreigner"] = {
            "passport_number": permit.passport,
            "permit_number": permit.number,
            "permit_kind": permit.kind,
            "permit_expires": permit.expires.isoformat(),
        }
    elif person.card_issued is not None:
        body["card"] = {"number": number, "issued": person.card_issued.isoformat()}
    return body | changes


def texts(wallet: Wallet) -> list[tuple[str, str]]:
    """Return the text messages of enrolment that are queued: phone and code. The demo's own setup queued others."""
    with wallet.db.read() as session:
        rows = session.scalars(select(OutgoingRow).where(OutgoingRow.kind == "sms").order_by(OutgoingRow.created_at))
        secret = wallet.keystore.secret(Secret.MESSAGES)
        payloads = [json.loads(unseal(secret, row.sealed_payload or b"", row.id)) for row in rows]
    return [(each["phone"], each["code"]) for each in payloads if each["code"].startswith(OF_ENROLMENT)]
