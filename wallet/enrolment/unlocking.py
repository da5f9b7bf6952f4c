"""Unlocking at a desk: form TK03, and a register that says whether the ground of the lock is gone.

Source: docs/domain.md, section 2.6. The holder's own unlocking, with device and passcode, is in `wallet.identity`.
"""

from dataclasses import dataclass

from wallet.audit import Audit
from wallet.enrolment.lifecycle import Lifecycle
from wallet.errors import Conflict, InvalidInput, NotAllowed
from wallet.identity.accounts import Accounts, Lock
from wallet.identity.holders import Profile
from wallet.identity.locking import COMPETENCE, Lift
from wallet.terms import Actor, StaffRole
from wallet.utilities.names import same_name


@dataclass(frozen=True, slots=True)
class UnlockForm:
    """What form TK03 states of the holder who asks, beside the number. birth_date: `YYYY-MM-DD` or `YYYY`."""

    full_name: str
    birth_date: str


@dataclass(frozen=True, slots=True)
class Unlocking:
    """Unlocks accounts at a desk, in one transaction."""

    accounts: Accounts
    lifecycle: Lifecycle
    audit: Audit

    def unlock(self, account_id: str, form: UnlockForm, actor: Actor, legal_ref: str = "") -> None:
        """Unlock for a holder who stands at a desk with form TK03.

        Every ground is lifted that can be: immediately what the holder had asked for, otherwise what a register says
        is gone. The account stays locked while another one stands; the answer tells. Raises NotAllowed("not_allowed")
        for anybody but an officer and for an officer's own account, InvalidInput where the form names somebody else,
        Conflict("account_not_locked"), Conflict("ground_remains") where nothing can be lifted,
        NotFound("account_unknown"), Unavailable where no register answers.
        """
        if StaffRole.OFFICER not in actor.roles or actor.account_id == account_id:
            raise NotAllowed("not_allowed")
        _assert_names(form, self.accounts.profile(account_id))
        locks = self.accounts.locks(account_id)
        if not locks:
            raise Conflict("account_not_locked")
        gone = [lock.ground for lock in locks if self._may_be_lifted(account_id, lock, actor)]
        if not gone or any(COMPETENCE[lock.ground].lift is Lift.NEVER for lock in locks):
            raise Conflict("ground_remains")
        self.audit.record("account.unlock_form", actor, account_id, form="TK03", legal_ref=legal_ref)
        for ground in gone:
            self.accounts.unlock(account_id, ground, actor)

    def _may_be_lifted(self, account_id: str, lock: Lock, actor: Actor) -> bool:
        lift = COMPETENCE[lock.ground].lift
        return lift is Lift.ASKED or (lift is Lift.GONE and self.lifecycle.ground_gone(account_id, lock, actor))


def _assert_names(form: UnlockForm, profile: Profile) -> None:
    """A mistyped number must not unlock somebody else's account."""
    wrong = {}
    if not same_name(form.full_name, profile.full_name):
        wrong["/form/full_name"] = "not_as_recorded"
    if form.birth_date != profile.birth_date:
        wrong["/form/birth_date"] = "not_as_recorded"
    if wrong:
        raise InvalidInput(wrong)
