"""What a sealed PDF costs, against what nobody can do without: typesetting the same page."""

from datetime import UTC
from functools import partial

from bench.cases import ORDER, Bench, Row, opened
from bench.deployment import citizen_of
from bench.timing import WALL, race
from wallet.crypto.keystore import Key, Role
from wallet.documents.forms import pdf
from wallet.documents.forms.page import page
from wallet.documents.forms.stated import Copy, StatedDocument
from wallet.documents.forms.typesetting import glyphs, typeset
from wallet.entropy import SystemEntropy
from wallet.wiring import Wallet

SD_JWT = "e30." * 1500 + "~"
"""As long as one of a residence document is, about 6 kB."""


def printing(bench: Bench) -> list[Row]:
    """A document of one page to its sealed PDF, once the process is warm."""
    with opened(bench.template) as wallet:
        document, key, now = _document(wallet), _seal(wallet), wallet.clock.now()
        copy = Copy(document.issued_at, document.expires_at, f"{document.issuer_url}/v1/status-lists/1", 1)
        content = page(document, copy, now, glyphs().printable)
        made_at = document.issued_at.astimezone(UTC)
        variants = {
            "sealed": lambda: pdf.make(
                document, copy, key.signer, SystemEntropy(), SD_JWT, chain=key.chain, sealed_at=now
            ),
            "page": lambda: typeset(content, document.code, (), made_at),
        }
        found = race(
            variants, rounds=bench.effort.rounds, calls=1, clock=WALL, on_round=partial(bench.on_step, "a sealed PDF")
        )
    return [Row("PDF", "typeset, attached, sealed", found["sealed"].best, "typeset", found["page"].best)]


def _document(wallet: Wallet) -> StatedDocument:
    actor, settings = citizen_of(wallet), wallet.settings
    with wallet.work() as work:
        made = work.requests.submit(ORDER, actor)
    with wallet.read() as work:
        held = work.holding.get(str(made.document_id), actor)
        content = work.holding.content(held.id, actor)
    plugin = wallet.catalogue.plugin(held.utility)
    return StatedDocument(
        id=held.id,
        plugin=plugin,
        kind=plugin.utility.document(held.kind),
        issuer_url=settings.issuer_url,
        issuer_code=settings.issuer_code,
        issuer_name={"vi": settings.issuer_name_vi, "en": settings.issuer_name_en},
        issued_at=held.issued_at,
        expires_at=held.expires_at,
        claims=content.claims,
        salt=content.salt,
        code=content.code,
    )


def _seal(wallet: Wallet) -> Key:
    return next(key for key in reversed(wallet.keystore.keys(Role.SEAL)) if key.record.state == "active")
