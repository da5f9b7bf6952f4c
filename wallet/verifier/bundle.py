"""Taking a trust bundle, and keeping the last one that was taken. Source: docs/wire.md, section 4."""

import contextlib
import errno
import os
import sys
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Self

from wallet.errors import Malformed, VerificationFailed
from wallet.formats.compact_values import seconds_of
from wallet.formats.trust_bundle import MAX_BUNDLE_CHARACTERS, TYP, BundleContent, bundle_digest, parse_bundle, pin_of
from wallet.formats.two_signatures import parse_twice_signed
from wallet.verifier.trust import AddressedTrust, held_lists, trusted_issuers, trusted_types

if sys.platform != "win32":
    import fcntl

FUTURE_SECONDS = 60


class BundleRefused(VerificationFailed):
    """A bundle that is not taken: the verifier keeps the one it holds.

    reason: `malformed`, `wrong_type`, `key_not_allowed` (no pin fits), `bad_signature`, `not_yet_valid`,
    `seq_not_higher`, `prev_differs`, `store_unreadable`.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustedBundle(AddressedTrust):
    """A bundle that was taken: a `Trust`, and what is needed to judge the next one. next_update: seconds.

    lists_issued_at, lists_expire_at: of the oldest status list in it, and when the first of them is over, in seconds;
    None without a list that counts.
    """

    token: str
    seq: int
    next_update: int
    lists_issued_at: int | None = None
    lists_expire_at: int | None = None

    @classmethod
    def from_jws(cls, token: str, pins: Iterable[str], now: datetime, held: "TrustedBundle | None" = None) -> Self:
        """Return the bundle with every key, type and status list in it parsed once.

        pins: lower-case hex SHA-256 over the root's certificate, got by another way than the bundle.
        held: the bundle that this one would replace. Raises BundleRefused. Source: docs/wire.md, section 4.
        """
        content = _verified(token, pins)
        if seconds_of(content.issued_at) > now.timestamp() + FUTURE_SECONDS:
            raise BundleRefused("not_yet_valid", "issued in the future")
        if held is not None:
            refuse_older(content, held.seq, held.token)
        return cls._of(token, content)

    @classmethod
    def kept(cls, token: str, pins: Iterable[str]) -> Self:
        """Return a bundle taken before: pin and signature are checked again, its age is the affair of `judge`."""
        return cls._of(token, _verified(token, pins))

    @classmethod
    def _of(cls, token: str, content: BundleContent) -> Self:
        names, keys = trusted_issuers(content.issuers)
        status = held_lists(keys, (entry.token for entry in content.status_lists))
        uris = {entry.uri for entry in content.status_lists}
        of_each = [status(issuer, uri) for issuer in names for uri in uris]
        copies = [max(found, key=lambda copy: copy.issued_at) for found in of_each if found]
        return cls(
            issuers=names,
            keys=keys,
            types=trusted_types(content.types),
            iat=seconds_of(content.issued_at),
            exp=seconds_of(content.expires_at),
            status=status,
            token=token,
            seq=content.seq,
            next_update=seconds_of(content.next_update),
            iss=content.iss,
            lists_issued_at=min((copy.issued_at for copy in copies), default=None),
            lists_expire_at=min((copy.expires_at for copy in copies), default=None),
        )


def refuse_older(content: BundleContent, held_seq: int, held_token: str | None) -> None:
    """Return if this content may follow what is held; else raise BundleRefused. Source: docs/wire.md, 4."""
    if content.seq <= held_seq:
        raise BundleRefused("seq_not_higher", f"{content.seq} after {held_seq}")
    if held_token is not None and content.seq == held_seq + 1 and content.prev != bundle_digest(held_token):
        raise BundleRefused("prev_differs", "it does not follow the bundle held")


def read_bundle_file(path: Path) -> str:
    """Return the text of a bundle's file, whatever it holds; raise OSError when it cannot be read or is too large."""
    if path.stat().st_size > MAX_BUNDLE_CHARACTERS:
        raise OSError(errno.EFBIG, "more than a bundle holds", str(path))
    return path.read_bytes().decode("latin-1").strip()


def signed_twice(text: str, second_pins: Iterable[str]) -> str:
    """Return the compact bundle of a document that is signed twice, once its second signature holds.

    second_pins: lower-case hex SHA-256 over the second signer's certificate, got by another way. What is returned is
    judged like every other bundle: whoever demands two signatures demands both. Raises BundleRefused.
    Source: RFC 7515, section 7.2.1; RFC 9964; docs/decisions/0025.
    """
    try:
        found = parse_twice_signed(text, typ=TYP)
        if pin_of(found.certificate_der) not in frozenset(second_pins):
            raise BundleRefused("key_not_allowed", "no pin vouches for the second signer")
        found.verify_second()
    except Malformed as error:
        raise BundleRefused("malformed", error.detail) from error
    except BundleRefused:
        raise
    except VerificationFailed as error:
        raise BundleRefused(error.reason, error.detail) from error
    return found.compact


class BundleStore:
    """Keeps the last bundle that was taken in a folder, whole or not at all: an older one never counts again."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._file = folder / "bundle.jws"

    def held(self, pins: Iterable[str]) -> TrustedBundle | None:
        """Return the bundle held, None when there is none; raise BundleRefused when what is there does not verify."""
        token = self._read()
        return None if token is None else TrustedBundle.kept(token, pins)

    def offer(self, token: str, pins: Iterable[str], now: datetime) -> TrustedBundle:
        """Take a bundle if it may follow the one held, and return the one held afterwards.

        The very bundle that is held is no news and no error. Raises BundleRefused; what is held then stays.
        """
        pins = tuple(pins)
        token = token.strip()
        with self._alone():
            held = self.held(pins)
            if held is not None and held.token == token:
                return held
            taken = TrustedBundle.from_jws(token, pins, now, held)
            self._write(token)
            return taken

    def _read(self) -> str | None:
        try:
            return read_bundle_file(self._file)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise BundleRefused("store_unreadable", str(self._file)) from error

    def _write(self, token: str) -> None:
        """Replace the file in one step that a power cut leaves done or undone."""
        try:
            descriptor, name = tempfile.mkstemp(dir=self._folder, prefix=".bundle-")
            try:
                with os.fdopen(descriptor, "wb") as file:
                    file.write(token.encode("ascii"))
                    file.flush()
                    os.fsync(file.fileno())
                os.replace(name, self._file)
            except OSError:
                with contextlib.suppress(OSError):
                    os.unlink(name)
                raise
            if sys.platform != "win32":
                folder = os.open(self._folder, os.O_RDONLY)
                try:
                    os.fsync(folder)
                finally:
                    os.close(folder)
        except OSError as error:
            raise BundleRefused("store_unreadable", str(self._folder)) from error

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """Keep other processes out while what is held is compared and replaced."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            lock = (self._folder / ".lock").open("ab")
        except OSError as error:
            raise BundleRefused("store_unreadable", str(self._folder)) from error
        with lock:
            if sys.platform != "win32":
                fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def _verified(token: str, pins: Iterable[str]) -> BundleContent:
    try:
        return parse_bundle(token).verify(frozenset(pins))
    except Malformed as error:
        raise BundleRefused("malformed", error.detail) from error
    except VerificationFailed as error:
        raise BundleRefused(error.reason, error.detail) from error
