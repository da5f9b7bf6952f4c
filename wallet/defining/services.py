"""Defining put together: the service of one transaction."""

from wallet.defining.defining import DEFINE, Defining
from wallet.defining.repository import DefinitionRepository
from wallet.launching.services import LaunchServices
from wallet.means import Means


def build_defining(means: Means, launches: LaunchServices) -> Defining:
    """Build the service of one transaction. launches: whose approvals decide about definitions too."""
    rows = DefinitionRepository(means.session)
    approvals = launches.approvals(DEFINE)
    return Defining(rows, approvals, launches.catalogue, means.audit, means.clock, means.entropy)
