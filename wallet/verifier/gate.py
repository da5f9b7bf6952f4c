"""A gate that checks one code after another: one line in, one verdict out, whatever the line holds.

Lines come from a keyboard-wedge scanner, from a person, or from an integrator's program as JSON. The network may be
dead; nothing here opens a socket. What was checked is forgotten with the next line, but for counts and, where they are
wanted, receipts.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, BinaryIO

from wallet.clock import Clock
from wallet.entropy import Entropy
from wallet.errors import Unavailable, WalletError
from wallet.formats.live_code import NONCE_BYTES, NONCE_SECONDS, GateChallenge, encode_gate_challenge
from wallet.formats.sd_jwt import MAX_CHARACTERS
from wallet.verifier.answer import answer_json, first_seen_json, rfc3339
from wallet.verifier.bundle import TrustedBundle
from wallet.verifier.credential import judge_credential, looks_like_credential
from wallet.verifier.images import ImageRefused
from wallet.verifier.inputs import Given, InputRefused, read_file
from wallet.verifier.judgement import Judgement
from wallet.verifier.mdoc import judge_mdoc
from wallet.verifier.outcomes import Outcome, outcome_of
from wallet.verifier.profile import Profile
from wallet.verifier.reasons import POLICY_REFUSED
from wallet.verifier.receipts import Receipts
from wallet.verifier.refreshing import Held, TrustState, state_of
from wallet.verifier.replay import Replay
from wallet.verifier.verify import judge

MAX_LINE_BYTES = MAX_CHARACTERS + 4096
MAX_ID_CHARACTERS = 128
SHOWN_SECONDS = NONCE_SECONDS - 30
"""So long a challenge is shown: a phone that reads it in its last second has half a minute to answer."""

_HOLDER_STEP = 7
_MEMBERS = frozenset({"id", "code", "image", "challenge", "state"})


class NotJudged(WalletError):
    """Nothing could be said of a line. code: a key of the texts under `error.`; the answer is `cannot_tell`."""


@dataclass
class Challenges:
    """What a gate in high mode shows, and then demands: a nonce that is used once and dies after 120 seconds.

    Another is shown before that, so that nobody reads one that dies in their hand; whoever read the former one has the
    rest of its time.
    """

    gate_id: str
    entropy: Entropy
    _shown: tuple[datetime, bytes] | None = None
    _former: tuple[datetime, bytes] | None = None

    def current(self, now: datetime) -> GateChallenge:
        """Return the challenge to show: a new one where the last was used or shown for long, or the clock went back."""
        return GateChallenge(self.gate_id, self._current(now)[1])

    def shown(self, now: datetime) -> tuple[str, datetime]:
        """Return the text of the current one, and when it dies."""
        made_at, nonce = self._current(now)
        text = encode_gate_challenge(GateChallenge(self.gate_id, nonce))
        return text, made_at + timedelta(seconds=NONCE_SECONDS)

    def renewed_in(self, now: datetime) -> float:
        """Return the seconds after which there is another one to show."""
        return (self._current(now)[0] + timedelta(seconds=SHOWN_SECONDS) - now).total_seconds()

    def demanded(self, now: datetime) -> tuple[bytes, ...]:
        """Return the nonces of which a code has to answer one, the one that is shown first."""
        current = self._current(now)[1]
        return (current,) if self._former is None or not _alive(self._former, now) else (current, self._former[1])

    def used(self) -> None:
        """Never take any of them again."""
        self._shown = self._former = None

    def _current(self, now: datetime) -> tuple[datetime, bytes]:
        shown = self._shown
        if shown is None or not _alive(shown, now) or now - shown[0] >= timedelta(seconds=SHOWN_SECONDS):
            self._former = shown
            self._shown = shown = now, self.entropy.bytes(NONCE_BYTES)
        return shown


def _alive(made: tuple[datetime, bytes], now: datetime) -> bool:
    return timedelta(0) <= now - made[0] < timedelta(seconds=NONCE_SECONDS)


@dataclass(frozen=True, slots=True)
class Told:
    """The answer to one code at a gate: what was found, the outcome in an agent's words, which rule refused."""

    judgement: Judgement
    outcome: Outcome
    refused_for: tuple[str, ...] = ()
    receipt: str | None = None


@dataclass
class Gate:
    """One gate with its trust, its memory and its demands.

    challenges: in high mode, what is shown and then demanded. purpose: for which receipts are kept; None keeps counts
    alone.
    """

    held: Held
    replay: Replay
    receipts: Receipts
    clock: Clock
    profile: Profile = field(default_factory=Profile)
    gate_id: str | None = None
    challenges: Challenges | None = None
    purpose: str | None = None

    def state(self) -> TrustState:
        """Return how old what is held is."""
        return state_of(self.held.bundle(), self.clock.now())

    def check(self, given: Given) -> Told:
        """Judge what was given, and note it. Raises NotJudged when nothing may be said of it."""
        bundle = self.held.bundle()
        if bundle is None:
            raise NotJudged("no_bundle")
        now = self.clock.now()
        try:
            judgement = self.profile.applied(self._judged(given, bundle, now))
            refused_for = self.profile.refused_for(judgement)
            if self.challenges is not None and not _names_holder(judgement):
                judgement, refused_for = judgement.adding(POLICY_REFUSED), (*refused_for, "high")
            receipt = self.receipts.note(judgement, self.purpose)
        except Unavailable as error:
            raise NotJudged("store", detail=error.code) from error
        return Told(self.profile.shown(judgement), outcome_of(judgement), refused_for, receipt)

    def _judged(self, given: Given, bundle: TrustedBundle, now: datetime) -> Judgement:
        if given.mdoc is not None:
            return judge_mdoc(given.mdoc, bundle, self.profile.policy(None), now)
        if looks_like_credential(given.text):
            return judge_credential(given.text, bundle, self.profile.policy(None), now)
        if self.challenges is None:
            return judge(given.text, bundle, self.profile.policy(self.gate_id), now, self.replay)
        found = []
        for nonce in self.challenges.demanded(now):
            judgement = judge(given.text, bundle, self.profile.policy(self.gate_id, nonce), now, self.replay)
            if _HOLDER_STEP in judgement.checked and _met(judgement):
                self.challenges.used()  # whoever answered it, and whatever else is wrong with the code
                return judgement
            found.append(judgement)  # a code that answers none of them was remembered by none of these
        return found[0]


def _met(judgement: Judgement) -> bool:
    """Return whether a live code that its holder signed answered what this gate demands."""
    return not {"wrong_gate", "device_mismatch"} & set(judgement.reasons)


def _names_holder(judgement: Judgement) -> bool:
    """Return whether somebody proved to hold the key of what was shown, or it was refused before that was asked."""
    return judgement.document is None or judgement.device is not None or _HOLDER_STEP in judgement.checked


def lines_of(stream: BinaryIO) -> Iterator[str | None]:
    """Yield each line without its end; None for one that is longer than anything that could be checked.

    Of such a line no more is kept than the limit. What is no UTF-8 is replaced: the verdict says what it is worth.
    """
    while line := stream.readline(MAX_LINE_BYTES + 1):
        if len(line) > MAX_LINE_BYTES and not line.endswith(b"\n"):
            while rest := stream.readline(MAX_LINE_BYTES):
                if rest.endswith(b"\n"):
                    break
            yield None
        else:
            yield line.rstrip(b"\r\n").decode("utf-8", "replace")


def told_line(gate: Gate, line: str | None) -> Told:
    """Return what a gate says of one line. Raises NotJudged.

    It is a text, whatever it reads like: who shows a code has written it, and no file here is theirs to name.
    """
    if line is None:
        raise NotJudged("line_too_long", limit=MAX_LINE_BYTES)
    return gate.check(Given(line))


def json_line(gate: Gate, line: str | None) -> dict[str, Any]:
    """Return the answer to one line of an integrator: always one object, whatever the line was.

    {"id": …, "code": "VL1:…"} or {"id": …, "image": "path"}, of a picture or of a document, gives the answer of
    docs/wire.md, section 3, with `id`, `outcome`, `first_seen`, `refused_for`, `receipt_id` and, in high mode, the
    `challenge` to show next.
    {"id": …, "challenge": true} gives the challenge, {"id": …, "state": true} the age of what is held.
    """
    request_id: str | int | None = None
    try:
        asked = _asked(line)
        request_id = _id_of(asked)
        found = _answered(gate, asked)
    except NotJudged as failure:
        values = {name: value for name, value in failure.values.items() if name == "detail"}
        found = {"verdict": "cannot_tell", "accepted": False, "error": failure.code, **values}
    except Exception as error:  # noqa: BLE001 - a gate goes on, and what went wrong says nothing about the code
        found = {"verdict": "cannot_tell", "accepted": False, "error": "internal", "detail": type(error).__name__}
    return {"id": request_id, **found}


def _asked(line: str | None) -> dict[str, Any]:
    if line is None:
        raise NotJudged("line_too_long", limit=MAX_LINE_BYTES)
    try:
        asked = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise NotJudged("line", detail="no JSON") from error
    if not isinstance(asked, dict):
        raise NotJudged("line", detail="no object")
    return asked


def _id_of(asked: dict[str, Any]) -> str | int | None:
    request_id = asked.get("id")
    fits = isinstance(request_id, str) and len(request_id) <= MAX_ID_CHARACTERS
    if request_id is None or fits or (request_id.__class__ is int and abs(request_id) < 2**53):
        return request_id
    raise NotJudged("line", detail="id")


def _answered(gate: Gate, asked: dict[str, Any]) -> dict[str, Any]:
    wanted = [name for name in ("code", "image", "challenge", "state") if name in asked]
    if len(wanted) != 1 or not asked.keys() <= _MEMBERS:
        raise NotJudged("line", detail="one of code, image, challenge, state")
    name, value = wanted[0], asked[wanted[0]]
    if name in ("code", "image") and not isinstance(value, str):
        raise NotJudged("line", detail=name)
    if name == "state":
        return {"state": gate.state().json()}
    if name == "challenge":
        if gate.challenges is None:
            raise NotJudged("line", detail="not in high mode")
        return _challenge(gate.challenges, gate.clock.now())
    told = gate.check(Given(value) if name == "code" else _read(value))
    found = told_json(gate, told)
    return found if gate.challenges is None else found | _challenge(gate.challenges, gate.clock.now())


def _read(path: str) -> Given:
    try:
        return read_file(Path(path))
    except (ImageRefused, InputRefused) as refused:
        raise NotJudged(refused.code, **refused.values) from refused


def told_json(gate: Gate, told: Told) -> dict[str, Any]:
    """Return the answer of docs/wire.md, section 3, with what a gate adds; what is absent is left out."""
    found = answer_json(told.judgement) | {"outcome": told.outcome.value}
    found |= first_seen_json(told.judgement)
    if told.refused_for:
        found["refused_for"] = list(told.refused_for)
    if gate.profile.minimum_age and told.judgement.document is not None:
        found["age_reached"] = "minimum_age" not in told.refused_for
    if told.receipt is not None:
        found["receipt_id"] = told.receipt
    return found


def _challenge(challenges: Challenges, now: datetime) -> dict[str, Any]:
    text, until = challenges.shown(now)
    return {"challenge": text, "challenge_expires_at": rfc3339(until)}
