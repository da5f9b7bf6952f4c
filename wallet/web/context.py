"""What a view reaches: the wallet it serves, and the id of the request it answers."""

import re
from typing import cast

from flask import current_app, g, request

from wallet.entropy import Entropy, new_id
from wallet.wiring import Wallet

EXTENSION = "wallet"
EVERY_ANSWER = (("X-Content-Type-Options", "nosniff"), ("Referrer-Policy", "no-referrer"))
"""Headers that every answer carries, whichever lane it came through."""

_REQUEST_ID = re.compile(r"[A-Za-z0-9_.-]{8,64}")


def current_wallet() -> Wallet:
    """Return the wallet of this application."""
    return cast(Wallet, current_app.extensions[EXTENSION])


def request_id() -> str:
    """Return the id of this request."""
    if "request_id" not in g:
        g.request_id = chosen_request_id(request.headers.get("X-Request-ID", ""), current_wallet().entropy)
    return cast(str, g.request_id)


def chosen_request_id(given: str, entropy: Entropy) -> str:
    """Return the caller's own X-Request-ID where it is plain, else a new one."""
    return given if _REQUEST_ID.fullmatch(given) else new_id(entropy, "rid")
