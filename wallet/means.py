"""What the services of one transaction are made with, whatever the room: each room's `services.py` is handed this."""

from dataclasses import dataclass

from sqlalchemy.orm import Session

from wallet.audit import Audit
from wallet.clock import Clock
from wallet.crypto.keystore import Keystore
from wallet.entropy import Entropy
from wallet.settings import Settings


@dataclass(frozen=True, slots=True)
class Means:
    """Of one transaction. session: its own; audit: records in it. The rest is that of the process."""

    session: Session
    audit: Audit
    clock: Clock
    entropy: Entropy
    keystore: Keystore
    settings: Settings
