"""Logs: JSON lines in production, readable lines in a terminal. Ids and codes only; a processor drops the rest."""

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

from wallet.settings import Settings

# A personal number, a phone number, a token or a code: none of them has business in a log.
_SECRETS = re.compile(r"\b\d{9,12}\b|eyJ[\w-]+\.[\w-]+\.[\w-]+|V[DLG]1:\S+")


def configure_logs(settings: Settings) -> None:
    """Set structlog up for this process."""
    pretty = sys.stderr.isatty() and not settings.production
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.dict_tracebacks if not pretty else structlog.processors.ExceptionPrettyPrinter(),
            redact,
            structlog.dev.ConsoleRenderer() if pretty else structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[settings.log_level.upper()]),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )


def redact(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Replace what looks like a number, a token or a code, wherever it stands."""
    return {name: _redacted(value) for name, value in event.items()}


def _redacted(value: Any) -> Any:
    if isinstance(value, str):
        return _SECRETS.sub("[redacted]", value)
    if isinstance(value, dict):
        return {name: _redacted(inner) for name, inner in value.items()}
    return [_redacted(inner) for inner in value] if isinstance(value, list) else value
