"""What a personal identification number says of its owner, held against what else is known. It never decides.

Dates of birth are corrected and sex is re-determined; the number of birth stays. So a difference is told to who applies
and to who decides, and nothing is refused for it.
Source: Decree 137/2015/NĐ-CP, article 13 (docs/domain.md, section 3.1, validation (c)).
Part of the contract; plug-ins import it through `wallet.utilities.base`.
"""

import re
from collections.abc import Mapping
from datetime import date

BIRTH_YEAR, SEX = "birth_year_unlike_number", "sex_unlike_number"
WOMEN, MEN = "Nữ", "Nam"


def unlike_number(number: str, *, birth_date: date | str | None = None, sex: str | None = None) -> Mapping[str, str]:
    """Return what differs from the number: `birth_date`, `sex` to a code of `warnings`; nothing for what is none.

    birth_date: a day, or a text that begins with the year. sex: `Nam` or `Nữ`; what is neither is not compared.
    """
    if not re.fullmatch("[0-9]{12}", number):
        return {}
    century, last_two = int(number[3]), int(number[4:6])
    found = {}
    if birth_date is not None and str(birth_date)[:4] != str(1900 + century // 2 * 100 + last_two):
        found["birth_date"] = BIRTH_YEAR
    if sex in (MEN, WOMEN) and (sex == WOMEN) != bool(century % 2):
        found["sex"] = SEX
    return found
