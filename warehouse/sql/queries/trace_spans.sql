-- The journal of one trace in order of time, without `facts`: a granule of them is ten megabytes.
SELECT
    e.ts AS ts, e.end_ts AS end_ts, dateDiff('microsecond', e.ts, e.end_ts) / 1000 AS duration_ms,
    lower(hex(e.span_id)) AS span_id, lower(hex(e.parent_span_id)) AS parent_span_id,
    e.project AS project, e.service AS service, e.signal AS signal, e.scope AS scope, e.name AS name, e.dialect AS dialect,
    e.kind AS kind, e.role AS role, e.status AS status, e.provider AS provider, e.model AS model, e.response_id AS response_id,
    e.tool_name AS tool_name, e.tokens_in AS tokens_in, e.tokens_out AS tokens_out, e.safety AS safety, e.attrs AS attrs
FROM spanledger.spans AS e FINAL
PREWHERE e.trace_id = toFixedString(unhex({trace:String}), 16)
ORDER BY ts, end_ts DESC, span_id
SETTINGS do_not_merge_across_partitions_select_final = 1
