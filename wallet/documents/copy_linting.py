"""A copy is signed by a throwaway key and read back before the real key sees it, as `linting.py` does for codes.

Source: docs/security.md, S-41 and S-45.
"""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from cryptography.hazmat.primitives.asymmetric import ec

from wallet.clock import Clock
from wallet.crypto.authority import DOCUMENT_SIGNER, SD_JWT_SIGNER, Authority, Profile, certify, root_certificate
from wallet.crypto.certificates import self_signed
from wallet.crypto.keystore import Role
from wallet.crypto.signing import LocalSigner, Signer
from wallet.documents.forms import card, mdoc, sd_jwt
from wallet.documents.forms.offered import OFFERS, Form
from wallet.documents.forms.stated import Copy, StatedDocument
from wallet.documents.linting import broken_by
from wallet.entropy import Entropy
from wallet.errors import Malformed, ProfileViolated, VerificationFailed
from wallet.formats.claims_set import nfc
from wallet.formats.pades_reading import attached, sealed_by
from wallet.formats.trust_bundle import ANY_UTILITY, IssuerEntry, KeyEntry
from wallet.verifier import Policy, Trust, judge, judge_credential, judge_mdoc
from wallet.verifier.credential import named
from wallet.verifier.trust import trusted_issuers

PHONES = frozenset({Role.CARD, Role.LIVE})
"""The roles that sign what a screen shows."""
UNPROVEN = "device_mismatch"
"""What a verifier says of a card that no phone has signed a live code from."""
PROFILES: dict[Role, Profile] = {Role.SD_JWT: SD_JWT_SIGNER, Role.MDOC: DOCUMENT_SIGNER}
BEFORE, AFTER = timedelta(days=7), timedelta(days=450)
"""How far the throwaway certificate reaches around the moment it is made: a document signer lives 457 days at most."""
KEPT = timedelta(days=30)
FAR = timedelta(days=365 * 30)


def write(role: Role, document: StatedDocument, copy: Copy, signer: Signer, entropy: Entropy) -> bytes:
    """Return a copy as the bytes of its form: `sdjwt`, `mdoc` or a card, by the role of who signs."""
    if role in PHONES:
        return card.make(document, copy, signer)
    if role is Role.MDOC:
        return mdoc.make(document, copy, signer, entropy)
    return sd_jwt.make(document, copy, signer, entropy).encode("ascii")


def faults(role: Role, made: bytes, document: StatedDocument, copy: Copy, trust: Trust, now: datetime) -> list[str]:
    """Return why a verifier with this trust would not take a copy, or not for what the document states."""
    if role in PHONES:
        return _card_faults(made, document, copy, trust, now)
    if role is Role.MDOC:
        judgement = judge_mdoc(made, trust, Policy(), now)
    else:
        judgement = judge_credential(made.decode("ascii"), trust.addressed(document.issuer_url), Policy(), now)
    if not judgement.accepted or judgement.document is None:
        return [str(reason) for reason in judgement.reasons]
    known = trust.types.get((document.kind.code, document.kind.version))
    same = judgement.document.claims == named(nfc(document.claims), known)
    return [] if same else ["claims_differ"]


def _card_faults(made: bytes, document: StatedDocument, copy: Copy, trust: Trust, now: datetime) -> list[str]:
    """Return why a verifier would not take a live code from a card, but for its phone, who has yet to sign one."""
    judgement = judge(card.unproven(made, now), trust, Policy(), now)
    read, others = judgement.document, [str(each) for each in judgement.reasons if each != UNPROVEN]
    if read is None or others:
        return others or ["malformed"]
    broken = [rule for claim in read.claims for rule in broken_by(claim)]
    stated = nfc(card.variants(document.kind, document.claims, copy.view))
    same = {claim.n: claim.value for claim in read.claims} in stated and read.document_id == f"doc_{copy.id.hex()}"
    if not same or card.holder_key_of(made, now) != copy.holder_key:
        broken.append("claims_differ")
    return broken


def seal_faults(pdf: bytes, certificate: bytes, credential: bytes) -> list[str]:
    """Return why a PDF is not one that this certificate's key sealed whole, with this SD-JWT VC inside."""
    try:
        sealer, inside = sealed_by(pdf), attached(pdf, OFFERS[Form.SD_JWT].media_type)
    except (Malformed, VerificationFailed) as error:
        return [error.code]
    if sealer != certificate:
        return ["key_not_allowed"]
    return [] if inside == credential else ["claims_differ"]


@dataclass
class CopyLinter:
    """Holds copies against the profile. One for a process; its keys live no longer. issuer: the code of who issues."""

    issuer: str
    url: str
    clock: Clock
    entropy: Entropy
    _made: "tuple[datetime, dict[Role, _Throwaway]] | None" = field(default=None)

    def check(self, role: Role, document: StatedDocument, copy: Copy, trust: Trust) -> None:
        """Return if the copy would be taken; raise ProfileViolated, naming every rule that is broken.

        trust: the real types and lists. That a list says it ended while it is made breaks no rule of the profile.
        """
        throwaway, now = self._throwaway(role), self.clock.now()
        names, keys = trusted_issuers([IssuerEntry(self.issuer, {"vi": "", "en": ""}, (throwaway.entry,))])
        try:
            made = write(role, document, copy, throwaway.signer, self.entropy)
        except (Malformed, VerificationFailed) as error:
            raise ProfileViolated([error.code]) from error
        found = faults(role, made, document, copy, replace(trust, issuers=names, keys=keys), now)
        broken = [rule for rule in found if rule not in ("suspended", "revoked")]
        if broken:
            raise ProfileViolated(broken)

    def _throwaway(self, role: Role) -> "_Throwaway":
        now = self.clock.now()
        if self._made is None or not timedelta(0) <= now - self._made[0] < KEPT:
            self._made = now, {each: self._new(each, now) for each in (*PROFILES, *PHONES)}
        return self._made[1][role]

    def _new(self, role: Role, now: datetime) -> "_Throwaway":
        authority, entropy = Authority("lint", self.url), self.entropy
        begin, end = now - BEFORE, now + (AFTER if role is Role.MDOC else FAR)
        root_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
        chain: tuple[bytes, ...] = (self_signed(key, "lint", begin, end, entropy),)
        if role in PROFILES:
            root = LocalSigner(root_key, root_certificate(root_key, authority, begin, end, entropy))
            certificate = certify(PROFILES[role], key.public_key(), root, authority, begin, end, entropy)
            chain = (certificate, root.certificate_der)
        signer = LocalSigner(key, chain[0])
        entry = KeyEntry(
            kid=signer.kid,
            x5c=chain,
            not_before=begin,
            not_after=end,
            utilities=(ANY_UTILITY,),
            roles=(str(role),),
            state="active",
        )
        return _Throwaway(signer, entry)


@dataclass(frozen=True, slots=True)
class _Throwaway:
    """A key that means nothing, and the bundle's word for it."""

    signer: Signer
    entry: KeyEntry
