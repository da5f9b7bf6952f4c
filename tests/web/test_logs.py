"""What a log line may hold: where something happened and which ids, never a secret or a person."""

import io
import json
import sys
from collections.abc import Iterator
from dataclasses import replace

import pytest
import structlog

from wallet.settings import Settings
from wallet.web.logs import configure_logs


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """Everything that is logged, as production writes it."""
    before = structlog.get_config()
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    configure_logs(replace(Settings.from_environ({}), mode="production"))
    yield stream
    structlog.configure(**before)


def test_an_unforeseen_failure_is_logged_without_the_values_around_it(lines: io.StringIO) -> None:
    def failing(password: str, number: str) -> None:
        raise RuntimeError("boom")

    try:
        failing("MatKhau#2026", "099090000001")
    except RuntimeError as error:
        structlog.get_logger().error("unforeseen", exc_info=error)
    line = json.loads(lines.getvalue())
    assert line["exception"][0]["exc_type"] == "RuntimeError"
    assert "MatKhau" not in lines.getvalue()
    assert "099090000001" not in lines.getvalue()


@pytest.mark.parametrize(
    "secret",
    ["099090000001", "0912345678", "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJhIn0.c2ln", "VD1:NCFOXN6D2Q/N", "123456789"],
)
def test_numbers_tokens_and_codes_are_struck_out_wherever_they_stand(lines: io.StringIO, secret: str) -> None:
    structlog.get_logger().warning("odd", said=f"x {secret} y", deep={"list": [secret]})
    assert secret not in lines.getvalue()
    assert lines.getvalue().count("[redacted]") == 2


def test_ids_stay_readable(lines: io.StringIO) -> None:
    structlog.get_logger().info("done", request_id="rid_0f3c5a7e9b1d2f4a6c8e0b2d4f6a8c0e")
    assert "rid_0f3c5a7e9b1d2f4a6c8e0b2d4f6a8c0e" in lines.getvalue()
