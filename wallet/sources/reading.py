"""Reading a register: every read has a ground and leaves a row, also when what it was for fails."""

from collections.abc import Mapping
from dataclasses import dataclass

from wallet.audit import Audit
from wallet.errors import ConfigurationError, NotFound, WalletError
from wallet.sources.base import Fact, Facts, Ground, Register


@dataclass(frozen=True, slots=True)
class Sources:
    """The registers of one transaction."""

    registers: Mapping[str, Register]
    audit: Audit

    def read(self, code: str, number: str, ground: Ground, *, subject: str) -> Facts:
        """Read one person from one register.

        subject: the id the row is about (`hld_...`), for the number itself is never written down.
        Raises what the register raises; the attempt is recorded in both cases.
        """
        register = self.registers.get(code)
        if register is None:
            raise ConfigurationError(f"no register {code}", mend="wallet doctor")
        outcome = "answered"
        try:
            return register.read(number)
        except WalletError as error:
            outcome = error.code
            raise
        finally:
            self.audit.record(
                "source.read",
                ground.actor,
                subject,
                survives=True,
                source=str(code),
                purpose=ground.purpose,
                procedure=ground.procedure,
                outcome=outcome,
            )

    def find(self, code: str, number: str, ground: Ground, *, subject: str) -> Mapping[str, Fact] | None:
        """Return what `read` would, None where the register does not know whom it is asked for. Raises Unavailable."""
        try:
            return self.read(code, number, ground, subject=subject).values
        except NotFound:
            return None
