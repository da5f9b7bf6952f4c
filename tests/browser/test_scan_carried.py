"""What a scanner holds of status lists when a newer bundle comes with an older one."""

import time
from dataclasses import replace
from datetime import UTC, datetime

from tests.browser.scanner import Desk, Gate, need_pages, wait_until
from wallet.crypto.keystore import Role
from wallet.formats.claims_set import StatusReference
from wallet.formats.trust_bundle import BundleContent, parse_bundle, sign_bundle

need_pages()

LATELY_REVOKED = 300


def content_of(gate: Gate) -> BundleContent:
    return parse_bundle(gate.wallet.trust.bundle().token.decode()).verify(frozenset([gate.wallet.trust.pin]))


def test_revocation_is_not_taken_back_by_a_newer_bundle_with_an_older_list(desk: Desk, gate: Gate) -> None:
    older = content_of(gate).status_lists
    with gate.wallet.work() as work:
        work.documents.rows.set_status(1, LATELY_REVOKED, 1, datetime.now(UTC))
    deadline = time.monotonic() + 20
    while content_of(gate).status_lists == older and time.monotonic() < deadline:
        time.sleep(0.3)
    desk.open()
    code = gate.codes.paper(status=StatusReference(LATELY_REVOKED, gate.wallet.trust.status_uri(1)))
    held = content_of(gate)
    offered = replace(held, seq=held.seq + 2, status_lists=older)
    token = sign_bundle(offered, gate.wallet.keystore.signer(Role.BUNDLE_ROOT))
    desk.page.route("**/v1/trust/bundle", lambda route: route.fulfill(body=token, content_type="application/jwt"))
    for _ in range(2):  # the bundle is news to the page at first, and then what it has kept
        desk.page.reload()
        desk.page.wait_for_selector(".strip.fresh")
        wait_until(desk.page, lambda: token in desk.kept())
        desk.wedge(code)
        desk.outcome("revoked")
