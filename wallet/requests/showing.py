"""What a utility shows of a person without any paper: facts of registers, each with where it is from and how old it is.

And what it would ask: its form, less what a register answers already.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from wallet.clock import Clock
from wallet.errors import Conflict
from wallet.identity.holders import Holders
from wallet.requests.cases import OWN_REQUESTS, Cases, holder_of
from wallet.requests.links import Links, LinkState, assert_may_see, mismatch
from wallet.sources.base import Ground
from wallet.sources.gathering import Gathered, gather
from wallet.sources.reading import Sources
from wallet.terms import Actor
from wallet.utilities.answering import plain
from wallet.utilities.base import Capacity, Case, Field, Utility
from wallet.utilities.catalogue import Catalogue
from wallet.working_days import vietnamese_day


@dataclass(frozen=True, slots=True)
class ShownFact:
    """One fact as JSON. register, as_of: who states it, and since when it stands so there."""

    name: str
    value: Any = field(repr=False)
    register: str
    as_of: datetime


@dataclass(frozen=True, slots=True)
class AskedField:
    """One question, or one that is not asked. held: what a register answers in its place (`value`, `as_of`).

    choices: for a field with `one_of`, what the register offers.
    """

    question: Field
    held: bool
    register: str | None = None
    as_of: datetime | None = None
    value: Any = field(default=None, repr=False)
    choices: tuple[Mapping[str, Any], ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class Showing:
    """What is shown to the caller, in one transaction."""

    catalogue: Catalogue
    cases: Cases
    links: Links
    holders: Holders
    sources: Sources
    clock: Clock

    def facts(self, code: str, actor: Actor) -> list[ShownFact]:
        """Return what the utility shows of the caller, or of the ward they act for.

        Raises UnknownUtility, NotAllowed, LevelTooLow, StepUpRequired, Conflict("not_linked"), Unavailable.
        """
        utility, holder_id = self.catalogue.get(code), holder_of(actor)
        assert_may_see(utility, actor)
        if utility.link is not None:
            self.links.assert_linked(utility, holder_id)
        gathered = self._read(utility, _with_link(utility, tuple(utility.shows)), "show_data", actor)
        if utility.link is not None and mismatch(utility.link, gathered) is not None:
            # What was linked once is another person's by now, or was never held against what is known today.
            raise Conflict("not_linked", utility=utility.code)
        withheld = utility.withheld(self._case(utility, gathered, actor))
        return [
            ShownFact(name, plain(facts.values[name]), register, facts.as_of)
            for register, names in utility.shows.items()
            if (facts := gathered.facts.get(register)) is not None
            for name in names
            if name in facts.values and name not in withheld
        ]

    def form(self, code: str, actor: Actor) -> list[AskedField]:
        """Return the form as it stands for the caller. Raises as `facts` does, but for what is not linked.

        Until a record is linked it may be somebody else's: nothing in it is offered to choose from.
        """
        utility = self.catalogue.get(code)
        assert_may_see(utility, actor)
        registers = tuple(each[0] for field in utility.form for each in (field.held_by, field.one_of) if each)
        link = utility.link
        if link is not None and link.register in registers:
            if self.links.get(code, actor).state is LinkState.LINKED:
                registers = _with_link(utility, registers)
            else:
                registers = tuple(register for register in registers if register != link.register)
        gathered = self._read(utility, tuple(dict.fromkeys(registers)), "fill_form", actor)
        if link is not None and link.register in registers and mismatch(link, gathered) is not None:
            gathered = gathered.without(link.register)
        held = self.cases.held(utility, gathered)
        return [self._asked(field, held, gathered) for field in utility.form]

    def _asked(self, field: Field, held: Mapping[str, Any], gathered: Gathered) -> AskedField:
        if field.name in held and field.held_by is not None:
            facts = gathered.facts[field.held_by[0]]
            return AskedField(field, True, field.held_by[0], facts.as_of, plain(held[field.name]))
        if field.one_of is not None:
            register, records, _ = field.one_of
            stated = gathered.values.get(register, {}).get(records, ())
            return AskedField(field, False, register, choices=tuple(plain(stated)))
        return AskedField(field, False)

    def _read(self, utility: Utility, registers: tuple[str, ...], purpose: str, actor: Actor) -> Gathered:
        holder_id = holder_of(actor)
        number = self.holders.number(holder_id)
        wanted = [register for register in registers if register != OWN_REQUESTS]
        return gather(self.sources, wanted, number, Ground(purpose, utility.code, actor), subject=holder_id)

    def _case(self, utility: Utility, gathered: Gathered, actor: Actor) -> Case:
        now = self.clock.now()
        return Case(
            now=now,
            today=vietnamese_day(now),
            facts=gathered.values,
            number=self.holders.number(holder_of(actor)),
            capacity=Capacity.SELF if actor.acting_for is None else Capacity.GUARDIAN,
            account_level=actor.account_level,
            figures=utility.rules_on(vietnamese_day(now)).figures,
        )


def _with_link(utility: Utility, registers: tuple[str, ...]) -> tuple[str, ...]:
    """Return the registers with those that tell whether the linked record is still the person's."""
    return registers if utility.link is None else tuple(dict.fromkeys((*registers, *utility.link.registers)))
