"""The examples of RFC 9901 are read, and what they would be with one thing changed is not."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from wallet.crypto.jwk import key_of_jwk
from wallet.errors import Malformed, VerificationFailed
from wallet.formats.disclosures import read_disclosure
from wallet.formats.key_binding import Demand
from wallet.formats.revealing import reveal
from wallet.formats.sd_jwt import parse_sd_jwt
from wallet.formats.sd_jwt_vc import parse_credential, verify_credential

VECTORS = Path(__file__).parents[1] / "vectors" / "sd-jwt"
KEY = key_of_jwk(json.loads((VECTORS / "rfc9901-A.5-issuer.json").read_text()))
TYP = "example+sd-jwt"
SIGNED = datetime.fromtimestamp(1748537243, UTC)
DEMAND = Demand("https://verifier.example.org", "1234567890")
ADDRESS = {"street_address": "123 Main St", "locality": "Anytown", "region": "Anystate", "country": "US"}
ALWAYS = {"iss", "iat", "exp", "sub", "cnf", "nationalities"}


def text_of(name: str) -> str:
    return "".join((VECTORS / name).read_text().split())


def test_issued_example_is_read_whole() -> None:
    claims = parse_sd_jwt(text_of("rfc9901-5.1-issuance.txt"), typ=TYP).verify(KEY).revealed.claims
    assert {name: value for name, value in claims.items() if name not in ALWAYS} == {
        "given_name": "John",
        "family_name": "Doe",
        "email": "johndoe@example.com",
        "phone_number": "+1-202-555-0101",
        "phone_number_verified": True,
        "address": ADDRESS,
        "birthdate": "1940-01-01",
        "updated_at": 1570000000,
    }
    assert (claims["sub"], claims["nationalities"]) == ("user_42", ["US", "DE"])
    assert "_sd" not in claims
    assert "_sd_alg" not in claims


def test_presented_example_is_read_and_bound() -> None:
    verified = parse_sd_jwt(text_of("rfc9901-5.2-presentation.txt"), typ=TYP).verify(KEY)
    verified.verify_key_binding(DEMAND, SIGNED)
    claims = verified.revealed.claims
    assert claims.keys() == ALWAYS | {"given_name", "family_name", "address"}
    assert (claims["nationalities"], claims["address"]) == (["US"], ADDRESS)


def test_our_showing_of_the_issued_example_holds_what_the_presented_one_holds() -> None:
    issued = parse_sd_jwt(text_of("rfc9901-5.1-issuance.txt"), typ=TYP)
    shown = issued.showing([("given_name",), ("family_name",), ("address",), ("nationalities", 0)])
    presented = text_of("rfc9901-5.2-presentation.txt")
    assert set(shown.split("~")) == {*presented.split("~")[:-1], ""}


def test_credential_of_the_appendix_is_read_and_bound() -> None:
    read = parse_credential(text_of("rfc9901-A.3-presentation.txt"))
    found = verify_credential(read, KEY, SIGNED, demand=DEMAND)
    assert (found.issuer, found.vct) == ("https://pid-issuer.bund.de.example", "urn:eudi:pid:de:1")
    assert found.claims == {"age_equal_or_over": {"18": True}, "nationalities": ["DE"]}
    assert found.bound


@pytest.mark.parametrize(
    ("demand", "later", "code"),
    [
        (Demand("https://verifier.example.com", "1234567890"), 0, "wrong_gate"),
        (Demand("https://verifier.example.org", "1234567891"), 0, "wrong_gate"),
        (DEMAND, 360, "live_too_old"),
        (DEMAND, -61, "live_from_future"),
        (DEMAND, 1883000060 - 1748537243, "expired"),
    ],
)
def test_credential_of_the_appendix_elsewhere_or_at_another_time_is_refused(
    demand: Demand, later: int, code: str
) -> None:
    read = parse_credential(text_of("rfc9901-A.3-presentation.txt"))
    with pytest.raises(VerificationFailed) as refused:
        verify_credential(read, KEY, SIGNED + timedelta(seconds=later), demand=demand)
    assert refused.value.code == code


def test_example_of_another_type_is_no_credential() -> None:
    with pytest.raises(VerificationFailed, match="wrong_type"):
        parse_credential(text_of("rfc9901-5.1-issuance.txt"))


RECURSIVE: dict[str, Any] = json.loads((VECTORS / "rfc9901-6.3-recursive.json").read_text())


@pytest.mark.parametrize("name", sorted(RECURSIVE["digests"]))
def test_digests_are_those_of_the_text(name: str) -> None:
    found = read_disclosure(RECURSIVE["disclosures"][name])
    assert found.name == name
    assert found.digest() == RECURSIVE["digests"][name]


def test_recursive_example_is_revealed() -> None:
    read = {name: read_disclosure(text) for name, text in RECURSIVE["disclosures"].items()}
    whole = reveal(RECURSIVE["payload"], list(read.values())).claims
    assert whole["address"] == {
        "street_address": "Schulstr. 12",
        "locality": "Schulpforta",
        "region": "Sachsen-Anhalt",
        "country": "DE",
    }
    assert reveal(RECURSIVE["payload"], [read["address"], read["country"]]).claims["address"] == {"country": "DE"}
    assert reveal(RECURSIVE["payload"], [read["address"]]).claims["address"] == {}
    with pytest.raises(Malformed):
        reveal(RECURSIVE["payload"], [read["country"]])
