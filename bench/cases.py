"""What is measured. Each case returns rows: two timings from one interleaved run, and the ratio between them."""

import io
import itertools
import json
import sys
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass, field
from datetime import datetime
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any

import structlog
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509 import load_der_x509_certificate
from flask import Flask

from bench.bare import create_bare, durable_insert
from bench.deployment import Deployment, access_token_of, citizen_of, copy_of, environment, fill, with_actor
from bench.serving import Client, Load, free_port, post, server
from bench.timing import CPU, WALL, Clock, Timing, race
from wallet.checks.desks import DeskKey
from wallet.checks.models import VerifierRow
from wallet.crypto.cose import to_be_signed
from wallet.crypto.keystore import Role
from wallet.crypto.signing import der_from_raw
from wallet.formats.cwt_code import parse_document_code
from wallet.requests.lifecycle import RequestOrder
from wallet.verifier import Policy, TrustedBundle, judge
from wallet.web.app import create_app
from wallet.web.logs import configure_logs
from wallet.wiring import Wallet

ORDER = RequestOrder("residence", {})
FEW, MANY = 100, 20_000
CONNECTIONS = 8


DESK_PURPOSE: dict[str, Any] = {
    "code": "bench",
    "kind": "gate",
    "title": {"vi": "Đo", "en": "Bench"},
    "legal_ground": "-",
    "strict_ground": "",
    "claims": {"residence": ["full_name"]},
    "portrait": False,
    "quotas": {"citizens_an_hour": 100_000, "checks_a_minute": 10_000_000},
}
"""Of a desk that checks as often as a clock can count."""

SEEN_BEFORE = 5_000
"""People whom an organisation looked at within the hour: the largest quota of a template, of an airport's security."""


@dataclass(frozen=True, slots=True)
class Effort:
    """How long to measure."""

    rounds: int
    calls: int
    http_rounds: int
    http_seconds: float


QUICK = Effort(rounds=8, calls=60, http_rounds=2, http_seconds=0.6)
FULL = Effort(rounds=60, calls=150, http_rounds=8, http_seconds=2.0)


@dataclass(frozen=True, slots=True)
class Row:
    """One comparison. ratio: `than` divided by `what`, so 1.00 is as quick as what it is held against."""

    case: str
    what: str
    what_us: float
    than: str
    than_us: float
    unit: str = "µs"
    more: dict[str, Any] = field(default_factory=dict)

    @property
    def ratio(self) -> float:
        return self.than_us / self.what_us


@dataclass(frozen=True, slots=True)
class Bench:
    """What every case needs."""

    template: Deployment
    directory: Path
    effort: Effort
    on_step: Callable[[str, int, int], None]

    def race(
        self, title: str, variants: dict[str, Callable[[], object]], *, clock: Clock, slow: bool = False
    ) -> dict[str, Timing]:
        """Time the variants in turns. slow: calls of milliseconds, in small batches that a quiet moment can hold."""
        rounds, calls = self.effort.rounds, self.effort.calls
        if slow:
            rounds, calls = rounds * 4, max(5, calls // 50)
        return race(variants, rounds=rounds, calls=calls, clock=clock, on_round=partial(self.on_step, title))


@contextmanager
def opened(deployment: Deployment) -> Iterator[Wallet]:
    """Open a wallet as wsgi.py does, logs included: a log line that nobody wants costs half a check."""
    wallet, before = Wallet.build(deployment.settings), structlog.get_config()
    configure_logs(wallet.settings)
    try:
        yield wallet
    finally:
        structlog.configure(**before)
        wallet.close()


def verifying(bench: Bench) -> list[Row]:
    """The whole text of a code to its judgement, offline, against the one signature in it."""
    with opened(bench.template) as wallet:
        code, trust, now = code_of(wallet), bundle_of(wallet), wallet.clock.now()
        found = bench.race(
            "offline verify",
            {"judge": lambda: judge(code, trust, POLICY, now), "raw": _raw_verify(wallet, code)},
            clock=CPU,
        )
    return [_row("offline verify", "VD1 text to judgement", found["judge"], "raw P-256 verify", found["raw"])]


def checking(bench: Bench) -> list[Row]:
    """POST /v1/checks against the same Flask that answers twelve fields: the call alone, then served by granian."""
    with opened(bench.template) as wallet:
        code = code_of(wallet)
        body = json.dumps({"code": code}).encode()
        variants = {
            "check": _wsgi_call(create_app(wallet), "/v1/checks", body),
            "bare": _wsgi_call(create_bare(), "/json", body),
            "raw": _raw_verify(wallet, code),
        }
        found = bench.race("check, in process", variants, clock=CPU)
    floor = found["bare"].best + found["raw"].best
    rows = [
        _row("check, CPU", "POST /v1/checks", found["check"], "bare Flask POST", found["bare"]),
        Row("check, CPU", "POST /v1/checks", found["check"].best, "bare Flask POST + raw verify", floor),
    ]
    port, bare_port = free_port(), free_port()
    with ExitStack() as stack:
        stack.enter_context(server("wsgi:application", port, environment(bench.template.serving_at(port))))
        stack.enter_context(server("bench.bare_wsgi:application", bare_port, environment(bench.template)))
        loads = _load_in_turns(
            bench,
            "check, over HTTP",
            {
                "check": (Client(port, CONNECTIONS, b"200"), lambda: post(port, "/v1/checks", body)),
                "bare": (Client(bare_port, CONNECTIONS, b"200"), lambda: post(bare_port, "/json", body)),
            },
        )
    return [*rows, _load_row("check, HTTP", "POST /v1/checks", loads["check"], "bare Flask POST", loads["bare"])]


def checking_at_desk(bench: Bench) -> list[Row]:
    """POST /v1/verifier/checks, which puts the look on record, against POST /v1/checks, which writes nothing; and what
    it costs to count somebody new whose organisation looked at a quota of others within the hour."""
    with opened(bench.template) as wallet:
        code, key = code_of(wallet), _desk_key(wallet)
        app = create_app(wallet)
        body = json.dumps({"code": code}).encode()
        named = json.dumps({"code": code, "purpose": DESK_PURPOSE["code"]}).encode()
        variants = {
            "desk": _wsgi_call(app, "/v1/verifier/checks", named, HTTP_X_DESK_KEY=key),
            "check": _wsgi_call(app, "/v1/checks", body),
        }
        found = bench.race("check at a desk", variants, clock=WALL)
        counts = {"none": _counting(wallet, 0), "many": _counting(wallet, SEEN_BEFORE)}
        counted = bench.race("count at a desk, CPU", counts, clock=CPU, slow=True)
    return [
        _row("check at a desk", "POST /v1/verifier/checks", found["desk"], "POST /v1/checks", found["check"]),
        _row("count at a desk, CPU", f"{SEEN_BEFORE:,} seen before", counted["many"], "none before", counted["none"]),
    ]


def _counting(wallet: Wallet, before: int) -> Callable[[], object]:
    """Return the count of somebody new for an organisation that looked at so many others; it is undone each time."""
    key = _desk_key(wallet)
    with wallet.work() as work:
        desk = work.verifier_desks.authenticate(key)
        purpose, now = desk.purposes[DESK_PURPOSE["code"]], wallet.clock.now()
        for number in range(before):
            work.checks.rows.add_citizen(desk.organisation_id, purpose.code, sha256(b"%d" % number).digest(), now)

    def count() -> None:
        with suppress(_Undone), wallet.work() as work:
            work.verifier_desks.count_citizen(desk, purpose, "hld_bench")
            raise _Undone

    return count


class _Undone(Exception):
    """Rolls a transaction back."""


def _desk_key(wallet: Wallet) -> str:
    """Return the key of a desk that may see names, and so often that nothing here is a refusal."""
    now, key = wallet.clock.now(), DeskKey(f"vsd_{uuid.uuid4().hex}", uuid.uuid4().bytes * 2, test=True)
    with wallet.work() as work:
        organisation = VerifierRow(
            id=f"vrf_{uuid.uuid4().hex}",
            name={"vi": "Đo", "en": "Bench"},
            legal_ground="-",
            purposes=[DESK_PURPOSE],
            state="active",
            test=True,
            version=1,
            registered_by="system",
            registered_at=now,
            changed_at=now,
        )
        work.checks.rows.add_verifier(organisation)
        desk = {"id": key.desk_id, "verifier_id": organisation.id, "name": "Đo", "gate_id": "DO", "state": "active"}
        desk |= {"purposes": [DESK_PURPOSE["code"]], "key_hash": key.digest}
        work.checks.rows.add_desk(desk | {"created_by": "system", "created_at": now})
    return key.shown


def issuing(bench: Bench, deployment: Deployment, database: str) -> list[Row]:
    """A request answered with a signed document, against one durable commit of one row in the same database."""
    url = deployment.environ["WALLET_DATABASE_URL"]
    with opened(deployment) as wallet:
        issue = _issuing(wallet, citizen_of(wallet))
        variants = {"issue": issue, "commit": durable_insert(_beside(url))}
        found = bench.race(f"issue, {database}", variants, clock=WALL, slow=True)
        computed = bench.race(
            f"issue, {database}, CPU", {"issue": issue, "sign": _raw_sign(wallet)}, clock=CPU, slow=True
        )
    rows = [
        _row(f"issue, {database}", "issue, one transaction", found["issue"], "one durable commit", found["commit"]),
        _row(f"issue, {database}, CPU", "issue, its computing", computed["issue"], "raw P-256 sign", computed["sign"]),
    ]
    port, bare_port = free_port(), free_port()
    served = deployment.serving_at(port)
    with opened(served) as wallet:
        wallet.prepare()  # lists at this address: into those of another nothing is issued
        token = access_token_of(wallet)
    body = json.dumps({"utility": "residence"}).encode()

    def request() -> bytes:
        headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": uuid.uuid4().hex}
        return post(port, "/v1/requests", body, headers)

    with ExitStack() as stack:
        stack.enter_context(server("wsgi:application", port, environment(served)))
        bare = environment(bench.template) | {"BENCH_DATABASE": _beside(url)}
        stack.enter_context(server("bench.bare_wsgi:application", bare_port, bare))
        loads = _load_in_turns(
            bench,
            f"issue, {database}, over HTTP",
            {
                "issue": (Client(port, CONNECTIONS, b"201"), request),
                "commit": (Client(bare_port, CONNECTIONS, b"200"), lambda: post(bare_port, "/commit", body)),
            },
        )
    than = "bare Flask POST + durable commit"
    return [*rows, _load_row(f"issue, {database}, HTTP", "POST /v1/requests", loads["issue"], than, loads["commit"])]


def growing(bench: Bench) -> list[Row]:
    """The same work beside 100 documents and beside 20,000; and how many files each opens.

    Judging opens none. Issuing looks at the high-water mark of its status list, or a restored database would draw an
    index again (`wallet/documents/high_water.py`).
    """
    with ExitStack() as stack:
        calls: dict[str, dict[str, Callable[[], object]]] = {"verify": {}, "check": {}, "issue": {}}
        for size in (FEW, MANY):
            deployment = copy_of(bench.template, bench.directory / f"of-{size}")
            wallet = stack.enter_context(opened(deployment))
            fill(wallet, size)
            code, actor = code_of(wallet), citizen_of(wallet)
            trust, now, name = bundle_of(wallet), wallet.clock.now(), f"{size:,} documents"
            body = json.dumps({"code": code}).encode()
            calls["verify"][name] = judging(code, trust, now)
            calls["check"][name] = _wsgi_call(create_app(wallet), "/v1/checks", body)
            calls["issue"][name] = _issuing(wallet, actor)
        rows = []
        for title, variants in calls.items():
            few, many = variants
            slow = title == "issue"
            found = bench.race(f"{title} at {FEW} and {MANY:,}", variants, clock=WALL if slow else CPU, slow=slow)
            rows.append(_row(f"{title}, grown", many, found[many], few, found[few]))
        for row, variants in zip(rows, calls.values(), strict=True):  # once all is timed: the count is not for nothing
            row.more["files_opened"] = round(_opens(variants[many], bench.effort.calls), 2)
    return rows


POLICY = Policy()


def code_of(wallet: Wallet) -> str:
    actor = citizen_of(wallet)
    with wallet.work() as work:
        made = work.requests.submit(ORDER, actor)
    with wallet.read() as work:
        return work.holding.content(str(made.document_id), actor).code


def bundle_of(wallet: Wallet) -> TrustedBundle:
    wallet.board.refresh(force=True)
    return TrustedBundle.from_jws(wallet.trust.bundle().token.decode(), [wallet.trust.pin], wallet.clock.now())


def judging(code: str, trust: TrustedBundle, now: datetime) -> Callable[[], object]:
    if not judge(code, trust, POLICY, now).accepted:
        raise RuntimeError("the bench's own code is not valid")
    return lambda: judge(code, trust, POLICY, now)


def _issuing(wallet: Wallet, actor: Any) -> Callable[[], object]:
    number = itertools.count()

    def issue() -> None:
        with wallet.work() as work:
            work.requests.submit(ORDER, with_actor(actor, next(number)))

    return issue


def _raw_verify(wallet: Wallet, code: str) -> Callable[[], object]:
    """Return the floor: one verification by `cryptography` of the very message and signature in this code."""
    signed = parse_document_code(code).signed
    certificate = load_der_x509_certificate(wallet.keystore.signer(Role.DOCUMENT).certificate_der)
    key, algorithm = certificate.public_key(), ec.ECDSA(hashes.SHA256())
    if not isinstance(key, ec.EllipticCurvePublicKey):
        raise TypeError("not a P-256 key")
    signature, message = der_from_raw(signed.signature), to_be_signed(signed.protected, signed.payload)
    return lambda: key.verify(signature, message, algorithm)


def _raw_sign(wallet: Wallet) -> Callable[[], object]:
    signer = wallet.keystore.signer(Role.DOCUMENT)
    return lambda: signer.sign(b"x" * 500)


def _wsgi_call(app: Flask, path: str, body: bytes, **headers: str) -> Callable[[], object]:
    """Return one call of the application as a server makes it, without a server. headers: as WSGI names them."""
    fixed = {
        **headers,
        "REQUEST_METHOD": "POST",
        "SCRIPT_NAME": "",
        "PATH_INFO": path,
        "QUERY_STRING": "",
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "8000",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "CONTENT_TYPE": "application/json",
        "CONTENT_LENGTH": str(len(body)),
        "HTTP_HOST": "127.0.0.1:8000",
        "wsgi.url_scheme": "http",
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
    }
    seen: list[str] = []

    def begin(status: str, _headers: Any, _info: Any = None) -> Callable[[bytes], object]:
        seen[:] = [status]
        return lambda _: None

    def call() -> bytes:
        answer = app.wsgi_app({**fixed, "wsgi.input": io.BytesIO(body)}, begin)
        try:
            return b"".join(answer)
        finally:
            if hasattr(answer, "close"):
                answer.close()

    call()
    if seen != ["200 OK"]:
        raise RuntimeError(f"{path} answered {seen}")
    return call


def _opens(call: Callable[[], object], times: int) -> float:
    """Return how many files Python opens for one call, keys among them: the mean of so many."""
    counted: list[str] = []
    watching = True

    def hook(event: str, _arguments: Any) -> None:
        if watching and event in ("open", "sqlite3.connect"):
            counted.append(event)

    sys.addaudithook(hook)
    for _ in range(times):
        call()
    watching = False
    return len(counted) / times


def _load_in_turns(
    bench: Bench, title: str, variants: dict[str, tuple[Client, Callable[[], bytes]]]
) -> dict[str, Load]:
    """Load each server in turn, the others idle; return the best stretch of each."""
    best: dict[str, Load] = {}
    rounds, seconds = bench.effort.http_rounds, bench.effort.http_seconds
    for client, request in variants.values():
        client.run(seconds / 2, request)
    for number in range(rounds):
        names = list(variants) if number % 2 else list(reversed(variants))
        for name in names:
            client, request = variants[name]
            load = client.run(seconds, request)
            if load.wrong:
                raise RuntimeError(f"{title}: {load.wrong} wrong answers of {name}")
            if name not in best or load.per_second > best[name].per_second:
                best[name] = load
        bench.on_step(title, number + 1, rounds)
    for client, _ in variants.values():
        client.close()
    return best


def _beside(url: str) -> str:
    """Return where the raw commit goes: the same PostgreSQL database, or a SQLite file in the same folder."""
    return url.removesuffix("wallet.db") + "bare.db" if url.startswith("sqlite") else url


def _row(case: str, what: str, timing: Timing, than: str, other: Timing) -> Row:
    more = {"what_detail": asdict(timing), "than_detail": asdict(other)}
    return Row(case, what, timing.best, than, other.best, more=more)


def _load_row(case: str, what: str, load: Load, than: str, other: Load) -> Row:
    more = {"what_detail": asdict(load), "than_detail": asdict(other)}
    return Row(case, what, 1e6 / load.per_second, than, 1e6 / other.per_second, "µs a request", more)
