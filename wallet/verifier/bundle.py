"""Taking a trust bundle, and keeping the last one that was taken. Source: docs/wire.md, section 4."""

import contextlib
import errno
import os
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, Self

from wallet.crypto.jws import b64url_decode, json_object
from wallet.errors import Malformed, VerificationFailed
from wallet.formats.compact_values import seconds_of
from wallet.formats.second_keys import refuse_second_key
from wallet.formats.trust_bundle import MAX_BUNDLE_CHARACTERS, TYP, BundleContent, bundle_digest, parse_bundle, pin_of
from wallet.formats.two_signatures import parse_twice_signed
from wallet.verifier.trust import (
    FUTURE_SECONDS,
    AddressedTrust,
    HeldLists,
    held_lists,
    trusted_issuers,
    trusted_types,
)

if sys.platform != "win32":
    import fcntl

_NO_LISTS = HeldLists({})


class BundleRefused(VerificationFailed):
    """A bundle that is not taken: the verifier keeps the one it holds.

    reason: `malformed`, `wrong_type`, `key_not_allowed` (no pin fits), `bad_signature`, `not_yet_valid`,
    `seq_not_higher`, `prev_differs`, `store_unreadable`.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustedBundle(AddressedTrust):
    """A bundle that was taken: a `Trust`, and what is needed to judge the next one. next_update: seconds.

    carried: tokens of status lists of bundles before it, of which it has an older copy or none: to be kept beside it.
    lists_issued_at, lists_expire_at: of the oldest status list in it, and when the first of them is over, in seconds;
    None without a list that counts.
    """

    status: HeldLists = _NO_LISTS
    token: str
    seq: int
    next_update: int
    carried: tuple[str | bytes, ...] = ()
    lists_issued_at: int | None = None
    lists_expire_at: int | None = None

    @classmethod
    def from_jws(cls, token: str, pins: Iterable[str], now: datetime, held: "TrustedBundle | None" = None) -> Self:
        """Return the bundle with every key, type and status list in it parsed once.

        pins: lower-case hex SHA-256 over the root's certificate, got by another way than the bundle.
        held: the bundle that this one would replace; its status lists stay where they are later than those of this one.
        Raises BundleRefused. Source: docs/wire.md, sections 4 and 5.
        """
        content = _verified(token, pins)
        if seconds_of(content.issued_at) > now.timestamp() + FUTURE_SECONDS:
            raise BundleRefused("not_yet_valid", "issued in the future")
        if held is None:
            return cls._of(token, content)
        refuse_older(content, held.seq, held.token)
        return cls._of(token, content, lambda own: held.status.outliving(own, now.timestamp()))

    @classmethod
    def kept(cls, token: str, pins: Iterable[str], carried: Iterable[str | bytes] = ()) -> Self:
        """Return a bundle taken before: pin and signature are checked again, its age is the affair of `judge`.

        carried: what it had carried from bundles before it; what its keys did not sign is left out.
        """
        return cls._of(token, _verified(token, pins), lambda _own: carried)

    def holding(self, tokens: Iterable[str | bytes]) -> Self:
        """Return the same with more copies of status lists; a bundle that replaces it treats them as those in here."""
        return replace(self, status=self.status | held_lists(self.keys, tokens))

    @classmethod
    def _of(
        cls,
        token: str,
        content: BundleContent,
        carry: Callable[[HeldLists], Iterable[str | bytes]] = lambda _own: (),
    ) -> Self:
        """carry(own): returns the tokens of lists to hold beside the bundle's own; its keys must have signed them."""
        names, keys = trusted_issuers(content.issuers)
        own = held_lists(keys, (entry.token for entry in content.status_lists))
        carried = held_lists(keys, carry(own))
        status = own | carried
        copies = [max(status(*place), key=lambda copy: copy.issued_at) for place in own.copies]
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
            carried=tuple(dict.fromkeys(copy.token for found in carried.copies.values() for copy in found)),
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


def signed_twice(text: str, second_pins: Iterable[str], held: "TrustedBundle | None" = None) -> str:
    """Return the compact bundle of a document that is signed twice, once its second signature holds and counts.

    second_pins: lower-case hex SHA-256 over the second signer's certificate, got by another way. held: the bundle that
    this one would replace. A second key that either of the two calls revoked does not count, whatever pins there are,
    nor does one outside the time that the new one gives it. What is returned is judged like every other bundle: whoever
    demands two signatures demands both. Raises BundleRefused.
    Source: RFC 7515, section 7.2.1; RFC 9964; docs/decisions/0025.
    """
    try:
        found = parse_twice_signed(text, typ=TYP)
        pin = pin_of(found.certificate_der)
        if pin not in frozenset(second_pins):
            raise BundleRefused("key_not_allowed", "no pin vouches for the second signer")
        found.verify_second()
        refuse_second_key(pin, _payload(found.compact), {} if held is None else _payload(held.token))
    except Malformed as error:
        raise BundleRefused("malformed", error.detail) from error
    except BundleRefused:
        raise
    except VerificationFailed as error:
        raise BundleRefused(error.reason, error.detail) from error
    return found.compact


def _payload(token: str) -> dict[str, Any]:
    return json_object(b64url_decode(token.split(".")[1]))


class BundleStore:
    """Keeps the last bundle that was taken in a folder, whole or not at all: an older one never counts again.

    What it carries from bundles before it lies beside it, `carried.lists`: each line is the SHA-256 of the bundle that
    carries it and the JWT. That file is written first, for the bundle held and the one to come: whichever of the two
    a power cut leaves finds its own.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._file = folder / "bundle.jws"
        self._lists = folder / "carried.lists"

    def held(self, pins: Iterable[str]) -> TrustedBundle | None:
        """Return the bundle held, None when there is none; raise BundleRefused when what is there does not verify."""
        token = self._read()
        return None if token is None else TrustedBundle.kept(token, pins, self._carried(token))

    def last(self) -> TrustedBundle | None:
        """Return the last bundle that was taken, None when there is none, whichever pins there were then.

        It bounds what may follow it and judges nothing: the pin of its root may have been dropped since. Raises
        BundleRefused where its own root did not sign what is there.
        """
        token = self._read()
        if token is None:
            return None
        try:
            return TrustedBundle.kept(token, [parse_bundle(token).pin], self._carried(token))
        except Malformed as error:
            raise BundleRefused("malformed", error.detail) from error

    def offer(self, token: str, pins: Iterable[str], now: datetime) -> TrustedBundle:
        """Take a bundle if it may follow the one held, and return the one held afterwards.

        The very bundle that is held is no news and no error, unless the pin of its root was dropped. Raises
        BundleRefused; what is held then stays.
        """
        pins = tuple(pins)
        token = token.strip()
        with self._alone():
            last = self.last()
            if last is not None and last.token == token:
                return TrustedBundle.kept(token, pins, last.carried)
            taken = TrustedBundle.from_jws(token, pins, now, last)
            self._carry([each for each in (last, taken) if each is not None and each.carried])
            self._write(self._file, token)
            return taken

    def _read(self) -> str | None:
        try:
            return read_bundle_file(self._file)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise BundleRefused("store_unreadable", str(self._file)) from error

    def _carried(self, token: str) -> list[str]:
        """Return the status lists that this bundle carries from bundles before it."""
        try:
            lines = self._lists.read_bytes().decode("latin-1").splitlines()
        except FileNotFoundError:
            return []
        except OSError as error:
            raise BundleRefused("store_unreadable", str(self._lists)) from error
        found = (line.partition(" ") for line in lines)
        return [carried for digest, _, carried in found if digest == _digest(token)]

    def _carry(self, bundles: Iterable[TrustedBundle]) -> None:
        """Write down what these bundles carry."""
        lines = [
            f"{_digest(each.token)} {token}" for each in bundles for token in each.carried if isinstance(token, str)
        ]
        if lines or self._lists.exists():
            self._write(self._lists, "\n".join(lines))

    def _write(self, path: Path, text: str) -> None:
        """Replace a file in one step that a power cut leaves done or undone."""
        try:
            descriptor, name = tempfile.mkstemp(dir=self._folder, prefix=".bundle-")
            try:
                with os.fdopen(descriptor, "wb") as file:
                    file.write(text.encode("ascii"))
                    file.flush()
                    os.fsync(file.fileno())
                os.replace(name, path)
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


def _digest(token: str) -> str:
    return sha256(token.encode("latin-1")).hexdigest()


def _verified(token: str, pins: Iterable[str]) -> BundleContent:
    try:
        return parse_bundle(token).verify(frozenset(pins))
    except Malformed as error:
        raise BundleRefused("malformed", error.detail) from error
    except VerificationFailed as error:
        raise BundleRefused(error.reason, error.detail) from error
