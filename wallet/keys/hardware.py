"""Keys in a hardware module, over PKCS#11 (version 2.40; python-pkcs11): they are made there and never leave it.

The library is loaded and the token opened when somebody first signs, in the process that does. A session that failed is
dropped and another opened by the next signature, so a module that comes back is used again by itself.
"""

import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import Any

import structlog
from cryptography.hazmat.primitives.asymmetric import ec

from wallet.errors import Unavailable

log = structlog.get_logger("wallet.keys")


class HardwareModule:
    """One token of a module. Connects to nothing until it is used.

    budget: how long a signature waits for those before it; the module's own time is the module's.
    """

    def __init__(self, module: str, token: str, pin: str, budget: timedelta) -> None:
        self._module, self._token, self._pin, self._budget = module, token, pin, budget
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
        with self._lock:
            self._drop()

    @contextmanager
    def _opened(self) -> Iterator[Any]:
        if not self._lock.acquire(timeout=self._budget.total_seconds()):
            raise Unavailable("signing_unavailable")
        try:
            if self._session is None:
                import pkcs11

                token = pkcs11.lib(self._module).get_token(token_label=self._token)
                try:
                    self._session = token.open(rw=True, user_pin=self._pin)
                except pkcs11.UserAlreadyLoggedIn:  # a login is the process's, whichever session it came by
                    self._session = token.open(rw=True)
            yield self._session
        except Exception as error:
            # Whatever a module or its library raises: it did not sign.
            self._drop()
            log.error("hardware module failed", token=self._token, reason=type(error).__name__)
            raise Unavailable("signing_unavailable") from error
        finally:
            self._lock.release()

    def _drop(self) -> None:
        session, self._session, self._keys = self._session, None, {}
        # A token whose session is gone cannot close it either.
        with suppress(Exception):
            if session is not None:
                session.close()
