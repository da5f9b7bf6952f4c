"""What did not work although nobody asked for anything wrong: counted, so that a launch can stop by itself."""

from collections.abc import Iterator
from contextlib import contextmanager

from wallet.audit import Audit
from wallet.errors import ConfigurationError, Unavailable, WalletError
from wallet.terms import Actor

FAILED = "request.failed"
"""The action in the record; its subject is the utility."""


@contextmanager
def noting_failures(audit: Audit, utility: str, actor: Actor) -> Iterator[None]:
    """Record that a request failed by no fault of whoever sent it, and let the failure go on.

    It stays on record although the transaction is rolled back. A refusal is no failure.
    """
    try:
        yield
    except (Unavailable, ConfigurationError) as error:
        audit.record(FAILED, actor, utility, survives=True, cause=error.code)
        raise
    except WalletError:
        raise
    except Exception:
        audit.record(FAILED, actor, utility, survives=True, cause="internal_error")
        raise
