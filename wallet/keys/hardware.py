"""Keys in a hardware module, over PKCS#11 (version 2.40; python-pkcs11): they are made there and never leave it.

The library is loaded and the token opened when somebody first signs, in the process that does. A session that failed is
dropped and another opened by the next signature, so a module that comes back is used again by itself. A PIN that was
refused is not given again: a token counts wrong ones and locks itself (PKCS#11 2.40, section 4.4, CKF_USER_PIN_LOCKED).
"""

import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any

import structlog
from cryptography.hazmat.primitives.asymmetric import ec

from wallet.crypto import key_files
from wallet.errors import Unavailable

LEAST_PIN_BYTES = 4
log = structlog.get_logger("wallet.keys")


class PinState(StrEnum):
    """What a token says of its PIN to whoever has not logged in. Source: PKCS#11 2.40, section 4.4 (CK_TOKEN_INFO)."""

    FINE = "fine"
    WRONG_BEFORE = "wrong_before"
    LAST_TRY = "last_try"
    LOCKED = "locked"


class _PinRefused(Exception):
    """The PIN that lies there was refused before."""


class HardwareModule:
    """One token of a module. Connects to nothing until it is used.

    pin_file: where its PIN lies. Once that was refused nobody logs in again until the file is another, or the process.
    budget: how long a signature waits for those before it; the module's own time is the module's.
    """

    def __init__(self, module: str, token: str, pin_file: Path, budget: timedelta) -> None:
        self._module, self._token, self._pin_file, self._budget = module, token, pin_file, budget
        self._refused: tuple[int, ...] | None = None  # what told the file from another whose PIN was refused
        self._lock = threading.Lock()  # a session serves one thread at a time
        self._session: Any = None
        self._keys: dict[str, Any] = {}

    def create(self, label: str) -> tuple[str, ec.EllipticCurvePublicKey]:
        """Make a key on P-256 that is sensitive and cannot be extracted. Raises Unavailable("signing_unavailable")."""
        with self._opened() as session:
            from pkcs11 import Attribute, KeyType
            from pkcs11.util.ec import encode_named_curve_parameters

            curve = session.create_domain_parameters(
                KeyType.EC, {Attribute.EC_PARAMS: encode_named_curve_parameters("secp256r1")}, local=True
            )
            kept = {Attribute.SENSITIVE: True, Attribute.EXTRACTABLE: False}
            public, _ = curve.generate_keypair(label=label, store=True, private_template=kept)
            # CKA_EC_POINT is a DER OCTET STRING around the point (PKCS#11 2.40, section 2.3.3): two bytes before it.
            point = bytes(public[Attribute.EC_POINT])[2:]
            return label, ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)

    def sign(self, place: str, message: bytes) -> bytes:
        """Return the raw signature: CKM_ECDSA over the digest. Raises Unavailable("signing_unavailable")."""
        with self._opened() as session:
            from pkcs11 import Mechanism, ObjectClass

            if place not in self._keys:
                self._keys[place] = session.get_key(object_class=ObjectClass.PRIVATE_KEY, label=place)
            return bytes(self._keys[place].sign(hashlib.sha256(message).digest(), mechanism=Mechanism.ECDSA))

    def close(self) -> None:
        """Give the session back; a module that hangs keeps it, and nobody from ending."""
        if self._lock.acquire(timeout=self._budget.total_seconds()):
            try:
                self._drop()
            finally:
                self._lock.release()

    @contextmanager
    def _opened(self) -> Iterator[Any]:
        if not self._lock.acquire(timeout=self._budget.total_seconds()):
            raise Unavailable("signing_unavailable")
        try:
            if self._session is None:
                self._session = self._log_in()
            yield self._session
        except Exception as error:
            # Whatever a module or its library raises: it did not sign.
            self._drop()
            log.error("hardware module failed", token=self._token, reason=type(error).__name__)
            raise Unavailable("signing_unavailable") from error
        finally:
            self._lock.release()

    def _log_in(self) -> Any:
        import pkcs11

        stamp = key_files.stamp(self._pin_file)
        if stamp == self._refused:
            raise _PinRefused
        pin = read_pin(self._pin_file)
        token = pkcs11.lib(self._module).get_token(token_label=self._token)
        try:
            return token.open(rw=True, user_pin=pin)
        except pkcs11.UserAlreadyLoggedIn:  # a login is the process's, whichever session it came by
            return token.open(rw=True)
        except (
            pkcs11.PinIncorrect,
            pkcs11.PinInvalid,
            pkcs11.PinLenRange,
            pkcs11.PinLocked,
            pkcs11.PinExpired,
        ) as error:
            self._refused = stamp
            told = "hardware module refuses the PIN: nobody logs in again until its file changes"
            log.error(told, token=self._token, file=str(self._pin_file), reason=type(error).__name__)
            raise

    def _drop(self) -> None:
        session, self._session, self._keys = self._session, None, {}
        # A token whose session is gone cannot close it either.
        with suppress(Exception):
            if session is not None:
                session.close()


def read_pin(path: Path) -> str:
    """Return the PIN of a token. Raises ConfigurationError."""
    return key_files.read_secret(path, "WALLET_PKCS11_PIN_FILE", LEAST_PIN_BYTES).decode()


def pin_state(module: str, token: str) -> PinState:
    """Return what a token says of its PIN, without a login. Raises Unavailable where it is not there."""
    try:
        import pkcs11

        flags = pkcs11.lib(module).get_token(token_label=token).flags
    except Exception as error:
        # Whatever a module or its library raises, as that it is not installed: the token is not there.
        raise Unavailable("signing_unavailable") from error
    if pkcs11.TokenFlag.USER_PIN_LOCKED in flags:
        return PinState.LOCKED
    if pkcs11.TokenFlag.USER_PIN_FINAL_TRY in flags:
        return PinState.LAST_TRY
    return PinState.WRONG_BEFORE if pkcs11.TokenFlag.USER_PIN_COUNT_LOW in flags else PinState.FINE
