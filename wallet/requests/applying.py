"""As what somebody applies: for themselves, for a ward, by proxy, for an organisation. Who sends it settles that."""

from collections.abc import Mapping
from types import MappingProxyType

from wallet.errors import NotAllowed
from wallet.requests.models import RequestRow
from wallet.requests.orders import About
from wallet.terms import Actor
from wallet.utilities.base import Capacity, Utility
from wallet.utilities.lifecycles import DRAFT

NOTHING: Mapping[str, str] = MappingProxyType({})


def capacity_of(stated: Capacity, actor: Actor) -> Capacity:
    """Return as what somebody applies: who acts for a ward is a guardian, whatever they say, and nobody else is."""
    if actor.acting_for is not None:
        return Capacity.GUARDIAN
    return Capacity.SELF if stated is Capacity.GUARDIAN else stated


def apply_as(row: RequestRow, actor: Actor) -> None:
    """Write onto a request as what whoever sends it now applies, not whoever began it.

    By proxy, and for an organisation, it stays what it was once it is sent: its office settles whether they may.
    """
    stated = Capacity(row.capacity)
    if row.state == DRAFT or stated in (Capacity.SELF, Capacity.GUARDIAN):
        row.capacity = str(capacity_of(stated, actor))


def faults_beside(row: RequestRow, about: About | None, unread: Mapping[str, str] = NOTHING) -> dict[str, str]:
    """Return what is wrong with a request beside its answers: what could not be read, and whom it is about."""
    faults = dict(unread)
    if any(pointer.split("/")[1] == "about" for pointer in faults):
        return faults
    if (row.capacity == Capacity.PROXY) != (about is not None):
        faults["/about"] = "required" if about is None else "not_asked"
    return faults


def assert_takes(utility: Utility, capacity: Capacity) -> None:
    if capacity not in utility.who:
        raise NotAllowed("capacity_not_allowed", capacity=str(capacity))
