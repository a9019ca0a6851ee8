-- The journal of one trace, as trace_entries; without `facts`: a granule of them is ten megabytes.
SELECT
    ts, end_ts, span_id, parent_span_id, project, service, signal, scope, name, dialect, kind, role, status, provider, model, response_id,
    tool_name, tokens_in, tokens_out, safety, attrs
FROM spanledger.spans FINAL
PREWHERE trace_id = toFixedString(unhex({trace:String}), 16)
SETTINGS do_not_merge_across_partitions_select_final = 1
