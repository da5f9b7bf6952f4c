"""Reading a register: every read has a ground and leaves a row, also when what it was for fails."""

from collections.abc import Mapping
from dataclasses import dataclass

from wallet.audit import Audit
from wallet.errors import NotFound, Unavailable, WalletError
from wallet.sources.base import Fact, Facts, Ground, Register

NOT_CONNECTED_SECONDS = 3600
"""When to ask again for a register that is not connected: somebody has to connect it first."""


@dataclass(frozen=True, slots=True)
class Sources:
    """The registers of one transaction."""

    registers: Mapping[str, Register]
    audit: Audit

    def read(self, code: str, number: str, ground: Ground, *, subject: str) -> Facts:
        """Read one person from one register.

        subject: the id the row is about (`hld_...`), for the number itself is never written down.
        Raises what the register raises, Unavailable("source_unavailable") for a register that is not connected; the
        attempt is recorded in all cases. An Unavailable names the register.
        """
        register = self.registers.get(code)
        outcome = "answered"
        try:
            if register is None:
                # A third party's utility whose register nobody connected: `wallet doctor` says so.
                raise Unavailable("source_unavailable", NOT_CONNECTED_SECONDS, register=str(code))
            return register.read(number, ground)
        except Unavailable as error:
            outcome = error.code
            # Whoever waits is told which register it is: the rest of the wallet works.
            named = {"register": str(code), **error.values}
            named.pop("retry_after")
            raise Unavailable(error.code, error.retry_after, **named) from error
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
                **({"proxy": True} if ground.proxy else {}),
                **({"organisation": ground.organisation} if ground.organisation else {}),
            )

    def find(self, code: str, number: str, ground: Ground, *, subject: str) -> Mapping[str, Fact] | None:
        """Return what `read` would, None where the register does not know whom it is asked for. Raises Unavailable."""
        try:
            return self.read(code, number, ground, subject=subject).values
        except NotFound:
            return None
