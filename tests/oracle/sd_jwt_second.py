"""Verify, bind and issue SD-JWT VCs with a library that others wrote: openvc.

    .oracle/bin/python tests/oracle/sd_jwt_second.py < lines

It runs in an environment of its own, like `cose_second.py`. Each line read is a JSON object; `do` says what to do, and
for each one a JSON object is printed:

    verify   {text, root, ?audience, ?nonce, ?type, iss}   -> {"claims", "bound", "vct"}
    bind     {text, holder, audience, nonce}               -> {"text"}: everything shown, with a KB-JWT
    issue    {claims, disclosable, vct, issuer, holder, expires_in, decoys} -> {"text"}
    key      {metadata, iss, kid}                          -> {"key"}: as the JWT VC issuer metadata names it

root: the certificate of the root in base64, to which `x5c` must lead. type: the bytes at `vct`. Keys are JWKs. What
went wrong stands in "error". The library has the clock of the machine.
"""

import base64
import json
import sys
from typing import Any

from cryptography import x509
from openvc.errors import OpenvcError
from openvc.jwt_vc_issuer import resolve_jwt_vc_issuer_key
from openvc.keys import P256SigningKey
from openvc.proof.sd_jwt import SdJwtVcProofSuite
from openvc.type_metadata import validate_type_metadata
from openvc.x5c import resolve_x5c_key

SUITE = SdJwtVcProofSuite()


def header_of(text: str) -> dict[str, Any]:
    segment = text.split(".", 1)[0]
    return dict(json.loads(base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4))))


def verify(given: dict[str, Any]) -> dict[str, Any]:
    root = x509.load_der_x509_certificate(base64.b64decode(given["root"]))
    key = resolve_x5c_key(header_of(given["text"])["x5c"], given["iss"], trust_anchors=[root])
    found = SUITE.verify(
        given["text"],
        public_key_jwk=key,
        audience=given.get("audience"),
        nonce=given.get("nonce"),
        require_key_binding="nonce" in given,
    )
    if "type" in given:
        validate_type_metadata(
            found.claims,
            vct=str(found.vct),
            vct_integrity=found.claims["vct#integrity"],
            resolve=lambda _url: given["type"].encode(),
        )
    return {"claims": found.claims, "bound": found.key_bound, "vct": found.vct}


def bind(given: dict[str, Any]) -> dict[str, Any]:
    holder = P256SigningKey.from_jwk(given["holder"], "holder")
    text = SUITE.create_presentation(given["text"], holder_key=holder, audience=given["audience"], nonce=given["nonce"])
    return {"text": text}


def issue(given: dict[str, Any]) -> dict[str, Any]:
    text = SUITE.issue(
        given["claims"],
        signing_key=P256SigningKey.from_jwk(given["issuer"], "issuer"),
        disclosable=given["disclosable"],
        holder_jwk=given["holder"],
        vct=given["vct"],
        expires_in_s=given["expires_in"],
        decoys=given["decoys"],
    )
    return {"text": text}


def key(given: dict[str, Any]) -> dict[str, Any]:
    return {"key": resolve_jwt_vc_issuer_key(given["iss"], given["kid"], fetch=lambda _url: given["metadata"])}


def main() -> None:
    for line in sys.stdin:
        given = json.loads(line)
        try:
            answer = {"verify": verify, "bind": bind, "issue": issue, "key": key}[given["do"]](given)
        except OpenvcError as error:
            answer = {"error": f"{type(error).__name__}: {error}"}
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
