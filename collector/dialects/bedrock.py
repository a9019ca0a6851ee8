"""Amazon Bedrock through botocore's official instrumentation: input leaves cached tokens out; messages arrive as log events; no response id."""

from __future__ import annotations

from collector.dialects.table import Dialect

_SCOPES = (
    "opentelemetry.instrumentation.botocore.bedrock-runtime",
    "@opentelemetry/instrumentation-aws-sdk",
    "opentelemetry.instrumentation.genai.bedrock*",
)

BEDROCK = Dialect(
    name="botocore",
    scopes=_SCOPES,
    marks=("aws.bedrock.*",),
    fields={"request_id": ("aws.request_id",), "http_status": ("http.status_code",), "endpoint": ("rpc.method",)},
    exclusive_input=_SCOPES,
    authority=3,
)
