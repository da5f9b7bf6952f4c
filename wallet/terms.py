"""Nouns that every room shares. Imports nothing of ours."""

from dataclasses import dataclass
from datetime import timedelta
from enum import IntEnum, StrEnum

LONGEST_VALIDITY = timedelta(days=3660)
"""Of any document, from its day of issue on: no kind asks for more, and the key that signs is certified for so long."""


class AccountLevel(IntEnum):
    """How well the person behind an account was proven. Source: Decree 69/2024/NĐ-CP, article 7."""

    ONE = 1
    TWO = 2


class AuthLevel(IntEnum):
    """How well this session was authenticated. Source: Decree 69/2024/NĐ-CP, article 20."""

    ONE = 1
    TWO = 2
    THREE = 3
    FOUR = 4


class Status(IntEnum):
    """What a status list says of one document. Source: Token Status List draft-21, section 7.1."""

    VALID = 0
    INVALID = 1
    SUSPENDED = 2


class StaffRole(StrEnum):
    """What a member of staff may do; a citizen has none."""

    OFFICER = "officer"
    REVIEWER = "reviewer"
    OPERATOR = "operator"
    APPROVER = "approver"
    AUDITOR = "auditor"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who does something: a citizen in a session, a member of staff, or the system itself.

    account_id: `acc_...`, or `system` for the system. holder_id: the holder this account stands for,
    None for the system. request_id: the id that ties log lines, audit rows and the answer together. acting_for: the
    account of the ward for whom a guardian acts; holder_id is then the ward's. app_version: what the caller's app says
    it is, None where it says nothing.
    """

    account_id: str
    holder_id: str | None = None
    session_id: str | None = None
    device_id: str | None = None
    account_level: AccountLevel = AccountLevel.ONE
    auth_level: AuthLevel = AuthLevel.ONE
    roles: frozenset[StaffRole] = frozenset()
    request_id: str = ""
    acting_for: str | None = None
    app_version: str | None = None


SAMPLE_MARK = "MẪU - KHÔNG CÓ GIÁ TRỊ PHÁP LÝ"
"""Stands on everything that is issued here; domain facts are copied, legal force is not."""
