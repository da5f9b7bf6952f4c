"""The keys as a List of Trusted Entities, held against ETSI's own JSON schema. Source: ETSI TS 119 602 V1.1.1."""

import base64
import copy
import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator, FormatChecker

from tests.verifier.world import World
from wallet.formats.trusted_entities import Operator, list_of_trusted_entities
from wallet.terms import SAMPLE_MARK

SCHEMA = json.loads((Path(__file__).parents[1] / "vectors" / "etsi" / "1960201_json_schema.json").read_text())
OPERATOR = Operator(
    name={"vi": "Ví Số", "en": "Ví Số"},
    scheme={"vi": "Danh sách bên phát hành", "en": "List of issuers"},
    street={"vi": "Phố Mẫu, Hà Nội", "en": "Sample Street, Hà Nội"},
    notice=SAMPLE_MARK,
)


def faults(document: dict[str, Any]) -> list[str]:
    found = Draft7Validator(SCHEMA, format_checker=FormatChecker()).iter_errors(document)
    return sorted(error.json_path for error in found)


def services(document: dict[str, Any]) -> list[dict[str, Any]]:
    entities = document["LoTE"]["TrustedEntitiesList"]
    return [each["ServiceInformation"] for entity in entities for each in entity["TrustedEntityServices"]]


def test_it_fits_the_schema_of_the_standard(world: World) -> None:
    assert faults(list_of_trusted_entities(world.content(), OPERATOR)) == []


def test_the_schema_refuses_what_it_should(world: World) -> None:
    whole = list_of_trusted_entities(world.content(), OPERATOR)
    for name in ("LoTESequenceNumber", "SchemeOperatorName", "ListIssueDateTime", "NextUpdate"):
        broken = copy.deepcopy(whole)
        del broken["LoTE"]["ListAndSchemeInformation"][name]
        assert faults(broken) == ["$.LoTE.ListAndSchemeInformation"]


def test_it_names_every_key_with_its_certificate_and_role(world: World) -> None:
    content = world.content()
    keys = [key for issuer in content.issuers for key in issuer.keys]
    found = services(list_of_trusted_entities(content, OPERATOR))
    certificates = [base64.b64decode(each["ServiceDigitalIdentity"]["X509Certificates"][0]["val"]) for each in found]
    assert certificates == [key.x5c[0] for key in keys]
    roles = [each["ServiceTypeIdentifier"].rpartition("/")[2] for each in found]
    assert roles == [key.roles[0] for key in keys]


@pytest.mark.parametrize(
    ("state", "status"),
    [("published", "granted"), ("active", "granted"), ("retired", "granted"), ("revoked", "withdrawn")],
)
def test_only_a_revoked_key_is_withdrawn(world: World, state: str, status: str) -> None:
    content = world.content()
    issuer = content.issuers[0]
    key = replace(issuer.keys[0], state=state)
    content = replace(content, issuers=(replace(issuer, keys=(key,)),))
    (service,) = services(list_of_trusted_entities(content, OPERATOR))
    assert service["ServiceStatus"].endswith(f"/{status}")


@pytest.mark.parametrize(("days", "former"), [(30, ["granted"]), (0, []), (-1, [])])
def test_a_revoked_key_is_withdrawn_since_it_was_revoked(world: World, days: int, former: list[str]) -> None:
    """Whoever judges by the moment finds it, and what the key was before; one that never signed was nothing."""
    content = world.content()
    issuer = content.issuers[0]
    key, other = replace(issuer.keys[0], state="revoked"), issuer.keys[1]
    content = replace(content, issuers=(replace(issuer, keys=(key, other)),))
    moment = key.not_before + timedelta(days=days)
    listed = list_of_trusted_entities(content, OPERATOR, {key.kid: moment, "ff" * 8: content.issued_at})
    assert faults(listed) == []
    withdrawn, granted = listed["LoTE"]["TrustedEntitiesList"][0]["TrustedEntityServices"]
    assert withdrawn["ServiceInformation"]["ServiceStatus"].endswith("/withdrawn")
    assert withdrawn["ServiceInformation"]["StatusStartingTime"] == moment.strftime("%Y-%m-%dT%H:%M:%SZ")
    history = withdrawn.get("ServiceHistory", [])
    assert [each["ServiceStatus"].rpartition("/")[2] for each in history] == former
    assert {each["StatusStartingTime"] for each in history} <= {key.not_before.strftime("%Y-%m-%dT%H:%M:%SZ")}
    assert "ServiceHistory" not in granted
    assert granted["ServiceInformation"]["StatusStartingTime"] == other.not_before.strftime("%Y-%m-%dT%H:%M:%SZ")


def test_it_is_as_old_and_as_new_as_the_bundle(world: World) -> None:
    content = world.content()
    scheme = list_of_trusted_entities(content, OPERATOR)["LoTE"]["ListAndSchemeInformation"]
    assert scheme["LoTESequenceNumber"] == content.seq
    assert scheme["ListIssueDateTime"] == content.issued_at.strftime("%Y-%m-%dT%H:%M:%SZ")
    assert scheme["NextUpdate"] == content.next_update.strftime("%Y-%m-%dT%H:%M:%SZ")
    assert scheme["PolicyOrLegalNotice"] == [{"LoTELegalNotice": SAMPLE_MARK}]


def test_it_says_nothing_of_single_documents(world: World) -> None:
    assert "status-lists" not in json.dumps(list_of_trusted_entities(world.content(), OPERATOR))
