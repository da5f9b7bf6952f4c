"""Every key changes under a running server and 50 requests a second: no call fails, and who was offline agrees (S-59).

ROTATION_SECONDS: how long calls go on after the last key has changed, 3 unless the environment says otherwise.
"""

import base64
import json
import os
import subprocess
import sys
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import httpx
import pytest
from cryptography import x509

from tests.durability.server import ROOT, Server
from tests.phone import compact_jws
from wallet.crypto.keystore import Keystore, Role, Secret
from wallet.crypto.signing import kid_of
from wallet.demo.personas import credentials, persona
from wallet.formats.cwt_code import parse_document_code
from wallet.formats.mdoc.issuer_signed import issuer_signed_of
from wallet.formats.mdoc.values import map_of, read
from wallet.formats.pades_reading import attached, sealed_by
from wallet.formats.sd_jwt_vc import certificate_chain, parse_credential
from wallet.formats.two_signatures import MEDIA_TYPE, parse_twice_signed
from wallet.verifier import BundleStore, Policy, TrustedBundle, judge, judge_credential, judge_mdoc, signed_twice

SECONDS = int(os.environ.get("ROTATION_SECONDS", "3"))
PUBLICATION = 4
"""Of a key, in seconds; the bundle's root takes ten times that."""
CITIZENS = ("an", "sau", "doi", "nho", "xa")
RATE = 50
JUDGED = {"document.sdjwt": "sdjwt", "document.mdoc": "mdoc", "document.pdf": "sdjwt"}
"""By which role's key a verifier that is offline takes each form."""
TWICE = {"/v1/trust/bundle": Role.SECOND_BUNDLE, "/v1/status-lists/1": Role.SECOND_STATUS}
"""What is fetched with two signatures, and whose key makes the second."""
CERTIFIED_LATER = ("sdjwt", "mdoc", "seal")
"""They change with the others, by the old IACA root, and once more when the new one certifies."""
pytestmark = pytest.mark.timeout(300 + SECONDS)


@dataclass
class Record:
    """What was answered: how often which status, and what was issued: codes, and copies by their form.

    twice: what was fetched with two signatures, by its path.
    """

    answers: Counter[tuple[str, int]] = field(default_factory=Counter)
    surprises: list[str] = field(default_factory=list)
    documents: list[tuple["Citizen", str]] = field(default_factory=list)
    copies: list[tuple[str, bytes]] = field(default_factory=list)
    twice: dict[str, set[str]] = field(default_factory=lambda: {path: set() for path in TWICE})
    stop: threading.Event = field(default_factory=threading.Event)


class Citizen(threading.Thread):
    """One persona's phone, which reads, checks, asks and renews its session, so many times a second."""

    def __init__(self, server: Server, record: Record, key: str) -> None:
        super().__init__(name=key)
        self.server, self.record = server, record
        self.number = persona(key).number
        self.own = credentials(persona(key), Keystore.open(server.settings.keys_dir).secret(Secret.DEMO))
        self.http = httpx.Client(base_url=server.address, timeout=20)
        self.session: dict[str, str] = {}
        self.code = self.document = ""

    def run(self) -> None:
        each, turn, due = len(CITIZENS) / RATE, 0, time.monotonic()
        try:
            while not self.record.stop.is_set():
                self.turn(turn)
                turn += 1
                due = max(due + each, time.monotonic() - 1)
                self.record.stop.wait(max(0.0, due - time.monotonic()))
        except Exception as error:  # noqa: BLE001 - a thread's failure is the test's failure
            self.record.surprises.append(f"{self.name}: {error!r}")

    def turn(self, turn: int) -> None:
        what: list[Callable[[], object]] = [
            lambda: self.call("GET", "/v1/me"),
            lambda: self.call("GET", "/v1/status-lists/1"),
            lambda: self.call("POST", "/v1/checks", json={"code": self.code}),
            lambda: self.call("GET", "/v1/trust/bundle"),
            lambda: self.call("GET", "/v1/documents"),
            lambda: self.call("GET", "/.well-known/jwks.json"),
            *(partial(self.fetch_twice, path) for path in TWICE),
        ]
        if turn % 40 == 11:
            self.ask()
        elif turn % 40 == 31:
            self.renew()
        elif turn % 40 == 21:
            self.fetch(list(JUDGED)[turn // 40 % len(JUDGED)])
        else:
            what[turn % len(what)]()

    def call(self, method: str, path: str, status: int = 200, **more: object) -> httpx.Response:
        headers = {"Idempotency-Key": uuid.uuid4().hex, **more.pop("headers", {})}  # type: ignore[dict-item]
        if self.session and "/checks" not in path:
            headers["Authorization"] = f"Bearer {self.session['access_token']}"
        answer = self.http.request(method, path, headers=headers, **more)  # type: ignore[arg-type]
        self.record.answers[path.split("/documents/")[0], answer.status_code] += 1
        if answer.status_code != status:
            self.record.surprises.append(f"{method} {path}: {answer.status_code} {answer.text}")
        elif path == "/v1/checks" and answer.json()["verdict"] != "valid":
            self.record.surprises.append(f"a code is {answer.text}")
        return answer

    def sign_in(self) -> None:
        challenge = self.call("POST", "/v1/device-challenges", 201, json={"device_id": self.own.device_id})
        claims = {"aud": self.server.address, "challenge": challenge.json()["challenge"]}
        claims |= {"device_id": self.own.device_id, "iat": int(time.time())}
        proof = compact_jws({"alg": "ES256", "typ": "viso-device-proof+jwt"}, claims, self.own.device_private_key)
        order = {"proof": proof, "number": self.number, "password": self.own.password}
        self.session = self.call("POST", "/v1/sessions", 201, json=order).json()

    def renew(self) -> None:
        jwk = {name: self.own.device_jwk[name] for name in ("kty", "crv", "x", "y")}
        claims = {"htm": "POST", "htu": f"{self.server.address}/v1/sessions/refresh", "iat": int(time.time())}
        proof = compact_jws(
            {"alg": "ES256", "typ": "dpop+jwt", "jwk": jwk},
            {**claims, "jti": uuid.uuid4().hex},
            self.own.device_private_key,
        )
        order, self.session = {"refresh_token": self.session["refresh_token"]}, {}
        self.session = self.call("POST", "/v1/sessions/refresh", json=order, headers={"DPoP": proof}).json()

    def ask(self) -> None:
        document = self.call("POST", "/v1/requests", 201, json={"utility": "residence"}).json()["document_id"]
        self.code = self.call("GET", f"/v1/documents/{document}/code.txt").text
        self.document = document
        self.record.documents.append((self, self.code))

    def fetch_twice(self, path: str) -> None:
        self.record.twice[path].add(self.call("GET", path, headers={"Accept": MEDIA_TYPE}).text)

    def fetch(self, form: str) -> None:
        """Have the newest document in another form."""
        self.record.copies.append((form, self.call("GET", f"/v1/documents/{self.document}/{form}").content))


def wallet(server: Server, *arguments: str) -> str:
    """Call a command beside the running server and return what it printed."""
    command = [str(Path(sys.executable).with_name("wallet")), *arguments]
    environ = {name: value for name, value in os.environ.items() if not name.startswith("WALLET_")} | server.given
    done = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


def kids(server: Server) -> dict[str, str]:
    """Return which key of each role is active."""
    listed = json.loads(wallet(server, "keys", "list", "--json"))
    return {each["role"]: each["kid"] for each in listed if each["state"] == "active"}


def kid_in(token: str) -> str:
    header = token.split(".")[0]
    return str(json.loads(base64.urlsafe_b64decode(header + "=" * (-len(header) % 4)))["kid"])


def test_s59_every_key_changes_and_no_call_fails(
    server: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    server.given |= {"WALLET_KEY_PUBLICATION_SECONDS": str(PUBLICATION), "WALLET_PUBLISH_SECONDS": "1"}
    if not server.urls.is_sqlite:
        server.given["WALLET_WORKERS"] = "2"
    assert server.run("--prepare-only").returncode == 0
    wallet(server, "keys", "second")
    pins, before = wallet(server, "keys", "pin").split(), kids(server)
    second_pins = wallet(server, "keys", "pin", "--second").split()
    server.start()
    record = Record()
    citizens = [Citizen(server, record, key) for key in CITIZENS]
    for citizen in citizens:
        citizen.sign_in()
        citizen.ask()
    for form in JUDGED:
        citizens[0].fetch(form)
    first = list(record.documents)
    began = time.monotonic()
    for citizen in citizens:
        citizen.start()
    verifier = Verifier(
        server, tmp_path / "verifier", tuple(pins), {role: before[role] for role in ("doc", *JUDGED.values())}
    )
    verifier.start()
    try:
        wallet(server, "keys", "rotate", *map(str, Role))
        verifier.join(60)
        assert set(verifier.offline) == set(verifier.old), "a next key was not told of before it signed"
        deadline = time.monotonic() + 12 * PUBLICATION + 30
        between: dict[str, str] = {}
        while time.monotonic() < deadline and any(kids(server)[role] == kid for role, kid in before.items()):
            if not between and all(kids(server)[role] != before[role] for role in (*CERTIFIED_LATER, "iaca")):
                between = kids(server)
                time.sleep(2 * PUBLICATION)  # copies are made by the keys of now
                wallet(server, "keys", "rotate", *CERTIFIED_LATER)
            time.sleep(1)
        time.sleep(SECONDS)
    finally:
        record.stop.set()
        for citizen in citizens:
            citizen.join(30)
            citizen.http.close()
    took = time.monotonic() - began
    after = kids(server)
    assert all(after[role] != before[role] for role in map(str, Role))
    assert all(after[role] != between[role] for role in CERTIFIED_LATER)
    assert not record.surprises, record.surprises[:5]
    for citizen in citizens:
        citizen.http = httpx.Client(base_url=server.address, timeout=20)
        citizen.renew()
        citizen.ask()
    last = len(record.copies)
    for form in JUDGED:
        citizens[0].fetch(form)
    assert not record.surprises, record.surprises
    assert_copies_follow(record.copies, last, before, between, after)
    assert_certified_by(server, after["iaca"], record.copies[last:])
    assert_offline_agrees(verifier, record.copies, between)
    assert_new_keys_sign(citizens[0], after)
    assert_signed_twice(record, [*second_pins, *wallet(server, "keys", "pin", "--second").split()], before, after)
    agreed = [offline_reasons(verifier.offline["doc"], code) for _, code in (*first, *record.documents)]
    assert set(agreed) == {("ok",)}
    for citizen in citizens:
        citizen.http.close()
    calls = sum(record.answers.values())
    with capsys.disabled():
        kind = "sqlite" if server.urls.is_sqlite else "postgresql"
        made = f"{len(agreed)} documents, {len(record.copies)} copies"
        told = f"{calls / took:.0f} calls a second for {took:.0f} s, {made}, none failed"
        print(f"\nrotation, {kind}: {len(Role)} roles, {told}")  # noqa: T201 - a measurement is shown whether it passes or not


class Verifier(threading.Thread):
    """Fetches bundles and keeps, for each role, the first that tells of a next key, which may not sign yet.

    old: the keys of before, by role. offline: all that it knows from then on.
    """

    def __init__(self, server: Server, folder: Path, pins: tuple[str, ...], old: dict[str, str]) -> None:
        super().__init__(name="verifier")
        self.address, self.pins, self.old = server.address, pins, old
        self.store, self.offline = BundleStore(folder), dict[str, TrustedBundle]()
        folder.mkdir()

    def run(self) -> None:
        with httpx.Client(base_url=self.address, timeout=20) as http:
            for _ in range(600):
                held = self.store.offer(http.get("/v1/trust/bundle").text, self.pins, datetime.now(UTC))
                for key in held.keys.values():
                    if key.kid != self.old.get(key.role, key.kid) and held.iat < key.not_before:
                        self.offline.setdefault(key.role, held)
                if set(self.offline) == set(self.old):
                    return
                time.sleep(0.1)


def offline_reasons(held: TrustedBundle, code: str) -> tuple[str, ...]:
    """Judge a code three days later, by what was fetched before; a list in it may be a quarter of an hour older."""
    return tuple(map(str, judge(code, held, Policy(), three_days_after(held)).reasons))


def three_days_after(held: TrustedBundle) -> datetime:
    return datetime.fromtimestamp(held.iat, UTC) + timedelta(hours=72) - timedelta(minutes=16)


def leaves_in(form: str, content: bytes) -> dict[str, bytes]:
    """Return the certificates of whoever signed a copy, by role."""
    if form == "document.mdoc":
        return {"mdoc": issuer_signed_of(map_of(read(content))).auth.chain[0]}
    if form == "document.pdf":
        inside = attached(content, "application/dc+sd-jwt")
        return {"seal": sealed_by(content), **leaves_in("document.sdjwt", inside)}
    return {"sdjwt": certificate_chain(parse_credential(content.decode()))[0]}


def kids_in(form: str, content: bytes) -> dict[str, str]:
    return {role: kid_of(leaf).hex() for role, leaf in leaves_in(form, content).items()}


def assert_offline_agrees(verifier: Verifier, copies: list[tuple[str, bytes]], between: dict[str, str]) -> None:
    """Who was offline before the next key signed takes what it and the old one signed; of a PDF the credential in it.

    The third key of a role comes sooner here than a bundle lives.
    """
    for role in set(JUDGED.values()):
        held, seen = verifier.offline[role], set()
        for form, content in copies:
            kid = kids_in(form, content)[JUDGED[form]]
            if JUDGED[form] == role and kid in (verifier.old[role], between[role]):
                seen.add(kid)
                inside = attached(content, "application/dc+sd-jwt") if form == "document.pdf" else content
                if role == "mdoc":
                    judgement = judge_mdoc(inside, held, Policy(), three_days_after(held))
                else:
                    judgement = judge_credential(inside.decode(), held, Policy(), three_days_after(held))
                assert judgement.reasons == ("ok",), (form, kid)
        assert seen == {verifier.old[role], between[role]}


def assert_signed_twice(record: Record, pins: list[str], before: dict[str, str], after: dict[str, str]) -> None:
    """Each second signature holds and is seen by the old key and by the new one; with the old pin alone, by the old."""
    for path, role in TWICE.items():
        seen = set()
        for text in record.twice[path]:
            found = parse_twice_signed(text, typ="viso-bundle+jwt" if "bundle" in path else "statuslist+jwt")
            found.verify_second()
            seen.add(found.header["kid"])
            if role is Role.SECOND_BUNDLE:
                assert signed_twice(text, pins) == found.compact
                if found.header["kid"] == before[role]:
                    assert signed_twice(text, pins[:1]) == found.compact
        assert seen == {before[role], after[role]}


def assert_copies_follow(
    copies: list[tuple[str, bytes]], last: int, before: dict[str, str], between: dict[str, str], after: dict[str, str]
) -> None:
    """Each role of a copy is seen to sign by each of its three keys, and by the newest alone from `last` on."""
    for role in CERTIFIED_LATER:
        seen = [kids_in(*copy).get(role) for copy in copies]
        assert {each for each in seen if each} == {before[role], between[role], after[role]}
        assert {each for each in seen[last:] if each} == {after[role]}


def assert_certified_by(server: Server, root: str, copies: list[tuple[str, bytes]]) -> None:
    """The new IACA root is seen to certify whoever signed these."""
    found = x509.load_der_x509_certificate((server.settings.keys_dir / f"iaca-{root}.cert.der").read_bytes())
    for copy in copies:
        for leaf in leaves_in(*copy).values():
            x509.load_der_x509_certificate(leaf).verify_directly_issued_by(found)


def assert_new_keys_sign(citizen: Citizen, after: dict[str, str]) -> None:
    assert (parse_document_code(citizen.code).signed.kid or b"").hex() == after["doc"]
    assert kid_in(citizen.session["access_token"]) == after["access"]
    assert kid_in(citizen.session["refresh_token"]) == after["refresh"]
    assert kid_in(citizen.call("GET", "/v1/status-lists/1").text) == after["status"]
    pin = wallet(citizen.server, "keys", "pin").split()[0]
    bundle = citizen.call("GET", "/v1/trust/bundle").text
    assert BundleStore(citizen.server.directory).offer(bundle, [pin], datetime.now(UTC)).keys
