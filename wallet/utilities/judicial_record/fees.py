"""What a certificate costs, and what the city of Hà Nội pays of it.

Source: Circular 244/2016/TT-BTC, articles 4 and 5; Circular 16/2025/TT-BTC has ruled since 24 April 2025, and that the
amounts are unchanged is unconfirmed. Hà Nội pays the fee for Vietnamese citizens who have their permanent residence
there, apply in the app and are not exempt already; whether after 2025 is unconfirmed, so its periods stand in one
place, `HANOI_SUPPORT` (docs/domain.md, 1b and 4.2).
"""

from datetime import date
from typing import Any

from wallet.utilities.base import AccountLevel, Case, Fee, FeeLine, age_on


def fee(case: Case) -> Fee:
    """Return the lines: the fee by whose record it is, more than so many copies, and the support of Hà Nội."""
    figures = case.figures
    if is_exempt(case):
        return Fee((FeeLine("exempt", 0),))
    reduced = bool(_flags(case) & set(figures["reduced_for"]))
    main = FeeLine("fee_reduced", figures["reduced_fee"]) if reduced else FeeLine("fee", figures["fee"])
    lines = [main]
    extra = case.answers.get("paper_copies", 0) - figures["copies_included"]
    if extra > 0:
        lines.append(FeeLine("extra_copies", extra * figures["extra_copy"]))
    if has_support(case):
        lines.append(FeeLine("support_hanoi", -main.amount))
    return Fee(tuple(lines))


def is_exempt(case: Case) -> bool:
    """Return whether nothing is to be paid at all: children, the elderly, and whom the register marks so."""
    born = case.fact("population", "birth_date")
    if born is not None:
        age = age_on(born, case.today)
        if age < case.figures["child_age"] or age >= case.figures["elderly_age"]:
            return True
    return bool(_flags(case) & set(case.figures["exempt_for"]))


def has_support(case: Case) -> bool:
    """Return whether Hà Nội pays: citizen, permanent residence there, account of level 2, within one of its periods."""
    return (
        case.fact("population", "nationality") == CITIZEN
        and case.fact("residence", "permanent_province_code") == case.figures["support_province"]
        and case.account_level >= AccountLevel.TWO
        and any(first <= case.today <= last for first, last in case.figures["support_periods"])
    )


def _flags(case: Case) -> set[Any]:
    return set(case.fact("population", "exemptions", ()))


CITIZEN = "Việt Nam"
"""Nationality, as the population register has it of Vietnamese citizens."""

HANOI_SUPPORT = (
    (date(2024, 6, 1), date(2025, 12, 31)),
    (date(2026, 7, 1), date(2027, 12, 31)),  # unconfirmed: assumed with the amended law, until the city publishes it
)
"""First and last day of each period in which Hà Nội pays. When the city decides otherwise this alone is changed."""

OF_2016: dict[str, Any] = {
    "fee": 200_000,
    "reduced_fee": 100_000,
    "reduced_for": ("student", "merit", "martyr_relative"),
    "exempt_for": (
        "poor_household",
        "disability",
        "special_area_resident",
        "minority_special_area",
        "border_commune",
        "safe_zone_commune",
    ),
    "child_age": 16,
    "elderly_age": 60,
    "copies_included": 2,
    "extra_copy": 5_000,
    "support_province": "01",
    "support_periods": HANOI_SUPPORT,
}
"""Ages: Children Law 102/2016/QH13, Art. 1; Elderly Law 39/2009/QH12, Art. 2. The price of a copy is unconfirmed."""
