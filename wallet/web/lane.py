"""The lean lane: a check that goes well, without a framework around it. Everything else goes to Flask untouched.

A desk's check is the hottest thing here, and routing, contexts and hooks cost several times the verification. The lane
answers only a plain, well-formed `POST /v1/checks`; whatever is odd about a request (another header, a query, a wrong
field, a body too large) is handed on with its body rewound, so that every refusal is made in one place.
A test holds the two lanes against each other, byte for byte.
"""

from collections.abc import Callable, Iterable
from io import BytesIO
from typing import Any

from wallet.web.context import EVERY_ANSWER, chosen_request_id
from wallet.web.schemas import parse_json
from wallet.web.verify import CONTENT_TYPE, HEADERS, PATH, encoded
from wallet.wiring import Wallet

Environ = dict[str, Any]
StartResponse = Callable[..., Any]
MAX_LENGTH_DIGITS = 9
Application = Callable[[Environ, StartResponse], Iterable[bytes]]


class CheckLane:
    """A WSGI application (PEP 3333) in front of another."""

    def __init__(self, behind: Application, wallet: Wallet) -> None:
        self._behind = behind
        self._wallet = wallet
        self._most = wallet.settings.max_body_bytes

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        if environ["PATH_INFO"] != PATH or environ["REQUEST_METHOD"] != "POST":
            return self._behind(environ, start_response)
        length = environ.get("CONTENT_LENGTH") or ""
        plain = (
            environ.get("CONTENT_TYPE") == CONTENT_TYPE
            and not environ.get("QUERY_STRING")
            and "HTTP_AUTHORIZATION" not in environ
        )
        # A body of unknown length, or too long a one, is Flask's to refuse: it is not read here.
        if not plain or not length.isdecimal() or len(length) > MAX_LENGTH_DIGITS or int(length) > self._most:
            return self._behind(environ, start_response)
        body = environ["wsgi.input"].read(int(length))
        answer = self._checked(body)
        if answer is None:
            environ["wsgi.input"] = BytesIO(body)
            return self._behind(environ, start_response)
        request_id = chosen_request_id(environ.get("HTTP_X_REQUEST_ID", ""), self._wallet.entropy)
        headers = [*HEADERS, ("Content-Length", str(len(answer))), ("X-Request-ID", request_id), *EVERY_ANSWER]
        start_response("200 OK", headers)
        return [answer]

    def _checked(self, body: bytes) -> bytes | None:
        """Return the answer, None when there is anything to refuse."""
        try:
            order = parse_json(body)
            if not isinstance(order, dict) or len(order) != 1 or not isinstance(order.get("code"), str):
                return None
            return encoded(self._wallet.checking.check(order["code"]))
        except Exception:  # noqa: BLE001 - Flask meets it again, and answers as for every failure: a 500 that says nothing
            return None
