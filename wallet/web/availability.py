"""Which utilities are there for the caller, before any form is filled; and the same as feature flags (OFREP).

Source of the flags: OpenFeature Remote Evaluation Protocol 0.3.0, service/openapi.yaml of open-feature/protocol;
reasons and error codes: OpenFeature specification, types. A flag is never evaluated for anybody but the caller: an id
in the evaluation context is theirs, or refused.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from hashlib import sha256
from typing import Any

from flask import Response, request
from marshmallow import fields
from werkzeug.exceptions import UnsupportedMediaType

from wallet.errors import BadRequest, UnknownUtility
from wallet.launching.judging import MISSING, Availability, Rule, Visitor
from wallet.launching.schedule import Launch
from wallet.launching.states import LaunchState
from wallet.terms import Actor
from wallet.utilities.catalogue import Plugin
from wallet.web.answers import answer, json_answer
from wallet.web.auth import current_actor
from wallet.web.context import current_wallet
from wallet.web.launch_schemas import STATES
from wallet.web.launch_words import missing_in_both, notice_of
from wallet.web.operations import OWN_SESSION, Routes, operation
from wallet.web.schemas import JSON, Both, StrictSchema, parse_json, read_body
from wallet.wiring import Work

routes = Routes("availability", __name__, url_prefix="/v1", description="What is open to the caller")
flags = Routes("flags", __name__, url_prefix="/ofrep/v1", description="The same as feature flags, by OFREP")

LEVEL_TOO_LOW = "level_too_low"
NOT_FOR_WARDS = "not_for_wards"
NO_CACHE = "private, no-cache"
REASONS = ["STATIC", "TARGETING_MATCH", "SPLIT", "DISABLED"]
ERROR_CODES = ["PARSE_ERROR", "INVALID_CONTEXT", "FLAG_NOT_FOUND", "GENERAL"]


class OwnUtilitySchema(StrictSchema):
    """One utility as it is for the caller. `missing`: why it is not there, as a code and in words."""

    code = fields.String(required=True)
    title = Both(required=True)
    state = fields.String(required=True, metadata={"x-extensible-enum": STATES})
    available = fields.Boolean(required=True)
    missing = fields.String(metadata={"x-extensible-enum": [*MISSING, LEVEL_TOO_LOW, NOT_FOR_WARDS]})
    words = Both()
    notice = Both()


class OwnUtilitiesSchema(StrictSchema):
    data = fields.List(fields.Nested(OwnUtilitySchema), required=True)


class FlagMetadataSchema(StrictSchema):
    """`missing`: what keeps the caller out."""

    state = fields.String(required=True, metadata={"x-extensible-enum": STATES})
    missing = fields.String(metadata={"x-extensible-enum": list(MISSING)})


class FlagSchema(StrictSchema):
    """One flag, evaluated."""

    key = fields.String(required=True)
    value = fields.Boolean(required=True)
    reason = fields.String(metadata={"x-extensible-enum": REASONS})
    variant = fields.String(metadata={"x-extensible-enum": ["on", "off"]})
    metadata = fields.Nested(FlagMetadataSchema)


class FlagOfAllSchema(FlagSchema):
    """One flag among all: evaluated, or `errorCode` where it could not be."""

    value = fields.Boolean()
    error_code = fields.String(data_key="errorCode", metadata={"x-extensible-enum": ERROR_CODES})
    error_details = fields.String(data_key="errorDetails")


class FlagsSchema(StrictSchema):
    flags = fields.List(fields.Nested(FlagOfAllSchema), required=True)


class FlagFailureSchema(StrictSchema):
    """A flag that is not evaluated."""

    key = fields.String(required=True)
    error_code = fields.String(required=True, data_key="errorCode", metadata={"x-extensible-enum": ERROR_CODES})
    error_details = fields.String(data_key="errorDetails")


class FlagsFailureSchema(StrictSchema):
    """A request that is not understood."""

    error_code = fields.String(required=True, data_key="errorCode", metadata={"x-extensible-enum": ERROR_CODES})
    error_details = fields.String(data_key="errorDetails")


CONTEXT: dict[str, Any] = {
    "type": "object",
    "properties": {
        "context": {
            "type": "object",
            "description": "`targetingKey`, where given, is the caller's account id. `appVersion`: of the app.",
            "properties": {"targetingKey": {"type": "string"}, "appVersion": {"type": "string"}},
        }
    },
}
FLAG_BODY = {"requestBody": {"required": True, "content": {JSON: {"schema": CONTEXT}}}}


@operation(routes, "GET", "/me/utilities", **OWN_SESSION, for_wards=True)
@routes.response(200, OwnUtilitiesSchema)
def list_own_utilities() -> Response:
    """List which utilities are there for you, and of the others what is missing: ask before a form is filled."""
    actor = current_actor()
    for looking in _looking():
        with looking as work:
            found = work.rollout.available_all(_visitor(work, actor))
    catalogue = current_wallet().catalogue
    plugins = ((catalogue.find(code), each) for code, each in found.items())  # a definition may just come in
    rows = [_own(plugin, *each, actor) for plugin, each in plugins if plugin is not None]
    return answer(OwnUtilitiesSchema(), {"data": rows})


@operation(flags, "POST", "/evaluate/flags/<key>", **OWN_SESSION)
@flags.doc(**FLAG_BODY)
@flags.response(200, FlagSchema)
@flags.alt_response(400, schema=FlagFailureSchema)
@flags.alt_response(404, schema=FlagFailureSchema)
def evaluate_flag(key: str) -> Response:
    """Evaluate one flag for the caller (OFREP). The key is the code of a utility; the value is whether it is there."""
    try:
        actor = _read_context(current_actor())
    except _Refused as refusal:
        return json_answer({"key": key, **refusal.body}, 400)
    try:
        for looking in _looking(key):
            with looking as work:
                launch, found = work.rollout.available(key, _visitor(work, actor, key))
    except UnknownUtility:
        body = {"key": key, "errorCode": "FLAG_NOT_FOUND", "errorDetails": "no utility has this code"}
        return json_answer(body, 404)
    flag = _flag(launch, found)
    if "error_code" in flag:
        # A 200 without a value is no failure in OFREP: it says that the default of the caller's code is the answer.
        return answer(FlagFailureSchema(), flag, 400)
    return answer(FlagSchema(), flag, cache=NO_CACHE)


@operation(flags, "POST", "/evaluate/flags", **OWN_SESSION, etag=True)
@flags.doc(**FLAG_BODY)
@flags.response(200, FlagsSchema)
@flags.alt_response(400, schema=FlagsFailureSchema)
def evaluate_flags() -> Response:
    """Evaluate every flag for the caller (OFREP). With If-None-Match, 304 says that nothing is different."""
    try:
        actor = _read_context(current_actor())
    except _Refused as refusal:
        return json_answer(refusal.body, 400)
    for looking in _looking():
        with looking as work:
            found = work.rollout.available_all(_visitor(work, actor))
    response = answer(FlagsSchema(), {"flags": [_flag(*each) for each in found.values()]}, cache=NO_CACHE)
    response.set_etag(sha256(response.get_data()).hexdigest()[:32])
    # Conditional requests are for GET (RFC 9110, section 13.1.2); OFREP asks for the same of its POST.
    if request.if_none_match.contains(response.get_etag()[0] or ""):
        response.status_code = 304
        response.set_data(b"")
    return response


class _Refused(Exception):
    """An evaluation context that is not taken."""

    def __init__(self, code: str, details: str) -> None:
        super().__init__(code)
        self.body = {"errorCode": code, "errorDetails": details}


def _read_context(actor: Actor) -> Actor:
    """Return the actor with what the evaluation context says of their app. Raises _Refused."""
    try:
        if request.mimetype != JSON:
            raise UnsupportedMediaType
        body = parse_json(read_body(request))
    except UnsupportedMediaType as error:
        raise _Refused("PARSE_ERROR", "the body has to be application/json") from error
    except BadRequest as error:
        raise _Refused("PARSE_ERROR", "the body is not JSON that means one thing") from error
    context = body.get("context", {}) if isinstance(body, dict) else None
    if not isinstance(context, dict):
        raise _Refused("PARSE_ERROR", "context has to be an object")
    if context.get("targetingKey", actor.account_id) != actor.account_id:
        raise _Refused("INVALID_CONTEXT", "targetingKey has to be the caller's account id, or left out")
    version = context.get("appVersion")
    if version is not None and not (isinstance(version, str) and len(version) <= 32):
        raise _Refused("INVALID_CONTEXT", "appVersion has to be a short text")
    return replace(actor, app_version=actor.app_version or version)


def _looking(*codes: str) -> Iterator[AbstractContextManager[Work]]:
    """Give transactions for one look: they write only where a register is going to be asked, which is recorded."""
    wallet = current_wallet()
    with wallet.read() as work:
        asks = work.rollout.asks_province(codes)
    if asks:
        yield from wallet.tries()
    else:
        yield wallet.read()


def _visitor(work: Work, actor: Actor, code: str = "utilities") -> Visitor:
    return work.launches.visitor(code, actor)


def _own(plugin: Plugin, launch: Launch, found: Availability, actor: Actor) -> dict[str, Any]:
    missing, values = found.missing, found.values
    if actor.acting_for is not None and not plugin.utility.open_to_guardians:
        missing, values = NOT_FOR_WARDS, {}
    elif found.available and actor.account_level < plugin.utility.minimum_level:
        missing, values = LEVEL_TOO_LOW, {"needed": int(plugin.utility.minimum_level)}
    return {
        "code": launch.code,
        "title": plugin.utility.title,
        "state": str(launch.state),
        "available": not missing,
        "missing": missing or None,
        "words": missing_in_both(missing, values) if missing else None,
        "notice": notice_of(launch),
    }


def _flag(launch: Launch, found: Availability) -> dict[str, Any]:
    if found.missing == "source_unavailable":
        details = "the residence register does not answer"
        return {"key": launch.code, "error_code": "GENERAL", "error_details": details}
    if found.decided_by is Rule.STATE and launch.state is not LaunchState.PILOT:
        reason = "STATIC" if found.available else "DISABLED"
    else:
        reason = "SPLIT" if found.drawn else "TARGETING_MATCH"
    return {
        "key": launch.code,
        "value": found.available,
        "reason": reason,
        "variant": "on" if found.available else "off",
        "metadata": {"state": str(launch.state), "missing": found.missing or None},
    }
