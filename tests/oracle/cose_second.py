"""Check and make `VD1:` codes with COSE libraries that others wrote: pycose and python-cwt.

    python3 -m venv .oracle && .oracle/bin/pip install --require-hashes -r requirements/oracle.txt
    .oracle/bin/python tests/oracle/cose_second.py verify < lines
    .oracle/bin/python tests/oracle/cose_second.py sign < lines

It runs in an environment of its own, because these libraries need another cbor2 than the product does. Each line read
is a JSON object, and for each one is printed:

    verify  {"code": "VD1:...", "certificate_der_b64": "..."}
            {"verified": bool, "payload": {...}, "headers": {...}, "libraries": {"pycose": bool, "cwt": bool}}
    sign    {"private_key_pem": "...", "certificate_der_b64": "...", "claims": {...}, "library": "pycose" or "cwt"}
            {"code": "VD1:..."}

What went wrong stands in "error". JSON has neither integer keys nor byte strings: a key of digits stands for the
integer, and text that starts with "hex:" for the bytes. `verified` needs both libraries to agree. pycose checks
signatures with python-ecdsa, python-cwt with OpenSSL. Only the signature is checked, no rule of docs/wire.md.
"""

import base64
import hashlib
import json
import re
import sys
import zlib
from typing import Any

import base45
import cbor2
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key
from cwt import COSE, COSEKey
from pycose.headers import KID, Algorithm
from pycose.keys import EC2Key
from pycose.keys.curves import P256
from pycose.messages import CoseMessage, Sign1Message

PREFIX = "VD1:"
TYP = "viso-doc+cwt"


def to_json(value: Any) -> Any:
    """Return a CBOR value as JSON can hold it."""
    if isinstance(value, dict):
        return {str(key): to_json(item) for key, item in value.items()}
    if isinstance(value, list):
        return [to_json(item) for item in value]
    if isinstance(value, bytes):
        return "hex:" + value.hex()
    return value if value is None or isinstance(value, str | bool | int) else repr(value)


def from_json(value: Any) -> Any:
    """Return the CBOR value that a JSON value stands for."""
    if isinstance(value, dict):
        return {int(k) if re.fullmatch(r"-?[0-9]+", k) else k: from_json(item) for k, item in value.items()}
    if isinstance(value, list):
        return [from_json(item) for item in value]
    return bytes.fromhex(value[4:]) if isinstance(value, str) and value.startswith("hex:") else value


def with_pycose(message: bytes, key: ec.EllipticCurvePublicKey) -> bytes | None:
    """Return the payload if pycose finds the signature good."""
    numbers = key.public_numbers()
    parsed = CoseMessage.decode(message)
    if not isinstance(parsed, Sign1Message):
        return None
    parsed.key = EC2Key(crv=P256, x=numbers.x.to_bytes(32, "big"), y=numbers.y.to_bytes(32, "big"))
    return parsed.payload if parsed.verify_signature() else None


def with_cwt(message: bytes, key: ec.EllipticCurvePublicKey, kid: bytes) -> bytes | None:
    """Return the payload if python-cwt finds the signature good."""
    pem = key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return COSE.new().decode(message, COSEKey.from_pem(pem, kid=kid, alg="ES256"))


def verify(line: dict[str, Any]) -> dict[str, Any]:
    """Answer one line of mode `verify`."""
    if not line["code"].startswith(PREFIX):
        raise ValueError("no VD1 code")
    message = zlib.decompress(base45.b45decode(line["code"].removeprefix(PREFIX)))
    der = base64.b64decode(line["certificate_der_b64"])
    key, kid = x509.load_der_x509_certificate(der).public_key(), hashlib.sha256(der).digest()[:8]
    if not isinstance(key, ec.EllipticCurvePublicKey):
        raise ValueError("no EC key")
    payloads, errors = {}, {}
    for name, check in (("pycose", lambda: with_pycose(message, key)), ("cwt", lambda: with_cwt(message, key, kid))):
        try:
            payloads[name] = check()
        except Exception as error:  # noqa: BLE001 - either library raises what it likes for bytes it cannot read
            payloads[name], errors[name] = None, repr(error)
    answer: dict[str, Any] = {
        "verified": payloads["pycose"] is not None and payloads["pycose"] == payloads["cwt"],
        "libraries": {name: payload is not None for name, payload in payloads.items()},
    }
    if answer["verified"]:
        try:
            answer["payload"] = to_json(cbor2.loads(payloads["cwt"] or b""))
            answer["headers"] = to_json(cbor2.loads(cbor2.loads(message).value[0]))
        except (ValueError, cbor2.CBORDecodeError) as error:
            errors["payload"] = repr(error)
    return answer | ({"error": errors} if errors else {})


def sign(line: dict[str, Any]) -> dict[str, Any]:
    """Answer one line of mode `sign`."""
    kid = hashlib.sha256(base64.b64decode(line["certificate_der_b64"])).digest()[:8]
    payload = cbor2.dumps(from_json(line["claims"]), canonical=True)
    pem = line["private_key_pem"].encode("ascii")
    if line.get("library", "pycose") == "pycose":
        private = load_pem_private_key(pem, None)
        if not isinstance(private, ec.EllipticCurvePrivateKey):
            raise ValueError("no EC key")
        secret = private.private_numbers().private_value.to_bytes(32, "big")
        unsigned = Sign1Message(phdr={Algorithm: -7, KID: kid, 16: TYP}, uhdr={}, payload=payload)
        unsigned.key = EC2Key(crv=P256, d=secret)
        message = unsigned.encode()
    else:
        key = COSEKey.from_pem(pem, kid=kid, alg="ES256")
        message = COSE.new().encode(payload, key, protected={1: -7, 4: kid, 16: TYP}, unprotected={})
    return {"code": PREFIX + base45.b45encode(zlib.compress(message, 9)).decode("ascii")}


def main(arguments: list[str]) -> int:
    """Answer every line of standard input."""
    if arguments not in (["verify"], ["sign"]):
        sys.stderr.write(__doc__)
        return 2
    work = verify if arguments == ["verify"] else sign
    for line in sys.stdin:
        try:
            answer = json.dumps(work(json.loads(line)))
        except Exception as error:  # noqa: BLE001 - one bad line shall not end the others
            answer = json.dumps({"error": repr(error)} | ({"verified": False} if work is verify else {}))
        sys.stdout.write(answer + "\n")
        sys.stdout.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
