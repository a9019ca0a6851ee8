-- Which of these traces an erasure has taken. Params: traces (hexadecimal). Returns: trace, hexadecimal.
SELECT DISTINCT lower(hex(trace_id)) AS trace FROM erased_traces WHERE trace_id IN (SELECT toFixedString(unhex(arrayJoin({traces:Array(String)})), 16))
