"""The services of the documents' room in one transaction, each made when it is first asked for."""

from dataclasses import dataclass, field, replace
from functools import cached_property

from wallet.crypto.keystore import Role, Secret
from wallet.documents.copies import Copies
from wallet.documents.copy_making import CopyMaking
from wallet.documents.copy_revoking import CopyRevoking
from wallet.documents.copy_standing import CopyStanding
from wallet.documents.high_water import HighWaterMarks
from wallet.documents.holding import Holding
from wallet.documents.intended import IntendedDocument
from wallet.documents.issuing import Issuing
from wallet.documents.linting import Linter
from wallet.documents.reissuing import Reissuing
from wallet.documents.repository import CopyRepository, DocumentRepository, TypeRepository
from wallet.documents.revoking import RevocationReason, Revoking
from wallet.documents.shown import ShownDocuments
from wallet.documents.standing import Standing
from wallet.documents.status import Indices, lists_address
from wallet.documents.suspending import Suspending
from wallet.documents.trust import TrustCentre
from wallet.identity.services import IdentityServices
from wallet.launching.rollout import Rollout
from wallet.means import Means
from wallet.sources.reading import Sources
from wallet.terms import Actor
from wallet.utilities.base import DocumentType
from wallet.utilities.catalogue import Catalogue
from wallet.utilities.plugin import Plugin


@dataclass
class DocumentServices:
    """Documents: issued, held, revoked."""

    means: Means
    identity: IdentityServices
    sources: Sources
    rollout: Rollout
    catalogue: Catalogue
    trust: TrustCentre
    linter: Linter
    copy_making: CopyMaking
    intended: list[IntendedDocument] = field(default_factory=list)
    """What this transaction stored and nobody has signed yet."""
    reserved: list[tuple[str, Actor]] = field(default_factory=list)
    """Copies of a batch that it stored, each with who asked, and nobody has signed yet."""

    @cached_property
    def rows(self) -> DocumentRepository:
        return DocumentRepository(self.means.session)

    @cached_property
    def type_rows(self) -> TypeRepository:
        return TypeRepository(self.means.session)

    @cached_property
    def standing(self) -> Standing:
        return Standing(self.rows, self.type_rows, self.identity.holders)

    @cached_property
    def holding(self) -> Holding:
        return Holding(self.rows, self.identity.holders, self.catalogue, self.means.clock)

    @cached_property
    def revoking(self) -> Revoking:
        return Revoking(self.rows, self.means.audit, self.means.clock)

    @cached_property
    def suspending(self) -> Suspending:
        return Suspending(self.rows, self.copy_standing, self.means.audit, self.means.clock, self._tell)

    @cached_property
    def issuing(self) -> Issuing:
        means = self.means
        return Issuing(
            catalogue=self.catalogue,
            rollout=self.rollout,
            holders=self.identity.holders,
            sources=self.sources,
            documents=self.rows,
            indices=self.indices,
            trust=self.trust,
            signer=means.keystore.signer(Role.DOCUMENT),
            linter=self.linter,
            clock=means.clock,
            entropy=means.entropy,
            issuer_code=means.settings.issuer_code,
            assert_unlocked=self.identity.accounts.assert_unlocked,
            keep_type=self.keep_type,
            intended=self.intended,
        )

    @cached_property
    def reissuing(self) -> Reissuing:
        means = self.means
        return Reissuing(
            documents=self.rows,
            holders=self.identity.holders,
            revoking=self.revoking,
            copies=self.copy_revoking,
            audit=means.audit,
            clock=means.clock,
        )

    @cached_property
    def copies(self) -> Copies:
        means = self.means
        return Copies(
            documents=self.rows,
            rows=self.copy_rows,
            holding=self.holding,
            holders=self.identity.holders,
            devices=self.identity.devices,
            limits=self.identity.limits,
            indices=self.indices,
            revoking=self.copy_revoking,
            making=self.copy_making,
            trust=self.trust,
            catalogue=self.catalogue,
            audit=means.audit,
            clock=means.clock,
            entropy=means.entropy,
            assert_unlocked=self.identity.accounts.assert_unlocked,
            assert_open=self.identity.accounts.assert_open,
            keep_type=self.keep_type,
            reserved=self.reserved,
        )

    @cached_property
    def copy_rows(self) -> CopyRepository:
        return CopyRepository(self.means.session)

    @cached_property
    def copy_standing(self) -> CopyStanding:
        return CopyStanding(self.rows, self.copy_rows, self.identity.accounts, self.means.clock)

    @cached_property
    def copy_revoking(self) -> CopyRevoking:
        return CopyRevoking(self.rows, self.copy_rows, self.means.audit, self.means.clock)

    @cached_property
    def shown(self) -> ShownDocuments:
        return ShownDocuments(self.rows, self.copy_rows, self.identity.accounts, self.identity.holders)

    def keep_type(self, plugin: Plugin, kind: DocumentType) -> None:
        """Keep what a kind of document says of itself, for as long as this deployment lasts."""
        self.trust.kept.keep(self.type_rows, plugin, kind)

    def revoke_of_dead(self, holder_id: str, actor: Actor) -> int:
        """Revoke whatever a dead holder still has. The registers order it, so no admin is asked."""
        by_register = replace(actor, holder_id=None)
        return self.revoking.revoke_all(holder_id, RevocationReason.HOLDER_DIED, by_register, expired_too=False)

    @property
    def marks(self) -> HighWaterMarks:
        return HighWaterMarks(self.means.settings.published_dir)

    @cached_property
    def indices(self) -> Indices:
        means = self.means
        return Indices(
            rows=self.rows,
            secret=means.keystore.secret(Secret.STATUS_ORDER),
            bits_log2_size=means.settings.status_list_bits_log2_size,
            clock=means.clock,
            address=lists_address(self.trust.issuer_url),
            pass_over=self.marks.pass_over,
            shards=means.settings.status_shards,
            chance=lambda below: int.from_bytes(means.entropy.bytes(4)) % below,
        )

    def _tell(self, holder_id: str, notice: str, document_id: str) -> None:
        """Tell the holder of a document something about it; one whose account is gone has no inbox."""
        account = self.identity.accounts.of_holder(holder_id)
        if account is not None:
            self.identity.contacts.tell(account.id, notice, document=document_id)
