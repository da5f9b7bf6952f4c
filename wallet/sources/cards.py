"""The register of identity cards, as tables of this deployment: which card a person has now, and how it stands.

Beside the cards it keeps the certificates of those who sign the data on their chips (document signers).
"""

from typing import cast

from sqlalchemy import Table, bindparam, select
from sqlalchemy.types import String

from wallet.db import Database
from wallet.sources.base import Fact, Facts, Ground, RegisterCode
from wallet.sources.models import Card, CardSigner, FormerNumber
from wallet.sources.tables import only_known, reading, rows_of

_cards = cast(Table, Card.__table__)
_signers = cast(Table, CardSigner.__table__)
_aliases = cast(Table, FormerNumber.__table__)

_asked = bindparam("number", type_=String(12))
_CURRENT = select(_aliases.c.number).where(_aliases.c.former_number == _asked).scalar_subquery()
_NEWEST = (
    select(_cards)
    .where(_cards.c.number.in_([_asked, _CURRENT]))
    .order_by(_cards.c.issued.desc(), _cards.c.serial.desc())
    .limit(1)
)


class EmbeddedCards:
    """The register of cards."""

    code = RegisterCode.CARDS

    def __init__(self, database: Database) -> None:
        self._database = database

    def read(self, number: str, ground: Ground) -> Facts:
        """Return the newest card of a person: serial, number, state (`valid`, `held`, `revoked`), issued, expires.

        A card without a last day never expires. number: 12 digits, current or former.
        Raises NotFound("person_unknown") for somebody without a card, Unavailable("source_unavailable").
        """
        row = rows_of(self._database, self.code, _NEWEST, number)[0]
        known: dict[str, Fact | None] = {name: row[name] for name in ("serial", "number", "state", "issued", "expires")}
        return Facts(self.code, only_known(known), row["updated_at"])

    def signers(self) -> list[bytes]:
        """Return the certificates of the document signers, DER. Raises Unavailable("source_unavailable")."""
        with reading(self._database, self.code) as connection:
            return list(connection.execute(select(_signers.c.certificate)).scalars())
