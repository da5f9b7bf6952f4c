"""Posting: to the address that was judged, under the name that was given, once, and only so long."""

import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from tests.messages.receiver import QUICK, Receiver, raw_server, serving
from wallet.messages.posting import PinnedPoster

NAME = "hooks.example.vn"
HEADERS = {"content-type": "application/json", "webhook-id": "evt_1"}


class Resolver:
    """Gives its answers one after the other, as a name does that changes between two looks."""

    def __init__(self, *answers: list[str]) -> None:
        self.answers = list(answers)
        self.asked: list[tuple[str, int]] = []

    def __call__(self, host: str, port: int) -> list[str]:
        self.asked.append((host, port))
        return self.answers[min(len(self.asked), len(self.answers)) - 1]


def here(**options: float) -> PinnedPoster:
    return PinnedPoster(localhost=True, **options)  # type: ignore[arg-type]


def test_an_answer_is_told_with_its_status(receiver: Receiver) -> None:
    for status, outcome in (
        (200, "ok"),
        (204, "ok"),
        (299, "ok"),
        (400, "http_400"),
        (410, "http_410"),
        (503, "http_503"),
    ):
        receiver.answers = [status]
        reply = here().post(receiver.url, b"{}", HEADERS)
        assert (reply.status, reply.outcome, reply.accepted) == (status, outcome, outcome == "ok")
    assert receiver.requests[0].body == b"{}"
    assert receiver.requests[0].headers["webhook-id"] == "evt_1"
    assert receiver.requests[0].headers["host"] == f"127.0.0.1:{receiver.port}"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_a_failure_and_not_followed(receiver: Receiver, status: int) -> None:
    with serving(Receiver()) as inside:
        receiver.answers, receiver.location = [status], inside.url
        reply = here().post(receiver.url, b"{}", HEADERS)
        assert (reply.status, reply.outcome) == (status, f"http_{status}")
        assert inside.requests == []


@pytest.mark.parametrize(
    "addresses",
    [
        ["127.0.0.1"],
        ["169.254.169.254"],
        ["::ffff:127.0.0.1"],
        ["10.1.2.3"],
        ["8.8.8.8", "127.0.0.1"],  # one that is public does not help the other
        ["127.0.0.1", "8.8.8.8"],
        [],
        ["no address"],
    ],
)
def test_a_name_that_leads_inside_is_refused_and_nothing_is_sent(receiver: Receiver, addresses: list[str]) -> None:
    poster = PinnedPoster(resolve=Resolver(addresses))
    reply = poster.post(f"https://{NAME}:{receiver.port}/", b"{}", HEADERS)
    assert (reply.status, reply.outcome) == (None, "address_refused")
    assert receiver.requests == []


@pytest.mark.parametrize("url", ["http://127.0.0.1:{}/", "https://[::1]:{}/", "https://2130706433:{}/", "nonsense"])
def test_an_address_that_became_refused_since_is_not_posted_to(receiver: Receiver, url: str) -> None:
    resolver = Resolver(["127.0.0.1"])
    reply = PinnedPoster(resolve=resolver).post(url.format(receiver.port), b"{}", HEADERS)
    assert (reply.status, reply.outcome) == (None, "address_refused")
    assert (receiver.requests, resolver.asked) == ([], [])


def test_a_demo_reaches_this_machine_and_no_other_by_that_name(receiver: Receiver) -> None:
    poster = PinnedPoster(localhost=True, resolve=Resolver(["10.0.0.1"]))
    assert poster.post(f"http://localhost:{receiver.port}/", b"{}", HEADERS).outcome == "address_refused"
    assert receiver.requests == []


def test_a_name_that_does_not_resolve_is_no_connection() -> None:
    def resolve(host: str, port: int) -> list[str]:
        raise socket.gaierror(socket.EAI_NONAME, "not known")

    reply = PinnedPoster(resolve=resolve).post(f"https://{NAME}/", b"{}", HEADERS)
    assert (reply.status, reply.outcome) == (None, "no_connection")


def test_nobody_there_is_no_connection() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    assert here().post(f"http://127.0.0.1:{port}/", b"{}", HEADERS).outcome == "no_connection"


@pytest.mark.parametrize(
    ("answer", "drip", "outcome"),
    [
        (b"", False, "timeout"),  # says nothing
        (b"HTTP/1.1 200 OK\r\nX-Slow: ", True, "timeout"),  # says a letter every now and then
        (b"no such protocol\r\n\r\n", False, "no_connection"),
        (b"HTTP/1.1 200 OK\r\n" + b"X-Long: " + b"x" * 200_000 + b"\r\n\r\n", False, "no_connection"),
    ],
)
def test_a_receiver_that_wastes_time_or_bytes_is_left(answer: bytes, drip: bool, outcome: str) -> None:
    with raw_server(answer, drip=drip) as port:
        patience = QUICK if outcome == "timeout" else 20
        reply = here(seconds=patience).post(f"http://127.0.0.1:{port}/", b"{}", HEADERS)
    assert (reply.status, reply.outcome) == (None, outcome)


def test_a_body_without_an_end_is_not_read() -> None:
    with raw_server(b"HTTP/1.1 200 OK\r\nContent-Length: 999999999\r\n\r\n", drip=True) as port:
        assert here().post(f"http://127.0.0.1:{port}/", b"{}", HEADERS).outcome == "ok"


# --- TLS -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate for the name, and its key."""
    private = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, NAME)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(private.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(NAME)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(private, hashes.SHA256())
    )
    directory = tmp_path_factory.mktemp("tls")
    certificate, key = directory / "cert.pem", directory / "key.pem"
    certificate.write_bytes(made.public_bytes(Encoding.PEM))
    key.write_bytes(private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return certificate, key


@contextmanager
def tls_receiver(certificate: tuple[Path, Path]) -> Iterator[tuple[Receiver, list[str | None]]]:
    names: list[str | None] = []
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(*certificate)
    server.sni_callback = lambda _socket, name, _context: names.append(name)
    with serving(Receiver(), server) as receiver:
        yield receiver, names


def test_the_checked_address_is_connected_to_under_the_given_name(certificate: tuple[Path, Path]) -> None:
    """The name changes to an address inside right after it was judged: nobody asks it a second time."""
    judged: list[str] = []
    with tls_receiver(certificate) as (receiver, names):
        resolver = Resolver(["127.0.0.1"], ["169.254.169.254"])
        poster = PinnedPoster(
            resolve=resolver,
            permits=lambda address: judged.append(address) is None,
            context=lambda: ssl.create_default_context(cafile=certificate[0]),
        )
        reply = poster.post(f"https://{NAME}:{receiver.port}/viso?a=b", b"{}", HEADERS)
        assert reply.outcome == "ok"
        assert resolver.asked == [(NAME, receiver.port)]
        assert judged == ["127.0.0.1"]
        assert names == [NAME]
        assert receiver.requests[0].headers["host"] == f"{NAME}:{receiver.port}"
        assert receiver.requests[0].path == "/viso?a=b"


@pytest.mark.parametrize(("host", "trusted"), [("other.example.vn", True), (NAME, False)])
def test_another_certificate_is_refused(certificate: tuple[Path, Path], host: str, trusted: bool) -> None:
    with tls_receiver(certificate) as (receiver, _):
        poster = PinnedPoster(
            resolve=Resolver(["127.0.0.1"]),
            permits=lambda _: True,
            context=lambda: ssl.create_default_context(cafile=certificate[0] if trusted else None),
        )
        assert poster.post(f"https://{host}:{receiver.port}/", b"{}", HEADERS).outcome == "tls_refused"
        assert receiver.requests == []
