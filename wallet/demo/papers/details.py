"""All papers of one household: what its people's rows carry beside what they are, and rows in further tables."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from wallet.demo.draw import Draw
from wallet.demo.papers import civil, health, judicial, kinship, traffic
from wallet.demo.papers.common import Row, Subject, is_drawn, subjects
from wallet.demo.papers.told import told
from wallet.demo.records import Household


@dataclass(slots=True)
class Details:
    """people, residences: by number, columns of that register. rows: of other tables."""

    people: dict[str, dict[str, Any]] = field(default_factory=dict)
    residences: dict[str, dict[str, Any]] = field(default_factory=dict)
    rows: list[Row] = field(default_factory=list)


def details_of(household: Household) -> Details:
    """Return the details of a household: a function of its id and its people, so a larger nation has the same."""
    details = Details()
    for person in household.people:
        exemptions = " ".join(person.exemptions) or None
        details.people[person.number] = kinship.relatives(person, household) | {"exemptions": exemptions}
    everybody = subjects(household)
    details.rows += civil.births(everybody)
    details.rows += civil.marriages(everybody)
    if is_drawn(household):
        details.rows += _drawn(household, everybody, details)
        return details
    for subject in everybody:
        residence = subject.person.residence
        if residence is not None:
            old = kinship.told_old_address(residence.permanent, residence.permanent_since)
            details.residences[subject.person.number] = {"permanent_old_address": old}
        details.rows += told(subject)
    return details


def _drawn(household: Household, everybody: list[Subject], details: Details) -> Iterator[Row]:
    draw = Draw(household.id, household.head)
    poor = kinship.drawn_poor(draw)
    old_address = kinship.drawn_old_address(draw, household)
    for subject in everybody:
        person = subject.person
        exemptions = kinship.drawn_exemptions(draw, subject, poor=poor)
        known = kinship.drawn_parents(draw, person, details.people[person.number])
        details.people[person.number] = known | {"exemptions": " ".join(exemptions) or None}
        residence = person.residence
        if residence is not None:
            moved_before = residence.permanent_since is not None and residence.permanent_since < kinship.REFORM
            details.residences[person.number] = {"permanent_old_address": old_address if moved_before else None}
        yield from kinship.drawn_history(draw, subject)
        yield from judicial.drawn(draw, subject)
        yield from health.drawn(draw, subject)
        yield from traffic.drawn(draw, subject)
        yield from civil.drawn(draw, subject, exemptions)
