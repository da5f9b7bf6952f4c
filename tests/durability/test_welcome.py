"""What a server that is ready tells a newcomer to try next works as it is told, also on another port."""

import time

from tests.durability.server import Server


def test_next_command_names_the_port_that_is_not_the_usual_one(plain_server: Server) -> None:
    plain_server.start()
    deadline = time.monotonic() + 20
    while "to stop" not in plain_server.log:
        assert time.monotonic() < deadline, plain_server.log
        time.sleep(0.05)
    assert f".venv/bin/wallet demo journey --url {plain_server.address} --out out\n" in plain_server.log
