"""Logging: structlog events with fields, JSON lines unless on a terminal; never prompt or answer text.

Everything goes to standard error, so that standard output stays for results.
"""

from __future__ import annotations

import logging
import sys
import traceback
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
        _without_message,
    ]
    renderer: Any = structlog.dev.ConsoleRenderer() if console else structlog.processors.JSONRenderer()
    structlog.configure(
        processors=[*shared, renderer],
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


def _without_message(_logger: Any, _method: str, event: dict[str, Any]) -> dict[str, Any]:
    """An exception as its type and places, causes too: a message may quote what somebody sent, and so may the lines and values of a traceback."""
    told = event.pop("exc_info", None)
    exc = told if isinstance(told, BaseException) else told[1] if isinstance(told, tuple) else sys.exc_info()[1] if told else None
    said: list[str] = []
    while exc is not None and len(said) < _CAUSES:
        places = [f"{frame.filename.rpartition('/')[2]}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(exc.__traceback__, -_FRAMES)]
        said.append(" < ".join([type(exc).__name__, *reversed(places)]))
        exc = exc.__cause__ or (None if exc.__suppress_context__ else exc.__context__)
    return {**event, "exception": "; from ".join(said)} if said else event


_CAUSES, _FRAMES = 4, 12  # of an exception that are told
