"""Status lists as CWT: pycose and python-cwt read what we publish, and we read what they make.

The JWT is read by @sd-jwt/sd-jwt-vc (`test_sd_jwt.py`).
"""

import base64
import json
import subprocess
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from flask.testing import FlaskClient

from tests.documents.people import admin_of, issue, on_one_database
from tests.interop.environments import ORACLE, ROOT, need_oracle
from tests.support import NOON, FixedClock
from wallet.crypto.certificates import self_signed
from wallet.crypto.keystore import Role
from wallet.crypto.signing import LocalSigner
from wallet.documents.revoking import RevocationReason
from wallet.documents.suspending import SuspensionReason
from wallet.entropy import SystemEntropy
from wallet.errors import Malformed, VerificationFailed
from wallet.formats.status_list import get_entry, parse_status_cwt, token_of, verify_status_list
from wallet.wiring import Wallet

CWT = "application/statuslist+cwt"
SECONDS = int(NOON.timestamp())


@pytest.fixture(autouse=True)
def _environment() -> None:
    need_oracle()


def ask(mode: str, line: dict[str, Any]) -> dict[str, Any]:
    """Return the answer of status_second.py to one line."""
    command = [str(ORACLE), str(ROOT / "tests" / "oracle" / "status_second.py"), mode]
    done = subprocess.run(command, input=json.dumps(line) + "\n", capture_output=True, check=True, encoding="utf-8")
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


@on_one_database
def test_others_read_what_we_publish(wallet: Wallet, client: FlaskClient, clock: FixedClock) -> None:
    good, revoked, suspended = (issue(wallet).id for _ in range(3))
    with wallet.work() as work:
        work.revoking.revoke(revoked, RevocationReason.FRAUD, admin_of(wallet))
        work.suspending.suspend(suspended, SuspensionReason.DATA_DISPUTED, admin_of(wallet))
    clock.advance(seconds=5)
    wallet.trust.publish()
    with wallet.read() as work:
        places = [work.document_rows.get(each) for each in (good, revoked, suspended)]
    token = client.get("/v1/status-lists/1", headers={"Accept": CWT}).data
    certificate = wallet.keystore.signer(Role.STATUS).certificate_der
    indices = [row.status_index for row in places if row is not None]
    line = {"token_b64": b64(token), "certificate_der_b64": b64(certificate), "indices": indices}
    told = ask("read", line)
    assert (told["verified"], told["typ"], told["bits"]) == (True, CWT, 2)
    assert told["statuses"] == [0, 1, 2]
    assert told["size"] == 1 << wallet.settings.status_list_bits_log2_size
    own = wallet.trust.status_list(1)
    issued = int(own.issued_at.timestamp())
    assert told["claims"]["2"] == wallet.trust.status_uri(1)
    assert told["claims"]["6"] == issued
    assert told["claims"]["4"] > issued
    other = wallet.keystore.signer(Role.DOCUMENT).certificate_der
    assert ask("read", line | {"certificate_der_b64": b64(other)})["verified"] is False
    spoilt = bytearray(token)
    spoilt[len(spoilt) // 2] ^= 1
    assert ask("read", line | {"token_b64": b64(bytes(spoilt))})["verified"] is False


@pytest.mark.parametrize("library", ["cwt", "pycose"])
@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_we_read_what_others_make(library: str, bits: int) -> None:
    private = ec.generate_private_key(ec.SECP256R1())
    certificate = self_signed(private, "another authority", NOON, NOON.replace(year=NOON.year + 1), SystemEntropy())
    statuses = [index % (1 << bits) for index in range(64)]
    pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode("ascii")
    uri = "https://another.example.vn/lists/7"
    line = {
        "private_key_pem": pem,
        "certificate_der_b64": b64(certificate),
        "claims": {"2": uri, "4": SECONDS + 900, "6": SECONDS, "65534": 300},
        "bits": bits,
        "statuses": statuses,
        "library": library,
    }
    made = base64.b64decode(ask("make", line)["token_b64"])
    unverified = parse_status_cwt(made)
    assert unverified.kid == LocalSigner(private, certificate).kid
    read = token_of(verify_status_list(unverified, private.public_key()))
    assert (read.uri, read.ttl_seconds, read.bits) == (uri, 300, bits)
    assert (read.issued_at.timestamp(), read.expires_at.timestamp()) == (SECONDS, SECONDS + 900)
    assert [get_entry(read.entries, index, bits=bits) for index in range(64)] == statuses
    with pytest.raises(VerificationFailed, match="bad_signature"):
        verify_status_list(unverified, ec.generate_private_key(ec.SECP256R1()).public_key())
    with pytest.raises(Malformed):
        parse_status_cwt(made[:-1])
