"""What the world fetches: the bundle, the lists, the keys. Signed, cacheable, and true soon after a revocation."""

import base64
import hashlib
import json
import zlib
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from tests.phone import CitizenPhone
from tests.support import FixedClock
from tests.utilities.plugins import plugin as made_up
from tests.web.refusals import assert_refused
from wallet.crypto.keystore import Role
from wallet.documents.forms.type_metadata import address_of, metadata_of
from wallet.documents.models import DocumentRow
from wallet.formats.status_list import get_entry, parse_status_cwt, verify_status_list
from wallet.verifier import TrustedBundle, judge
from wallet.verifier.policy import Policy
from wallet.wiring import Wallet

Make = Callable[..., CitizenPhone]

BUNDLE = "/v1/trust/bundle"
LIST = "/v1/status-lists/1"
CREDENTIAL_ISSUER = "/.well-known/jwt-vc-issuer"
JWT = "application/statuslist+jwt"
CWT = "application/statuslist+cwt"


def segment(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def payload(token: str) -> dict[str, Any]:
    return dict(json.loads(segment(token.split(".")[1])))


def header(token: str) -> dict[str, Any]:
    return dict(json.loads(segment(token.split(".")[0])))


def assert_signed(token: str, key: ec.EllipticCurvePublicKey) -> None:
    message, _, signature = token.rpartition(".")
    raw = segment(signature)
    der = encode_dss_signature(int.from_bytes(raw[:32]), int.from_bytes(raw[32:]))
    key.verify(der, message.encode(), ec.ECDSA(hashes.SHA256()))


def index_of(wallet: Wallet, document: str) -> int:
    with wallet.db.read() as session:
        return int(session.scalars(select(DocumentRow.status_index).where(DocumentRow.id == document)).one())


def published_status(client: FlaskClient, index: int) -> int:
    """Read one entry of the published list as the draft says, with nothing of ours."""
    packed = payload(client.get(LIST).text)["status_list"]
    assert packed["bits"] == 2
    entries = zlib.decompress(segment(packed["lst"]))
    return entries[index // 4] >> index % 4 * 2 & 3


def revoke(admin: CitizenPhone, document: str) -> None:
    response = admin.post(f"/v1/admin/documents/{document}/revocation", {"reason": "fraud"})
    assert response.status_code == 201, response.text


def keys_of(client: FlaskClient) -> dict[str, ec.EllipticCurvePublicKey]:
    keys = {}
    for jwk in client.get("/.well-known/jwks.json").json["keys"]:
        numbers = (int.from_bytes(segment(jwk[name])) for name in ("x", "y"))
        keys[jwk["kid"]] = ec.EllipticCurvePublicNumbers(*numbers, ec.SECP256R1()).public_key()
    return keys


# --- the bundle ------------------------------------------------------------------------------------------------


def test_bundle_is_a_signed_jws_for_everyone(client: FlaskClient, wallet: Wallet) -> None:
    response = client.get(BUNDLE)
    assert response.mimetype == "application/jwt"
    assert response.headers["Cache-Control"] == "public, max-age=5, stale-while-revalidate=30"
    head = header(response.text)
    assert (head["typ"], head["alg"]) == ("viso-bundle+jwt", "ES256")
    root = x509.load_der_x509_certificate(base64.b64decode(head["x5c"][0]))
    assert hashlib.sha256(base64.b64decode(head["x5c"][0])).hexdigest() == wallet.trust.pin
    public = root.public_key()
    assert isinstance(public, ec.EllipticCurvePublicKey)
    assert_signed(response.text, public)
    claims = payload(response.text)
    assert (claims["iss"], claims["seq"] >= 1) == ("https://vi.example.vn", True)
    assert claims["exp"] - claims["iat"] == 72 * 3600


def test_bundle_answers_304_until_it_changes(client: FlaskClient, phone_of: Make, clock: FixedClock) -> None:
    document = phone_of("an").issue_residence()
    first = client.get(BUNDLE)
    tag = first.headers["ETag"]
    for asked in ({"If-None-Match": tag}, {"If-None-Match": f'"other", {tag}'}, {"If-None-Match": "*"}):
        response = client.get(BUNDLE, headers=asked)
        assert (response.status_code, response.data) == (304, b"")
        assert response.headers["Cache-Control"] == first.headers["Cache-Control"]
    revoke(phone_of("admin1"), document)
    clock.advance(seconds=2)
    after = client.get(BUNDLE, headers={"If-None-Match": tag})
    assert after.status_code == 200
    assert after.headers["ETag"] != tag


def test_bundle_that_a_caller_demands_to_be_another_is_a_problem(client: FlaskClient) -> None:
    assert_refused(client.get(BUNDLE, headers={"If-Match": '"other"'}), 412, "version_changed")


def test_sequence_rises_by_one_and_each_bundle_names_the_one_before(
    client: FlaskClient, phone_of: Make, clock: FixedClock, wallet: Wallet
) -> None:
    citizen, admin = phone_of("an"), phone_of("admin1")
    documents = [citizen.issue_residence() for _ in range(3)]
    tokens = [client.get(BUNDLE).text]
    held = TrustedBundle.from_jws(tokens[0], [wallet.trust.pin], clock.now())
    for document in documents:
        revoke(admin, document)
        clock.advance(seconds=2)
        tokens.append(client.get(BUNDLE).text)
        held = TrustedBundle.from_jws(tokens[-1], [wallet.trust.pin], clock.now(), held)
    for before, after in pairwise(tokens):
        assert payload(after)["seq"] == payload(before)["seq"] + 1
        assert payload(after)["iat"] > payload(before)["iat"]
        digest = base64.urlsafe_b64encode(hashlib.sha256(before.encode()).digest()).rstrip(b"=").decode()
        assert payload(after)["prev"] == digest
    assert len(set(tokens)) == 4


def test_issuing_makes_no_new_bundle(client: FlaskClient, phone_of: Make, clock: FixedClock) -> None:
    """A valid entry is the absence of one: the bundle tells nobody when documents are made."""
    before = client.get(BUNDLE).data
    phone_of("an").issue_residence()
    clock.advance(seconds=5)
    assert client.get(BUNDLE).data == before


# --- the lists -------------------------------------------------------------------------------------------------


FORMS = (
    (None, JWT),
    ("*/*", JWT),
    ("application/*", JWT),
    (JWT, JWT),
    (CWT, CWT),
    (f"{CWT}, {JWT};q=0.5", CWT),
    (f"{CWT};q=0.1, {JWT};q=0.9", JWT),
    ("text/html, */*;q=0.8", JWT),
)


def test_list_comes_in_the_form_that_is_asked_for(client: FlaskClient, subtests: pytest.Subtests) -> None:
    for accept, mimetype in FORMS:
        with subtests.test(accept=accept):
            response = client.get(LIST, headers={"Accept": accept} if accept else {})
            assert response.status_code == 200, response.text
            assert response.mimetype == mimetype
            assert response.headers["Vary"] == "Accept"
            assert response.headers["Cache-Control"] == "public, max-age=5, stale-while-revalidate=30"


def test_other_form_of_a_list_is_not_acceptable(client: FlaskClient, subtests: pytest.Subtests) -> None:
    for accept in ("text/html", "application/json", "image/*", f"{JWT};q=0, {CWT};q=0"):
        with subtests.test(accept=accept):
            assert_refused(client.get(LIST, headers={"Accept": accept}), 406, "not_acceptable")


NO_LISTS = (
    "0",
    "2",
    "01",
    "1.0",
    "-1",
    "+1",
    "1e0",
    "٢",
    "x",
    "999999999",
    "9" * 40,
    "%00",
)


def test_unknown_list_is_not_found(client: FlaskClient, subtests: pytest.Subtests) -> None:
    for list_id in NO_LISTS:
        with subtests.test(list_id=list_id):
            code = "unknown_route" if list_id == "%00" else "not_found"
            assert_refused(client.get(f"/v1/status-lists/{list_id}"), 404, code)


def test_list_is_signed_for_its_own_address(client: FlaskClient) -> None:
    token = client.get(LIST).text
    claims, head = payload(token), header(token)
    assert claims["sub"] == "https://vi.example.vn" + LIST
    assert claims["exp"] > claims["iat"]
    assert claims["ttl"] > 0
    assert (head["typ"], head["alg"]) == ("statuslist+jwt", "ES256")
    assert_signed(token, keys_of(client)[head["kid"]])


def test_list_answers_304(client: FlaskClient) -> None:
    for accept in (JWT, CWT):
        tag = client.get(LIST, headers={"Accept": accept}).headers["ETag"]
        response = client.get(LIST, headers={"Accept": accept, "If-None-Match": tag})
        assert (response.status_code, response.data, response.headers["Vary"]) == (304, b"", "Accept")


def test_revocation_is_published_and_touches_one_entry(
    client: FlaskClient, phone_of: Make, clock: FixedClock, wallet: Wallet
) -> None:
    citizen = phone_of("an")
    documents = [citizen.issue_residence() for _ in range(3)]
    indices = [index_of(wallet, document) for document in documents]
    assert [published_status(client, index) for index in indices] == [0, 0, 0]
    revoke(phone_of("admin1"), documents[1])
    clock.advance(seconds=2)
    assert [published_status(client, index) for index in indices] == [0, 1, 0]


def test_cwt_says_what_the_jwt_says(client: FlaskClient, phone_of: Make, clock: FixedClock, wallet: Wallet) -> None:
    document = phone_of("an").issue_residence()
    revoke(phone_of("admin1"), document)
    clock.advance(seconds=2)
    unverified = parse_status_cwt(client.get(LIST, headers={"Accept": CWT}).data)
    claims = verify_status_list(unverified, keys_of(client)[unverified.kid])
    assert claims.uri == "https://vi.example.vn" + LIST
    assert claims.entries is not None
    assert get_entry(claims.entries, index_of(wallet, document), bits=2) == 1


def test_revocation_reaches_an_offline_verifier_with_the_next_bundle(
    client: FlaskClient, phone_of: Make, clock: FixedClock, wallet: Wallet
) -> None:
    citizen = phone_of("an")
    document = citizen.issue_residence()
    code = citizen.code_of(document)
    before = TrustedBundle.from_jws(client.get(BUNDLE).text, [wallet.trust.pin], clock.now())
    revoke(phone_of("admin1"), document)
    clock.advance(seconds=2)
    after = TrustedBundle.from_jws(client.get(BUNDLE).text, [wallet.trust.pin], clock.now(), before)
    assert judge(code, before, Policy(), clock.now()).reasons == ("ok",)
    assert judge(code, after, Policy(), clock.now()).reasons == ("revoked",)


# --- keys ------------------------------------------------------------------------------------------------------


def test_keys_have_no_private_part(client: FlaskClient) -> None:
    response = client.get("/.well-known/jwks.json")
    keys = response.json["keys"]
    assert len(keys) >= 3
    public = {"kty", "crv", "x", "y", "kid", "use", "alg", "viso_role", "x5c"}
    assert all(key.keys() == public for key in keys)
    assert len({key["kid"] for key in keys}) == len(keys)
    assert {key["viso_role"] for key in keys} == {"doc", "card", "live", "status", "sdjwt", "access"}
    for key in keys:
        certificate = base64.b64decode(key["x5c"][0])
        assert key["kid"] == hashlib.sha256(certificate).hexdigest()[:16]


def test_no_private_key_is_in_anything_public(client: FlaskClient, wallet: Wallet) -> None:
    public = b"".join(
        client.get(path).data for path in ("/.well-known/jwks.json", BUNDLE, LIST, "/openapi.json", "/v1/utilities")
    )
    files = list(wallet.settings.keys_dir.glob("*.key.pem"))
    assert files
    for file in files:
        body = "".join(file.read_text().splitlines()[1:-1]).encode()
        assert body not in public
    assert b'"d":' not in public


def test_keys_answer_304(client: FlaskClient) -> None:
    tag = client.get("/.well-known/jwks.json").headers["ETag"]
    assert client.get("/.well-known/jwks.json", headers={"If-None-Match": tag}).status_code == 304


def test_issuer_of_credentials_names_the_keys_that_sign_them(client: FlaskClient, wallet: Wallet) -> None:
    response = client.get(CREDENTIAL_ISSUER)
    assert response.mimetype == "application/json"
    assert response.json.keys() == {"issuer", "jwks"}
    assert response.json["issuer"] == wallet.settings.issuer_url
    keys = response.json["jwks"]["keys"]
    assert [key["viso_role"] for key in keys] == ["sdjwt"]
    assert [key["kid"] for key in keys] == [key.record.kid for key in wallet.keystore.keys(Role.SD_JWT)]
    assert keys == [key for key in client.get("/.well-known/jwks.json").json["keys"] if key["viso_role"] == "sdjwt"]
    tag = response.headers["ETag"]
    assert client.get(CREDENTIAL_ISSUER, headers={"If-None-Match": tag}).status_code == 304


# --- kinds of document -----------------------------------------------------------------------------------------


def test_every_kind_has_its_metadata_at_its_address(client: FlaskClient, wallet: Wallet) -> None:
    for plugin in wallet.catalogue.with_former:
        for kind in plugin.utility.documents:
            response = client.get(address_of("", kind))
            assert response.status_code == 200
            assert response.mimetype == "application/json"
            assert response.data == metadata_of(plugin, kind, wallet.settings.issuer_url)
            assert response.json["vct"] == wallet.settings.issuer_url + address_of("", kind)
            assert response.headers["Cache-Control"] == "public, max-age=86400"
            again = client.get(address_of("", kind), headers={"If-None-Match": response.headers["ETag"]})
            assert (again.status_code, again.data) == (304, b"")


def test_former_version_of_a_kind_stays(client: FlaskClient, wallet: Wallet, clock: FixedClock) -> None:
    """A document of version 1 is still about when version 2 is issued."""
    versions = tuple(
        made_up(version=n, paper={"version": n, "title": {"vi": f"Bản {n}", "en": f"V{n}"}}) for n in (1, 2)
    )
    wallet.catalogue.declare([versions])
    for number, plugin in enumerate(versions, 1):
        response = client.get(f"/v1/types/made-up/{number}")
        assert response.data == metadata_of(plugin, plugin.utility.documents[0], wallet.settings.issuer_url)
        assert response.json["display"][0]["name"] == f"Bản {number}"
    assert client.get("/v1/types/made-up/3").status_code == 404


@pytest.mark.parametrize(
    "path", ["residence/2", "residence/0", "residence/01", "residence/1.0", "residence/x", "none/1", "Residence/1"]
)
def test_unknown_kind_or_version_is_not_found(client: FlaskClient, path: str) -> None:
    response = client.get(f"/v1/types/{path}")
    assert (response.status_code, response.json["code"]) == (404, "not_found")


@pytest.mark.parametrize("method", ["post", "put", "delete", "patch"])
@pytest.mark.parametrize("path", ["/v1/types/residence/1", "/.well-known/jwt-vc-issuer"])
def test_metadata_is_only_read(client: FlaskClient, method: str, path: str) -> None:
    assert getattr(client, method)(path).status_code == 405


def test_published_answers_are_the_same_for_everyone(client: FlaskClient, phone_of: Make) -> None:
    """Nothing here depends on who asks, so that a cache may stand in between."""
    citizen = phone_of("an")
    keys = ("/.well-known/jwks.json", CREDENTIAL_ISSUER, "/v1/types/residence/1")
    for path in (BUNDLE, LIST, *keys, "/v1/utilities", "/v1/utilities/residence"):
        anonymous: TestResponse = client.get(path, headers={"Accept-Language": "en"})
        assert anonymous.data == citizen.get(path).data, path
        assert "Set-Cookie" not in anonymous.headers
        assert anonymous.headers["Cache-Control"].startswith("public"), path
