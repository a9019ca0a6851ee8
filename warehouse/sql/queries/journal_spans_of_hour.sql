-- Journal rows that start in [since, until), the winning version of each span; columns as journal_spans_of_traces.
-- Params: since, until DateTime64(6, 'UTC').
SELECT project, service, toUnixTimestamp64Micro(ts) AS ts_us, lower(hex(trace_id)) AS trace, lower(hex(span_id)) AS span,
       lower(hex(parent_span_id)) AS parent, facts, toString(ver) AS ver
FROM spans FINAL
WHERE ts >= {since:DateTime64(6, 'UTC')} AND ts < {until:DateTime64(6, 'UTC')}
SETTINGS do_not_merge_across_partitions_select_final = 1
