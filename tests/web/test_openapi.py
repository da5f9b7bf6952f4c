"""The OpenAPI document is the truth: whole, valid, with examples, and never changed by accident."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

from tests.conftest import ISSUER
from wallet import __version__
from wallet.requests.spreadsheets import XLSX
from wallet.settings import Settings
from wallet.texts.catalogue import catalogue
from wallet.web.app import create_app
from wallet.web.examples import ANSWERS, BODIES, PROBLEMS, REFUSALS
from wallet.web.openapi import METHODS
from wallet.web.operations import DECLARED
from wallet.wiring import Wallet

SNAPSHOT = Path(__file__).with_name("openapi.snapshot.json")
PAGES = {
    "/",
    "/docs",
    "/docs/integrators",
    "/docs/assets/{name}",
    "/favicon.ico",
    "/openapi.json",
    "/problems/{code}",
    "/static/{filename}",
    "/scan",
    "/scan/config.json",
    "/scan/sw.js",
    "/scan/worker.js",
    "/scan/manifest.webmanifest",
    "/scan/icon.svg",
    "/scan/{name}.png",
}
"""What a browser opens; nothing here is an operation of the API."""


@pytest.fixture
def client(keys_dir: Path, tmp_path: Path) -> FlaskClient:
    """The application without a database: what it describes depends on none."""
    environ = {
        "WALLET_KEYS_DIR": str(keys_dir),
        "WALLET_ISSUER_URL": ISSUER,
        "WALLET_DATABASE_URL": f"sqlite:///{tmp_path}/none.db",
        "WALLET_SOURCES_URL": f"sqlite:///{tmp_path}/none.db",
    }
    return create_app(Wallet.build(Settings.from_environ(environ))).test_client()


@pytest.fixture
def document(client: FlaskClient) -> dict[str, Any]:
    return dict(client.get("/openapi.json").json or {})


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, item in document["paths"].items():
        for method in sorted(item.keys() & METHODS):
            yield method, path, item[method]


def resolved(document: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    """Return the schema with the components it points at."""
    return {**schema, "components": document["components"]}


def served(app: Flask) -> set[tuple[str, str]]:
    rules = ((rule, re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule)) for rule in app.url_map.iter_rules())
    return {(method.lower(), path) for rule, path in rules for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}}


def test_document_names_every_route_and_no_other(client: FlaskClient, document: dict[str, Any]) -> None:
    described = {(method, path) for method, path, _ in operations(document)}
    pages = {(method, path) for method, path in served(client.application) if path in PAGES}
    assert {path for _, path in pages} == PAGES
    assert described == served(client.application) - pages


def test_document_is_openapi_3_1(document: dict[str, Any]) -> None:
    assert document["openapi"] == "3.1.0"
    assert document["info"]["version"] == __version__
    OpenAPIV31SpecValidator(document).validate()


def test_document_is_the_one_that_was_agreed_on(document: dict[str, Any]) -> None:
    """`wallet openapi export --out tests/web/openapi.snapshot.json` writes a new one; read its diff before."""
    agreed = json.loads(SNAPSHOT.read_text(encoding="utf-8"))
    del agreed["servers"], document["servers"]  # where it runs is no part of what it is
    assert json.loads(json.dumps(document)) == agreed


def test_document_is_served_once_for_each_change(client: FlaskClient) -> None:
    first = client.get("/openapi.json")
    assert "public" in first.headers["Cache-Control"]
    again = client.get("/openapi.json", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")


def test_operation_ids_are_the_declared_names_each_once(document: dict[str, Any]) -> None:
    names = [operation["operationId"] for _, _, operation in operations(document)]
    assert len(names) == len(set(names))
    assert {declared.operation_id for declared in DECLARED.values()} <= set(names)
    assert all(operation["tags"] and operation["summary"] for _, _, operation in operations(document))


def test_operation_asks_for_a_token_exactly_where_it_is_declared(document: dict[str, Any]) -> None:
    guarded = {declared.operation_id for declared in DECLARED.values() if declared.account_level is not None}
    desks = {declared.operation_id for declared in DECLARED.values() if declared.credential is not None}
    assert len(guarded) > 10
    assert desks
    assert not desks & guarded
    for _, _, operation in operations(document):
        wanted = [{"bearer": []}] if operation["operationId"] in guarded else None
        wanted = [{"desk": []}] if operation["operationId"] in desks else wanted
        assert operation.get("security") == wanted, operation["operationId"]


def test_every_operation_has_the_problem_as_default(document: dict[str, Any]) -> None:
    for _, _, operation in operations(document):
        content = operation["responses"]["default"]["content"]
        assert content.keys() == {"application/problem+json"}, operation["operationId"]
        assert content["application/problem+json"]["schema"] == {"$ref": "#/components/schemas/Problem"}
        assert "422" not in operation["responses"]


def test_problem_lists_every_code(document: dict[str, Any]) -> None:
    listed = document["components"]["schemas"]["Problem"]["properties"]["code"]["x-extensible-enum"]
    assert listed == sorted(catalogue("vi")["problems"])
    assert "missing_token" in listed


def test_every_operation_has_an_example_of_its_answer_and_a_refusal(document: dict[str, Any]) -> None:
    for _, _, operation in operations(document):
        name = operation["operationId"]
        for status, response in operation["responses"].items():
            for media_type, content in response.get("content", {}).items():
                if status == "default":
                    assert content["examples"], name
                elif media_type == "application/json" and name != "read_jwks":
                    assert "example" in content, (name, status)


def test_every_operation_with_a_body_has_an_example_of_it(document: dict[str, Any]) -> None:
    for _, _, operation in operations(document):
        for media_type, content in operation.get("requestBody", {}).get("content", {}).items():
            if media_type != XLSX:
                assert content["example"] == BODIES[operation["operationId"]]


def test_examples_fit_their_schemas(document: dict[str, Any]) -> None:
    seen = 0
    for _, _, operation in operations(document):
        contents = list(operation.get("requestBody", {}).get("content", {}).values())
        for response in operation["responses"].values():
            contents += response.get("content", {}).values()
        for content in contents:
            values = [example["value"] for example in content.get("examples", {}).values()]
            values += [content["example"]] if "example" in content else []
            for value in values:
                validator = Draft202012Validator(
                    resolved(document, content["schema"]), format_checker=Draft202012Validator.FORMAT_CHECKER
                )
                assert list(validator.iter_errors(value)) == [], operation["operationId"]
                seen += 1
    assert seen > 60


def test_examples_say_nothing_that_the_schema_does_not_name(document: dict[str, Any]) -> None:
    """Answers are open for what comes tomorrow; an example of today names known members only."""

    def closed(value: Any) -> Any:
        if isinstance(value, dict):
            shut = {name: closed(inner) for name, inner in value.items()}
            return shut | {"additionalProperties": False} if isinstance(value.get("properties"), dict) else shut
        return [closed(inner) for inner in value] if isinstance(value, list) else value

    strict = closed(document)
    for _, _, operation in operations(strict):
        for status, example in ANSWERS.get(operation["operationId"], {}).items():
            for content in operation["responses"][status]["content"].values():
                errors = list(Draft202012Validator(resolved(strict, content["schema"])).iter_errors(example))
                assert errors == [], operation["operationId"]


def test_no_example_belongs_to_an_operation_that_is_gone(document: dict[str, Any]) -> None:
    names = {operation["operationId"] for _, _, operation in operations(document)}
    assert BODIES.keys() | ANSWERS.keys() | REFUSALS.keys() <= names
    assert {code for codes in REFUSALS.values() for code in codes} <= PROBLEMS.keys()


def test_bodies_are_closed_and_answers_open(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    for name in ("RequestOrder", "SignIn", "Refresh", "RevocationOrder", "LaunchChange", "Decision", "ChallengeOrder"):
        assert schemas[name]["additionalProperties"] is False, name
    for name in ("Request", "Document", "DocumentSummary", "Launch", "Me", "Session", "Problem", "Utility"):
        assert "additionalProperties" not in schemas[name], name


def test_every_field_of_an_answer_has_a_type(document: dict[str, Any]) -> None:
    """A generated client must not get `Any` where a time stands."""
    free = set()
    for name, schema in document["components"]["schemas"].items():
        for field, described in schema.get("properties", {}).items():
            if not described.keys() & {"type", "$ref", "enum"}:
                free.add(f"{name}.{field}")
    assert free == set()
    times = document["components"]["schemas"]["Document"]["properties"]["issued_at"]
    assert times == {"type": "string", "format": "date-time"}
    assert document["components"]["schemas"]["Utility"]["properties"]["title"]["required"] == ["vi", "en"]


def test_no_answer_may_be_null_but_the_last_cursor(document: dict[str, Any]) -> None:
    nullable = {
        f"{name}.{field}"
        for name, schema in document["components"]["schemas"].items()
        for field, described in schema.get("properties", {}).items()
        if "null" in described.get("type", ())
    }
    assert {"RequestPage.next_cursor", "DocumentPage.next_cursor", "NoticePage.next_cursor"} <= nullable
    assert "SettingsChange.email" in nullable  # a merge patch: what goes in may be null, and is then removed
    assert [name for name in nullable - {"SettingsChange.email"} if not name.endswith("Page.next_cursor")] == []


def test_patterns_are_those_of_ecmascript(document: dict[str, Any]) -> None:
    r"""`\Z` is Python's; a client in another language would read it as the letter Z."""
    patterns = re.findall(r'"pattern": "((?:[^"\\]|\\.)*)"', json.dumps(document))
    assert len(patterns) > 4
    assert not [pattern for pattern in patterns if re.search(r"\\\\[AZzGhRX]|\(\?P", pattern)]


def test_nothing_of_the_framework_is_left_over(document: dict[str, Any]) -> None:
    used = set(re.findall(r'"#/components/schemas/(\w+)"', json.dumps(document)))
    assert set(document["components"]["schemas"]) == used
    assert set(document["components"]) == {"schemas", "securitySchemes"}


def test_writes_that_last_name_their_key(document: dict[str, Any]) -> None:
    keyed = {
        operation["operationId"]
        for _, _, operation in operations(document)
        for parameter in operation["parameters"]
        if parameter["name"] == "Idempotency-Key" and parameter["required"]
    }
    webhooks = {"create_webhook_endpoint", "rotate_webhook_secret", "send_webhook_test", "replay_webhook_delivery"}
    standing = {"lock_at_desk", "unlock_at_desk", "receive_lock_order", "forward_lock_order", "decide_lock_order"}
    standing |= {"register_ward", "register_organisation", "decide_organisation"}
    profile = {"export_everything", "close_account", "submit_correction", "decide_correction"}
    documents = {"make_copies", "make_cards"}
    ceremonies = {"begin_phone_change", "vouch_for_holder", "add_passkey"}
    requests = {"submit_request", "move_request", "add_request_file", "open_payment", "link_record"}
    requests |= {"hand_over_request", "decide_request", "report_step", "answer_agreement"}
    enrolment = {"record_application", "decide_application"}
    launching = {"decide_approval", "pause_utility", "propose_definition", "decide_definition"}
    staff = enrolment | standing | launching | webhooks | {"revoke_document", "suspend_document", "reinstate_document"}
    verifiers = {"register_verifier", "change_verifier_purposes", "decide_verifier", "suspend_verifier"}
    verifiers |= {"resume_verifier", "end_verifier", "create_verifier_desk", "rotate_verifier_desk_key"}
    online = {"check_in", "begin_batch", "hand_in_receipts", "decide_share", "present_document"}
    online |= {"report_misuse", "close_misuse_report"}
    assert keyed == staff | ceremonies | requests | profile | documents | verifiers | online


def test_schemas_say_what_their_classes_say(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    assert "whoever agrees names it" in schemas["ShareDecision"]["description"]
    silent = {name for name, schema in schemas.items() if "description" not in schema}  # its name says it all
    bodies = {operation_body(operation) for _, _, operation in operations(document) if "requestBody" in operation}
    assert silent & bodies == {"Answers", "CodeConfirmation", "Refresh"}


def operation_body(operation: dict[str, Any]) -> str:
    """Return the name of the schema of a body."""
    content = next(iter(operation["requestBody"]["content"].values()))
    return str(content["schema"].get("$ref", "")).rpartition("/")[2]


def test_introduction_says_that_everything_is_a_sample(document: dict[str, Any]) -> None:
    assert "MẪU - KHÔNG CÓ GIÁ TRỊ PHÁP LÝ" in document["info"]["description"]
