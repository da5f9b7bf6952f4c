"""Judicial records: certificates No. 1 and No. 2 (Phiếu lý lịch tư pháp).

Two kinds of document with two rules: No. 1 may be asked for where a law says so and never hints at expunged
convictions; No. 2 may be asked for by nobody. Past convictions are not asked in the form, for the register holds them;
nor is the place of birth, the parents or the spouse. Residence since 14 is asked only of whom the residence register
has no history.

Unconfirmed, and therefore figures or rules: number, time limits and forms of the amending law of 5 December 2025; the
present amounts of the fee; the support of Hà Nội after 2025; the age from which one applied before 1 July 2026, taken
from criminal responsibility (Penal Code 2015, article 12); that the parent or guardian of a minor, and not the minor,
applies for No. 2 also under the amending law.
Source: Judicial Records Law 28/2009/QH12; Circular 06/2024/TT-BTP; Circulars 244/2016/TT-BTC and 16/2025/TT-BTC;
docs/domain.md, section 4.2. Competent since 1 March 2025: the Records Department and the police of the provinces.
"""

from datetime import date

from wallet.utilities.base import (
    REVIEWED,
    AccountLevel,
    Ask,
    AuthLevel,
    Capacity,
    Case,
    Deadline,
    Field,
    Rules,
    Source,
    Utility,
)
from wallet.utilities.judicial_record import certificate_1, certificate_2
from wallet.utilities.judicial_record.applying import accept, look
from wallet.utilities.judicial_record.fees import OF_2016, fee
from wallet.utilities.judicial_record.findings import OUTCOMES, STEPS
from wallet.utilities.judicial_record.history import OCCUPATIONS, RESIDENCE_HISTORY

NO_1, NO_2 = "no_1", "no_2"
WITH_PAPER = ("copies", ("electronic_and_paper",))
BY_POST = ("delivery", ("post",))

PURPOSES = (
    "civil_servant_file",
    "study_abroad",
    "job_application",
    "conditional_business",
    "visa",
    "living_abroad",
    "marriage_with_foreigner",
    "other",
)


def document_for(case: Case) -> str:
    """Return the kind of document that was asked for."""
    return certificate_2.CODE if case.answers["kind"] == NO_2 else certificate_1.CODE


def province_of(case: Case) -> str:
    """Return the office that was chosen, "" for that of the permanent residence."""
    return str(case.answers.get("office", ""))


utility = Utility(
    code="judicial_record",
    version=1,
    title={"vi": "Cấp Phiếu lý lịch tư pháp", "en": "Judicial record certificate"},
    agency="province_police",
    minimum_level=AccountLevel.TWO,
    minimum_auth=AuthLevel.TWO,
    who=frozenset({Capacity.SELF, Capacity.GUARDIAN, Capacity.PROXY}),
    documents=(certificate_1.NO_1, certificate_2.NO_2),
    rules=(
        Rules(
            "2010-07",
            date(2010, 7, 1),
            "Luật Lý lịch tư pháp 28/2009/QH12; Thông tư 244/2016/TT-BTC, Thông tư 16/2025/TT-BTC (phí)",
            Deadline(working_days=10, extended_working_days=15),
            fee,
            {**OF_2016, "applicant_age": 14, "no_2_alone_from": 18},
        ),
        Rules(
            "2026-07",
            date(2026, 7, 1),
            "Luật Lý lịch tư pháp 28/2009/QH12, sửa đổi, bổ sung từ ngày 01/07/2026; Thông tư 16/2025/TT-BTC (phí)",
            Deadline(working_days=3, extended_working_days=9),
            fee,
            {**OF_2016, "applicant_age": 16, "no_2_alone_from": 18},
        ),
    ),
    form=(
        Field("kind", Ask.CHOICE, choices=(NO_1, NO_2)),
        Field("purpose", Ask.CHOICE, choices=PURPOSES),
        Field("purpose_other", size=(3, 200), only_if=("purpose", ("other",))),
        Field("ban_information", Ask.BOOL, only_if=("kind", (NO_1,))),
        Field("copies", Ask.CHOICE, choices=("electronic", "electronic_and_paper")),
        Field("paper_copies", Ask.INT, size=(1, 20), only_if=WITH_PAPER),
        Field("delivery", Ask.CHOICE, choices=("collect", "post"), only_if=WITH_PAPER),
        Field("delivery_address", Ask.LINES, size=(10, 300), only_if=BY_POST),
        Field("delivery_phone", Ask.PHONE, only_if=BY_POST),
        Field("office", Ask.PROVINCE, required=False),
        RESIDENCE_HISTORY,
        OCCUPATIONS,
        Field("authority", Ask.FILES, required=False, size=(1, 3)),
        Field("email", Ask.EMAIL, required=False),
    ),
    reads=(Source.POPULATION, Source.RESIDENCE, Source.CRIMINAL_RECORDS),
    codes={"outcome": OUTCOMES},
    lifecycle=REVIEWED,
    steps=STEPS,
    reasons=(
        "data_mismatch",
        "not_entitled",
        "authority_invalid",
        "unconfirmed",
        "history_incomplete",
        "authority_unclear",
        "address_incomplete",
    ),
    supplements=("history_incomplete", "authority_unclear", "address_incomplete"),
    province_of=province_of,
    accept=accept,
    look=look,
    document_for=document_for,
)
