"""Driving licence (giấy phép lái xe): a licence of the register, shown in place of the plastic card.

Source: Circular 28/2024/TT-BCA (police may hold the papers electronically that the account shows); Law on Identity
26/2023/QH15, article 22 (a driving licence is among the papers that may be integrated); docs/domain.md, sections 3.3,
4.6 and 5.4. Unconfirmed: the day Circular 28/2024 came into force, what Law 118/2025/QH15 changes here, and that a
licence has twelve points (`full_points`),
and that licences are the traffic police's since the transport ministry was merged away.
"""

from datetime import date, timedelta

from wallet.utilities.base import (
    AccountLevel,
    AnswersRejected,
    Case,
    Claim,
    Claims,
    ClaimsRejected,
    DocumentType,
    Field,
    Kind,
    Layout,
    Link,
    OnChange,
    Paper,
    Rules,
    Section,
    Source,
    Utility,
    still_stated,
)

VALIDITY = timedelta(days=365)
WHICH = Field("licence_number", size=(1, 20), one_of=(Source.DRIVING_LICENCES, "licences", "licence_number"))
STATED = ("licence_number", "classes", "issued_on", "expires_on", "issued_by", "points")
VALID = "valid"
"""The one state in which a licence is shown: what a partner may say some day is in nobody's list of states."""
UNUSABLE = {"old_paper": "old_paper", "held": "licence_held", "revoked": "licence_revoked"}
"""States that there are words for; every other but the valid one is `state_unknown`."""


def accept(case: Case) -> None:
    """Refuse a licence that is not the person's, may not be used now, or contradicts the law's count of points."""
    licence = case.chosen(WHICH)
    if licence is None:
        raise AnswersRejected({WHICH.name: "not_yours"})
    if licence["state"] != VALID:
        raise AnswersRejected({WHICH.name: UNUSABLE.get(licence["state"], "state_unknown")})
    if licence.get("expires_on", date.max) < case.today:
        raise AnswersRejected({WHICH.name: "expired"})
    if licence.get("points", 0) not in range(case.figures["full_points"] + 1):
        raise ClaimsRejected(points="impossible_points")


def derive(case: Case) -> Claims:
    """Add what the register states of the chosen licence."""
    licence = case.chosen(WHICH) or {}
    stated = {name: licence[name] for name in STATED if name in licence}
    full = {"full_points": case.figures["full_points"]} if "points" in licence else {}
    return {"number_last4": case.claims["number"][-4:], "state": "Còn hiệu lực", **stated, **full}


def check(claims: Claims, today: date) -> None:
    """Refuse a licence that was given in the future; the register's owner must correct it first."""
    if claims["issued_on"] > today:
        raise ClaimsRejected(issued_on="in_future")


def until(case: Case) -> date | None:
    """Return the last day of a licence that ends before this document would."""
    return min(case.claims.get("expires_on", date.max), case.today + VALIDITY)


def changed(stated: Claims, case: Case) -> bool:
    """Return whether the register no longer says this of this licence; another licence of the person is no change."""
    licence = case.record(WHICH, stated["licence_number"]) or {}
    return licence.get("state") != VALID or not still_stated(stated, STATED, licence)


LICENCE = DocumentType(
    code="driving_licence",
    title={"vi": "Giấy phép lái xe", "en": "Driving licence"},
    validity=VALIDITY,
    until=until,
    void_when=frozenset({Source.DRIVING_LICENCES}),
    void_if=changed,
    on_change=OnChange.RENEW,
    derive=derive,
    check=check,
    claims=(
        Claim(1, "full_name", source=Source.POPULATION, paper=Paper.REQUIRED),
        Claim(2, "number_last4", paper=Paper.REQUIRED, basis=Source.POPULATION),
        Claim(3, "number", source=Source.POPULATION),
        Claim(4, "birth_date", Kind.DAY, Source.POPULATION),
        Claim(5, "licence_number", basis=Source.DRIVING_LICENCES),
        Claim(6, "classes", Kind.LIST, basis=Source.DRIVING_LICENCES, paper=Paper.SHOWN),
        Claim(7, "issued_on", Kind.DAY, basis=Source.DRIVING_LICENCES),
        Claim(8, "expires_on", Kind.DAY, basis=Source.DRIVING_LICENCES, paper=Paper.SHOWN, required=False),
        Claim(9, "issued_by", basis=Source.DRIVING_LICENCES),
        Claim(10, "points", Kind.INT, basis=Source.DRIVING_LICENCES, required=False),
        Claim(11, "full_points", Kind.INT, required=False),
        Claim(12, "state", basis=Source.DRIVING_LICENCES),
    ),
    views={
        "traffic_police": (
            "full_name", "birth_date", "licence_number", "classes", "issued_on", "expires_on", "issued_by", "points",
            "full_points", "state",
        ),
    },
    layout=Layout(
        sections=(
            Section("holder", ("full_name", "birth_date", "number")),
            Section("licence", ("licence_number", "classes", "issued_on", "expires_on", "issued_by", "state")),
            Section("points", ("points", "full_points")),
        ),
        number="{serial}/{year}/GPLX",
        signatory="traffic_police",
        bilingual=True,
    ),
)  # fmt: skip

utility = Utility(
    code="driving_licence",
    version=1,
    title={"vi": "Giấy phép lái xe", "en": "Driving licence"},
    agency="traffic_police",
    minimum_level=AccountLevel.TWO,
    documents=(LICENCE,),
    rules=(
        Rules(
            "2024-07",
            date(2024, 7, 1),
            "Luật Căn cước 26/2023/QH15, Điều 22; Thông tư 28/2024/TT-BCA",
            figures={"full_points": 12},
        ),
        Rules(
            "2026-07",
            date(2026, 7, 1),
            "Luật Căn cước 26/2023/QH15, Điều 22, và Luật 118/2025/QH15; Thông tư 28/2024/TT-BCA",
            figures={"full_points": 12},
        ),
    ),
    form=(WHICH,),
    codes={"state": (VALID, "held", "revoked", "old_paper")},
    shows={Source.DRIVING_LICENCES: ("licences",)},
    link=Link(Source.DRIVING_LICENCES),
    accept=accept,
)
