"""Which desk of a verifier calls: by the key in its header, read from the database at each call.

Source: docs/security.md, S-23. An unknown, a wrong and a revoked key, and one whose organisation ended, get the same
answer, to the byte; the right key of a suspended organisation gets its own.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any, cast

from flask import current_app, g, request
from flask_smorest import Blueprint

from wallet.checks.desks import DeskActor
from wallet.errors import NotAuthenticated
from wallet.web.context import current_wallet, request_id
from wallet.web.operations import Credential, View, operation
from wallet.wiring import Work

DESK_KEY = "X-Desk-Key"
DESK_SCHEME = "desk"
VERIFIER = "verifier"
"""The role of whoever calls with a desk's key."""


def authenticate_desk() -> DeskActor:
    """Return the desk that calls, from now on also `current_desk()`, and its actor `current_actor()`.

    Raises NotAuthenticated("desk_key_missing", "invalid_desk_key" or "desk_key_suspended"), Unavailable.
    """
    text = request.headers.get(DESK_KEY, "")
    if not text:
        raise NotAuthenticated("desk_key_missing")
    with current_wallet().read() as work:
        g.desk = work.verifier_desks.authenticate(text)
    g.actor = g.desk.actor(request_id())
    return cast(DeskActor, g.desk)


def current_desk() -> DeskActor:
    """Return the desk that calls. Only behind `desk_operation`: elsewhere it is a defect, and RuntimeError says so."""
    if "desk" not in g:
        raise RuntimeError("this view is not declared with @desk_operation")
    return cast(DeskActor, g.desk)


def _asking_for_key(view: View) -> View:
    @wraps(view)
    def guarded(*args: Any, **kwargs: Any) -> Any:
        authenticate_desk()
        return current_app.ensure_sync(view)(*args, **kwargs)

    return guarded


def standing_desk(work: Work) -> DeskActor:
    """Return the desk that calls as it stands in this transaction, for what one act tries more than once: before the
    next try a partner was asked, and meanwhile its key may have ended, or its purpose show less.

    Raises NotAuthenticated("invalid_desk_key" or "desk_key_suspended").
    """
    return work.verifier_desks.authenticate(request.headers.get(DESK_KEY, ""))


KEY_OF_DESK = Credential(DESK_SCHEME, VERIFIER, _asking_for_key)


def desk_operation(routes: Blueprint, method: str, path: str, **options: Any) -> Callable[[View], View]:
    """Declare a view as the operation `method path` of a verifier's desk; options as those of `operation`."""
    return operation(routes, method, path, credential=KEY_OF_DESK, **options)
