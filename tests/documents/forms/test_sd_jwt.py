"""Every document as SD-JWT VC: what it says, what it keeps to itself, and how it is shown."""

import base64
from collections.abc import Iterator
from typing import Any

import pytest

from tests.documents.forms.stated import ISSUER, LIST_URI, copy_of, examples, first_of_each, stated
from tests.formats.sd_jwts import AUDIENCE, DEMAND, NONCE, Makers
from tests.support import NOON, SeededEntropy
from tests.utilities.plugins import plugin
from wallet.crypto import jws
from wallet.documents.forms import sd_jwt, type_metadata
from wallet.documents.forms.stated import StatedDocument
from wallet.errors import Malformed
from wallet.formats.claims_set import StatusReference
from wallet.formats.key_binding import Binding
from wallet.formats.sd_jwt_vc import certificate_chain, parse_credential, present_credential
from wallet.utilities.base import Claim, Kind
from wallet.utilities.catalogue import Catalogue


@pytest.fixture(scope="module")
def makers() -> Makers:
    return Makers()


@pytest.fixture(scope="module")
def documents(built_in: Catalogue) -> dict[str, StatedDocument]:
    return first_of_each(built_in)


def made(makers: Makers, document: StatedDocument, seed: str = "copy", **changes: Any) -> str:
    copy = copy_of(document, **({"holder_key": makers.holder_jwk} | changes))
    return sd_jwt.make(document, copy, makers.issuer, SeededEntropy(seed))


def payload_of(text: str) -> dict[str, Any]:
    return jws.json_object(parse_credential(text).signed.payload)


def words(value: Any) -> Iterator[str]:
    """Yield every text of six letters or more in a value, names of members too."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield name
            yield from words(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from words(inner)
    elif isinstance(value, str) and len(value) >= 6:
        yield value


def test_every_example_says_what_it_states_and_nothing_else(makers: Makers, built_in: Catalogue) -> None:
    for name, document in examples(built_in):
        found = makers.check(made(makers, document))
        assert found.claims == document.claims, name
        assert found.vct == f"{ISSUER}/v1/types/{document.kind.code}/{document.kind.version}"
        assert found.status == StatusReference(7, LIST_URI)
        assert found.issued_at == int(NOON.timestamp())
        assert found.expires_at == int(document.expires_at.timestamp())


def test_everybody_sees_what_a_verifier_needs_and_no_claim(
    makers: Makers, documents: dict[str, StatedDocument]
) -> None:
    seen = {"iss", "iat", "exp", "vct", "vct#integrity", "cnf", "status", "_sd", "_sd_alg"}
    for code, document in documents.items():
        text = made(makers, document)
        payload = payload_of(text)
        assert payload.keys() == seen, code
        assert payload["iss"] == ISSUER
        assert payload["cnf"] == {"jwk": makers.holder_jwk}
        bare = parse_credential(present_credential(text, []))
        told = bare.signed.payload.decode() + str(dict(bare.header))
        kept = set(words(document.claims)) - {"number"}  # the word is part of others that everybody uses
        assert not [word for word in kept if f'"{word}"' in told], code


def test_no_copy_names_the_document(makers: Makers, documents: dict[str, StatedDocument]) -> None:
    document = documents["residence"]
    text = made(makers, document)
    parts = [base64.urlsafe_b64decode(part + "==") for part in text.replace(".", "~").split("~")]
    for secret in (document.id, document.id.removeprefix("doc_"), document.code, document.salt):
        assert not any(secret.encode() in part for part in parts)


def test_two_copies_cannot_be_linked(makers: Makers, documents: dict[str, StatedDocument]) -> None:
    document = documents["residence"]
    one = made(makers, document, "one")
    other = made(makers, document, "other", status_index=91, holder_key=None)
    assert not set(payload_of(one)["_sd"]) & set(payload_of(other)["_sd"])
    assert not set(one.split("~")[:-1]) & set(other.split("~")[:-1])
    assert "cnf" not in payload_of(other)


def test_number_of_digests_is_that_of_the_kind(makers: Makers, built_in: Catalogue) -> None:
    """No certificate hints by its length at what it leaves out."""
    for name, document in examples(built_in):
        payload = payload_of(made(makers, document))
        assert len(payload["_sd"]) == len(document.kind.claims), name


def test_chain_is_the_signers_certificate_alone(makers: Makers, documents: dict[str, StatedDocument]) -> None:
    read = parse_credential(made(makers, documents["residence"]))
    assert certificate_chain(read) == (makers.issuer.certificate_der,)
    assert read.header["kid"] == makers.issuer.kid


def test_one_household_member_is_shown_alone(makers: Makers, documents: dict[str, StatedDocument]) -> None:
    document = next(
        each for each in documents.values() if any(claim.kind is Kind.RECORDS for claim in each.kind.claims)
    )
    claim = next(each for each in document.kind.claims if each.kind is Kind.RECORDS and each.name in document.claims)
    records = document.claims[claim.name]
    part = next(name for name in claim.parts if name in records[0])
    binding = Binding(makers.holder, AUDIENCE, NONCE, NOON)
    text = present_credential(made(makers, document), [(claim.name, 0, part)], binding)
    found = makers.check(text, DEMAND)
    assert found.claims == {claim.name: [{part: records[0][part]}]}
    assert found.bound
    others = set(words(records[1:])) - set(words(records[0])) - set(claim.parts)
    parts = [base64.urlsafe_b64decode(each + "==") for each in text.replace(".", "~").split("~")]
    assert not [word for word in others if any(word.encode() in each for each in parts)]


def test_each_part_of_each_record_has_a_disclosure_of_its_own(
    makers: Makers, documents: dict[str, StatedDocument]
) -> None:
    for document in documents.values():
        count = sum(_disclosures(value) for value in document.claims.values())
        assert len(made(makers, document).split("~")) - 2 == count


def _disclosures(value: Any) -> int:
    if isinstance(value, dict):
        return 1 + sum(_disclosures(inner) for inner in value.values())
    return 1 + sum(_disclosures(inner) for inner in value) if isinstance(value, list) else 1


def test_two_hundred_guests_fit(makers: Makers, documents: dict[str, StatedDocument]) -> None:
    document = documents["lodging_receipt"]
    claim = next(each for each in document.kind.claims if each.name == "guest_list")
    guests = [{part: f"Nguyễn Thị Hồng Hạnh {n} {part}" for part in claim.parts} for n in range(200)]
    claims = {**document.claims, "guest_list": guests}
    text = made(makers, stated(document.plugin, document.kind, claims))
    assert makers.check(text).claims == claims


@pytest.mark.parametrize("name", ["status", "iss", "exp", "vct", "cnf", "sub", "iat"])
def test_claim_with_a_name_that_a_jwt_needs_is_refused(makers: Makers, name: str) -> None:
    strange = plugin(
        paper={"claims": (Claim(1, name),)}, texts={lang: {"claims": {name: "x"}} for lang in ("vi", "en")}
    )
    with pytest.raises(Malformed):
        made(makers, stated(strange, strange.utility.documents[0], {name: "x"}))


def test_integrity_is_that_of_the_metadata_as_it_is_served(
    makers: Makers, documents: dict[str, StatedDocument]
) -> None:
    for document in documents.values():
        payload = payload_of(made(makers, document))
        expected = type_metadata.integrity(document.plugin, document.kind, ISSUER)
        assert payload["vct#integrity"] == expected
        assert payload["vct"] == type_metadata.address_of(ISSUER, document.kind)
