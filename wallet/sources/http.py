"""A partner's register over HTTP: one question, bounded in time, repeated where safe, believed only after a look.

The question has the call fields of the population database (docs/domain.md section 6.1): who asks, for which procedure,
about whom. Whatever goes wrong is Unavailable("source_unavailable"); the reason is counted and logged, without the
person's data.
"""

import re
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Lock
from typing import Any, Generic, TypeVar

import httpx
import stamina
import structlog

from wallet.clock import Clock
from wallet.crypto.jws import compact_json
from wallet.entropy import Entropy, new_id
from wallet.errors import NotFound, Unavailable
from wallet.sources.answers import Lying, Unknown, is_unknown, judge, parse
from wallet.sources.base import Facts, Ground, RegisterCode
from wallet.sources.breaker import Breaker, BreakerState, Open
from wallet.sources.partners import Partner
from wallet.wire import Line, TooLarge, Undelivered, until, whole

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

Believed = TypeVar("Believed")
Answer = Mapping[str, Any]


class _Failed(Exception):
    """One attempt came to nothing. reason: a code. again: whether another may come to something."""

    def __init__(self, reason: str, *, again: bool) -> None:
        super().__init__(reason)
        self.reason, self.again = reason, again


@dataclass(frozen=True, slots=True)
class Inquiry(Generic[Believed]):
    """What is to be asked. about: the fields beside who asks and why. kind: before what comes of it, where it is about
    no person.

    believe: returns what is believed of an answer to the question with this id. Raises Unknown, Lying.
    """

    url: str
    about: Mapping[str, str | int] = field(repr=False)
    ground: Ground
    believe: Callable[[Answer, str], Believed]
    kind: str = ""


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
    _line: Line = field(init=False, repr=False)
    _outcomes: Counter[str] = field(default_factory=Counter)
    _answered_at: datetime | None = None
    _failed_at: datetime | None = None
    _reason: str = ""
    _lock: Lock = field(default_factory=Lock, repr=False)

    def __post_init__(self) -> None:
        partner = self.partner
        self.breaker = Breaker(self.clock, partner.open_after, timedelta(seconds=partner.rest_seconds))
        self._line = Line(
            partner.connections,
            seconds=partner.read_seconds,
            connect=partner.connect_seconds,
            headers={"Authorization": f"Bearer {partner.api_key}"},
        )

    @property
    def code(self) -> str:
        return self.partner.code

    def read(self, number: str, ground: Ground) -> Facts:
        """Return what the partner states about a person. as_of is the partner's own.

        Raises NotFound("person_unknown") where it says so, Unavailable("source_unavailable") for all else: no answer
        in time, a refusal, an answer that is not to be believed, or too many of these lately.
        """
        partner = self.partner
        person = {"HoVaTen": ground.full_name[:LONGEST_NAME], "NgayThangNamSinh": ground.birth_date}
        about = self._whom(number) | {name: value for name, value in person.items() if value}

        def believe(answer: Answer, call_id: str) -> Facts:
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

        try:
            facts = self.ask(Inquiry(partner.url, about, ground, believe), self.breaker)
        except Unknown as error:
            self.note("unknown")
            raise NotFound("person_unknown") from error
        self.note("answered")
        return facts

    def ask(self, inquiry: Inquiry[Believed], breaker: Breaker) -> Believed:
        """Ask a question, and return what of the answer is believed. Raises Unknown, and Unavailable as `read` does."""
        call_id, ground = new_id(self.entropy, "src"), inquiry.ground
        try:
            with breaker.guard(Unknown):
                return self._ask_until_answered(inquiry, call_id)
        except Open as error:
            self.note(f"{inquiry.kind}left_alone", heard=False)
            raise self.unavailable(breaker, error.retry_after) from error
        except (_Failed, Lying) as error:
            reason = inquiry.kind + (f"lying_{error.reason}" if isinstance(error, Lying) else error.reason)
            self.note_failure(reason)
            log.warning(
                "source_failed",
                source=self.code,
                reason=reason,
                fact=getattr(error, "fact", "") or None,
                call_id=call_id,
                request_id=ground.request_id,
                breaker=str(breaker.state),
            )
            raise self.unavailable(breaker) from error

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
        self._line.close()

    def _ask_until_answered(self, inquiry: Inquiry[Believed], call_id: str) -> Believed:
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
                return inquiry.believe(self._ask(inquiry, call_id), call_id)
        raise AssertionError("the last attempt raises what it met")

    def _ask(self, inquiry: Inquiry[Any], call_id: str) -> Answer:
        """Ask once. Raises _Failed, Unknown, Lying."""
        ground, body = inquiry.ground, compact_json(self._question(inquiry, call_id))
        headers = {
            "X-Request-Id": ascii_token(ground.request_id) or call_id,
            "X-Purpose": ascii_token(ground.purpose),
        }
        try:
            with self._line.post(inquiry.url, body, headers) as response:
                return self._answer(response, call_id, of_person=not inquiry.kind)
        except Undelivered as error:
            raise _Failed(str(error), again=True) from error

    def _answer(self, response: httpx.Response, call_id: str, *, of_person: bool) -> Answer:
        status = response.status_code
        if 300 <= status < 400:
            raise Lying("redirect")
        if status in (401, 403):
            raise _Failed("key_refused", again=False)
        if status in AGAIN:
            raise _Failed(f"http_{status}", again=True)
        if status != 200 and not (status == 404 and of_person):
            raise _Failed(f"http_{status}", again=False)
        kind = response.headers.get("Content-Type", "").split(";")[0].strip().lower()
        if kind != "application/json" or response.headers.get("Content-Encoding", "identity") != "identity":
            raise Lying("content_type")
        try:
            answer = parse(whole(response, self.partner.most_bytes))
        except TooLarge as error:
            raise Lying("too_large") from error
        if status == 404:
            # A wrong address answers 404 too: only the register's own word is believed.
            if is_unknown(answer, call_id):
                raise Unknown
            raise Lying("not_found")
        return answer

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

    def _question(self, inquiry: Inquiry[Any], call_id: str) -> dict[str, str | int]:
        partner, ground = self.partner, inquiry.ground
        return {
            "MaYeuCau": call_id,
            "MaDVC": partner.procedures.get(ground.procedure, ground.procedure[:LONGEST_PROCEDURE]),
            "MaTichHop": partner.integration_code,
            "MaDonVi": partner.agency,
            # Twenty characters at the end of an account's id tell it from every other and say nothing about its holder.
            "MaCanBo": ground.actor.account_id[-LONGEST_OFFICER:],
            **inquiry.about,
        }

    def unavailable(self, breaker: Breaker, retry_after: int | None = None) -> Unavailable:
        """Return the refusal of whoever needs an answer that did not come."""
        seconds = retry_after or max(1, round(self.partner.budget_seconds))
        if breaker.state is BreakerState.OPEN and retry_after is None:
            seconds = max(1, round(self.partner.rest_seconds))
        return Unavailable("source_unavailable", seconds, register=self.code, register_names=dict(self.partner.names))

    def note_failure(self, reason: str) -> None:
        """Count what came of a question, and keep it as the last failure."""
        with self._lock:
            self._outcomes[reason] += 1
            self._failed_at, self._reason = self.clock.now(), reason

    def note(self, outcome: str, *, heard: bool = True) -> None:
        """Count what came of a question. heard: whether the partner answered it."""
        with self._lock:
            self._outcomes[outcome] += 1
            if heard:
                self._answered_at = self.clock.now()


def ascii_token(text: str) -> str:
    """Return a text as the value of a header: visible ASCII alone, 64 characters at most."""
    return "".join(letter for letter in text if "!" <= letter <= "~")[:64]


def partner_registers(partners: tuple[Partner, ...], clock: Clock, entropy: Entropy) -> dict[str, PartnerRegister]:
    """Return a register for each partner, by its code. Connects to nobody yet."""
    return {partner.code: PartnerRegister(partner, clock, entropy) for partner in partners}
