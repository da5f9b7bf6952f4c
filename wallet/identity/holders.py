"""Holders: the people behind accounts, their sealed profile and the key that seals what is theirs.

Each holder has a data key; it is stored sealed under the deployment's secret and bound to the holder's id.
Erasing it erases everything that was ever sealed for that person, backups included.
"""

import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from wallet.audit import Audit
from wallet.clock import Clock
from wallet.crypto.sealing import KEY_BYTES, blind_index, seal, unseal
from wallet.entropy import Entropy, new_id
from wallet.errors import Conflict, NotFound
from wallet.identity.models import Holder
from wallet.identity.repository import IdentityRepository
from wallet.sources.base import Fact, numbers_of
from wallet.terms import Actor

PROFILE_FACTS = ("number", "full_name", "birth_date", "sex")
SHOWN_DIGITS = 4


@dataclass(frozen=True, slots=True)
class Profile:
    """Who a holder is. birth_date: `YYYY-MM-DD`, or `YYYY` where only the year is known."""

    number: str
    full_name: str
    birth_date: str
    sex: str = ""

    @property
    def number_masked(self) -> str:
        return "•" * (len(self.number) - SHOWN_DIGITS) + self.number[-SHOWN_DIGITS:]


@dataclass(frozen=True, slots=True)
class Holders:
    """The holders of one transaction."""

    repository: IdentityRepository
    audit: Audit
    clock: Clock
    entropy: Entropy
    index_secret: bytes
    data_secret: bytes
    _keys: dict[str, bytes] = field(default_factory=dict)

    def find(self, number: str) -> str | None:
        """Return the id of the holder with this number."""
        holder = self.repository.holder_by_number(blind_index(self.index_secret, number))
        return None if holder is None else holder.id

    def fingerprint(self, number: str) -> bytes:
        """Return by what the tables know a number: nobody can read it without the deployment's secret."""
        return blind_index(self.index_secret, number)

    def recognise(self, facts: Mapping[str, Fact], actor: Actor) -> str | None:
        """Return the id of the holder whom a register's facts describe, by the current number or any former one.

        Where the register has established a new number the holder has it from here on (`renumber`). None for nobody.
        """
        current = str(facts["number"])
        known = map(self.find, (current, *sorted(numbers_of(facts) - {current})))
        holder_id = next((each for each in known if each is not None), None)
        if holder_id is not None:
            self.renumber(holder_id, facts, actor)
        return holder_id

    def renumber(self, holder_id: str, facts: Mapping[str, Fact], actor: Actor) -> bool:
        """Move a holder to the number that the register states now, with what it states of them; return if it was new.

        Facts of somebody else, and a number that another holder has, change nothing. Raises Conflict("already_exists")
        when another transaction gave the number to somebody meanwhile, NotFound("holder_unknown").
        """
        number = str(facts["number"])
        index = blind_index(self.index_secret, number)
        former = self.number(holder_id)
        if number == former or former not in numbers_of(facts) or self.repository.holder_by_number(index) is not None:
            return False
        self.repository.renumber(holder_id, index, self._sealed_profile(holder_id, facts))
        self.audit.record("holder.renumbered", actor, holder_id)
        return True

    def has_number(self, holder_id: str, number: str) -> bool:
        """Return whether this holder has this number. Costs the same whether anybody else has it or nobody."""
        holder = self.repository.holder(holder_id)
        known = b"" if holder is None or holder.number_index is None else holder.number_index
        return hmac.compare_digest(known, blind_index(self.index_secret, number))

    def open(self, facts: Mapping[str, Fact], actor: Actor) -> str:
        """Return the id of the holder whom a register's facts describe, made when nobody is recognised.

        facts: at least number, full_name and birth_date. Of the rest only what identifies is kept: the register
        stays the register. Raises Conflict("already_exists") when another transaction opened the same holder.
        """
        known = self.recognise(facts, actor)
        if known is not None:
            return known
        holder_id = new_id(self.entropy, "hld")
        key = self.entropy.bytes(KEY_BYTES)
        self._keys[holder_id] = key
        self.repository.add(
            Holder(
                id=holder_id,
                number_index=blind_index(self.index_secret, str(facts["number"])),
                sealed_data_key=seal(self.data_secret, key, holder_id, self.entropy),
                sealed_profile=self._sealed_profile(holder_id, facts),
                created_at=self.clock.now(),
            )
        )
        return holder_id

    def hold(self, holder_id: str, *, shared: bool = False) -> None:
        """Let nobody else erase this holder until the transaction ends; nor give them anything, unless it is shared.

        Whoever makes something for a holder holds them shared; whoever erases one waits for that, and sees it.
        Raises NotFound("holder_unknown") when unknown or erased.
        """
        holder = self.repository.holder(holder_id, lock="share" if shared else "update")
        if holder is None or holder.sealed_data_key is None:
            raise NotFound("holder_unknown")

    def number(self, holder_id: str) -> str:
        """Return a holder's number, for asking a register. Raises NotFound("holder_unknown")."""
        return self.profile(holder_id).number

    def profile(self, holder_id: str) -> Profile:
        """Return who a holder is. Raises NotFound("holder_unknown") when unknown or erased."""
        holder = self.repository.holder(holder_id)
        if holder is None or holder.sealed_profile is None:
            raise NotFound("holder_unknown")
        return Profile(**json.loads(self.unseal(holder_id, holder_id, holder.sealed_profile)))

    def seal(self, holder_id: str, row_id: str, plaintext: bytes) -> bytes:
        """Return `plaintext` sealed for one row of one holder. Raises NotFound("holder_unknown")."""
        return seal(self._data_key(holder_id), plaintext, row_id, self.entropy)

    def unseal(self, holder_id: str, row_id: str, sealed: bytes) -> bytes:
        """Return what was sealed. Raises NotFound("holder_unknown") once the holder is erased, Malformed."""
        return unseal(self._data_key(holder_id), sealed, row_id)

    def erase(self, holder_id: str) -> None:
        """Forget a holder: the data key, the profile and the number's fingerprint. Raises NotFound, Conflict."""
        holder = self.repository.holder(holder_id)
        if holder is None:
            raise NotFound("holder_unknown")
        account = self.repository.account_of_holder(holder_id)
        if account is not None and account.state != "closed":
            raise Conflict("account_open")
        self._keys.pop(holder_id, None)
        holder.sealed_data_key = holder.sealed_profile = holder.number_index = None
        self.repository.flush()

    def _sealed_profile(self, holder_id: str, facts: Mapping[str, Fact]) -> bytes:
        profile = {name: _text(facts[name]) for name in PROFILE_FACTS if name in facts}
        return self.seal(holder_id, holder_id, json.dumps(profile, ensure_ascii=False).encode())

    def _data_key(self, holder_id: str) -> bytes:
        if holder_id not in self._keys:
            holder = self.repository.holder(holder_id)
            if holder is None or holder.sealed_data_key is None:
                raise NotFound("holder_unknown")
            self._keys[holder_id] = unseal(self.data_secret, holder.sealed_data_key, holder_id)
        return self._keys[holder_id]


def _text(fact: Fact) -> str:
    return fact.isoformat() if isinstance(fact, date) else str(fact)
