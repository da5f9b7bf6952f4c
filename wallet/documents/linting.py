"""Nothing is signed before it was held against the profile, with a key that means nothing.

The bytes that the real key is to sign are signed by a throwaway key first and read back as a verifier reads them, so
that a fault of a plug-in, of a register or of ours is found while nothing exists that could be shown to a gate.
Source: docs/security.md, S-41 and S-45; docs/wire.md, section 1.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property

from cryptography.hazmat.primitives.asymmetric import ec

from wallet.clock import Clock
from wallet.crypto.certificates import self_signed
from wallet.crypto.signing import LocalSigner
from wallet.entropy import Entropy
from wallet.errors import ProfileViolated
from wallet.formats.cwt_code import MAX_PRINTED_CHARACTERS, sign_document_content
from wallet.formats.trust_bundle import ANY_UTILITY, IssuerEntry, KeyEntry
from wallet.verifier import Policy, Trust, judge
from wallet.verifier.judgement import VerifiedClaim
from wallet.verifier.trust import TrustedKey, trusted_issuers

SPARE_CHARACTERS = 9
"""Another key and signature deflate to another length, by up to six bytes: three characters for each two."""
ALWAYS = datetime(1970, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)
"""When the throwaway key may sign: its dates are no part of the profile."""
NEVER_IN_A_CODE = frozenset({"number"})
"""Claims that no printed code may carry, whatever a plug-in declares: the whole number opens every door."""


@dataclass
class Linter:
    """Holds the content of document codes against the profile. One for a process; its key lives no longer.

    issuer: the code of who issues.
    """

    issuer: str
    clock: Clock
    entropy: Entropy

    def code(self, content: bytes, trust: Trust) -> str:
        """Return the code of `content` as the throwaway key signs it, once a verifier would accept it.

        content: from `document_content`. trust: the real types and lists.
        Raises ProfileViolated, naming every rule that is broken; Malformed when it is more than any code holds.
        """
        code = sign_document_content(content, self._signer)
        names, keys = self._trusted
        judgement = judge(code, replace(trust, issuers=names, keys=keys), Policy(), self.clock.now())
        broken = [] if judgement.accepted else [str(reason) for reason in judgement.reasons]
        if judgement.document is not None:
            broken += [rule for claim in judgement.document.claims for rule in broken_by(claim)]
        if broken:
            raise ProfileViolated(broken)
        return code

    @cached_property
    def _trusted(self) -> tuple[dict[str, Mapping[str, str]], dict[tuple[str, str], TrustedKey]]:
        key = KeyEntry(
            kid=self._signer.kid,
            x5c=(self._signer.certificate_der,),
            not_before=ALWAYS[0],
            not_after=ALWAYS[1],
            utilities=(ANY_UTILITY,),
            roles=("doc",),
            state="active",
        )
        return trusted_issuers([IssuerEntry(self.issuer, {"vi": "", "en": ""}, (key,))])

    @cached_property
    def _signer(self) -> LocalSigner:
        private = ec.generate_private_key(ec.SECP256R1())
        certificate = self_signed(private, "lint", *ALWAYS, self.entropy)
        return LocalSigner(private, certificate)


def stays_printable(code: str) -> bool:
    """Return whether a code of the same content by another key fits on paper too."""
    return len(code) <= MAX_PRINTED_CHARACTERS - SPARE_CHARACTERS


def broken_by(claim: VerifiedClaim) -> list[str]:
    """Return the rules that one claim in a code breaks."""
    if claim.name is None:
        return [f"claim_{claim.n}_has_no_name"]
    return [f"claim_never_in_a_code: {claim.name}"] if claim.name in NEVER_IN_A_CODE else []
