"""Keys of a holder's that a wallet shows to have, each by a proof that it signed with that very key.

A proof is the one that wallets of every maker make for OpenID4VCI: header `{"typ": "openid4vci-proof+jwt",
"alg": "ES256", "jwk"}`, payload `{"aud": the issuer's URL, "nonce", "iat"}`. The nonce is a challenge for the device
that asks; the proofs of one call may share it, and a call uses it up.
Source: OpenID for Verifiable Credential Issuance 1.0, appendix F.1; docs/security.md, S-29.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from wallet.clock import Clock
from wallet.errors import InvalidInput, Malformed
from wallet.identity.challenges import Challenge, Challenges
from wallet.identity.compact_jws import is_time, load_key, parse, public_jwk, verify
from wallet.identity.repository import IdentityRepository
from wallet.identity.tokens import to_seconds

PROOF_TYP = "openid4vci-proof+jwt"
PROOF_HEADER = frozenset({"alg", "typ", "jwk"})
CLOCK_SKEW = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class HolderKeys:
    """Reads proofs, in one transaction. audience: the issuer's URL."""

    repository: IdentityRepository
    challenges: Challenges
    audience: str
    clock: Clock

    def prove(self, proofs: Sequence[str], device_id: str) -> list[Mapping[str, str]]:
        """Return the key that each proof was made with, in order; their nonces are used up.

        device_id: for which device the nonces were asked. Raises InvalidInput with everything that is wrong:
        `/proofs/0` to "invalid_proof", "invalid_nonce" or, for a key that was there before, "repeated".
        """
        now, wrong = self.clock.now(), {}
        keys: list[Mapping[str, str]] = []
        asked: dict[str, Challenge] = {}
        for place, text in enumerate(proofs):
            pointer = f"/proofs/{place}"
            try:
                key, nonce = self._read(text, now)
            except Malformed:
                wrong[pointer] = "invalid_proof"
                continue
            try:
                asked[pointer] = self.challenges.recognise(nonce, device_id, now)
            except Malformed:
                wrong[pointer] = "invalid_nonce"
            if key in keys:
                wrong[pointer] = "repeated"
            keys.append(key)
        unused = {each.value: self._use(each) for each in dict.fromkeys(asked.values())}
        wrong |= {pointer: "invalid_nonce" for pointer, each in asked.items() if not unused[each.value]}
        if wrong:
            raise InvalidInput(dict(sorted(wrong.items(), key=lambda item: int(item[0].rpartition("/")[2]))))
        return keys

    def _read(self, text: str, now: datetime) -> tuple[Mapping[str, str], str]:
        """Return the key of a proof, and its nonce. Raises Malformed."""
        token = parse(text, typ=PROOF_TYP, members=PROOF_HEADER)
        key = public_jwk(token.header["jwk"])
        claims = verify(token, load_key(key["x"], key["y"]))
        issued, nonce = claims.get("iat"), claims.get("nonce")
        if claims.get("aud") != self.audience or not isinstance(nonce, str):
            raise Malformed("not a proof for this wallet")
        if not isinstance(issued, int) or not is_time(issued):
            raise Malformed("no time")
        if not -CLOCK_SKEW <= timedelta(seconds=to_seconds(now) - issued) <= self.challenges.life + CLOCK_SKEW:
            raise Malformed("signed at another time")
        return key, nonce

    def _use(self, challenge: Challenge) -> bool:
        return self.repository.use_once("device-challenge", challenge.value, challenge.expires_at)
