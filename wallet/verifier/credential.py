"""The same rules for a document as SD-JWT VC: the steps of docs/wire.md, section 3, as section 6 reads them.

No input, no output, no clock of its own.
"""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from wallet.crypto.signing import kid_of
from wallet.errors import Malformed, VerificationFailed
from wallet.formats.compact_values import compact_value, moment_of
from wallet.formats.key_binding import Demand
from wallet.formats.sd_jwt import VerifiedSdJwt
from wallet.formats.sd_jwt_vc import VerifiedCredential, certificate_chain, credential_of, parse_credential
from wallet.verifier.judgement import Judgement, VerifiedClaim, VerifiedDocument, is_accepted
from wallet.verifier.policy import Policy
from wallet.verifier.reasons import OK, Verdict, gravest, in_order
from wallet.verifier.status import check_status
from wallet.verifier.trust import AddressedTrust, TrustedKey, TrustedType

ROLE = "sdjwt"
FUTURE_SECONDS = 60

_WHITE_SPACE = " \t\r\n\f\v"
_TYPE = re.compile(r"/v1/types/(?P<code>[a-z0-9_-]{1,64})/(?P<version>0|[1-9][0-9]{0,8})", re.ASCII)
NOTED = frozenset({"wrong_gate", "live_too_old", "live_from_future"})
"""What may be wrong with a key binding by the right key: it is noted beside the others, as of a live code."""


def looks_like_credential(text: str) -> bool:
    """Return whether a text is to be read as an SD-JWT: a JWT's beginning, and somewhere a `~`."""
    return text.lstrip(_WHITE_SPACE).startswith("eyJ") and "~" in text


def judge_credential(
    text: str, trust: AddressedTrust, policy: Policy, now: datetime, demand: Demand | None = None
) -> Judgement:
    """Return what is to be thought of an SD-JWT VC, whatever `text` holds.

    1, 2. Caps, shape, `typ`, algorithm, of the KB-JWT too: `malformed`, `wrong_type`, `key_not_allowed`.
    3. The signer's key is trusted with the role `sdjwt`: `trust_stale`, `unknown_issuer`, `key_not_allowed`.
    4. Signature, disclosures, registered claims: `bad_signature`, `malformed`; a `vct` that is not this issuer's is
       `wrong_type`.
    5. Dates: `not_yet_valid`, `expired`.
    6. Status list, as for a code.
    7. Key binding, where it is demanded: `device_mismatch`, `wrong_gate`, `live_too_old`, `live_from_future`.
    8. This verifier's own policy: `policy_refused`.

    A failure in 1 to 4, or whose key it is, ends the check; every other one is noted and the check goes on. demand:
    whom and what it must be bound to; None demands nothing, whatever came with it. Raises nothing on hostile input.
    Source: docs/wire.md, sections 3 and 6.
    """
    if now.tzinfo is None:
        raise ValueError("now is without its zone")
    return _Check(trust, policy, now).judge(text.strip(_WHITE_SPACE), demand)


class _Check:
    """One pass over one credential: what was found so far."""

    def __init__(self, trust: AddressedTrust, policy: Policy, now: datetime) -> None:
        self.trust, self.policy, self.now = trust, policy, now
        self.moment = now.timestamp()
        self.reasons: list[str] = []
        self.checked: list[int] = []
        self.bound = False
        self.status_age: int | None = None

    def judge(self, text: str, demand: Demand | None) -> Judgement:
        try:
            verified, key = self._signed(text)
            credential = credential_of(verified)
            document = self._document(credential, key)
        except (Malformed, VerificationFailed) as error:
            self.reasons.append(error.code)
            return self._judgement(None)

        # 5 not before / expired
        self.checked.append(5)
        self.reasons += credential.faults_of_dates(self.now)

        # 6 status list
        if credential.status is not None or credential.other_status:
            self.checked.append(6)
            found, self.status_age = check_status(self.trust, key.issuer, credential.status, self.moment)
            self.reasons += found

        # 7 key binding
        if demand is not None:
            self.checked.append(7)
            try:
                verified.verify_key_binding(demand, self.now)
                self.bound = True
            except (Malformed, VerificationFailed) as error:
                self.reasons.append(error.code)
                if error.code not in NOTED:
                    return self._judgement(document)

        # 8 the verifier's own policy
        self.checked.append(8)
        names = list(credential.claims)
        meant = credential.is_for(None if demand is None else demand.audience)
        if not meant or self.policy.refuses(None, document.utility, names):
            self.reasons.append("policy_refused")
        return self._judgement(document)

    def _signed(self, text: str) -> tuple[VerifiedSdJwt, TrustedKey]:
        """Steps 1 to 4: return what a trusted key signed, and the key."""
        self.checked += [1, 2]
        read = parse_credential(text)
        chain = certificate_chain(read)
        kid = read.header.get("kid", kid_of(chain[0]).hex() if chain else "")

        self.checked.append(3)
        if self.moment >= self.trust.exp or self.trust.iat > self.moment + FUTURE_SECONDS:
            self.reasons.append("trust_stale")
        key = next((key for (_, known), key in self.trust.keys.items() if known == kid), None)
        if key is None:
            raise VerificationFailed("unknown_issuer")
        if key.public_key is None or key.role != ROLE or key.revoked:
            raise VerificationFailed("key_not_allowed")

        self.checked.append(4)
        return read.verify(key.public_key), key

    def _document(self, credential: VerifiedCredential, key: TrustedKey) -> VerifiedDocument:
        """Return what was signed, with the names the bundle has for it.

        Raises VerificationFailed or Malformed where this key could not sign it: the second half of step 3, which needs
        what step 4 proved.
        """
        if credential.issuer != self.trust.iss:
            raise VerificationFailed("unknown_issuer")
        if credential.issued_at is None or credential.expires_at is None:
            raise Malformed("no iat, or no exp")
        kind = _TYPE.fullmatch(credential.vct.removeprefix(self.trust.iss))
        if kind is None or not credential.vct.startswith(self.trust.iss):
            raise VerificationFailed("wrong_type", "a vct that is not this issuer's")
        if not key.serves(kind["code"]) or not key.may_sign(credential.issued_at, credential.expires_at):
            raise VerificationFailed("key_not_allowed")
        known = self.trust.types.get((kind["code"], int(kind["version"])))
        return VerifiedDocument(
            document_id=None,
            issuer=key.issuer,
            issuer_name=self.trust.issuers.get(key.issuer, {}),
            utility=kind["code"],
            utility_version=int(kind["version"]),
            title=None if known is None else known.title,
            issued_at=moment_of(credential.issued_at),
            expires_at=moment_of(credential.expires_at),
            recipient=None,
            claims=named(credential.claims, known),
            claims_hash=None,
            status=credential.status,
        )

    def _judgement(self, document: VerifiedDocument | None) -> Judgement:
        reasons = in_order(self.reasons) if self.reasons else (OK,)
        verdict = gravest(reasons) if self.reasons else Verdict.VALID
        return Judgement(
            verdict,
            reasons,
            is_accepted(verdict, reasons),
            tuple(self.checked),
            document,
            "device" if self.bound else None,
            self.now,
            int(self.moment // 1) - self.trust.iat,
            self.status_age,
        )


def named(claims: Mapping[str, Any], known: TrustedType | None) -> tuple[VerifiedClaim, ...]:
    """Return the claims as a code would carry them, in the order of their numbers; those without a number last."""
    numbers = {} if known is None else {entry.name: entry for entry in known.claims.values()}
    found = []
    for name, value in claims.items():
        entry = numbers.get(name)
        if entry is None:
            found.append(VerifiedClaim(None, value, name))
            continue
        try:
            compact = compact_value(entry.kind, value)
        except Malformed:
            compact = value  # not of the kind the table says: it is shown as it is
        found.append(VerifiedClaim(entry.n, compact, name, entry.label, entry.kind))
    return tuple(sorted(found, key=lambda claim: (claim.n is None, claim.n or 0, claim.name or "")))
