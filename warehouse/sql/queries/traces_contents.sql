-- Redacted texts of some traces in order of time. Params: traces (hexadecimal), rows.
SELECT e.ts AS ts, lower(hex(e.trace_id)) AS trace_id, lower(hex(e.span_id)) AS span_id, e.kind AS kind, e.prompt AS prompt,
    e.response AS response, e.context AS context
FROM spanledger.contents AS e FINAL
PREWHERE e.trace_id IN (SELECT toFixedString(unhex(arrayJoin({traces:Array(String)})), 16))
ORDER BY ts, trace_id, span_id
LIMIT {rows:UInt32}
SETTINGS do_not_merge_across_partitions_select_final = 1
