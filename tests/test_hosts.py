"""Which hosts are this machine: what goes there without TLS reaches nobody else."""

import pytest

from wallet.hosts import is_this_machine


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.255.255.254", "::1"])
def test_this_machine_is_known_by_name_and_by_address(host: str) -> None:
    assert is_this_machine(host)


@pytest.mark.parametrize(
    "host",
    ["", "x", "10.0.0.1", "0.0.0.0", "::", "127.1", "2130706433", "localhost.example.vn"],
)
def test_another_machine_is_not_taken_for_it(host: str) -> None:
    assert not is_this_machine(host)
