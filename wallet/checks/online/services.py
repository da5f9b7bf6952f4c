"""The services of what desks see and holders let them see, in one transaction."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from wallet.checks.checking import Checking
from wallet.checks.online.batches import Batches
from wallet.checks.online.check_ins import CheckIns
from wallet.checks.online.checking import DeskChecking
from wallet.checks.online.consents import Consents
from wallet.checks.online.disclosing import Disclosing
from wallet.checks.online.held import ChecksHeld
from wallet.checks.online.looks import Looks
from wallet.checks.online.misuse import Misuse
from wallet.checks.online.presentations import Presentations
from wallet.checks.online.receipts import Receipts
from wallet.checks.online.repository import OnlineRepository
from wallet.checks.online.shares import Shares
from wallet.checks.services import CheckServices
from wallet.crypto.keystore import Secret
from wallet.crypto.sealing import blind_index
from wallet.documents.services import DocumentServices
from wallet.identity.services import IdentityServices
from wallet.means import Means
from wallet.sources.portraits import Portrait
from wallet.utilities.catalogue import Catalogue


@dataclass
class OnlineServices:
    """Each service is made when it is first asked for. portrait_of: by the number of whom it shows."""

    means: Means
    identity: IdentityServices
    documents: DocumentServices
    registered: CheckServices
    catalogue: Catalogue
    checking_of_codes: Checking
    portrait_of: Callable[[str], Portrait]

    @cached_property
    def rows(self) -> OnlineRepository:
        return OnlineRepository(self.means.session)

    @cached_property
    def looks(self) -> Looks:
        return Looks(self.means.audit, self.means.entropy)

    @cached_property
    def disclosing(self) -> Disclosing:
        identity = self.identity
        return Disclosing(self.documents.standing, identity.holders, identity.accounts, self.portrait_of)

    @cached_property
    def consents(self) -> Consents:
        means = self.means
        return Consents(
            self.rows, self.registered.rows, means.audit, means.clock, means.entropy, self.catalogue.open_to_wards
        )

    @cached_property
    def shares(self) -> Shares:
        means, identity = self.means, self.identity
        return Shares(
            rows=self.rows,
            consents=self.consents,
            disclosing=self.disclosing,
            looks=self.looks,
            accounts=identity.accounts,
            contacts=identity.contacts,
            guardians=identity.guardians,
            audit=means.audit,
            clock=means.clock,
            entropy=means.entropy,
            open_to_wards=self.catalogue.open_to_wards,
            sensitive=self._is_sensitive,
        )

    @cached_property
    def checking(self) -> DeskChecking:
        return DeskChecking(
            checking=self.checking_of_codes,
            desks=self.registered.desks,
            shown=self.documents.shown,
            rows=self.rows,
            shares=self.shares,
            consents=self.consents,
            disclosing=self.disclosing,
            looks=self.looks,
        )

    @cached_property
    def presentations(self) -> Presentations:
        means = self.means
        return Presentations(
            rows=self.rows,
            verifiers=self.registered.rows,
            consents=self.consents,
            holding=self.documents.holding,
            limits=self.identity.limits,
            audit=means.audit,
            clock=means.clock,
            entropy=means.entropy,
            open_to_wards=self.catalogue.open_to_wards,
            sensitive=self._is_sensitive,
        )

    @cached_property
    def check_ins(self) -> CheckIns:
        return CheckIns(
            rows=self.rows,
            desks=self.registered.desks,
            checking=self.checking,
            consents=self.consents,
            disclosing=self.disclosing,
            looks=self.looks,
            clock=self.means.clock,
            entropy=self.means.entropy,
        )

    @cached_property
    def batches(self) -> Batches:
        means = self.means
        return Batches(
            rows=self.rows,
            desks=self.registered.desks,
            disclosing=self.disclosing,
            looks=self.looks,
            clock=means.clock,
            entropy=means.entropy,
            secret=blind_index(means.keystore.secret(Secret.CODES), "passengers"),
        )

    @cached_property
    def receipts(self) -> Receipts:
        means = self.means
        return Receipts(
            rows=self.rows,
            shown=self.documents.shown,
            catalogue=self.catalogue,
            limits=self.identity.limits,
            looks=self.looks,
            audit=means.audit,
            clock=means.clock,
        )

    @cached_property
    def misuse(self) -> Misuse:
        means, identity = self.means, self.identity
        return Misuse(
            rows=self.rows,
            holders=identity.holders,
            limits=identity.limits,
            reads=identity.staff_reads,
            audit=means.audit,
            clock=means.clock,
            entropy=means.entropy,
            open_to_wards=self.catalogue.open_to_wards,
        )

    @cached_property
    def held(self) -> ChecksHeld:
        return ChecksHeld(self.means.session, self.identity.holders)

    def _is_sensitive(self, utility: str, kind: str) -> bool:
        plugin = self.catalogue.find(utility)
        if plugin is None:
            return True  # nobody can say any more that it is not
        try:
            return plugin.utility.document(kind).sensitive
        except KeyError:
            return True
