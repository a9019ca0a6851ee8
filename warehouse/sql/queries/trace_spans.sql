-- The journal of one trace, as trace_entries; without `facts`: a granule of them is ten megabytes.
-- $beside: what a page does not draw (_trace_spans_beside), or nothing: each column is read in two to five files.
SELECT
    ts, end_ts, span_id, parent_span_id, service, scope, name, dialect, kind, status, model, tokens_in, tokens_out$beside
FROM spanledger.spans FINAL
PREWHERE trace_id = toFixedString(unhex({trace:String}), 16)
SETTINGS do_not_merge_across_partitions_select_final = 1, use_primary_key = 0
