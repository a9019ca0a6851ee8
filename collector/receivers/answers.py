"""What a receiver says, in OTLP terms: export responses with partial success, ``google.rpc.Status`` with retry advice.

Sources: opentelemetry-proto docs/specification.md; google/rpc/{code,status,error_details}.proto.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import grpc
from google.protobuf.json_format import MessageToJson
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceResponse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from collector.intake import Receipt, Signal
from spanledger.errors import AccessDenied, BadSpan, SpanledgerError, TooLarge, WarehouseBusy, WarehouseUnavailable

_RESPONSE: Final = {"traces": ExportTraceServiceResponse, "logs": ExportLogsServiceResponse, "metrics": ExportMetricsServiceResponse}
_REJECTED: Final = {"traces": "rejected_spans", "logs": "rejected_log_records", "metrics": "rejected_data_points"}


def success(signal: Signal, receipt: Receipt) -> Message:
    """Export response; ``partial_success`` only where something was rejected."""
    response = _RESPONSE[signal]()
    if receipt.rejected:
        setattr(response.partial_success, _REJECTED[signal], receipt.rejected)
        response.partial_success.error_message = receipt.message
    return response


@dataclass(frozen=True, slots=True)
class Refusal:
    """An error in both protocols' terms. ``retry_s``: when to come back; ``None`` = never."""

    http: int
    grpc: grpc.StatusCode
    message: str
    retry_s: float | None = None

    @property
    def retry_after(self) -> str:
        """``Retry-After`` in whole seconds, at least one."""
        return str(max(1, math.ceil(self.retry_s or 0)))

    def status(self) -> status_pb2.Status:
        """``google.rpc.Status`` with ``RetryInfo`` (come back) or ``BadRequest`` (mend your data)."""
        status = status_pb2.Status(code=self.grpc.value[0], message=self.message)
        if self.retry_s is not None:
            advice = error_details_pb2.RetryInfo()
            advice.retry_delay.FromNanoseconds(int(self.retry_s * 1e9))
            status.details.add().Pack(advice)
        elif self.http == 400:
            bad = error_details_pb2.BadRequest()
            bad.field_violations.add(field="body", description=self.message)
            status.details.add().Pack(bad)
        return status


def refusal(error: BaseException) -> Refusal:
    """An exception of the intake as a refusal; what we do not know is ``UNAVAILABLE``: the sender keeps its data and tries again."""
    code = grpc.StatusCode
    match error:
        case TooLarge():
            return Refusal(413, code.RESOURCE_EXHAUSTED, str(error))
        case BadSpan():
            return Refusal(400, code.INVALID_ARGUMENT, str(error))
        case AccessDenied():
            return Refusal(401, code.UNAUTHENTICATED, str(error))
        case WarehouseUnavailable():
            return Refusal(503, code.UNAVAILABLE, str(error), error.retry_after_s)
        case WarehouseBusy():
            return Refusal(429 if "queue" in str(error) else 503, code.UNAVAILABLE, str(error), error.retry_after_s)
        case SpanledgerError():
            return Refusal(503, code.UNAVAILABLE, str(error), 1)
        case _:
            return Refusal(503, code.UNAVAILABLE, "the collector could not process this export", 1)


def to_json(message: Message) -> bytes:
    """A response body for a JSON request."""
    return MessageToJson(message, indent=None).encode()
