"""Read and make mdocs with software that others wrote: openvc reads them whole, pycose and python-cwt their signatures.

    .oracle/bin/python tests/oracle/mdoc_second.py < lines

It runs in an environment of its own, like `cose_second.py`. Each line read is a JSON object; `do` says what to do, and
for each one a JSON object is printed. Bytes are base64, times seconds, keys JWKs:

    response  {data, root, transcript, now, doc_type}       -> {"documents": [{doc_type, elements, present}]}, by openvc
    issued    {data, root, now, doc_type}                   -> the same, without a device
    signature {data}                                        -> {"pycose", "cwt", "status"}: of the issuer's signature
    issue     {doc_type, elements, holder, issuer, leaf, begin, end, ?status, library} -> {"data"}: an IssuerSigned
    present   {data, names, holder, transcript}             -> {"data"}: a DeviceResponse, signed with pycose

elements: the CBOR of a map. What went wrong stands in "error".
"""

import base64
import hashlib
import json
import secrets
import sys
from datetime import UTC, datetime
from typing import Any

import cbor2
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cwt import COSE, COSEKey
from openvc import cbor
from openvc.errors import OpenvcError
from openvc.mdoc import verify_device_response, verify_issuer_signed
from pycose.headers import Algorithm
from pycose.keys import EC2Key
from pycose.keys.curves import P256
from pycose.messages import Sign1Message

X5CHAIN = 33


def unb64(text: str) -> bytes:
    return base64.b64decode(text)


def b64url(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def pycose_key(jwk: dict[str, str]) -> EC2Key:
    private = {"d": b64url(jwk["d"])} if "d" in jwk else {}
    return EC2Key(crv=P256, x=b64url(jwk["x"]), y=b64url(jwk["y"]), **private)


def told(documents: list[Any]) -> dict[str, Any]:
    """Return what openvc found, as JSON can hold it."""
    return {
        "documents": [
            {"doc_type": each.doc_type, "elements": each.elements(each.doc_type), "present": each.device_signed}
            for each in documents
        ]
    }


def asked(given: dict[str, Any]) -> dict[str, Any]:
    return {
        "trust_anchors": [x509.load_der_x509_certificate(unb64(given["root"]))],
        "now": datetime.fromtimestamp(given["now"], UTC),
        "leeway_s": 60,
        "expected_doc_type": given["doc_type"],
    }


def response(given: dict[str, Any]) -> dict[str, Any]:
    transcript = unb64(given["transcript"])
    return told(verify_device_response(unb64(given["data"]), session_transcript=transcript, **asked(given)))


def issued(given: dict[str, Any]) -> dict[str, Any]:
    document = {"docType": given["doc_type"], "issuerSigned": cbor.decode(unb64(given["data"]))}
    return told([verify_issuer_signed(document, **asked(given))])


def signature(given: dict[str, Any]) -> dict[str, Any]:
    """Return what both COSE libraries say of the issuer's signature, each by itself, and the status it is over."""
    protected, unprotected, payload, signed = cbor2.loads(unb64(given["data"]))["issuerAuth"]
    key = x509.load_der_x509_certificate(unprotected[X5CHAIN]).public_key()
    numbers = key.public_numbers()
    message = Sign1Message.from_cose_obj([protected, unprotected, payload, signed], allow_unknown_attributes=True)
    message.key = EC2Key(crv=P256, x=numbers.x.to_bytes(32, "big"), y=numbers.y.to_bytes(32, "big"))
    tagged = cbor2.dumps(cbor2.CBORTag(18, [protected, {}, payload, signed]))
    pem = key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    try:
        by_cwt = COSE.new(verify_kid=False).decode(tagged, COSEKey.from_pem(pem, alg="ES256")) == payload
    except Exception:  # noqa: BLE001 - the library raises what it likes for a signature that is none
        by_cwt = False
    mso = cbor2.loads(cbor2.loads(payload).value)
    return {"pycose": message.verify_signature(), "cwt": by_cwt, "status": mso.get("status")}


def sign1(
    payload: bytes, jwk: dict[str, str], unprotected: dict[int, Any], *, detached: bool, library: str
) -> list[Any]:
    """Return an untagged COSE_Sign1, made by one of the libraries."""
    if library == "cwt":
        key = COSEKey.from_jwk({**jwk, "alg": "ES256"})
        made = COSE.new(alg_auto_inclusion=True, kid_auto_inclusion=False).encode(payload, key, unprotected=unprotected)
        return list(cbor2.loads(made).value)
    message = Sign1Message(phdr={Algorithm: -7}, uhdr={}, payload=None if detached else payload)
    message.key = pycose_key(jwk)
    protected, _, content, signed = cbor2.loads(
        message.encode(tag=False, detached_payload=payload if detached else None)
    )
    return [protected, unprotected, content, signed]


def issue(given: dict[str, Any]) -> dict[str, Any]:
    items, digests = [], {}
    for number, (name, value) in enumerate(cbor2.loads(unb64(given["elements"])).items()):
        item = {"digestID": number, "random": secrets.token_bytes(16), "elementIdentifier": name, "elementValue": value}
        items.append(cbor2.CBORTag(24, cbor2.dumps(item)))
        digests[number] = hashlib.sha256(cbor2.dumps(items[-1])).digest()
    holder = given["holder"]
    times = {"signed": given["begin"], "validFrom": given["begin"], "validUntil": given["end"]}
    mso = {
        "version": "1.0",
        "digestAlgorithm": "SHA-256",
        "valueDigests": {given["doc_type"]: digests},
        "deviceKeyInfo": {"deviceKey": {1: 2, -1: 1, -2: b64url(holder["x"]), -3: b64url(holder["y"])}},
        "docType": given["doc_type"],
        "validityInfo": {name: datetime.fromtimestamp(each, UTC) for name, each in times.items()},
    } | ({"status": given["status"]} if "status" in given else {})
    payload = cbor2.dumps(cbor2.CBORTag(24, cbor2.dumps(mso)))
    chain = {X5CHAIN: unb64(given["leaf"])}
    auth = sign1(payload, given["issuer"], chain, detached=False, library=given["library"])
    made = cbor2.dumps({"nameSpaces": {given["doc_type"]: items}, "issuerAuth": auth})
    return {"data": base64.b64encode(made).decode()}


def present(given: dict[str, Any]) -> dict[str, Any]:
    issuer_signed = cbor2.loads(unb64(given["data"]))
    ((doc_type, items),) = issuer_signed["nameSpaces"].items()
    issuer_signed["nameSpaces"] = {
        doc_type: [item for item in items if cbor2.loads(item.value)["elementIdentifier"] in given["names"]]
    }
    namespaces = cbor2.CBORTag(24, cbor2.dumps({}))
    content = ["DeviceAuthentication", cbor2.loads(unb64(given["transcript"])), doc_type, namespaces]
    payload = cbor2.dumps(cbor2.CBORTag(24, cbor2.dumps(content)))
    proof = {"deviceSignature": sign1(payload, given["holder"], {}, detached=True, library="pycose")}
    document = {
        "docType": doc_type,
        "issuerSigned": issuer_signed,
        "deviceSigned": {"nameSpaces": namespaces, "deviceAuth": proof},
    }
    made = cbor2.dumps({"version": "1.0", "documents": [document], "status": 0})
    return {"data": base64.b64encode(made).decode()}


WORK = {"response": response, "issued": issued, "signature": signature, "issue": issue, "present": present}


def main() -> None:
    for line in sys.stdin:
        given = json.loads(line)
        try:
            answer = WORK[given["do"]](given)
        except OpenvcError as error:
            answer = {"error": f"{type(error).__name__}: {error}"}
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
