"""Certificate No. 2 (Phiếu lý lịch tư pháp số 2): the whole record, for the person themselves and for proceedings.

Since 1 July 2026 nobody may demand it of a person; no check can ask for it. What the holder presents unasked shows that
it is genuine and no more, and so does its code on paper: not even the result.
Source: Judicial Records Law 28/2009/QH12, articles 41 and 43 (its exact wording is unconfirmed), and the amending law.
"""

from datetime import timedelta
from typing import Any

from wallet.utilities.base import (
    Asking,
    Case,
    Claim,
    Claims,
    ClaimsRejected,
    DocumentType,
    Kind,
    Layout,
    Paper,
    Section,
    Source,
)
from wallet.utilities.judicial_record.entries import (
    BAN,
    BANNED,
    CONVICTION,
    EXPUNGED,
    NO_LONGER_BANNED,
    NONE,
    NOT_BANNED,
    SOME,
    bans,
    bans_in_force,
    contradictions,
    convictions,
    not_expunged,
)
from wallet.utilities.judicial_record.findings import assert_confirmed

CODE = "judicial_record_2"


def derive(case: Case) -> Claims:
    """Return every conviction, expunged ones with their day, and every ban."""
    assert_confirmed(case)
    if wrong := contradictions(case):
        raise ClaimsRejected(**wrong)
    recorded, banned = convictions(case), bans(case)
    result = (SOME if not_expunged(case) else EXPUNGED) if recorded else NONE
    ban_result = (BANNED if bans_in_force(case) else NO_LONGER_BANNED) if banned else NOT_BANNED
    claims: dict[str, Any] = {
        "number_last4": str(case.claims["number"])[-4:],
        "certificate_kind": "Phiếu lý lịch tư pháp số 2",
        "result": result,
        "ban_result": ban_result,
    }
    if recorded:
        claims["convictions"] = recorded
    if banned:
        claims["bans"] = banned
    return claims


NO_2 = DocumentType(
    code=CODE,
    title={"vi": "Phiếu lý lịch tư pháp số 2", "en": "Judicial record certificate No. 2"},
    validity=timedelta(days=365),
    asking=Asking.NEVER,
    sensitive=True,
    void_when=frozenset({Source.CRIMINAL_RECORDS}),
    supersedes=True,
    derive=derive,
    claims=(
        Claim(1, "full_name", source=Source.POPULATION, paper=Paper.REQUIRED),
        Claim(2, "number_last4", basis=Source.POPULATION, paper=Paper.REQUIRED),
        Claim(3, "number", source=Source.POPULATION),
        Claim(4, "birth_date", Kind.DAY, Source.POPULATION),
        Claim(5, "sex", source=Source.POPULATION),
        Claim(6, "birth_place", source=Source.POPULATION, required=False, fact="birth_registration_place"),
        Claim(7, "nationality", source=Source.POPULATION, required=False),
        Claim(8, "permanent_address", source=Source.RESIDENCE, required=False),
        Claim(9, "temporary_address", source=Source.RESIDENCE, required=False),
        Claim(10, "father_name", source=Source.POPULATION, required=False),
        Claim(11, "mother_name", source=Source.POPULATION, required=False),
        Claim(12, "spouse_name", source=Source.POPULATION, required=False),
        Claim(13, "certificate_kind", paper=Paper.REQUIRED),
        Claim(14, "result", basis=Source.CRIMINAL_RECORDS),
        Claim(15, "convictions", Kind.RECORDS, basis=Source.CRIMINAL_RECORDS, required=False, parts=CONVICTION),
        Claim(16, "ban_result", basis=Source.CRIMINAL_RECORDS),
        Claim(17, "bans", Kind.RECORDS, basis=Source.CRIMINAL_RECORDS, required=False, parts=BAN),
        Claim(18, "issued_on", Kind.DAY, Source.REQUEST, Paper.SHOWN, required=False),
        Claim(19, "office", source=Source.REQUEST, paper=Paper.SHOWN, required=False),
        Claim(20, "request_number", source=Source.REQUEST, required=False),
    ),
    layout=Layout(
        sections=(
            Section(
                "person",
                (
                    "full_name",
                    "number",
                    "birth_date",
                    "sex",
                    "birth_place",
                    "nationality",
                    "permanent_address",
                    "temporary_address",
                ),
            ),
            Section("family", ("father_name", "mother_name", "spouse_name")),
            Section("record", ("result", "convictions")),
            Section("bans", ("ban_result", "bans")),
        ),
        number="{serial}/{year}/PLLTP2",
        signatory="records_head",
    ),
)
