"""Certificate No. 1 (Phiếu lý lịch tư pháp số 1): for whoever a law lets ask. It never hints at what is expunged.

Of two people who differ in expunged convictions alone, everything is the same: the claims, the code and its size, when
the register was read as of, the steps and the deadline of the request, and what ends the certificate.
The law names no day on which it ends; a code needs one, and a year is ours.
Source: Judicial Records Law 28/2009/QH12, articles 41 and 42; docs/decisions on judicial records.
"""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from wallet.utilities.base import (
    Asking,
    Case,
    Claim,
    Claims,
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
    CONVICTION_OF_NO_1,
    NONE,
    NOT_BANNED,
    REGISTER,
    SOME,
    bans_in_force,
    not_expunged,
)
from wallet.utilities.judicial_record.findings import assert_confirmed

CODE = "judicial_record_1"
BASIC = ("full_name", "birth_date", "certificate_kind", "result", "issued_on", "office")


def derive(case: Case) -> Claims:
    """Return the result, convictions that stand, and bans that bind where that was asked for."""
    assert_confirmed(case)
    with_bans = case.answers.get("ban_information") is True
    number = str(case.claims["number"])
    return {
        "number_last4": number[-4:],
        "certificate_kind": "Phiếu lý lịch tư pháp số 1",
        **_stated(case, with_bans=with_bans),
    }


def void_if(stated: Claims, case: Case) -> bool:
    """Return whether the register now says something else of what this certificate says.

    A change of what it leaves out ends nothing: otherwise its end would tell.
    """
    if REGISTER not in case.facts:
        return True
    now = _plain(_stated(case, with_bans="ban_result" in stated))
    return any(stated.get(name) != now.get(name) for name in ("result", "convictions", "ban_result", "bans"))


def _stated(case: Case, *, with_bans: bool) -> dict[str, Any]:
    standing = not_expunged(case)
    claims: dict[str, Any] = {"result": SOME, "convictions": standing} if standing else {"result": NONE}
    if with_bans:
        binding = bans_in_force(case)
        claims |= {"ban_result": BANNED, "bans": binding} if binding else {"ban_result": NOT_BANNED}
    return claims


def _plain(value: Any) -> Any:
    """Return a value as JSON carries it."""
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {name: _plain(each) for name, each in value.items()}
    return [_plain(each) for each in value] if isinstance(value, (tuple, list)) else value


NO_1 = DocumentType(
    code=CODE,
    title={"vi": "Phiếu lý lịch tư pháp số 1", "en": "Judicial record certificate No. 1"},
    validity=timedelta(days=365),
    asking=Asking.LEGAL_GROUND,
    sensitive=True,
    void_when=frozenset({Source.CRIMINAL_RECORDS}),
    void_if=void_if,
    supersedes=True,
    derive=derive,
    claims=(
        Claim(1, "full_name", source=Source.POPULATION, paper=Paper.REQUIRED),
        Claim(2, "number_last4", basis=Source.POPULATION, paper=Paper.REQUIRED),
        Claim(3, "number", source=Source.POPULATION),
        Claim(4, "birth_date", Kind.DAY, Source.POPULATION, Paper.SHOWN),
        Claim(5, "sex", source=Source.POPULATION),
        Claim(6, "birth_place", source=Source.POPULATION, required=False, fact="birth_registration_place"),
        Claim(7, "nationality", source=Source.POPULATION, required=False),
        Claim(8, "permanent_address", source=Source.RESIDENCE, required=False),
        Claim(9, "temporary_address", source=Source.RESIDENCE, required=False),
        Claim(10, "certificate_kind", paper=Paper.REQUIRED),
        Claim(11, "result", basis=Source.CRIMINAL_RECORDS, paper=Paper.REQUIRED, undated=True),
        Claim(
            12,
            "convictions",
            Kind.RECORDS,
            basis=Source.CRIMINAL_RECORDS,
            required=False,
            parts=CONVICTION_OF_NO_1,
            undated=True,
        ),
        Claim(13, "ban_result", basis=Source.CRIMINAL_RECORDS, required=False, undated=True),
        Claim(14, "bans", Kind.RECORDS, basis=Source.CRIMINAL_RECORDS, required=False, parts=BAN, undated=True),
        Claim(15, "issued_on", Kind.DAY, Source.REQUEST, Paper.SHOWN, required=False),
        Claim(16, "office", source=Source.REQUEST, paper=Paper.SHOWN, required=False),
        Claim(17, "request_number", source=Source.REQUEST, required=False),
    ),
    views={
        "employer": BASIC,
        "civil_service": BASIC,
        "licensing": (*BASIC, "ban_result"),
        "embassy": (*BASIC, "number", "sex", "nationality"),
    },
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
            Section("record", ("result", "convictions")),
            Section("bans", ("ban_result", "bans")),
        ),
        number="{serial}/{year}/PLLTP1",
        signatory="records_head",
    ),
)
