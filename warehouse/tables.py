"""The Arrow schemas of the tables that the collector and the detectors write; the migrations repeat them, a test compares the two.

``SPANS`` is the journal, ``CONTENTS`` the redacted text, ``CALLS`` the ledger, ``SCORES`` detector results.
``ver`` of journal and contents is 128-bit and made of content (end time, attribute count, payload hash), so that of two versions of a
span the same one wins whatever the order of arrival; ``ver`` of calls is the posting sequence.
"""

from __future__ import annotations

import pyarrow as pa

TS = pa.timestamp("us", tz="UTC")
USD = pa.decimal128(18, 9)
ATTRS = pa.map_(pa.string(), pa.string())

SPANS = pa.schema(
    [
        ("project", pa.string()),
        ("service", pa.string()),
        ("ts", TS),
        ("trace_id", pa.binary(16)),
        ("span_id", pa.binary(8)),
        ("parent_span_id", pa.binary(8)),
        ("end_ts", TS),
        ("signal", pa.string()),
        ("scope", pa.string()),
        ("name", pa.string()),
        ("dialect", pa.string()),
        ("kind", pa.string()),
        ("role", pa.string()),
        ("status", pa.string()),
        ("provider", pa.string()),
        ("model", pa.string()),
        ("response_id", pa.string()),
        ("tool_name", pa.string()),
        ("link", pa.string()),
        ("tenant_hash", pa.string()),
        ("user_hash", pa.string()),
        ("tokens_in", pa.uint32()),
        ("tokens_out", pa.uint32()),
        ("safety", pa.uint16()),
        ("facts", pa.string()),  # JSON of the canonical span: all that posting needs
        ("attrs", ATTRS),
        ("batch", pa.uint64()),  # writer's sequence: which rows are newer than the posting watermark
        ("ver", pa.binary(16)),  # UInt128, little endian
    ]
)

CONTENTS = pa.schema(
    [
        ("project", pa.string()),
        ("service", pa.string()),
        ("ts", TS),
        ("trace_id", pa.binary(16)),
        ("span_id", pa.binary(8)),
        ("kind", pa.string()),
        ("tenant_hash", pa.string()),
        ("user_hash", pa.string()),
        ("prompt_hash", pa.string()),
        ("context_hash", pa.string()),
        ("prompt", pa.string()),  # role-tagged turns, one per line block: "user: …"
        ("response", pa.string()),
        ("context", pa.list_(pa.string())),  # retrieved documents
        ("extra", ATTRS),  # system, tool_input, tool_output, tool_definitions, schema, stack traces
        ("ver", pa.binary(16)),
    ]
)

CALLS = pa.schema(
    [
        ("project", pa.string()),
        ("service", pa.string()),
        ("ts", TS),
        ("trace_id", pa.binary(16)),
        ("span_id", pa.binary(8)),
        ("parent_span_id", pa.binary(8)),
        ("entry_kind", pa.string()),
        ("dialect", pa.string()),
        ("scope", pa.string()),
        ("app_id", pa.string()),
        ("team", pa.string()),
        ("tenant_hash", pa.string()),
        ("env", pa.string()),
        ("region", pa.string()),
        ("device_class", pa.string()),
        ("route", pa.string()),
        ("endpoint", pa.string()),
        ("operation", pa.string()),
        ("provider", pa.string()),
        ("model", pa.string()),
        ("model_requested", pa.string()),
        ("model_tier", pa.string()),
        ("response_id", pa.string()),
        ("request_id", pa.string()),
        ("prompt_id", pa.string()),
        ("prompt_version", pa.string()),
        ("prompt_hash", pa.string()),
        ("response_hash", pa.string()),
        ("context_hash", pa.string()),
        ("user_hash", pa.string()),
        ("session_hash", pa.string()),
        ("billed", pa.bool_()),
        ("outcome", pa.string()),
        ("error_type", pa.string()),
        ("finish_reason", pa.string()),
        ("service_tier", pa.string()),
        ("stream", pa.bool_()),
        ("cache_hit", pa.bool_()),
        ("fallback", pa.bool_()),
        ("retry", pa.uint8()),
        ("circuit_state", pa.string()),
        ("tokens_in", pa.uint32()),
        ("tokens_cache_read", pa.uint32()),
        ("tokens_cache_write", pa.uint32()),
        ("tokens_cache_write_1h", pa.uint32()),
        ("tokens_out", pa.uint32()),
        ("tokens_reasoning", pa.uint32()),
        ("tokens_audio_in", pa.uint32()),
        ("tokens_audio_out", pa.uint32()),
        ("images", pa.uint32()),
        ("audio_seconds", pa.float32()),
        ("characters", pa.uint32()),
        ("usage_source", pa.string()),
        ("latency_ms", pa.float32()),
        ("ttft_ms", pa.float32()),  # nullable
        ("cost_estimate_usd", USD),
        ("cost_in_usd", USD),
        ("cost_cache_read_usd", USD),
        ("cost_cache_write_usd", USD),
        ("cost_out_usd", USD),
        ("cost_other_usd", USD),
        ("cost_supplied_usd", USD),  # nullable
        ("cost_source", pa.string()),
        ("price_id", pa.string()),
        ("biz_metric", pa.map_(pa.string(), pa.float64())),
        ("attrs", ATTRS),
        ("sampling_ratio", pa.float32()),
        ("conflict", pa.uint8()),
        ("safety", pa.uint16()),
        ("safety_types", pa.list_(pa.string())),
        ("tool_calls", pa.uint16()),
        ("members", pa.list_(pa.binary(8))),
        ("ver", pa.uint64()),
        ("is_deleted", pa.uint8()),
    ]
)

SCORES = pa.schema(
    [
        ("project", pa.string()),
        ("service", pa.string()),
        ("ts", TS),  # of the call
        ("trace_id", pa.binary(16)),
        ("span_id", pa.binary(8)),
        ("detector", pa.string()),  # schema, grounding, contradiction, composite
        ("detector_version", pa.string()),
        ("app_id", pa.string()),
        ("team", pa.string()),
        ("tenant_hash", pa.string()),
        ("user_hash", pa.string()),
        ("env", pa.string()),
        ("route", pa.string()),
        ("model", pa.string()),
        ("model_tier", pa.string()),
        ("prompt_id", pa.string()),
        ("prompt_version", pa.string()),
        ("score", pa.float32()),  # nullable: could not be judged
        ("hallucination_score", pa.float32()),  # floored composite, nullable
        ("flagged", pa.bool_()),
        ("label", pa.string()),  # failure class, verdict
        ("reason", pa.string()),  # why null
        ("coverage", pa.list_(pa.string())),  # detectors that ran (composite)
        ("evidence", pa.string()),  # JSON: offsets and scores, never text
        ("scored_at", TS),
        ("ver", pa.uint64()),
    ]
)

BY_NAME = {"spans": SPANS, "contents": CONTENTS, "calls": CALLS, "scores": SCORES}
