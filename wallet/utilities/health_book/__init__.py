"""Electronic health book (Sổ sức khỏe điện tử): what it holds, and the papers that come of it.

Four groups of data (administrative, history, visits, summary of treatment) and five papers: a summary of chosen groups
for a chosen purpose, a referral, an appointment, one visit, and a card for emergencies. The book is linked with the
health insurance first; nothing is issued from a book that is not its holder's.

Source: Decision 1332/QĐ-BYT (2024), the content of the book, whose details and day are unconfirmed; Decision
31/QĐ-BYT of 6 January 2026, its data equals the paper book; docs/domain.md, sections 4.3, 4.5 and 5.3.
Unconfirmed and therefore figures: which diseases an emergency card names, and which purposes need insurance in force.
"""

from datetime import date
from types import MappingProxyType

from wallet.utilities.base import (
    AccountLevel,
    Ask,
    AuthLevel,
    Capacity,
    Field,
    Link,
    Rules,
    Source,
    Utility,
)
from wallet.utilities.health_book.accepting import accept, look, paper
from wallet.utilities.health_book.card import ALLERGY_CARD, SEVERE_CODES
from wallet.utilities.health_book.slips import APPOINTMENT, REFERRAL, WHICH_APPOINTMENT, WHICH_REFERRAL
from wallet.utilities.health_book.summary import GROUPS, INSURED_PURPOSES, PURPOSES, SUMMARY
from wallet.utilities.health_book.visit import VISIT, WHICH_VISIT

DOCUMENTS = (SUMMARY, REFERRAL, APPOINTMENT, VISIT, ALLERGY_CARD)
FIGURES = MappingProxyType({"severe_codes": SEVERE_CODES, "insured_purposes": INSURED_PURPOSES})

utility = Utility(
    code="health_book",
    version=1,
    title={"vi": "Sổ sức khỏe điện tử", "en": "Electronic health book"},
    agency="health_ministry",
    documents=DOCUMENTS,
    rules=(
        Rules("2024-05", date(2024, 5, 21), "Quyết định 1332/QĐ-BYT năm 2024", figures=FIGURES),
        Rules(
            "2026-01",
            date(2026, 1, 6),
            "Quyết định 1332/QĐ-BYT năm 2024; Quyết định 31/QĐ-BYT ngày 06/01/2026",
            figures=FIGURES,
        ),
    ),
    minimum_level=AccountLevel.TWO,
    minimum_auth=AuthLevel.TWO,
    who=frozenset({Capacity.SELF, Capacity.GUARDIAN}),
    form=(
        Field("paper", Ask.CHOICE, choices=tuple(kind.code for kind in DOCUMENTS)),
        Field("purpose", Ask.CHOICE, choices=tuple(PURPOSES), only_if=("paper", (SUMMARY.code,))),
        Field(
            "groups",
            Ask.CHOICES,
            size=(1, len(GROUPS)),
            choices=tuple(GROUPS),
            only_if=("paper", (SUMMARY.code,)),
        ),
        WHICH_REFERRAL,
        WHICH_APPOINTMENT,
        WHICH_VISIT,
    ),
    reads=(Source.HEALTH_RECORDS, Source.HEALTH_INSURANCE, Source.RESIDENCE),
    codes={"severity": ("mild", "moderate", "severe")},
    shows={
        Source.POPULATION: ("full_name", "number", "birth_date", "sex"),
        Source.RESIDENCE: ("permanent_address",),
        Source.HEALTH_INSURANCE: (
            "card_number",
            "insurance_number",
            "benefit_level",
            "valid_from",
            "valid_until",
            "first_care_facility",
        ),
        Source.HEALTH_RECORDS: (
            "blood_type",
            "diseases",
            "allergies",
            "vaccinations",
            "visits",
            "referrals",
            "appointments",
        ),
    },
    link=Link(Source.HEALTH_RECORDS, same=(("insurance_number", Source.HEALTH_INSURANCE, "insurance_number"),)),
    accept=accept,
    look=look,
    document_for=paper,
)
