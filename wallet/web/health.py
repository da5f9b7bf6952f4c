"""Whether this process lives, and whether it can do its work: two questions (ecosystem: live is not ready)."""

from contextlib import suppress
from typing import Any

from flask import Blueprint, Response

from wallet.documents.capacity import Capacity
from wallet.errors import WalletError
from wallet.schema import schema_problem
from wallet.web.answers import json_answer
from wallet.web.context import current_wallet

routes = Blueprint("health", __name__, url_prefix="/health")


@routes.get("/live")
def read_liveness() -> Response:
    """Tell that the process answers."""
    return json_answer({"status": "live"}, cache="no-store")


@routes.get("/ready")
def read_readiness() -> Response:
    """Tell whether database and trust bundle are there, how much room the status lists have, and how many documents
    have waited for their signature for ten minutes, and how many requests wait for a utility that is not installed.

    503 names what is not there. Neither is a reason to take the wallet out of service: full lists, for what was issued
    is still shown and checked, nor a register that is down, for everything but issuing works.
    """
    wallet = current_wallet()
    checks = {"database": "ok", "trust_bundle": "ok"}
    try:
        wallet.db.assert_durable()
        problem = schema_problem(wallet.db)
        if problem is not None:
            checks["database"] = problem
    except WalletError as error:
        checks["database"] = error.code
    try:
        wallet.trust.bundle()
    except WalletError as error:
        checks["trust_bundle"] = error.code
    capacity = unsigned = missing = None
    if checks["database"] == "ok":
        with suppress(WalletError):
            capacity, unsigned = _told(wallet.status_capacity()), wallet.signing.waiting()
            missing = sum(wallet.waiting_for_missing().values())
    ready = all(state == "ok" for state in checks.values())
    return json_answer(
        {
            "status": "ready" if ready else "not_ready",
            "checks": checks,
            "status_lists": capacity,
            "documents_unsigned": unsigned,
            "requests_without_utility": missing,
        },
        200 if ready else 503,
        cache="no-store",
    )


def _told(capacity: Capacity) -> dict[str, Any]:
    """Return the room of the status lists; how much is issued a day stays inside."""
    until = capacity.lasts_until
    return {
        "free": capacity.free,
        "size": capacity.size,
        "lasts_until": None if until is None else until.isoformat(),
        "bundle_bytes": capacity.bundle_bytes,
        "warnings": [str(warning) for warning in capacity.warnings],
    }
