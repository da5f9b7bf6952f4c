"""Everything that registers state about one person for one purpose, each read once."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from wallet.errors import NotFound
from wallet.sources.base import Facts, Ground, RegisterCode
from wallet.sources.reading import Sources


@dataclass(frozen=True, slots=True)
class Gathered:
    """What was read. A register that does not know the person is in `unknown`."""

    facts: Mapping[str, Facts] = field(default_factory=dict)
    unknown: frozenset[str] = frozenset()

    @property
    def values(self) -> dict[str, Mapping[str, Any]]:
        """Register to what it states."""
        return {register: facts.values for register, facts in self.facts.items()}

    def without(self, register: str) -> "Gathered":
        """Return the same as if one register had not been asked."""
        return Gathered({each: facts for each, facts in self.facts.items() if each != register}, self.unknown)


def gather(
    sources: Sources,
    registers: Iterable[str],
    number: str,
    ground: Ground,
    *,
    subject: str,
    known: Gathered | None = None,
) -> Gathered:
    """Read what is not known yet. subject: the id that the record of reading is about. Raises Unavailable."""
    facts = dict(known.facts) if known else {}
    unknown = set(known.unknown) if known else set()
    for register in registers:
        if register in facts or register in unknown:
            continue
        person = facts.get(RegisterCode.POPULATION)
        try:
            facts[register] = sources.read(
                register, number, ground.about(person.values) if person else ground, subject=subject
            )
        except NotFound:
            unknown.add(register)
    return Gathered(facts, frozenset(unknown))
