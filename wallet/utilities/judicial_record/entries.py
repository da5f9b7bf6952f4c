"""What the register of criminal records states, and how much of it a certificate may say.

Nothing recorded is an empty list. A register that does not state the list, or does not know the person, says nothing:
of silence no clean certificate is made.
Source: Judicial Records Law 28/2009/QH12, articles 42 and 43.
"""

from collections.abc import Mapping
from datetime import date
from typing import Any

from wallet.utilities.base import Case, ClaimsRejected

REGISTER = "criminal_records"
NONE, SOME, EXPUNGED = "Không có án tích", "Có án tích", "Có án tích, đã được xóa án tích"
BANNED = "Đang bị cấm đảm nhiệm chức vụ, thành lập, quản lý doanh nghiệp, hợp tác xã"
NOT_BANNED = "Không bị cấm đảm nhiệm chức vụ, thành lập, quản lý doanh nghiệp, hợp tác xã"
NO_LONGER_BANNED = "Đã hết thời hạn bị cấm đảm nhiệm chức vụ, thành lập, quản lý doanh nghiệp, hợp tác xã"

CONVICTION = (
    "judgment_number",
    "judged_on",
    "court",
    "offence",
    "penalty",
    "civil_duties",
    "court_fees",
    "execution",
    "expunged_on",
)
CONVICTION_OF_NO_1 = ("offence", "penalty")
"""What No. 1 says of a conviction that is not expunged: offence and penalty (article 42; unconfirmed in detail)."""

BAN = ("decision_number", "decided_on", "court", "posts", "from_day", "until_day")

Records = tuple[Mapping[str, Any], ...]


def convictions(case: Case) -> Records:
    """Return every conviction on record. Raises ClaimsRejected when the register does not say."""
    return _stated(case, "convictions", "result")


def not_expunged(case: Case) -> Records:
    """Return what No. 1 may say: convictions that are not expunged today, and of each no more than it may."""
    standing = [each for each in convictions(case) if not _expunged(each, case.today)]
    return tuple({part: each[part] for part in CONVICTION_OF_NO_1 if part in each} for each in standing)


def bans(case: Case) -> Records:
    """Return every ban after a bankruptcy on record. Raises ClaimsRejected when the register does not say."""
    return _stated(case, "bans", "ban_result")


def bans_in_force(case: Case) -> Records:
    """Return the bans that bind today."""
    return tuple(each for each in bans(case) if each["from_day"] <= case.today and _binds(each, case.today))


def contradictions(case: Case) -> dict[str, str]:
    """Return claim to reason: entries that cannot be, which the register's owner has to correct before a No. 2."""
    for each in convictions(case):
        if each["judged_on"] > case.today:
            return {"convictions": "in_future"}
        if each.get("expunged_on") is not None and each["expunged_on"] < each["judged_on"]:
            return {"convictions": "expunged_before_judgment"}
    return {}


def _expunged(conviction: Mapping[str, Any], today: date) -> bool:
    day = conviction.get("expunged_on")
    return day is not None and day <= today


def _binds(ban: Mapping[str, Any], today: date) -> bool:
    until = ban.get("until_day")
    return until is None or until >= today


def _stated(case: Case, fact: str, claim: str) -> Records:
    found = case.fact(REGISTER, fact)
    if found is None:
        raise ClaimsRejected(**{claim: "not_on_record"})
    return tuple(found)
