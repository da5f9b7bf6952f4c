"""Electronic identity (căn cước điện tử): who somebody is, for whoever has to know it at a desk or a gate.

What a gate needs is little: the name, to hold against a ticket, the date of birth, the portrait, and that the account
is of level 2. Address, household and religion are no part of it. A portrait stands in it by its hash: the picture
comes over the network, and a verifier can tell that it is the one that was signed. A card with a very long name has no
room for the hash: then a gate has name and date of birth, and the portrait by the word of the service.

Source: Law on Identity 26/2023/QH15, articles 31 and 33 (an electronic identity proves what it states);
Decree 69/2024/NĐ-CP, article 7 (levels); docs/domain.md, sections 2 and 5.
"""

from datetime import date, timedelta

from wallet.utilities.base import (
    AccountLevel,
    Capacity,
    Case,
    Claim,
    Claims,
    DocumentType,
    Kind,
    Layout,
    OnChange,
    Paper,
    Rules,
    Section,
    Source,
    Utility,
    age_on,
)

VALIDITY = timedelta(days=365)
ADULT = 18
TRAVEL = ("full_name", "number_last4", "birth_date", "portrait_hash", "account_level")


def derive(case: Case) -> Claims:
    """Add the last four digits, the level below which nobody gets this paper, and whether the person is of age.

    Whoever comes of age within the paper's time is told so by the next one: it ends on the day before (`until`).
    """
    return {
        "number_last4": case.claims["number"][-4:],
        "account_level": int(AccountLevel.TWO),
        "over_18": age_on(case.claims["birth_date"], case.today) >= ADULT,
    }


def until(case: Case) -> date | None:
    """Return the last day on which the age is right, where somebody comes of age before the paper would end."""
    born, last = case.claims.get("birth_date"), case.today + VALIDITY
    if born is None or age_on(born, case.today) >= ADULT or age_on(born, last) < ADULT:
        return last
    day, end = case.today, last
    while (end - day).days > 1:
        middle = day + (end - day) // 2
        day, end = (day, middle) if age_on(born, middle) >= ADULT else (middle, end)
    return day


IDENTITY = DocumentType(
    code="identity",
    title={"vi": "Căn cước điện tử", "en": "Electronic identity"},
    validity=VALIDITY,
    until=until,
    void_when=frozenset({Source.POPULATION, Source.PORTRAITS}),
    on_change=OnChange.RENEW,
    supersedes=True,
    derive=derive,
    claims=(
        Claim(1, "full_name", source=Source.POPULATION, paper=Paper.REQUIRED),
        Claim(2, "number_last4", paper=Paper.REQUIRED, basis=Source.POPULATION),
        Claim(3, "number", source=Source.POPULATION),
        Claim(4, "birth_date", Kind.DAY, Source.POPULATION),
        Claim(5, "sex", source=Source.POPULATION),
        Claim(6, "nationality", source=Source.POPULATION, required=False),
        Claim(7, "portrait_hash", source=Source.PORTRAITS),
        Claim(8, "account_level", Kind.INT),
        Claim(9, "over_18", Kind.BOOL, basis=Source.POPULATION),
    ),
    views={
        "check_in": TRAVEL,
        "boarding": TRAVEL,
        "security": TRAVEL,
        "age_18": ("over_18", "portrait_hash"),
        "hotel": ("full_name", "number_last4", "birth_date", "nationality"),
        "hospital": ("full_name", "number_last4", "birth_date"),
        "bank": ("full_name", "number_last4", "birth_date", "sex", "portrait_hash", "account_level"),
        "traffic_police": ("full_name", "number_last4", "birth_date", "portrait_hash"),
    },
    card_spares=("portrait_hash", "sex", "nationality", "account_level"),
    layout=Layout(
        sections=(
            Section("holder", ("full_name", "number", "birth_date", "sex", "nationality")),
            Section("identity", ("account_level", "portrait_hash", "over_18")),
        ),
        number="{serial}/{year}/CCĐT",
        signatory="identity_authority",
    ),
)

utility = Utility(
    code="identity",
    version=1,
    title={"vi": "Căn cước điện tử", "en": "Electronic identity"},
    agency="c06",
    minimum_level=AccountLevel.TWO,
    who=frozenset({Capacity.SELF, Capacity.GUARDIAN}),
    documents=(IDENTITY,),
    rules=(
        Rules(
            "2024-07",
            date(2024, 7, 1),
            "Luật Căn cước 26/2023/QH15, Điều 31, Điều 33; Nghị định 69/2024/NĐ-CP, Điều 7",
        ),
    ),
)
