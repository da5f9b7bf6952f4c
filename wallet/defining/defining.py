"""Defining a utility as data: proposed by an admin, agreed to by a second one, each version for good (S-64)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from wallet.audit import Audit
from wallet.clock import Clock
from wallet.defining.models import UtilityDefinition
from wallet.defining.repository import DefinitionRepository
from wallet.entropy import Entropy, new_id
from wallet.errors import Conflict, InvalidInput, NotAllowed, NotFound
from wallet.launching.approvals import Approvals
from wallet.terms import Actor, StaffRole
from wallet.utilities.catalogue import Catalogue
from wallet.utilities.declared import defined, faults_of_change
from wallet.utilities.plugin import Plugin
from wallet.working_days import vietnamese_day

DEFINE = "define_utility"
"""The kind of the approvals of definitions."""


@dataclass(frozen=True, slots=True)
class Definition:
    """One version of a definition. state: awaiting, approved, refused. approval: what the second admin decides."""

    id: str
    code: str
    version: int
    state: str
    definition: Mapping[str, Any]
    comment: str
    approval: str
    proposed_by: str
    proposed_at: datetime
    decided_by: str | None = None
    decided_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Defining:
    """Definitions, in one transaction."""

    rows: DefinitionRepository
    approvals: Approvals
    catalogue: Catalogue
    audit: Audit
    clock: Clock
    entropy: Entropy

    def propose(self, raw: Any, comment: str, actor: Actor) -> Definition:
        """Store a definition that a second admin may agree to. It changes nothing until then.

        Raises NotAllowed, InvalidInput("definition_refused") with every fault by JSON Pointer below `/definition`,
        Conflict("approval_pending") while another version of the same code waits.
        """
        _assert_admin(actor)
        version = self.rows.last_version(raw["code"] if _has_code(raw) else "") + 1
        plugin = self._looked_at(raw, version)
        code, now, definition_id = plugin.utility.code, self.clock.now(), new_id(self.entropy, "def")
        asked = self.approvals.ask(code, {"definition": definition_id, "version": version}, comment, actor)
        row = UtilityDefinition(
            id=definition_id,
            code=code,
            version=version,
            definition=dict(raw),
            comment=comment,
            state="awaiting",
            approval_id=asked.id,
            proposed_by=actor.account_id,
            proposed_at=now,
        )
        if not self.rows.add(row):
            raise Conflict("approval_pending", approval=asked.id)  # another admin proposed in the same moment
        self.audit.record("definition.proposed", actor, code, definition=definition_id, version=version)
        return _told(row)

    def decide(self, definition_id: str, *, agree: bool, actor: Actor, answer: str = "") -> Definition:
        """Agree to a definition, or refuse it, as the second person; then every process knows it within seconds.

        Raises NotAllowed("self_approval") for the one who proposed it, NotFound, Conflict("approval_closed"),
        Conflict("approval_expired"), InvalidInput("definition_refused") when the wallet learned better in between.
        """
        _assert_admin(actor)
        row = self.rows.get(definition_id)
        if row is None:
            raise NotFound("not_found")
        self.approvals.decide(row.approval_id, agree=agree, actor=actor, answer=answer)
        if agree:
            self._looked_at(row.definition, row.version)
        state, number = ("approved", self.rows.last_number() + 1) if agree else ("refused", None)
        now = self.clock.now()
        if not self.rows.decide(row.id, state, actor.account_id, now, number):
            raise Conflict("approval_closed")
        self.audit.record(f"definition.{state}", actor, row.code, definition=row.id, version=row.version)
        return self.read(definition_id, actor)

    def _looked_at(self, raw: Any, version: int) -> Plugin:
        """Return what a definition defines, once it fits what is there. Raises InvalidInput as `propose`."""
        try:
            plugin = defined(raw, version=version)
            code = plugin.utility.code
            if self.catalogue.is_built_in(code):
                raise InvalidInput({"/code": "code_taken"}, "definition_refused", faults=[])
            former, today = self.rows.newest_approved(code), vietnamese_day(self.clock.now())
            if former is not None and (lost := faults_of_change(former.definition, raw, today)):
                raise InvalidInput(lost, "definition_refused", faults=[])
        except InvalidInput as error:
            pointers = {f"/definition{pointer}": code for pointer, code in error.fields.items()}
            raise InvalidInput(pointers, error.code, **error.values) from error
        return plugin

    def read(self, definition_id: str, actor: Actor) -> Definition:
        """Return one version. Raises NotAllowed, NotFound."""
        _assert_admin(actor)
        row = self.rows.get(definition_id)
        if row is None:
            raise NotFound("not_found")
        return _told(row)

    def list_all(self, actor: Actor) -> list[Definition]:
        """Return every version that was ever proposed, newest first."""
        _assert_admin(actor)
        return [_told(row) for row in self.rows.list_all()]


def _has_code(raw: Any) -> bool:
    return isinstance(raw, Mapping) and isinstance(raw.get("code"), str)


def _assert_admin(actor: Actor) -> None:
    if StaffRole.ADMIN not in actor.roles:
        raise NotAllowed("not_allowed")


def _told(row: UtilityDefinition) -> Definition:
    return Definition(
        id=row.id,
        code=row.code,
        version=row.version,
        state=row.state,
        definition=row.definition,
        comment=row.comment,
        approval=row.approval_id,
        proposed_by=row.proposed_by,
        proposed_at=row.proposed_at,
        decided_by=row.decided_by,
        decided_at=row.decided_at,
    )
