"""Sends the counts and receipts of a store to the service, each once, with a desk's key."""

import ipaddress
import json
from dataclasses import dataclass
from pathlib import Path

from wallet.errors import WalletError
from wallet.verifier.fetching import FetchFailed, Fetching, address_of
from wallet.verifier.receipts import Batch, Receipts

PATH = "/v1/verifier/receipts"
KEY_HEADER = "X-Desk-Key"
MAX_KEY_CHARACTERS = 200
MAX_ANSWER_BYTES = 64 * 1024


class UploadFailed(WalletError):
    """Nothing is lost: what was not taken is still in the store. code: a key of the texts under `error.`."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(code, detail=detail)


@dataclass(frozen=True, slots=True)
class Uploaded:
    """How much has arrived."""

    receipts: int = 0
    checks: int = 0


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


def upload(receipts: Receipts, url: str, desk_key: str, fetch: Fetching) -> Uploaded:
    """Send batch after batch until nothing waits; return what has arrived.

    A batch that may have arrived, and whose answer was lost, is sent again under the same key and arrives once. Raises
    UploadFailed for the first that is not taken, Unavailable when the store cannot be read.
    """
    address = _address(url)
    done = Uploaded()
    while (batch := receipts.next_batch()) is not None:
        _send(batch, address, desk_key, fetch)
        receipts.acknowledged(batch)
        done = Uploaded(done.receipts + batch.receipts, done.checks + sum(batch.body["counts"].values()))
    return done


def _send(batch: Batch, address: str, desk_key: str, fetch: Fetching) -> None:
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
        raise UploadFailed("upload", f"{failure.code} {failure.detail}") from failure
    if answer.status in (401, 403):
        raise UploadFailed("desk_key_refused", f"HTTP {answer.status}")
    if not 200 <= answer.status < 300:
        raise UploadFailed("upload", f"HTTP {answer.status}")


def _address(url: str) -> str:
    """Return where receipts go. A desk's key goes over TLS, or no further than this machine."""
    try:
        parts = address_of(url)
    except FetchFailed as failure:
        raise UploadFailed("upload", f"{failure.code} {failure.detail}") from failure
    if parts.scheme != "https" and not _is_this_machine(parts.hostname or ""):
        raise UploadFailed("upload", f"{url}: a desk's key goes over https alone")
    return f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}{PATH}"


def _is_this_machine(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
