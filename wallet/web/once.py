"""A write that makes something lasting: one transaction, one Idempotency-Key, one answer however often it is asked."""

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, Concatenate

from flask import Response, current_app, request

from wallet.errors import BadRequest
from wallet.web.auth import current_actor
from wallet.web.context import current_wallet
from wallet.wiring import Work

HEADER = "Idempotency-Key"
REPLAYED = "Idempotent-Replayed"
MAX_KEY_LENGTH = 255
_KEPT_HEADERS = ("Location", "ETag", "Cache-Control", "Content-Disposition", "Content-Type")

View = Callable[..., Response]


class Told(Response):
    """An answer that is told once. kept: what is stored of it with the key, of which a later answer is made."""

    def __init__(self, told: Response, kept: Response) -> None:
        super().__init__(told.get_data(), told.status_code, told.headers)
        self.kept = kept


def once(view: Callable[Concatenate[Work, ...], Response]) -> View:
    """Give the view an open transaction, and store its answer with the caller's key in that transaction."""

    @wraps(view)
    def wrapped(*args: Any, **kwargs: Any) -> Response:
        key = _key()
        principal, ward = current_actor().account_id, current_actor().acting_for
        # For a ward it is another operation: the answer for one is never replayed to who asks for another.
        operation = f"{request.method} {request.path}" if ward is None else f"{request.method} {ward} {request.path}"
        stored: Mapping[str, Any] = {}
        for trying in current_wallet().tries():
            with trying as work:
                found = work.idempotency.begin(principal, key, operation, request.get_data(cache=True))
                if found is None:
                    response = view(work, *args, **kwargs)
                    promised = {
                        "documents": [each.id for each in work.intended],
                        "copies": [copy_id for copy_id, _ in work.reserved],
                        "payments": list(work.begun),
                    }
                    work.idempotency.finish(principal, key, _kept(response) | promised)
                    return response
                stored = found
        # What was promised may have been left unsigned or unopened, by a crash or by a partner that was away.
        current_wallet().opening.attempt(stored.get("payments", ()))
        current_wallet().signing.complete_stored(stored.get("documents", ()))
        current_wallet().copying.complete((copy_id, current_actor()) for copy_id in stored.get("copies", ()))
        return _replayed(stored)

    wrapped.once = True  # type: ignore[attr-defined]
    return wrapped


def once_and(
    finish: Callable[Concatenate[Response, ...], Response],
) -> Callable[[Callable[Concatenate[Work, ...], Response]], View]:
    """As `once`, with an answer that is finished after the commit, each time: what is stored is what it is made of.

    finish: gets that, and what the view got beside its transaction.
    """

    def declare(view: Callable[Concatenate[Work, ...], Response]) -> View:
        stored = once(view)

        @wraps(stored)
        def wrapped(*args: Any, **kwargs: Any) -> Response:
            begun = stored(*args, **kwargs)
            response = finish(begun, *args, **kwargs)
            if REPLAYED in begun.headers:
                response.headers[REPLAYED] = begun.headers[REPLAYED]
            return response

        return wrapped

    return declare


def _key() -> str:
    key = request.headers.get(HEADER, "")
    if not 1 <= len(key) <= MAX_KEY_LENGTH or not all("!" <= letter <= "~" for letter in key):
        raise BadRequest("idempotency_key_required")
    return key


def _kept(told: Response) -> dict[str, Any]:
    response = told.kept if isinstance(told, Told) else told
    headers = {name: response.headers[name] for name in _KEPT_HEADERS if name in response.headers}
    return {"status": response.status_code, "body": response.get_data(as_text=True), "headers": headers}


def _replayed(stored: Any) -> Response:
    response = current_app.response_class(stored["body"], stored["status"])
    response.headers.update(stored["headers"])
    response.headers[REPLAYED] = "true"
    return response
