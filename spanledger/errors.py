"""Every error that Spanledger raises on purpose.

::

    SpanledgerError
    ├── BadSpan             the sender must fix its data           OTLP partial success / 400
    ├── TooLarge            over a size limit                      413 / RESOURCE_EXHAUSTED, no retry
    ├── ConfigError         settings or policy file                exit 2, with file, line, reason
    ├── AccessDenied        credential missing, wrong or too weak  401 / 403
    ├── DataDirHeld         another process owns the data          exit 3, says who
    ├── DataDirUnusable     not writable, not a directory          exit 3
    ├── QueryRefused        not a read-only query on our tables    exit 2
    ├── QueryFailed         the engine refused the query           exit 2
    ├── NotFound            asked for something that is not there  exit 1 / 404
    └── WarehouseBusy       refused for now: retry later           429 / 503 / UNAVAILABLE, with a delay
        └── WarehouseUnavailable   cannot be reached               same; the spool takes over
"""

from __future__ import annotations


class SpanledgerError(Exception):
    """Base of every error raised on purpose; ``retryable``: may the same input succeed later?"""

    retryable = False
    exit_code = 1


class BadSpan(SpanledgerError):
    """The sender must fix its data. Becomes OTLP partial success or 400, never a retry."""


class TooLarge(SpanledgerError):
    """A message over the size limit, after decompression. 413 / RESOURCE_EXHAUSTED without RetryInfo."""


class ConfigError(SpanledgerError):
    """A setting or the policy file is wrong; the message names file, line and reason."""

    exit_code = 2


class AccessDenied(SpanledgerError):
    """No credential, a wrong one, or one without the needed role."""

    exit_code = 2


class DataDirHeld(SpanledgerError):
    """Another running instance owns the data directory."""

    exit_code = 3


class DataDirUnusable(SpanledgerError):
    """The data directory cannot be created or written."""

    exit_code = 3


class QueryRefused(SpanledgerError):
    """A statement that is not a read-only query on the caller's tables."""

    exit_code = 2


class QueryFailed(SpanledgerError):
    """The engine refused or aborted the query; the message is the engine's, shortened."""

    exit_code = 2


class NotFound(SpanledgerError):
    """What was asked for does not exist."""


class WarehouseBusy(SpanledgerError):
    """The warehouse refused for now. Becomes HTTP 429/503 or gRPC UNAVAILABLE with a delay."""

    retryable = True
    exit_code = 3

    def __init__(self, message: str = "the warehouse is busy", retry_after_s: float = 1.0) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class WarehouseUnavailable(WarehouseBusy):
    """The warehouse cannot be reached; the collector's spool takes over."""
