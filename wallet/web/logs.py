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
# Where it happened, never with what values: a frame's locals hold passwords and claims.
_TRACEBACKS = structlog.processors.ExceptionRenderer(structlog.tracebacks.ExceptionDictTransformer(show_locals=False))


def configure_logs(settings: Settings) -> None:
    """Set structlog up for this process."""
    if sys.stderr.isatty() and not settings.production:
        last: list[Any] = [redact, structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)]
    else:
        last = [_TRACEBACKS, redact, structlog.processors.JSONRenderer(ensure_ascii=False)]
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            *last,
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
