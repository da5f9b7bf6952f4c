"""SD-JWT VC: libraries that others wrote take what we make, and we take what they make, key binding included.

openvc (Python, in `.oracle`), @sd-jwt/sd-jwt-vc and jose (Node.js).
"""

from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.documents.forms.stated import ISSUER, examples, first_of_each
from tests.documents.people import on_one_database
from tests.interop.credentials import AUDIENCE, DEMAND, NONCE, HolderKey, Issuer
from tests.interop.environments import ask_node, ask_oracle, need_node, need_oracle
from wallet.crypto.certificates import read_certificate
from wallet.crypto.jwk import key_of_jwk
from wallet.crypto.keystore import Role
from wallet.documents.forms.stated import StatedDocument
from wallet.errors import Malformed, VerificationFailed
from wallet.formats.key_binding import Demand
from wallet.formats.sd_jwt_vc import present_credential
from wallet.utilities.catalogue import Catalogue
from wallet.wiring import Wallet

REGISTERED = {"iss", "iat", "exp", "vct", "vct#integrity", "cnf", "status"}
THEIRS = {
    "full_name": "Nguyễn Văn Ấn",
    "address": {"street": "12 Lê Lợi", "ward": "Bến Nghé"},
    "places": ["Hà Nội", "Huế", "Đà Nẵng"],
    "permanent": True,
}


@pytest.fixture(scope="module")
def issuer(tmp_path_factory: pytest.TempPathFactory) -> Issuer:
    return Issuer(tmp_path_factory.mktemp("interop-keys"))


@pytest.fixture(scope="module")
def documents(built_in: Catalogue) -> dict[str, StatedDocument]:
    return first_of_each(built_in)


@pytest.fixture(scope="module")
def household(built_in: Catalogue) -> StatedDocument:
    """A confirmation of residence that names the household."""
    return next(d for _, d in examples(built_in) if len(d.claims.get("household_members", ())) > 1)


@pytest.fixture(params=["oracle", "node"])
def other(request: pytest.FixtureRequest) -> str:
    """Whose library it is; each test runs with both."""
    need_oracle() if request.param == "oracle" else need_node()
    return str(request.param)


def ask(other: str, lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return ask_oracle("sd_jwt_second.py", lines) if other == "oracle" else ask_node("sd_jwt.mjs", lines)


def verifying(issuer: Issuer, text: str, *, bound: bool = True, **more: Any) -> dict[str, Any]:
    """Return the question whether a text is good, as both understand it."""
    line: dict[str, Any] = {
        "do": "verify",
        "text": text,
        "now": issuer.seconds,
        "iss": ISSUER,
        "leaf": issuer.leaf,
        "root": issuer.root,
        "status_list": issuer.status_list({}),
        "status_key": issuer.status_leaf,
    }
    return line | ({"audience": AUDIENCE, "nonce": NONCE} if bound else {}) | more


def claims_of(answer: dict[str, Any]) -> dict[str, Any]:
    assert "error" not in answer, answer
    return {name: value for name, value in answer["claims"].items() if name not in REGISTERED}


def test_every_kind_of_document_is_read_whole(issuer: Issuer, documents: dict[str, StatedDocument], other: str) -> None:
    lines = [
        verifying(issuer, issuer.make(document), bound=False, type=issuer.type_of(document))
        for document in documents.values()
    ]
    for (code, document), answer in zip(documents.items(), ask(other, lines), strict=True):
        assert claims_of(answer) == document.claims, code
        assert not answer["bound"]
        assert answer["claims"]["vct"] == f"{ISSUER}/v1/types/{code}/{document.kind.version}"


def test_what_our_holder_shows_is_read_and_bound(issuer: Issuer, household: StatedDocument, other: str) -> None:
    document, records, part = household, "household_members", "full_name"
    wanted: dict[str, tuple[list[Any], dict[str, Any]]] = {
        "nothing": ([], {}),
        "a claim": ([("full_name",)], {"full_name": document.claims["full_name"]}),
        "one member": ([(records, 0)], {records: [document.claims[records][0]]}),
        "a part": ([(records, 1, part)], {records: [{part: document.claims[records][1][part]}]}),
    }
    text = issuer.make(document)
    lines = [verifying(issuer, present_credential(text, paths, issuer.binding())) for paths, _ in wanted.values()]
    for (name, (_, claims)), answer in zip(wanted.items(), ask(other, lines), strict=True):
        assert claims_of(answer) == claims, name
        assert answer["bound"], name


def test_what_is_not_good_is_refused_by_all(issuer: Issuer, documents: dict[str, StatedDocument], other: str) -> None:
    text = issuer.make(documents["residence"])
    good = present_credential(text, [("full_name",)], issuer.binding())
    jwt, disclosure, binding = good.split("~")
    more = text.split("~")[1]
    stranger = HolderKey()
    bad = {
        "signature of the issuer": f"{jwt[:-4]}AAAA~{disclosure}~{binding}",
        "claim changed": f"{jwt}~{disclosure[:-4]}AAAA~{binding}",
        "shown beside the binding": f"{jwt}~{disclosure}~{more}~{binding}",
        "less than was bound": f"{jwt}~{binding}",
        "no binding": f"{jwt}~{disclosure}~",
        "binding by a stranger": present_credential(text, [("full_name",)], issuer.binding(holder=stranger)),
        "another audience": present_credential(text, [("full_name",)], issuer.binding(audience="https://x.example")),
        "another nonce": present_credential(text, [("full_name",)], issuer.binding(nonce="x")),
    }
    for (name, each), answer in zip(bad.items(), ask(other, [verifying(issuer, t) for t in bad.values()]), strict=True):
        assert "error" in answer, (name, answer)
        with pytest.raises((Malformed, VerificationFailed)):
            issuer.check(each)
    assert issuer.check(good).bound


def test_another_root_is_no_root(issuer: Issuer, documents: dict[str, StatedDocument], tmp_path: Path) -> None:
    """The chain in x5c leads to our root and no other, and names the issuer."""
    need_oracle()
    line = verifying(issuer, issuer.make(documents["residence"]), bound=False)
    answers = ask(
        "oracle",
        [line, line | {"root": Issuer(tmp_path).root}, line | {"iss": "https://x.example"}],
    )
    assert ["error" in answer for answer in answers] == [False, True, True]


def test_metadata_of_the_type_is_held_against_its_integrity(
    issuer: Issuer, documents: dict[str, StatedDocument], other: str
) -> None:
    document = documents["residence"]
    text, metadata = issuer.make(document), issuer.type_of(document)
    lines = [verifying(issuer, text, bound=False, type=each) for each in (metadata, metadata.replace("sd", "sD", 1))]
    good, bad = ask(other, lines)
    assert "error" not in good
    assert "error" in bad
    if other == "node":
        assert good["type"]["claims"][0]["display"][0]["locale"] == "vi"


def test_status_is_read_from_our_list(issuer: Issuer, documents: dict[str, StatedDocument]) -> None:
    need_node()
    text = issuer.make(documents["residence"], index=9)
    lists = [issuer.status_list(values) for values in ({}, {9: 1}, {9: 2}, {8: 1})]
    answers = ask("node", [verifying(issuer, text, bound=False, status_list=each) for each in lists])
    assert ["error" in answer for answer in answers] == [False, True, True, False]
    wrong = verifying(issuer, text, bound=False, status_key=issuer.leaf)
    assert "error" in ask("node", [wrong])[0]


def test_what_their_holder_shows_of_ours_is_taken(
    issuer: Issuer, documents: dict[str, StatedDocument], other: str
) -> None:
    document = documents["residence"]
    given = {"text": issuer.make(document), "holder": issuer.holder.private_jwk, "audience": AUDIENCE, "nonce": NONCE}
    if other == "oracle":  # it shows everything
        (answer,) = ask(other, [given | {"do": "bind"}])
        expected = document.claims
    else:
        frame = {"full_name": True}
        (answer,) = ask(other, [given | {"do": "present", "frame": frame, "now": issuer.seconds}])
        expected = {"full_name": document.claims["full_name"]}
    found = issuer.check(answer["text"])
    assert found.claims == expected
    assert found.bound
    for demand in (Demand(AUDIENCE, "another"), Demand("https://x.example", NONCE)):
        with pytest.raises(VerificationFailed, match="wrong_gate"):
            issuer.check(answer["text"], demand=demand)


def test_what_they_issue_is_taken_and_shown_on(issuer: Issuer, other: str) -> None:
    theirs = HolderKey()
    claims = {"iss": "https://issuer.example", "iat": issuer.seconds - 60}
    if other == "oracle":
        line = {
            "do": "issue",
            "claims": claims | THEIRS,
            "disclosable": list(THEIRS),
            "vct": "urn:example:1",
            "issuer": theirs.private_jwk,
            "holder": issuer.holder.jwk,
            "expires_in": 3600,
            "decoys": 3,
        }
    else:
        claims |= {"vct": "urn:example:1", "exp": issuer.seconds + 3600, "cnf": {"jwk": issuer.holder.jwk}}
        frame = {
            "_sd": list(THEIRS),
            "_sd_decoy": 3,
            "address": {"_sd": ["street", "ward"]},
            "places": {"_sd": [0, 1, 2], "_sd_decoy": 2},
        }
        line = {"do": "issue", "payload": claims | THEIRS, "frame": frame, "issuer": theirs.private_jwk}
    (answer,) = ask(other, [line])
    found = issuer.check(answer["text"], theirs.jwk, None)
    assert (found.claims, found.vct, found.issuer) == (THEIRS, "urn:example:1", "https://issuer.example")
    with pytest.raises(VerificationFailed, match="bad_signature"):
        issuer.check(answer["text"], issuer.holder.jwk, None)
    paths = [("full_name",)] + ([("places", 1), ("address", "ward")] if other == "node" else [])
    shown = present_credential(answer["text"], paths, issuer.binding())
    expected: dict[str, Any] = {"full_name": THEIRS["full_name"]}
    if other == "node":
        expected |= {"places": ["Huế"], "address": {"ward": "Bến Nghé"}}
    bound = issuer.check(shown, theirs.jwk, DEMAND)
    assert (bound.claims, bound.bound) == (expected, True)


@on_one_database
def test_key_is_found_by_who_knows_the_issuers_address_alone(client: FlaskClient, wallet: Wallet) -> None:
    need_oracle()
    metadata = client.get("/.well-known/jwt-vc-issuer").json
    signer = wallet.keystore.signer(Role.SD_JWT)
    line = {"do": "key", "metadata": metadata, "iss": ISSUER, "kid": signer.kid}
    answers = ask(
        "oracle", [line, line | {"kid": "0" * 16}, line | {"iss": ISSUER + "/"}, line | {"iss": "https://x.vn"}]
    )
    assert ["error" in answer for answer in answers] == [False, True, True, True]
    assert key_of_jwk(answers[0]["key"]) == read_certificate(signer.certificate_der).public_key


def test_a_third_library_reads_both_jwts(issuer: Issuer, documents: dict[str, StatedDocument]) -> None:
    need_node()
    shown = present_credential(issuer.make(documents["residence"]), [], issuer.binding())
    credential, binding = shown.split("~")
    common = {"do": "jose", "now": issuer.seconds}
    holder = {"key": issuer.holder.jwk}
    answers = ask(
        "node",
        [
            common | {"token": credential, "typ": "dc+sd-jwt", "leaf": issuer.leaf},
            common | {"token": binding, "typ": "kb+jwt"} | holder,
            common | {"token": credential, "typ": "kb+jwt", "leaf": issuer.leaf},
            common | {"token": credential, "typ": "dc+sd-jwt"} | holder,
            common | {"token": credential, "typ": "dc+sd-jwt", "leaf": issuer.leaf, "now": issuer.seconds + 10**8},
        ],
    )
    assert ["error" in answer for answer in answers] == [False, False, True, True, True]
    assert answers[0]["claims"]["iss"] == ISSUER
    assert answers[1]["claims"].keys() == {"iat", "aud", "nonce", "sd_hash"}
