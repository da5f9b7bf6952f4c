"""What a kind of document said of itself is kept: it answers whatever is installed, for documents are about."""

import json
import threading
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from structlog.testing import capture_logs

from tests.documents.people import actor_of, issue, order_for
from tests.documents.test_restoring import backup
from tests.phone import CitizenPhone
from tests.support import FixedClock
from tests.utilities.plugins import plugin as made_up
from tests.web.refusals import assert_refused
from wallet.documents.copy_checking import CopyChecking, claims_of
from wallet.documents.forms.offered import Form
from wallet.documents.forms.type_metadata import metadata_of
from wallet.documents.kept_types import KeptTypes
from wallet.documents.models import TypeMetadataRow
from wallet.documents.repository import TypeRepository
from wallet.errors import Unavailable, UnknownUtility
from wallet.formats.sd_jwt_vc import integrity_of, parse_credential
from wallet.utilities.catalogue import Catalogue, Plugin
from wallet.verifier import Policy, TrustedBundle, Verdict, judge, judge_credential
from wallet.web.app import create_app
from wallet.wiring import Wallet
from wallet.wiring.transaction import Work

RESIDENCE = "/v1/types/residence/1"


def raised(plugin: Plugin) -> Plugin:
    """Return the next release of a plug-in: every document of it is another version, by another name."""
    documents = tuple(
        replace(kind, version=kind.version + 1, title={"vi": "Bản mới", "en": "New"})
        for kind in plugin.utility.documents
    )
    return replace(plugin, utility=replace(plugin.utility, documents=documents))


@contextmanager
def with_installed(wallet: Wallet, *plugins: Plugin) -> Iterator[Wallet]:
    """Another process of the same deployment, in which these utilities are installed and no others."""
    catalogue = Catalogue({plugin.utility.code: plugin for plugin in plugins})
    other = Wallet.build(wallet.settings, clock=wallet.clock, catalogue=catalogue)
    try:
        yield other
    finally:
        other.close()


def rows_of(wallet: Wallet) -> dict[tuple[str, int], bytes]:
    with wallet.db.read() as session:
        rows = session.scalars(select(TypeMetadataRow))
        return {(row.kind, row.version): row.content for row in rows}


def forget(wallet: Wallet) -> None:
    """Leave the table as a database has it that is older than the table."""
    with wallet.db.write() as session:
        session.execute(TypeMetadataRow.__table__.delete())  # type: ignore[attr-defined]


def keep(work: Work, **changes: Any) -> None:
    """Keep one kind, in a transaction."""
    found = work.wallet.catalogue.issued("residence", 1)
    assert found is not None
    work.documents.keep_type(found[0], replace(found[1], **changes))


def test_what_is_kept_nowhere_and_installed_nowhere_is_not_found(wallet: Wallet, client: FlaskClient) -> None:
    before = rows_of(wallet)
    for path in ("residence/2", "residence/0", "made-up/1", "residence/1.0", "residence/01"):
        assert_refused(client.get(f"/v1/types/{path}"), 404, "not_found")
    assert rows_of(wallet) == before


def test_a_kind_that_was_tried_and_never_issued_is_forgotten(wallet: Wallet, client: FlaskClient) -> None:
    wallet.catalogue.declare([(made_up(),)])
    assert client.get("/v1/types/made-up/1").status_code == 200
    wallet.catalogue.declare([])
    assert_refused(client.get("/v1/types/made-up/1"), 404, "not_found")


def test_an_issuing_that_fails_keeps_nothing(wallet: Wallet) -> None:
    forget(wallet)

    def issue_and_fail() -> None:
        actor = actor_of(wallet)
        with wallet.work() as work:
            keep(work)
            work.issuing.issue(order_for(actor, "made-up"), actor)

    with pytest.raises(UnknownUtility):
        issue_and_fail()
    assert rows_of(wallet) == {}


def test_what_is_kept_is_never_another(wallet: Wallet) -> None:
    """Of a plug-in that changes its words and not its version, documents already issued have the hash of the former."""
    before = rows_of(wallet)
    assert ("residence", 1) in before
    with wallet.work() as work:
        keep(work, title={"vi": "Khác", "en": "Other"})
    assert rows_of(wallet) == before


def reworded(plugin: Plugin) -> Plugin:
    """Return a release of a plug-in whose words changed, and not the versions of its documents."""
    documents = tuple(replace(kind, title={"vi": "Khác", "en": "Other"}) for kind in plugin.utility.documents)
    return replace(plugin, utility=replace(plugin.utility, documents=documents))


def of(copy: bytes) -> dict[str, Any]:
    """Return what an SD-JWT VC says openly."""
    return dict(json.loads(parse_credential(copy.decode()).signed.payload))


def test_words_that_changed_without_their_version_break_no_document_before_or_after(wallet: Wallet) -> None:
    actor = actor_of(wallet)
    before = of(wallet.copying.copy(issue(wallet).id, Form.SD_JWT, None, actor).content)
    kept = rows_of(wallet)
    assert wallet.kept_types.changed(wallet.catalogue) == []
    with with_installed(wallet, *(reworded(plugin) for plugin in wallet.catalogue)) as other:
        with capture_logs() as logs:
            other.prepare()
        told = {entry["kind"] for entry in logs if entry["event"] == "words of a kind changed without its version"}
        assert told == {f"{code}/{version}" for code, version in kept}
        after = of(other.copying.copy(issue(other).id, Form.SD_JWT, None, actor).content)
        answer = create_app(other).test_client().get(RESIDENCE)
        assert (answer.status_code, integrity_of(answer.data)) == (200, before["vct#integrity"])
        assert after["vct#integrity"] == before["vct#integrity"]
        assert other.reverifying.run().mismatch is None
    with with_installed(wallet) as other:  # nor once the package is away
        answer = create_app(other).test_client().get(RESIDENCE)
        assert (answer.status_code, integrity_of(answer.data)) == (200, after["vct#integrity"])
    assert rows_of(wallet) == kept


@pytest.mark.parametrize("installed", ["the same", "reworded", "nothing"])
def test_a_service_that_moved_serves_its_kinds_as_what_it_issues_there_names_them(
    wallet: Wallet, installed: str
) -> None:
    issue(wallet)
    settings, kept = replace(wallet.settings, issuer_url="https://moved.example.vn"), rows_of(wallet)
    moved = Wallet.build(settings, clock=wallet.clock, catalogue=wallet.catalogue)
    moved.prepare()
    copy = of(moved.copying.copy(issue(moved).id, Form.SD_JWT, None, actor_of(wallet)).content)
    moved.close()
    plugins = {"the same": list(wallet.catalogue), "reworded": [reworded(each) for each in wallet.catalogue]}
    catalogue = Catalogue({plugin.utility.code: plugin for plugin in plugins.get(installed, [])})
    later = Wallet.build(settings, clock=wallet.clock, catalogue=catalogue)
    answer = create_app(later).test_client().get(RESIDENCE)
    later.close()
    assert answer.status_code == 200
    assert json.loads(answer.data)["vct"] == copy["vct"] == f"https://moved.example.vn{RESIDENCE}"
    assert integrity_of(answer.data) == copy["vct#integrity"]
    assert rows_of(wallet) == kept


def test_a_kind_that_is_installed_answers_while_the_database_is_away(
    wallet: Wallet, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = rows_of(wallet)["residence", 1]
    with with_installed(wallet, *wallet.catalogue) as other:

        @contextmanager
        def away() -> Iterator[Any]:
            raise Unavailable("dependency_unavailable")
            yield

        monkeypatch.setattr(other.kept_types, "reading", away)
        client = create_app(other).test_client()
        assert client.get(RESIDENCE).data == expected
        assert_refused(client.get("/v1/types/residence/2"), 503, "dependency_unavailable")


def test_a_prepared_deployment_keeps_what_is_installed(wallet: Wallet) -> None:
    forget(wallet)
    wallet.prepare()
    wallet.prepare()
    installed = {
        (kind.code, kind.version): metadata_of(plugin, kind, wallet.settings.issuer_url)
        for plugin in wallet.catalogue
        for kind in plugin.utility.documents
    }
    assert rows_of(wallet) == installed


def test_a_document_and_a_copy_keep_their_kind_with_themselves(wallet: Wallet) -> None:
    forget(wallet)
    document = issue(wallet)
    assert list(rows_of(wallet)) == [("residence", 1)]
    forget(wallet)
    wallet.copying.copy(document.id, Form.SD_JWT, None, actor_of(wallet))
    assert list(rows_of(wallet)) == [("residence", 1)]


def test_of_two_that_keep_one_kind_at_once_one_does(wallet: Wallet) -> None:
    forget(wallet)
    barrier = threading.Barrier(2)

    def keeping() -> None:
        barrier.wait(10)
        with wallet.work() as work:
            keep(work)

    with ThreadPoolExecutor(2) as pool:
        for kept in [pool.submit(keeping) for _ in range(2)]:
            kept.result(30)
    assert list(rows_of(wallet)) == [("residence", 1)]


def test_whoever_looks_while_types_are_read_finds_none_or_all(wallet: Wallet) -> None:
    """Requests go through them, to judge and to sign, while another thread reads what was stored since."""
    stored, seen = rows_of(wallet), []

    def one_by_one(rows: list[TypeMetadataRow]) -> Iterator[TypeMetadataRow]:
        for row in rows:
            yield row
            seen.append(len(kept.entries(())))

    class OneByOne:
        def __init__(self, rows: TypeRepository) -> None:
            self.rows = rows

        def but(self, known: Collection[tuple[str, int]]) -> Iterator[TypeMetadataRow]:
            return one_by_one(self.rows.but(known))

    @contextmanager
    def reading() -> Iterator[Any]:
        with wallet.kept_types.reading() as rows:
            yield OneByOne(rows)

    kept = KeptTypes(reading, wallet.settings.issuer_url, wallet.clock)
    kept.refresh()
    assert seen == [0] * len(stored)
    assert kept.revision == len(kept.entries(())) == len(stored) > 1


@pytest.mark.parametrize("installed", ["newer", "nothing"])
def test_metadata_of_a_former_version_answers_with_the_bytes_that_documents_name(
    wallet: Wallet, installed: str
) -> None:
    """A document outlives the release that issued it, and the package."""
    document = issue(wallet)
    copy = wallet.copying.copy(document.id, Form.SD_JWT, None, actor_of(wallet))
    credential = json.loads(parse_credential(copy.content.decode()).signed.payload)
    newer = [raised(plugin) for plugin in wallet.catalogue] if installed == "newer" else []
    with with_installed(wallet, *newer) as other:
        client = create_app(other).test_client()
        answer = client.get(credential["vct"].removeprefix(wallet.settings.issuer_url))
        assert answer.status_code == 200
        assert answer.mimetype == "application/json"
        assert integrity_of(answer.data) == credential["vct#integrity"]
        assert answer.headers["Cache-Control"] == "public, max-age=86400"
        again = client.get(RESIDENCE, headers={"If-None-Match": answer.headers["ETag"]})
        assert (again.status_code, again.data) == (304, b"")
        if newer:
            assert json.loads(client.get("/v1/types/residence/2").data)["display"][0]["name"] == "Bản mới"
        else:
            assert_refused(client.get("/v1/types/residence/2"), 404, "not_found")


@pytest.mark.parametrize("installed", ["newer", "nothing"])
def test_a_verifier_without_network_still_names_the_claims(wallet: Wallet, installed: str) -> None:
    document = issue(wallet)
    copy = wallet.copying.copy(document.id, Form.SD_JWT, None, actor_of(wallet))
    newer = [raised(plugin) for plugin in wallet.catalogue] if installed == "newer" else []
    with with_installed(wallet, *newer) as other:
        bundle = other.trust.bundle().token.decode()
        online = other.trust.trust().addressed(wallet.settings.issuer_url)
    now = wallet.clock.now()
    trust = TrustedBundle.from_jws(bundle, [wallet.trust.pin], now)
    for judgement in (
        judge(document.code, trust, Policy(), now),
        judge(document.code, online, Policy(), now),
        judge_credential(copy.content.decode(), trust, Policy(), now),
    ):
        assert judgement.verdict is Verdict.VALID
        assert judgement.document is not None
        assert judgement.document.title == wallet.catalogue.get("residence").documents[0].title
        assert all(claim.label is not None for claim in judgement.document.claims)


@pytest.mark.parametrize("installed", ["newer", "nothing"])
def test_every_form_of_a_former_version_is_verified_again(
    wallet: Wallet, clock: FixedClock, phone_of: Callable[..., CitizenPhone], installed: str
) -> None:
    """`wallet documents check` after an update, or after a package was taken away: while a card counts and later."""
    phone = phone_of("an")
    document = phone.issue_residence()
    assert phone.post(f"/v1/documents/{document}/cards", {"count": 2}).status_code == 201
    for form in (Form.SD_JWT, Form.PDF):
        wallet.copying.copy(document, form, None, actor_of(wallet))
    newer = [raised(plugin) for plugin in wallet.catalogue] if installed == "newer" else []
    with with_installed(wallet, *newer) as other:
        for later in (timedelta(0), timedelta(hours=wallet.settings.card_hours + 1)):
            clock.advance(later)
            tally = other.reverifying.run()
            assert tally.mismatch is None
            assert (tally.copies["card"], tally.copies["sd_jwt"], tally.copies["pdf"]) == (2, 1, 1)


CHANGED: dict[str, Callable[[dict[str, Any]], object]] = {
    "another value": lambda claims: claims.update(full_name="Ai Đó"),
    "what the document does not state": lambda claims: claims.pop("full_name"),
}


@pytest.mark.parametrize("name", CHANGED)
@pytest.mark.parametrize("installed", ["the same", "newer", "nothing"])
def test_a_card_that_shows_something_else_is_found_whatever_is_installed(
    wallet: Wallet, phone_of: Callable[..., CitizenPhone], installed: str, name: str
) -> None:
    phone = phone_of("an")
    document = phone.issue_residence()
    assert phone.post(f"/v1/documents/{document}/cards", {"count": 1}).status_code == 201
    same = list(wallet.catalogue)
    plugins = {"the same": same, "newer": [raised(plugin) for plugin in same], "nothing": []}[installed]
    with with_installed(wallet, *plugins) as other, other.read() as work:
        (row,) = work.documents.copy_rows.after("", 9)
        issued = work.documents.rows.get(document)
        assert issued is not None
        content = work.holders.unseal(row.holder_id, row.id, row.sealed)
        claims = dict(claims_of(work.holders.unseal(issued.holder_id, issued.id, issued.sealed)))
        checking, now = CopyChecking(other.trust, other.keystore), other.clock.now()
        assert checking.fault(row, issued, content, claims, now) == ""
        CHANGED[name](claims)
        assert checking.fault(row, issued, content, claims, now) == "other_claims"


def test_two_releases_that_serve_side_by_side_tell_the_same_types(wallet: Wallet, clock: FixedClock) -> None:
    """While a deployment is updated process by process, the bundle is not made anew by each in turn."""
    issue(wallet)
    with with_installed(wallet, *(raised(plugin) for plugin in wallet.catalogue)) as other:
        other.prepare()
        newer = other.trust.bundle()
        clock.advance(minutes=1)
        for each in (wallet, other, wallet):
            each.trust.publish()
            assert each.trust.bundle().content_key == newer.content_key


def test_a_database_put_back_keeps_what_it_kept(wallet: Wallet) -> None:
    issue(wallet)
    restore = backup(wallet)
    before = rows_of(wallet)
    forget(wallet)
    restore()
    assert rows_of(wallet) == before
