"""What the plain views and every operation share in the OpenAPI document: security, problems, headers.

Source: OpenAPI 3.1.
"""

from collections.abc import Iterator, Sequence
from functools import cached_property
from inspect import cleandoc
from typing import Any

from apispec import APISpec
from flask import Flask
from flask_smorest import Api, Blueprint

from wallet.documents.capacity import CapacityWarning
from wallet.identity.factors import Factor
from wallet.requests.spreadsheets import XLSX
from wallet.terms import SAMPLE_MARK
from wallet.texts.catalogue import catalogue
from wallet.web.auth import ACTING_FOR
from wallet.web.examples import ANSWERS, BODIES, PROBLEMS, REFUSALS
from wallet.web.launch_schemas import Percent
from wallet.web.operations import DECLARED, IdConverter
from wallet.web.schemas import JSON, MERGE_PATCH, Both, Moment
from wallet.web.trust import BUNDLE_JWT, ENTITIES_JWS, PEM_CHAIN, PKIX_CRL, STATUS_CWT, STATUS_JWT, TWICE
from wallet.web.verifier_desk_auth import DESK_KEY, DESK_SCHEME

PROBLEM = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
_TEXT = {"type": "string"}
_BOTH = {"type": "object", "properties": {"vi": _TEXT, "en": _TEXT}, "required": ["vi", "en"]}

PROBLEM_SCHEMA: dict[str, Any] = {
    "type": "object",
    "description": "RFC 9457. `code` is stable; `title` and `detail` are for people, in their language.",
    "required": ["type", "title", "status", "detail", "instance", "code", "request_id", "retryable"],
    "properties": {
        "type": {"type": "string", "format": "uri"},
        "title": _TEXT,
        "status": {"type": "integer"},
        "detail": _TEXT,
        "instance": _TEXT,
        "code": {
            "type": "string",
            "description": "A code that is not in the list may come with a later version.",
            "x-extensible-enum": sorted(catalogue("en")["problems"]),
        },
        "request_id": _TEXT,
        "retryable": {"type": "boolean"},
        "auth_level": {"type": "integer", "description": "Of `step_up_required`: the auth level that is needed."},
        "max_age": {
            "type": "integer",
            "description": "Of `step_up_required`: for how many seconds it counts, where an old one does not.",
        },
        "ways": {
            "type": "array",
            "description": "Of `step_up_required`: what this holder can send to `POST /v1/sessions/current/step-up`. "
            "Each way is a list of factors to prove together; none of them means that another session is needed.",
            "items": {"type": "array", "items": _TEXT | {"x-extensible-enum": sorted(Factor)}},
        },
        "until": {"type": "string", "format": "date-time", "description": "Of `cooling_off`: when it ends."},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["pointer", "code", "detail"],
                "properties": {"pointer": {"type": "string", "format": "json-pointer"}, "code": _TEXT, "detail": _TEXT},
            },
        },
    },
}

VERDICT_SCHEMA: dict[str, Any] = {
    "type": "object",
    "description": "The answer of a check (docs/wire.md, section 3). `document` is there once the signature held.",
    "required": ["verdict", "reasons", "accepted", "checked_at", "sample_mark"],
    "properties": {
        "verdict": {"type": "string", "enum": ["valid", "invalid", "cannot_tell"]},
        "reasons": {"type": "array", "items": _TEXT, "minItems": 1},
        "accepted": {"type": "boolean"},
        "checked": {"type": "array", "items": _TEXT, "description": "The steps that were made, in their order."},
        "holder_binding": {"type": "string", "enum": ["none", "device", "server"]},
        "checked_at": {"type": "string", "format": "date-time"},
        "bundle_age_seconds": {"type": "integer"},
        "status_age_seconds": {"type": "integer"},
        "sample_mark": _TEXT,
        "document": {
            "type": "object",
            "properties": {
                "id": _TEXT,
                "issuer": {"type": "object", "properties": {"code": _TEXT, "name": _BOTH}},
                "utility": {
                    "type": "object",
                    "properties": {"code": _TEXT, "version": {"type": "integer"}, "title": _BOTH},
                },
                "issued_at": {"type": "string", "format": "date-time"},
                "expires_at": {"type": "string", "format": "date-time"},
                "recipient": _TEXT,
                "claims": {
                    "type": "array",
                    "items": {
                        "type": "object",
                        "required": ["n", "value"],
                        "properties": {
                            "n": {"type": "integer"},
                            "name": _TEXT,
                            "label": _BOTH,
                            "kind": _TEXT,
                            "value": {},
                        },
                    },
                },
            },
        },
    },
}

PLAIN_CONDITIONAL = frozenset({"read_jwks", "read_credential_issuer", "read_type"})
"""Plain views whose answer has an ETag; of operations their declaration tells."""
METHODS = frozenset({"get", "post", "patch", "put", "delete"})

INTRODUCTION = f"""Ví Số là ví giấy tờ số mã nguồn mở. Mọi thứ cấp ở đây là mẫu: **{SAMPLE_MARK}**.

Ví Số is an open-source document wallet. Everything issued here is a sample without legal value.

* Sign in: `POST /v1/device-challenges`, sign the challenge with the device key, `POST /v1/sessions`.
* Send `Authorization: Bearer <access_token>`; refresh with a DPoP proof (RFC 9449) of the same device key.
* Desks of verifiers send their key as `X-Desk-Key` instead, to `/v1/verifier/`.
* A write that leaves something lasting needs `Idempotency-Key`; the same key and body give the same answer for a day.
* Every refusal is `application/problem+json` (RFC 9457) with a stable `code`; `Accept-Language: vi` or `en`.
* Lists: `limit` up to 100, `cursor` from `next_cursor`.
"""


class Description:
    """The OpenAPI document of an application, written when somebody first asks for it: a server starts without it."""

    def __init__(self, app: Flask, blueprints: Sequence[Blueprint], issuer_url: str) -> None:
        self._app = app
        self._blueprints = blueprints
        self._issuer_url = issuer_url

    @cached_property
    def document(self) -> dict[str, Any]:
        api = _Api(self._app)
        api.register_converter(IdConverter, lambda _: {"type": "string", "minLength": 1})
        api.register_field(Moment, "string", "date-time")
        api.register_field(Both, "object", None)
        api.register_field(Percent, "number", None)
        for blueprint in self._blueprints:
            blueprint.register_views_in_doc(api, self._app, api.spec, name=blueprint.name, parameters=None)
            api.spec.tag({"name": blueprint.name, "description": blueprint.description})
        _describe(api)
        return document(api.spec, self._issuer_url)


class _Api(Api):
    """flask-smorest without its own error handlers (ours are RFC 9457) and without its pages."""

    def _register_error_handlers(self) -> None:
        return None


def _describe(api: Api) -> None:
    """Say of each schema what its class says of itself; what a class inherits was said of another."""
    schemas = api.spec.components.schemas
    for (schema, *_), name in api.ma_plugin.converter.refs.items():
        said = vars(schema).get("__doc__")
        if said:
            schemas[name] = {"description": cleandoc(said)} | schemas[name]


def document(spec: APISpec, issuer_url: str) -> dict[str, Any]:
    """Return the whole document: what smorest saw of the views, the plain views, and what every operation shares."""
    spec.components.security_scheme("bearer", {"type": "http", "scheme": "bearer", "bearerFormat": "at+jwt (RFC 9068)"})
    spec.components.security_scheme(DESK_SCHEME, {"type": "apiKey", "in": "header", "name": DESK_KEY})
    spec.components.schema("Problem", PROBLEM_SCHEMA)
    spec.components.schema("Verdict", VERDICT_SCHEMA)
    whole: dict[str, Any] = spec.to_dict()
    whole["info"] |= {
        "description": INTRODUCTION,
        "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
    }
    whole["servers"] = [{"url": issuer_url}]
    for method, path, operation in plain_operations():
        whole["paths"].setdefault(path, {})[method] = operation
    for path, item in whole["paths"].items():
        for method in item.keys() & METHODS:
            _complete(path, item[method])
    whole["components"].pop("responses", None)  # the framework's own errors: none of our answers has their shape
    for name in ("Error", "PaginationMetadata"):
        whole["components"]["schemas"].pop(name, None)
    _open_answers(whole)
    _portable(whole)
    return whole


def plain_operations() -> list[tuple[str, str, dict[str, Any]]]:
    """Return the operations of the plain views."""
    copy_headers = {"ETag": {"schema": _TEXT}, "Cache-Control": {"schema": _TEXT}}
    verdict = {"application/json": {"schema": {"$ref": "#/components/schemas/Verdict"}}}
    code = {
        "type": "object",
        "additionalProperties": False,
        "required": ["code"],
        "properties": {
            "code": {"type": "string", "description": "The text of the QR code, whole.", "example": "VD1:..."}
        },
    }
    opaque: dict[str, Any] = {"type": "string"}
    return [
        (
            "post",
            "/v1/checks",
            {
                "operationId": "check_code",
                "tags": ["checks"],
                "summary": "Check a code",
                "description": "A code in, a verdict out. No credential. A text that is no code is a verdict too.",
                "requestBody": {"required": True, "content": {"application/json": {"schema": code}}},
                "responses": {"200": {"description": "The verdict", "content": verdict}},
            },
        ),
        (
            "get",
            "/v1/trust/bundle",
            {
                "operationId": "read_trust_bundle",
                "tags": ["trust"],
                "summary": "Fetch the trust bundle",
                "responses": {
                    "200": {
                        "description": "A compact JWS; as JSON with a second, post-quantum signature where asked for",
                        "headers": copy_headers,
                        "content": {BUNDLE_JWT: {"schema": opaque}, TWICE: {"schema": {"type": "object"}}},
                    },
                    "304": {"description": "You have it"},
                },
            },
        ),
        (
            "get",
            "/v1/trust/entities",
            {
                "operationId": "read_trusted_entities",
                "tags": ["trust"],
                "summary": "Fetch the keys as a List of Trusted Entities (ETSI TS 119 602)",
                "responses": {
                    "200": {
                        "description": "A compact JWS by the bundle's root (JAdES B-B), or the same unsigned as JSON",
                        "headers": copy_headers,
                        "content": {
                            ENTITIES_JWS: {"schema": opaque},
                            "application/json": {"schema": {"type": "object"}, "example": _ENTITIES},
                        },
                    },
                    "304": {"description": "You have it"},
                },
            },
        ),
        (
            "get",
            "/v1/status-lists/{list_id}",
            {
                "operationId": "read_status_list",
                "tags": ["trust"],
                "summary": "Fetch a status list",
                "parameters": [{"name": "list_id", "in": "path", "required": True, "schema": opaque}],
                "responses": {
                    "200": {
                        "description": "A Token Status List",
                        "headers": copy_headers,
                        "content": {
                            STATUS_JWT: {"schema": opaque},
                            STATUS_CWT: {"schema": opaque},
                            TWICE: {"schema": {"type": "object"}},
                        },
                    },
                    "304": {"description": "You have it"},
                },
            },
        ),
        (
            "get",
            "/v1/trust/iaca",
            {
                "operationId": "read_iaca_roots",
                "tags": ["trust"],
                "summary": "Fetch the roots for readers of other makers",
                "description": "IACA roots (ISO/IEC 18013-5): they certify who signs SD-JWT VCs, mdocs and PDFs.",
                "responses": {
                    "200": {
                        "description": "Certificates",
                        "headers": copy_headers,
                        "content": {PEM_CHAIN: {"schema": opaque}},
                    },
                    "304": {"description": "You have it"},
                },
            },
        ),
        (
            "get",
            "/v1/trust/iaca/{key_id}.crl",
            {
                "operationId": "read_revoked_signers",
                "tags": ["trust"],
                "summary": "Fetch a root's list of revoked signers",
                "parameters": [{"name": "key_id", "in": "path", "required": True, "schema": opaque}],
                "responses": {
                    "200": {
                        "description": "A certificate revocation list (RFC 5280)",
                        "headers": copy_headers,
                        "content": {PKIX_CRL: {"schema": opaque}},
                    },
                    "304": {"description": "You have it"},
                },
            },
        ),
        _simple("/.well-known/jwks.json", "read_jwks", "trust", "Fetch the public keys", _JWKS),
        _simple(
            "/.well-known/jwt-vc-issuer",
            "read_credential_issuer",
            "trust",
            "Fetch whose SD-JWT VCs these are, and the keys that sign them",
            _CREDENTIAL_ISSUER,
        ),
        (
            "get",
            "/v1/types/{code}/{version}",
            {
                "operationId": "read_type",
                "tags": ["trust"],
                "summary": "Fetch what a kind of document is",
                "description": "The type metadata at the `vct` of an SD-JWT VC: names of every claim, vi and en. "
                "Its bytes fit `vct#integrity`; older versions of a kind stay.",
                "parameters": [
                    {"name": name, "in": "path", "required": True, "schema": opaque} for name in ("code", "version")
                ],
                "responses": {
                    "200": {
                        "description": "Type metadata",
                        "headers": copy_headers,
                        "content": {JSON: {"schema": _TYPE}},
                    },
                },
            },
        ),
        _simple("/health/live", "read_liveness", "health", "Tell that the process answers", _HEALTH),
        _simple("/health/ready", "read_readiness", "health", "Tell whether it can do its work", _HEALTH, also="503"),
    ]


_JWKS = {"type": "object", "required": ["keys"], "properties": {"keys": {"type": "array", "items": {"type": "object"}}}}
_ENTITIES = {
    "LoTE": {
        "ListAndSchemeInformation": {
            "LoTEVersionIdentifier": 1,
            "LoTESequenceNumber": 7,
            "SchemeOperatorName": [{"lang": "vi", "value": "Ví Số (cơ quan cấp mẫu)"}],
            "ListIssueDateTime": "2026-03-02T05:00:00Z",
            "NextUpdate": "2026-03-03T05:00:00Z",
        },
        "TrustedEntitiesList": [],
    }
}
_CREDENTIAL_ISSUER = {
    "type": "object",
    "required": ["issuer", "jwks"],
    "properties": {"issuer": {"type": "string", "format": "uri"}, "jwks": _JWKS},
}
_TYPE = {
    "type": "object",
    "required": ["vct", "display", "claims"],
    "properties": {
        "vct": {"type": "string", "format": "uri"},
        "name": _TEXT,
        "description": _TEXT,
        "display": {
            "type": "array",
            "items": {"type": "object", "required": ["locale", "name"], "properties": {"locale": _TEXT, "name": _TEXT}},
        },
        "claims": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["path", "display", "sd"],
                "properties": {
                    "path": {"type": "array", "minItems": 1, "items": {"type": ["string", "null"]}},
                    "display": {
                        "type": "array",
                        "items": {
                            "type": "object",
                            "required": ["locale", "label"],
                            "properties": {"locale": _TEXT, "label": _TEXT},
                        },
                    },
                    "sd": {"type": "string", "enum": ["always"]},
                },
            },
        },
    },
}
_HEALTH = {
    "type": "object",
    "required": ["status"],
    "properties": {
        "status": _TEXT,
        "checks": {"type": "object", "additionalProperties": _TEXT},
        "status_lists": {
            "type": ["object", "null"],
            "description": "The room that is left for documents; null while the database is away",
            "required": ["free", "size", "lasts_until", "bundle_bytes", "warnings"],
            "properties": {
                "free": {"type": "integer"},
                "size": {"type": "integer"},
                "lasts_until": {
                    "type": ["string", "null"],
                    "format": "date",
                    "description": "When it is used up at the present rate; null: not soon, or not known yet",
                },
                "bundle_bytes": {
                    "type": "integer",
                    "description": "Of the trust bundle, which carries the lists; verifiers take 32 MiB",
                },
                "warnings": {
                    "type": "array",
                    "items": {"type": "string", "enum": [str(warning) for warning in CapacityWarning]},
                },
            },
        },
        "documents_unsigned": {
            "type": ["integer", "null"],
            "description": "How many have waited ten minutes for their signature; null while the database is away",
        },
        "requests_without_utility": {
            "type": ["integer", "null"],
            "description": "How many are open of utilities that are not installed and not retired; null likewise",
        },
    },
}


def _simple(
    path: str, name: str, tag: str, summary: str, schema: dict[str, Any], also: str = ""
) -> tuple[str, str, dict[str, Any]]:
    statuses = {"200": "JSON"} | ({also: "JSON, with what is missing"} if also else {})
    responses = {
        status: {"description": text, "content": {JSON: {"schema": schema}}} for status, text in statuses.items()
    }
    return ("get", path, {"operationId": name, "tags": [tag], "summary": summary, "responses": responses})


def _complete(path: str, operation: dict[str, Any]) -> None:
    """Give an operation its problems, the headers that it needs, and an example of what goes in and comes out."""
    responses = operation.setdefault("responses", {})
    responses.pop("422", None)
    parameters = operation.setdefault("parameters", [])
    name = operation["operationId"]
    declared = next((each for each in DECLARED.values() if each.operation_id == name), None)
    if declared is not None and declared.once:
        key = {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"}
        parameters.append({"name": "Idempotency-Key", "in": "header", "required": True, "schema": key})
    if declared is not None and (declared.if_match or declared.may_match):
        tag = _TEXT | {"pattern": '^"v[0-9]{1,9}"$', "example": '"v1"'}
        parameters.append({"name": "If-Match", "in": "header", "required": declared.if_match, "schema": tag})
    if declared is not None and declared.method == "PATCH":
        operation["requestBody"]["content"][MERGE_PATCH] = operation["requestBody"]["content"][JSON]
    if declared is not None and declared.for_wards:
        parameters.append({"name": ACTING_FOR, "in": "header", "schema": _TEXT})
    for status in responses.keys() & {"200", "201", "202"}:
        told = {
            "ETag": declared is not None and declared.versioned and status == "200",
            "Idempotent-Replayed": declared is not None and declared.once,
            "Location": declared is not None and declared.location and status != "200",
        }
        headers = {name: {"schema": _TEXT} for name, is_told in told.items() if is_told}
        if headers:
            responses[status].setdefault("headers", {}).update(headers)
    if name in PLAIN_CONDITIONAL or (declared is not None and declared.etag):
        parameters.append({"name": "If-None-Match", "in": "header", "schema": _TEXT})
        responses["200"].setdefault("headers", {})["ETag"] = {"schema": _TEXT}
        responses["304"] = {"description": "You have it"}
    if path.startswith("/v1"):
        parameters.append({"name": "Accept-Language", "in": "header", "schema": {"type": "string", "example": "vi"}})
    if name in BODIES:
        for media_type, content in operation["requestBody"]["content"].items():
            if media_type != XLSX:  # of a workbook nobody can read an example
                content["example"] = BODIES[name]
    for status, example in ANSWERS.get(name, {}).items():
        for content in responses[status]["content"].values():
            content["example"] = example
    responses["default"] = {"description": "A problem document", "content": _problems(name, _credentials(operation))}


def _credentials(operation: dict[str, Any]) -> tuple[str, ...]:
    """Return the problems of the credential that an operation asks for."""
    schemes = [scheme for each in operation.get("security", ()) for scheme in each]
    refused = {
        "bearer": ("missing_token",),
        DESK_SCHEME: ("desk_key_missing", "invalid_desk_key", "desk_key_suspended"),
    }
    return tuple(code for scheme in schemes for code in refused[scheme])


def _problems(name: str, credentials: tuple[str, ...]) -> dict[str, Any]:
    """Return the content of refusals, with those that this operation is known for as examples."""
    codes = (*credentials, *REFUSALS.get(name, ("dependency_unavailable",)))
    content = PROBLEM["application/problem+json"]
    return {"application/problem+json": content | {"examples": {code: {"value": PROBLEMS[code]} for code in codes}}}


def _open_answers(whole: dict[str, Any]) -> None:
    """Close what comes in and leave open what goes out: a field more tomorrow must not break a client of today."""
    closed: set[str] = set()
    for item in whole["paths"].values():
        for method in item.keys() & METHODS:
            closed |= set(_references(item[method].get("requestBody", {})))
    for name, schema in whole["components"]["schemas"].items():
        if name not in closed:
            schema.pop("additionalProperties", None)


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if "$ref" in value:
            yield value["$ref"].rpartition("/")[2]
        for inner in value.values():
            yield from _references(inner)


def _portable(value: Any) -> None:
    """Write patterns as ECMA-262 has them, which is what JSON Schema means: `$` there is the end and nothing else."""
    if isinstance(value, dict):
        if isinstance(value.get("pattern"), str):
            value["pattern"] = value["pattern"].replace("\\Z", "$")
        for inner in value.values():
            _portable(inner)
    elif isinstance(value, list):
        for inner in value:
            _portable(inner)
