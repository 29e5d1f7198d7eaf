"""Structured logs: one event per line with its fields, for people (`console`) or for a collector (`json`).

`structlog.get_logger()` anywhere; libraries that use the standard library's logging come out the same way. The edge
binds what belongs to a request (`request_id`) as context. Names, addresses, tokens and bodies are never logged.
"""

import logging
import sys
from typing import Any

import msgspec
import structlog

from lotse.kernel.settings import Settings

# Libraries that report each small step at `info`.
_CHATTY = ("asyncio", "granian", "_granian", "aiohttp", "pgqueuer", "yoyo", "litestar")


def configure(settings: Settings, role: str) -> None:
    """Set up the logs of this process; `role` stands on every line."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _naming(role),
    ]
    level = logging.getLevelNamesMapping()[settings.log_level.upper()]
    if settings.log_format == "json":
        last: list[Any] = [
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(serializer=_json),
        ]
    else:
        # Plain traces: the pretty ones print local variables, and with them addresses and tokens.
        last = [
            structlog.dev.ConsoleRenderer(
                colors=sys.stderr.isatty(), sort_keys=False, exception_formatter=structlog.dev.plain_traceback
            )
        ]
    structlog.configure(
        processors=[*shared, *last],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in _CHATTY:
        logging.getLogger(name).setLevel(max(level, logging.WARNING))


def _naming(role: str) -> Any:
    def name(_logger: Any, _method: str, event: dict[str, Any]) -> dict[str, Any]:
        event.setdefault("role", role)
        return event

    return name


def _json(event: Any, default: Any = None, **_: Any) -> str:
    return msgspec.json.encode(event, enc_hook=default or repr).decode()
