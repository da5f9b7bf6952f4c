"""One code before two verifiers: ours, and the one in tests/oracle that was written from docs/wire.md alone."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from tests.oracle import reader
from wallet.crypto.signing import LocalSigner
from wallet.formats.trust_bundle import BundleContent, parse_bundle, sign_bundle
from wallet.verifier import BundleRefused, Judgement, MemoryReplay, Policy, TrustedBundle, judge
from wallet.wiring import Wallet


@dataclass(frozen=True)
class Answer:
    """What both verifiers said, in the words of docs/wire.md, section 3."""

    verdict: str
    reasons: tuple[str, ...]
    accepted: bool
    document_id: str | None
    issuer: str | None
    utility: str | None
    recipient: str | None
    claims: dict[int, Any] | None
    claims_hash: str | None
    shown_by: str | None
    bundle_age: int | None
    list_age: int | None


def moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def of_ours(found: Judgement) -> Answer:
    document = found.document
    return Answer(
        verdict=found.verdict.value,
        reasons=found.reasons,
        accepted=found.accepted,
        document_id=document.document_id.removeprefix("doc_") if document else None,
        issuer=document.issuer if document else None,
        utility=document.utility if document else None,
        recipient=document.recipient if document else None,
        claims={claim.n: claim.value for claim in document.claims} if document else None,
        claims_hash=document.claims_hash.hex() if document and document.claims_hash else None,
        shown_by=found.device,
        bundle_age=found.bundle_age_seconds,
        list_age=found.status_age_seconds,
    )


def of_theirs(found: reader.Reading) -> Answer:
    return Answer(
        verdict=found.verdict,
        reasons=tuple(found.reasons),
        accepted=found.accepted,
        document_id=found.document_id,
        issuer=found.issuer,
        utility=found.utility,
        recipient=found.recipient,
        claims=found.claims,
        claims_hash=found.claims_hash,
        shown_by=found.shown_by,
        bundle_age=found.bundle_age,
        list_age=found.list_age,
    )


@dataclass(frozen=True)
class Both:
    """Two verifiers that hold the same bundle at the same moment."""

    ours: TrustedBundle
    theirs: reader.Bundle
    now: int

    @classmethod
    def holding(cls, token: str, pins: list[str], now: int) -> "Both":
        return cls(TrustedBundle.from_jws(token, pins, moment(now)), reader.open_bundle(token, pins, now), now)

    def answers(
        self,
        code: str,
        *,
        fetched: Iterable[str | bytes] = (),
        gate_id: str | None = None,
        demanded: bool = False,
        nonce: bytes | None = None,
    ) -> tuple[Answer, Answer]:
        """Return our answer and theirs; each gate has seen nothing yet."""
        copies = list(fetched)
        policy = Policy(gate_id=gate_id, gate_demanded=demanded, demanded_nonce=nonce)
        trust = self.ours.holding(copies) if copies else self.ours
        mine = judge(code, trust, policy, moment(self.now), MemoryReplay())
        gate = reader.Gate(gate_id, demanded, nonce)
        other = reader.judge(code, self.theirs, self.now, gate=gate, fetched=copies)
        return of_ours(mine), of_theirs(other)

    def agreed(self, code: str, **options: Any) -> Answer:
        """Return what both say; fail where they differ in anything."""
        mine, other = self.answers(code, **options)
        assert mine == other
        return mine


def both_refuse(token: str, pins: list[str], now: int) -> bool:
    """Return whether the bundle is refused; fail where one takes what the other refuses."""
    try:
        TrustedBundle.from_jws(token, pins, moment(now))
        ours = False
    except BundleRefused:
        ours = True
    theirs = reader.newer_bundle(None, token, pins, now) is None
    assert ours == theirs
    return ours


def resigned(wallet: Wallet, token: str, root: LocalSigner, **changes: Any) -> str:
    """Return the bundle with something else in it, signed by the root again."""
    content: BundleContent = parse_bundle(token).verify(frozenset({wallet.trust.pin}))
    return sign_bundle(replace(content, **changes), root)


def verdict_of(reasons: Iterable[str]) -> str:
    """Return the verdict for reasons, as section 3 has it."""
    reasons = list(reasons)
    grave = set(reasons) & reader.INVALID
    return "invalid" if grave else "cannot_tell" if set(reasons) & reader.CANNOT_TELL else "valid"
