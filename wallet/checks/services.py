"""The services of the room of checks in one transaction."""

from dataclasses import dataclass
from functools import cached_property

from wallet.checks.desks import VerifierDesks
from wallet.checks.registering import VERIFIER, Verifiers
from wallet.checks.repository import CheckRepository
from wallet.crypto.keystore import Secret
from wallet.identity.services import IdentityServices
from wallet.launching.services import LaunchServices
from wallet.means import Means


@dataclass
class CheckServices:
    """Who may check what, each service made when it is first asked for."""

    means: Means
    identity: IdentityServices
    launches: LaunchServices

    @cached_property
    def rows(self) -> CheckRepository:
        return CheckRepository(self.means.session)

    @cached_property
    def verifiers(self) -> Verifiers:
        means = self.means
        return Verifiers(
            rows=self.rows,
            approvals=self.launches.approvals(VERIFIER),
            catalogue=self.launches.catalogue,
            audit=means.audit,
            clock=means.clock,
            entropy=means.entropy,
            test=not means.settings.production,
        )

    @cached_property
    def desks(self) -> VerifierDesks:
        means = self.means
        return VerifierDesks(
            rows=self.rows,
            limits=self.identity.limits,
            audit=means.audit,
            clock=means.clock,
            entropy=means.entropy,
            test=not means.settings.production,
            secret=means.keystore.secret(Secret.CODES),
        )
