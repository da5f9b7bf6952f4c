"""The same rules for a document as mdoc: the steps of docs/wire.md, section 3, as section 6 reads them.

No path is built to a root: the trust bundle vouches for the signer's key, as for every other. Readers of other makers
build one (`wallet.formats.mdoc.chain`). No input, no output, no clock of its own.
"""

import re
from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any

from wallet.crypto.signing import kid_of
from wallet.errors import Malformed, VerificationFailed
from wallet.formats.cbor import Tagged
from wallet.formats.compact_values import json_safe, seconds_of
from wallet.formats.mdoc.chain import MdocSigner, document_signer
from wallet.formats.mdoc.device_response import UnverifiedDocument, device_response_of
from wallet.formats.mdoc.issuer_signed import UnverifiedIssuerSigned, issuer_signed_of
from wallet.formats.mdoc.names import read_doc_type
from wallet.formats.mdoc.reader import VerifiedMdoc, authenticated, fault_of_dates, proven
from wallet.formats.mdoc.values import TDATE, map_of, plain, read, read_tdate
from wallet.verifier.credential import named
from wallet.verifier.judgement import Judgement, VerifiedDocument, is_accepted
from wallet.verifier.policy import Policy
from wallet.verifier.reasons import OK, Verdict, gravest, in_order
from wallet.verifier.status import check_status
from wallet.verifier.trust import Trust, TrustedKey

ROLE = "mdoc"
FUTURE_SECONDS = 60

REASON_OF: Mapping[str, str] = MappingProxyType(
    {
        "x5chain_missing": "unknown_issuer",
        "signer_profile": "key_not_allowed",
        "algorithm_not_allowed": "key_not_allowed",
        "curve_not_allowed": "key_not_allowed",
        "signed_outside_certificate": "key_not_allowed",
        "digest_missing": "bad_signature",
        "digest_mismatch": "bad_signature",
        "digest_twice": "malformed",
        "element_twice": "malformed",
        "no_document": "malformed",
        "response_error": "malformed",
        "wrong_doctype": "wrong_type",
        "device_auth_missing": "device_mismatch",
        "reader_key_needed": "device_mismatch",
        "key_not_authorized": "device_mismatch",
    }
)
"""What a reader of mdocs calls it (`wallet.formats.mdoc.refusal`), and what a verifier does; others are the same."""

_RECORD = re.compile(r"(?P<name>[^/]+)/(?P<place>[1-9][0-9]{0,8})", re.ASCII)


def judge_mdoc(data: bytes, trust: Trust, policy: Policy, now: datetime, transcript: bytes | None = None) -> Judgement:
    """Return what is to be thought of an mdoc, whatever `data` holds: an IssuerSigned, or a DeviceResponse of one.

    1, 2. Caps, strict CBOR, shape: `malformed`.
    3. The signer's key is trusted with the role `mdoc`: `trust_stale`, `unknown_issuer`, `key_not_allowed`.
    4. Signature, digests of what was shown: `bad_signature`, `malformed`; a docType that is not ours is `wrong_type`.
    5. Dates: `not_yet_valid`, `expired`.
    6. Status list, as for a code.
    7. The device, where its session is given: `device_mismatch`.
    8. This verifier's own policy: `policy_refused`.

    A failure in 1 to 4, or of the device, ends the check; every other one is noted and the check goes on. transcript:
    SessionTranscript of this session, made by this reader; None demands no device, whatever came with it.
    Raises nothing on hostile input. Source: docs/wire.md, sections 3 and 6; ISO/IEC 18013-5:2021, section 9.3.
    """
    if now.tzinfo is None:
        raise ValueError("now is without its zone")
    return _Check(trust, policy, now).judge(data, transcript)


class _Check:
    """One pass over one mdoc: what was found so far."""

    def __init__(self, trust: Trust, policy: Policy, now: datetime) -> None:
        self.trust, self.policy, self.now = trust, policy, now
        self.moment = now.timestamp()
        self.reasons: list[str] = []
        self.checked: list[int] = []
        self.present = False
        self.status_age: int | None = None

    def judge(self, data: bytes, transcript: bytes | None) -> Judgement:
        try:
            # 1, 2 caps, strict CBOR, shape
            self.checked += [1, 2]
            issuer_signed, response = _parsed(data)

            # 3 the signer's key is on the trust bundle, for this issuer, this utility, and this moment
            self.checked.append(3)
            key, signer = self._signer(issuer_signed)

            # 4 signature and digests
            self.checked.append(4)
            mdoc = authenticated(issuer_signed, signer)
            if response is not None and response.doc_type != mdoc.doc_type:
                raise VerificationFailed("wrong_type", "the response names another type than was signed")
            document = self._document(mdoc, key)
        except (Malformed, VerificationFailed) as error:
            self._note(error)
            return self._judgement(None)

        # 5 not before / expired
        self.checked.append(5)
        fault = fault_of_dates(mdoc, self.now)
        if fault is not None:
            self.reasons.append(fault)

        # 6 status list
        if mdoc.status is not None or mdoc.other_status:
            self.checked.append(6)
            found, self.status_age = check_status(self.trust, key.issuer, mdoc.status, self.moment)
            self.reasons += found

        # 7 the device
        if transcript is not None:
            self.checked.append(7)
            try:
                if response is None:
                    raise VerificationFailed("device_mismatch", "no device has answered")
                proven(mdoc, response, transcript)
                self.present = True
            except VerificationFailed:
                self.reasons.append("device_mismatch")
                return self._judgement(document)

        # 8 the verifier's own policy
        self.checked.append(8)
        if self.policy.refuses(None, document.utility, [claim.name for claim in document.claims]):
            self.reasons.append("policy_refused")
        return self._judgement(document)

    def _signer(self, found: UnverifiedIssuerSigned) -> tuple[TrustedKey, MdocSigner]:
        if self.moment >= self.trust.exp or self.trust.iat > self.moment + FUTURE_SECONDS:
            self.reasons.append("trust_stale")
        chain = found.auth.chain
        kid = kid_of(chain[0]).hex() if chain else ""
        key = next((key for (_, known), key in self.trust.keys.items() if known == kid), None)
        if key is None:
            raise VerificationFailed("unknown_issuer")
        if key.public_key is None or key.role != ROLE or key.revoked:
            raise VerificationFailed("key_not_allowed")
        signer = document_signer(chain[0])
        if signer.public_key != key.public_key:  # a kid is eight bytes: what it names has to be the key as well
            raise VerificationFailed("key_not_allowed", "another key under this kid")
        return key, signer

    def _document(self, mdoc: VerifiedMdoc, key: TrustedKey) -> VerifiedDocument:
        """Return what was signed, with the names the bundle has for it; raise where this key could not sign it."""
        kind = read_doc_type(mdoc.doc_type)
        if kind is None:
            raise VerificationFailed("wrong_type", "a docType that is not ours")
        utility, version = kind
        signed, until = seconds_of(mdoc.signed), seconds_of(mdoc.valid_until)
        if not key.serves(utility) or not key.may_sign(signed, until):
            raise VerificationFailed("key_not_allowed")
        known = self.trust.types.get(kind)
        return VerifiedDocument(
            document_id=None,
            issuer=key.issuer,
            issuer_name=self.trust.issuers.get(key.issuer, {}),
            utility=utility,
            utility_version=version,
            title=None if known is None else known.title,
            issued_at=mdoc.signed,
            expires_at=mdoc.valid_until,
            recipient=None,
            claims=named(_claims(mdoc.elements.get(mdoc.doc_type, {})), known),
            claims_hash=None,
            status=mdoc.status,
        )

    def _note(self, error: Malformed | VerificationFailed) -> None:
        self.reasons.append(REASON_OF.get(error.code, error.code))

    def _judgement(self, document: VerifiedDocument | None) -> Judgement:
        reasons = in_order(self.reasons) if self.reasons else (OK,)
        verdict = gravest(reasons) if self.reasons else Verdict.VALID
        return Judgement(
            verdict,
            reasons,
            is_accepted(verdict, reasons),
            tuple(self.checked),
            document,
            "device" if self.present else None,
            self.now,
            int(self.moment // 1) - self.trust.iat,
            self.status_age,
        )


def _parsed(data: bytes) -> tuple[UnverifiedIssuerSigned, UnverifiedDocument | None]:
    """Return the IssuerSigned, and the document of a DeviceResponse that it came in; None when it came alone."""
    members = map_of(read(data))
    if "documents" not in members:
        return issuer_signed_of(members), None
    documents = device_response_of(members)
    if len(documents) != 1:
        raise Malformed("a response of several documents is judged one by one")
    return documents[0].issuer_signed, documents[0]


def _claims(elements: Mapping[str, Any]) -> dict[str, Any]:
    """Return elements as the claims they were made of: `member/1` and `member/3` are the list of these two."""
    found: dict[str, Any] = {}
    records: dict[str, dict[int, Any]] = {}
    for name, value in elements.items():
        record = _RECORD.fullmatch(name)
        if record is None:
            found[name] = _plain(value)
        else:
            records.setdefault(record["name"], {})[int(record["place"])] = _plain(value)
    return found | {name: [each for _, each in sorted(places.items())] for name, places in records.items()}


def _plain(value: Any) -> Any:
    """Return a value as JSON carries claims: a day as its text, a moment in seconds, bytes in hexadecimal."""
    if isinstance(value, Tagged) and value.number == TDATE:
        try:
            return seconds_of(read_tdate(value))
        except Malformed:
            pass  # what an issuer signed is shown as it is, even where it is no moment
    return json_safe(plain(value))
