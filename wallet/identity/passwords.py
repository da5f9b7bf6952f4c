"""What a citizen knows: the password that signs in, the passcode that confirms.

Argon2id (RFC 9106) over HMAC-SHA-256 keyed with a pepper that is kept outside the database: a stolen
database alone lets nobody try even one six-digit passcode (docs/security.md, section 1).
"""

import hashlib
import hmac
import threading
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from enum import StrEnum
from itertools import pairwise, permutations

from argon2 import PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerificationError

from wallet.entropy import Entropy
from wallet.errors import InvalidInput, Unavailable

SPECIAL = "!@#$^*()_"
WAIT_SECONDS = 0.25
SALT_BYTES = 16


class Knowledge(StrEnum):
    """Which of the secrets: the hash of one never verifies as another."""

    PASSWORD = "password"  # noqa: S105 - the name of a kind
    PASSCODE = "passcode"
    ANSWER = "answer"


class Hasher:
    """Hashes and checks, one at a time in a process.

    Hashing is made to be slow. Unbounded, sixteen clients that sign in take every core and everything else
    stops; so a second hash waits a moment and then gives up (docs/performance.md).
    """

    def __init__(self, pepper: bytes, entropy: Entropy, *, time_cost: int, memory_kib: int) -> None:
        self._pepper = pepper
        self._entropy = entropy
        self._argon2 = PasswordHasher(time_cost, memory_kib, parallelism=1, hash_len=32, type=Type.ID)
        self._running = threading.Lock()
        # Of a secret that nobody knows: checked where there is no hash, so that the work is the same.
        self._nobodys = self._argon2.hash(entropy.bytes(32), salt=entropy.bytes(SALT_BYTES))

    def hash(self, kind: Knowledge, secret: str) -> str:
        """Return the hash to keep. Raises Unavailable("busy")."""
        with self._turn():
            return self._argon2.hash(self._peppered(kind, secret), salt=self._entropy.bytes(SALT_BYTES))

    def matches(self, kind: Knowledge, secret: str, kept: str | None) -> bool:
        """Return whether `secret` is the one that was hashed. Raises Unavailable("busy").

        kept: None where there is nothing to compare with; costs the same and is never right.
        """
        with self._turn():
            try:
                self._argon2.verify(kept or self._nobodys, self._peppered(kind, secret))
            except (VerificationError, InvalidHashError):
                return False
        return kept is not None

    def needs_rehash(self, kept: str) -> bool:
        """Return whether `kept` was made with another cost than today's."""
        return self._argon2.check_needs_rehash(kept)

    def _peppered(self, kind: Knowledge, secret: str) -> bytes:
        text = f"{kind}:{unicodedata.normalize('NFC', secret)}"
        return hmac.new(self._pepper, text.encode("utf-8", "surrogatepass"), hashlib.sha256).digest()

    @contextmanager
    def _turn(self) -> Iterator[None]:
        if not self._running.acquire(timeout=WAIT_SECONDS):
            raise Unavailable("busy", retry_after=1)
        try:
            yield
        finally:
            self._running.release()


def check_password(password: str, pointer: str = "/password") -> None:
    """Refuse a password outside the rule of docs/domain.md, section 2.4.

    pointer: of the field that it came in. Raises InvalidInput("weak_password").
    """
    kinds = (str.isdigit, str.isupper, str.islower, SPECIAL.__contains__)
    if not 8 <= len(password) <= 20 or not all(any(kind(letter) for letter in password) for kind in kinds):
        raise InvalidInput({pointer: "weak_password"}, "weak_password")


def check_passcode(passcode: str, *, number: str, birth_date: str, pointer: str = "/passcode") -> None:
    """Refuse a passcode that is not six digits, or that a thief tries first.

    birth_date: `YYYY-MM-DD`, or `YYYY` where only the year is known. pointer: of the field that it came in.
    Raises InvalidInput("weak_passcode").
    """
    well_formed = len(passcode) == 6 and passcode.isascii() and passcode.isdigit()
    if not well_formed or _is_pattern(passcode) or passcode in number or passcode in _spellings(birth_date):
        raise InvalidInput({pointer: "weak_passcode"}, "weak_passcode")


def _is_pattern(passcode: str) -> bool:
    repeated = any(passcode == passcode[:length] * (6 // length) for length in (1, 2, 3))
    runs = (passcode, passcode[::2] if passcode[::2] == passcode[1::2] else passcode)  # 123456, 112233
    straight = any(len({(int(after) - int(before)) % 10 for before, after in pairwise(run)}) == 1 for run in runs)
    return repeated or straight or len(set(passcode)) < 3


def _spellings(birth_date: str) -> set[str]:
    """Return every six digits that spell the date: its parts in any order, with a short or a long year."""
    try:
        born = date.fromisoformat(birth_date)
    except ValueError:
        return set()
    day, month, short, year = f"{born:%d}", f"{born:%m}", f"{born:%y}", f"{born.year:04d}"
    parts = [(day, month, short), (day, year), (month, year)]
    return {"".join(order) for some in parts for order in permutations(some)}
