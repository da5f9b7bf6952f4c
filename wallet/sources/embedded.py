"""The registers as tables of this deployment, all of them: what a demo and a test read instead of partners' APIs."""

from wallet.clock import Clock
from wallet.db import Database
from wallet.sources.base import Register
from wallet.sources.cards import EmbeddedCards
from wallet.sources.civil_status import EmbeddedCivilStatus
from wallet.sources.criminal_records import EmbeddedCriminalRecords
from wallet.sources.health import EmbeddedHealthInsurance, EmbeddedHealthRecords
from wallet.sources.people import (
    EmbeddedBiometrics,
    EmbeddedBusinesses,
    EmbeddedImmigration,
    EmbeddedPopulation,
    EmbeddedSubscribers,
)
from wallet.sources.portraits import EmbeddedPortraits
from wallet.sources.residences import EmbeddedResidence
from wallet.sources.security_cases import EmbeddedSecurityCases
from wallet.sources.social_security import EmbeddedSocialSecurity
from wallet.sources.traffic import EmbeddedDrivingLicences, EmbeddedVehicles


def embedded_registers(database: Database, clock: Clock, secret: bytes) -> dict[str, Register]:
    """Return every register that is a table of this deployment. secret: of its portraits."""
    registers: tuple[Register, ...] = (
        EmbeddedPopulation(database),
        EmbeddedResidence(database),
        EmbeddedSubscribers(database),
        EmbeddedBiometrics(database),
        EmbeddedPortraits(database, secret),
        EmbeddedImmigration(database),
        EmbeddedBusinesses(database),
        EmbeddedCards(database),
        EmbeddedCriminalRecords(database, clock),
        EmbeddedHealthInsurance(database),
        EmbeddedHealthRecords(database),
        EmbeddedDrivingLicences(database),
        EmbeddedVehicles(database),
        EmbeddedSocialSecurity(database),
        EmbeddedSecurityCases(database),
        EmbeddedCivilStatus(database),
    )
    return {register.code: register for register in registers}
