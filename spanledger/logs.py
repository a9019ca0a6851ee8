"""Logging: structlog events with fields, JSON lines unless on a terminal; never prompt or answer text.

Everything goes to standard error, so that standard output stays for results.
"""

from __future__ import annotations

import logging
import sys
from typing import Any

import structlog

from spanledger.settings import Settings


def configure(settings: Settings, role: str) -> None:
    """Set up structlog and the standard library's loggers (uvicorn, grpc, streamlit) for one process; ``role`` stands on every line."""
    level = getattr(logging, settings.log_level.upper())
    console = settings.log_format == "console" or (settings.log_format == "auto" and sys.stderr.isatty())

    def with_role(_logger: Any, _method: str, event: dict[str, Any]) -> dict[str, Any]:
        return {"role": role, **event}  # not a context variable: those do not reach threads

    shared: list[Any] = [
        with_role,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    renderer: Any = structlog.dev.ConsoleRenderer() if console else structlog.processors.JSONRenderer()
    structlog.configure(
        processors=[*shared, structlog.processors.format_exc_info, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer], foreign_pre_chain=shared
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(max(level, logging.WARNING))
