"""Checks codes, with the network dead as well: no Flask, no database, no socket."""

from wallet.verifier.answer import answer_json
from wallet.verifier.bundle import BundleRefused, BundleStore, TrustedBundle, signed_twice
from wallet.verifier.credential import judge_credential, looks_like_credential
from wallet.verifier.judgement import Judgement, VerifiedClaim, VerifiedDocument
from wallet.verifier.mdoc import judge_mdoc
from wallet.verifier.policy import Policy
from wallet.verifier.reasons import REASONS, Verdict
from wallet.verifier.replay import FileReplay, MemoryReplay, Replay
from wallet.verifier.trust import (
    AddressedTrust,
    HeldStatusList,
    StatusCopy,
    StatusLookup,
    Trust,
    TrustedKey,
    TrustedType,
)
from wallet.verifier.verify import judge, verify

__all__ = [
    "REASONS",
    "AddressedTrust",
    "BundleRefused",
    "BundleStore",
    "FileReplay",
    "HeldStatusList",
    "Judgement",
    "MemoryReplay",
    "Policy",
    "Replay",
    "StatusCopy",
    "StatusLookup",
    "Trust",
    "TrustedBundle",
    "TrustedKey",
    "TrustedType",
    "Verdict",
    "VerifiedClaim",
    "VerifiedDocument",
    "answer_json",
    "judge",
    "judge_credential",
    "judge_mdoc",
    "looks_like_credential",
    "signed_twice",
    "verify",
]
