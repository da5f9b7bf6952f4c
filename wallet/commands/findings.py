"""What `wallet doctor` finds, and how it looks into the database."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from wallet.db import Database
from wallet.errors import WalletError
from wallet.identity.repository import DatabaseSession
from wallet.schema import HEAD, current_version
from wallet.settings import Settings

OK, WARNING, WRONG = "ok", "warning", "wrong"
Found = TypeVar("Found")


@dataclass(frozen=True, slots=True)
class Finding:
    """What one look found. state: ok, warning or wrong. mend: the next command to try."""

    what: str
    state: str
    detail: str
    mend: str = ""


def read(chosen: Settings, what: str, look: Callable[[DatabaseSession], Found]) -> Found | Finding:
    """Return what is stored, or the finding that it cannot be looked at."""
    database = Database(chosen.database_url)
    try:
        if database.is_absent or current_version(database) != HEAD:
            return Finding(what, WARNING, "chưa xem được / cannot be looked at", "wallet db upgrade")
        with database.read() as session:
            return look(session)
    except WalletError as error:
        return Finding(what, WRONG, f"không trả lời / does not answer ({error.code})", "wallet config show")
    finally:
        database.close()
