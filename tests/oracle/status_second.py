"""Read and make CWT status lists with COSE libraries that others wrote: python-cwt and pycose.

    .oracle/bin/python tests/oracle/status_second.py read < lines
    .oracle/bin/python tests/oracle/status_second.py make < lines

In the environment of `cose_second.py`. Each line read is a JSON object, and for each one is printed:

    read  {"token_b64": "...", "certificate_der_b64": "...", "indices": [0, 7]}
          {"verified": bool, "typ": "...", "claims": {"2": "...", "4": 1, "6": 1, "65534": 1}, "bits": 2, "size": 64,
           "statuses": [0, 1]}
    make  {"private_key_pem": "...", "certificate_der_b64": "...", "claims": {"2": "...", ...}, "bits": 2,
           "statuses": [0, 1, ...], "library": "cwt" or "pycose"}
          {"token_b64": "..."}

`verified` needs both libraries to find the signature good and to read the same. Entries are told apart here, by section
4.1 of the Token Status List draft: from the lowest bits of each byte up.
"""

import base64
import hashlib
import json
import sys
import zlib
from typing import Any

import cbor2
from cose_second import from_json, to_json, with_cwt, with_pycose
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cwt import COSE, COSEKey
from pycose.headers import KID, Algorithm
from pycose.keys import EC2Key
from pycose.keys.curves import P256
from pycose.messages import Sign1Message

TYP = "application/statuslist+cwt"
LIST = 65533


def read(line: dict[str, Any]) -> dict[str, Any]:
    """Answer one line of mode `read`."""
    token, der = (base64.b64decode(line[name]) for name in ("token_b64", "certificate_der_b64"))
    key, kid = x509.load_der_x509_certificate(der).public_key(), hashlib.sha256(der).digest()[:8]
    if not isinstance(key, ec.EllipticCurvePublicKey):
        raise ValueError("no EC key")
    payload = with_pycose(token, key)
    if payload is None or with_cwt(token, key, kid) != payload:
        return {"verified": False}
    claims = cbor2.loads(payload)
    packed = claims.pop(LIST)
    entries, bits = zlib.decompress(packed["lst"]), packed["bits"]
    each = 8 // bits
    found = [entries[index // each] >> index % each * bits & (1 << bits) - 1 for index in line["indices"]]
    headers = cbor2.loads(cbor2.loads(token).value[0])
    told = {"verified": True, "typ": headers[16], "claims": to_json(claims), "bits": bits}
    return told | {"size": len(entries) * each, "statuses": found}


def make(line: dict[str, Any]) -> dict[str, Any]:
    """Answer one line of mode `make`."""
    kid = hashlib.sha256(base64.b64decode(line["certificate_der_b64"])).digest()[:8]
    bits, each = line["bits"], 8 // line["bits"]
    entries = bytearray(-(-len(line["statuses"]) // each))
    for index, value in enumerate(line["statuses"]):
        entries[index // each] |= value << index % each * bits
    packed = {"bits": bits, "lst": zlib.compress(bytes(entries), 9)}
    payload = cbor2.dumps(from_json(line["claims"]) | {LIST: packed}, canonical=True)
    pem = line["private_key_pem"].encode("ascii")
    if line["library"] == "cwt":
        key = COSEKey.from_pem(pem, kid=kid, alg="ES256")
        message = COSE.new().encode(payload, key, protected={1: -7, 4: kid, 16: TYP}, unprotected={})
    else:
        private = load_pem_private_key(pem, None)
        if not isinstance(private, ec.EllipticCurvePrivateKey):
            raise ValueError("no EC key")
        unsigned = Sign1Message(phdr={Algorithm: -7, KID: kid, 16: TYP}, uhdr={}, payload=payload)
        unsigned.key = EC2Key(crv=P256, d=private.private_numbers().private_value.to_bytes(32, "big"))
        message = unsigned.encode()
    return {"token_b64": base64.b64encode(message).decode("ascii")}


def main(arguments: list[str]) -> int:
    """Answer every line of standard input."""
    if arguments not in (["read"], ["make"]):
        sys.stderr.write(__doc__)
        return 2
    work = read if arguments == ["read"] else make
    for line in sys.stdin:
        try:
            answer = work(json.loads(line))
        except Exception as error:  # noqa: BLE001 - either library raises what it likes for bytes it cannot read
            answer = {"verified": False, "error": repr(error)}
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
