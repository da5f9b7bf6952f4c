"""Opening the wallet for a command: built from the settings, its tables looked at, closed whatever comes."""

from collections.abc import Iterator
from contextlib import contextmanager

from wallet.commands.console import fail, settings
from wallet.errors import Unavailable
from wallet.schema import schema_problem
from wallet.settings import Settings
from wallet.wiring import Wallet


@contextmanager
def opened(chosen: Settings | None = None, *, patient: bool = False) -> Iterator[Wallet]:
    """Open the wallet; end the command, with the next one to try, where its database lacks the tables.

    chosen: settings, those of the environment without. patient: whoever runs on waits for a database that is away.
    Raises Unavailable for one that is away.
    """
    wallet = Wallet.build(settings() if chosen is None else chosen)
    try:
        if _lacks_tables(wallet, patient):
            fail("Cơ sở dữ liệu chưa có bảng / the database lacks its tables", "wallet db upgrade")
        yield wallet
    finally:
        wallet.close()


def _lacks_tables(wallet: Wallet, patient: bool) -> bool:
    try:
        return schema_problem(wallet.db) is not None
    except Unavailable:
        if patient:
            return False
        raise
