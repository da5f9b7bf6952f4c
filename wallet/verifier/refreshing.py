"""Keeps a gate's trust bundle fresh in the background, and says honestly how old what it holds is.

A bundle comes over any network and is taken by its own rules alone (docs/wire.md, section 4): pin, signature, `seq`,
`prev`. Whatever goes wrong, what is held stays, and grows old in plain sight.
"""

import contextlib
import hashlib
import json
import os
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from wallet.clock import Clock
from wallet.entropy import Entropy, SystemEntropy
from wallet.errors import Unavailable
from wallet.formats.two_signatures import MEDIA_TYPE as TWICE
from wallet.verifier.bundle import BundleRefused, BundleStore, TrustedBundle, signed_twice
from wallet.verifier.fetching import FetchFailed, Fetching, UrllibFetching, address_of
from wallet.verifier.trust import FUTURE_SECONDS

PATH = "/v1/trust/bundle"
BUNDLE_JWT = "application/jwt"

EVERY_SECONDS = 300.0
FIRST_PAUSE_SECONDS = 15.0
LONGEST_PAUSE_SECONDS = 900.0
JITTER = 0.2
MAX_ETAG_CHARACTERS = 200


class Level(StrEnum):
    """How far what is held carries."""

    FRESH = "fresh"
    USABLE = "usable"
    """Past its `next_update`: it still judges, and wants to be renewed."""
    TOO_OLD = "too_old"
    """Past its end, or from the future of this clock: nothing becomes valid by it."""
    NONE = "none"


@dataclass(frozen=True, slots=True)
class TrustState:
    """What a gate holds, honestly. Ages in seconds (now - iat); None where there is nothing to be old.

    lists_age_seconds: of the oldest status list in it.
    """

    level: Level
    bundle_age_seconds: int | None = None
    lists_age_seconds: int | None = None
    seq: int | None = None
    issuers: int = 0

    def json(self) -> dict[str, Any]:
        """Return the same as JSON; what is absent is left out."""
        found: dict[str, Any] = {"level": self.level.value, "issuers": self.issuers}
        optional = {
            "seq": self.seq,
            "bundle_age_seconds": self.bundle_age_seconds,
            "lists_age_seconds": self.lists_age_seconds,
        }
        return found | {name: value for name, value in optional.items() if value is not None}


def state_of(bundle: TrustedBundle | None, now: datetime) -> TrustState:
    """Return how far this bundle carries now. Its bounds have no leeway at the end (docs/wire.md, section 3)."""
    if bundle is None:
        return TrustState(Level.NONE)
    moment = now.timestamp()
    level = Level.FRESH
    if moment >= bundle.next_update:
        level = Level.USABLE
    lists_over = bundle.lists_expire_at is not None and moment >= bundle.lists_expire_at
    if moment >= bundle.exp or lists_over or bundle.iat > moment + FUTURE_SECONDS:
        level = Level.TOO_OLD
    second = int(moment // 1)
    lists_age = None if bundle.lists_issued_at is None else second - bundle.lists_issued_at
    return TrustState(level, second - bundle.iat, lists_age, bundle.seq, len(bundle.issuers))


@dataclass(frozen=True, slots=True)
class Refreshed:
    """What one attempt came to. outcome: `taken`, `unchanged`, `refused`, `failed`.

    reason: of `BundleRefused` or `FetchFailed`, or `http_<status>`; "" where all went well.
    """

    outcome: str
    reason: str = ""
    detail: str = ""

    @property
    def ok(self) -> bool:
        return self.outcome in ("taken", "unchanged")


def bundle_url(url: str) -> str:
    """Return where the bundle of a service is: its address, or the bundle's own. Raises FetchFailed."""
    parts = address_of(url)
    if parts.query or parts.fragment:
        raise FetchFailed("bad_address", url)
    path = parts.path.rstrip("/")
    return f"{parts.scheme}://{parts.netloc}{path if path.endswith(PATH) else path + PATH}"


class Held:
    """The bundle of a store as a running gate sees it: read again when the file changed, and never an older one.

    Another process may renew the store, such as a timer that runs `refresh`. Threads may share it.
    """

    def __init__(self, folder: Path, pins: Sequence[str]) -> None:
        self.store = BundleStore(folder)
        self.pins = tuple(pins)
        self._file = folder / "bundle.jws"
        self._lock = threading.Lock()
        self._stamp: tuple[int, int, int] | None = None
        self._bundle: TrustedBundle | None = None

    def bundle(self) -> TrustedBundle | None:
        """Return what is held, None when there is nothing. What no longer verifies leaves what was read before."""
        with self._lock:
            stamp = self._stamp_now()
            if stamp is not None and stamp != self._stamp:
                with contextlib.suppress(BundleRefused):
                    found = self.store.held(self.pins)
                    if found is not None and (self._bundle is None or found.seq >= self._bundle.seq):
                        self._bundle = found
                self._stamp = stamp
            return self._bundle

    def offer(self, token: str, now: datetime) -> TrustedBundle:
        """Take a bundle into the store by its rules. Raises BundleRefused; what is held then stays."""
        before = self.bundle()
        taken = self.store.offer(token, self.pins, now)
        with self._lock:
            if before is not None and taken.seq < before.seq:  # the file was put back while this gate ran
                raise BundleRefused("seq_not_higher", f"{taken.seq} after {before.seq}")
            self._bundle, self._stamp = taken, self._stamp_now()
        return taken

    def _stamp_now(self) -> tuple[int, int, int] | None:
        try:
            found = self._file.stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_size, found.st_ino


class Refreshing:
    """Fetches the bundle of one service into a store, one attempt at a time."""

    def __init__(
        self, folder: Path, held: Held, url: str, fetch: Fetching | None = None, second_pins: Sequence[str] = ()
    ) -> None:
        """second_pins: demand a bundle that is signed twice (`signed_twice`). Raises FetchFailed("bad_address")."""
        self.url = bundle_url(url)
        self._held = held
        self._fetch = UrllibFetching() if fetch is None else fetch
        self._etag_file = folder / "bundle.etag"
        self._second_pins = tuple(second_pins)

    def once(self, now: datetime) -> Refreshed:
        """Ask once. Raises nothing that a network or a server can cause."""
        before = self._held.bundle()
        headers = {"Accept": TWICE if self._second_pins else BUNDLE_JWT}
        etag = None if before is None else self._etag_of(before)
        if etag is not None:
            headers["If-None-Match"] = etag
        try:
            answer = self._fetch(self.url, headers)
        except FetchFailed as failure:
            return Refreshed("failed", failure.code, failure.detail)
        if answer.status == 304 and etag is not None:
            return Refreshed("unchanged")
        if answer.status != 200:
            return Refreshed("failed", f"http_{answer.status}", self.url)
        try:
            token = answer.body.decode("latin-1").strip()
            if self._second_pins:
                token = signed_twice(token, self._second_pins, before or self._held.store.last())
            taken = self._held.offer(token, now)
        except BundleRefused as refused:
            return Refreshed("refused", refused.reason, refused.detail)
        self._keep_etag(taken, answer.headers.get("etag", ""))
        return Refreshed("unchanged" if before is not None and before.token == taken.token else "taken")

    def _etag_of(self, bundle: TrustedBundle) -> str | None:
        """Return the server's name for exactly this bundle, None where it is not known."""
        try:
            kept = json.loads(self._etag_file.read_bytes()[:1024])
            fits = kept["url"] == self.url and kept["sha256"] == _digest(bundle)
            return str(kept["etag"]) if fits and _is_etag(kept["etag"]) else None
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def _keep_etag(self, bundle: TrustedBundle, etag: str) -> None:
        """Note the name; without one, or where that fails, the next answer is just whole again."""
        if not _is_etag(etag):
            return
        text = json.dumps({"url": self.url, "sha256": _digest(bundle), "etag": etag})
        part = self._etag_file.with_suffix(f".{os.getpid()}")
        with contextlib.suppress(OSError):
            part.write_text(text, encoding="utf-8")
            os.replace(part, self._etag_file)


class Background:
    """Refreshes while a gate runs: at once, then every few minutes, later and later while it fails. A daemon thread."""

    def __init__(
        self,
        refreshing: Refreshing,
        clock: Clock,
        *,
        every: float = EVERY_SECONDS,
        entropy: Entropy | None = None,
    ) -> None:
        self._refreshing, self._clock, self._every = refreshing, clock, every
        self._entropy = entropy or SystemEntropy()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="bundle", daemon=True)
        self.last: Refreshed | None = None
        self.failures = 0

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Ask no more; an attempt that runs is not waited for."""
        self._stop.set()

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self.last = self._refreshing.once(self._clock.now())
            except (OSError, Unavailable) as error:
                self.last = Refreshed("failed", "store", str(error))
            self.failures = 0 if self.last.ok else self.failures + 1
            self._stop.wait(pause_after(self.failures, self._every, self._entropy))


def pause_after(failures: int, every: float, entropy: Entropy) -> float:
    """Return the seconds until the next attempt: a thousand gates must not come back in one second."""
    chance = int.from_bytes(entropy.bytes(4), "big") / 2**32
    if failures == 0:
        return every * (1 - JITTER + 2 * JITTER * chance)
    longest = min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2.0 ** min(failures - 1, 16))
    return longest * (0.5 + 0.5 * chance)


def _digest(bundle: TrustedBundle) -> str:
    return hashlib.sha256(bundle.token.encode("latin-1")).hexdigest()


def _is_etag(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= MAX_ETAG_CHARACTERS and value.isascii() and value.isprintable()
