"""Whatever is wrong with one document of many is found, and named. Source: docs/security.md, S-43."""

import json
import zlib
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import delete, update

from tests.documents.people import IssuedDocument, actor_of, admin_of, issue, on_one_database
from tests.documents.test_copies import KEY, OTHER_KEY
from tests.support import NOON, FixedClock
from wallet.audit import AuditEvent
from wallet.documents.copies import OpenedCopy
from wallet.documents.copy_revoking import CopyEnd
from wallet.documents.forms.offered import WHOLE, Form
from wallet.documents.models import DocumentCopyRow, DocumentRow
from wallet.documents.revoking import RevocationReason
from wallet.documents.suspending import SuspensionReason
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


# --- Copies in other forms ------------------------------------------------------------------------------------------


def copied(wallet: Wallet, document: IssuedDocument, key: str = "an") -> dict[Form, OpenedCopy]:
    """Have a copy of a document made in each form."""
    actor = actor_of(wallet, key)
    return {form: wallet.copying.copy(document.id, form, None if form is Form.PDF else KEY, actor) for form in WHOLE}


def change_copy(wallet: Wallet, copy: OpenedCopy, **values: Any) -> None:
    with wallet.db.write() as session:
        session.execute(update(DocumentCopyRow).where(DocumentCopyRow.id == copy.id).values(**values))


def reseal_copy(wallet: Wallet, copy: OpenedCopy, content: bytes) -> None:
    """Keep other bytes in its place, sealed as they should be."""
    with wallet.work() as work:
        row = work.documents.copy_rows.get(copy.id)
        assert row is not None
        row.sealed = work.holders.seal(row.holder_id, row.id, content)


def test_every_copy_is_verified_form_by_form(wallet: Wallet, clock: FixedClock) -> None:
    document, revoked, suspended = issue(wallet), issue(wallet, "sau"), issue(wallet, "doi")
    for each, key in ((document, "an"), (revoked, "sau"), (suspended, "doi")):
        copied(wallet, each, key)
    with wallet.work() as work:
        work.revoking.revoke(revoked.id, RevocationReason.FRAUD, admin_of(wallet))
        work.suspending.suspend(suspended.id, SuspensionReason.DATA_DISPUTED, admin_of(wallet))
    with wallet.work() as work:
        (left,) = work.copies.reserve(document.id, Form.MDOC, [OTHER_KEY], actor_of(wallet))
    seen: list[tuple[int, int]] = []
    tally = wallet.reverifying.run(lambda done, total: seen.append((done, total)))
    assert tally.mismatch is None
    assert tally.copies == {"sd_jwt": 3, "mdoc": 3, "pdf": 3, "card": 0, "live": 0}
    assert seen[-1][0] == seen[-1][1] == tally.done
    assert tally.unsigned == 1, left
    clock.advance(days=400)
    assert wallet.reverifying.run().copies == tally.copies, "what has expired is no mismatch"


def test_a_copy_that_ended_by_itself_is_as_the_lists_say(wallet: Wallet) -> None:
    copies = copied(wallet, issue(wallet))
    with wallet.work() as work:
        found = [work.documents.copy_rows.get(copy.id) for copy in copies.values()]
        work.documents.copy_revoking.revoke(filter(None, found), CopyEnd.REPLACED, admin_of(wallet))
    assert wallet.reverifying.run().mismatch is None


def test_copies_of_who_is_erased_are_counted_and_not_opened(wallet: Wallet) -> None:
    copied(wallet, issue(wallet))
    actor = actor_of(wallet)
    with wallet.work() as work:
        work.closing.close(actor)
    tally = wallet.reverifying.run()
    assert tally.mismatch is None
    assert sum(tally.copies.values()) == 0
    assert tally.erased >= 4


Copies = Mapping[Form, OpenedCopy]
SPOILT_COPIES: dict[str, tuple[str, Form, Callable[[Wallet, Copies, Copies], object]]] = {
    "a bit of the SD-JWT VC": (
        "bad_signature",
        Form.SD_JWT,
        lambda w, c, _: reseal_copy(w, c[Form.SD_JWT], other_signature(c[Form.SD_JWT].content)),
    ),
    "no SD-JWT VC": ("malformed", Form.SD_JWT, lambda w, c, _: reseal_copy(w, c[Form.SD_JWT], b"eyJ~")),
    "an mdoc that is cut": (
        "malformed",
        Form.MDOC,
        lambda w, c, _: reseal_copy(w, c[Form.MDOC], c[Form.MDOC].content[:-1]),
    ),
    "a bit of the PDF": (
        "bad_signature",
        Form.PDF,
        lambda w, c, _: reseal_copy(w, c[Form.PDF], c[Form.PDF].content.replace(b"/Title", b"/Titlf", 1)),
    ),
    "a PDF that is cut": ("malformed", Form.PDF, lambda w, c, _: reseal_copy(w, c[Form.PDF], b"%PDF-1.7\n%%EOF\n")),
    "another's SD-JWT VC": (
        "other_status_entry",
        Form.SD_JWT,
        lambda w, c, o: reseal_copy(w, c[Form.SD_JWT], o[Form.SD_JWT].content),
    ),
    "another's mdoc": (
        "other_status_entry",
        Form.MDOC,
        lambda w, c, o: reseal_copy(w, c[Form.MDOC], o[Form.MDOC].content),
    ),
    "another's PDF": (
        "other_status_entry",
        Form.PDF,
        lambda w, c, o: reseal_copy(w, c[Form.PDF], o[Form.PDF].content),
    ),
    "the seal is by another key": (
        "key_not_allowed",
        Form.PDF,
        lambda w, c, _: change_copy(w, c[Form.PDF], seal_kid="0" * 16),
    ),
    "the code is by another key": (
        "other_code",
        Form.PDF,
        lambda w, c, _: change_copy(w, c[Form.PDF], code_kid="0" * 16),
    ),
    "another holder's key": ("other_key", Form.MDOC, lambda w, c, _: change_copy(w, c[Form.MDOC], holder_key="x")),
    "a holder's key where none is": (
        "other_key",
        Form.PDF,
        lambda w, c, _: change_copy(w, c[Form.PDF], holder_key="x"),
    ),
    "the end was moved": (
        "other_times",
        Form.SD_JWT,
        lambda w, c, _: change_copy(w, c[Form.SD_JWT], expires_at=NOON + timedelta(days=1)),
    ),
    "the index was moved": (
        "other_status_entry",
        Form.MDOC,
        lambda w, c, _: change_copy(w, c[Form.MDOC], status_index=0),
    ),
    "it is revoked here alone": (
        "other_status",
        Form.MDOC,
        lambda w, c, _: change_copy(w, c[Form.MDOC], revoked_at=NOON),
    ),
    "what was sealed is cut": (
        "sealed_unreadable",
        Form.PDF,
        lambda w, c, _: change_copy(w, c[Form.PDF], sealed=b"x" * 80),
    ),
    "nobody recorded it": ("not_recorded", Form.SD_JWT, lambda w, c, _: forget_copying(w, c[Form.SD_JWT])),
}


def other_signature(content: bytes) -> bytes:
    """Return an SD-JWT VC with another signature of the same shape."""
    token, rest = content.split(b"~", 1)
    head, payload, signature = token.split(b".")
    return b".".join((head, payload, signature[:-8] + b"AAAAAAAA")) + b"~" + rest


def forget_copying(wallet: Wallet, copy: OpenedCopy) -> None:
    """Forget every copy of the document on record; the first that is looked at is told."""
    with wallet.db.write() as session:
        of_it = AuditEvent.subject == copy.document_id, AuditEvent.action == "document.copied"
        session.execute(delete(AuditEvent).where(*of_it))
        others = DocumentCopyRow.document_id == copy.document_id, DocumentCopyRow.id != copy.id
        session.execute(delete(DocumentCopyRow).where(*others))


@pytest.mark.parametrize("name", SPOILT_COPIES)
def test_a_copy_that_is_wrong_is_found_among_many(wallet: Wallet, name: str) -> None:
    code, form, spoil = SPOILT_COPIES[name]
    other, document = copied(wallet, issue(wallet, "sau"), "sau"), issue(wallet)
    copies = copied(wallet, document)
    assert wallet.reverifying.run().mismatch is None
    spoil(wallet, copies, other)
    mismatch = wallet.reverifying.run().mismatch
    assert mismatch is not None
    assert mismatch == (document.id, code, copies[form].id)


@on_one_database
def test_every_fault_has_words(wallet: Wallet) -> None:
    for language in ("vi", "en"):
        texts = catalogue(language)
        for code in [code for code, *_ in (*SPOILT.values(), *SPOILT_COPIES.values())]:
            assert texts["reverifying"].get(code) or texts["verifier"][f"reason.{code}"]
