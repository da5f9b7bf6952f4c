"""A gate in a terminal: every outcome once, then the network dies and a phone and the gate go on without it.

The gate is the offline kit itself (`wallet.verifier.gate`) on a store of its own; the phone signs what it shows.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import httpx
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from wallet.clock import Clock
from wallet.crypto.jws import b64url_decode
from wallet.crypto.signing import raw_from_der
from wallet.demo.sample_codes import SampleCode, SamplePhone
from wallet.demo.stories.calling import Calling, OnStep, Surprise
from wallet.entropy import Entropy
from wallet.formats.live_code import parse_gate_challenge
from wallet.texts.catalogue import catalogue
from wallet.verifier import FileReplay
from wallet.verifier.fetching import Fetched, FetchFailed
from wallet.verifier.gate import Challenges, Gate, NotJudged, Told
from wallet.verifier.inputs import Given
from wallet.verifier.outcomes import LOOKS, Outcome
from wallet.verifier.reasons import Verdict
from wallet.verifier.receipts import Receipts
from wallet.verifier.refreshing import Held, Refreshing

GATE_ID = "DEMO-1"
PURPOSE = VIEW = "security"
"""A purpose of the sandbox's desk, which takes the receipts, and the view of an identity for it."""
REFRESH_SECONDS = 30
OLD_SECONDS = 95
STEPS_BEFORE, STEPS_NOW = 4, 2
"""Of a check-in, as docs/domain.md, section 5.3, has them: now it is to present a code, and to scan and compare."""


@dataclass
class Network:
    """The network between the gate and the service, with a plug that can be pulled."""

    client: httpx.Client
    plugged: bool = True

    def __call__(self, url: str, headers: Mapping[str, str], body: bytes | None = None, *, most: int = 0) -> Fetched:
        if not self.plugged:
            raise FetchFailed("unreachable", "đã rút dây mạng / the plug is pulled")
        try:
            response = self.client.request("GET" if body is None else "POST", url, headers=dict(headers), content=body)
        except httpx.TransportError as error:
            raise FetchFailed("unreachable", str(error)) from error
        return Fetched(response.status_code, {k.lower(): v for k, v in response.headers.items()}, response.content)


@dataclass
class GateStory:
    """One shift at a gate. codes: to be tried; phone: of somebody who wants to pass. Raises Surprise when a verdict
    is another than the code promises."""

    network: Network
    url: str
    pin: str
    codes: Sequence[SampleCode]
    phone: SamplePhone
    folder: Path
    clock: Clock
    entropy: Entropy
    on_step: OnStep
    took: list[float] = field(default_factory=list)

    def go(self, only: str | None = None) -> dict[str, Any]:
        """Play the shift, or with `only` one code of it, and return what it came to."""
        held = Held(self.folder, [self.pin])
        refreshing = Refreshing(self.folder, held, self.url, self.network)
        self._refresh(refreshing, "taken", "mạng có: gate nhận gói tin cậy / network on: the gate takes the bundle")
        gate = self._gate(held)
        wanted = [code for code in self.codes if only in (None, code.key, code.outcome.value)]
        if not wanted:
            raise Surprise(f"không có kết quả {only} / no such outcome", "wallet demo gate --help")
        for code in wanted:
            self._try(gate, code)
        if only is None:
            self._without_network(gate, held, refreshing)
        return self._told(gate)

    def _without_network(self, gate: Gate, held: Held, refreshing: Refreshing) -> None:
        self.network.plugged = False
        self._refresh(refreshing, "failed", "rút mạng: vẫn giữ gói cũ / network off: what is held stays")
        now = self.clock.now()
        shown = self.phone.code(now - timedelta(seconds=REFRESH_SECONDS))
        self._expect(gate, shown, Outcome.VALID, "mã của điện thoại, 30 giây trước / the phone's code of 30 s ago")
        fresh = self.phone.code(now)
        self._expect(gate, fresh, Outcome.VALID, "điện thoại đã đổi mã / the phone has renewed its code")
        photo = self.phone.code(now - timedelta(seconds=OLD_SECONDS))
        self._expect(gate, photo, Outcome.TOO_OLD, "ảnh chụp màn hình cũ / an old screenshot")
        again = self._gate(held)
        title = "cửa khởi động lại, vẫn nhớ mã / restarted, the gate still knows the code"
        self._expect(again, fresh, Outcome.ALREADY_SCANNED, title)
        self._high(held)
        self.network.plugged = True
        self._refresh(refreshing, "unchanged", "cắm lại mạng / network on again")

    def _high(self, held: Held) -> None:
        """A gate that wants more shows its challenge first; the phone reads it and puts it into its next code."""
        challenges = Challenges(GATE_ID, self.entropy)
        gate = self._gate(held, challenges)
        plain = self.phone.code(self.clock.now(), life=timedelta(seconds=59))
        self._expect(gate, plain, Outcome.NOT_ACCEPTED, "chế độ cao: mã thường bị từ chối / high mode: a plain code")
        text, _ = challenges.shown(self.clock.now())
        answering = self.phone.code(self.clock.now(), parse_gate_challenge(text))
        self._expect(gate, answering, Outcome.VALID, "chế độ cao: mã trả lời cửa / high mode: the code that answers")

    def _gate(self, held: Held, challenges: Challenges | None = None) -> Gate:
        replay = FileReplay(self.folder / "seen.sqlite", entropy=self.entropy)
        receipts = Receipts(self.folder, entropy=self.entropy)
        return Gate(held, replay, receipts, self.clock, gate_id=GATE_ID, challenges=challenges, purpose=PURPOSE)

    def _refresh(self, refreshing: Refreshing, outcome: str, title: str) -> None:
        begun = perf_counter()
        found = refreshing.once(self.clock.now())
        if found.outcome != outcome:
            raise Surprise(f"{title}: {found.outcome} {found.reason} {found.detail}", "make run")
        self.on_step(title, (perf_counter() - begun) * 1000)

    def _try(self, gate: Gate, code: SampleCode) -> None:
        for _ in range(code.times - 1):
            self._expect(gate, code.code, Outcome.VALID, f"{code.title['vi']} / {code.title['en']} (1)")
        told = self._expect(gate, code.code, code.outcome, f"{code.title['vi']} / {code.title['en']}")
        if told.judgement.reasons != code.reasons:
            raise Surprise(f"{code.key}: {', '.join(told.judgement.reasons)}, mong đợi / expected {code.reasons}")

    def _expect(self, gate: Gate, code: str, outcome: Outcome, title: str) -> Told:
        begun = perf_counter()
        try:
            told = gate.check(Given(code))
        except NotJudged as failure:
            raise Surprise(f"{title}: {failure.code}") from failure
        took = (perf_counter() - begun) * 1000
        self.took.append(took)
        if told.outcome is not outcome:
            raise Surprise(f"{title}: {told.outcome}, mong đợi / expected {outcome}")
        words = [catalogue(language)["verifier"][f"outcome.{outcome.value}"] for language in ("vi", "en")]
        self.on_step(f"{LOOKS[outcome].sign} {' / '.join(words)}: {title}", took)
        return told

    def _told(self, gate: Gate) -> dict[str, Any]:
        """Return what the shift came to: how many checks, how long the machine took, how many steps people take."""
        return {
            "checks": len(self.took),
            "counts": gate.receipts.counts(),
            "receipts": gate.receipts.waiting(),
            "milliseconds": {"median": round(median(self.took), 1), "longest": round(max(self.took), 1)},
            "steps": {"before": STEPS_BEFORE, "now": STEPS_NOW},
        }


def carded_phone(calling: Calling, key: str) -> SamplePhone:
    """Let a persona fetch a card of their identity for a gate, with network; return the phone. Raises Surprise."""
    party = calling.party(key)
    phone, name = party.phone, party.persona.name
    calling.sign_in(phone, party.persona.number, party.password, f"công dân / citizen đăng nhập: {name}")
    listed = calling.call("GET", "/v1/documents?limit=100", 200, headers=phone.headers).json()["data"]
    held = next((row["id"] for row in listed if row["utility"] == "identity" and row["state"] == "valid"), None)
    if held is None:
        title = "cấp căn cước điện tử / electronic identity issued"
        asked = {"utility": "identity"}
        held = calling.tell(title, phone, "POST", "/v1/requests", 201, once=True, json=asked)["document_id"]
    title = f"điện thoại nhận thẻ để dùng khi mất mạng / the phone fetches a card ({VIEW})"
    order = {"view": VIEW, "count": 1}
    made = calling.tell(title, phone, "POST", f"/v1/documents/{held}/cards", 201, once=True, json=order)
    inner = b64url_decode(made["data"][0]["card"])
    return SamplePhone(inner, lambda message: raw_from_der(phone.device_key.sign(message, ec.ECDSA(hashes.SHA256()))))


def codes_served(network: Network, url: str) -> list[SampleCode]:
    """Return the codes that a sandbox serves. Raises Surprise."""
    try:
        answer = network(f"{url}/v1/sandbox/test-codes", {"Accept": "application/json"})
    except FetchFailed as failure:
        raise Surprise(f"không có máy chủ tại {url} / no server there: {failure.detail}", "make run") from failure
    if answer.status != 200:
        raise Surprise(f"GET /v1/sandbox/test-codes: {answer.status}", "wallet demo gate")
    return [_served(each) for each in httpx.Response(200, content=answer.body).json()["data"]]


def _served(row: Mapping[str, Any]) -> SampleCode:
    until = row.get("usable_until")
    return SampleCode(
        row["key"],
        row["code"],
        Verdict(row["verdict"]),
        tuple(row["reasons"]),
        Outcome(row["outcome"]),
        row["title"],
        row["times"],
        None if until is None else datetime.fromisoformat(until),
    )
