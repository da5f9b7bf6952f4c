"""What becomes of an organisation's account while somebody has a request for it."""

from sqlalchemy import update

from tests.documents.people import actor_of
from wallet.demo.personas import persona
from wallet.enrolment.models import OrganisationRow
from wallet.enrolment.organisations import OrganisationOrder, OrganisationState
from wallet.sources.models import Business
from wallet.wiring import Wallet


def close(wallet: Wallet, organisation_id: str, state: OrganisationState = OrganisationState.CLOSED) -> None:
    """Leave an organisation's account in another state, as it may be when somebody comes to send."""
    with wallet.db.write() as session:
        session.execute(update(OrganisationRow).where(OrganisationRow.id == organisation_id).values(state=state))


def take_over(wallet: Wallet, key: str, code: str = "0099000001") -> None:
    """Have the business register name somebody else, who then asks for the account."""
    with wallet.nation.write() as session:
        named = persona(key).number
        session.execute(update(Business).where(Business.enterprise_code == code).values(representative_number=named))
    with wallet.work() as work:
        work.organisations.register(OrganisationOrder(code), actor_of(wallet, key))


def rename(wallet: Wallet, organisation_id: str, name: str) -> None:
    """Give an organisation another name."""
    with wallet.db.write() as session:
        session.execute(update(OrganisationRow).where(OrganisationRow.id == organisation_id).values(name=name))
