"""Calls made up by the engine itself, ten million in a minute; each is a function of its number, there is no other randomness."""

from __future__ import annotations

from datetime import UTC, datetime

from clickhouse_connect.driver.client import Client

START = datetime(2026, 11, 1, tzinfo=UTC)
DAYS = 20

#: One call per ``number`` n of {calls}: 40 apps in 8 teams, 12 models in 3 tiers, 4 routes and 10 prompts an app, 200 k users; ids and
#: hashes are high-entropy; 3 % errors, 8 % cache hits, 0.5 % unpriced. ``span`` shifts ids, so that rows can be re-sent unchanged.
CALLS = """
INSERT INTO spanledger.calls
SELECT 'default' AS project, concat('svc-', toString(app)) AS service,
    toDateTime64('{start}', 6, 'UTC') + toIntervalMicrosecond(intDiv(n * {span_us}, {calls}) + h0 % 1000000) AS ts,
    reinterpretAsFixedString(sipHash128(n)) AS trace_id, reinterpretAsFixedString(h1) AS span_id,
    reinterpretAsFixedString(h2) AS parent_span_id, 'call' AS entry_kind, 'genai' AS dialect,
    'opentelemetry.instrumentation.openai' AS scope, concat('app-', toString(app)) AS app_id, concat('team-', toString(app % 8)) AS team,
    if(app % 5 = 0, lower(hex(sipHash64(app))), '') AS tenant_hash, if(h0 % 10 = 0, 'staging', 'production') AS env,
    ['eu-west-1', 'us-east-1'][1 + app % 2] AS region, '' AS device_class, concat('/api/', toString(app), '/', toString(h0 % 4)) AS route,
    ['/v1/chat/completions', '/v1/responses'][1 + app % 2] AS endpoint, 'chat' AS operation,
    ['openai', 'anthropic', 'google', 'mistral'][1 + m % 4] AS provider, concat('model-', toString(m), '-2026-01') AS model,
    if(h0 % 50 = 0, 'model-auto', model) AS model_requested, ['free/local', 'standard', 'premium'][1 + m % 3] AS model_tier,
    concat('chatcmpl-', substring(base64Encode(unhex(hex(sipHash128(n, 1)))), 1, 20)) AS response_id, '' AS request_id,
    concat('prompt-', toString(app), '-', toString(h1 % 10)) AS prompt_id, toString(1 + (h1 % 10 + intDiv(n * 4, {calls})) % 6) AS prompt_version,
    lower(hex(sipHash64(n, 2))) AS prompt_hash, lower(hex(sipHash64(n, 3))) AS response_hash, '' AS context_hash,
    lower(hex(sipHash64('u', h2 % 200000))) AS user_hash, lower(hex(sipHash64('s', intDiv(n, 5), h2 % 3))) AS session_hash,
    NOT cached AS billed, multiIf(h0 % 100 < 2, 'error', h0 % 100 < 3, 'timeout', 'success') AS outcome,
    if(outcome = 'success', '', concat('E', toString(h0 % 3))) AS error_type, 'stop' AS finish_reason, '' AS service_tier,
    app % 3 = 0 AS stream, h1 % 100 < 8 AS cached, h2 % 100 < 1 AS fallback, if(h2 % 100 < 3, 1, 0) AS retry, '' AS circuit_state,
    toUInt32(200 + h0 % 3000 + if(h1 % 20 = 0, 8000, 0)) AS tokens_in, if(app % 2 = 0, intDiv(tokens_in, 2), 0) AS tokens_cache_read,
    0 AS tokens_cache_write, 0 AS tokens_cache_write_1h, toUInt32(20 + h2 % 600) AS tokens_out, if(m = 3, h1 % 500, 0) AS tokens_reasoning,
    0, 0, 0, 0, 0, if(h0 % 200 = 0, 'missing', 'reported') AS usage_source,
    toFloat32(120 + 900 * pow(h1 % 10007 / 10007, 4) * 30) AS latency_ms, if(app % 3 = 0, toFloat32(latency_ms / 4), NULL) AS ttft_ms,
    cost_in_usd + cost_cache_read_usd + cost_out_usd AS cost_estimate_usd,
    if(priced, toDecimal64((tokens_in - tokens_cache_read) * (1 + m), 9) / 1000000, 0) AS cost_in_usd,
    if(priced, toDecimal64(tokens_cache_read * (1 + m), 9) / 10000000, 0) AS cost_cache_read_usd, 0 AS cost_cache_write_usd,
    if(priced, toDecimal64(tokens_out * (1 + m) * 4, 9) / 1000000, 0) AS cost_out_usd, 0 AS cost_other_usd, NULL AS cost_supplied_usd,
    if(priced, 'computed', 'unpriced') AS cost_source, concat('genai-prices:', model, ':2026-01-15') AS price_id,
    if(h0 % 7 = 0, map('tickets', 1.), map()) AS biz_metric, map('k8s.pod', concat('pod-', toString(h0 % 50)), 'sdk', '1.2') AS attrs,
    1 AS sampling_ratio, 0 AS conflict, 0 AS safety, [] AS safety_types, if(app % 6 = 0, h0 % 3, 0) AS tool_calls,
    [span_id] AS members, {ver} AS ver, 0 AS is_deleted
FROM
(
    SELECT number AS n, sipHash64(n, 10) AS h0, sipHash64(n, 11) AS h1, sipHash64(n, 12) AS h2,
        toUInt32(least(39, 40 * pow(h2 % 65536 / 65536, 1.6))) AS app, (app + h0 % 3) % 12 AS m, NOT (h1 % 1000 < 5) AS priced
    FROM numbers({first}, {count})
    WHERE {where}
)
"""


def fill(client: Client, calls: int, first: int, count: int, *, ver: int = 1, where: str = "1") -> None:
    """Generate calls ``first`` … ``first + count`` of ``calls``."""
    span_us = DAYS * 86_400_000_000
    text = CALLS
    for name, value in {
        "start": START.strftime("%Y-%m-%d 00:00:00"), "span_us": span_us, "calls": calls, "first": first, "count": count, "ver": ver, "where": where,
    }.items():  # fmt: skip
        text = text.replace("{" + name + "}", str(value))
    client.command(text, settings={"max_partitions_per_insert_block": 0, "max_insert_block_size": 1_048_576})
