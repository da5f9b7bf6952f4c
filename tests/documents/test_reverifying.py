"""Whatever is wrong with one document of many is found, and named. Source: docs/security.md, S-43."""

import json
import zlib
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import delete, update

from tests.documents.people import IssuedDocument, admin_of, issue, on_one_database
from tests.support import FixedClock
from wallet.audit import AuditEvent
from wallet.documents.models import DocumentRow
from wallet.documents.revoking import RevocationReason
from wallet.formats import base45
from wallet.texts.catalogue import catalogue
from wallet.wiring import Wallet


def reseal(wallet: Wallet, document: IssuedDocument, change: Callable[[dict[str, Any]], object]) -> None:
    """Store another content in its place, sealed as it should be."""
    with wallet.work() as work:
        row = work.document_rows.get(document.id)
        assert row is not None
        content = json.loads(work.holders.unseal(row.holder_id, row.id, row.sealed))
        change(content)
        row.sealed = work.holders.seal(row.holder_id, row.id, json.dumps(content).encode())


def store(wallet: Wallet, document: IssuedDocument, **values: Any) -> None:
    with wallet.db.write() as session:
        session.execute(update(DocumentRow).where(DocumentRow.id == document.id).values(**values))


def test_what_was_issued_holds(wallet: Wallet, clock: FixedClock) -> None:
    before = wallet.reverifying.run()
    issue(wallet)
    revoked = issue(wallet, "sau")
    with wallet.work() as work:
        work.revoking.revoke(revoked.id, RevocationReason.FRAUD, admin_of(wallet))
    seen: list[tuple[int, int]] = []
    tally = wallet.reverifying.run(lambda done, total: seen.append((done, total)))
    assert (tally.mismatch, tally.verified) == (None, before.verified + 2)
    assert seen[-1][0] == seen[-1][1]
    clock.advance(days=400)
    assert wallet.reverifying.run().mismatch is None, "what has expired is no mismatch"


SPOILT: dict[str, tuple[str, Callable[[Wallet, IssuedDocument, IssuedDocument], object]]] = {
    "a claim was changed": (
        "other_claims",
        lambda w, d, _: reseal(w, d, lambda content: content["claims"].update(full_name="Ai Đó")),
    ),
    "the salt was changed": ("other_claims", lambda w, d, _: reseal(w, d, lambda c: c.update(salt="A" * 22))),
    "the code is another's": ("another_document", lambda w, d, o: reseal(w, d, lambda c: c.update(code=o.code))),
    "the code is broken": ("bad_signature", lambda w, d, _: reseal(w, d, lambda c: c.update(code=tampered(c["code"])))),
    "the code is none": ("not_a_code", lambda w, d, _: reseal(w, d, lambda c: c.update(code="XX"))),
    "the end was moved": ("other_times", lambda w, d, _: store(w, d, expires_at=d.issued_at)),
    "the kind was changed": ("another_document", lambda w, d, _: store(w, d, kind_version=7)),
    "the index was moved": ("other_status_entry", lambda w, d, _: store(w, d, status_index=0)),
    "it is revoked here alone": ("other_status", lambda w, d, _: store(w, d, revoked_at=d.issued_at)),
    "what was sealed is cut": ("sealed_unreadable", lambda w, d, _: store(w, d, sealed=b"x" * 80)),
    "nobody recorded it": ("not_recorded", lambda w, d, _: forget_record(w, d)),
}


def tampered(code: str) -> str:
    """Return the code with another signature of the same shape."""
    message = bytearray(zlib.decompress(base45.decode(code[4:])))
    message[-1] ^= 1
    return "VD1:" + base45.encode(zlib.compress(bytes(message), 9))


def forget_record(wallet: Wallet, document: IssuedDocument) -> None:
    with wallet.db.write() as session:
        session.execute(delete(AuditEvent).where(AuditEvent.subject == document.id))


@pytest.mark.parametrize("name", SPOILT)
def test_one_that_is_wrong_is_found_among_many(wallet: Wallet, name: str) -> None:
    code, spoil = SPOILT[name]
    other, document = issue(wallet, "sau"), issue(wallet)
    assert wallet.reverifying.run().mismatch is None
    spoil(wallet, document, other)
    mismatch = wallet.reverifying.run().mismatch
    assert mismatch is not None
    assert (mismatch.document_id, mismatch.what) == (document.id, code)


@on_one_database
def test_every_fault_has_words(wallet: Wallet) -> None:
    for language in ("vi", "en"):
        texts = catalogue(language)
        for code, _ in SPOILT.values():
            assert texts["reverifying"].get(code) or texts["verifier"][f"reason.{code}"]
