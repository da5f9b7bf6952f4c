"""What a network and a server can do to a gate: nothing but leave it as it is."""

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from wallet.verifier.fetching import FetchFailed, UrllibFetching, address_of

Answering = Callable[[BaseHTTPRequestHandler], None]


@contextlib.contextmanager
def server(answering: Answering) -> Iterator[str]:
    """Serve every request with this, on a port of its own; yield the address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            with contextlib.suppress(OSError):
                answering(self)

        do_POST = do_GET  # noqa: N815 - the library's name

        def log_message(self, *_: object) -> None:
            pass

    serving = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    serving.daemon_threads = True
    thread = threading.Thread(target=serving.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{serving.server_address[1]}"
    finally:
        serving.shutdown()
        serving.server_close()


def answer(status: int, body: bytes = b"", **headers: str) -> Answering:
    def answering(request: BaseHTTPRequestHandler) -> None:
        request.send_response(status)
        for name, value in headers.items():
            request.send_header(name.replace("_", "-"), value)
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        request.wfile.write(body)

    return answering


def dead_address() -> str:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{free.getsockname()[1]}"


def failed(url: str, most: int = 1000, seconds: float = 5) -> str:
    with pytest.raises(FetchFailed) as caught:
        UrllibFetching(seconds)(url, {}, most=most)
    return caught.value.code


def test_an_answer_comes_with_its_status_and_headers() -> None:
    with server(answer(200, b"whole", ETag='"1"')) as url:
        found = UrllibFetching()(url, {})
    assert (found.status, found.body, found.headers["etag"]) == (200, b"whole", '"1"')


@pytest.mark.parametrize("status", [304, 400, 404, 500, 503])
def test_another_status_is_an_answer_too(status: int) -> None:
    with server(answer(status)) as url:
        assert UrllibFetching()(url, {}).status == status


def test_what_is_larger_than_wanted_is_not_read_to_its_end() -> None:
    with server(answer(200, bytes(1001))) as url:
        assert failed(url) == "too_large"

    def endless(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.end_headers()
        while True:
            request.wfile.write(bytes(65536))

    with server(endless) as url:
        assert failed(url) == "too_large"


def test_a_part_of_an_answer_is_none() -> None:
    def cut(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.send_header("Content-Length", "100")
        request.end_headers()
        request.wfile.write(b"x" * 50)

    with server(cut) as url:
        assert failed(url) == "unreachable"


@pytest.mark.parametrize("headers_first", [True, False])
def test_a_byte_at_a_time_ends_at_its_time(headers_first: bool) -> None:
    stop = threading.Event()

    def dripping(request: BaseHTTPRequestHandler) -> None:
        if headers_first:
            request.send_response(200)
            request.end_headers()
        else:
            request.wfile.write(b"HTTP/1.1 200 OK\r\nX: ")
        while not stop.wait(0.05):
            request.wfile.write(b"x")
            request.wfile.flush()

    begun = time.monotonic()
    with server(dripping) as url:
        assert failed(url, most=10_000_000, seconds=0.6) == "too_slow"
        assert time.monotonic() - begun < 4
        stop.set()


def test_a_silent_server_ends_at_its_time() -> None:
    stop = threading.Event()
    with server(lambda _: stop.wait(5) and None) as url:
        assert failed(url, seconds=0.3) in ("too_slow", "unreachable")
        stop.set()


def test_nobody_there_is_unreachable() -> None:
    assert failed(dead_address()) == "unreachable"


def test_what_speaks_no_http_is_unreachable() -> None:
    def garbage(request: BaseHTTPRequestHandler) -> None:
        request.wfile.write(b"\x16\x03\x01garbage\r\n\r\n" * 100)

    with server(garbage) as url:
        assert failed(url) == "unreachable"


def test_another_host_is_not_followed_to_and_never_asked() -> None:
    asked: list[str] = []

    def other(request: BaseHTTPRequestHandler) -> None:
        asked.append(request.path)
        answer(200, b"theirs")(request)

    with server(other) as elsewhere:
        for target, code in ((f"{elsewhere}/x", "sent_elsewhere"), ("http://user@127.0.0.1/x", "bad_address")):
            with server(answer(302, Location=target)) as url:
                assert failed(url) == code
        for target in ("file:///etc/passwd", "data:,x"):
            with server(answer(302, Location=target)) as url:
                assert UrllibFetching()(url, {}).status == 302, "the answer itself, and nothing of a file"
    assert asked == []


def test_the_same_host_is_followed_to_a_few_times() -> None:
    def moved(request: BaseHTTPRequestHandler) -> None:
        (answer(200, b"here") if request.path == "/new" else answer(302, Location="/new"))(request)

    with server(moved) as url:
        assert UrllibFetching()(f"{url}/old", {}).body == b"here"
    steps: list[str] = []

    def endless(request: BaseHTTPRequestHandler) -> None:
        steps.append(request.path)
        answer(302, Location=f"{request.path}x")(request)

    with server(endless) as url:
        assert UrllibFetching()(f"{url}/x", {}).status == 302
    assert len(steps) == 4


def test_the_body_of_a_redirection_is_not_read() -> None:
    def huge(request: BaseHTTPRequestHandler) -> None:
        if request.path == "/new":
            answer(200, b"here")(request)
            return
        request.send_response(302)
        request.send_header("Location", "/new")
        request.end_headers()
        while True:
            request.wfile.write(bytes(65536))

    with server(huge) as url:
        assert UrllibFetching(5)(f"{url}/old", {}).body == b"here"


def test_what_is_posted_is_sent_nowhere_else() -> None:
    with server(answer(302, Location="/new")) as url, pytest.raises(FetchFailed, match="sent_elsewhere"):
        UrllibFetching()(url, {}, b"{}")


@pytest.mark.parametrize(
    "url",
    ["", "vi.example.vn", "file:///etc/passwd", "ftp://x/y", "http://", "http://a b/", "http://user:pw@host/", "http://x:0/",
     "http://x:99999/", "http://ví.example.vn/", "http://x/\n", "javascript:1"],
)  # fmt: skip
def test_an_address_that_is_none_is_refused_before_anything_is_opened(url: str) -> None:
    with pytest.raises(FetchFailed, match="bad_address"):
        address_of(url)
    assert failed(url) == "bad_address"
