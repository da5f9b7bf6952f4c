"""Security report (phản ánh về an ninh, trật tự): told to the police of the place, and answered with a receipt.

What was written stays in the request, for the desk of that place alone; the receipt proves that, when and about what
kind of matter something was reported, and nothing of the text. Nobody may ask a holder for it.

The police's own register says what became of earlier reports; the holder sees that, and the receipt says nothing of it:
whom it is shown to learns of one report. Who was fined for a false report, or has as many waiting as may wait, is told
where to turn instead.

Source: docs/domain.md, sections 2.7 (level 1 is enough) and 4.6 (category, text, place, time, photo; confidential);
Decree 69/2024/NĐ-CP for the account. Unconfirmed: how old a matter may be (`oldest_days`), the five working days
in which an answer is promised, and how many reports may wait (`most_waiting`), for no source names any; the shape of
the register, a sample; that a fine for a false report bars one from reporting by app, modelled on the year for which
a fine counts (Law on Handling of Administrative Violations 15/2012/QH13, article 7).
"""

from datetime import date, timedelta

from wallet.utilities.base import (
    ANSWERED,
    AccountLevel,
    AnswersRejected,
    Ask,
    Asking,
    Case,
    Claim,
    Claims,
    Deadline,
    DocumentType,
    Field,
    Kind,
    Layout,
    Paper,
    Rules,
    Section,
    Source,
    Utility,
)

CATEGORIES = {
    "theft": "Trộm cắp, cướp giật tài sản",
    "disorder": "Gây rối trật tự công cộng",
    "violence": "Bạo lực, cố ý gây thương tích",
    "drugs": "Ma túy",
    "gambling": "Cờ bạc",
    "black_credit": "Tín dụng đen",
    "online_scam": "Lừa đảo trên mạng",
    "traffic": "Trật tự, an toàn giao thông",
    "fire": "Phòng cháy, chữa cháy",
    "other": "Vấn đề khác",
}
"""A grouping of this utility's own: no official list was found."""
REGISTER = Source.SECURITY_CASES
STATES = ("received", "assigned", "closed", "referred")
WAITING = "received"
"""A report that nobody at the police has been given yet."""


def accept(case: Case) -> None:
    """Refuse who may not report by app now, and a matter that has not happened yet or lies too far back."""
    wrong = look(case)
    waiting = [each for each in case.fact(REGISTER, "reports", ()) if each.get("state") == WAITING]
    if case.fact(REGISTER, "barred_until", date.min) >= case.today:
        wrong["text"] = "reports_barred"
    elif len(waiting) >= case.figures["most_waiting"]:
        wrong["text"] = "too_many_open_reports"
    if wrong:
        raise AnswersRejected(wrong)


def look(case: Case) -> dict[str, str]:
    """Return what is wrong with when it happened."""
    happened_at = case.answers.get("happened_at", case.now)
    if happened_at > case.now:
        return {"happened_at": "in_future"}
    if happened_at < case.now - timedelta(days=case.figures["oldest_days"]):
        return {"happened_at": "too_long_ago"}
    return {}


def derive(case: Case) -> Claims:
    """Add what kind of matter it is and where it happened, in words."""
    commune = case.commune_name(case.answers["commune"])
    place = case.answers.get("place")
    return {
        "number_last4": case.claims["number"][-4:],
        "category": CATEGORIES[case.answers["category"]],
        "place": f"{place}, {commune}" if place else commune,
    }


def province_of(case: Case) -> str:
    """Return the province of the place, whose police it concerns."""
    return case.places.get(case.answers.get("commune", ""), {}).get("province_code", "")


RECEIPT = DocumentType(
    code="security_report_receipt",
    title={"vi": "Giấy tiếp nhận phản ánh về an ninh, trật tự", "en": "Receipt of a security report"},
    validity=timedelta(days=365),
    asking=Asking.NEVER,
    derive=derive,
    claims=(
        Claim(1, "full_name", source=Source.POPULATION, paper=Paper.REQUIRED),
        Claim(2, "number_last4", paper=Paper.REQUIRED, basis=Source.POPULATION),
        Claim(3, "number", source=Source.POPULATION),
        Claim(4, "request_number", source=Source.REQUEST, paper=Paper.SHOWN),
        Claim(5, "submitted_at", Kind.TIME, Source.REQUEST, Paper.SHOWN),
        Claim(6, "category"),
        Claim(7, "happened_at", Kind.TIME, Source.DECLARED),
        Claim(8, "place"),
        Claim(9, "office", source=Source.REQUEST, required=False),
        Claim(10, "due_on", Kind.DAY, Source.REQUEST, required=False),
    ),
    views={"police": ("full_name", "request_number", "submitted_at", "category", "happened_at", "place")},
    layout=Layout(
        sections=(
            Section("reporter", ("full_name", "number")),
            Section("report", ("request_number", "submitted_at", "category", "happened_at", "place")),
            Section("answer", ("office", "due_on")),
        ),
        number="{serial}/{year}/TN-PAANTT",
        signatory="commune_police",
    ),
)

utility = Utility(
    code="security_report",
    version=1,
    title={"vi": "Phản ánh về an ninh, trật tự", "en": "Security report"},
    agency="commune_police",
    minimum_level=AccountLevel.ONE,
    documents=(RECEIPT,),
    rules=(
        Rules(
            "2024-07",
            date(2024, 7, 1),
            "Nghị định 69/2024/NĐ-CP",
            deadline=Deadline(working_days=5),
            figures={"oldest_days": 365, "most_waiting": 5},
        ),
    ),
    form=(
        Field("category", Ask.CHOICE, choices=tuple(CATEGORIES)),
        Field("commune", Ask.COMMUNE),
        Field("place", required=False),
        Field("happened_at", Ask.MOMENT),
        Field("text", Ask.LINES, size=(20, 5000)),
        Field("photos", Ask.FILES, required=False, size=(0, 5)),
        Field("may_contact", Ask.BOOL),
    ),
    codes={"kind": tuple(CATEGORIES), "state": STATES},
    shows={REGISTER: ("reports", "barred_until")},
    lifecycle=ANSWERED,
    reasons=("dealt_with", "passed_on", "nothing_found", "known_already"),
    confidential=True,
    province_of=province_of,
    accept=accept,
    look=look,
)
