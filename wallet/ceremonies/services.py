"""Ceremonies put together: the services of one transaction."""

from dataclasses import dataclass

from wallet.audit import Audit
from wallet.ceremonies.approving import Approving
from wallet.ceremonies.card_factor import CardFactor
from wallet.ceremonies.ceremonies import Ceremonies
from wallet.ceremonies.codes import Codes
from wallet.ceremonies.completing import Completing
from wallet.ceremonies.kinds import kinds
from wallet.ceremonies.repository import CeremonyRepository, DatabaseSession
from wallet.clock import Clock
from wallet.crypto.keystore import Keystore, Secret
from wallet.entropy import Entropy
from wallet.identity.services import IdentityServices
from wallet.messages.telling import Telling
from wallet.sources.reading import Sources


@dataclass(frozen=True, slots=True)
class CeremonyServices:
    """The services of one transaction."""

    ceremonies: Ceremonies
    codes: Codes
    card_factor: CardFactor
    approving: Approving
    completing: Completing


def build_ceremonies(
    session: DatabaseSession,
    identity: IdentityServices,
    sources: Sources,
    telling: Telling,
    audit: Audit,
    clock: Clock,
    entropy: Entropy,
    keystore: Keystore,
    *,
    chips: bool,
) -> CeremonyServices:
    """Build the services of one transaction. chips: whether this deployment can read the chips of cards."""
    repository = CeremonyRepository(session)
    secret = keystore.secret(Secret.CODES)
    ceremonies = Ceremonies(
        repository=repository,
        kinds=kinds(chips=chips),
        holders=identity.holders,
        accounts=identity.accounts,
        devices=identity.devices,
        contacts=identity.contacts,
        questions=identity.questions,
        limits=identity.limits,
        sources=sources,
        audit=audit,
        clock=clock,
        entropy=entropy,
        forms=keystore.secret(Secret.FORMS),
        secret=secret,
    )
    return CeremonyServices(
        ceremonies=ceremonies,
        codes=Codes(repository, identity.limits, telling, clock, entropy, secret),
        card_factor=CardFactor(ceremonies, identity.accounts, identity.holders, sources, audit, clock),
        approving=Approving(ceremonies, identity.accounts, identity.holders, identity.contacts, sources, clock),
        completing=Completing(
            ceremonies,
            identity.accounts,
            identity.devices,
            identity.sessions,
            identity.contacts,
            identity.passkeys,
            identity.questions,
            audit,
            clock,
        ),
    )
