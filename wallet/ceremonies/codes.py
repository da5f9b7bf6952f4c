"""One-time codes by SMS: six digits, three minutes, one ceremony, one device, accepted once (S-09, S-10).

Where a ceremony belongs to nobody, a code is made, kept and counted all the same, and none is sent: whoever guesses
numbers gets the answers that everybody gets. It is counted apart, so that nobody uses up what the holder is to have.
"""

import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

from wallet.ceremonies.models import CeremonyRow, OneTimeCode
from wallet.ceremonies.repository import CeremonyRepository
from wallet.clock import Clock
from wallet.entropy import Entropy, new_id
from wallet.errors import TooManyAttempts
from wallet.identity.limits import Limits
from wallet.messages.telling import Telling

CODE_LIFE = timedelta(minutes=3)
RESEND_AFTER = timedelta(seconds=60)
HOUR = timedelta(hours=1)
CODES_AN_HOUR = 5
WRONG_TRIES = 6

_COUNT = 1_000_000
_DRAWN = 3
_FAIR = (1 << 8 * _DRAWN) // _COUNT * _COUNT


def draw_code(entropy: Entropy) -> str:
    """Return six digits, each code as likely as any other: what would favour some is drawn again."""
    while True:
        drawn = int.from_bytes(entropy.bytes(_DRAWN))
        if drawn < _FAIR:
            return f"{drawn % _COUNT:06d}"


@dataclass(frozen=True, slots=True)
class CodeSent:
    """What the device is told: when it may ask again, and until when the code is taken."""

    resend_after_seconds: int
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Codes:
    """The codes of one transaction. secret: keys the digests; six digits alone are guessed in no time."""

    repository: CeremonyRepository
    limits: Limits
    telling: Telling
    clock: Clock
    entropy: Entropy
    secret: bytes

    def send(self, row: CeremonyRow, phone: str | None, language: str) -> CodeSent:
        """Make a new code, kill the former one and queue the SMS. phone: E.164; None: nobody's, nothing is sent.

        Raises TooManyAttempts("too_many_codes"): once a minute and five times in any hour, for what a ceremony was
        begun for (`CeremonyRow.subject`) and for each phone.
        """
        number = row.subject.hex()
        self._count(f"{'nobody' if row.account_id is None else 'number'}:{number}")
        # A phone that nobody has is counted too, so that the same is asked of the database.
        self._count(f"phone:{phone}" if phone is not None else f"no-phone:{number}")
        now = self.clock.now()
        code = draw_code(self.entropy)
        self.repository.kill_codes(row.id)
        self.repository.add(
            OneTimeCode(
                id=new_id(self.entropy, "otp"),
                ceremony_id=row.id,
                digest=self._digest(row, code),
                tries=0,
                state="live",
                created_at=now,
                expires_at=now + CODE_LIFE,
            )
        )
        if phone is not None:
            minutes = int(CODE_LIFE.total_seconds()) // 60
            self.telling.text(
                phone, "one_time_code", language, life=CODE_LIFE, code=code, purpose=row.kind, minutes=minutes
            )
        return CodeSent(int(RESEND_AFTER.total_seconds()), now + CODE_LIFE)

    def confirm(self, row: CeremonyRow, code: str) -> bool:
        """Use a code up, and return whether it was the right one for a ceremony that belongs to somebody.

        A wrong one is counted; the sixth kills the code. The caller commits before it refuses.
        """
        if self.repository.use_code(row.id, self._digest(row, code), self.clock.now()):
            return row.account_id is not None
        self.repository.count_wrong_code(row.id, WRONG_TRIES)
        return False

    def _count(self, subject: str) -> None:
        try:
            self.limits.count("code-minute", subject, 1, RESEND_AFTER)
        except TooManyAttempts as error:
            raise TooManyAttempts("too_many_codes", error.retry_after) from error
        waits = []
        # One place for each code, free again an hour after it was taken: five in any hour, wherever it begins.
        for place in range(CODES_AN_HOUR):
            try:
                self.limits.count(f"code-hour-{place}", subject, 1, HOUR)
            except TooManyAttempts as error:
                waits.append(error.retry_after)
            else:
                return
        raise TooManyAttempts("too_many_codes", min(waits))

    def _digest(self, row: CeremonyRow, code: str) -> bytes:
        return hmac.new(self.secret, f"otp:{row.id}.{row.device_id}.{code}".encode(), sha256).digest()
