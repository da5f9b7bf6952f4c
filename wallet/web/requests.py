"""What a citizen asks utilities for: drafts, answers, files, payment, and how each request goes."""

from typing import Any

from flask import Response

from wallet.documents.forms.pdf import MEDIA_TYPE as PDF
from wallet.errors import Unavailable
from wallet.payments.paying import OPENED_SOON_SECONDS, PaymentState
from wallet.requests.orders import (
    RequestDetail,
    RequestOrder,
)
from wallet.terms import AccountLevel, AuthLevel
from wallet.web.answers import (
    PRIVATE,
    PageQuery,
    answer,
    conditional,
    expected_version,
    json_answer,
    page_answer,
    place_of,
    version_etag,
    with_etag,
)
from wallet.web.auth import current_actor
from wallet.web.context import current_wallet
from wallet.web.files import attached
from wallet.web.once import once, once_and
from wallet.web.operations import Routes, operation
from wallet.web.request_schemas import (
    PaymentSchema,
    PaymentsSchema,
    RequestDetailSchema,
    RequestEditSchema,
    RequestFileOrderSchema,
    RequestFileSchema,
    RequestMoveSchema,
    RequestOrderSchema,
    RequestPageSchema,
    RequestPaperSchema,
    RequestPreviewSchema,
    RequestSchema,
)
from wallet.web.request_words import previewed, printed_paper, told, told_paper, told_whole
from wallet.wiring import Work

routes = Routes("requests", __name__, url_prefix="/v1/requests", description="What a citizen asks utilities for")
OWN: dict[str, Any] = {"account_level": AccountLevel.ONE, "auth_level": AuthLevel.ONE, "for_wards": True}
MAX_BODY = 2 << 20


@operation(routes, "POST", "", **OWN, cooling_off=True, location=True)
@routes.arguments(RequestOrderSchema)
@routes.response(201, RequestSchema)
@once
def submit_request(work: Work, order: RequestOrder) -> Response:
    """Ask a utility for something. An instant one answers at once: `document_id` is in the answer."""
    made = work.requests.submit(order, current_actor())
    headers = {"Location": f"/v1/requests/{made.id}"}
    return answer(RequestSchema(), told(made, work.wallet.catalogue), 201, headers)


@operation(routes, "GET", "", **OWN)
@routes.arguments(PageQuery, location="query")
@routes.response(200, RequestPageSchema)
def list_requests(query: dict[str, Any]) -> Response:
    """List your requests, newest first."""
    actor, wallet = current_actor(), current_wallet()
    purpose = f"requests:{actor.holder_id}"
    with wallet.read() as work:
        rows, following = work.requests.page(actor, query["limit"], place_of(query["cursor"], purpose))
    return page_answer(
        RequestSchema(), [told(row, wallet.catalogue) for row in rows], following, purpose, query["limit"]
    )


@operation(routes, "GET", "/<request_id>", **OWN, etag=True, versioned=True)
@routes.response(200, RequestDetailSchema)
def read_request(request_id: str) -> Response:
    """Read one of your requests: what was answered, what happened, what is expected when."""
    with current_wallet().read() as work:
        detail = work.requests.get(request_id, current_actor())
    return conditional(_whole(detail))


@operation(routes, "GET", "/<request_id>/preview", **OWN)
@routes.response(200, RequestPreviewSchema)
def preview_request(request_id: str) -> Response:
    """Look ahead: what is missing, what it would cost, by when it would be answered, if you sent it now."""
    wallet = current_wallet()
    for trying in wallet.tries():
        with trying as work:
            utility = work.requests.get(request_id, current_actor()).request.utility
            preview = work.request_services.previewing.preview(request_id, current_actor())
    return answer(RequestPreviewSchema(), previewed(preview, wallet.catalogue.plugin(utility)))


@operation(routes, "PATCH", "/<request_id>", **OWN, if_match=True)
@routes.arguments(RequestEditSchema)
@routes.response(200, RequestDetailSchema)
def edit_request(order: dict[str, Any], request_id: str) -> Response:
    """Change answers of a draft, or of what has to be supplemented."""
    version = expected_version()
    with current_wallet().work() as work:
        detail = work.requests.edit(request_id, order["answers"], version, current_actor())
    return _whole(detail)


@operation(routes, "DELETE", "/<request_id>", **OWN)
@routes.response(204)
def discard_request(request_id: str) -> Response:
    """Throw a draft away with everything in it."""
    with current_wallet().work() as work:
        work.requests.discard(request_id, current_actor())
    return Response(status=204, headers={"Cache-Control": PRIVATE})


@operation(routes, "POST", "/<request_id>/moves", **OWN, cooling_off=True)
@routes.arguments(RequestMoveSchema)
@routes.response(200, RequestSchema)
@once
def move_request(work: Work, order: dict[str, str], request_id: str) -> Response:
    """Send a draft or a supplement, withdraw, end or cancel: one of the request's `actions`."""
    moved = work.requests.act(request_id, order["action"], current_actor())
    return answer(RequestSchema(), told(moved, work.wallet.catalogue))


@operation(routes, "POST", "/<request_id>/files", **OWN, max_body=MAX_BODY)
@routes.arguments(RequestFileOrderSchema)
@routes.response(201, RequestFileSchema)
@once
def add_request_file(work: Work, order: dict[str, Any], request_id: str) -> Response:
    """Send a file for a field of the form; then name its id in the answer."""
    made = work.requests.attach(request_id, order["field"], order["media_type"], order["content"], current_actor())
    return answer(RequestFileSchema(), made, 201)


@operation(routes, "GET", "/<request_id>/files/<file_id>", **OWN)
@routes.response(200, {"type": "string", "format": "binary"}, content_type="application/octet-stream")
def read_request_file(request_id: str, file_id: str) -> Response:
    """Fetch a file that you sent, as it is stored."""
    with current_wallet().read() as work:
        media_type, content = work.requests.file(request_id, file_id, current_actor())
    return attached(media_type, content, file_id)


@operation(routes, "DELETE", "/<request_id>/files/<file_id>", **OWN)
@routes.response(204)
def remove_request_file(request_id: str, file_id: str) -> Response:
    """Take a file away that no answer names."""
    with current_wallet().work() as work:
        work.requests.detach(request_id, file_id, current_actor())
    return Response(status=204, headers={"Cache-Control": PRIVATE})


@operation(routes, "GET", "/<request_id>/papers/<paper_id>", **OWN, etag=True)
@routes.response(200, RequestPaperSchema)
def read_request_paper(request_id: str, paper_id: str) -> Response:
    """Read a receipt slip or a letter of one of your requests."""
    with current_wallet().read() as work:
        paper = work.requests.paper(request_id, paper_id, current_actor())
    return with_etag(answer(RequestPaperSchema(), told_paper(paper)))


@operation(routes, "GET", "/<request_id>/papers/<paper_id>/paper.pdf", **OWN, etag=True)
@routes.response(200, {"type": "string", "format": "binary"}, content_type=PDF)
def print_request_paper(request_id: str, paper_id: str) -> Response:
    """Fetch a receipt slip or a letter as PDF, to print or to show to somebody. It has neither code nor seal."""
    with current_wallet().read() as work:
        paper = work.requests.paper(request_id, paper_id, current_actor())
    return with_etag(printed_paper(paper))


@operation(routes, "GET", "/<request_id>/payments", **OWN)
@routes.response(200, PaymentsSchema)
def list_payments(request_id: str) -> Response:
    """List the payments of a request."""
    with current_wallet().read() as work:
        work.requests.get(request_id, current_actor())
        rows = work.paying.of_request(request_id)
    return answer(PaymentsSchema(), {"data": rows})


def _opened(begun: Response, **_: Any) -> Response:
    """Return the payment that was begun as it stands now. Raises Unavailable while the provider has not opened it."""
    with current_wallet().read() as work:
        payment = work.paying.get(str((begun.json or {})["id"]))
    if payment.state is PaymentState.OPENING:
        raise Unavailable("payment_unavailable", OPENED_SOON_SECONDS)
    return answer(PaymentSchema(), payment, 201)


@operation(routes, "POST", "/<request_id>/payments", **OWN)
@routes.response(201, PaymentSchema)
@once_and(_opened)
def open_payment(work: Work, request_id: str) -> Response:
    """Begin to pay, or to pay again after a payment that failed; one that is open is the answer.

    While the provider does not open it this is 503; the same key asks for the same payment again.
    """
    return json_answer({"id": work.requests.pay(request_id, current_actor()).id}, 201)


def _whole(detail: RequestDetail) -> Response:
    response = answer(RequestDetailSchema(), told_whole(detail, current_wallet().catalogue))
    response.headers["ETag"] = version_etag(detail.request.version)
    return response
