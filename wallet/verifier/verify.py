"""The rules of verifying, step by step. No input, no output, no clock of its own. Source: docs/wire.md, section 3."""

import hashlib
from datetime import datetime

from wallet.crypto.certificates import public_key_from_point
from wallet.crypto.cose import ES256
from wallet.errors import Malformed, VerificationFailed
from wallet.formats import cwt_code, live_code
from wallet.formats.claims_set import UnverifiedClaimsSet
from wallet.formats.compact_values import moment_of
from wallet.formats.cwt_code import parse_document_code
from wallet.formats.live_code import UnverifiedLiveCode, parse_live_code
from wallet.verifier.judgement import Judgement, VerifiedClaim, VerifiedDocument, is_accepted
from wallet.verifier.policy import Policy
from wallet.verifier.reasons import OK, Verdict, gravest, in_order
from wallet.verifier.replay import Replay, Sighting
from wallet.verifier.status import check_status
from wallet.verifier.trust import Trust, TrustedKey

DATES_LEEWAY_SECONDS = 60
LIVE_LEEWAY_SECONDS = 30

_WHITE_SPACE = " \t\r\n\f\v"
_DOCUMENT_ROLES = ("doc",)
_CARD_ROLES = ("card", "live")


def judge(text: str, trust: Trust, policy: Policy, now: datetime, replay: Replay | None = None) -> Judgement:
    """Return what is to be thought of a code, whatever `text` holds.

    1. Prefix and caps: `not_a_code`, `malformed`.
    2. Base45, inflate within the cap, strict CBOR, `typ`, shape: `malformed`, `wrong_type`.
    3. The signer's key is trusted, for this issuer, this utility and this moment: `trust_stale`, `unknown_issuer`,
       `key_not_allowed`.
    4. Signature of document or card: `bad_signature`.
    5. Dates: `not_yet_valid`, `expired`.
    6. Status list: present, fresh, signed, index in range, value: `revoked`, `suspended`, `status_unknown`,
       `status_stale`.
    7. Live codes: device signature, age, gate, seen before: `device_mismatch`, `live_too_old`, `live_from_future`,
       `wrong_gate`, `live_replayed`.
    8. This verifier's own policy: `policy_refused`.

    A failure in 1 to 4, or of the device signature, ends the check; every other one is noted and the check goes on.
    now: aware. replay: the memory of this gate; without it no live code is known to have been seen.
    Raises nothing on hostile input; `Unavailable` when `replay` fails. Source: docs/wire.md, section 3.
    """
    return _Check(trust, policy, now, replay).judge(text)


def verify(text: str, trust: Trust, policy: Policy, now: datetime, replay: Replay | None = None) -> VerifiedDocument:
    """Return the document when it is valid and accepted; else raise VerificationFailed with the first reason.

    The steps are those of `judge`. Source: docs/wire.md, section 3.
    """
    return judge(text, trust, policy, now, replay).verified()


class _Check:
    """One pass over one code: what was found so far."""

    __slots__ = (
        *("checked", "device", "first_seen", "moment", "now", "policy", "reasons", "replay", "second", "status_age"),
        "trust",
    )

    def __init__(self, trust: Trust, policy: Policy, now: datetime, replay: Replay | None) -> None:
        if now.tzinfo is None:
            raise ValueError("now is without its zone")
        self.trust, self.policy, self.now, self.replay = trust, policy, now, replay
        self.moment = now.timestamp()
        self.second = int(self.moment // 1)
        self.reasons: list[str] = []
        self.checked: list[int] = []
        self.device: str | None = None
        self.status_age: int | None = None
        self.first_seen: Sighting | None = None

    def judge(self, text: str) -> Judgement:
        # 1 prefix and caps
        self.checked.append(1)
        text = text.strip(_WHITE_SPACE)
        live = text.startswith(live_code.PREFIX)
        if not live and not text.startswith(cwt_code.PREFIX):
            return self._ended("not_a_code")
        if len(text) > cwt_code.MAX_TEXT_CHARACTERS:
            return self._ended("malformed")

        # 2 Base45, inflate within cap, strict CBOR, typ, shape
        self.checked.append(2)
        try:
            code = parse_live_code(text) if live else parse_document_code(text)
        except Malformed:
            return self._ended("malformed")
        except VerificationFailed as error:
            return self._ended(error.reason)
        signed = code.inner if isinstance(code, UnverifiedLiveCode) else code.signed
        content = code.content

        # 3 the signer's key is on the trust bundle, for this issuer, this utility, and this moment
        self.checked.append(3)
        if self.moment >= self.trust.exp or self.trust.iat > self.moment + DATES_LEEWAY_SECONDS:
            self.reasons.append("trust_stale")
        key = self.trust.keys.get((content.issuer, (signed.kid or b"").hex()))
        if key is None:
            return self._ended("unknown_issuer")
        public_key = key.public_key
        if public_key is None or not self._may_sign(key, content, live) or signed.alg != ES256:
            return self._ended("key_not_allowed")

        # 4 signature of document or card
        self.checked.append(4)
        try:
            signed.verify(public_key)
        except VerificationFailed:
            return self._ended("bad_signature")
        document = self._document(content)

        # 5 not before / expired
        self.checked.append(5)
        if content.issued_at > self.moment + DATES_LEEWAY_SECONDS:
            self.reasons.append("not_yet_valid")
        if self.moment >= content.expires_at + DATES_LEEWAY_SECONDS:
            self.reasons.append("expired")

        # 6 status list
        if content.status is not None or content.other_status:
            self.checked.append(6)
            found, self.status_age = check_status(self.trust, content.issuer, content.status, self.moment)
            self.reasons += found

        # 7 live: device signature; age; gate and nonce; not seen before at this gate
        if isinstance(code, UnverifiedLiveCode):
            self.checked.append(7)
            if not self._device_holds(code, key):
                self.reasons.append("device_mismatch")
                return self._judgement(document)
            self._check_live(code)

        # 8 the verifier's own policy
        self.checked.append(8)
        names = [claim.name for claim in document.claims]
        if self.policy.refuses(content.recipient, content.utility, names):
            self.reasons.append("policy_refused")
        return self._judgement(document)

    def _may_sign(self, key: TrustedKey, content: UnverifiedClaimsSet, live: bool) -> bool:
        return (
            key.role in (_CARD_ROLES if live else _DOCUMENT_ROLES)
            and key.serves(content.utility)
            and key.may_sign(content.issued_at, content.expires_at)
        )

    def _device_holds(self, code: UnverifiedLiveCode, key: TrustedKey) -> bool:
        """Step 7, first half: the outer layer is by the key in `cnf`; a `live` key signs both and is that key."""
        try:
            if key.role == "live":
                if code.device != key.point or key.public_key is None:
                    return False
                code.outer.verify(key.public_key)
                self.device = "server"
            else:
                code.outer.verify(public_key_from_point(code.device.x, code.device.y))
                self.device = "device"
        except (Malformed, VerificationFailed):
            return False
        return True

    def _check_live(self, code: UnverifiedLiveCode) -> None:
        """Step 7, second half: age, gate, nonce, and last, unless the code is already invalid, whether it was seen."""
        if self.moment > code.expires_at + LIVE_LEEWAY_SECONDS:
            self.reasons.append("live_too_old")
        if code.issued_at > self.moment + LIVE_LEEWAY_SECONDS:
            self.reasons.append("live_from_future")
        if self.policy.is_wrong_gate(code.gate_id, code.nonce):
            self.reasons.append("wrong_gate")
        if self.replay is None or gravest(self.reasons) is Verdict.INVALID:
            return
        digest = hashlib.sha256(code.outer.payload).digest()
        until = code.expires_at + LIVE_LEEWAY_SECONDS
        gate_id = self.policy.gate_id or ""
        if not self.replay.remember(gate_id, digest, until, self.moment):
            self.reasons.append("live_replayed")
            self.first_seen = self.replay.sighting(gate_id, digest)

    def _document(self, content: UnverifiedClaimsSet) -> VerifiedDocument:
        """Return what was signed, with the names that the trust bundle has for it."""
        known = self.trust.types.get((content.utility, content.utility_version))
        claims = []
        for number, value in content.claims.items():
            entry = None if known is None else known.claims.get(number)
            if entry is None:
                claims.append(VerifiedClaim(number, value))
            else:
                claims.append(VerifiedClaim(number, value, entry.name, entry.label, entry.kind))
        return VerifiedDocument(
            "doc_" + content.document_id.hex(),
            content.issuer,
            self.trust.issuers.get(content.issuer, {}),
            content.utility,
            content.utility_version,
            None if known is None else known.title,
            moment_of(content.issued_at),
            moment_of(content.expires_at),
            content.recipient,
            tuple(claims),
            content.claims_hash,
            content.status,
        )

    def _ended(self, reason: str) -> Judgement:
        self.reasons.append(reason)
        return self._judgement(None)

    def _judgement(self, document: VerifiedDocument | None) -> Judgement:
        reasons = in_order(self.reasons) if self.reasons else (OK,)
        verdict = gravest(reasons) if self.reasons else Verdict.VALID
        return Judgement(
            verdict,
            reasons,
            is_accepted(verdict, reasons),
            tuple(self.checked),
            document,
            self.device,
            self.now,
            self.second - self.trust.iat,
            self.status_age,
            self.first_seen,
        )
