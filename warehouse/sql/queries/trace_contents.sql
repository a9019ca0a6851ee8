-- Redacted texts of one trace in order of time.
SELECT e.ts AS ts, lower(hex(e.span_id)) AS span_id, e.kind AS kind, e.prompt AS prompt, e.response AS response, e.context AS context,
    e.extra AS extra
FROM spanledger.contents AS e FINAL
PREWHERE e.trace_id = toFixedString(unhex({trace:String}), 16)
ORDER BY ts, span_id
SETTINGS do_not_merge_across_partitions_select_final = 1
