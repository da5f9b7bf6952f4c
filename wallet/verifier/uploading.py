"""Sends the counts and receipts of a store to the service, each once, with a desk's key.

What passes (no network, a service that is busy or down) is tried again, later and later, and stays for the next call.
What the service refuses for good, in its own words, is set aside, and the rest goes on.
"""

import json
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from wallet.clock import Clock, SystemClock
from wallet.entropy import Entropy, SystemEntropy
from wallet.errors import WalletError
from wallet.hosts import is_this_machine
from wallet.verifier.fetching import Fetched, FetchFailed, Fetching, address_of
from wallet.verifier.receipts import Batch, Receipts
from wallet.verifier.refreshing import LONGEST_PAUSE_SECONDS, pause_after

PATH = "/v1/verifier/receipts"
KEY_HEADER = "X-Desk-Key"
MAX_KEY_CHARACTERS = 200
MAX_ANSWER_BYTES = 256 * 1024
"""A refusal that names every receipt of a batch, more than once, in words."""

_FOR_GOOD = frozenset({400, 409, 413, 415, 422})
_PASSES = frozenset({408, 425, 429}) | frozenset(range(500, 600))
_OF_THE_KEY = {"invalid_desk_key": "desk_key_refused", "desk_key_suspended": "desk_key_suspended"}
"""What the service says of a key, and what this says of it. Any other refusal, a portal's page too, tells nothing."""
_CODE = re.compile(r"[a-z][a-z0-9_]{0,63}")
_OF_RECEIPT = re.compile(r"/receipts/([0-9]{1,4})(/.*)?")
_OF_COUNTS = re.compile(r"/counts(/.*)?")


class UploadFailed(WalletError):
    """Nothing is lost: what was not taken is still in the store. code: a key of the texts under `error.`."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(code, detail=detail)


class _Passing(UploadFailed):
    """Another try may do. retry_after: seconds that the service wishes, 0 where it says nothing."""

    def __init__(self, detail: str, retry_after: int = 0) -> None:
        super().__init__("upload", detail)
        self.retry_after = retry_after


@dataclass(frozen=True, slots=True)
class Uploaded:
    """How much has arrived, and how many receipts and checks were refused for good and set aside."""

    receipts: int = 0
    checks: int = 0
    refused: int = 0
    refused_checks: int = 0


def read_desk_key(path: Path) -> str:
    """Return the key in a file: a word on a command line is read by others. Raises UploadFailed."""
    try:
        with path.open("rb") as file:
            key = file.read(MAX_KEY_CHARACTERS + 2).decode("ascii").strip()
    except (OSError, ValueError) as error:
        raise UploadFailed("desk_key", f"{path}: {error}") from error
    if not key or len(key) > MAX_KEY_CHARACTERS or not key.isprintable() or " " in key:
        raise UploadFailed("desk_key", f"{path}: {len(key)} characters")
    return key


def upload(
    receipts: Receipts,
    url: str,
    desk_key: str,
    fetch: Fetching,
    *,
    tries: int = 1,
    pause: Callable[[float], None] = time.sleep,
    clock: Clock | None = None,
    entropy: Entropy | None = None,
) -> Uploaded:
    """Send batch after batch until nothing waits; return what has arrived, and what was refused for good.

    A batch that may have arrived, and whose answer was lost, is sent again under the same key and arrives once. tries:
    of each batch, while it fails for what passes. pause: waits so many seconds. Raises UploadFailed for the first that
    is not taken, Unavailable when the store cannot be read.
    """
    address = _address(url)
    clock, entropy = clock or SystemClock(), entropy or SystemEntropy()
    done = Uploaded()
    while (batch := receipts.next_batch()) is not None:
        faults = _tried(batch, address, desk_key, fetch, tries, pause, entropy)
        checks = sum(batch.body["counts"].values())
        if not faults:
            receipts.acknowledged(batch)
            done = replace(done, receipts=done.receipts + batch.receipts, checks=done.checks + checks)
        else:
            receipts.set_aside(batch, faults, clock.now())
            refused = done.refused + len(faults.keys() - {None})
            done = replace(done, refused=refused, refused_checks=done.refused_checks + checks * (None in faults))
    return done


def _tried(
    batch: Batch,
    address: str,
    desk_key: str,
    fetch: Fetching,
    tries: int,
    pause: Callable[[float], None],
    entropy: Entropy,
) -> dict[int | None, str]:
    """Send a batch, again while what passes stands against it; return what of it was refused for good."""
    for failures in range(1, tries):
        try:
            return _sent(batch, address, desk_key, fetch)
        except _Passing as failure:
            if failure.retry_after > LONGEST_PAUSE_SECONDS:
                raise
            pause(max(failure.retry_after, pause_after(failures, 0, entropy)))
    return _sent(batch, address, desk_key, fetch)


def _sent(batch: Batch, address: str, desk_key: str, fetch: Fetching) -> dict[int | None, str]:
    headers = {
        "Content-Type": "application/json",
        "Accept": "application/json",
        "Idempotency-Key": batch.id,
        KEY_HEADER: desk_key,
    }
    body = json.dumps(batch.body, separators=(",", ":")).encode()
    try:
        answer = fetch(address, headers, body, most=MAX_ANSWER_BYTES)
    except FetchFailed as failure:
        detail = f"{failure.code} {failure.detail}"
        if failure.code in ("unreachable", "too_slow"):
            raise _Passing(detail) from failure
        raise UploadFailed("upload", detail) from failure
    if 200 <= answer.status < 300:
        return {}
    stated = _problem(answer)
    if stated is not None and stated["code"] in _OF_THE_KEY:
        raise UploadFailed(_OF_THE_KEY[stated["code"]], f"HTTP {answer.status}")
    if answer.status in _PASSES:
        wish = answer.headers.get("retry-after", "")
        raise _Passing(f"HTTP {answer.status}", int(wish) if re.fullmatch("[0-9]{1,9}", wish) else 0)
    if stated is None or answer.status not in _FOR_GOOD:
        raise UploadFailed("upload", f"HTTP {answer.status}")
    return _faults(batch, stated)


def _problem(answer: Fetched) -> Mapping[str, Any] | None:
    """Return the problem document that an answer is (RFC 9457), None for anything else: a portal's page, a proxy's."""
    if answer.headers.get("content-type", "").split(";")[0].strip().lower() != "application/problem+json":
        return None
    try:
        problem = json.loads(answer.body)
    except (ValueError, RecursionError):
        return None
    return problem if isinstance(problem, dict) and _is_code(problem.get("code")) else None


def _faults(batch: Batch, problem: Mapping[str, Any]) -> dict[int | None, str]:
    """Return what of a batch a problem names: places of receipts, None for the counts; where it names none, all."""
    everything = range(batch.receipts)
    named: dict[int | None, str] = {}
    errors = problem.get("errors")
    for error in errors if isinstance(errors, list) else ():
        stated = error if isinstance(error, dict) else {}
        pointer, code = str(stated.get("pointer")), str(stated.get("code"))
        if not _is_code(code):
            continue
        if (found := _OF_RECEIPT.fullmatch(pointer)) and int(found[1]) in everything:
            named.setdefault(int(found[1]), code)
        elif _OF_COUNTS.fullmatch(pointer):
            named.setdefault(None, code)
    return named or dict.fromkeys((None, *everything), problem["code"])


def _is_code(value: object) -> bool:
    return isinstance(value, str) and _CODE.fullmatch(value) is not None


def _address(url: str) -> str:
    """Return where receipts go. A desk's key goes over TLS, or no further than this machine."""
    try:
        parts = address_of(url)
    except FetchFailed as failure:
        raise UploadFailed("upload", f"{failure.code} {failure.detail}") from failure
    if parts.scheme != "https" and not is_this_machine(parts.hostname or ""):
        raise UploadFailed("upload", f"{url}: a desk's key goes over https alone")
    return f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}{PATH}"
