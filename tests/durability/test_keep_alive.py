"""A refusal does not cost the connection: the next request on it is served (RFC 9112, section 9.3)."""

import http.client
import json

import pytest

from tests.durability.server import Server

REQUESTS = 60
BODY = json.dumps({"utility": "residence", "note": "x" * 2000}).encode()


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        ("/v1/requests", {}, 401),
        ("/v1/requests", {"Authorization": "Bearer nonsense"}, 401),
        ("/v1/nope", {}, 404),
        ("/v1/utilities", {}, 405),
    ],
)
def test_connection_outlives_a_refusal(plain_server: Server, path: str, headers: dict[str, str], status: int) -> None:
    plain_server.start()
    connection = http.client.HTTPConnection("127.0.0.1", plain_server.port, timeout=10)
    for _ in range(REQUESTS):
        connection.request("POST", path, body=BODY, headers={"Content-Type": "application/json", **headers})
        response = connection.getresponse()
        assert response.status == status
        assert response.getheader("Connection") != "close"
        assert response.read()
    connection.close()


def test_body_that_is_too_long_ends_the_connection_and_says_so(plain_server: Server) -> None:
    plain_server.start()
    connection = http.client.HTTPConnection("127.0.0.1", plain_server.port, timeout=10)
    connection.putrequest("POST", "/v1/requests")
    connection.putheader("Content-Type", "application/json")
    connection.putheader("Content-Length", str(1 << 20))
    connection.endheaders(b"{")
    response = connection.getresponse()
    assert response.status in (401, 413)
    assert response.getheader("Connection") == "close"
    connection.close()
