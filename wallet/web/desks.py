"""Who works at a desk: what every operation of officers and approvers asks for, beside what it asks for itself."""

from typing import Any

from wallet.terms import AccountLevel, AuthLevel, StaffRole

OFFICER: dict[str, Any] = {
    "account_level": AccountLevel.TWO,
    "auth_level": AuthLevel.TWO,
    "role": StaffRole.OFFICER,
}
APPROVER: dict[str, Any] = OFFICER | {"role": StaffRole.APPROVER}
EITHER: dict[str, Any] = OFFICER | {"role": frozenset({StaffRole.OFFICER, StaffRole.APPROVER})}
