"""Text messages: what sends them, an outbox of files by default and a gateway of the deployment's choice."""

import json
import os
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import structlog

from wallet.clock import Clock
from wallet.entropy import Entropy, new_id
from wallet.errors import Unavailable
from wallet.messages.signing import read_secrets, signed_headers
from wallet.wire import Line, Undelivered, until

SECONDS = 5.0
SUFFIX = ".json"
log = structlog.get_logger("wallet.messages")


class Messages(Protocol):
    """Sends text messages."""

    def send(self, phone: str, text: str) -> None:
        """Hand one message over. phone: E.164. Raises Unavailable; then it is tried again later."""
        ...


@dataclass(frozen=True, slots=True)
class Outbox:
    """One file for each message: what a demo reads instead of a phone. Only its owner may."""

    directory: Path
    clock: Clock
    entropy: Entropy

    def send(self, phone: str, text: str) -> None:
        """Write one message, whole or not at all. Raises Unavailable."""
        now = self.clock.now()
        name = f"{now:%Y%m%dT%H%M%S.%fZ}-{self.entropy.bytes(4).hex()}{SUFFIX}"
        content = json.dumps({"phone": phone, "text": text, "at": f"{now:%Y-%m-%dT%H:%M:%SZ}"}, ensure_ascii=False)
        temporary = self.directory / f"{name}.new"
        try:
            self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(self.directory / name)
        except OSError as error:
            raise Unavailable("storage_unavailable") from error
        log.debug("text message written", file=name)

    def newest(self, count: int) -> list[dict[str, Any]]:
        """Return what was written last, the newest first: phone, text, at."""
        return [
            json.loads(path.read_text(encoding="utf-8")) for _, path in zip(range(count), self._files(), strict=False)
        ]

    def _files(self) -> Iterator[Path]:
        yield from sorted(self.directory.glob(f"*{SUFFIX}"), reverse=True)


@dataclass(frozen=True, slots=True)
class Gateway:
    """A gateway of the operator's own, told by POST and signed as a webhook (Standard Webhooks, version 1)."""

    url: str
    secret: str = field(repr=False)
    clock: Clock
    entropy: Entropy
    seconds: float = SECONDS

    def send(self, phone: str, text: str) -> None:
        """Post one message, within `seconds` of the name's being resolved. Any status of 2xx is thanks.

        Raises Unavailable.
        """
        body = json.dumps({"phone": phone, "text": text}, ensure_ascii=False, separators=(",", ":"))
        headers = signed_headers([self.secret], new_id(self.entropy, "msg"), self.clock.now(), body)
        try:
            with (
                closing(Line(1, seconds=self.seconds)) as line,
                until(time.monotonic() + self.seconds),
                line.post(self.url, body.encode(), headers) as reply,
            ):
                status = reply.status_code
        except Undelivered as error:
            raise Unavailable("dependency_unavailable") from error
        if not 200 <= status < 300:
            raise Unavailable("dependency_unavailable")
        log.info("text message handed over", status=status)


def open_messages(
    *, gateway_url: str, secret_file: str, outbox_dir: Path, clock: Clock, entropy: Entropy
) -> Outbox | Gateway:
    """Return what sends text messages in this deployment. Raises ConfigurationError for a gateway without a secret."""
    if not gateway_url:
        return Outbox(outbox_dir, clock, entropy)
    (secret,) = read_secrets(secret_file, "WALLET_SMS_GATEWAY_SECRET_FILE", most=1)
    return Gateway(gateway_url, secret, clock, entropy)
