"""How an operation is declared: method, path, and who may call it, in one line that tests and OpenAPI read.

Account level, auth level and role are checked by this declaration, never by an `if` in a view.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import wraps
from typing import Any

from flask import request
from flask_smorest import Blueprint
from werkzeug.routing import BaseConverter

from wallet.terms import AccountLevel, AuthLevel
from wallet.web.auth import Roles, requires, roles_of
from wallet.web.schemas import StrictParser, refuse_parameters

View = Callable[..., Any]


class Routes(Blueprint):
    """A blueprint that reads requests strictly. The parser belongs to the class: views are decorated while modules
    are read, so one that is set later is never used."""

    ARGUMENTS_PARSER = StrictParser()


class IdConverter(BaseConverter):
    """`<id:…>` in a path: an id has a prefix, so `/sessions/refresh` is not the session "refresh" and OPTIONS does not
    promise what that address cannot do."""

    # Not of werkzeug's converter of text: that one writes a pattern of its own over this. One segment of the path is
    # all it takes, which werkzeug does not conclude by itself from a pattern that names the slash.
    regex = "[^/_]+_[^/]+"
    part_isolating = True


OWN_SESSION: dict[str, Any] = {"account_level": AccountLevel.ONE, "auth_level": AuthLevel.ONE}
"""Whoever is signed in, however."""


@dataclass(frozen=True, slots=True)
class Credential:
    """Another credential than a session's. scheme: its name in the API's description. asking: what asks a view's
    caller for it. role: what whoever has it is called."""

    scheme: str
    role: str
    asking: Callable[[View], View]


@dataclass(frozen=True, slots=True)
class Operation:
    """One declared operation. once: needs an Idempotency-Key.

    account_level None: no session is asked for; then credential tells what is, None for nothing at all.
    """

    method: str
    path: str
    operation_id: str
    account_level: AccountLevel | None
    auth_level: AuthLevel | None
    role: Roles
    cooling_off: bool
    for_wards: bool
    device: bool
    once: bool
    etag: bool
    if_match: bool
    may_match: bool
    versioned: bool
    location: bool
    credential: Credential | None = None


DECLARED: dict[str, Operation] = {}
"""Flask endpoint to declaration. Filled while modules of views are read, never changed after that."""


def operation(
    routes: Blueprint,
    method: str,
    path: str,
    *,
    account_level: AccountLevel | None = None,
    auth_level: AuthLevel | None = None,
    role: Roles = None,
    max_age: timedelta | None = None,
    cooling_off: bool = False,
    for_wards: bool = False,
    device: bool = False,
    max_body: int | None = None,
    etag: bool = False,
    if_match: bool = False,
    may_match: bool = False,
    versioned: bool = False,
    location: bool = False,
    credential: Credential | None = None,
) -> Callable[[View], View]:
    """Declare a view as the operation `method path`.

    Without a level or another credential anyone may call it. role: one that is needed, or several of which one is
    enough. max_age: how long ago the caller may have authenticated. cooling_off: refused for a while after a new
    binding. for_wards: a guardian may call it for a ward, whom the header Acting-For names. device: from the phone
    alone. max_body: bytes, where more than the deployment's limit is needed. etag: its answer has one, and 304 is an
    answer. if_match: the caller has to name the version that they saw; may_match: only where something is kept.
    versioned: its answer tells the version. location: what was made can be read at its Location. The function's name
    is the operationId.
    """

    def declare(view: View) -> View:
        name = view.__name__
        doc: dict[str, Any] = {"operationId": name}
        guarded = view if _reads_query(view) else _without_query(view)
        if max_body is not None:
            guarded = _with_body_of(max_body, guarded)
        if account_level is not None:
            guarded = requires(
                account_level=account_level,
                auth_level=auth_level or AuthLevel.ONE,
                role=role,
                max_age=max_age,
                cooling_off=cooling_off,
                for_wards=for_wards,
                device=device,
            )(guarded)
            doc["security"] = [{"bearer": []}]
            doc["x-access"] = {
                "account_level": int(account_level),
                "auth_level": int(auth_level or AuthLevel.ONE),
                **({"role": " or ".join(sorted(roles_of(role)))} if role is not None else {}),
                **({"max_age": int(max_age.total_seconds())} if max_age is not None else {}),
                **({"cooling_off": True} if cooling_off else {}),
                **({"device": True} if device else {}),
            }
        if credential is not None:
            guarded = credential.asking(guarded)
            doc["security"] = [{credential.scheme: []}]
            doc["x-access"] = {"role": credential.role}
        DECLARED[f"{routes.name}.{name}"] = Operation(
            method,
            f"{routes.url_prefix or ''}{path}",
            name,
            account_level,
            auth_level,
            role,
            cooling_off,
            for_wards,
            device,
            getattr(view, "once", False),
            etag,
            if_match,
            may_match,
            versioned or if_match or may_match,
            location,
            credential,
        )
        routes.route(path, methods=[method], endpoint=name)(routes.doc(**doc)(guarded))
        return guarded

    return declare


def _with_body_of(most: int, view: View) -> View:
    @wraps(view)
    def widened(*args: Any, **kwargs: Any) -> Any:
        request.max_content_length = most
        return view(*args, **kwargs)

    return widened


def _reads_query(view: View) -> bool:
    arguments = getattr(view, "_apidoc", {}).get("arguments", {})
    return any(parameter["in"] == "query" for parameter in arguments.get("parameters", ()))


def _without_query(view: View) -> View:
    @wraps(view)
    def checked(*args: Any, **kwargs: Any) -> Any:
        refuse_parameters()
        return view(*args, **kwargs)

    return checked
