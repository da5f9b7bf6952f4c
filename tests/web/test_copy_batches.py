"""Copies in batches over HTTP: each for a key that the phone shows to have, each its own, all gone with the phone."""

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from tests.documents.people import copies_of, status_of
from tests.documents.test_copies import watch
from tests.documents.test_signing import Watched
from tests.phone import CitizenPhone, compact_jws
from tests.support import FixedClock, Mailbox
from tests.web.refusals import assert_refused, field_errors
from tests.web.test_copies import judged
from tests.web.test_devices import replace_phone
from tests.web.test_fhir import CARD, issued
from tests.web.test_passkeys import Browser
from tests.web.test_wards import for_ward, register
from wallet.crypto.jwk import public_jwk
from wallet.crypto.jws import json_object
from wallet.crypto.keystore import Role
from wallet.formats.mdoc.issuer_signed import issuer_signed_of
from wallet.formats.mdoc.values import map_of, read
from wallet.formats.sd_jwt_vc import parse_credential
from wallet.identity.compact_jws import thumbprint
from wallet.terms import Actor, Status
from wallet.web.copies import MOST_COPIES
from wallet.wiring import Wallet

Make = Callable[..., CitizenPhone]
Unchanged = Callable[[], AbstractContextManager[None]]
Events = Callable[[str], list[dict[str, Any]]]

FORMS = pytest.mark.parametrize("form", ["sd_jwt", "mdoc"])
FILES = {"sd_jwt": "document.sdjwt", "mdoc": "document.mdoc"}


def key(number: int) -> ec.EllipticCurvePrivateKey:
    return ec.derive_private_key(0xBA7C4 + number, ec.SECP256R1())


def proof(phone: CitizenPhone, nonce: str | None, number: int = 0, *, signer: int | None = None, **changes: Any) -> str:
    """Prove to have a key as a wallet of any maker does; None leaves a claim or a header member out."""
    jwk = public_jwk(key(number).public_key())
    header = {"typ": "openid4vci-proof+jwt", "alg": "ES256", "jwk": jwk, **changes.pop("header", {})}
    claims = {"aud": phone.wallet.settings.issuer_url, "nonce": nonce, "iat": phone.now(), **changes}
    header, claims = ({name: each for name, each in part.items() if each is not None} for part in (header, claims))
    return compact_jws(header, claims, key(number if signer is None else signer))


def proofs(phone: CitizenPhone, count: int, first: int = 0) -> list[str]:
    nonce = phone.challenge()
    return [proof(phone, nonce, first + number) for number in range(count)]


def path(document: str) -> str:
    return f"/v1/documents/{document}/copies"


def batch(phone: CitizenPhone, document: str, form: str, count: int = 3, **options: Any) -> list[dict[str, Any]]:
    response = phone.post(path(document), {"form": form, "proofs": proofs(phone, count)}, **options)
    assert response.status_code == 201, response.text
    return list((response.json or {})["data"])


# --- What is refused ------------------------------------------------------------------------------------------------

WRONG: dict[str, Callable[[CitizenPhone, str], str]] = {
    "another's signature": lambda p, n: proof(p, n, signer=9),
    "another typ": lambda p, n: proof(p, n, header={"typ": "JWT"}),
    "no typ": lambda p, n: proof(p, n, header={"typ": None}),
    "no algorithm": lambda p, n: proof(p, n, header={"alg": "none"}),
    "no key": lambda p, n: proof(p, n, header={"jwk": None}),
    "two keys": lambda p, n: proof(p, n, header={"kid": "1"}),
    "a private key": lambda p, n: proof(p, n, header={"jwk": {**public_jwk(key(0).public_key()), "d": "AA"}}),
    "for somebody else": lambda p, n: proof(p, n, aud="https://example.vn"),
    "for nobody": lambda p, n: proof(p, n, aud=None),
    "no nonce": lambda p, _: proof(p, None),
    "no time": lambda p, n: proof(p, n, iat=None),
    "a time that is none": lambda p, n: proof(p, n, iat=True),
    "from the future": lambda p, n: proof(p, n, iat=p.now() + 61),
    "from long ago": lambda p, n: proof(p, n, iat=p.now() - 600),
    "no JWT": lambda p, n: "x",
}


@pytest.mark.parametrize("name", WRONG)
def test_s29_a_proof_that_is_none_makes_no_copy(phone_of: Make, unchanged: Unchanged, name: str) -> None:
    citizen = phone_of("an")
    document, nonce = citizen.issue_residence(), citizen.challenge()
    with unchanged():
        order = {"form": "sd_jwt", "proofs": [WRONG[name](citizen, nonce)]}
        body = assert_refused(citizen.post(path(document), order), 422, "invalid_input")
        assert field_errors(body) == {"/proofs/0": "invalid_proof"}


def test_everything_that_is_wrong_is_told_at_once(phone_of: Make, unchanged: Unchanged) -> None:
    citizen, other = phone_of("an"), phone_of("sau")
    document, nonce, theirs = citizen.issue_residence(), citizen.challenge(), other.challenge()
    wrong = [
        proof(citizen, nonce, 0),
        proof(citizen, nonce, 1, signer=2),
        proof(citizen, nonce, 0),
        proof(citizen, theirs, 3),
        proof(citizen, "A" * 75, 4),
    ]
    with unchanged():
        body = assert_refused(citizen.post(path(document), {"form": "mdoc", "proofs": wrong}), 422, "invalid_input")
        assert field_errors(body) == {
            "/proofs/1": "invalid_proof",
            "/proofs/2": "repeated",
            "/proofs/3": "invalid_nonce",
            "/proofs/4": "invalid_nonce",
        }
    assert citizen.post(path(document), {"form": "mdoc", "proofs": wrong[:1]}).status_code == 201, "nothing is used up"


@pytest.mark.parametrize(
    ("order", "fields"),
    [
        ({}, {"/form": "required", "/proofs": "required"}),
        ({"form": "pdf", "proofs": ["x"]}, {"/form": "not_a_choice"}),
        ({"form": "sd_jwt", "proofs": []}, {"/proofs": "invalid_length"}),
        ({"form": "sd_jwt", "proofs": ["x"] * (MOST_COPIES + 1)}, {"/proofs": "invalid_length"}),
        ({"form": "fhir", "proofs": ["", "x" * 2049]}, None),
        ({"form": "sd_jwt", "proofs": ["x"], "claims": {}}, {"/claims": "unknown_field"}),
    ],
)
def test_an_order_that_is_wrong_is_refused_by_field(
    phone_of: Make, unchanged: Unchanged, order: dict[str, Any], fields: dict[str, str] | None
) -> None:
    citizen = phone_of("an")
    document = citizen.issue_residence()
    with unchanged():
        body = assert_refused(citizen.post(path(document), order), 422, "invalid_input")
        found = field_errors(body)
        assert found == fields if fields is not None else found.keys() == {"/form", "/proofs/0", "/proofs/1"}


def test_s29_a_nonce_is_used_once(wallet: Wallet, phone_of: Make, unchanged: Unchanged, clock: FixedClock) -> None:
    citizen = phone_of("an")
    document, nonce = citizen.issue_residence(), citizen.challenge()
    assert citizen.post(path(document), {"form": "sd_jwt", "proofs": [proof(citizen, nonce)]}).status_code == 201
    late = citizen.challenge()
    with unchanged():
        again = citizen.post(path(document), {"form": "sd_jwt", "proofs": [proof(citizen, nonce, 1)]})
        assert field_errors(assert_refused(again, 422, "invalid_input")) == {"/proofs/0": "invalid_nonce"}
    clock.advance(minutes=3)
    with unchanged():
        over = citizen.post(path(document), {"form": "sd_jwt", "proofs": [proof(citizen, late, 1)]})
        assert field_errors(assert_refused(over, 422, "invalid_input")) == {"/proofs/0": "invalid_nonce"}


def test_what_is_anothers_or_nowhere_has_no_copies(phone_of: Make, unchanged: Unchanged) -> None:
    citizen, stranger = phone_of("an"), phone_of("sau")
    document = citizen.issue_residence()
    (mine,) = batch(citizen, document, "sd_jwt", 1)
    other = citizen.issue_residence()
    with unchanged():
        order = {"form": "sd_jwt", "proofs": proofs(stranger, 1)}
        for where in (document, f"doc_{'0' * 32}"):
            assert_refused(stranger.post(path(where), order), 404, "not_found")
        assert_refused(stranger.get(mine["href"]), 404, "not_found")
        assert_refused(citizen.get(f"{path(other)}/{mine['id']}"), 404, "not_found")
        assert_refused(citizen.get(f"{path(document)}/cpy_{'0' * 32}"), 404, "not_found")


def test_who_is_not_proven_well_enough_gets_none(phone_of: Make, unchanged: Unchanged) -> None:
    citizen = phone_of("an")
    document = citizen.issue_residence()
    order, alone = {"form": "sd_jwt", "proofs": proofs(citizen, 1)}, phone_of("an", password=False)
    with unchanged():
        assert_refused(alone.post(path(document), order), 401, "step_up_required")
        assert_refused(citizen.post(path(document), order, key=None), 400, "idempotency_key_required")


def test_a_browser_has_no_phone_that_they_could_end_with(phone_of: Make, unchanged: Unchanged) -> None:
    citizen = phone_of("an")
    document = citizen.issue_residence()
    order, browser = {"form": "sd_jwt", "proofs": proofs(citizen, 1)}, Browser(citizen).register().sign_in()
    headers = {"Authorization": f"Bearer {browser.tokens['access_token']}", "Idempotency-Key": "one"}
    with unchanged():
        response = browser.client.post(path(document), json=order, headers=headers)
        assert_refused(response, 409, "form_needs_device")


def test_what_is_sensitive_needs_a_fresh_authentication(
    wallet: Wallet, phone_of: Make, clock: FixedClock, unchanged: Unchanged
) -> None:
    sensitive = issued(wallet, CARD)
    citizen = phone_of("an")
    (made,) = batch(citizen, sensitive, "mdoc", 1)
    clock.advance(timedelta(minutes=5, seconds=1))
    with unchanged():
        order = {"form": "mdoc", "proofs": proofs(citizen, 1, 5)}
        assert_refused(citizen.post(path(sensitive), order), 401, "step_up_required")
        assert_refused(citizen.get(made["href"]), 401, "step_up_required")


@FORMS
def test_a_document_that_is_revoked_gives_none_out(phone_of: Make, unchanged: Unchanged, form: str) -> None:
    citizen, admin = phone_of("an"), phone_of("admin1")
    document = citizen.issue_residence()
    (made,) = batch(citizen, document, form, 1)
    assert admin.post(f"/v1/admin/documents/{document}/revocation", {"reason": "fraud"}).status_code == 201
    with unchanged():
        order = {"form": form, "proofs": proofs(citizen, 1, 5)}
        assert_refused(citizen.post(path(document), order), 409, "form_needs_valid_document")
        assert_refused(citizen.get(made["href"]), 409, "form_needs_valid_document")


def test_more_batches_than_a_day_has_are_refused(phone_of: Make, unchanged: Unchanged, clock: FixedClock) -> None:
    citizen = phone_of("an")
    document = citizen.issue_residence()
    for _ in range(10):
        batch(citizen, document, "sd_jwt", 1)
    with unchanged():
        order = {"form": "sd_jwt", "proofs": proofs(citizen, 1, 7)}
        assert_refused(citizen.post(path(document), order), 429, "too_many_attempts")
    clock.advance(days=1, seconds=1)
    citizen.sign_in()
    batch(citizen, document, "sd_jwt", 1)


# --- What is made ---------------------------------------------------------------------------------------------------


def unlike(form: str, content: bytes) -> tuple[str, set[Any], int]:
    """Return of one copy: its key's thumbprint, what else must be its own, and when it begins."""
    if form == "mdoc":
        issuer_signed = issuer_signed_of(map_of(read(content)))
        jwk, mso = public_jwk(issuer_signed.mso.device_key), issuer_signed.mso
        digests: set[Any] = {digest for each in mso.digests.values() for digest in each.values()}
        assert mso.status is not None
        own = digests | {mso.status, issuer_signed.auth.proof}
        return thumbprint(jwk["x"], jwk["y"]), own, int(mso.signed.timestamp())
    parsed = parse_credential(content.decode())
    payload = json_object(parsed.signed.payload)
    place = payload["status"]["status_list"]
    own = {*payload["_sd"], *(each.text for each in parsed.disclosures), (place["uri"], place["idx"])}
    return thumbprint(payload["cnf"]["jwk"]["x"], payload["cnf"]["jwk"]["y"]), own, payload["iat"]


@FORMS
def test_a_batch_has_a_copy_for_each_key_and_nothing_links_two(
    wallet: Wallet, phone_of: Make, unchanged: Unchanged, events: Events, clock: FixedClock, form: str
) -> None:
    citizen = phone_of("an")
    document = citizen.issue_residence()
    clock.advance(minutes=7, seconds=13)
    made = batch(citizen, document, form, MOST_COPIES)
    jwks = [public_jwk(key(number).public_key()) for number in range(MOST_COPIES)]
    assert [each["key"] for each in made] == [thumbprint(jwk["x"], jwk["y"]) for jwk in jwks]
    assert len({each["id"] for each in made}) == MOST_COPIES
    seen: set[Any] = set()
    begun = set()
    for each in made:
        assert each.keys() == {"id", "form", "media_type", "href", "key", "expires_at"}
        with unchanged():
            response = citizen.get(each["href"])
        assert (response.status_code, response.mimetype) == (200, each["media_type"])
        assert response.headers["Cache-Control"] == "private, no-store"
        assert judged(wallet, FILES[form], response.data).reasons == ("ok",)
        assert document.removeprefix("doc_").encode() not in response.data
        bound, own, begin = unlike(form, response.data)
        assert bound == each["key"]
        assert not seen & own, "something is common to two copies"
        seen |= own
        begun.add(begin)
        again = citizen.get(each["href"], headers={"If-None-Match": response.headers["ETag"]})
        assert (again.status_code, again.data) == (304, b"")
    (begin,) = begun
    assert begin != citizen.now(), "not when it was made"
    assert begin % 60 == 0
    assert [event["subject"] for event in events("document.copied")] == [document] * MOST_COPIES
    assert wallet.reverifying.run().copies[form] == MOST_COPIES


def test_the_same_order_again_gives_the_same_answer_and_makes_nothing(
    wallet: Wallet, phone_of: Make, unchanged: Unchanged
) -> None:
    citizen = phone_of("an")
    document = citizen.issue_residence()
    order = {"form": "sd_jwt", "proofs": proofs(citizen, 2)}
    first = citizen.post(path(document), order, key="one")
    with unchanged():
        again = citizen.post(path(document), order, key="one")
    assert (again.status_code, again.json) == (201, first.json)
    assert again.headers["Idempotent-Replayed"] == "true"
    assert len(copies_of(wallet)) == 2


def test_a_key_that_has_a_copy_keeps_it(wallet: Wallet, phone_of: Make) -> None:
    citizen = phone_of("an")
    document = citizen.issue_residence()
    first = batch(citizen, document, "sd_jwt", 2)
    assert batch(citizen, document, "sd_jwt", 3)[:2] == first
    assert len(copies_of(wallet)) == 3
    batch(citizen, document, "mdoc", 1)
    assert len(copies_of(wallet)) == 4, "another form is another copy"


def test_a_signer_that_is_away_leaves_a_batch_that_the_same_order_completes(
    wallet: Wallet, phone_of: Make, unchanged: Unchanged
) -> None:
    citizen = phone_of("an")
    document = citizen.issue_residence()
    watched: Watched = watch(wallet, Role.SD_JWT)
    watched.away = True
    order = {"form": "sd_jwt", "proofs": proofs(citizen, 2)}
    assert_refused(citizen.post(path(document), order, key="one"), 503, "signing_unavailable")
    left = copies_of(wallet)
    assert [row.signed_at for row in left] == [None, None]
    watched.away = False
    response = citizen.post(path(document), order, key="one")
    assert response.status_code == 201, response.text
    made = (response.json or {})["data"]
    assert {each["id"] for each in made} == {row.id for row in left}
    assert all(row.signed_at is not None for row in copies_of(wallet))
    with unchanged():
        assert judged(wallet, "document.sdjwt", citizen.get(made[0]["href"]).data).accepted


def test_a_guardian_gets_a_wards_copies_on_their_own_phone(wallet: Wallet, phone_of: Make) -> None:
    phone = phone_of("an")
    ward = register(phone)
    document = phone.post("/v1/requests", {"utility": "residence"}, **for_ward(ward)).json["document_id"]
    made = batch(phone, document, "mdoc", 2, **for_ward(ward))
    assert_refused(phone.get(made[0]["href"]), 404, "not_found")
    response = phone.get(made[0]["href"], **for_ward(ward))
    assert judged(wallet, "document.mdoc", response.data).accepted


# --- How they end ---------------------------------------------------------------------------------------------------


@FORMS
def test_an_unbound_phone_takes_its_copies_with_it_and_nothing_else(
    wallet: Wallet, phone_of: Make, events: Events, form: str
) -> None:
    """Whoever found the phone has its keys: the copies are revoked in the very transaction that unbinds it."""
    phone, other = phone_of("an"), phone_of("sau")
    ward = register(phone)
    wards = phone.post("/v1/requests", {"utility": "residence"}, **for_ward(ward)).json["document_id"]
    document, theirs = phone.issue_residence(), other.issue_residence()
    files = [phone.get(f"/v1/documents/{document}/{FILES[form]}").data]
    files += [phone.get(each["href"]).data for each in batch(phone, document, form, 2)]
    files += [phone.get(each["href"], **for_ward(ward)).data for each in batch(phone, wards, form, 1, **for_ward(ward))]
    pdf, kept = phone.get(f"/v1/documents/{document}/document.pdf"), other.get(f"/v1/documents/{theirs}/{FILES[form]}")
    assert (pdf.status_code, kept.status_code) == (200, 200)
    assert phone.call("DELETE", f"/v1/me/devices/{phone.own.device_id}").status_code == 204
    assert [judged(wallet, FILES[form], each).reasons for each in files] == [("revoked",)] * 4
    assert judged(wallet, FILES[form], kept.data).accepted
    found = {
        (row.form, row.document_id): (row.revoked_at is not None, status_of(wallet, row)) for row in copies_of(wallet)
    }
    assert found == {
        (form, document): (True, Status.INVALID),
        (form, wards): (True, Status.INVALID),
        (form, theirs): (False, Status.VALID),
        ("pdf", document): (False, Status.VALID),
    }
    ended = events("document.copy_revoked")
    assert {event["subject"] for event in ended} == {document, wards}
    assert {event["reason"] for event in ended} == {"device_unbound"}
    with wallet.read() as work:
        row = work.document_rows.get(document)
    assert row is not None
    assert row.revoked_at is None, "the document stands"
    assert wallet.reverifying.run().mismatch is None


def test_a_copy_that_ended_stays_ended_when_its_document_is_reinstated(wallet: Wallet, phone_of: Make) -> None:
    phone, admin = phone_of("an"), phone_of("admin1")
    document = phone.issue_residence()
    batch(phone, document, "sd_jwt", 1)
    assert phone.call("DELETE", f"/v1/me/devices/{phone.own.device_id}").status_code == 204
    where = f"/v1/admin/documents/{document}"
    assert admin.post(f"{where}/suspension", {"reason": "data_disputed"}).status_code == 201
    (row,) = copies_of(wallet)
    assert status_of(wallet, row) is Status.INVALID
    assert admin.post(f"{where}/reinstatement", {"reason": "ground_gone"}).status_code == 201
    assert status_of(wallet, row) is Status.INVALID


def test_a_phone_that_is_unbound_while_its_copy_is_signed_gets_none(wallet: Wallet, phone_of: Make) -> None:
    phone = phone_of("an")
    document = phone.issue_residence()
    watched = watch(wallet, Role.SD_JWT)
    real = watched.real

    class Slow:
        kid, certificate_der = real.kid, real.certificate_der

        def sign(self, message: bytes) -> bytes:
            with wallet.work() as work:
                work.devices.unbind(phone.own.device_id, "holder_asked", Actor("system"))
            return real.sign(message)

    watched.real = Slow()
    assert_refused(phone.get(f"/v1/documents/{document}/document.sdjwt"), 409, "copy_over")
    (row,) = copies_of(wallet)
    assert (row.signed_at, row.revoked_at is not None) == (None, True)
    assert status_of(wallet, row) is Status.INVALID


def test_of_a_phone_that_is_unbound_at_the_same_moment_no_copy_stays_valid(wallet: Wallet, phone_of: Make) -> None:
    phone = phone_of("an")
    document = phone.issue_residence()
    order = {"form": "sd_jwt", "proofs": proofs(phone, 4)}
    application = phone.client.application
    answers: list[int] = []

    def ask() -> None:
        answers.append(
            application.test_client()
            .post(path(document), json=order, headers={**phone.headers, "Idempotency-Key": "one"})
            .status_code
        )

    def unbind() -> None:
        where = f"/v1/me/devices/{phone.own.device_id}"
        answers.append(application.test_client().delete(where, headers=phone.headers).status_code)

    threads = [threading.Thread(target=each) for each in (ask, unbind)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert 204 in answers
    assert all(code < 500 for code in answers)
    assert {status_of(wallet, row) for row in copies_of(wallet)} <= {Status.INVALID}


def test_the_next_phone_asks_for_its_own(wallet: Wallet, phone_of: Make, client: Any, mailbox: Mailbox) -> None:
    phone = phone_of("an")
    document = phone.issue_residence()
    first = phone.get(f"/v1/documents/{document}/document.sdjwt").data
    new = replace_phone(wallet, client, mailbox, "hai")
    headers = new.sign_in(phone.persona.number, phone.own.password)
    second = client.get(f"/v1/documents/{document}/document.sdjwt", headers=headers)
    assert second.status_code == 200, second.text
    assert judged(wallet, "document.sdjwt", first).reasons == ("revoked",)
    assert judged(wallet, "document.sdjwt", second.data).accepted


def test_a_closed_account_leaves_no_wards_copies_on_its_phone(wallet: Wallet, phone_of: Make) -> None:
    phone = phone_of("an")
    ward = register(phone)
    document = phone.post("/v1/requests", {"utility": "residence"}, **for_ward(ward)).json["document_id"]
    batch(phone, document, "mdoc", 1, **for_ward(ward))
    with wallet.work() as work:
        account = work.devices.find(phone.own.device_id)
        assert account is not None
        work.accounts.close(account.account_id, Actor("system"))
    (row,) = copies_of(wallet)
    assert (row.revoked_at is not None, status_of(wallet, row)) == (True, Status.INVALID)
    with wallet.read() as work:
        kept = work.document_rows.get(document)
    assert kept is not None
    assert kept.revoked_at is None, "the ward keeps the document"
