"""Vectors of a bundle whose status lists are older than those of the one it replaces. Source: docs/wire.md, 4 and 5."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.support import NOON
from tests.verifier.world import ISSUER, SECOND, World, key_entry
from wallet.crypto.signing import LocalSigner
from wallet.formats.trust_bundle import IssuerEntry
from wallet.verifier import Policy, TrustedBundle, judge

OLDER = NOON - timedelta(minutes=20)
NEWER = NOON - timedelta(minutes=10)
NAMES = {"vi": "Cơ quan mẫu", "en": "Sample authority"}


def carried_list_cases(world: World, next_signer: LocalSigner) -> Iterator[dict[str, Any]]:
    """Yield bundles that are taken, with what a code then comes to, whose entry is 9. next_signer: of later lists."""
    code = world.document_code()
    newer = {value: world.status_jwt({9: value}, issued_at=NEWER) for value in (0, 1, 2)}
    older = {value: world.status_jwt({9: value}, issued_at=OLDER) for value in (0, 1, 2)}
    over = world.status_jwt({9: 1}, issued_at=OLDER, expires_at=NEWER)
    ahead = world.status_jwt({9: 1}, issued_at=NOON + 61 * SECOND)
    entries = {
        state: (*world.entries(status={"state": state}), key_entry(next_signer, "status"))
        for state in ("retired", "revoked")
    }
    issuers = {state: (IssuerEntry(ISSUER, NAMES, keys),) for state, keys in entries.items()}
    by_next = world.status_jwt({}, issued_at=OLDER, signer=next_signer)

    def case(name: str, held: Sequence[str], offered: Sequence[str], reasons: str, **more: Any) -> dict[str, Any]:
        return {
            "name": f"lists: {name}",
            "section": "5",
            "token": _bundle(world, offered, seq=7, **more),
            "reason": None,
            "held": _bundle(world, held, seq=5),
            "text": code,
            "reasons": [reasons],
        }

    yield case("an older one does not replace a newer one", [newer[1]], [older[0]], "revoked")
    yield case("an older one that says suspended neither", [newer[0]], [older[2]], "ok")
    yield case("a newer one does", [older[2]], [newer[0]], "ok")
    yield case("of the same second that of the new bundle counts", [newer[1]], [newer[0]], "ok")
    yield case("of several the newest", [older[0], newer[1]], [over, older[0]], "revoked")
    yield case("one that the new bundle lacks stays", [newer[1]], [], "revoked")
    yield case("one that the new bundle lacks, and that is over, does not", [over], [], "status_unknown")
    yield case("one that is dated ahead does not", [older[0], ahead], [older[0]], "ok")
    yield case("its key is retired", [newer[1]], [by_next], "revoked", issuers=issuers["retired"])
    yield case("its key is revoked", [newer[1]], [by_next], "ok", issuers=issuers["revoked"])
    yield case(
        "its key is revoked, and there is no other", [newer[1]], [], "status_unknown", issuers=issuers["revoked"]
    )


def reasons_then(case: Mapping[str, Any], pins: Sequence[str], now: int) -> list[str]:
    """Return what Python says of the code once the bundle was taken."""
    moment = datetime.fromtimestamp(now, UTC)
    held = TrustedBundle.kept(case["held"], pins)
    return list(
        judge(case["text"], TrustedBundle.from_jws(case["token"], pins, moment, held), Policy(), moment).reasons
    )


def _bundle(world: World, lists: Sequence[str], **changes: Any) -> str:
    return world.bundle(*lists, **changes) if lists else world.bundle(status_lists=(), **changes)
