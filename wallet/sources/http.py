"""A partner's register over HTTP: one question, bounded in time, repeated where safe, believed only after a look.

The question has the call fields of the population database (docs/domain.md section 6.1): who asks, for which procedure,
about whom. Whatever goes wrong is Unavailable("source_unavailable"); the reason is counted and logged, without the
person's data.
"""

import re
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Lock
from typing import Any

import httpcore
import httpx
import stamina
import structlog

from wallet.clock import Clock
from wallet.entropy import Entropy, new_id
from wallet.errors import NotFound, Unavailable
from wallet.sources.answers import Lying, Unknown, is_unknown, judge, parse
from wallet.sources.base import Facts, Ground, RegisterCode
from wallet.sources.breaker import Breaker, BreakerState, Open
from wallet.sources.partners import Partner
from wallet.sources.wire import BoundedTransport, seconds_left, until

LONGEST_PROCEDURE = 20
LONGEST_OFFICER = 20
LONGEST_NAME = 100
LONGEST_WAIT_SECONDS = 0.5
"""Between two attempts, the jitter included."""
AGAIN = frozenset({429, 500, 502, 503, 504})
"""Statuses after which the same question may be answered."""

_PERSON = re.compile(r"[0-9]{12}")
_CMND = re.compile(r"[0-9]{9}")
_ENTERPRISE = re.compile(r"[0-9]{10}(-[0-9]{3})?")
log = structlog.get_logger("wallet.sources")


class _Failed(Exception):
    """One attempt came to nothing. reason: a code. again: whether another may come to something."""

    def __init__(self, reason: str, *, again: bool) -> None:
        super().__init__(reason)
        self.reason, self.again = reason, again


@dataclass(frozen=True, slots=True)
class SourceStatus:
    """How a partner's register stands, as this process saw it. outcomes: questions by what came of them.

    last_reason: of the last failure; never about a person.
    """

    code: str
    place: str
    state: BreakerState
    failures_in_a_row: int
    last_answer_at: datetime | None
    last_failure_at: datetime | None
    last_reason: str
    outcomes: Mapping[str, int]


@dataclass(slots=True)
class PartnerRegister:
    """One register of a partner. Safe for several threads; connections are kept open between questions."""

    partner: Partner
    clock: Clock
    entropy: Entropy
    breaker: Breaker = field(init=False)
    _client: httpx.Client = field(init=False, repr=False)
    _outcomes: Counter[str] = field(default_factory=Counter)
    _answered_at: datetime | None = None
    _failed_at: datetime | None = None
    _reason: str = ""
    _lock: Lock = field(default_factory=Lock, repr=False)

    def __post_init__(self) -> None:
        partner = self.partner
        self.breaker = Breaker(self.clock, partner.open_after, timedelta(seconds=partner.rest_seconds))
        self._client = httpx.Client(
            transport=BoundedTransport(partner.connections),
            timeout=httpx.Timeout(partner.read_seconds, connect=partner.connect_seconds),
            follow_redirects=False,
            trust_env=False,
            headers={
                "Authorization": f"Bearer {partner.api_key}",
                "Accept": "application/json",
                # What is small on the wire may be large in memory: the body is counted as it comes.
                "Accept-Encoding": "identity",
                "User-Agent": "vi-so-wallet",
            },
        )

    @property
    def code(self) -> str:
        return self.partner.code

    def read(self, number: str, ground: Ground) -> Facts:
        """Return what the partner states about a person. as_of is the partner's own.

        Raises NotFound("person_unknown") where it says so, Unavailable("source_unavailable") for all else: no answer
        in time, a refusal, an answer that is not to be believed, or too many of these lately.
        """
        whom = self._whom(number)
        call_id = new_id(self.entropy, "src")
        try:
            with self.breaker.guard(Unknown):
                facts = self._ask_until_answered(number, self._question(whom, ground, call_id), call_id, ground)
        except Open as error:
            self._note("left_alone")
            raise self._unavailable(error.retry_after) from error
        except Unknown as error:
            self._note("unknown")
            raise NotFound("person_unknown") from error
        except (_Failed, Lying) as error:
            reason = f"lying_{error.reason}" if isinstance(error, Lying) else error.reason
            self._note(reason, failed=True)
            log.warning(
                "source_failed",
                source=self.code,
                reason=reason,
                fact=getattr(error, "fact", "") or None,
                call_id=call_id,
                request_id=ground.request_id,
                breaker=str(self.breaker.state),
            )
            raise self._unavailable() from error
        self._note("answered")
        return facts

    def status(self) -> SourceStatus:
        """Return how the register stands."""
        with self._lock:
            return SourceStatus(
                self.code,
                self.partner.place,
                self.breaker.state,
                self.breaker.failures,
                self._answered_at,
                self._failed_at,
                self._reason,
                dict(self._outcomes),
            )

    def close(self) -> None:
        """Give the connections back."""
        self._client.close()

    def _ask_until_answered(self, number: str, body: Mapping[str, str], call_id: str, ground: Ground) -> Facts:
        """Ask, and ask again while time and attempts are left: the question changes nothing and keeps its id."""
        partner = self.partner
        deadline = time.monotonic() + partner.budget_seconds

        def worth_another(error: Exception) -> bool:
            left = deadline - time.monotonic()
            return isinstance(error, _Failed) and error.again and left > LONGEST_WAIT_SECONDS

        for attempt in stamina.retry_context(
            on=worth_another,
            attempts=partner.attempts,
            timeout=partner.budget_seconds,
            wait_initial=0.1,
            wait_max=LONGEST_WAIT_SECONDS,
            wait_jitter=0.2,
        ):
            with attempt, until(deadline):
                answer = self._ask(body, call_id, ground)
                return judge(
                    answer,
                    register=partner.code,
                    asked=number,
                    call_id=call_id,
                    fields=partner.facts,
                    shape=partner.shape,
                    required=partner.required,
                    now=self.clock.now(),
                )
        raise AssertionError("the last attempt raises what it met")

    def _ask(self, body: Mapping[str, str], call_id: str, ground: Ground) -> Mapping[str, Any]:
        """Ask once. Raises _Failed, Unknown, Lying."""
        headers = {
            "X-Request-Id": ascii_token(ground.request_id) or call_id,
            "X-Purpose": ascii_token(ground.purpose),
        }
        try:
            seconds_left()
            with self._client.stream("POST", self.partner.url, json=dict(body), headers=headers) as response:
                return self._answer(response, call_id)
        except (httpcore.TimeoutException, httpx.TimeoutException) as error:
            raise _Failed("timeout", again=True) from error
        except (httpcore.NetworkError, httpcore.ProtocolError, httpx.TransportError, OSError) as error:
            raise _Failed("no_connection", again=True) from error

    def _answer(self, response: httpx.Response, call_id: str) -> Mapping[str, Any]:
        status = response.status_code
        if 300 <= status < 400:
            raise Lying("redirect")
        if status in (401, 403):
            raise _Failed("key_refused", again=False)
        if status in AGAIN:
            raise _Failed(f"http_{status}", again=True)
        if status not in (200, 404):
            raise _Failed(f"http_{status}", again=False)
        kind = response.headers.get("Content-Type", "").split(";")[0].strip().lower()
        if kind != "application/json" or response.headers.get("Content-Encoding", "identity") != "identity":
            raise Lying("content_type")
        answer = parse(self._body(response))
        if status == 404:
            # A wrong address answers 404 too: only the register's own word is believed.
            if is_unknown(answer, call_id):
                raise Unknown
            raise Lying("not_found")
        return answer

    def _body(self, response: httpx.Response) -> bytes:
        most, body = self.partner.most_bytes, bytearray()
        for chunk in response.iter_raw():
            body += chunk
            if len(body) > most:
                raise Lying("too_large")
            seconds_left()
        return bytes(body)

    def _whom(self, number: str) -> dict[str, str]:
        """Return the field that says whom the question is about. Raises NotFound for what can be nobody's number."""
        if self.code == RegisterCode.BUSINESSES:
            if _ENTERPRISE.fullmatch(number):
                return {"MaSoDoanhNghiep": number}
        elif _PERSON.fullmatch(number):
            return {"SoDinhDanh": number}
        elif self.code == RegisterCode.POPULATION and _CMND.fullmatch(number):
            return {"SoCMND": number}
        raise NotFound("person_unknown")

    def _question(self, whom: Mapping[str, str], ground: Ground, call_id: str) -> dict[str, str]:
        partner = self.partner
        person = {"HoVaTen": ground.full_name[:LONGEST_NAME], "NgayThangNamSinh": ground.birth_date}
        return {
            "MaYeuCau": call_id,
            "MaDVC": partner.procedures.get(ground.procedure, ground.procedure[:LONGEST_PROCEDURE]),
            "MaTichHop": partner.integration_code,
            "MaDonVi": partner.agency,
            # Twenty characters at the end of an account's id tell it from every other and say nothing about its holder.
            "MaCanBo": ground.actor.account_id[-LONGEST_OFFICER:],
            **whom,
            **{name: value for name, value in person.items() if value},
        }

    def _unavailable(self, retry_after: int | None = None) -> Unavailable:
        seconds = retry_after or max(1, round(self.partner.budget_seconds))
        if self.breaker.state is BreakerState.OPEN and retry_after is None:
            seconds = max(1, round(self.partner.rest_seconds))
        return Unavailable("source_unavailable", seconds, register=self.code, register_names=dict(self.partner.names))

    def _note(self, outcome: str, *, failed: bool = False) -> None:
        with self._lock:
            self._outcomes[outcome] += 1
            if failed:
                self._failed_at, self._reason = self.clock.now(), outcome
            elif outcome != "left_alone":
                self._answered_at = self.clock.now()


def ascii_token(text: str) -> str:
    """Return a text as the value of a header: visible ASCII alone, 64 characters at most."""
    return "".join(letter for letter in text if "!" <= letter <= "~")[:64]


def partner_registers(partners: tuple[Partner, ...], clock: Clock, entropy: Entropy) -> dict[str, PartnerRegister]:
    """Return a register for each partner, by its code. Connects to nobody yet."""
    return {partner.code: PartnerRegister(partner, clock, entropy) for partner in partners}
