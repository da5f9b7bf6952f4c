"""For which organisation a request is made: an active one, which whoever applies represents when it is sent."""

from dataclasses import dataclass

from wallet.enrolment.organisations import Organisations
from wallet.requests.models import RequestRow
from wallet.utilities.base import Capacity


@dataclass(frozen=True, slots=True)
class Represented:
    """Organisations behind requests, in one transaction."""

    organisations: Organisations

    def faults(self, row: RequestRow) -> dict[str, str]:
        """Return what is wrong with the organisation of a request that is not sent yet, JSON Pointer to code.

        One that is unknown, somebody else's or not active is told as one: which organisations there are, and how they
        stand, is for their representatives alone.
        """
        if row.capacity != Capacity.BUSINESS:
            return {} if row.organisation_id is None else {"/organisation": "not_asked"}
        if row.organisation_id is None:
            return {"/organisation": "required"}
        found = self.organisations.represented_by(row.organisation_id, row.account_id)
        return {"/organisation": "not_represented"} if found is None else {}

    def name(self, row: RequestRow) -> None:
        """Write down what the organisation of a request is called today, where whoever applies represents it."""
        if row.organisation_id is None:
            return
        found = self.organisations.represented_by(row.organisation_id, row.account_id)
        if found is not None:
            row.organisation_code, row.organisation_name = found.enterprise_code, found.name
