"""What a process knows of definitions: looked for every two seconds, read again only when one was approved."""

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog

from wallet.clock import Clock
from wallet.defining.repository import DefinitionRepository
from wallet.errors import InvalidInput, WalletError
from wallet.utilities.catalogue import Catalogue, LeftOut
from wallet.utilities.declared import defined
from wallet.utilities.plugin import Plugin

LOOK_EVERY = timedelta(seconds=2)
log = structlog.get_logger("wallet.defining")


@dataclass
class DefinitionBoard:
    """Keeps a catalogue in step with the table. A lookup costs one comparison of times, every two seconds one read."""

    reading: Callable[[], AbstractContextManager[DefinitionRepository]]
    catalogue: Catalogue
    clock: Clock
    _looked_at: datetime | None = None
    _number: int = 0
    _told: bool = False
    _one_at_a_time: threading.Lock = field(default_factory=threading.Lock)

    def follow(self) -> None:
        """Have the catalogue look here whenever it is asked for something."""
        self.catalogue.follow(self.look)

    def look(self, *, force: bool = False) -> None:
        """Take in what was approved. While the database does not answer, what is known stays."""
        now = self.clock.now()
        if not force and self._looked_at is not None and timedelta(0) <= now - self._looked_at < LOOK_EVERY:
            return
        if not self._one_at_a_time.acquire(blocking=False):
            return  # somebody is looking, and this one may know a moment later
        try:
            self._looked_at = now
            with self.reading() as rows:
                number = rows.last_number()
                if number != self._number:
                    for each in take_in(self.catalogue, rows):
                        log.error("definition left out", definition=each.module, faults=list(each.faults))
                    self._number = number
            self._told = False
        except WalletError as error:
            if not self._told:
                log.warning("definitions not read", code=error.code)
            self._told = True
        finally:
            self._one_at_a_time.release()


def take_in(catalogue: Catalogue, rows: DefinitionRepository) -> list[LeftOut]:
    """Declare what was approved; return what is left out, for it breaks the contract of today."""
    plugins: dict[str, list[Plugin]] = {}
    left_out = []
    for row in rows.approved():
        try:
            plugins.setdefault(row.code, []).append(defined(row.definition, version=row.version))
        except InvalidInput as error:
            faults = (*(f"{at} {code}" for at, code in error.fields.items()), *error.values.get("faults", ()))
            left_out.append(LeftOut(f"definition {row.code} {row.version}", faults))
    catalogue.declare([tuple(versions) for versions in plugins.values() if versions], left_out)
    return left_out
