"""Confirmation of residence (CT07).

Source: Residence Law 68/2020/QH14; Circular 55/2021/TT-BCA as amended by Circular 66/2023/TT-BCA.
"""

from datetime import date, timedelta

from wallet.utilities.base import (
    AccountLevel,
    AuthLevel,
    Case,
    Claim,
    Claims,
    ClaimsRejected,
    DocumentType,
    Kind,
    Paper,
    Rules,
    Source,
    Utility,
)


def derive(case: Case) -> Claims:
    """Add what follows from the registers: the last four digits, and what kind of registration this is."""
    kind = "Thường trú và tạm trú" if "temporary_address" in case.claims else "Thường trú"
    return {"number_last4": case.claims["number"][-4:], "registration_kind": kind}


def check(claims: Claims, today: date) -> None:
    """Refuse what contradicts itself; the register's owner must correct it first."""
    rejected = {}
    born, since = claims["birth_date"], claims["permanent_since"]
    if since > today:
        rejected["permanent_since"] = "in_future"
    elif isinstance(born, date) and since < born:
        rejected["permanent_since"] = "before_birth"
    if isinstance(born, date) and born > today:
        rejected["birth_date"] = "in_future"
    if "temporary_until" in claims and claims["temporary_until"] < claims.get("temporary_since", date.min):
        rejected["temporary_until"] = "before_start"
    if rejected:
        raise ClaimsRejected(**rejected)


CT07 = DocumentType(
    code="residence",
    title={"vi": "Xác nhận thông tin về cư trú", "en": "Confirmation of residence"},
    validity=timedelta(days=365),
    void_when=frozenset({Source.RESIDENCE}),
    derive=derive,
    check=check,
    claims=(
        Claim(1, "full_name", source=Source.POPULATION, paper=Paper.REQUIRED),
        Claim(2, "number_last4", paper=Paper.REQUIRED),
        Claim(3, "number", source=Source.POPULATION),
        Claim(4, "birth_date", Kind.DAY, Source.POPULATION),
        Claim(5, "sex", source=Source.POPULATION),
        Claim(6, "registration_kind", paper=Paper.SHOWN),
        Claim(7, "permanent_commune", source=Source.RESIDENCE, paper=Paper.SHOWN),
        Claim(8, "permanent_province", source=Source.RESIDENCE, paper=Paper.SHOWN),
        Claim(9, "permanent_since", Kind.DAY, Source.RESIDENCE, Paper.SHOWN),
        Claim(10, "permanent_address", source=Source.RESIDENCE),
        Claim(11, "temporary_address", source=Source.RESIDENCE, required=False),
        Claim(12, "temporary_since", Kind.DAY, Source.RESIDENCE, required=False),
        Claim(13, "temporary_until", Kind.DAY, Source.RESIDENCE, required=False),
        Claim(14, "current_address", source=Source.RESIDENCE, required=False),
        Claim(15, "household_head_name", source=Source.RESIDENCE),
        Claim(16, "relation_to_head", source=Source.RESIDENCE),
        Claim(17, "household_members", Kind.RECORDS, Source.RESIDENCE, required=False),
        Claim(18, "nationality", source=Source.POPULATION, required=False),
    ),
)

utility = Utility(
    code="residence",
    version=1,
    title={"vi": "Xác nhận thông tin về cư trú", "en": "Confirmation of residence"},
    agency="commune_police",
    minimum_level=AccountLevel.TWO,
    minimum_auth=AuthLevel.TWO,
    documents=(CT07,),
    rules=(Rules("2024-01", date(2024, 1, 1), "Luật Cư trú 68/2020/QH14; Thông tư 66/2023/TT-BCA (CT07)"),),
)
