-- Journal rows of whole traces, the winning version of each span.
-- Params: traces Array(String), hexadecimal. Returns the columns that posting needs; ids in hexadecimal, ver as decimal text.
SELECT project, service, toUnixTimestamp64Micro(ts) AS ts_us, lower(hex(trace_id)) AS trace, lower(hex(span_id)) AS span,
       lower(hex(parent_span_id)) AS parent, facts, toString(ver) AS ver
FROM spans FINAL
WHERE trace_id IN (SELECT arrayJoin(arrayMap(x -> toFixedString(unhex(x), 16), {traces:Array(String)})))
SETTINGS do_not_merge_across_partitions_select_final = 1
