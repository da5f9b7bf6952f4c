"""COSE libraries that others wrote find our codes good, and our verifier takes the codes they make.

They live in an environment of their own, `.oracle`, because they need another cbor2 than we do.
"""

import base64
import json
import subprocess
import zlib
from collections.abc import Iterable
from typing import Any

import pytest

from tests.conformance.agreement import Both, verdict_of
from tests.documents.people import ISSUED, issue, on_one_database
from tests.interop.environments import ORACLE, ROOT, need_oracle
from tests.oracle import reader
from tests.oracle.world import base45, enc, head, high_s
from wallet.crypto.keystore import Role
from wallet.demo.personas import persona
from wallet.wiring import Wallet

SCRIPT = ROOT / "tests" / "oracle" / "cose_second.py"


@pytest.fixture(autouse=True, scope="module")
def environment() -> None:
    need_oracle()


def run(mode: str, lines: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    text = "".join(json.dumps(line) + "\n" for line in lines)
    done = subprocess.run(
        [str(ORACLE), str(SCRIPT), mode], input=text, capture_output=True, check=True, encoding="utf-8", timeout=120
    )
    return [json.loads(line) for line in done.stdout.splitlines()]


def certificate(wallet: Wallet) -> str:
    return base64.b64encode(wallet.keystore.signer(Role.DOCUMENT).certificate_der).decode()


def both(wallet: Wallet) -> Both:
    token = wallet.trust.bundle().token.decode()
    return Both.holding(token, [wallet.trust.pin], int(wallet.clock.now().timestamp()))


def rewrapped(code: str, part: int, change: Any) -> str:
    """Return a code with one of the four parts of its message changed."""
    items = reader.parse_tag_18(reader.inflate(reader.unbase45(code[4:]), 4096))
    items[part] = change(items[part])
    return "VD1:" + base45(zlib.compress(head(6, 18) + enc(items)))


@on_one_database
def test_codes_of_every_persona_verify(wallet: Wallet) -> None:
    documents = {key: issue(wallet, key) for key in ISSUED}
    der = certificate(wallet)
    answers = run("verify", [{"code": each.code, "certificate_der_b64": der} for each in documents.values()])
    kid = wallet.keystore.signer(Role.DOCUMENT).kid
    for (key, document), answer in zip(documents.items(), answers, strict=True):
        assert answer["verified"], (key, answer)
        assert answer["libraries"] == {"pycose": True, "cwt": True}
        assert answer["headers"] == {"1": -7, "4": f"hex:{kid}", "16": "viso-doc+cwt"}
        payload = answer["payload"]
        assert payload["7"] == "hex:" + document.id.removeprefix("doc_")
        assert payload["-70000"]["3"]["1"] == persona(key).name
        assert payload["4"] == int(document.expires_at.timestamp())


@on_one_database
def test_tampered_codes_are_refused_by_all(wallet: Wallet) -> None:
    code, other = issue(wallet, "an").code, issue(wallet, "sau").code
    held, der = both(wallet), certificate(wallet)
    signature = reader.parse_tag_18(reader.inflate(reader.unbase45(other[4:]), 4096))[3]
    last = bytes([1])
    tampered = {
        "payload": rewrapped(code, 2, lambda payload: payload[:-1] + bytes([payload[-1] ^ 1])),
        "first-of-payload": rewrapped(code, 2, lambda payload: payload.replace(b"VN-MAU", b"VN-MAT")),
        "headers": rewrapped(code, 0, lambda headers: headers[:-1] + bytes([headers[-1] ^ 32])),
        "signature": rewrapped(code, 3, lambda right: right[:-1] + bytes([right[-1] ^ 1])),
        "signature-of-another": rewrapped(code, 3, lambda _: signature),
        "signature-of-ones": rewrapped(code, 3, lambda _: last * 64),
        "signature-cut": rewrapped(code, 3, lambda right: right[:-1]),
    }
    answers = run("verify", [{"code": each, "certificate_der_b64": der} for each in tampered.values()])
    for (name, each), answer in zip(tampered.items(), answers, strict=True):
        ours = held.agreed(each)
        assert (name, answer["verified"], ours.accepted, ours.claims) == (name, False, False, None)
        assert ours.verdict == verdict_of(ours.reasons)
    mirrored = rewrapped(code, 3, high_s)
    assert run("verify", [{"code": mirrored, "certificate_der_b64": der}])[0]["verified"]
    assert held.agreed(mirrored).accepted  # high and low s alike: a signature identifies nothing


@on_one_database
def test_certificate_of_another_key_verifies_nothing(wallet: Wallet) -> None:
    code = issue(wallet).code
    other = base64.b64encode(wallet.keystore.signer(Role.STATUS).certificate_der).decode()
    (answer,) = run("verify", [{"code": code, "certificate_der_b64": other}])
    assert not answer["verified"]
    assert answer["libraries"] == {"pycose": False, "cwt": False}


@on_one_database
def test_codes_made_by_those_libraries_are_accepted(wallet: Wallet) -> None:
    """With our document key, as a partner would sign with it: every kind of claim, both libraries."""
    record = wallet.keystore.keys(Role.DOCUMENT)[0].record
    pem = (wallet.settings.keys_dir / f"doc-{record.kid}.key.pem").read_text()
    now = int(wallet.clock.now().timestamp())
    body = {
        "1": "residence",
        "2": 1,
        "3": {"1": "Nguyễn Văn Ấn", "2": "4321", "9": -7305, "4": "1948", "99": ["x", True]},
    }
    claims: dict[str, Any] = {"1": "VN-MAU", "6": now - 60, "4": now + 86400, "7": "hex:" + "ab" * 16, "-70000": body}
    listed = {"65535": {"status_list": {"idx": 4095, "uri": wallet.trust.status_uri(1)}}}
    named = {"3": "Trường Mẫu"}
    outcomes = {
        "without-status": (claims, ("ok",)),
        "with-status": ({**claims, **listed}, ("ok",)),
        "index-out-of-range": (
            {**claims, "65535": {"status_list": {"idx": 4096, "uri": wallet.trust.status_uri(1)}}},
            ("status_unknown",),
        ),
        "expired": ({**claims, "6": now - 9000, "4": now - 60}, ("expired",)),
        "for-another": ({**claims, **named}, ("policy_refused",)),
        "of-another-issuer": ({**claims, "1": "VN-KHAC"}, ("unknown_issuer",)),
        "without-an-id": ({name: value for name, value in claims.items() if name != "7"}, ("malformed",)),
    }
    held = both(wallet)
    for library in ("pycose", "cwt"):
        lines = [
            {"private_key_pem": pem, "certificate_der_b64": certificate(wallet), "claims": made, "library": library}
            for made, _ in outcomes.values()
        ]
        for (name, (_, reasons)), answer in zip(outcomes.items(), run("sign", lines), strict=True):
            ours = held.agreed(answer["code"])
            assert (library, name, ours.reasons) == (library, name, reasons)
            if ours.accepted:
                assert ours.document_id == "ab" * 16
                assert ours.claims == {1: "Nguyễn Văn Ấn", 2: "4321", 9: -7305, 4: "1948", 99: ["x", True]}
